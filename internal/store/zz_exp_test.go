package store_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"florin/internal/peer"
)

func orderArgs(id string) []any {
	return []any{id, "mer_00000000000000000000000001", "app_00000000000000000000000001", "20260317" + id[4:],
		"A-" + id, "9c56cc51b374c3ba189210d5b6d4bf57790d351c96c47c02190ecf1e430635ab",
		"https://shop.example/notify?order=" + id, "https://shop.example/return?order=" + id,
		"Coffee", "", "", "USD", "15000000000000000000",
		`{"late":"credit","quote_places":8,"life":{"default":1800,"min":60,"max":604800},"fee_bps":3,"tell":["payment.paid"]}`,
		"open", "", "0", "", "0", "0", "0", "", int64(1773747180000000), int64(1773748980000000), int64(0), int64(1773747180000000)}
}

const cols = `id, merchant_id, app_id, number, reference, request_hash, notify_url, return_url,
    product_name, product_image, product_description, price_currency, price_units, policy, state, asset,
    due_units, rate, received_units, late_units, reversed_units, last_txid, created_at, deadline, paid_at, changed_at, version`

const eventDoc = `{"number":"20260317","reference":"A-","state":"open","currency":"USD","price":"15000000000000000000","due":"0","received":"0","late":"0","reversed":"0","created_at":1773747180000000,"deadline":1773748980000000}`

