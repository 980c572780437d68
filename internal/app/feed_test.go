package app

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"florin/internal/peer"
)

// fetch sends a GET, with a token unless it is "".
func fetch(t *testing.T, target, token, accept string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	r.Header.Set("Accept", accept)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	return answer
}

func body(t *testing.T, answer *http.Response) string {
	t.Helper()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestFeedIsServed: an order's event is sealed, read with a token and told on a stream; the token is
// revoked while the stream is open; the address of the order is computed again.
func TestFeedIsServed(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	s := p.serve()
	m := p.app()
	added := parse[tokenJSON](t, p.run("app", "token", "add", "--app", m.app, "--name", "books", "--json"))
	other := parse[tokenJSON](t, p.run("app", "token", "add", "--app", m.app, "--json"))
	if list := p.run("app", "token", "list", "--app", m.app); !strings.Contains(list, "books") || strings.Contains(list, added.Token) {
		t.Errorf("the list: %s", list)
	}
	number := m.order(s.url, "A-1")
	choose(t, s.url, number, "USDT@sim-ethereum")
	peer.Eventually(t, within, func() error {
		answer := fetch(t, s.url+"/events", added.Token, "application/json")
		if text := body(t, answer); answer.StatusCode != http.StatusOK || !strings.Contains(text, `"kind":"order.created"`) {
			return fmt.Errorf("%s %s", answer.Status, text)
		}
		return nil
	})
	stream := fetch(t, s.url+"/events", added.Token, "text/event-stream")
	lines := bufio.NewScanner(stream.Body)
	for told := false; !told && lines.Scan(); {
		told = lines.Text() == "event: order.created"
	}
	if lines.Err() != nil || stream.StatusCode != http.StatusOK {
		t.Fatalf("the stream: %s, %v", stream.Status, lines.Err())
	}
	p.run("app", "token", "revoke", "--app", m.app, added.ID)
	if answer := fetch(t, s.url+"/events", added.Token, ""); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("a revoked token: %s", answer.Status)
	}
	for lines.Scan() { // until the stream ends; the test's own limit is its bound
	}
	if answer := fetch(t, s.url+"/events", other.Token, ""); answer.StatusCode != http.StatusOK {
		t.Errorf("the app's other token: %s", answer.Status)
	}
	if list := p.run("app", "token", "list", "--app", m.app); !strings.Contains(list, added.ID+"  revoked") || !strings.Contains(list, other.ID+"  good") {
		t.Errorf("the list: %s", list)
	}

	made := parse[addressJSON](t, p.run("address", "verify", "--number", number, "--json"))
	if made.Matches == nil || !*made.Matches || made.Chain != "sim-ethereum" {
		t.Errorf("the order's address: %+v", made)
	}
	same := parse[addressJSON](t, p.run("address", "verify", "--chain", made.Chain, "--salt", made.Salt, "--destination", made.Destination, "--json"))
	if same.Address != made.Address {
		t.Errorf("without the database: %+v", same)
	}
	page := body(t, fetch(t, s.url+"/address?"+url.Values{
		"chain": {made.Chain}, "salt": {made.Salt}, "destination": {made.Destination}, "address": {made.Address},
	}.Encode(), "", "text/html"))
	if !strings.Contains(page, "<code>"+made.Address+"</code>") || !strings.Contains(page, "This is the address.") {
		t.Errorf("the page: %s", page)
	}
	p.refused(exitRefused, "no such order", "address", "verify", "--number", "1")

	open := fetch(t, s.url+"/events", other.Token, "text/event-stream")
	s.stop()
	if _, err := io.Copy(io.Discard, open.Body); err != nil {
		t.Errorf("the stream was cut off, not ended: %v", err)
	}
}

func TestResendCommand(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	m := p.app()
	if got := p.run("webhook", "resend", "--app", m.app, "--since", "6h", "--failed"); got != "0 events go out\n" {
		t.Errorf("%q", got)
	}
	if got := shape(t, p.run("webhook", "resend", "--app", m.app, "--since", "2026-01-01T00:00:00Z", "--json")); got != "{app:text events:number since:text until:text}" {
		t.Error(got)
	}
	for name, c := range map[string]struct {
		status int
		says   string
		args   []string
	}{
		"nothing":            {exitUsage, "--event, or --app", nil},
		"both":               {exitUsage, "--event, or --app", []string{"--event", "evt_1", "--app", m.app, "--since", "1h"}},
		"no since":           {exitUsage, "--event, or --app", []string{"--app", m.app}},
		"since nonsense":     {exitUsage, "--since", []string{"--app", m.app, "--since", "yesterday"}},
		"since the future":   {exitUsage, "--since", []string{"--app", m.app, "--since", "-1h"}},
		"until before since": {exitUsage, "--until", []string{"--app", m.app, "--since", "1h", "--until", "2h"}},
		"since tomorrow":     {exitUsage, "--since", []string{"--app", m.app, "--since", "2999-01-01T00:00:00Z"}},
		"no such app":        {exitRefused, "no such app", []string{"--app", "none", "--since", "1h"}},
	} {
		t.Run(name, func(t *testing.T) { p.refused(c.status, c.says, append([]string{"webhook", "resend"}, c.args...)...) })
	}
}
