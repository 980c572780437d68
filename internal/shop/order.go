package shop

import (
	"context"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"time"
)

// Statuses of an order or a payout, in HaloPay's words.
const (
	waiting = "TO-BE-PAID"
	paid    = "PAID"
	timeOut = "TIME-OUT"
	failed  = "FAIL"
)

// askEvery is how often the gateway is asked about one order or payout while somebody looks at it.
const askEvery = time.Second

// order is what somebody buys.
type order struct {
	Reference string
	Product   product
	PayURL    string // the gateway's page of it
	progress

	Native *native // what our own page shows; nil if it is paid on the gateway's
	asked  time.Time
}

// progress is what the gateway says of an order.
type progress struct {
	Status         string
	Collected, Due string // tokens
	Chain          string
	Need, Have     int // confirmations of the youngest transfer on its way
}

// hear takes note of what the gateway says. The same may come twice, and late: what is paid stays
// paid.
func (o *order) hear(p progress) {
	if o.Status != paid {
		o.progress = p
	}
}

// Paid reports whether the goods may go out.
func (p progress) Paid() bool { return p.Status == paid }

// Over reports whether the time to pay is over.
func (p progress) Over() bool { return p.Status == timeOut }

// Live reports whether news may come.
func (p progress) Live() bool { return !p.Paid() && !p.Over() }

// Some reports whether anything has arrived.
func (p progress) Some() bool { return p.Collected != "" && p.Collected != "0" }

// Confirming reports whether a transfer waits for confirmations.
func (p progress) Confirming() bool { return p.Live() && p.Have < p.Need }

// Rest is what is still to be paid, a decimal.
func (p progress) Rest() string {
	due, okDue := new(big.Rat).SetString(p.Due)
	got, okGot := new(big.Rat).SetString(p.Collected)
	if !okDue || !okGot || got.Sign() == 0 {
		return p.Due
	}
	return strings.TrimRight(strings.TrimRight(due.Sub(due, got).FloatString(18), "0"), ".") // exact in spite of its name
}

// receipt shows what the gateway said of an order. That the payer came back proves nothing.
func (s *Shop) receipt(w http.ResponseWriter, r *http.Request) {
	o, ok := look(&s.mu, &s.orders, r.PathValue("reference"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	if o.Native != nil && o.Live() {
		o = s.refresh(r.Context(), o)
	}
	show(w, http.StatusOK, "order.html", orderView{order: o, now: s.Now()})
}

type orderView struct {
	order
	now time.Time
}

// SecondsLeft is how long our own page still takes payments.
func (v orderView) SecondsLeft() int {
	return max(0, int(v.Native.Deadline.Sub(v.now)/time.Second))
}

// TimeLeft is SecondsLeft for people.
func (v orderView) TimeLeft() string {
	return fmt.Sprintf("%d:%02d", v.SecondsLeft()/60, v.SecondsLeft()%60)
}

// refresh asks the gateway about an order, at most every askEvery, and returns it as it is then. A
// webhook tells only what counts; while somebody looks, confirmations are worth a question. If there
// is no answer, the page shows what we know.
func (s *Shop) refresh(ctx context.Context, o order) order {
	s.mu.Lock()
	kept, ok := s.orders.byName[o.Reference]
	early := !ok || s.Now().Sub(kept.asked) < askEvery
	if !early {
		kept.asked = s.Now()
	}
	s.mu.Unlock()
	if early {
		return o
	}
	var detail struct {
		Status    string `json:"status"`
		Collected string `json:"amount_collected"`
		Due       string `json:"token_amount"`
		Chain     string `json:"chain"`
		Need      int    `json:"need_confirms"`
		Have      int    `json:"already_confirms"`
	}
	if err := s.call(ctx, "/api/order/detail", map[string]any{"out_trade_no": o.Reference}, &detail); err != nil {
		return o
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	kept.hear(progress(detail))
	return *kept
}
