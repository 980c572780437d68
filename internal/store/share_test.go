package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"florin/internal/peer"
	"florin/internal/store"
	"florin/internal/store/query"
	"florin/internal/store/storetest"
)

// TestS11_TwoServers starts two processes that serve one SQLite file.
func TestS11_TwoServers(t *testing.T) {
	url := storetest.SQLite.New(t)
	refused := func(when string) {
		t.Helper()
		second := serve(t, url)
		if said := second.line(t); !strings.Contains(said, "another process serves") {
			t.Errorf("%s a second server said %q", when, said)
		}
		if _, err := store.Open(context.Background(), url, store.Options{Serve: true}); !errors.Is(err, store.ErrServed) {
			t.Errorf("%s: %v", when, err)
		}
	}
	first := serve(t, url)
	if said := first.line(t); said != "serving" {
		t.Fatalf("the first server said %q", said)
	}
	refused("beside a busy server")
	signal(t, first, syscall.SIGSTOP)
	refused("beside a stopped server")
	signal(t, first, syscall.SIGCONT)
	for range 100 { // it goes on as if nothing had been
		if said := first.line(t); !strings.HasPrefix(said, "ord_") {
			t.Fatalf("the first server said %q", said)
		}
	}
	signal(t, first, syscall.SIGKILL)
	first.rest(t)
	third := serve(t, url)
	if said := third.line(t); said != "serving" {
		t.Errorf("after the death of the first, a server said %q", said)
	}
}

func signal(t *testing.T, c *child, s os.Signal) {
	t.Helper()
	if err := c.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// TestS11_CommandBesideServer writes from a command while a server is busy: both get on, and the command waits for a group
// or two.
func TestS11_CommandBesideServer(t *testing.T) {
	url := storetest.SQLite.New(t)
	server := serve(t, url)
	if said := server.line(t); said != "serving" {
		t.Fatalf("the server said %q", said)
	}
	made := make(chan int)
	go func() {
		n := 0
		for _, said := range server.rest(t) {
			if !strings.HasPrefix(said, "ord_") {
				t.Errorf("the server said %q", said)
			}
			n++
		}
		made <- n
	}()
	var opening, waits []time.Duration
	for i := range 10 {
		began := time.Now()
		db, err := store.Open(context.Background(), url, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		opening = append(opening, time.Since(began))
		for j := range 5 {
			began := time.Now()
			if err := db.Update(context.Background(), "", func(ctx context.Context, tx *store.Tx) error {
				return tx.InsertMerchant(ctx, query.InsertMerchantParams{ID: fmt.Sprint(i, "-", j)})
			}); err != nil {
				t.Fatal(err)
			}
			waits = append(waits, time.Since(began))
		}
		db.Close()
	}
	if err := server.input.Close(); err != nil {
		t.Fatal(err)
	}
	orders := <-made
	slices.Sort(waits)
	slices.Sort(opening)
	t.Logf("opening took %v (median), an update %v (median) and %v (longest); the server made %d orders meanwhile",
		opening[len(opening)/2], waits[len(waits)/2], waits[len(waits)-1], orders)
	if longest := waits[len(waits)-1]; longest > 20*time.Second { // milliseconds on a quiet machine
		t.Errorf("a command waited %v for its turn", longest)
	}
	if orders < 50 {
		t.Errorf("the server made %d orders beside the commands", orders)
	}
}

// TestGroupsEndInTime has somebody else hold what a group needs: it gives up after its 5 seconds, and its callers earlier
// if they like.
func TestGroupsEndInTime(t *testing.T) {
	ctx := context.Background()
	for _, e := range storetest.Engines() {
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			url := e.New(t)
			db := storetest.Open(t, url)
			touch := func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.TakeAddressIndex(ctx, "m")
				return err
			}
			if err := db.Update(ctx, "m", func(ctx context.Context, tx *store.Tx) error {
				return tx.InsertMerchant(ctx, query.InsertMerchantParams{ID: "m"})
			}); err != nil {
				t.Fatal(err)
			}
			release := hold(t, url)
			began := time.Now()
			stuck := make(chan error, 1)
			go func() { stuck <- db.Update(ctx, "m", touch) }()
			hurry, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
			defer cancel()
			if e.Name == "sqlite" { // the file's turn is waited for outside of the group
				if err := db.Update(hurry, "m", touch); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 4*time.Second {
					t.Errorf("a caller in a hurry: %v after %v", err, time.Since(began))
				}
			}
			if err := <-stuck; err == nil || errors.Is(err, store.ErrUnknown) {
				t.Errorf("an update that could not be: %v", err)
			}
			if took := time.Since(began); took < 4*time.Second || took > store.GroupLimit+time.Minute {
				t.Errorf("it took %v", took)
			}
			if e.Name == "postgres" { // one member waits for a locked row: the others do not pay for it
				besideStuck(t, db, touch)
			}
			release()
			if err := db.Update(ctx, "m", touch); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

// besideStuck runs an update that cannot be in one group with two that can.
func besideStuck(t *testing.T, db *store.DB, stuck func(context.Context, *store.Tx) error) {
	t.Helper()
	ctx := context.Background()
	insert := func(id string) func(context.Context, *store.Tx) error {
		return func(ctx context.Context, tx *store.Tx) error {
			return tx.InsertMerchant(ctx, query.InsertMerchantParams{ID: id})
		}
	}
	began, gate := make(chan struct{}), make(chan struct{})
	open := sync.OnceFunc(func() { close(gate) })
	defer open()
	first := make(chan error, 1)
	go func() {
		first <- db.Update(ctx, "m", func(context.Context, *store.Tx) error {
			close(began)
			<-gate
			return nil
		})
	}()
	<-began
	var done []chan error
	for i, fn := range []func(context.Context, *store.Tx) error{insert("a"), stuck, insert("b")} {
		done = append(done, make(chan error, 1))
		go func() { done[i] <- db.Update(ctx, "m", fn) }()
		peer.Eventually(t, peer.Patience, func() error {
			if n := db.Waiting(); n != i+1 {
				return fmt.Errorf("%d updates wait, not %d", n, i+1)
			}
			return nil
		})
	}
	open()
	if err := <-first; err != nil {
		t.Error(err)
	}
	for i := range done {
		if err := <-done[i]; (err != nil) != (i == 1) || errors.Is(err, store.ErrUnknown) {
			t.Errorf("update %d beside one that waits for a lock: %v", i, err)
		}
	}
}

// hold takes what an update of merchant m needs: the SQLite file's turn, or PostgreSQL's row.
func hold(t *testing.T, url string) (release func()) {
	t.Helper()
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		f, err := os.Open(path + ".turn")
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
			t.Fatal(err)
		}
		return func() { _ = f.Close() }
	}
	tx, err := storetest.Raw(t, url).Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec("UPDATE merchants SET name = 'held' WHERE id = 'm'"); err != nil {
		t.Fatal(err)
	}
	return func() { _ = tx.Rollback() }
}
