package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"florin/bench/fill"
	"florin/bench/load"
	"florin/bench/merchant"
	"florin/bench/rig"
)

// tiny are sizes that end at once.
var tiny = options{
	databases: "sqlite", clients: []int{2}, measure: 40 * time.Millisecond, repetitions: 1, kills: 1, subject: "florin",
	orders: 10, sameAmount: 20, events: 40, streams: 40, merchants: 4, seed: 1,
	maxMove: 1, // nothing is measured
}

// shared is the world of all tests here: the programs are built once.
var shared *world

func TestMain(m *testing.M) {
	code := m.Run()
	if shared != nil {
		shared.close()
	}
	os.Exit(code)
}

// worldOf is the shared world with other options.
func worldOf(t *testing.T, o options) *world {
	t.Helper()
	if shared == nil {
		w, err := newWorld(t.Context(), tiny)
		if err != nil {
			t.Fatal(err)
		}
		shared = w
	}
	w := *shared
	w.options = o
	t.Cleanup(func() { shared.databases, shared.books = w.databases, w.books })
	return &w
}

// play plays a scenario on SQLite and returns its lines.
func play(t *testing.T, w *world, scenario func(context.Context, *world, string, printer) error) ([]map[string]any, error) {
	t.Helper()
	var out bytes.Buffer
	err := scenario(t.Context(), w, "sqlite", printer{json.NewEncoder(&out)})
	var lines []map[string]any
	for d := json.NewDecoder(&out); d.More(); {
		var line map[string]any
		if err := d.Decode(&line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	return lines, err
}

func TestLoadsPlayInShort(t *testing.T) {
	for name, scenario := range map[string]func(context.Context, *world, string, printer) error{
		"create": create, "create-same-amount": sameAmount, "create-idempotent": idempotent, "create-growth": growth, "read": read,
	} {
		t.Run(name, func(t *testing.T) {
			lines, err := play(t, worldOf(t, tiny), scenario)
			if err != nil {
				t.Fatal(err)
			}
			t.Log(lines)
		})
	}
}

// A server that gives a repeated reference another number is found.
func TestIdempotentFindsAForgetfulServer(t *testing.T) {
	o := tiny
	o.subject, o.subjectArgs, o.measure = "floor", []string{"-fault", "forget-reference"}, 200*time.Millisecond
	if _, err := play(t, worldOf(t, o), idempotent); err == nil {
		t.Error("nothing was found")
	}
}

// A row that was changed behind the server is found by who reads it.
func TestReadFindsAnEditedRow(t *testing.T) {
	ctx := t.Context()
	d, err := newDuel(ctx, worldOf(t, tiny), "sqlite")
	if err != nil {
		t.Fatal(err)
	}
	defer d.stop()
	if reached, err := d.fill(ctx, 10, true); err != nil || reached != 10 {
		t.Fatalf("filled %d orders, %v", reached, err)
	}
	reading := func() error {
		r, err := d.once(ctx, 2, func(_ string, p *rig.Process) load.Ask { return details(p.Name == "floor", 10) })
		return errors.Join(err, r.subject.FirstErr)
	}
	if err := reading(); err != nil {
		t.Fatalf("as it was filled in: %v", err)
	}
	change(t, d.floorProgram.DB, "UPDATE orders SET trade_no = 'edited'")
	if err := reading(); err == nil {
		t.Error("the floor's edited rows were read as they were")
	}
}

// change runs a statement on a database.
func change(t *testing.T, url, statement string) {
	t.Helper()
	db, err := fill.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func TestSharedSlotsAreFound(t *testing.T) {
	good := slotLine{Orders: 5, Numbers: 5, Chosen: 2, Addresses: 2}
	if err := good.err(); err != nil {
		t.Error(err)
	}
	for name, l := range map[string]slotLine{
		"two orders of one number": {Orders: 5, Numbers: 4, Chosen: 2, Addresses: 2},
		"two of one address":       {Orders: 5, Numbers: 5, Chosen: 2, Addresses: 1},
		"an error":                 {Orders: 5, Numbers: 5, Chosen: 2, Addresses: 2, Errors: 1},
	} {
		if l.err() == nil {
			t.Errorf("%s: passed", name)
		}
	}
}

func TestFit(t *testing.T) {
	at := func(orders int64, p50, floor float64) loadLine {
		return loadLine{DB: "sqlite", Clients: 1, Orders: orders, P50: p50, FloorP50: floor}
	}
	flat, ok := fitOf([]loadLine{at(0, 1, 1), at(1000, 2, 2), at(10_000, 3, 3)}) // the machine got busier, for both
	if !ok || flat.Growth != 1 || flat.PerDecade != 0 {
		t.Errorf("flat: %+v", flat)
	}
	steep, ok := fitOf([]loadLine{at(0, 1, 1), at(1000, 1, 1), at(10_000, 2, 1)})
	if !ok || steep.Growth != 2 || steep.PerDecade != 1 {
		t.Errorf("steep: %+v", steep)
	}
	if _, ok := fitOf([]loadLine{at(1000, 1, 1), at(10_000, 2, 1)}); ok {
		t.Error("a fit without the empty database")
	}
}

// Everything is told once; a merchant's server that forgets, or hears of something else, is found.
func TestWebhooksAreCounted(t *testing.T) {
	w := worldOf(t, tiny)
	told, err := newTelling(t.Context(), w, "sqlite")
	if err != nil {
		t.Fatal(err)
	}
	defer told.duel.stop()
	if line, err := told.line(t.Context(), "at once", behaviour{}, true, false); err != nil || line.err(false) != nil {
		t.Fatal(err, line.err(false))
	}
	line, err := told.line(t.Context(), "at once", behaviour{forget: true}, false, false)
	if err != nil || line.Lost != 1 || line.err(true) == nil {
		t.Errorf("one forgets: %+v, %v", line, err)
	}
	if line, err = told.line(t.Context(), "one hangs", behaviour{hang: true}, false, false); err != nil || line.err(false) != nil {
		t.Errorf("one hangs: %v, %v", err, line.err(false))
	}
}

func TestReceiversCountWhatTheyHear(t *testing.T) {
	r, err := openReceivers(1, behaviour{failEvery: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	client := &http.Client{Timeout: 10 * time.Second}
	tell := func(event, number string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.urls[0], strings.NewReader(`{"trade_no":"`+number+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Florin-Event", event)
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		io.Copy(io.Discard, resp.Body)
		return resp.StatusCode
	}
	if a, b, c := tell("evt_1", fill.Number(1)), tell("evt_2", fill.Number(2)), tell("evt_2", fill.Number(2)); a != 200 || b != 503 || c != 200 {
		t.Errorf("statuses %d, %d, %d", a, b, c)
	}
	tell("evt_1", fill.Number(1)) // again
	tell("evt_4", fill.Number(1)) // not its number
	lost, duplicates, wrong := r.count([]string{"evt_1", "evt_2", "evt_3", "evt_4"})
	if lost != 1 || duplicates != 1 || wrong != 1 {
		t.Errorf("%d lost, %d duplicates, %d wrong, want 1, 1, 1", lost, duplicates, wrong)
	}
}

// The books add up, and do not when a balance or an answer is not what was posted.
func TestLedgerTrialFindsAnEditedBalance(t *testing.T) {
	ctx := t.Context()
	w := worldOf(t, tiny)
	lines, err := play(t, w, ledgers)
	if err != nil {
		t.Fatal(err)
	}
	if last := lines[len(lines)-1]; last["scenario"] != "ledger-trial" || last["entries"] == 0.0 {
		t.Errorf("no trial balance: %v", last)
	}
	url, _, err := w.database(ctx, "sqlite")
	if err != nil {
		t.Fatal(err)
	}
	b := &booking{world: w, db: "sqlite", subjectURL: url}
	if _, err := b.post(ctx, false, 2, true); err != nil {
		t.Fatal(err)
	}
	clean, err := addUp(ctx, url)
	if err != nil || clean.err(b.posted) != nil {
		t.Fatal(err, clean.err(b.posted))
	}
	if clean.err(b.posted+1) == nil {
		t.Error("an entry that was answered and is not there was not missed")
	}
	change(t, url, "UPDATE balances SET credit_units = '1' WHERE kind = 'merchant'")
	if edited, err := addUp(ctx, url); err != nil || edited.Strayed != 1 || edited.err(b.posted) == nil {
		t.Errorf("an edited balance: %+v, %v", edited, err)
	}
	change(t, url, "INSERT INTO postings SELECT entry_id, 9, kind, owner, asset, side, units FROM postings LIMIT 1")
	if more, err := addUp(ctx, url); err != nil || more.Balanced || more.Unbalanced != 1 {
		t.Errorf("one more posting: %+v, %v", more, err)
	}
}

// A browser says what a page costs: one with a picture from elsewhere and a long script costs more.
func TestVisitsAreMeasured(t *testing.T) {
	pages := map[string]string{
		"/light": `<!doctype html><link rel=icon href="data:,"><h1>Pay</h1>`,
		"/heavy": `<!doctype html><link rel=icon href="data:,"><h1>Pay</h1><img src="http://127.0.0.1:9/x.png"><script src="/a.js"></script><p>` + strings.Repeat("x", 5000),
		"/a.js":  `const end = performance.now() + 200; while (performance.now() < end) {}`,
		"/blank": `<!doctype html><link rel=icon href="data:,">`,
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, pages[r.URL.Path]) }))
	defer srv.Close()
	browser, stop, err := openBrowser(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	visits := map[string]visit{}
	for _, path := range []string{"/light", "/heavy", "/blank"} {
		tab, closeTab, err := openTab(browser, devices[0], true)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 { // a busy machine makes any page's tasks long
			visits[path], err = tab.load(srv.URL+path, true)
			if calm := err == nil && visits[path].longTasks == 0; calm || path != "/light" {
				break
			}
		}
		closeTab()
		if (err != nil) != (path == "/blank") {
			t.Errorf("%s: %v", path, err)
		}
	}
	light, heavy := visits["/light"], visits["/heavy"]
	if light.requests != 1 || light.foreign != 0 || light.longTasks != 0 {
		t.Errorf("light: %+v", light)
	}
	if heavy.requests != 3 || heavy.foreign != 1 || heavy.longTasks == 0 || heavy.longExcess < 100 || heavy.bytes < light.bytes+5000 {
		t.Errorf("heavy: %+v beside %+v", heavy, light)
	}
}

func TestStreamsAreOpened(t *testing.T) {
	d, err := newDuel(t.Context(), worldOf(t, tiny), "sqlite")
	if err != nil {
		t.Fatal(err)
	}
	defer d.stop()
	if _, err := listen(t.Context(), d.subject.Addr, fill.Number(1), 0); err == nil {
		t.Error("a stream of an order that does not exist")
	}
	number, err := ask(d.subject, merchant.Order{Reference: template, Cents: 15_00})
	if err != nil {
		t.Fatal(err)
	}
	c, err := listen(t.Context(), d.subject.Addr, number, 300)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}
