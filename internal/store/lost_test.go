package store_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"florin/internal/peer"
	"florin/internal/store"
	"florin/internal/store/query"
	"florin/internal/store/storetest"
)

// cut says where a connection is to be lost next.
type cut int32

const (
	nowhere      cut = iota
	afterCommit      // PostgreSQL has committed and its answer is lost
	beforeCommit     // what the program sends is lost
	inBetween        // half of what the program sends is lost
)

// proxy stands between the program and PostgreSQL and cuts the connections.
type proxy struct {
	target string
	net.Listener
	next atomic.Int32
	cuts [4]atomic.Int64
}

// between starts a proxy in front of dsn and returns the DSN that goes through it.
func between(t *testing.T, dsn string) (*proxy, string) {
	t.Helper()
	parsed, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{target: parsed.Host, Listener: l}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go p.pass(client)
		}
	}()
	t.Cleanup(func() { _ = l.Close() })
	parsed.Host = l.Addr().String()
	return p, parsed.String()
}

// now reports whether this is the place to cut, once.
func (p *proxy) now(place cut) bool {
	if !p.next.CompareAndSwap(int32(place), int32(nowhere)) {
		return false
	}
	p.cuts[place].Add(1)
	return true
}

// pass carries one connection until it is cut.
func (p *proxy) pass(client net.Conn) {
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		_ = client.Close()
		return
	}
	end := func() { _ = client.Close(); _ = server.Close() }
	defer end()
	var ready atomic.Bool // the connection has begun: only now it may be cut
	go func() {
		defer end()
		buf := make([]byte, 64<<10)
		for {
			n, err := client.Read(buf)
			if err != nil || ready.Load() && p.now(beforeCommit) {
				return
			}
			if ready.Load() && p.now(inBetween) {
				_, _ = server.Write(buf[:n/2])
				return
			}
			if _, err := server.Write(buf[:n]); err != nil {
				return
			}
		}
	}()
	// The server's messages: a type, a length that counts itself, a body.
	message := make([]byte, 5, 64<<10)
	for {
		if _, err := io.ReadFull(server, message[:5]); err != nil {
			return
		}
		message = append(message[:5], make([]byte, binary.BigEndian.Uint32(message[1:5])-4)...)
		if _, err := io.ReadFull(server, message[5:]); err != nil {
			return
		}
		if message[0] == 'C' && strings.HasPrefix(string(message[5:]), "COMMIT") && p.now(afterCommit) {
			return
		}
		if _, err := client.Write(message); err != nil {
			return
		}
		if message[0] == 'Z' {
			ready.Store(true)
		}
	}
}

// TestS06_CommitOutcomeUnknown loses the connection around COMMIT, over and over, under load.
func TestS06_CommitOutcomeUnknown(t *testing.T) {
	t.Parallel()
	cuts := times(100, 10_000)
	t.Run("the reference decides: nothing lost, nothing doubled", func(t *testing.T) {
		dsn := peer.Postgres(t)
		acked, unknown, failed := losing(t, dsn, cuts, func(ctx context.Context, tx *store.Tx, id string) error {
			_, err := tx.OrderByReference(ctx, query.OrderByReferenceParams{AppID: anApp, Reference: "A-" + id})
			if !errors.Is(err, store.ErrNotFound) {
				return err // the first run happened, or a fault
			}
			return create(ctx, tx, id, new(int64))
		})
		// A busy machine may not be connected again within a group's time: then the answer is an honest
		// error, and the merchant asks again with its reference.
		there := orders(t, storetest.Raw(t, dsn))
		for id, err := range failed {
			if there[id] {
				t.Errorf("order %s is there: %v", id, err)
			}
		}
		t.Logf("%d orders made, %d of unknown fate, %d not made", len(acked), len(unknown), len(failed))
		audit(t, dsn, acked)
	})
	t.Run("writes that do not look: an error never says that nothing happened", func(t *testing.T) {
		dsn := peer.Postgres(t)
		acked, unknown, failed := losing(t, dsn, cuts, func(ctx context.Context, tx *store.Tx, id string) error {
			return create(ctx, tx, id, new(int64))
		})
		there := orders(t, storetest.Raw(t, dsn))
		for id, err := range failed {
			if there[id] {
				t.Errorf("order %s is there: %v", id, err)
			}
		}
		t.Logf("%d orders made, %d of unknown fate", len(acked), len(unknown))
		audit(t, dsn, acked)
	})
	t.Run("without a reference there are doubles", func(t *testing.T) { // the negative control
		dsn := peer.Postgres(t)
		var runs atomic.Int64
		acked, _, _ := losing(t, dsn, 20, func(ctx context.Context, tx *store.Tx, id string) error {
			return create(ctx, tx, id+"-"+strconv.FormatInt(runs.Add(1), 10), new(int64))
		})
		storetest.Open(t, dsn)
		if there := orders(t, storetest.Raw(t, dsn)); len(there) <= len(acked) {
			t.Errorf("%d orders made, %d there: no commit was repeated", len(acked), len(there))
		}
	})
}

