package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/google/go-cmp/cmp"

	"florin/internal/payment"
	"florin/internal/store"
	"florin/internal/store/query"
)

// exec runs raw SQL that must work.
func (w *world) exec(statement string) {
	w.Helper()
	if _, err := Raw(w.T, w.url).ExecContext(w.ctx, statement); err != nil {
		w.Fatalf("%s: %v", statement, err)
	}
}

// refusedRaw runs raw SQL that the database must refuse, saying why.
func (w *world) refusedRaw(statement, why string) {
	w.Helper()
	_, err := Raw(w.T, w.url).ExecContext(w.ctx, statement)
	if err == nil || !strings.Contains(err.Error(), why) {
		w.Errorf("%s: %v, want %q", statement, err, why)
	}
}

const maxUint256 = "115792089237316195423570985008687907853269984665640564039457584007913129639935"

func largeAmounts(w *world) {
	for i, units := range []string{"0", "9007199254740993", "9223372036854775807", "9223372036854775808", "18446744073709551616", maxUint256} {
		id := fmt.Sprint(i)
		row := anOrder(id, id)
		row.PriceUnits, row.DueUnits, row.ReceivedUnits, row.LateUnits, row.ReversedUnits = units, units, units, units, units
		row.CreatedAt, row.Deadline = 9007199254740993, 9223372036854775807
		account := query.BalanceParams{Kind: "k", Owner: id, Asset: "a/0"}
		check := func(q *query.Queries) error {
			o, err := q.Order(w.ctx, id)
			if err != nil {
				return err
			}
			b, err := q.Balance(w.ctx, account)
			if err != nil {
				return err
			}
			for _, kept := range []string{o.PriceUnits, o.DueUnits, o.ReceivedUnits, o.LateUnits, o.ReversedUnits, b.DebitUnits, b.CreditUnits} {
				if kept != units {
					return fmt.Errorf("%s came back as %s", units, kept)
				}
			}
			if o.CreatedAt != row.CreatedAt || o.Deadline != row.Deadline {
				return fmt.Errorf("times came back as %d and %d", o.CreatedAt, o.Deadline)
			}
			return nil
		}
		w.must(key, func(ctx context.Context, tx *store.Tx) error {
			if err := tx.InsertOrder(ctx, row); err != nil {
				return err
			}
			if err := tx.OpenBalance(ctx, query.OpenBalanceParams(account)); err != nil {
				return err
			}
			if err := tx.UpdateBalance(ctx, query.UpdateBalanceParams{Kind: account.Kind, Owner: account.Owner, Asset: account.Asset,
				DebitUnits: units, CreditUnits: units}); err != nil {
				return err
			}
			return check(tx.Queries)
		})
		if err := check(w.db.Queries); err != nil {
			w.Error(err)
		}
	}
}

func oddAmounts(w *world) {
	for _, units := range []string{"", " ", "-1", "+1", "1.5", "1e5", "0x1", " 1", "1 ", "1_000", "٣", "NaN", "1\n"} {
		row := anOrder("o", "o")
		row.DueUnits = units
		err := w.db.Update(w.ctx, key, func(ctx context.Context, tx *store.Tx) error { return tx.InsertOrder(ctx, row) })
		if err == nil {
			w.Errorf("an order of %q units was kept", units)
			return
		}
	}
	w.must(key, func(ctx context.Context, tx *store.Tx) error { return tx.InsertOrder(ctx, anOrder("o", "o")) })
}

// exactColumns admits text, whole numbers, truth values and bytes, in SQLite under STRICT, which keeps them so. Text is
// compared byte by byte: PostgreSQL joins columns of two collations without their indexes.
func exactColumns(w *world) {
	if found := w.looseColumns(); found != "" {
		w.Errorf("columns that may change what they keep:\n%s", found)
	}
	w.exec("CREATE TABLE loose (amount NUMERIC)")
	if found := w.looseColumns(); !strings.Contains(found, "loose.amount") {
		w.Errorf("a loose column is not found: %q", found)
	}
}

func (w *world) looseColumns() string {
	exact := `SELECT table_name || '.' || column_name || ' ' || data_type FROM information_schema.columns WHERE table_schema = 'public'
		AND (data_type NOT IN ('text', 'bigint', 'boolean', 'bytea') OR data_type = 'text' AND collation_name IS DISTINCT FROM 'C')
		AND table_name <> 'goose_db_version' ORDER BY 1`
	if isSQLite(w.url) {
		exact = `SELECT t.name || '.' || c.name || ' ' || c.type || CASE t.strict WHEN 1 THEN '' ELSE ', not STRICT' END
			FROM pragma_table_list AS t, pragma_table_info(t.name) AS c
			WHERE (t.strict = 0 OR c.type NOT IN ('TEXT', 'INTEGER', 'BLOB')) AND t.name NOT LIKE 'sqlite_%' AND t.name <> 'goose_db_version'
			ORDER BY 1`
	}
	var found []string
	rows, err := Raw(w.T, w.url).QueryContext(w.ctx, exact)
	if err != nil {
		w.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var column string
		if err := rows.Scan(&column); err != nil {
			w.Fatal(err)
		}
		found = append(found, column)
	}
	if err := rows.Err(); err != nil {
		w.Fatal(err)
	}
	return strings.Join(found, "\n")
}

