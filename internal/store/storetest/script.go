package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"florin/internal/store"
	"florin/internal/store/query"
)

// Fill writes some rows into every table, the same each time.
func Fill(t testing.TB, db *store.DB) {
	t.Helper()
	Script(t, db, 1, 3000)
}

// Script runs n random updates made of every generated query, and returns what each answered. The same seed asks the
// same of every engine, so the answers and what is left behind must be the same (threats S15). A query that is added
// later takes part by itself.
func Script(t testing.TB, db *store.DB, seed uint64, n int) string {
	t.Helper()
	s := &script{rnd: rand.New(rand.NewPCG(seed, 15))}
	ctx := context.Background()
	for i := range n {
		calls := s.calls()
		fmt.Fprintf(&s.said, "%d\n", i)
		if s.rnd.IntN(4) == 0 {
			for _, c := range calls {
				s.call(ctx, db.Queries, c)
			}
			continue
		}
		refuse := s.rnd.IntN(8) == 0
		err := db.Update(ctx, "script", func(ctx context.Context, tx *store.Tx) error {
			for _, c := range calls {
				s.call(ctx, tx.Queries, c)
			}
			s.newOrders(ctx, tx)
			s.connected(ctx, tx)
			if refuse {
				return errRefused
			}
			return nil
		})
		if err != nil {
			s.made = [3]int64{} // means nothing
		}
		fmt.Fprintf(&s.said, "  = %s %v\n", outcome(err), s.made)
	}
	return s.said.String()
}

type script struct {
	rnd  *rand.Rand
	said strings.Builder
	made [3]int64 // which new orders of the update were inserted
}

// call is one query with its arguments.
type call struct {
	name string
	args []reflect.Value
}

var queries = reflect.TypeFor[*query.Queries]()

// calls makes up the queries of one update.
func (s *script) calls() []call {
	var all []call
	for range 1 + s.rnd.IntN(4) {
		m := queries.Method(s.rnd.IntN(queries.NumMethod()))
		if m.Name == "WithTx" {
			continue
		}
		c := call{name: m.Name}
		for i := 2; i < m.Type.NumIn(); i++ { // after the receiver and the context
			c.args = append(c.args, s.value(m.Name, m.Type.In(i)))
		}
		all = append(all, c)
	}
	return all
}

// value makes up an argument, from so few values that rows meet.
func (s *script) value(name string, of reflect.Type) reflect.Value {
	v := reflect.New(of).Elem()
	switch of.Kind() {
	case reflect.Struct:
		for i := range of.NumField() {
			v.Field(i).Set(s.value(of.Field(i).Name, of.Field(i).Type))
		}
	case reflect.String:
		v.SetString(s.text(name))
	case reflect.Int64:
		v.SetInt(pick[int64](s, 0, 1, 2, 3, 4, 5, 9007199254740993))
	case reflect.Int32: // a LIMIT
		v.SetInt(pick[int64](s, 1, 2, 50))
	case reflect.Bool:
		v.SetBool(s.rnd.IntN(2) == 0)
	case reflect.Slice:
		v.SetBytes(pick(s, []byte{}, []byte("body"), []byte{0, 0xff}, nil))
	default:
		panic(fmt.Sprintf("the script knows no values of %v", of))
	}
	return v
}

func pick[T any](s *script, from ...T) T { return from[s.rnd.IntN(len(from))] }

// text makes up a text for a parameter by its name.
func (s *script) text(name string) string {
	if s.rnd.IntN(200) == 0 {
		return pick(s, "\x00", "a\xff", strings.Repeat("long ", 1000))
	}
	switch {
	case strings.HasSuffix(name, "Units"), name == "Held":
		return pick(s, "0", "1", "15", "9007199254740993", "9223372036854775808", maxUint256)
	case name == "State":
		return pick(s, "open", "open", "open", "paid", "expired", "odd", "held", "ready", "numbered", "sent", "failed")
	case name == "Kind":
		return pick(s, "a", "b", "payout", "sweep", "entry", "event")
	case name == "Purpose":
		return pick(s, "pay", "cancel", "odd")
	case name == "Status":
		return pick(s, "waiting", "delivered", "superseded", "seen", "confirmed", "dropped", "resolved", "void", "done", "odd")
	case name == "Side":
		return pick(s, "debit", "credit", "debit", "credit", "odd")
	case name == "Booked":
		return pick(s, "", "merchant", "suspense", "odd")
	}
	return pick(s, "a", "b", "c", "B", "Z", "_", "é", "日本", "", "it's")
}

