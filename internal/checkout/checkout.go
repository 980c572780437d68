package checkout

import (
	"embed"
	"errors"
	"net/http"
	"sync"
	"time"

	"florin/internal/payment"
	"florin/internal/web"
)

//go:embed templates static locales
var files embed.FS

// texts are what all pages of this package say.
var texts = sync.OnceValues(func() (*web.Catalogue, error) { return web.NewCatalogue(files) })

// Options are what the page can be told by its installation.
type Options struct {
	// Now tells the time, for countdowns and limits.
	Now func() time.Time
	// Images lets the product's image be loaded from the merchant's origin, the
	// only foreign request a page makes (rulings G27).
	Images bool
	// TestPay returns the path, on our own origin, that the test panel's forms
	// of a test order post to; nil: there is no panel. They send how=full,
	// partial, over, late or wrong.
	TestPay func(number string) string
	// Guesses limits how many numbers that no order has an address may ask for;
	// the zero value allows 20 at once and one every 3 s after that.
	Guesses GuessLimit
	// Claims limits how many transactions an address may ask about; the zero value
	// allows 6 at once and one every 10 s after that.
	Claims GuessLimit
	// Streams limits the open status streams; zero fields have defaults.
	Streams StreamLimit
}

// GuessLimit bounds what one address may ask, such as for foreign orders (threats B01).
type GuessLimit struct {
	PerSecond float64
	Burst     int
}

// rememberedGuessers is how many addresses a generation of the limiter holds:
// about 20 MB at worst.
const rememberedGuessers = 65536

// Checkout serves the payer's pages.
type Checkout struct {
	site    *web.Site
	orders  Orders
	options Options
	page    *web.Page
	script  string
	payback *web.Page
	guesses *web.Limiter
	claims  *web.Limiter
	streams *streams
}

// New prepares the pages. An error is a mistake in the binary.
func New(site *web.Site, orders Orders, o Options) (*Checkout, error) {
	said, err := texts()
	if err != nil {
		return nil, err
	}
	p, err := site.Page(files, said, "templates/checkout.html", "templates/marks.html", "static/checkout.css")
	if err != nil {
		return nil, err
	}
	payback, err := site.Page(files, said, "templates/refund.html", "templates/marks.html", "static/checkout.css")
	if err != nil {
		return nil, err
	}
	script, err := files.ReadFile("static/checkout.js")
	if err != nil {
		return nil, err
	}
	if o.Guesses == (GuessLimit{}) {
		o.Guesses = GuessLimit{PerSecond: 1.0 / 3, Burst: 20}
	}
	if o.Claims == (GuessLimit{}) {
		o.Claims = GuessLimit{PerSecond: 1.0 / 10, Burst: 6}
	}
	return &Checkout{
		site: site, orders: orders, options: o, page: p, payback: payback,
		script:  site.Asset("checkout.js", "text/javascript; charset=utf-8", script),
		guesses: web.NewLimiter(o.Guesses.PerSecond, o.Guesses.Burst, rememberedGuessers, o.Now),
		claims:  web.NewLimiter(o.Claims.PerSecond, o.Claims.Burst, rememberedGuessers, o.Now),
		streams: newStreams(o.Streams.withDefaults()),
	}, nil
}