// kept names the tables where nothing is changed or removed.
var kept = map[string]string{"entries": "ref", "postings": "units", "events": "doc", "attempts": "error", "seals": "hash",
	"outgoing_txs": "txid", "nonces": "outgoing_id", "approvals": "approver"}

func appendOnly(w *world) {
	Fill(w.T, w.db)
	before := Dump(w.T, w.url)
	for table, column := range kept {
		if !strings.Contains(before, "\n"+table+" ") {
			w.Errorf("%s holds no row to attack", table)
		}
		attacks := []string{
			"UPDATE " + table + " SET " + column + " = " + column,
			"UPDATE " + table + " SET " + column + " = 'forged'",
			"DELETE FROM " + table,
		}
		if isSQLite(w.url) {
			attacks = append(attacks, "REPLACE INTO "+table+" SELECT * FROM "+table, "UPDATE OR REPLACE "+table+" SET "+column+" = 'forged'")
		} else {
			attacks = append(attacks, "TRUNCATE "+table, "TRUNCATE "+table+" CASCADE")
		}
		for _, attack := range attacks {
			w.refusedRaw(attack, table+" is append-only")
		}
	}
	if after := Dump(w.T, w.url); after != before {
		w.Errorf("the attacks left traces:\n%s", cmp.Diff(before, after))
	}
	// An ordinary table is not guarded, so it was the guard that refused.
	w.exec("UPDATE settings SET value = 'new'")
	w.exec("DELETE FROM settings")
}

// put writes an order in state, by the steps that are allowed.
func (w *world) put(id string, state payment.OrderState) {
	w.Helper()
	o := anOrder(id, id)
	if state == payment.OrderStanding || state == payment.OrderClosed {
		o.State = string(payment.OrderStanding)
	}
	w.must(key, func(ctx context.Context, tx *store.Tx) error { return tx.InsertOrder(ctx, o) })
	if string(state) != o.State {
		w.exec(fmt.Sprintf("UPDATE orders SET state = '%s' WHERE id = '%s'", state, id))
	}
}

var states = []payment.OrderState{payment.OrderOpen, payment.OrderPaid, payment.OrderExpired, payment.OrderStanding, payment.OrderClosed}

func steps(w *world) {
	for _, before := range states {
		for _, after := range append(states, "refunded", "") {
			id := fmt.Sprintf("%s-%s", before, after)
			w.put(id, before)
			step := fmt.Sprintf("UPDATE orders SET state = '%s' WHERE id = '%s'", after, id)
			if before.MayBecome(after) {
				w.exec(step)
			} else {
				w.refusedRaw(step, "may not")
			}
		}
		if before != payment.OrderOpen && before != payment.OrderStanding {
			id := "born-" + string(before)
			w.refusedRaw(fmt.Sprintf(`INSERT INTO orders SELECT '%s', merchant_id, app_id, '%s', '', '%s', label, home_id, request_hash, notify_url, return_url,
				product_name, product_image, product_description, price_currency, price_units, policy, '%s', asset, due_units, rate, usd, address,
				received_units, late_units, reversed_units, refunded_units, last_txid, created_at, deadline, paid_at, changed_at, version
				FROM orders WHERE id = 'open-open'`, id, id, id, before), "begins open")
		}
	}
}

// payoutSteps takes every step between two states of a payout by raw SQL: what happens is what the table of payment allows.
func payoutSteps(w *world) {
	all := payment.PayoutStates()
	for _, before := range all {
		id := "p-" + string(before)
		insert := fmt.Sprintf(`INSERT INTO outgoing (id, kind, merchant_id, app_id, number, reference, request_hash, order_id, desk_id, asked_by, notify_url, extra, chain,
			asset, units, recipient, coin, fee_cap_units, sender, approval, held_until, digest, state, reason, nonce, txid, block_height, fee_units,
			created_at, changed_at, version, due_at, attempts, lease_owner, leased_until, fence)
			VALUES ('%s', 'payout', 'm', 'a', '%s', '', '', '', '', '', '', '', 'c', 'USDT@c/6', '1', 'r', 'C@c/18', '1', 's', FALSE, 0, '', '%s', '', -1, '', 0, '0',
			0, 0, 1, 0, 0, '', 0, 0)`, id, id, before)
		if isSQLite(w.url) {
			insert = strings.Replace(insert, "FALSE, 0, '', ", "FALSE, 0, x'', ", 1)
		}
		if before != payment.PayoutHeld && before != payment.PayoutReady {
			w.refusedRaw(insert, "begins held or ready")
			continue
		}
		w.exec(insert)
	}
	for _, path := range [][]payment.PayoutState{
		{payment.PayoutHeld}, {payment.PayoutReady}, {payment.PayoutNumbered}, {payment.PayoutSent}, {payment.PayoutPaid},
	} {
		now := path[0]
		if now != payment.PayoutHeld && now != payment.PayoutReady {
			w.exec(fmt.Sprintf("UPDATE outgoing SET state = '%s' WHERE id = 'p-ready'", now))
		}
		id := "p-ready"
		if now == payment.PayoutHeld {
			id = "p-held"
		}
		for _, next := range all {
			if !now.MayBecome(next) {
				w.refusedRaw(fmt.Sprintf("UPDATE outgoing SET state = '%s' WHERE id = '%s'", next, id), "may not")
			}
		}
	}
}

