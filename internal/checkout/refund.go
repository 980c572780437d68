package checkout

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/web"
)

// RefundView is everything that the payee of a refund's link may learn.
type RefundView struct {
	Token    string
	Test     bool
	Merchant string
	State    RefundState
	Amount   money.Amount
	Asset    Asset
	Address  string    // where it goes; "" until the payee has said
	TxID     string    // "" until it is on its way
	Ends     time.Time // of an open one
}

// RefundState is how far a refund by link has come.
type RefundState string

// The states of a refund by link.
const (
	RefundOpen    RefundState = "open"    // the payee has to say where he wants it
	RefundGiven   RefundState = "given"   // he has; somebody may have to approve it
	RefundSent    RefundState = "sent"    // on its way, not final
	RefundPaid    RefundState = "paid"    // he has it
	RefundFailed  RefundState = "failed"  // it did not arrive; the merchant has it
	RefundExpired RefundState = "expired" // nobody has said it in time

	RefundUnsent    RefundState = "unsent"    // he has said where, and it was rejected or could not be sent
	RefundWithdrawn RefundState = "withdrawn" // the merchant has taken it back before anybody said where
)

// refundPage is what the template of refunds shows.
type refundPage struct {
	*web.Language
	State             RefundState
	Path              string
	Test              bool
	Merchant, Initial string
	Amount            string
	Token             Asset
	Mark              string
	Address           string
	TxID              string
	Given             string // what was written into the form
	Problem           string // key of a text: why it was not taken
	Sure              bool   // the address is shown once more, to be confirmed
}

// RefreshSeconds is how often the page loads itself again; 0 is never, as while a form is filled in.
func (p refundPage) RefreshSeconds() int {
	if p.State == RefundGiven || p.State == RefundSent {
		return 20
	}
	return 0
}

// Bad reports whether nothing will come of the link any more.
func (p refundPage) Bad() bool {
	switch p.State {
	case RefundFailed, RefundExpired, RefundUnsent, RefundWithdrawn:
		return true
	}
	return false
}

// AddressParts are the address in pieces that the eye can compare.
func (p refundPage) AddressParts() []string {
	const piece = 4
	var parts []string
	for rest := p.Address; rest != ""; {
		n := min(piece, len(rest))
		parts, rest = append(parts, rest[:n]), rest[n:]
	}
	return parts
}

// refund loads the refund whose link the request's address is. As with orders, only who asks for one that
// is there may ask on (threats B01).
func (c *Checkout) refund(serve func(http.ResponseWriter, *http.Request, RefundView)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		giveBack, ok := c.guesses.Take(c.site.ClientAddr(r))
		if !ok {
			c.tooMany(w, r)
			return
		}
		t := r.PathValue("token")
		if !token.MatchString(t) {
			c.site.Error(w, r, http.StatusNotFound)
			return
		}
		v, err := c.orders.Refund(r.Context(), t)
		if errors.Is(err, ErrUnknown) {
			c.site.Error(w, r, http.StatusNotFound)
			return
		}
		giveBack()
		if err != nil {
			c.site.Fault(w, r, err)
			return
		}
		serve(w, r, v)
	}
}

func (c *Checkout) showRefund(w http.ResponseWriter, r *http.Request, v RefundView) {
	c.writeRefund(w, r, http.StatusOK, c.newRefundPage(r, v))
}

// takeAddress is the target of both steps: an address is shown in full once more, and taken when it is
// sent again from there. Each time it is read anew, so nothing but an address that was shown is taken.
func (c *Checkout) takeAddress(w http.ResponseWriter, r *http.Request, v RefundView) {
	if _, ok := c.claims.Take(c.site.ClientAddr(r)); !ok {
		c.tooMany(w, r)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	p := c.newRefundPage(r, v)
	given := strings.TrimSpace(r.PostFormValue("address"))
	address, err := c.orders.RefundAddress(r.Context(), v.Token, given)
	sure := r.PostFormValue("sure") == "yes"
	if err == nil && sure {
		err = c.orders.ClaimRefund(r.Context(), v.Token, address)
	}
	refusal := (*payment.Error)(nil)
	switch {
	case errors.Is(err, ErrUnknown):
		c.site.Error(w, r, http.StatusNotFound)
	case errors.As(err, &refusal) && refusal.Code == payment.CodeOrderClosed, err == nil && (sure || p.State != RefundOpen):
		http.Redirect(w, r, p.Path, http.StatusSeeOther) // which says where it goes
	case errors.As(err, &refusal):
		p.Given, p.Problem = web.Plain(given, maxReference), "refund.not-now"
		if refusal.Code == payment.CodeInvalidField {
			p.Problem = "refund.bad"
		}
		c.writeRefund(w, r, http.StatusUnprocessableEntity, p)
	case err != nil:
		c.site.Fault(w, r, fmt.Errorf("take address of refund: %w", err))
	default:
		p.Address, p.Sure = address, true
		c.writeRefund(w, r, http.StatusOK, p)
	}
}

func (c *Checkout) newRefundPage(r *http.Request, v RefundView) refundPage {
	p := refundPage{
		Language: c.payback.Language(r), State: v.State, Path: "/refund/" + url.PathEscape(v.Token), Test: v.Test,
		Merchant: web.Plain(v.Merchant, maxMerchant), Amount: v.Amount.Decimal(), Token: v.Asset, Mark: mark(v.Asset.Symbol),
		Address: v.Address, TxID: v.TxID,
	}
	p.Initial = initial(p.Merchant)
	if p.State == RefundOpen && !v.Ends.IsZero() && !c.options.Now().Before(v.Ends) {
		p.State = RefundExpired
	}
	return p
}

func (c *Checkout) writeRefund(w http.ResponseWriter, r *http.Request, status int, p refundPage) {
	c.payback.Write(w, r, status, p.Language, p)
}
