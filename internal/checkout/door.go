package checkout

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// dialect is what a protocol's document says of its page, where neither the
// order's facts nor its policy do. Of the way back to the shop: where it stands,
// and whether the page takes it by itself just after the payment.
type dialect struct {
	door      door
	reference bool // the merchant's own number is shown
	back      []Phase
	timed     bool
}

// dialects are the protocols that have a page (docs/checkout.md, "What differs").
var dialects = map[string]dialect{
	"halopay":     {door: byNumber, reference: true, back: []Phase{PhasePaid, PhaseRefunded, PhaseExpired}, timed: true},
	"payprotocol": {door: byAPISign, back: []Phase{PhasePaid}, timed: true},
	"ccpayment":   {door: byToken, back: []Phase{PhasePaid}},
}

// leadsBack reports whether the way back to the shop stands in this phase.
func (d dialect) leadsBack(p Phase) bool { return slices.Contains(d.back, p) }

// door is a kind of page address. In each, a token names the page: the order's own, or the number of an
// order whose number is as good as one. An order that has a token is never found by its number, which
// its protocol may make easy to guess (threats B01).
type door int

const (
	byNumber  door = iota // /pay/<number>
	byToken               // /c/<token>
	byAPISign             // /payment?apiSign=<token>
)

var (
	// number is what any dialect's order numbers look like, and token what our own tokens do.
	number = regexp.MustCompile(`^[0-9A-Za-z_-]{1,64}$`)
	token  = regexp.MustCompile(`^[0-9A-Za-z_-]{22,64}$`)
)

// token reads whose page r asks for. It refuses what no page's address can be.
func (d door) token(r *http.Request) (string, bool) {
	switch d {
	case byNumber:
		n := r.PathValue("number")
		return n, number.MatchString(n)
	case byToken:
		t := r.PathValue("token")
		return t, token.MatchString(t)
	}
	given := r.URL.Query()["apiSign"]
	if len(given) != 1 {
		return "", false
	}
	// A '+' that nobody percent-encoded came as a space.
	sign := strings.ReplaceAll(given[0], " ", "+")
	raw, err := base64.StdEncoding.Strict().DecodeString(sign)
	return sign, err == nil && len(raw) == 32
}

// links are the addresses of one page, and of what belongs to it.
type links struct{ path, query string }

// links returns those of the page that token names.
func (d door) links(token string) links {
	switch d {
	case byNumber:
		return links{path: "/pay/" + url.PathEscape(token)}
	case byToken:
		return links{path: "/c/" + url.PathEscape(token)}
	}
	return links{"/payment", "apiSign=" + url.QueryEscape(token)}
}

// to returns the address of a part of the page, "" for the page itself, with
// more parameters, each written as name=value.
func (l links) to(part string, parameters ...string) string {
	path := l.path
	if part != "" {
		path += "/" + part
	}
	if l.query != "" {
		parameters = append([]string{l.query}, parameters...)
	}
	if len(parameters) == 0 {
		return path
	}
	return path + "?" + strings.Join(parameters, "&")
}
