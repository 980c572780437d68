package checkout

import (
	"fmt"
	"html/template"
	"math/big"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"florin/internal/money"
	"florin/internal/web"
)

// page is what the template shows: everything is a finished text.
type page struct {
	*web.Language
	Script string // path of the script
	Path   string // of this page, without query
	Phase  Phase
	// Picking is whether the picker is open: nothing was chosen yet, or the
	// payer wants something else.
	Picking bool
	Problem string // key of a text: why the last choice was not taken
	Version string
	Test    bool

	Merchant, Initial  string
	Name, Description  string
	Image              string
	Reference          string
	Price, Currency    string
	SecondsLeft        int64
	TimeLeft           string
	Offers             []offer
	Token              Asset
	Mark               string
	Address            string
	Due, Remainder     string
	Arrived, Excess    string // "" if there is nothing to say
	HasArrived         bool
	ArrivedPermille    uint64 // of what is due
	Confirmations      uint64
	Needed             uint64
	TxID               string
	PaidAt, PaidAtText string
	QR                 code // of the payment URI, or of the address where there is none
	AddressQR          *code
	URI                template.URL
	Wallet             *request
	Return             string
	ReturnSeconds      int // 0: the payer goes when he likes
	TestPay            string
}

// offer is one line of the picker.
type offer struct {
	Asset
	Mark   string // which of the drawn coins
	Due    string
	Chosen bool
}

// How much of a merchant's texts is shown.
const (
	maxMerchant    = 60
	maxName        = 120
	maxDescription = 400
	maxReference   = 64
)

// returnSeconds is how long the payer sees the result before the page returns to
// the shop, and justPaid how long after the payment it does so at all: who opens
// the page again later wants to read it.
const (
	returnSeconds = 5
	justPaid      = 2 * time.Minute
)

// newPage computes the page of v as it is now. repick opens the picker although
// an asset was chosen.
func (c *Checkout) newPage(l *web.Language, v View, repick bool, problem string) (page, error) {
	now := c.options.Now()
	phase, rest, err := v.phase(now)
	if err != nil {
		return page{}, fmt.Errorf("compute phase of order %s: %w", v.Number, err)
	}
	p := page{
		Language: l, Script: c.script, Path: pathOf(v.Number), Phase: phase, Problem: problem, Version: v.Fingerprint, Test: v.Test,
		Merchant:    web.Plain(v.Merchant, maxMerchant),
		Name:        web.Plain(v.Product.Name, maxName),
		Description: web.Plain(v.Product.Description, maxDescription),
		Reference:   web.Plain(v.Reference, maxReference),
		Price:       l.Number(priceText(v.Price)),
		Currency:    v.Price.Currency(),
	}
	p.Initial = initial(p.Merchant)
	if c.options.Images {
		if link, err := web.ParsePublicURL(v.Product.Image, false); err == nil {
			if _, ok := web.ImageOrigin(link); ok {
				p.Image = link
			}
		}
	}
	if left := v.Deadline.Sub(now); left > 0 {
		p.SecondsLeft = int64(left / time.Second)
	}
	p.TimeLeft = clockText(p.SecondsLeft)
	if !v.Due.Asset().IsZero() {
		if err := p.addPayment(v, rest); err != nil {
			return page{}, err
		}
	}
	switch phase {
	case PhaseStanding:
		if err := p.addStatic(v); err != nil {
			return page{}, err
		}
		p.addTestPay(c, v)
	case PhaseClosed:
		p.Token, p.Mark = v.Asset, mark(v.Asset.Symbol)
	case PhaseChoose, PhaseWaiting:
		p.Picking = phase == PhaseChoose || repick && len(v.Offers) > 0
		for _, o := range v.Offers {
			p.Offers = append(p.Offers, offer{Asset: o.Asset, Mark: mark(o.Asset.Symbol), Due: o.Due.Decimal(), Chosen: o.Asset.Code == v.Asset.Code})
		}
	case PhasePaid, PhaseExpired:
		p.addReturn(v, now)
	}
	if phase == PhaseWaiting || phase == PhasePartial || phase == PhaseConfirming {
		p.addTestPay(c, v)
	}
	return p, nil
}

// addPayment adds what was agreed, what has come, and, while something is still
// to be sent, where and how to send it: nothing more after the end (threats B03).
func (p *page) addPayment(v View, rest money.Amount) error {
	p.Token, p.Mark = v.Asset, mark(v.Asset.Symbol)
	p.Due, p.Remainder = v.Due.Decimal(), rest.Decimal()
	p.Confirmations, p.Needed = min(v.Confirmations, v.Needed), v.Needed
	arrived, err := v.arrived()
	if err != nil {
		return fmt.Errorf("add up order %s: %w", v.Number, err)
	}
	if !arrived.IsZero() && !v.Due.IsZero() {
		p.HasArrived, p.Arrived, p.TxID = true, arrived.Decimal(), v.TxID
		p.ArrivedPermille = permille(arrived, v.Due)
		if excess, err := arrived.Sub(v.Due); err == nil && !excess.IsZero() {
			p.Excess = excess.Decimal()
		}
	}
	if rest.IsZero() {
		return nil
	}
	p.Address = v.Address
	if p.QR, err = qrCode(v.Address); err != nil {
		return err
	}
	if v.Test || !v.Asset.EVM {
		return nil
	}
	wallet, err := evmRequest(v.Asset, v.Address, rest)
	if err != nil {
		return err
	}
	plain := p.QR
	p.Wallet, p.URI, p.AddressQR = &wallet, uri(wallet), &plain
	p.QR, err = qrCode(wallet.URI)
	return err
}

