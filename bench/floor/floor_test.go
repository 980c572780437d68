package main

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"florin/bench/merchant"
	"florin/bench/rig"
)

var app = merchant.App{ID: "floorapp", Key: "hp_test_key_0123456789ABCDEFGHIJ"}

// TestFloorIsHonest checks that the yardstick does the whole job: it refuses what is not signed, and a reference has
// one number however often and however simultaneously it is asked for.
func TestFloorIsHonest(t *testing.T) {
	for name, url := range databases(t) {
		t.Run(name, func(t *testing.T) {
			o := options{db: url, appID: app.ID, appKey: app.Key, writers: 1, groupMax: 256}
			db, err := open(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			srv := httptest.NewServer(newServer(o, db).routes())
			defer srv.Close()
			addr := srv.Listener.Addr().String()

			for wrong, code := range map[merchant.App]string{
				{ID: app.ID, Key: "another"}:  "10008",
				{ID: "another", Key: app.Key}: "10006",
			} {
				a, _ := ask(t, addr, wrong, "A-0")
				if a.OK() || !strings.Contains(string(a.Body), code) {
					t.Errorf("%v: %s, want code %s", wrong, a.Body, code)
				}
			}

			// Twenty callers, four references: some repeats share a group, some come after.
			var mu sync.Mutex
			numbers := map[string]map[string]bool{}
			var wg sync.WaitGroup
			for i := range 20 {
				wg.Go(func() {
					reference := fmt.Sprintf("A-%d", i%4)
					a, signed := ask(t, addr, app, reference)
					if !a.OK() || !signed {
						t.Errorf("%s: %s, signed %v", reference, a.Body, signed)
					}
					mu.Lock()
					defer mu.Unlock()
					if numbers[reference] == nil {
						numbers[reference] = map[string]bool{}
					}
					numbers[reference][string(a.Body)] = true
				})
			}
			wg.Wait()
			for reference, answers := range numbers {
				if len(answers) != 1 {
					t.Errorf("%s got %d different answers", reference, len(answers))
				}
			}
		})
	}
}

// Two rows of one reference in the same group: both callers are told the first one's number.
func TestRepeatInsideAGroup(t *testing.T) {
	for name, url := range databases(t) {
		t.Run(name, func(t *testing.T) {
			db, err := open(t.Context(), options{db: url, writers: 1, groupMax: 256})
			if err != nil {
				t.Fatal(err)
			}
			group := []*ticket[order]{
				{row: order{OutTradeNo: "A", Amount: "1", TradeNo: "first", Expires: 1}},
				{row: order{OutTradeNo: "B", Amount: "1", TradeNo: "other", Expires: 2}},
				{row: order{OutTradeNo: "A", Amount: "1", TradeNo: "second", Expires: 3}},
			}
			if err := db.writers[0](group); err != nil {
				t.Fatal(err)
			}
			for i, want := range []string{"first", "other", "first"} {
				if got := group[i].row.TradeNo; got != want {
					t.Errorf("row %d is told %q, want %q", i, got, want)
				}
			}
			if o, err := db.find(t.Context(), "A"); err != nil || o.TradeNo != "first" || o.Expires != 1 {
				t.Errorf("stored %+v, %v", o, err)
			}
			if _, err := db.find(t.Context(), "C"); err != errNotFound {
				t.Errorf("a reference nobody used: %v", err)
			}
		})
	}
}

func TestAmounts(t *testing.T) {
	for amount, want := range map[string]bool{
		"15": true, "15.5": true, "15.55": true,
		"": false, "15.": false, ".5": false, "15.555": false, "-1": false, "1e3": false, "1.2.3": false,
	} {
		if isAmount(amount) != want {
			t.Errorf("isAmount(%q) = %v", amount, !want)
		}
	}
}

func ask(t *testing.T, addr string, app merchant.App, reference string) (a merchant.Answer, signed bool) {
	c, err := merchant.Dial(addr, app)
	if err != nil {
		t.Error(err)
		return a, false
	}
	defer c.Close()
	if a, err = c.Create(merchant.Order{Reference: reference, Cents: 1550}); err != nil {
		t.Error(err)
		return a, false
	}
	return a, c.Signed(a)
}

// databases are new, empty ones of both kinds.
func databases(t *testing.T) map[string]string {
	dir, err := os.MkdirTemp("", "florin-floor-") // not t.TempDir: the server's user may not enter that
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	p, err := rig.StartPostgres(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	url, err := p.Create(t.Context(), "floor")
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"sqlite": "sqlite:" + filepath.Join(dir, "floor.db"), "postgres": url}
}
