package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"florin/bench/merchant"
	"florin/bench/rig"
)

const (
	starts     = 5               // of each program; the median counts
	idleFor    = 5 * time.Second // before the idle memory is read
	bytesPerMB = 1e6
)

// startLine is what a program costs before it does anything, and what its checkout page costs a payer.
type startLine struct {
	Scenario     string  `json:"scenario"`
	DB           string  `json:"db"`
	Program      string  `json:"program"`
	Orders       int64   `json:"orders"`
	FirstAnswer  float64 `json:"first_answer_ms"` // from exec to /healthz, on a database that exists
	FirstCPU     float64 `json:"first_answer_cpu_ms"`
	IdleRSS      float64 `json:"idle_rss_mb"` // after 5 s of doing nothing
	Binary       float64 `json:"binary_mb"`   // stripped
	PageBytes    int     `json:"page_bytes,omitempty"`
	PageRequests int     `json:"page_requests,omitempty"`
	PageForeign  int     `json:"page_foreign,omitempty"` // of those, to other hosts
	LoadAverage  float64 `json:"load_average"`
}

// start measures starting and standing still, of the floor and then of the subject, and of the subject with many orders.
func start(ctx context.Context, w *world, db string, out printer) error {
	d, err := newDuel(ctx, w, db)
	if err != nil {
		return err
	}
	defer d.stop()
	measure := func(p rig.Program, orders int64) error {
		line, err := w.startOf(ctx, db, p, orders)
		return errors.Join(err, out.Encode(line))
	}
	d.stop()
	if err := errors.Join(measure(d.floorProgram, 0), measure(d.subjectProgram, 0), d.start(ctx)); err != nil {
		return err
	}
	stored, err := d.fill(ctx, w.orders, false)
	d.stop()
	if err != nil {
		return err
	}
	return measure(d.subjectProgram, stored)
}

func (w *world) startOf(ctx context.Context, db string, p rig.Program, orders int64) (startLine, error) {
	line := startLine{Scenario: "start", DB: db, Program: p.Name, Orders: orders}
	file, err := os.Stat(p.Binary)
	if err != nil {
		return line, err
	}
	line.Binary = round(float64(file.Size()) / bytesPerMB)
	if line.LoadAverage, err = rig.LoadAverage(); err != nil {
		return line, err
	}
	// One start first, so that every one that counts finds the schema in place.
	var took, used []float64
	for n := range 1 + starts {
		server, err := p.Start(ctx)
		if err != nil {
			return line, err
		}
		if n > 0 {
			took = append(took, server.ReadyAfter.Seconds()*1000)
			used = append(used, server.ReadyCPU.Seconds()*1000)
		}
		if n == starts {
			err = w.still(ctx, server, &line)
		}
		if stop := server.Stop(); err == nil {
			err = stop
		}
		if err != nil {
			return line, err
		}
	}
	line.FirstAnswer, line.FirstCPU = round(median(took)), round(median(used))
	return line, nil
}

// still measures a server that has nothing to do, and then its checkout page.
func (w *world) still(ctx context.Context, server *rig.Process, line *startLine) error {
	select {
	case <-time.After(idleFor):
	case <-ctx.Done():
		return ctx.Err()
	}
	rss, err := server.RSS()
	if err != nil {
		return err
	}
	line.IdleRSS = round(float64(rss) / bytesPerMB)
	if server.Name == "floor" {
		return nil // it has no page
	}
	url, err := checkoutURL(server, line.Orders)
	if err != nil {
		return err
	}
	page, err := weigh(ctx, url)
	if err != nil {
		return fmt.Errorf("checkout page %s: %w", url, err)
	}
	line.PageBytes, line.PageRequests, line.PageForeign = page.bytes, page.requests, page.foreign
	return nil
}

// checkoutURL makes an order and returns the address its payer is sent to.
func checkoutURL(server *rig.Process, orders int64) (string, error) {
	conn, err := merchant.Dial(server.Addr, server.App)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	a, err := conn.Create(merchant.Order{Reference: fmt.Sprintf("page-%d", orders), Cents: 15_00})
	if err != nil {
		return "", err
	}
	var answer struct{ Data struct{ URL string } }
	if err := json.Unmarshal(a.Body, &answer); err != nil || answer.Data.URL == "" {
		return "", fmt.Errorf("no checkout page in %s", a.Body)
	}
	return answer.Data.URL, nil
}
