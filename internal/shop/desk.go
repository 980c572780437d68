package shop

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// payout is money that the merchant sends out.
type payout struct {
	Reference string
	Amount    string
	Token     string
	Chain     string
	To        string

	// As the gateway says.
	Status string
	TxID   string

	asked time.Time
}

// hear takes note of what the gateway says. What is over stays so.
func (p *payout) hear(status, txid string) {
	if p.Live() {
		p.Status, p.TxID = status, txid
	}
}

// Paid reports whether the payee has the money.
func (p payout) Paid() bool { return p.Status == paid }

// Failed reports whether nothing was sent, and the amount is back in the balance.
func (p payout) Failed() bool { return p.Status == failed }

// Live reports whether news may come.
func (p payout) Live() bool { return !p.Paid() && !p.Failed() }

// deskView is the merchant's desk, with what was typed if it was refused.
type deskView struct {
	Tokens  []token
	Payouts []payout
	Form    payoutForm
	Problem string // in a sentence
	Field   string // that it is about: "amount", "to" or "code"
}

// payoutForm is a payout that is asked for. It carries its reference: sent twice, it is one payout.
type payoutForm struct {
	Reference, Amount, To, Code string
	CurrencyID                  int64
}

// desk shows the balances and a form that pays out of them.
func (s *Shop) desk(w http.ResponseWriter, r *http.Request) {
	s.showDesk(w, r, http.StatusOK, deskView{Form: payoutForm{Reference: newReference("OUT"), To: s.Payee}})
}

func (s *Shop) showDesk(w http.ResponseWriter, r *http.Request, status int, v deskView) {
	if err := s.call(r.Context(), "/api/currency/app-token-list", map[string]any{}, &v.Tokens); err != nil && v.Problem == "" {
		status, v.Problem = http.StatusBadGateway, "The gateway tells no balances now: "+err.Error()
	}
	if v.Form.CurrencyID == 0 { // begin with something that there is
		if i := slices.IndexFunc(v.Tokens, func(t token) bool { return t.Balance != "0" }); i >= 0 {
			v.Form.CurrencyID = v.Tokens[i].CurrencyID
		}
	}
	s.mu.Lock()
	v.Payouts = s.payouts.latest(5)
	s.mu.Unlock()
	show(w, status, "desk.html", v)
}

// payOut asks the gateway to pay out.
func (s *Shop) payOut(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	f := payoutForm{
		Reference: r.PostFormValue("reference"), Amount: strings.TrimSpace(r.PostFormValue("amount")),
		To: strings.Join(strings.Fields(r.PostFormValue("to")), ""), Code: strings.TrimSpace(r.PostFormValue("code")),
	}
	var err error
	f.CurrencyID, err = strconv.ParseInt(r.PostFormValue("currency_id"), 10, 64)
	if err != nil || !isReference("OUT", f.Reference) {
		http.Error(w, "this is not our form", http.StatusBadRequest)
		return
	}
	if _, ok := look(&s.mu, &s.payouts, f.Reference); !ok {
		p, err := s.createPayout(r.Context(), f)
		f.Code = "" // it is good once
		var refused *refusal
		switch {
		case errors.As(err, &refused):
			v := deskView{Form: f}
			v.Field, v.Problem = explain(refused)
			v.Form.Reference = newReference("OUT")
			s.showDesk(w, r, http.StatusConflict, v)
			return
		case err != nil: // it may have been accepted: sent again it is the same one
			s.showDesk(w, r, http.StatusBadGateway, deskView{Form: f, Problem: "The gateway does not answer. Send it again as it is: it is paid out once."})
			return
		}
		s.mu.Lock()
		s.payouts.keep(p.Reference, p)
		s.mu.Unlock()
	}
	http.Redirect(w, r, "/desk/"+f.Reference, http.StatusSeeOther)
}

// explain says in a sentence why a payout was refused, and which field of the form is to blame.
func explain(r *refusal) (field, problem string) {
	switch {
	case r.Code == 10003 && strings.HasSuffix(r.Msg, "to_address"):
		return "to", "That is no address that this token can be sent to."
	case r.Code == 10003 && strings.HasSuffix(r.Msg, "amount"):
		return "amount", "That is no amount of this token."
	case r.Code == 10003 && strings.HasSuffix(r.Msg, "google_code"):
		return "code", "The one-time password is missing, wrong, or was used before."
	case r.Code == 10002:
		return "amount", "The gateway does not pay this out: it is more than the balance or a limit, or payouts are off."
	}
	return "", "The gateway refuses: " + r.Error()
}

// createPayout asks for a payout.
func (s *Shop) createPayout(ctx context.Context, f payoutForm) (payout, error) {
	request := map[string]any{
		"out_trade_no": f.Reference,
		"currency_id":  f.CurrencyID,
		"to_address":   f.To,
		"amount":       f.Amount,
		"callback_url": s.URL + "/hook",
	}
	if f.Code != "" {
		request["google_code"] = f.Code
	}
	var made struct {
		Status string `json:"status"`
		Token  string `json:"token"`
		Chain  string `json:"chain"`
		To     string `json:"to_address"`
		Amount string `json:"amount"`
	}
	err := s.call(ctx, "/api/payout/create", request, &made)
	return payout{Reference: f.Reference, Amount: made.Amount, Token: made.Token, Chain: made.Chain, To: made.To, Status: made.Status}, err
}

// payoutPage shows what became of a payout: what the webhook told, and until then what the gateway
// answers.
func (s *Shop) payoutPage(w http.ResponseWriter, r *http.Request) {
	p, ok := look(&s.mu, &s.payouts, r.PathValue("reference"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	if p.Live() {
		p = s.refreshPayout(r.Context(), p)
	}
	show(w, http.StatusOK, "payout.html", p)
}

// refreshPayout asks the gateway about a payout, at most every askEvery, and returns it as it is then.
func (s *Shop) refreshPayout(ctx context.Context, p payout) payout {
	s.mu.Lock()
	kept, ok := s.payouts.byName[p.Reference]
	early := !ok || s.Now().Sub(kept.asked) < askEvery
	if !early {
		kept.asked = s.Now()
	}
	s.mu.Unlock()
	if early {
		return p
	}
	var detail struct {
		Status string `json:"status"`
		TxID   string `json:"txid"`
	}
	if err := s.call(ctx, "/api/payout/detail", map[string]any{"out_trade_no": p.Reference}, &detail); err != nil {
		return p
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	kept.hear(detail.Status, detail.TxID)
	return *kept
}