// addStatic adds where any amount can be sent.
func (p *page) addStatic(v View) error {
	p.Token, p.Mark, p.Address = v.Asset, mark(v.Asset.Symbol), v.Address
	text, link, err := staticText(v)
	if err != nil {
		return err
	}
	if p.QR, err = qrCode(text); err != nil || !link {
		return err
	}
	p.URI = template.URL(text) //nolint:gosec // built from checked parts
	plain, err := qrCode(v.Address)
	p.AddressQR = &plain
	return err
}

// addReturn adds the way back to the shop: only after a result, and only to the
// stored address (threats B06).
func (p *page) addReturn(v View, now time.Time) {
	if link, err := web.ParsePublicURL(v.ReturnURL, true); err == nil {
		p.Return = link
	}
	if p.Phase != PhasePaid || v.PaidAt.IsZero() {
		return
	}
	p.PaidAt = v.PaidAt.UTC().Format(time.RFC3339)
	p.PaidAtText = v.PaidAt.UTC().Format("2006-01-02 15:04 UTC")
	if p.Return != "" && now.Sub(v.ChangedAt) < justPaid {
		p.ReturnSeconds = returnSeconds
	}
}

func (p *page) addTestPay(c *Checkout, v View) {
	if v.Test && c.options.TestPay != nil {
		p.TestPay = c.options.TestPay(v.Number)
	}
}

// imageOrigins are the foreign origins that the page's policy has to allow.
func (p page) imageOrigins() []string {
	if origin, ok := web.ImageOrigin(p.Image); ok {
		return []string{origin}
	}
	return nil
}

// Live reports whether the page can still change.
func (p page) Live() bool { return !p.Phase.final() }

// Static reports whether this is a static address's page.
func (p page) Static() bool { return p.Phase == PhaseStanding || p.Phase == PhaseClosed }

// Fragment is the address of the part that the script swaps.
func (p page) Fragment() string {
	if p.Picking && p.Phase != PhaseChoose {
		return p.Path + "?part=main&choose=1"
	}
	return p.Path + "?part=main"
}

// RefreshSeconds is how often a page without script loads itself again. The
// picker is left alone longer, so that it can be read.
func (p page) RefreshSeconds() int {
	if p.Picking {
		return 60
	}
	return 10
}

// Parts of a long string whose ends people compare by eye.
func (p page) AddressHead() string { return p.Address[:min(6, len(p.Address))] }

// AddressBody is what stands between AddressHead and AddressTail.
func (p page) AddressBody() string {
	return p.Address[len(p.AddressHead()) : len(p.Address)-len(p.AddressTail())]
}

// AddressTail is the end of the address.
func (p page) AddressTail() string { return p.Address[max(len(p.Address)-6, len(p.AddressHead())):] }

// TxShort is the transaction's id, shortened for reading.
func (p page) TxShort() string {
	if len(p.TxID) <= 20 {
		return p.TxID
	}
	return p.TxID[:10] + "…" + p.TxID[len(p.TxID)-8:]
}

// Confirming reports whether confirmations are awaited.
func (p page) Confirming() bool { return p.HasArrived && p.Confirmations < p.Needed }

// permille returns part in thousandths of whole, at most 1000.
func permille(part, whole money.Amount) uint64 {
	n, d := part.Int(), whole.Int()
	share := new(big.Int).Mul(n.ToBig(), big.NewInt(1000))
	share.Div(share, d.ToBig())
	if !share.IsInt64() {
		return 1000
	}
	return min(share.Uint64(), 1000)
}

// pathOf returns the page's path.
func pathOf(number string) string { return "/pay/" + url.PathEscape(number) }

// clockText writes a duration as m:ss or h:mm:ss. The script counts on in the
// same form.
func clockText(seconds int64) string {
	h, m, s := seconds/3600, seconds/60%60, seconds%60
	if h > 0 {
		return fmt.Sprintf("%d:%02d:%02d", h, m, s)
	}
	return fmt.Sprintf("%d:%02d", m, s)
}

// wholeCurrencies have no minor unit in daily use (ISO 4217 exponent 0).
var wholeCurrencies = map[string]bool{"JPY": true, "KRW": true, "VND": true}

// priceText writes a price with its currency's usual decimals, and more where
// the price has more.
func priceText(p money.Price) string {
	usual := 2
	if wholeCurrencies[p.Currency()] {
		usual = 0
	}
	_, decimals, _ := strings.Cut(p.Decimal(), ".")
	if len(decimals) > usual {
		return p.Decimal()
	}
	return p.Fixed(usual)
}

// mark names the drawing for a token's symbol. The symbol comes from our
// catalogue, never from a chain (threats B04).
func mark(symbol string) string {
	switch symbol {
	case "USDT", "USDC", "ETH", "BNB", "TRX", "BTC":
		return strings.ToLower(symbol)
	}
	return "coin"
}

// initial is the letter that stands for a merchant without a picture.
func initial(name string) string {
	r, _ := utf8.DecodeRuneInString(name)
	if name == "" || r == utf8.RuneError {
		return ""
	}
	return strings.ToUpper(string(r))
}
