package shop

import (
	"fmt"
	"net/http"
	"strings"

	"rsc.io/qr"
)

// picture draws what a wallet reads from the payment page.
func (s *Shop) picture(w http.ResponseWriter, r *http.Request) {
	o, ok := look(&s.mu, &s.orders, r.PathValue("reference"))
	if !ok || o.Native == nil {
		http.NotFound(w, r)
		return
	}
	code, err := qr.Encode(o.Native.uri(o.Rest()), qr.M)
	if err != nil {
		http.Error(w, "the code cannot be drawn", http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "image/png")
	header.Set("Cache-Control", "no-store") // another amount when part of it has arrived
	_, _ = w.Write(code.PNG())              // the payer may have gone
}

// uri asks a wallet for a transfer, as EIP-681 says; on other chains it is the address alone.
func (n *native) uri(amount string) string {
	units, ok := baseUnits(amount, n.Decimals)
	switch {
	case !ok || !strings.HasPrefix(n.Address, "0x"):
		return n.Address
	case n.Contract == n.Token:
		return fmt.Sprintf("ethereum:%s@%d?value=%s", n.Address, n.ChainID, units)
	}
	return fmt.Sprintf("ethereum:%s@%d/transfer?address=%s&uint256=%s", n.Contract, n.ChainID, n.Address, units)
}

// baseUnits writes a decimal of whole tokens as a number of their smallest units.
func baseUnits(amount string, decimals int) (units string, ok bool) {
	whole, fraction, _ := strings.Cut(amount, ".")
	if whole == "" || len(fraction) > decimals || strings.Trim(whole+fraction, "0123456789") != "" {
		return "", false
	}
	units = strings.TrimLeft(whole+fraction+strings.Repeat("0", decimals-len(fraction)), "0")
	return units, units != ""
}
