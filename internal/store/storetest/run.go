package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"florin/internal/peer"
	"florin/internal/store"
	"florin/internal/store/query"
)

// Run has the engine do all that a store must do.
func Run(t *testing.T, e Engine) {
	for name, test := range map[string]func(*world){
		"an update is durable and visible":                     durable,
		"a transaction reads its own writes":                   ownWrites,
		"a refusal takes back its own writes alone":            refusal,
		"a failing statement is nobody else's trouble":         failingStatement,
		"a failing read is nobody else's trouble":              failingRead,
		"many failing statements are nobody else's trouble":    manyFailing,
		"a panic is its own update's":                          panicking,
		"a caller that leaves while it waits has done nothing": leavingEarly,
		"a caller that leaves inside a group harms nobody":     leavingLate,
		"a caller that has left already does nothing":          leftBefore,
		"a counted write says how many rows it touched":        counting,
		"new orders go together":                               newOrders,
		"a new order that fails is nobody else's trouble":      failingOrders,
		"updates of one key keep their order":                  keepingOrder,
		"a row is locked by its version":                       lockedRows,
		"too many waiting updates are refused":                 busy,
		"closing waits for what has begun":                     closing,
		"reading queries do not write":                         readersDoNotWrite,
		"a snapshot is of one moment":                          oneMoment,
		"text that one engine cannot hold is refused":          oddText,
		"M10 the largest amounts are kept to the last digit":   largeAmounts,
		"M10 an amount that is no digits is refused":           oddAmounts,
		"M10 no column turns a number into another":            exactColumns,
		"M07 raw SQL changes nothing that was booked or told":  appendOnly,
		"M11 raw SQL takes no step that is not in the table":   steps,
		"M11 random steps":                                     randomSteps,
		"I11 raw SQL takes no odd step of a payout":            payoutSteps,
		"I04 raw SQL decides about a desk row once":            deskSteps,
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{T: t, ctx: context.Background(), url: e.New(t)}
			w.db = Open(t, w.url)
			test(w)
		})
	}
}

// world is one test's database.
type world struct {
	*testing.T
	ctx context.Context
	url string
	db  *store.DB
}

type change = func(context.Context, *store.Tx) error

// merchant is the update that inserts a merchant. Its id is unique: a second one fails.
func merchant(id string) change {
	return func(ctx context.Context, tx *store.Tx) error {
		return tx.InsertMerchant(ctx, query.InsertMerchantParams{ID: id, Name: "Shop " + id})
	}
}

func (w *world) must(key string, fn change) {
	w.Helper()
	if err := w.db.Update(w.ctx, key, fn); err != nil {
		w.Fatal(err)
	}
}

// merchants checks which of the ids are there.
func (w *world) merchants(want map[string]bool) {
	w.Helper()
	for id, there := range want {
		_, err := w.db.Merchant(w.ctx, id)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			w.Fatal(err)
		}
		if (err == nil) != there {
			w.Errorf("merchant %s is there: %v, want %v", id, err == nil, there)
		}
	}
}

const key = "one key, one writer"

// gate keeps the writer of key busy until the returned function is called: what comes meanwhile goes as one group.
func (w *world) gate() (open func()) {
	w.Helper()
	var once sync.Once
	began, opened, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- w.db.Update(w.ctx, key, func(context.Context, *store.Tx) error {
			once.Do(func() { close(began) })
			<-opened
			return nil
		})
	}()
	<-began
	let := sync.OnceFunc(func() { close(opened) })
	w.Cleanup(let) // also when the test has failed: closing waits for the writer
	return func() {
		w.Helper()
		let()
		if err := <-ended; err != nil {
			w.Error(err)
		}
	}
}

// join has an update wait for the writer of key, behind those before it, and returns where its outcome will be.
func (w *world) join(ctx context.Context, fn change) <-chan error {
	w.Helper()
	before := w.db.Waiting()
	done := make(chan error, 1)
	go func() { done <- w.db.Update(ctx, key, fn) }()
	w.waiting(before + 1)
	return done
}

func (w *world) waiting(n int) {
	w.Helper()
	peer.Eventually(w.T, 10*time.Second, func() error {
		if found := w.db.Waiting(); found != n {
			return fmt.Errorf("%d updates are waiting, not %d", found, n)
		}
		return nil
	})
}

// group runs the changes in one group and returns their outcomes.
func (w *world) group(changes ...change) []error {
	w.Helper()
	open := w.gate()
	var done []<-chan error
	for _, fn := range changes {
		done = append(done, w.join(w.ctx, fn))
	}
	open()
	errs := make([]error, len(changes))
	for i := range done {
		errs[i] = <-done[i]
	}
	return errs
}
