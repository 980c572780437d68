package checkout

import (
	"fmt"
	"html/template"
	"math/big"
	"strings"
	"time"
	"unicode/utf8"

	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/web"
)

// page is what the template shows: everything is a finished text.
type page struct {
	*web.Language
	Script string // path of the script
	Phase  Phase
	// Picking is whether the picker is open: nothing was chosen yet, or the
	// payer wants something else.
	Picking bool
	Problem string // key of a text: why the last choice was not taken
	// Claimable is whether the payer may name a transaction, Claiming whether he is at it.
	Claimable, Claiming bool
	Answer              string // key of a text: what became of the one he named
	Version             string
	Test                bool

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
	Overdue            bool
	PaidAt, PaidAtText string
	Refunded           string
	Held               []held
	Told               bool   // the payer has named all of it
	Low, High          string // of what counts by itself; "" where everything does
	LowTimes           string // the same as parts of what is due
	HighTimes          string
	QR                 code // of the payment URI, or of the address where there is none
	AddressQR          *code
	URI                template.URL
	Wallet             *request
	Return             string
	ReturnSeconds      int // 0: the payer goes when he likes
	TestPay            string

	links links
	live  bool
}

// held is a transfer that a person has to look at.
type held struct{ Key, Amount, Symbol string }

// ask is what the page's address asks for beside the order.
type ask struct {
	choose  bool   // open the picker although an asset was chosen
	problem string // key of a text
	claim   bool   // open the form for a transaction
	answer  string // key of a text
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

// newPage computes the page of v as it is now.
func (c *Checkout) newPage(l *web.Language, v View, a ask) (page, error) {
	now := c.options.Now()
	phase, rest, err := v.phase(now)
	if err != nil {
		return page{}, fmt.Errorf("compute phase of order %s: %w", v.Number, err)
	}
	p := page{
		Language: l, Script: c.script, links: v.links(), Phase: phase, live: !v.final(phase), Problem: a.problem, Version: v.Fingerprint, Test: v.Test,
		Merchant:    web.Plain(v.Merchant, maxMerchant),
		Name:        web.Plain(v.Product.Name, maxName),
		Description: web.Plain(v.Product.Description, maxDescription),
		Price:       l.Number(priceText(v.Price)),
		Currency:    v.Price.Currency(),
	}
	p.Initial = initial(p.Merchant)
	if v.dialect.reference {
		p.Reference = web.Plain(v.Reference, maxReference)
	}
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
	if p.Claimable = v.claimable(phase); p.Claimable {
		p.Claiming, p.Answer = a.claim, a.answer
		p.addHeld(v)
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
		p.Picking = phase == PhaseChoose || a.choose && len(v.Offers) > 0
		for _, o := range v.Offers {
			p.Offers = append(p.Offers, offer{Asset: o.Asset, Mark: mark(o.Asset.Symbol), Due: o.Due.Decimal(), Chosen: o.Asset.Code == v.Asset.Code})
		}
	case PhasePaid, PhaseRefunded, PhaseExpired:
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
		if !v.Refunded.IsZero() {
			p.Refunded = v.Refunded.Decimal()
		}
	}
	if rest.IsZero() {
		return nil
	}
	p.addRange(v)
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

// addRange adds what of one more payment counts by itself.
func (p *page) addRange(v View) {
	if v.Range == nil {
		return
	}
	low, high := bounds(*v.Range, v.Due)
	if arrived, err := v.arrived(); err == nil && !arrived.IsZero() {
		if high, err = high.Sub(arrived); err != nil {
			return // nothing
		}
		low = money.Zero(high.Asset())
	}
	p.Low, p.High = low.Decimal(), high.Decimal()
	p.LowTimes, p.HighTimes = p.Number(times(v.Range.LowNum, v.Range.LowDen)), p.Number(times(v.Range.HighNum, v.Range.HighDen))
}

// maxHeld is how many transfers that wait for a person are named.
const maxHeld = 3

// addHeld adds the transfers that wait for a person.
func (p *page) addHeld(v View) {
	p.Told = true
	for _, h := range v.Held[:min(len(v.Held), maxHeld)] {
		p.Told = p.Told && h.Claimed
		line := held{Key: "held.other"}
		switch h.Reason {
		case payment.ReasonUnder:
			line.Key = "held.under"
		case payment.ReasonOver:
			line.Key = "held.over"
		case payment.ReasonLate:
			line.Key = "held.late"
		case payment.ReasonDuplicate:
			line.Key = "held.again"
		}
		if h.Amount.Asset().IsZero() {
			line.Key = "held.unknown"
		} else {
			line.Amount, line.Symbol = h.Amount.Decimal(), h.Symbol
		}
		p.Held = append(p.Held, line)
	}
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

// addReturn adds the way back to the shop: only where the dialect has one, and
// only to the stored address, unchanged (threats B06).
func (p *page) addReturn(v View, now time.Time) {
	if v.dialect.leadsBack(p.Phase) {
		if link, err := web.ParsePublicURL(v.ReturnURL, true); err == nil {
			p.Return = link
		}
	}
	if p.Phase == PhaseExpired || v.PaidAt.IsZero() {
		return
	}
	p.Overdue = v.overdue()
	p.PaidAt = v.PaidAt.UTC().Format(time.RFC3339)
	p.PaidAtText = v.PaidAt.UTC().Format("2006-01-02 15:04 UTC")
	if p.Return != "" && v.dialect.timed && p.Phase == PhasePaid && now.Sub(v.ChangedAt) < justPaid {
		p.ReturnSeconds = returnSeconds
	}
}

func (p *page) addTestPay(c *Checkout, v View) {
	if v.Test && v.Token == v.Number && c.options.TestPay != nil {
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
func (p page) Live() bool { return p.live }

// To is the address of a part of the page, with parameters; "" is the page itself.
func (p page) To(part string, parameters ...string) string { return p.links.to(part, parameters...) }

// Good reports whether the answer about a transaction is that all is well.
func (p page) Good() bool {
	switch engine.ClaimStatus(strings.TrimPrefix(p.Answer, "claim.")) {
	case engine.ClaimLinked, engine.ClaimCounted, engine.ClaimConfirming:
		return true
	}
	return false
}

// Underpaid reports whether too little was paid and that has a name of its own.
func (p page) Underpaid() bool { return p.Phase == PhaseExpired && p.live && p.HasArrived }

// Static reports whether this is a static address's page.
func (p page) Static() bool { return p.Phase == PhaseStanding || p.Phase == PhaseClosed }

// Fragment is the address of the part that the script swaps.
func (p page) Fragment() string {
	switch {
	case p.Claiming:
		return p.To("", "part=main", "claim="+strings.TrimPrefix(p.Answer, "claim."))
	case p.Picking && p.Phase != PhaseChoose:
		return p.To("", "part=main", "choose=1")
	}
	return p.To("", "part=main")
}

// RefreshSeconds is how often a page without script loads itself again; 0 is
// never, for a form that is being filled in. What is read or changes seldom is
// left alone longer.
func (p page) RefreshSeconds() int {
	switch {
	case !p.live || p.Claiming:
		return 0
	case p.Picking || p.Phase == PhaseExpired:
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

// bounds are the least and the most of due that r takes, in whole units.
func bounds(r payment.Range, due money.Amount) (low, high money.Amount) {
	units := due.Int()
	part := func(num, den int64, up bool) money.Amount {
		n := new(big.Int).Mul(units.ToBig(), big.NewInt(num))
		n, rest := n.QuoRem(n, big.NewInt(den), new(big.Int))
		if up && rest.Sign() > 0 {
			n.Add(n, big.NewInt(1))
		}
		a, err := money.FromBig(due.Asset(), n)
		if err != nil {
			return due // only for an amount that nobody can owe
		}
		return a
	}
	return part(r.LowNum, r.LowDen, true), part(r.HighNum, r.HighDen, false)
}

// times writes a fraction with at most two decimals.
func times(num, den int64) string {
	text := big.NewRat(num, den).FloatString(2)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

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
