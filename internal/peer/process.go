package peer

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a program we started and its log.
type process struct {
	cmd  *exec.Cmd
	log  string
	done chan struct{} // closed when it has ended
}

// start runs cmd in a process group of its own, its output in the file log, and has the kernel send it onDeath when the
// test binary is gone, by whatever way.
func start(cmd *exec.Cmd, log string, onDeath syscall.Signal) (*process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	cmd.SysProcAttr.Pdeathsig = onDeath
	p := &process{cmd: cmd, log: log, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The kernel's "parent" is the thread that forked, so this one has to live as long as the child.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how a killed server ends tells nothing
			close(p.done)
		}
	}()
	return p, <-started
}

// ready polls ok until it answers nil or the process has ended.
func (p *process) ready(limit time.Duration, ok func() error) error {
	ended := false
	err := poll(limit, func() error {
		select {
		case <-p.done:
			ended = true
			return nil
		default:
			return ok()
		}
	})
	if ended {
		err = errors.New("it ended")
	}
	if err != nil {
		return fmt.Errorf("%s did not get ready: %w\n%s", filepath.Base(p.cmd.Path), err, p.lastLines())
	}
	return nil
}

// end sends signal and waits. Whoever has not followed it within a minute is killed with its group: that takes a busy
// machine's time into account, for a node that is killed may have lost its last blocks.
func (p *process) end(signal syscall.Signal) {
	_ = p.cmd.Process.Signal(signal)
	select {
	case <-p.done:
	case <-time.After(time.Minute):
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		<-p.done
	}
}

// children lists the processes whose parent is p.
func (p *process) children() []int {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	var found []int
	for _, stat := range stats {
		text, err := os.ReadFile(stat)
		if err != nil {
			continue // it has just ended
		}
		// "pid (name) state parent …", where the name may hold anything
		_, rest, _ := strings.Cut(string(text[strings.LastIndexByte(string(text), ')')+1:]), " ")
		fields := strings.Fields(rest)
		if len(fields) > 1 && fields[1] == strconv.Itoa(p.cmd.Process.Pid) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(stat)))
			found = append(found, pid)
		}
	}
	return found
}

func (p *process) lastLines() string {
	text, _ := os.ReadFile(p.log)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-15):], "\n")
}

// removeAtExit removes folder once the test binary is gone: a server all tests of it share has no test that ends it.
// A shell waits for the end of its input, whose other end is the Closer, and then for the server's pidFile to go.
func removeAtExit(folder, pidFile string) (io.Closer, error) {
	const script = `cat; n=0; while [ -e "$1/$2" ] && [ $n -lt 50 ]; do n=$((n+1)); sleep 0.1; done; rm -rf "$1"`
	guard := exec.Command("/bin/sh", "-c", script, "remove-at-exit", folder, pidFile)
	guard.Dir = "/"
	guard.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a ^C at the terminal is not for it
	input, err := guard.StdinPipe()
	if err != nil {
		return nil, err
	}
	return input, guard.Start()
}
