package engine_test

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/peer"
)

// onEach runs a benchmark on SQLite and on a PostgreSQL that syncs each commit.
func onEach(b *testing.B, bench func(b *testing.B, w *world)) {
	b.Run("sqlite", func(b *testing.B) { bench(b, newWorld(b, "sqlite:"+filepath.Join(b.TempDir(), "florin.db"))) })
	b.Run("postgres", func(b *testing.B) { bench(b, newWorld(b, peer.PostgresDurable(b))) })
}

// manyOrders makes n orders over a few USD, by 64 callers at once.
func (w *world) manyOrders(n int) []payment.Order {
	w.t.Helper()
	orders := make([]payment.Order, n)
	var callers sync.WaitGroup
	for c := range 64 {
		callers.Go(func() {
			for i := c; i < n; i += 64 {
				price, err := money.ParsePrice("USD", fmt.Sprint(10+i%90))
				if err != nil {
					w.t.Error(err)
					return
				}
				number := fmt.Sprintf("%d-%d", w.orders, i)
				orders[i], _, err = w.engine.CreateOrder(w.ctx, w.app, engine.NewOrder{
					Number: number, Reference: number, RequestHash: number, Price: price, Policy: policy,
				})
				if err != nil {
					w.t.Error(err)
					return
				}
			}
		})
	}
	callers.Wait()
	w.orders++
	return orders
}

// BenchmarkP15_Expire ends 10,000 orders that nobody chose an asset for.
func BenchmarkP15_Expire(b *testing.B) {
	onEach(b, func(b *testing.B, w *world) {
		const orders = 10_000
		for range b.N {
			b.StopTimer()
			w.manyOrders(orders)
			w.clock.Advance(time.Hour)
			b.StartTimer()
			for done := 0; done < orders; {
				n, err := w.engine.ExpireOnce(w.ctx, 500)
				w.must(err)
				done += n
			}
		}
		b.ReportMetric(float64(orders)*float64(b.N)/b.Elapsed().Seconds(), "orders/s")
	})
}

// BenchmarkP14_Settle connects a block with 100 payments that confirms them, and settles their orders.
func BenchmarkP14_Settle(b *testing.B) {
	onEach(b, func(b *testing.B, w *world) {
		const payments = 100
		for range b.N {
			b.StopTimer()
			for _, o := range w.manyOrders(payments) {
				v := w.choose(o, usdt)
				w.pay(v, v.Due)
			}
			w.mine(2)
			w.clock.Advance(time.Second)
			w.must(w.network.Mine(w.ctx, 1))
			b.StartTimer()
			_, err := w.followers[0].RunOnce(w.ctx)
			w.must(err)
			n, err := w.engine.SettleOnce(w.ctx, "bench", payments)
			w.must(err)
			if n != payments {
				b.Fatalf("settled %d orders", n)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/block")
	})
}
