package store_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"florin/internal/peer"
	"florin/internal/store"
	"florin/internal/store/query"
)

// callers is how many goroutines make orders at once.
const callers = 64

// BenchmarkDoor makes orders (order, document, first event, unsealed row) through the write door, and beside it the two things it is
// measured against: the same statements one by one with a savepoint around each update, and a floor that commits one row
// an update in groups. Both databases sync each commit. "cpu-us/op" is the processor time of this process and of the
// database's, which a busy machine disturbs less than the rate.
//
//	go test -run '^$' -bench Door -benchtime 20000x -count 3 ./internal/store
func BenchmarkDoor(b *testing.B) {
	b.Run("sqlite/door", func(b *testing.B) {
		door(b, "sqlite:"+filepath.Join(b.TempDir(), "florin.db"), 0, own)
	})
	b.Run("sqlite/savepoints", func(b *testing.B) { savepoints(b, sqliteAlone(b)) })
	b.Run("sqlite/floor", func(b *testing.B) { spent, commit := sqliteFloor(b); floor(b, spent, commit) })
	for _, writers := range []int{1, 2, 4} {
		b.Run(fmt.Sprintf("postgres/door-%d", writers), func(b *testing.B) {
			dsn := peer.PostgresDurable(b)
			door(b, dsn, writers, processor(b, dsn))
		})
	}
	b.Run("postgres/savepoints", func(b *testing.B) { savepoints(b, postgresAlone(b)) })
	b.Run("postgres/floor", func(b *testing.B) { spent, commit := postgresFloor(b); floor(b, spent, commit) })
}

// door makes b.N orders through DB.Update.
func door(b *testing.B, url string, writers int, spent func() time.Duration) {
	ctx := context.Background()
	db, err := store.Open(ctx, url, store.Options{Serve: true, Writers: writers})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	race(b, spent, func(n int) error {
		id := fmt.Sprintf("ord_%026d", n)
		var inserted int64
		err := db.Update(ctx, id, func(ctx context.Context, tx *store.Tx) error {
			return create(ctx, tx, id, &inserted)
		})
		if err == nil && inserted != 1 {
			return fmt.Errorf("%d orders inserted", inserted)
		}
		return err
	})
}

const anApp = "app_00000000000000000000000001"

// create is an order's creation.
func create(ctx context.Context, tx *store.Tx, id string, inserted *int64) error {
	return tx.InsertNewOrder(ctx, orderRow(id), orderExtra, firstEvent(id), inserted)
}

// createPlainly is the same, statement by statement.
func createPlainly(ctx context.Context, q *query.Queries, id string) error {
	event := firstEvent(id)
	return errors.Join(
		q.InsertOrder(ctx, orderRow(id)),
		q.InsertOrderExtra(ctx, query.InsertOrderExtraParams{OrderID: id, Doc: orderExtra}),
		q.InsertEvent(ctx, event),
		q.InsertUnsealed(ctx, query.InsertUnsealedParams{Ref: event.ID, Kind: "event"}),
	)
}

func orderRow(id string) query.InsertOrderParams {
	return query.InsertOrderParams{
		ID: id, MerchantID: "mer_00000000000000000000000001", AppID: anApp, Number: number(id),
		Reference: "A-" + id, RequestHash: "9c56cc51b374c3ba189210d5b6d4bf57790d351c96c47c02190ecf1e430635ab",
		NotifyUrl: "https://shop.example/notify?order=" + id, ReturnUrl: "https://shop.example/return?order=" + id,
		ProductName: "Coffee", PriceCurrency: "USD", PriceUnits: "15000000000000000000",
		Policy: `{"late":"credit","quote_places":8,"life":{"default":1800,"min":60,"max":604800},"fee_bps":3,"tell":["payment.paid"]}`,
		State:  "open", DueUnits: "0", ReceivedUnits: "0", LateUnits: "0", ReversedUnits: "0",
		CreatedAt: 1773747180000000, Deadline: 1773748980000000, ChangedAt: 1773747180000000,
	}
}

const orderExtra = `{"amount":"15.00"}`

func firstEvent(id string) query.InsertEventParams {
	return query.InsertEventParams{
		ID: "evt_" + id[4:], Kind: "order.created", OrderID: id, MerchantID: "mer_00000000000000000000000001", AppID: anApp,
		Sequence: 1, At: 1773747180000000,
		Doc: `{"number":"20260317","reference":"A-","state":"open","currency":"USD","price":"15000000000000000000","due":"0","received":"0","late":"0","reversed":"0","created_at":1773747180000000,"deadline":1773748980000000}`,
	}
}

// number is what a payer sees of the order: the second it was made in, and digits nobody can guess.
func number(id string) string {
	h := fnv.New64a()
	h.Write([]byte(id))                                                        // never fails
	return fmt.Sprintf("20260317%s%018x", id[len(id)-10:len(id)-4], h.Sum64()) // 10,000 orders a second
}

// race has all callers make order 1 to b.N, and reports the rate and the processor time of one.
func race(b *testing.B, spent func() time.Duration, order func(n int) error) {
	b.Helper()
	var next atomic.Int64
	var all sync.WaitGroup
	before := spent()
	b.ResetTimer()
	for range callers {
		all.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				if err := order(int(n)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "orders/s")
	b.ReportMetric(float64((spent()-before).Microseconds())/float64(b.N), "cpu-us/op")
}
