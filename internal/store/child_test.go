package store_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"florin/internal/store"
)

// childURL makes this binary a child instead of a test: a process that serves the database it names. With childLies it
// acknowledges what is not durable yet.
const (
	childURL  = "FLORIN_STORE_CHILD"
	childLies = "FLORIN_STORE_CHILD_LIES"
)

func TestMain(m *testing.M) {
	if url := os.Getenv(childURL); url != "" {
		if err := serveOrders(url); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// serveOrders makes orders as fast as it can and prints the id of each once it was acknowledged, until its input ends.
func serveOrders(url string) error {
	ctx := context.Background()
	db, err := store.Open(ctx, url, store.Options{Serve: true})
	if err != nil {
		return err
	}
	fmt.Println("serving")
	var stop atomic.Bool
	go func() { _, _ = io.Copy(io.Discard, os.Stdin); stop.Store(true) }()
	var all sync.WaitGroup
	var said sync.Mutex
	say := func(words ...any) {
		said.Lock()
		defer said.Unlock()
		fmt.Println(words...)
	}
	lies := os.Getenv(childLies) != ""
	for c := range 16 {
		all.Go(func() {
			for n := 0; !stop.Load(); n++ {
				id := fmt.Sprintf("ord_%d_%02d_%08d", os.Getpid(), c, n)
				if lies {
					say(id)
				}
				err := db.Update(ctx, strconv.Itoa(c), func(ctx context.Context, tx *store.Tx) error {
					return create(ctx, tx, id, new(int64))
				})
				if err != nil {
					say("error:", err)
				} else if !lies {
					say(id)
				}
			}
		})
	}
	all.Wait()
	db.Close()
	return nil
}

// child is a process that serves orders.
type child struct {
	*exec.Cmd
	said  *bufio.Scanner
	input io.Closer
}

// serve starts a child. It dies with this process.
func serve(t *testing.T, url string, env ...string) *child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{Cmd: exec.Command(self)}
	c.Env = append(append(os.Environ(), childURL+"="+url), env...)
	c.Stderr = os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.said = bufio.NewScanner(out)
	if c.input, err = c.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	runtime.LockOSThread() // Pdeathsig looks at the thread that started the child
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
		runtime.UnlockOSThread()
	})
	return c
}

// line is the next thing the child says; "" once it has ended.
func (c *child) line(t *testing.T) string {
	t.Helper()
	late := time.AfterFunc(5*time.Minute, func() { _ = c.Process.Kill() })
	defer late.Stop()
	if !c.said.Scan() {
		return ""
	}
	return c.said.Text()
}

// rest is what the child still says until it ends.
func (c *child) rest(t *testing.T) []string {
	t.Helper()
	var lines []string
	for {
		line := c.line(t)
		if line == "" {
			return lines
		}
		lines = append(lines, line)
	}
}