// deskSteps takes every step between two states of a row of the exception desk by raw SQL, and changes what it is about:
// a row is decided about once, unless the refund that it went out with was not made, and says for ever what it holds.
func deskSteps(w *world) {
	decided := []payment.Resolution{payment.Attached, payment.Credited, payment.Refunded, payment.WrittenOff, payment.Swept, payment.Returned}
	may := map[string]string{"refunded": "open void", "swept": "void"}
	state := func(name string) string {
		if name == "open" || name == "void" {
			return fmt.Sprintf("status = '%s', resolution = ''", name)
		}
		return fmt.Sprintf("status = 'resolved', resolution = '%s'", name)
	}
	names := []string{"open", "void"}
	for _, r := range decided {
		names = append(names, string(r))
	}
	const columns = `(id, chain, txid, position, order_id, merchant_id, app_id, reason, asset, units, held, status, resolution, attached_to,
		outgoing_id, resolved_by, note, act, claimed_at, created_at, closed_at, version)`
	row := func(id, status string) string {
		return fmt.Sprintf(`INSERT INTO desk %s VALUES ('%s', 'c', '%s', 'native', 'o', 'm', 'a', 'late', 'USDT@c/6', '5', '5', '%s', '', '', '', '', '', '', 0, 0, 0, 1)`,
			columns, id, id, status)
	}
	for _, before := range names {
		for _, after := range names {
			id := before + "-" + after
			w.exec(row(id, "open"))
			if before != "open" {
				w.exec(fmt.Sprintf("UPDATE desk SET %s WHERE id = '%s'", state(before), id))
			}
			step := fmt.Sprintf("UPDATE desk SET %s WHERE id = '%s'", state(after), id)
			if before == after || before == "open" || strings.Contains(may[before], after) {
				w.exec(step)
			} else {
				w.refusedRaw(step, "may not")
			}
		}
	}
	w.refusedRaw(row("born", "resolved"), "begins open")
	w.exec(row("kept", "open"))
	for _, column := range []string{"held", "units", "asset", "order_id", "merchant_id", "reason", "txid"} {
		w.refusedRaw(fmt.Sprintf("UPDATE desk SET %s = '7' WHERE id = 'kept'", column), "does not change")
	}
	w.refusedRaw("DELETE FROM desk WHERE id = 'kept'", "append-only")
	// A transfer is at the desk once, as long as it stands.
	again := strings.Replace(row("again", "open"), "'again', 'native'", "'kept', 'native'", 1)
	w.refusedRaw(again, "desk")
	w.exec("UPDATE desk SET status = 'void' WHERE id = 'kept'")
	w.exec(again) // the control
}

// randomSteps takes random steps, through the store and past it: what happens is what the table of payment allows.
func randomSteps(w *world) {
	rnd := rand.New(rand.NewPCG(11, 0))
	raw := Raw(w.T, w.url)
	for i := range 10 {
		id := fmt.Sprint("o", i)
		w.put(id, payment.OrderOpen)
		now := payment.OrderOpen
		for range 12 {
			next := states[rnd.IntN(len(states))]
			var err error
			if rnd.IntN(2) == 0 {
				_, err = raw.ExecContext(w.ctx, fmt.Sprintf("UPDATE orders SET state = '%s', version = version + 1 WHERE id = '%s'", next, id))
			} else {
				err = w.db.Update(w.ctx, key, func(ctx context.Context, tx *store.Tx) error {
					o, err := tx.LockOrder(ctx, id)
					if err != nil {
						return err
					}
					return tx.UpdateOrder(ctx, query.UpdateOrderParams{ID: id, State: string(next), Asset: o.Asset, DueUnits: o.DueUnits, Rate: o.Rate,
						ReceivedUnits: o.ReceivedUnits, LateUnits: o.LateUnits, ReversedUnits: o.ReversedUnits, RefundedUnits: o.RefundedUnits})
				})
			}
			if (err == nil) != now.MayBecome(next) {
				w.Fatalf("from %s to %s: %v", now, next, err)
			}
			if err == nil {
				now = next
			}
			if o, err := w.db.Order(w.ctx, id); err != nil || o.State != string(now) {
				w.Fatalf("the order is %s, not %s: %v", o.State, now, err)
			}
		}
	}
}
