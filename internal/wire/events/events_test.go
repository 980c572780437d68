package events

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"florin/internal/engine"
	"florin/internal/wire"
)

// TestPages reads everything page by page: each event once, in order, whoever seals meanwhile.
func TestPages(t *testing.T) {
	w := newWorld(t)
	for i := range 5 {
		w.order(w.ours, fmt.Sprint("A-", i))
		w.order(w.theirs, fmt.Sprint("B-", i))
		if i%2 == 0 {
			w.seal()
		}
	}
	w.pay(w.order(w.ours, "A-paid"))
	if got := w.read(w.ours.token, ""); len(got.Events) >= 7 {
		t.Errorf("told before it was sealed: %s", kinds(got))
	}
	w.seal()
	whole := w.read(w.ours.token, "")
	if got, want := kinds(whole), strings.Repeat("order.created ", 6)+"order.paid"; got != want || whole.More {
		t.Fatalf("%s, more %v", got, whole.More)
	}
	var pieces []one
	for p := (page{More: true}); p.More; {
		p = w.read(w.ours.token, fmt.Sprintf("?after=%d&limit=2", p.Next))
		pieces = append(pieces, p.Events...)
	}
	if diff := cmp.Diff(whole.Events, pieces); diff != "" {
		t.Errorf("pages differ from the whole: %s", diff)
	}
	for i := 1; i < len(pieces); i++ {
		if pieces[i].Seq <= pieces[i-1].Seq {
			t.Errorf("number %d follows %d", pieces[i].Seq, pieces[i-1].Seq)
		}
	}
	if end := w.read(w.ours.token, fmt.Sprint("?after=", whole.Next)); len(end.Events) != 0 || end.Next != whole.Next || end.More {
		t.Errorf("behind the end: %+v", end)
	}
	if now := w.read(w.ours.token, "?after=now"); len(now.Events) != 0 || now.Next < whole.Next {
		t.Errorf("from now: %+v", now)
	}
	paid := whole.Events[6]
	if paid.Transfer == nil || paid.Transfer.Amount.Asset != "USDT@sim-ethereum" || paid.Order.State != "paid" || *paid.Order.Received != *paid.Transfer.Amount {
		t.Errorf("the payment is told as %+v, %+v", paid.Order, paid.Transfer)
	}
}

// TestB02_AnotherAppsEventsAreNeverSeen asks with every cursor and both ways to authenticate.
func TestB02_AnotherAppsEventsAreNeverSeen(t *testing.T) {
	w := newWorld(t)
	for i := range 3 {
		w.pay(w.order(w.ours, fmt.Sprint("ours-", i)))
		w.pay(w.order(w.theirs, fmt.Sprint("theirs-", i)))
	}
	w.seal()
	last, err := w.Engine.Sealed(t.Context())
	w.must(err)
	seen := map[string]int{}
	for after := range last + 2 {
		target := fmt.Sprintf("/events?after=%d&limit=500", after)
		for _, c := range []struct {
			app     app
			foreign string
		}{{w.ours, "theirs-"}, {w.theirs, "ours-"}} {
			for _, r := range []*http.Request{w.bearing(c.app.token, target), w.signed(c.app, http.MethodGet, target, "")} {
				answer := w.send(r)
				if answer.Code != http.StatusOK || strings.Contains(answer.Body.String(), c.foreign) {
					t.Fatalf("after %d: %d %s", after, answer.Code, answer.Body)
				}
				seen[c.foreign] += strings.Count(answer.Body.String(), `"reference":`)
			}
		}
	}
	// The control: each sees its own, and what the one must not see is there for the other.
	if seen["theirs-"] == 0 || seen["ours-"] == 0 {
		t.Errorf("saw %v", seen)
	}
	// A token opens its own app's feed whatever else the request says.
	r := w.signed(w.theirs, http.MethodGet, "/events", "")
	r.Header.Set("Authorization", "Bearer "+w.ours.token)
	if answer := w.send(r); strings.Contains(answer.Body.String(), `"theirs-`) || !strings.Contains(answer.Body.String(), "ours-") {
		t.Errorf("two credentials: %s", answer.Body)
	}
}

