package payprotocol

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"florin/internal/clock"
	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/wire"
)

// Bounds of what a request may say.
const (
	maxReference   = 64
	maxDescription = 256
	maxAddress     = 128
	maxSecond      = 9_999_999_999
	quotePlaces    = 18 // more than any token has: what is due is rounded up to the token's own places
)

var (
	referenceForm = regexp.MustCompile(`^[A-Za-z0-9_.:-]+$`)
	symbolForm    = regexp.MustCompile(`^[A-Z0-9]{2,16}$`)
	amountForm    = regexp.MustCompile(`^(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?$`)
)

// readID reads a small whole number; absent is 0.
func readID(f *wire.Fields, name string) int64 {
	n := f.Natural(name)
	if n > math.MaxInt32 {
		f.Refuse(name, "too large")
	}
	return n
}

// required refuses a field that was not sent.
func required(f *wire.Fields, name, value string) string {
	if value == "" {
		f.Refuse(name, "missing")
	}
	return value
}

// readReference reads a merchant's number; "" if it was not sent.
func readReference(f *wire.Fields, name string) string {
	s := f.Reference(name, maxReference)
	if s != "" && !referenceForm.MatchString(s) {
		f.Refuse(name, "only letters, digits and _ . : -")
	}
	return s
}

// readAmount reads an actual amount: a string, for a number may have been a float on its way (threats M02).
func readAmount(f *wire.Fields, name string) string {
	s := f.Word(name)
	if s != "" && !amountForm.MatchString(s) {
		f.Refuse(name, "not a plain decimal")
	}
	return s
}

// amountOf turns an actual amount into one of asset, above zero.
func amountOf(f *wire.Fields, name, text string, asset money.Asset) money.Amount {
	if f.Err() != nil {
		return money.Amount{}
	}
	amount, err := money.Parse(asset, text)
	if err != nil || amount.IsZero() {
		f.Refuse(name, "not above zero, or finer than the currency")
	}
	return amount
}

// readChoice reads one of the numbers below n; chosen is false if none was sent. Zero means something,
// so that absent must not be read as 0.
func readChoice(f *wire.Fields, name string, n int64) (choice int64, chosen bool) {
	text := f.Decimal(name, 1, 0)
	if text == "" || f.Err() != nil {
		return 0, false
	}
	if choice = int64(text[0] - '0'); choice >= n {
		f.Refuse(name, "no such value")
	}
	return choice, true
}

// readNotifyURL reads where callbacks go. It is never the gateway itself, nor a path of its API on any
// host: what we sign for that path could be sent to us as the merchant's own request.
func (a *API) readNotifyURL(c *call) string {
	const name = "notifyUrl"
	text := c.fields.URL(name, a.parseURL)
	if text == "" || c.fields.Err() != nil {
		return ""
	}
	u, err := url.Parse(text)
	if err != nil {
		c.fields.Refuse(name, "not an acceptable URL")
		return ""
	}
	switch {
	case u.Scheme != "https" && c.app.Mode != engine.Test:
		c.fields.Refuse(name, "must be https")
	case a.isOwn(u):
		c.fields.Refuse(name, "is the gateway's own")
	case apiPath(u):
		c.fields.Refuse(name, "has a path of this API")
	}
	return text
}

func (a *API) isOwn(u *url.URL) bool {
	host, port := strings.TrimSuffix(u.Hostname(), "."), u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return slices.Contains(a.own, host) || slices.Contains(a.own, net.JoinHostPort(host, port))
}

// apiPath reports whether u's path is one of the API's. A call of ours takes no other spelling of it.
func apiPath(u *url.URL) bool { return strings.HasPrefix(u.EscapedPath(), root) }

// page is which part of a list is asked for.
type page struct{ number, size int64 }

func (p page) skip() int { return int((p.number - 1) * p.size) }

var pageFields = []string{"page", "size"}

func readPage(f *wire.Fields) page {
	p := page{f.Natural("page"), f.Natural("size")}
	if p.number == 0 {
		p.number = 1
	}
	if p.size == 0 {
		p.size = 10
	}
	if p.number > 1_000_000 {
		f.Refuse("page", "at most 1000000")
	}
	if p.size > 500 {
		f.Refuse("size", "at most 500")
	}
	return p
}

// readSpan reads when what is listed was made: both bounds included, zero times bound nothing.
func readSpan(f *wire.Fields) (from, until time.Time) {
	if start := readSecond(f, "startTime"); start > 0 {
		from = time.Unix(start, 0).UTC()
	}
	if end := readSecond(f, "endTime"); end > 0 {
		until = time.Unix(end+1, 0).UTC()
	}
	return from, until
}

// readSecond reads Unix seconds: what has more than ten digits are milliseconds or nonsense.
func readSecond(f *wire.Fields, name string) int64 {
	n := f.Natural(name)
	if n > maxSecond {
		f.Refuse(name, "not Unix seconds")
	}
	return n
}

// Numbers returns what makes numbers that nobody reads: of deposits to users' addresses, of payouts and
// of refunds. The engine needs it too.
func Numbers(c clock.Clock, ids interface{ Hex(n int) string }) func() string {
	return wire.Numbers(c, wire.UTC8, func() string { return ids.Hex(9) })
}

// paymentNumbers returns what makes an outPaymentNo: the time and 14 random digits. The vendor's have seven
// fewer, with which one second's thousandth order would often get a number that is taken.
func paymentNumbers(c clock.Clock, ids interface{ Hex(n int) string }) func() string {
	return wire.Numbers(c, wire.UTC8, func() string {
		drawn, _ := strconv.ParseUint(ids.Hex(8), 16, 64) // 16 digits of hex always are a number
		return fmt.Sprintf("%014d", drawn%100_000_000_000_000)
	})
}

// pageTokens returns what makes an apiSign: 32 random bytes in Base64.
func pageTokens(ids interface{ Hex(n int) string }) func() string {
	return func() string {
		drawn, _ := hex.DecodeString(ids.Hex(32)) // hex always is bytes
		return base64.StdEncoding.EncodeToString(drawn)
	}
}

// hashOf is what a repeated request has to share with the first (rulings G11).
func hashOf(kind string, fields ...string) string {
	h := wire.NewRequestHash(kind)
	for _, field := range fields {
		h.Add(field)
	}
	return h.String()
}