// Mount adds the routes of the checkout to mux.
func (c *Checkout) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /pay/{number}", c.known(byNumber, c.show))
	mux.HandleFunc("POST /pay/{number}/asset", c.known(byNumber, c.choose))
	mux.HandleFunc("POST /pay/{number}/claim", c.known(byNumber, c.claim))
	mux.HandleFunc("GET /pay/{number}/events", c.known(byNumber, c.events))
	mux.HandleFunc("GET /pay/{number}/qr.svg", c.known(byNumber, c.image(drawSVG)))
	mux.HandleFunc("GET /pay/{number}/qr.png", c.known(byNumber, c.image(drawPNG)))
	mux.HandleFunc("GET /payment", c.known(byAPISign, c.show))
	mux.HandleFunc("POST /payment/asset", c.known(byAPISign, c.choose))
	mux.HandleFunc("POST /payment/claim", c.known(byAPISign, c.claim))
	mux.HandleFunc("GET /payment/events", c.known(byAPISign, c.events))
	mux.HandleFunc("GET /c/{token}", c.known(byToken, c.show))
	mux.HandleFunc("POST /c/{token}/asset", c.known(byToken, c.choose))
	mux.HandleFunc("POST /c/{token}/claim", c.known(byToken, c.claim))
	mux.HandleFunc("GET /c/{token}/events", c.known(byToken, c.events))
	mux.HandleFunc("GET /refund/{token}", c.refund(c.showRefund))
	mux.HandleFunc("POST /refund/{token}", c.refund(c.takeAddress))
	nothing := func(w http.ResponseWriter, r *http.Request) { c.site.Error(w, r, http.StatusNotFound) }
	mux.HandleFunc("/pay/", nothing)
	mux.HandleFunc("/payment", nothing)
	mux.HandleFunc("/payment/", nothing)
	mux.HandleFunc("/c/", nothing)
	mux.HandleFunc("/refund/", nothing)
}

// known loads the order whose page the request's address names. Each request
// first takes a guess of its sender's address and gets it back when the order
// exists; so whoever has none left learns nothing, not even by a hit (threats
// B01).
func (c *Checkout) known(d door, serve func(http.ResponseWriter, *http.Request, View)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		giveBack, ok := c.guesses.Take(c.site.ClientAddr(r))
		if !ok {
			c.tooMany(w, r)
			return
		}
		t, ok := d.token(r)
		if !ok {
			c.site.Error(w, r, http.StatusNotFound)
			return
		}
		v, err := c.orders.Checkout(r.Context(), t)
		if errors.Is(err, ErrUnknown) || err == nil && v.dialect.door != d {
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

func (c *Checkout) tooMany(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Retry-After", "60")
	c.site.Error(w, r, http.StatusTooManyRequests)
}

// show serves the page, or with part=main the part of it that the script swaps.
func (c *Checkout) show(w http.ResponseWriter, r *http.Request, v View) {
	query := r.URL.Query()
	lang := c.page.Language(r)
	a := ask{choose: query.Has("choose"), problem: problemText(query.Get("problem")), claim: query.Has("claim"), answer: claimText(query.Get("claim"))}
	p, err := c.newPage(lang, v, a)
	if err != nil {
		c.site.Fault(w, r, err)
		return
	}
	if query.Get("part") == "main" {
		c.page.WritePart(w, r, "main", p)
		return
	}
	c.page.Write(w, r, http.StatusOK, lang, p, p.imageOrigins()...)
}

// maxForm is far more than the fields of our forms.
const maxForm = 4 << 10

// choose takes the payer's choice and leads back to the page, with the reason
// if it could not be taken.
func (c *Checkout) choose(w http.ResponseWriter, r *http.Request, v View) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	asset := r.PostFormValue("asset")
	l := v.links()
	offered := false
	for _, o := range v.Offers {
		offered = offered || o.Asset.Code == asset
	}
	if !offered {
		http.Redirect(w, r, l.to("", "choose=1", "problem=gone"), http.StatusSeeOther)
		return
	}
	err := c.orders.Choose(r.Context(), v.Number, asset)
	if refusal := (*payment.Error)(nil); errors.As(err, &refusal) {
		http.Redirect(w, r, l.to("", "choose=1", "problem="+problemOf(refusal.Code)), http.StatusSeeOther)
		return
	}
	if err != nil {
		c.site.Fault(w, r, err)
		return
	}
	http.Redirect(w, r, l.to(""), http.StatusSeeOther)
}

// problemOf is the word in the address for a refusal; problemText the text for
// such a word. An unknown word says nothing.
func problemOf(code payment.Code) string {
	switch code {
	case payment.CodeNoRate:
		return "rate"
	case payment.CodeAssetFrozen, payment.CodeOrderClosed:
		return "fixed"
	}
	return "gone"
}

func problemText(word string) string {
	switch word {
	case "rate", "fixed", "gone":
		return "problem." + word
	}
	return ""
}