func TestRefusals(t *testing.T) {
	w := newWorld(t)
	with := func(change func(*http.Request)) *http.Request {
		r := w.bearing(w.ours.token, "/events")
		change(r)
		return r
	}
	stale := w.signed(w.ours, http.MethodGet, "/events", "")
	stale.Header.Set("X-Timestamp", fmt.Sprint(start.Add(-3*time.Minute).Unix()))
	forged := w.signed(w.ours, http.MethodGet, "/events", "")
	forged.Header.Set("X-Sign", strings.Repeat("0", 64))
	for name, c := range map[string]struct {
		r      *http.Request
		status int
		code   string
	}{
		"a token":                 {w.bearing(w.ours.token, "/events"), 200, ""},
		"signed":                  {w.signed(w.ours, http.MethodGet, "/events", ""), 200, ""},
		"a small-letter bearer":   {with(func(r *http.Request) { r.Header.Set("Authorization", "bearer "+w.ours.token) }), 200, ""},
		"nothing":                 {httptest.NewRequest(http.MethodGet, "/events", nil), 401, "unauthenticated"},
		"another token":           {w.bearing(w.ours.token[:len(w.ours.token)-1]+"!", "/events"), 401, "unauthenticated"},
		"the token's hash":        {w.bearing(w.ours.tokenID, "/events"), 401, "unauthenticated"},
		"an empty token":          {w.bearing("", "/events"), 401, "unauthenticated"},
		"basic authentication":    {with(func(r *http.Request) { r.SetBasicAuth(w.ours.ID, w.ours.key) }), 401, "unauthenticated"},
		"two tokens":              {with(func(r *http.Request) { r.Header.Add("Authorization", "Bearer "+w.theirs.token) }), 401, "unauthenticated"},
		"a forged signature":      {forged, 401, "unauthenticated"},
		"W09 an old signature":    {stale, 401, "unauthenticated"},
		"W01 a body":              {w.signed(w.ours, http.MethodGet, "/events", "{}"), 400, "invalid"},
		"W07 that of a call":      {w.signedOver(w.ours, http.MethodGet, "/events", "", ""), 401, "unauthenticated"},
		"W07 of {}":               {w.signedOver(w.ours, http.MethodGet, "/events", "", "{}"), 401, "unauthenticated"},
		"W07 of another page":     {w.signedOver(w.ours, http.MethodGet, "/events?after=1", "", "/events"), 401, "unauthenticated"},
		"signed for a page":       {w.signed(w.ours, http.MethodGet, "/events?after=1&limit=2", ""), 200, ""},
		"after is no number":      {w.bearing(w.ours.token, "/events?after=a"), 400, "invalid"},
		"after is negative":       {w.bearing(w.ours.token, "/events?after=-1"), 400, "invalid"},
		"after is too large":      {w.bearing(w.ours.token, "/events?after=9223372036854775808"), 400, "invalid"},
		"after twice":             {w.bearing(w.ours.token, "/events?after=1&after=2"), 400, "invalid"},
		"the largest after":       {w.bearing(w.ours.token, "/events?after=9223372036854775807"), 200, ""},
		"limit 0":                 {w.bearing(w.ours.token, "/events?limit=0"), 400, "invalid"},
		"limit 500":               {w.bearing(w.ours.token, "/events?limit=500"), 200, ""},
		"limit 501":               {w.bearing(w.ours.token, "/events?limit=501"), 400, "invalid"},
		"POST":                    {w.signed(w.ours, http.MethodPost, "/events", ""), 405, ""},
		"Last-Event-ID of a page": {with(func(r *http.Request) { r.Header.Set("Last-Event-ID", "a") }), 200, ""},
	} {
		answer := w.send(c.r)
		if answer.Code != c.status || c.code != "" && !strings.Contains(answer.Body.String(), `{"error":{"code":"`+c.code+`"`) {
			t.Errorf("%s: %d %s, want %d %s", name, answer.Code, answer.Body, c.status, c.code)
		}
		if c.status == 401 && answer.Header().Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%s: headers %v", name, answer.Header())
		}
	}
	w.must(w.Engine.RevokeToken(t.Context(), w.ours.ID, w.ours.tokenID))
	if answer := w.send(w.bearing(w.ours.token, "/events")); answer.Code != 401 {
		t.Errorf("a revoked token: %d", answer.Code)
	}
	w.must(w.Engine.RevokeApp(t.Context(), w.theirs.ID))
	if answer := w.send(w.bearing(w.theirs.token, "/events")); answer.Code != 401 {
		t.Errorf("a revoked app's token: %d", answer.Code)
	}
}

