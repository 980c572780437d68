package wiretest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// HeaderNames are what a dialect calls its headers.
type HeaderNames struct{ App, Time, Sign string }

// Signed is a request that its dialect accepts as it is.
type Signed struct {
	Names                         HeaderNames
	Path, AppID, Time, Sign, Body string
}

// HeaderCase is a request as it goes over the wire, and whether it may be accepted.
type HeaderCase struct {
	Name     string
	Raw      string
	Accepted bool
}

// HeaderCases are the ways to send r's authentication ambiguously, and the few harmless variations
// that are not (threats W10). Signatures must be hexadecimal, times ten digits.
func (r Signed) HeaderCases() []HeaderCase {
	n := r.Names
	content, app, at, sign := "Content-Type: application/json", n.App+": "+r.AppID, n.Time+": "+r.Time, n.Sign+": "+r.Sign
	lines := []string{content, app, at, sign}
	// with replaces one line by others; with "" it is left out.
	with := func(line string, others ...string) []string {
		var out []string
		for _, l := range lines {
			if l == line {
				out = append(out, others...)
				continue
			}
			out = append(out, l)
		}
		return out
	}
	type headers = []string
	refused := map[string]headers{
		"no content type":                    with(content),
		"empty content type":                 with(content, "Content-Type:"),
		"plain text":                         with(content, "Content-Type: text/plain"),
		"text/json":                          with(content, "Content-Type: text/json"),
		"a form":                             with(content, "Content-Type: application/x-www-form-urlencoded"),
		"multipart":                          with(content, "Content-Type: multipart/form-data; boundary=x"),
		"a longer type":                      with(content, "Content-Type: application/jsonp"),
		"a suffixed type":                    with(content, "Content-Type: application/problem+json"),
		"two types in a line":                with(content, "Content-Type: application/json, text/plain"),
		"two content types":                  with(content, content, "Content-Type: text/plain"),
		"the same content type twice":        with(content, content, content),
		"no app":                             with(app),
		"empty app":                          with(app, n.App+":"),
		"the app twice":                      with(app, app, app),
		"two apps":                           with(app, app, n.App+": another1another1"),
		"two apps, ours last":                with(app, n.App+": another1another1", app),
		"two apps in a line":                 with(app, app+", another1another1"),
		"app in capitals":                    with(app, n.App+": "+strings.ToUpper(r.AppID)),
		"app with a dot":                     with(app, app+"."),
		"app with a slash":                   with(app, app+"/"),
		"app with a quote":                   with(app, app+"'"),
		"app in quotes":                      with(app, n.App+`: "`+r.AppID+`"`),
		"app cut short":                      with(app, n.App+": "+r.AppID[:len(r.AppID)-1]),
		"app with a digit more":              with(app, app+"0"),
		"app of 65 letters":                  with(app, n.App+": "+strings.Repeat("a", 65)),
		"app with a space inside":            with(app, n.App+": "+r.AppID[:4]+" "+r.AppID[4:]),
		"app percent-encoded":                with(app, n.App+": "+fmt.Sprintf("%%%02x", r.AppID[0])+r.AppID[1:]),
		"app in full-width letters":          with(app, n.App+": "+wide(r.AppID)),
		"app folded over two lines":          with(app, n.App+": "+r.AppID[:4], " "+r.AppID[4:]),
		"app under a name with underscore":   with(app, strings.ReplaceAll(n.App, "-", "_")+"_: "+r.AppID),
		"app with NUL":                       with(app, app+"\x00"),
		"no time":                            with(at),
		"empty time":                         with(at, n.Time+":"),
		"the time twice":                     with(at, at, at),
		"two times":                          with(at, at, n.Time+": 1000000000"),
		"two times in a line":                with(at, at+","+r.Time),
		"time in milliseconds":               with(at, at+"000"),
		"time with a leading zero":           with(at, n.Time+": 0"+r.Time),
		"time of nine digits":                with(at, n.Time+": "+r.Time[:9]),
		"negative time":                      with(at, n.Time+": -"+r.Time),
		"minus one":                          with(at, n.Time+": -1"),
		"time with a plus":                   with(at, n.Time+": +"+r.Time[1:]),
		"time with a fraction":               with(at, at+".0"),
		"time with an exponent":              with(at, n.Time+": 1.7737e+09"),
		"hexadecimal time":                   with(at, n.Time+": 0x69b946ba"),
		"time with a space inside":           with(at, n.Time+": "+r.Time[:5]+" "+r.Time[5:]),
		"time in full-width digits":          with(at, n.Time+": "+wide(r.Time)),
		"a date":                             with(at, n.Time+": Tue, 17 Mar 2026 12:21:14 GMT"),
		"no signature":                       with(sign),
		"empty signature":                    with(sign, n.Sign+":"),
		"the signature twice":                with(sign, sign, sign),
		"two signatures, the right one last": with(sign, n.Sign+": "+strings.Repeat("0", 64), sign),
		"two signatures, the wrong one last": with(sign, sign, n.Sign+": "+strings.Repeat("0", 64)),
		"two signatures in a line":           with(sign, sign+", "+r.Sign),
		"signature with 0x":                  with(sign, n.Sign+": 0x"+r.Sign),
		"signature cut by a digit":           with(sign, sign[:len(sign)-1]),
		"signature cut by a byte":            with(sign, sign[:len(sign)-2]),
		"signature with a byte more":         with(sign, sign+"00"),
		"signature with a letter g":          with(sign, sign[:len(sign)-1]+"g"),
		"signature with colons":              with(sign, sign[:len(sign)-2]+":"+sign[len(sign)-2:]),
		"signature folded over two lines":    with(sign, sign[:len(sign)-32], "\t"+sign[len(sign)-32:]),
		"signature in quotes":                with(sign, n.Sign+`: "`+r.Sign+`"`),
		"signature in full-width digits":     with(sign, n.Sign+": "+wide(r.Sign)),
		"signature with a last byte wrong":   with(sign, sign[:len(sign)-2]+other(sign[len(sign)-2:])),
		"signature with a first byte wrong":  with(sign, n.Sign+": "+other(r.Sign[:2])+r.Sign[2:]),
		"a space before the colon":           with(sign, n.Sign+" : "+r.Sign),
		"headers after the empty line":       with(sign, "", sign),
		"compressed":                         append(with(""), "Content-Encoding: gzip"),
		"65 headers":                         append(with(""), strings.Split(strings.Repeat("X-More: 1\n", 61)+"X-More: 1", "\n")...),
	}
	accepted := map[string]headers{
		"as it is":                  lines,
		"content type with charset": with(content, content+"; charset=utf-8"),
		"content type in capitals":  with(content, "Content-Type: Application/JSON"),
		"names in lower case":       {strings.ToLower(content), strings.ToLower(n.App) + ": " + r.AppID, strings.ToLower(n.Time) + ": " + r.Time, strings.ToLower(n.Sign) + ": " + r.Sign},
		"white space around values": {content + " ", n.App + ":" + r.AppID + "\t", n.Time + ":  " + r.Time + " ", sign},
		"signature in capitals":     with(sign, n.Sign+": "+strings.ToUpper(r.Sign)),
		"in another order":          {sign, at, app, content},
		"a header we do not know":   append(with(""), "X-Request-Id: 1"),
	}
	var cases []HeaderCase
	for name, lines := range refused {
		cases = append(cases, HeaderCase{name, r.raw(lines), false})
	}
	for name, lines := range accepted {
		cases = append(cases, HeaderCase{name, r.raw(lines), true})
	}
	return cases
}

func (r Signed) raw(lines []string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: florin.example\r\nConnection: close\r\nContent-Length: %d\r\n%s\r\n\r\n%s",
		r.Path, len(r.Body), strings.Join(lines, "\r\n"), r.Body)
}

// wide spells ASCII in full-width characters, which some number parsers take.
func wide(s string) string {
	return strings.Map(func(r rune) rune { return r - '!' + '！' }, s)
}

// other returns two hex digits that are not s.
func other(s string) string {
	if s == "00" {
		return "11"
	}
	return "00"
}

// Send writes raw bytes to addr and returns the answer; status is 0 if there was none.
func Send(t testing.TB, addr, raw string) (status int, body string) {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, raw); err != nil {
		return 0, "" // refused before it was read
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, ""
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, ""
	}
	return answer.StatusCode, string(text)
}
