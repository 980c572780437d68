package shop

import (
	"net/http"

	"rsc.io/qr"
)

// picture draws the address that an order is paid to: every wallet reads that much.
func (s *Shop) picture(w http.ResponseWriter, r *http.Request) {
	o, ok := look(&s.mu, &s.orders, r.PathValue("reference"))
	if !ok || o.Native == nil {
		http.NotFound(w, r)
		return
	}
	code, err := qr.Encode(o.Native.Address, qr.M)
	if err != nil {
		http.Error(w, "the code cannot be drawn", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "image/png")
	_, _ = w.Write(code.PNG()) // the payer may have gone
}
