package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"florin/bench/load"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		of   []float64
		want float64
	}{
		{[]float64{7}, 7},
		{[]float64{9, 1, 5}, 5},
		{[]float64{4, 1, 3, 2}, 2.5},
	} {
		if got := median(c.of); got != c.want {
			t.Errorf("median(%v) = %v, want %v", c.of, got, c.want)
		}
	}
}

func TestSteady(t *testing.T) {
	for name, c := range map[string]struct {
		halves [2]float64
		want   bool
	}{
		"equal halves":                 {[2]float64{100, 100}, true},
		"second half 30 % slower":      {[2]float64{100, 70}, true},
		"second half 31 % slower":      {[2]float64{100, 69}, false},
		"first half 31 % slower":       {[2]float64{69, 100}, false},
		"nothing in one half":          {[2]float64{100, 0}, false},
		"nothing at all is no measure": {[2]float64{0, 0}, false},
	} {
		if got := steady(c.halves, 0.30); got != c.want {
			t.Errorf("%s: steady = %v, want %v", name, got, c.want)
		}
	}
}

func TestUnsteadyRepetitionsAreRepeated(t *testing.T) {
	good, bad := [2]float64{100, 100}, [2]float64{100, 10}
	for name, c := range map[string]struct {
		floors          [][2]float64 // the last goes on for ever
		kept, discarded int
	}{
		"all steady":                 {[][2]float64{good}, 3, 0},
		"two thrown away":            {[][2]float64{bad, good, bad, good}, 3, 2},
		"a machine that gets busy":   {[][2]float64{good, bad}, 1, 7},
		"a machine that is too busy": {[][2]float64{bad}, 0, 7},
	} {
		n := 0
		kept, discarded, err := options{maxMove: 0.30}.repeat(3, func() (repetition, error) {
			r := repetition{floor: measured{halves: c.floors[min(n, len(c.floors)-1)]}}
			n++
			return r, nil
		})
		if len(kept) != c.kept || discarded != c.discarded || (err != nil) != (c.kept == 0) {
			t.Errorf("%s: %d kept, %d discarded, %v", name, len(kept), discarded, err)
		}
	}
}

// The ratio is the median of the ratios of pairs, not the ratio of two medians: a pair shares its minute.
func TestRatioIsTakenInPairs(t *testing.T) {
	run := func(orders int, wait, cpu time.Duration) measured {
		waited := make([]time.Duration, orders)
		for i := range waited {
			waited[i] = wait
		}
		return measured{
			Result: load.Result{Measured: time.Second, Waited: waited, Answered: orders},
			used:   used{server: time.Duration(orders) * cpu},
		}
	}
	pair := func(floor, subject int) repetition {
		r := repetition{floor: run(floor, 2*time.Millisecond, 40*time.Microsecond), subject: run(subject, 3*time.Millisecond, 50*time.Microsecond)}
		r.subject.Errors = 1
		return r
	}
	got := summarise("create", "sqlite", 64, []repetition{pair(1000, 600), pair(100, 80), pair(500, 350)}, 1)
	want := loadLine{
		Scenario: "create", DB: "sqlite", Clients: 64, Subject: 350, Floor: 500, Ratio: 0.7, CPURatio: 0.8,
		P50: 3, P99: 3, P999: 3, FloorP50: 2, FloorP99: 2, CPU: 50, FloorCPU: 40, Errors: 3, Repetitions: 3, Discarded: 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestJudge(t *testing.T) {
	lines := []loadLine{{Clients: 1, Ratio: 0.4}, {Clients: 64, Ratio: 0.61}}
	if err := judge(lines, 0.6); err != nil {
		t.Errorf("0.61 at 64 clients, 0.4 at 1: %v", err)
	}
	if judge(lines, 0.62) == nil {
		t.Error("0.61 at 64 clients passed as 0.62")
	}
	lines[0].Errors = 1
	if judge(lines, 0) == nil {
		t.Error("an error passed")
	}
}

func TestShape(t *testing.T) {
	at := func(clients int, subject float64) loadLine {
		return loadLine{Clients: clients, Subject: subject, Floor: 100}
	}
	got, ok := shapeOf("sqlite", []loadLine{at(1, 10), at(16, 200), at(64, 300), at(256, 150)})
	want := shapeLine{Scenario: "create-shape", DB: "sqlite", From: 16, To: 256, Fall: 0.25}
	if diff := cmp.Diff(want, got); !ok || diff != "" {
		t.Error(ok, diff)
	}
	if _, ok := shapeOf("sqlite", []loadLine{at(64, 1)}); ok {
		t.Error("a shape of one point")
	}
}

func TestWeighPage(t *testing.T) {
	parts := map[string]string{
		"/pay/1": `<!doctype html><link rel=stylesheet href="/a.css"><link rel="canonical" href="/other">
			<script src='/a.js?x=1&amp;y=2'></script><img src="data:image/png;base64,AA"><img src="https://elsewhere.example/logo.png">
			<style>p{background:url(/b.svg)}</style>`,
		"/a.css":       `@font-face{src:url("/c.woff2")}`,
		"/a.js":        `fetch("/state")`,
		"/b.svg":       `<svg/>`,
		"/c.woff2":     `font`,
		"/favicon.ico": ``,
	}
	asked := map[string]int{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked[r.URL.Path]++
		fmt.Fprint(w, parts[r.URL.Path])
	}))
	defer srv.Close()
	p, err := weigh(t.Context(), srv.URL+"/pay/1")
	if err != nil {
		t.Fatal(err)
	}
	if p.requests != 7 || p.foreign != 1 {
		t.Errorf("%d requests, %d foreign, want 7 and 1", p.requests, p.foreign)
	}
	least := 0
	for path, body := range parts {
		least += len(body)
		if asked[path] != 1 {
			t.Errorf("%s was asked for %d times", path, asked[path])
		}
	}
	if p.bytes <= least {
		t.Errorf("%d bytes on the wire, but the bodies alone have %d", p.bytes, least)
	}
}

func TestNumbers(t *testing.T) {
	if got, err := numbers("64,1"); err != nil || !cmp.Equal(got, []int{1, 64}) {
		t.Error(got, err)
	}
	for _, bad := range []string{"", "0", "1,,2", "x"} {
		if _, err := numbers(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}