// losing makes orders through a proxy until it has cut so many times. It returns which orders were acknowledged, the
// commits of unknown outcome, and the orders that were not made.
func losing(t *testing.T, dsn string, cuts int, makeOrder func(ctx context.Context, tx *store.Tx, id string) error) (acked []string, unknown []error, failed map[string]error) {
	t.Helper()
	p, through := between(t, dsn)
	db := storetest.Open(t, through)
	failed = map[string]error{}
	var stop atomic.Bool
	var mu sync.Mutex // guards the results
	var all sync.WaitGroup
	for c := range 16 {
		all.Go(func() {
			for n := 0; !stop.Load(); n++ {
				id := fmt.Sprintf("ord_%02d_%08d", c, n)
				err := db.Update(context.Background(), id, func(ctx context.Context, tx *store.Tx) error { return makeOrder(ctx, tx, id) })
				mu.Lock()
				switch {
				case err == nil:
					acked = append(acked, id)
				case errors.Is(err, store.ErrUnknown):
					unknown = append(unknown, err)
				default:
					failed[id] = err
				}
				mu.Unlock()
			}
		})
	}
	for i := range cuts {
		p.next.Store(int32(1 + i%3))
		peer.Eventually(t, peer.Patience, func() error {
			if p.next.Load() != int32(nowhere) {
				return errors.New("no connection was cut")
			}
			return nil
		})
	}
	stop.Store(true)
	all.Wait()
	db.Close()
	t.Logf("cut %d times after COMMIT, %d before, %d in between", p.cuts[afterCommit].Load(), p.cuts[beforeCommit].Load(), p.cuts[inBetween].Load())
	return acked, unknown, failed
}

// audit checks that each acknowledged order is there, and each order once and whole.
func audit(t *testing.T, dsn string, acked []string) {
	t.Helper()
	there := orders(t, storetest.Raw(t, dsn))
	for _, id := range acked {
		if !there[id] {
			t.Errorf("%s was acknowledged and is gone", id)
		}
	}
	if len(acked) == 0 {
		t.Error("nothing was acknowledged")
	}
}

// TestS06_ServerKilled kills PostgreSQL itself. A merchant that got no answer asks again with its reference.
func TestS06_ServerKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server := peer.PostgresAt(t, dir)
	db := storetest.Open(t, server.DSN)
	var stop atomic.Bool
	var made, again atomic.Int64
	acked := make([][]string, 16)
	var all sync.WaitGroup
	for c := range acked {
		all.Go(func() {
			for n := 0; !stop.Load(); n++ {
				id := fmt.Sprintf("ord_%02d_%08d", c, n)
				for {
					err := db.Update(context.Background(), id, func(ctx context.Context, tx *store.Tx) error {
						_, err := tx.OrderByReference(ctx, query.OrderByReferenceParams{AppID: anApp, Reference: "A-" + id})
						if !errors.Is(err, store.ErrNotFound) {
							return err
						}
						return create(ctx, tx, id, new(int64))
					})
					if err == nil {
						break
					}
					again.Add(1)
					if stop.Load() {
						return
					}
				}
				acked[c] = append(acked[c], id)
				made.Add(1)
			}
		})
	}
	for range 3 {
		before := made.Load()
		peer.Eventually(t, peer.Patience, func() error {
			if n := made.Load() - before; n < 200 {
				return fmt.Errorf("%d orders since the server is back", n)
			}
			return nil
		})
		kill(t, server, dir)
		server.Start()
	}
	stop.Store(true)
	all.Wait()
	var ids []string
	for _, of := range acked {
		ids = append(ids, of...)
	}
	t.Logf("%d orders made; %d times a merchant had to ask again", len(ids), again.Load())
	audit(t, server.DSN, ids)
}

// kill is kill -9 of the server, and waits until none of its processes holds its memory. A stopped postmaster starts no
// process that Kill would not know of.
func kill(t *testing.T, server *peer.PostgresServer, dir string) {
	t.Helper()
	pid, _, _ := strings.Cut(string(read(t, filepath.Join(dir, "postmaster.pid"))), "\n")
	postmaster, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(postmaster, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	var backends []string
	processes, _ := os.ReadDir("/proc")
	for _, p := range processes {
		if s := stat(p.Name()); len(s) > 1 && s[1] == pid {
			backends = append(backends, p.Name())
		}
	}
	server.Kill()
	peer.Eventually(t, peer.Patience, func() error {
		for _, b := range backends {
			if s := stat(b); len(s) > 0 && s[0] != "Z" {
				return fmt.Errorf("process %s still lives", b)
			}
		}
		return nil
	})
}
