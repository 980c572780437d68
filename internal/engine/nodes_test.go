package engine_test

import (
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"florin/internal/chain"
	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/peer"
	"florin/internal/store"
)

// node is one process of the program among several on one PostgreSQL database.
type node struct {
	name      string
	db        *store.DB
	engine    *engine.Engine
	followers []*chain.Follower // of both networks
}

// onPostgres runs test on a PostgreSQL database, whose rows it may read and write with SQL of its own.
func onPostgres(t *testing.T, test func(t *testing.T, w *world)) {
	t.Parallel()
	test(t, newWorld(t, peer.Postgres(t)))
}

// first is the world's own process.
func (w *world) first() *node { return &node{"first", w.db, w.engine, w.followers} }

// another starts one more process on the world's database.
func (w *world) another(name string) *node {
	w.t.Helper()
	db, err := store.Open(w.ctx, w.url, store.Options{Serve: true})
	w.must(err)
	w.t.Cleanup(db.Close)
	n := &node{name: name, db: db}
	n.engine, n.followers = w.engineOn(db)
	return n
}

// sql opens a connection of the test's own.
func (w *world) sql() *outside {
	w.t.Helper()
	conn, err := pgx.Connect(w.ctx, w.url)
	w.must(err)
	w.t.Cleanup(func() { conn.Close(w.ctx) })
	return &outside{conn, w}
}

// outside is a connection to the world's database that the program knows nothing of.
type outside struct {
	*pgx.Conn
	w *world
}

func (o *outside) exec(statements ...string) {
	o.w.t.Helper()
	for _, text := range statements {
		_, err := o.Exec(o.w.ctx, text)
		o.w.must(err)
	}
}

// count returns the one number that a query answers.
func (o *outside) count(text string) (n int) {
	o.w.t.Helper()
	o.w.must(o.QueryRow(o.w.ctx, text).Scan(&n))
	return n
}

// between runs do while work waits to read a table.
func (w *world) between(table string, work func() error, do func(o *outside)) {
	w.t.Helper()
	o := w.sql()
	o.exec("BEGIN", "LOCK TABLE "+table+" IN ACCESS EXCLUSIVE MODE")
	done := make(chan error)
	go func() { done <- work() }()
	watch := w.sql()
	peer.Eventually(w.t, peer.Patience, func() error {
		if watch.count("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = '"+table+"'::regclass") == 0 {
			return errors.New("nobody waits to read " + table)
		}
		return nil
	})
	do(o)
	o.exec("COMMIT")
	w.must(<-done)
}

// TestM09_W06_OneReferenceOnTwoNodes asks two processes for the same orders, many times at once, while others ask for
// something else under their references: one order is made for each, and everybody is told of it, or refused.
func TestM09_W06_OneReferenceOnTwoNodes(t *testing.T) {
	onPostgres(t, func(t *testing.T, w *world) {
		nodes := []*node{w.first(), w.another("second")}
		price, err := money.ParsePrice("USD", "15")
		w.must(err)
		const references, callers = 4, 50
		var mu sync.Mutex
		answers := make([]map[string]map[string]bool, references) // by request
		var asking sync.WaitGroup
		for r := range references {
			answers[r] = map[string]map[string]bool{"same": {}, "other": {}}
			for c := range callers {
				asking.Go(func() {
					n := engine.NewOrder{Number: fmt.Sprintf("%d-%d", r, c), Reference: fmt.Sprint(r), RequestHash: "same", Price: price, Policy: policy, Extra: "{}"}
					if c%10 == 9 {
						n.RequestHash = "other"
					}
					o, _, err := nodes[c%2].engine.CreateOrder(w.ctx, w.app, n)
					mu.Lock()
					defer mu.Unlock()
					answers[r][n.RequestHash][fmt.Sprint(o.ID, err)] = true
				})
			}
		}
		asking.Wait()
		for r, answer := range answers {
			if len(answer["same"]) != 1 || len(answer["other"]) != 1 || maps.Equal(answer["same"], answer["other"]) {
				t.Errorf("reference %d was answered %v", r, answer)
			}
		}
		o := w.sql()
		for _, table := range []string{"orders", "order_extra", "events", "unsealed"} {
			if n := o.count("SELECT count(*) FROM " + table); n != references {
				t.Errorf("%d rows of %s, want %d", n, table, references)
			}
		}
	})
}

// TestC08_ABranchNeverConfirmsWhatStoodOnAnother lets a longer branch, without the payment, come between what settling
// reads: the payment had two of three confirmations, and the other branch is high enough for three.
func TestC08_ABranchNeverConfirmsWhatStoodOnAnother(t *testing.T) {
	onPostgres(t, func(t *testing.T, w *world) {
		v := w.choose(w.order("15"), usdt)
		w.pay(v, v.Due)
		w.mine(2)
		settle := func() error {
			_, err := w.engine.SettleOnce(w.ctx, "test", 1)
			return err
		}
		o := w.sql()
		o.exec("INSERT INTO order_work SELECT order_id, merchant_id, 1, 0, 0, '', 0 FROM transfers")
		w.between("chains", settle, func(o *outside) {
			o.exec("UPDATE transfers SET removed = TRUE", "UPDATE order_work SET generation = generation + 1",
				"UPDATE chains SET height = height + 1, hash = 'another branch' WHERE name = 'sim-ethereum'")
		})
		if got := w.view(v.Order); got.State != payment.OrderOpen || !got.Received.IsZero() {
			t.Errorf("the order is %s and has received %v of a transfer that was on no branch of three blocks", got.State, got.Received)
		}
		o.exec("UPDATE transfers SET removed = FALSE", "UPDATE order_work SET due_at = 0, leased_until = 0")
		w.must(settle()) // the control: a transfer of this branch is confirmed
		if got := w.view(v.Order).State; got != payment.OrderPaid {
			t.Errorf("with the transfer on the new branch the order is %s", got)
		}
		w.verify()
	})
}

// TestC27_ABranchNeverExpiresWhatIsOnTimeOnAnother takes away the blocks past an order's deadline between what expiry
// reads: the branch that comes instead may hold its payment.
func TestC27_ABranchNeverExpiresWhatIsOnTimeOnAnother(t *testing.T) {
	onPostgres(t, func(t *testing.T, w *world) {
		v := w.choose(w.order("15"), usdt)
		w.clock.Advance(time.Hour)
		w.must(w.network.Mine(w.ctx, 1))
		_, err := w.followers[0].RunOnce(w.ctx)
		w.must(err)
		expire := func() error {
			_, err := w.engine.ExpireOnce(w.ctx, 1)
			return err
		}
		w.between("transfers", expire, func(o *outside) {
			o.exec("UPDATE chains SET block_time = block_time - 3600000000 WHERE name = 'sim-ethereum'")
		})
		if got := w.view(v.Order).State; got != payment.OrderOpen {
			t.Errorf("the order is %s, and its chain is not past the deadline", got)
		}
		w.sql().exec("UPDATE chains SET block_time = block_time + 3600000000 WHERE name = 'sim-ethereum'")
		w.must(expire()) // the control: it is past the deadline again
		if got := w.view(v.Order).State; got != payment.OrderExpired {
			t.Errorf("past the deadline the order is %s", got)
		}
	})
}