func BenchmarkExp(b *testing.B) {
	ctx := context.Background()
	var ps []string
	for i := 1; i <= 26; i++ {
		ps = append(ps, fmt.Sprintf("$%d", i))
	}
	insOrder := "INSERT INTO orders (" + cols + ") VALUES (" + strings.Join(ps, ",") + ",1) ON CONFLICT (app_id, reference) DO NOTHING"
	insOrderPlain := "INSERT INTO orders (" + cols + ") VALUES (" + strings.Join(ps, ",") + ",1)"
	evt := `INSERT INTO events (id, kind, order_id, merchant_id, app_id, at, doc) SELECT $1, $2, o.id, o.merchant_id, o.app_id, $3, $4 FROM orders AS o WHERE o.id = $5`
	uns := `INSERT INTO unsealed (ref, kind) SELECT id, $1 FROM events WHERE id = $2`
	cte := "WITH o AS (" + insOrder + " RETURNING id, merchant_id, app_id), e AS (INSERT INTO events (id, kind, order_id, merchant_id, app_id, at, doc) SELECT $27, $28, o.id, o.merchant_id, o.app_id, $29, $30 FROM o RETURNING id) INSERT INTO unsealed (ref, kind) SELECT id, 'event' FROM e"
	type mode struct {
		name string
		q    func(bt *pgx.Batch, all []*ticket)
	}
	one := func(f func(bt *pgx.Batch, id string)) func(bt *pgx.Batch, all []*ticket) {
		return func(bt *pgx.Batch, all []*ticket) {
			for _, t := range all {
				f(bt, fmt.Sprintf("ord_%026d", t.n))
			}
		}
	}
	order := func(bt *pgx.Batch, id string) { bt.Queue(insOrder, orderArgs(id)...) }
	event := func(bt *pgx.Batch, id string) {
		bt.Queue(evt, "evt_"+id[4:], "order.created", int64(1773747180000000), eventDoc, id)
	}
	unseal := func(bt *pgx.Batch, id string) { bt.Queue(uns, "event", "evt_"+id[4:]) }
	types := strings.Repeat("text ", 22) + strings.Repeat("bigint ", 4)
	var un, un2 []string
	for i, t := range strings.Fields(types) {
		un = append(un, fmt.Sprintf("$%d::%s[]", i+1, t))
		un2 = append(un2, fmt.Sprintf("c%d", i+1))
	}
	bulkOrder := "INSERT INTO orders (" + cols + ") SELECT " + strings.Join(un2, ",") + ",1 FROM unnest(" + strings.Join(un, ",") + ") AS u(" + strings.Join(un2, ",") + ") ON CONFLICT (app_id, reference) DO NOTHING"
	bulkEvt := `INSERT INTO events (id, kind, order_id, merchant_id, app_id, at, doc) SELECT u.id, u.kind, o.id, o.merchant_id, o.app_id, u.at, u.doc FROM unnest($1::text[],$2::text[],$3::bigint[],$4::text[],$5::text[]) AS u(id,kind,at,doc,oid) JOIN orders AS o ON o.id = u.oid`
	bulkUns := `INSERT INTO unsealed (ref, kind) SELECT e.id, u.kind FROM unnest($1::text[],$2::text[]) AS u(kind,id) JOIN events e ON e.id=u.id`
	for _, m := range []mode{
		{"empty3", one(func(bt *pgx.Batch, id string) {
			bt.Queue("SELECT 1")
			bt.Queue("SELECT 1")
			bt.Queue("SELECT 1")
		})},
		{"order", one(order)},
		{"orderplain", one(func(bt *pgx.Batch, id string) { bt.Queue(insOrderPlain, orderArgs(id)...) })},
		{"order+event", one(func(bt *pgx.Batch, id string) { order(bt, id); event(bt, id) })},
		{"three", one(func(bt *pgx.Batch, id string) { order(bt, id); event(bt, id); unseal(bt, id) })},
		{"threevalues", one(func(bt *pgx.Batch, id string) {
			order(bt, id)
			bt.Queue("INSERT INTO events (id, kind, order_id, merchant_id, app_id, at, doc) VALUES ($1,$2,$3,$4,$5,$6,$7)", "evt_"+id[4:], "order.created", id, "mer_00000000000000000000000001", "app_00000000000000000000000001", int64(1773747180000000), eventDoc)
			bt.Queue("INSERT INTO unsealed (ref, kind) VALUES ($1,$2)", "evt_"+id[4:], "event")
		})},
		{"cte", one(func(bt *pgx.Batch, id string) {
			bt.Queue(cte, append(orderArgs(id), "evt_"+id[4:], "order.created", int64(1773747180000000), eventDoc)...)
		})},
		{"bulk", func(bt *pgx.Batch, all []*ticket) {
			text := make([][]string, 22)
			ints := make([][]int64, 4)
			var ev [5][]string
			var at []int64
			for _, t := range all {
				id := fmt.Sprintf("ord_%026d", t.n)
				for i, a := range orderArgs(id) {
					if i < 22 {
						text[i] = append(text[i], a.(string))
					} else {
						ints[i-22] = append(ints[i-22], a.(int64))
					}
				}
				ev[0] = append(ev[0], "evt_"+id[4:])
				ev[1] = append(ev[1], "order.created")
				ev[2] = append(ev[2], eventDoc)
				ev[3] = append(ev[3], id)
				ev[4] = append(ev[4], "event")
				at = append(at, 1773747180000000)
			}
			var args []any
			for _, t := range text {
				args = append(args, t)
			}
			for _, t := range ints {
				args = append(args, t)
			}
			bt.Queue(bulkOrder, args...)
			bt.Queue(bulkEvt, ev[0], ev[1], at, ev[2], ev[3])
			bt.Queue(bulkUns, ev[4], ev[0])
		}},
	} {
		b.Run(m.name, func(b *testing.B) {
			dsn := peer.PostgresDurable(b)
			made(b, dsn)
			conn := connect(b, dsn)
			if s := os.Getenv("EXPSQL"); s != "" {
				if _, err := conn.Exec(ctx, s); err != nil {
					b.Fatal(err)
				}
			}
			floor(b, processor(b, dsn), func(all []*ticket) error {
				bt := &pgx.Batch{}
				bt.Queue("BEGIN")
				m.q(bt, all)
				bt.Queue("COMMIT")
				return conn.SendBatch(ctx, bt).Close()
			})
		})
	}
}
