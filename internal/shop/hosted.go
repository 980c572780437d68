package shop

import "net/http"

// buy makes an order at the gateway and sends the payer to its page. With hook that is the whole of
// a hosted integration: a signed request, a check of the signed answer, a check of the signed news.
func (s *Shop) buy(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	p, ok := productNamed(r.PostFormValue("product"))
	if !ok {
		http.Error(w, "we do not sell that", http.StatusBadRequest)
		return
	}
	o := order{Reference: newReference("TEA"), Product: p, progress: progress{Status: waiting}}
	var created struct {
		URL string `json:"url"`
	}
	if err := s.call(r.Context(), "/api/entrust/pre-create", map[string]any{
		"out_trade_no": o.Reference,
		"symbol":       "USD",
		"amount":       p.Price,
		"name":         p.Name,
		"describe":     p.About,
		"time_expire":  p.Life,
		"callback_url": s.URL + "/hook",
		"redirect_url": s.URL + "/order/" + o.Reference,
	}, &created); err != nil {
		http.Error(w, "the payment page cannot be opened now: "+err.Error(), http.StatusBadGateway)
		return
	}
	o.PayURL = created.URL
	s.mu.Lock()
	s.orders.keep(o.Reference, o)
	s.mu.Unlock()
	http.Redirect(w, r, o.PayURL, http.StatusSeeOther)
}
