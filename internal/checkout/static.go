package checkout

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"net/http"
	"time"

	"rsc.io/qr"
)

// staticText is what the QR code of a static address holds: a payment URI that leaves the amount to
// the payer where there is such a thing, else the address. link says which.
func staticText(v View) (text string, link bool, err error) {
	if v.Test || !v.Asset.EVM {
		return v.Address, false, nil
	}
	text, err = evmURI(v.Asset, v.Address)
	return text, true, err
}

// image serves the QR code of a static address, for shops to print: what the page shows, or with
// ?address the address alone. Orders have none, for their codes are good for one payment.
func (c *Checkout) image(draw func(text string) (kind string, picture []byte, err error)) func(http.ResponseWriter, *http.Request, View) {
	return func(w http.ResponseWriter, r *http.Request, v View) {
		phase, _, err := v.phase(c.options.Now())
		if err != nil {
			c.site.Fault(w, r, err)
			return
		}
		if phase != PhaseStanding {
			c.site.Error(w, r, http.StatusNotFound)
			return
		}
		text, _, err := staticText(v)
		if r.URL.Query().Has("address") {
			text = v.Address
		}
		if err != nil {
			c.site.Fault(w, r, err)
			return
		}
		kind, picture, err := draw(text)
		if err != nil {
			c.site.Fault(w, r, err)
			return
		}
		h := w.Header()
		h.Set("Content-Type", kind)
		h.Set("Cache-Control", "public, max-age=300")         // it goes when the code is closed, else never changes
		h.Set("Cross-Origin-Resource-Policy", "cross-origin") // on the shop's own pages, too
		h.Set("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256(picture)))
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(picture))
	}
}

// drawSVG draws text for any size of paper.
func drawSVG(text string) (kind string, picture []byte, err error) {
	c, err := qrCode(text)
	if err != nil {
		return "", nil, err
	}
	return "image/svg+xml", fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" width="600" height="600" viewBox="0 0 %d %d" shape-rendering="crispEdges">`+
		`<path d="M0 0h%dv%dH0z" fill="#fff"/><path d="%s" fill="none" stroke="#000"/></svg>`+"\n", c.Size, c.Size, c.Size, c.Size, c.Path), nil
}

// drawPNG draws text with 16 dots a module.
func drawPNG(text string) (kind string, picture []byte, err error) {
	c, err := qr.Encode(text, qr.M)
	if err != nil {
		return "", nil, fmt.Errorf("draw QR code: %w", err)
	}
	c.Scale = 16
	return "image/png", c.PNG(), nil
}
