package shop

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"
)

// native is how an order is paid on our own page.
type native struct {
	Token    string
	Address  string
	Deadline time.Time
}

// token is what the gateway takes, with the merchant's balance of it.
type token struct {
	CurrencyID int64  `json:"currency_id"`
	Symbol     string `json:"token"`
	Chain      string `json:"chain"`
	Contract   string `json:"contract"`
	Standard   string `json:"protocol"`
	Balance    string `json:"balance"`
}

// Native reports whether it is its chain's coin: then the contract is its symbol.
func (t token) Native() bool { return t.Contract == t.Symbol }

// offer is a token and what a product costs in it.
type offer struct {
	token
	Amount string
}

// checkout lets the payer pick what to pay with. The form carries the order's reference: sent twice,
// it is one order.
func (s *Shop) checkout(w http.ResponseWriter, r *http.Request) {
	p, ok := productNamed(r.PathValue("product"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	s.showCheckout(w, r, http.StatusOK, p, newReference("TEA"), "")
}

func (s *Shop) showCheckout(w http.ResponseWriter, r *http.Request, status int, p product, reference, problem string) {
	offers, err := s.offers(r.Context(), p)
	if err != nil && problem == "" {
		status, problem = http.StatusBadGateway, "The gateway names no prices now: "+err.Error()
	}
	show(w, status, "checkout.html", checkoutView{p, offers, reference, problem})
}

type checkoutView struct {
	Product   product
	Offers    []offer
	Reference string
	Problem   string
}

// offers asks what we take and what p costs in each of it. What has no rate at present is left out.
func (s *Shop) offers(ctx context.Context, p product) ([]offer, error) {
	var tokens []token
	if err := s.call(ctx, "/api/currency/app-token-list", map[string]any{}, &tokens); err != nil {
		return nil, err
	}
	var offers []offer
	for _, t := range tokens {
		var rate struct {
			Amount string `json:"amount"`
		}
		err := s.call(ctx, "/api/order/exchange-rates", map[string]any{"currency_id": t.CurrencyID, "fiat_name": "USD", "fiat_amount": p.Price}, &rate)
		if errors.As(err, new(*refusal)) {
			continue
		}
		if err != nil {
			return nil, err
		}
		offers = append(offers, offer{t, rate.Amount})
	}
	return offers, nil
}

// open makes an order in the token that was picked. With hook and receipt it is the whole of a
// native checkout: rates, an order with an address, a page that shows it, and the signed news.
func (s *Shop) open(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	p, ok := productNamed(r.PathValue("product"))
	reference := r.PostFormValue("reference")
	currencyID, err := strconv.ParseInt(r.PostFormValue("currency_id"), 10, 64)
	if !ok || !isReference("TEA", reference) || err != nil {
		http.Error(w, "we do not sell that", http.StatusBadRequest)
		return
	}
	page := "/order/" + reference
	if _, ok := look(&s.mu, &s.orders, reference); ok { // the form was sent before
		http.Redirect(w, r, page, http.StatusSeeOther)
		return
	}
	o := order{Reference: reference, Product: p, progress: progress{Status: waiting}}
	switch err := s.create(r.Context(), &o, currencyID); {
	case errors.As(err, new(*refusal)):
		s.showCheckout(w, r, http.StatusConflict, p, newReference("TEA"), "The gateway makes no such order: "+err.Error())
		return
	case err != nil: // it may have been made: sent again it is the same one
		s.showCheckout(w, r, http.StatusBadGateway, p, reference, "The gateway does not answer. Please try again.")
		return
	}
	s.mu.Lock()
	s.orders.keep(reference, o)
	s.mu.Unlock()
	http.Redirect(w, r, page, http.StatusSeeOther)
}

// create asks for an order and fills in how it is paid.
func (s *Shop) create(ctx context.Context, o *order, currencyID int64) error {
	var made struct {
		Token   string `json:"token"`
		Chain   string `json:"chain"`
		Amount  string `json:"amount"`
		Address string `json:"pay_address"`
		Expires int64  `json:"time_expire"`
		URL     string `json:"entrust_url"`
	}
	if err := s.call(ctx, "/api/order/create", map[string]any{
		"out_trade_no": o.Reference,
		"currency_id":  currencyID,
		"fiat_name":    "USD",
		"fiat_amount":  o.Product.Price,
		"time_out":     o.Product.Life,
		"callback_url": s.URL + "/hook",
		"redirect_url": s.URL + "/order/" + o.Reference,
	}, &made); err != nil {
		return err
	}
	o.PayURL, o.Due, o.Chain = made.URL, made.Amount, made.Chain
	o.Native = &native{made.Token, made.Address, time.Unix(made.Expires, 0)}
	return nil
}