// TestL05_FailuresAreSlowedDown guesses tokens: the source is not heard any more, with a good one either.
func TestL05_FailuresAreSlowedDown(t *testing.T) {
	w := newWorldWith(t, StreamLimit{}, wire.Rate{PerSecond: 1, Burst: 5})
	for range 5 {
		if answer := w.send(w.bearing("guess", "/events")); answer.Code != 401 {
			t.Fatalf("%d %s", answer.Code, answer.Body)
		}
	}
	for _, token := range []string{"guess", w.ours.token} {
		if answer := w.send(w.bearing(token, "/events")); answer.Code != 429 || answer.Header().Get("Retry-After") == "" {
			t.Errorf("after five failures: %d %s", answer.Code, answer.Body)
		}
	}
	w.Clock.Advance(2 * time.Second)
	if answer := w.send(w.bearing(w.ours.token, "/events")); answer.Code != 200 {
		t.Errorf("later: %d %s", answer.Code, answer.Body)
	}
}

func TestTokens(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	if !strings.HasPrefix(w.ours.token, "florin_") || len(w.ours.token) != 47 {
		t.Errorf("token %q", w.ours.token)
	}
	list, err := w.Engine.Tokens(ctx, w.ours.ID)
	w.must(err)
	want := []engine.Token{{ID: w.ours.tokenID, AppID: w.ours.ID, Name: "a test", CreatedAt: start}}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Error(diff)
	}
	if err := w.Engine.RevokeToken(ctx, w.ours.ID, w.theirs.tokenID); err == nil {
		t.Error("another app's token was revoked")
	}
	if _, err := w.Engine.AppByToken(ctx, w.theirs.token); err != nil {
		t.Error(err)
	}
	for range 2 {
		w.must(w.Engine.RevokeToken(ctx, w.ours.ID, w.ours.tokenID))
		w.Clock.Advance(time.Second)
	}
	list, err = w.Engine.Tokens(ctx, w.ours.ID)
	w.must(err)
	want[0].RevokedAt = start
	if diff := cmp.Diff(want, list); diff != "" {
		t.Error(diff)
	}
	for name, appID := range map[string]string{"no such app": "none", "": w.ours.ID} {
		if _, _, err := w.Engine.AddToken(ctx, appID, strings.Repeat("\n", 1-min(len(name), 1))); err == nil {
			t.Errorf("a token for %q, %q", appID, name)
		}
	}
}

// update reports whether the examples are to be rewritten; wiretest has the flag.
func update() bool { return flag.Lookup("update").Value.String() == "true" }

// made are the parts of an example that the next run makes otherwise.
var made = regexp.MustCompile(`(evt|ord)_[0-9a-z]{26}|"number":\s*"[^"]*"|"0x[0-9A-Fa-f]{40}"`)

// TestDocumentedExample: what docs/events.md shows is what is answered.
func TestDocumentedExample(t *testing.T) {
	const file = "../../../docs/events.md"
	w := newWorld(t)
	w.pay(w.order(w.ours, "A-1"))
	w.seal()
	listing := strings.TrimSuffix(w.send(w.bearing(w.ours.token, "/events?after=0&limit=2")).Body.String(), "\n")
	stream := string(messages(mustFeed(w)[:1]))
	text, err := os.ReadFile(file)
	w.must(err)
	doc := string(text)
	for fence, got := range map[string]string{"```json\n{\"events\":": listing + "\n", "```text\nid: ": stream} {
		at := strings.Index(doc, fence)
		if at < 0 {
			t.Fatalf("%s has no %q", file, fence)
		}
		from := at + strings.Index(fence, "\n") + 1
		to := from + strings.Index(doc[from:], "```")
		if update() {
			doc = doc[:from] + got + doc[to:]
		} else if diff := cmp.Diff(made.ReplaceAllString(doc[from:to], "$1"), made.ReplaceAllString(got, "$1")); diff != "" {
			t.Errorf("the example (-documented +answered): %s", diff)
		}
	}
	if update() {
		w.must(os.WriteFile(file, []byte(doc), 0o644))
	}
}

func mustFeed(w *world) []engine.News {
	news, err := w.Engine.Feed(w.t.Context(), w.ours.ID, 0, 500)
	w.must(err)
	return news
}