func (s *script) call(ctx context.Context, q *query.Queries, c call) {
	results := reflect.ValueOf(q).MethodByName(c.name).Call(append([]reflect.Value{reflect.ValueOf(ctx)}, c.args...))
	fmt.Fprintf(&s.said, "  %s", c.name)
	for _, arg := range c.args {
		fmt.Fprintf(&s.said, " %.300s", fmt.Sprintf("%+v", arg.Interface()))
	}
	fmt.Fprint(&s.said, ":")
	last := len(results) - 1
	err, _ := results[last].Interface().(error)
	if err == nil && last > 0 {
		fmt.Fprint(&s.said, " ", answer(results[0]))
	}
	fmt.Fprintf(&s.said, " %s\n", outcome(err))
}

// newOrders makes some orders, which is no single query.
func (s *script) newOrders(ctx context.Context, tx *store.Tx) {
	s.made = [3]int64{}
	if s.rnd.IntN(4) > 0 {
		return
	}
	for i := range 1 + s.rnd.IntN(len(s.made)) {
		row := s.value("", reflect.TypeFor[query.InsertOrderParams]()).Interface().(query.InsertOrderParams)
		event := s.value("", reflect.TypeFor[query.InsertEventParams]()).Interface().(query.InsertEventParams)
		extra := s.text("Extra")
		err := tx.InsertNewOrder(ctx, row, extra, event, &s.made[i])
		fmt.Fprintf(&s.said, "  InsertNewOrder %.300s %.300s: %s\n", fmt.Sprintf("%+v", row), fmt.Sprintf("%.20q %+v", extra, event), outcome(err))
	}
}

// connected makes rows that chance alone hardly ever does: a try beside its delivery, and a payout.
func (s *script) connected(ctx context.Context, tx *store.Tx) {
	if s.rnd.IntN(8) > 0 {
		return
	}
	d := s.value("", reflect.TypeFor[query.InsertDeliveryParams]()).Interface().(query.InsertDeliveryParams)
	try := s.value("", reflect.TypeFor[query.InsertAttemptParams]()).Interface().(query.InsertAttemptParams)
	try.DeliveryID, try.Fence, try.N = d.ID, 0, 0
	out := s.value("", reflect.TypeFor[query.InsertOutgoingParams]()).Interface().(query.InsertOutgoingParams)
	out.Kind, out.State = "payout", "held"
	err := errors.Join(tx.InsertDelivery(ctx, d), tx.InsertAttempt(ctx, try))
	if s.rnd.IntN(2) == 0 {
		err = tx.InsertOutgoing(ctx, out)
	}
	fmt.Fprintf(&s.said, "  connected %.300s: %s\n", fmt.Sprintf("%+v %+v", d, try), outcome(err))
}

func answer(v reflect.Value) string {
	if v.Kind() != reflect.Slice || v.Type().Elem().Kind() == reflect.Uint8 {
		return fmt.Sprintf("%+v", v)
	}
	var rows []string
	for i := range v.Len() {
		rows = append(rows, fmt.Sprintf("%+v", v.Index(i)))
	}
	return strings.Join(rows, "; ")
}

// outcome is an error as far as the engines agree on it.
func outcome(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, store.ErrNotFound):
		return "nothing"
	case errors.Is(err, errRefused):
		return "refused"
	case errors.Is(err, store.ErrUnknown):
		return "unknown"
	}
	return "failed"
}
