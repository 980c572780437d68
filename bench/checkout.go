package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"florin/bench/merchant"
	"florin/bench/rig"
)

// visitLine is what a payer's first and second look at the page cost, medians of the repetitions.
type visitLine struct {
	Scenario    string  `json:"scenario"`
	DB          string  `json:"db"`
	Device      string  `json:"device"`
	Script      bool    `json:"script"`
	Cache       string  `json:"cache"`          // cold or warm
	Bytes       float64 `json:"bytes"`          // on the wire
	Requests    float64 `json:"requests"`       // but the stream of news
	Foreign     float64 `json:"foreign"`        // of them, to other hosts
	FCP         float64 `json:"fcp_ms"`         // first contentful paint, from the document's request
	LCP         float64 `json:"lcp_ms"`         // largest contentful paint
	FloorLCP    float64 `json:"floor_lcp_ms"`   // of a page of one line
	Ratio       float64 `json:"lcp_ratio"`      // to the floor's of the same pair
	LongTasks   float64 `json:"long_tasks"`     // of more than 50 ms; 0 without script, when they are not measured
	LongExcess  float64 `json:"long_excess_ms"` // beyond 50 ms each
	LoadAverage float64 `json:"load_average"`
	Repetitions int     `json:"repetitions"`
}

// streamLine is what open status streams cost the server.
type streamLine struct {
	Scenario    string  `json:"scenario"`
	DB          string  `json:"db"`
	Streams     int     `json:"streams"`
	Wanted      int     `json:"wanted,omitempty"` // when the descriptor limit allowed fewer
	IdleRSS     float64 `json:"idle_rss_mb"`      // before
	RSS         float64 `json:"rss_mb"`
	PerStream   float64 `json:"kb_per_stream"`
	CPU         float64 `json:"cpu_ms_per_s"` // while nothing happens
	LoadAverage float64 `json:"load_average"`
}

// checkouts measures the page in a browser, then its streams.
func checkouts(ctx context.Context, w *world, db string, out printer) error {
	if w.subject == "floor" {
		return errors.New("the floor has no checkout: compare florin")
	}
	d, err := newDuel(ctx, w, db)
	if err != nil {
		return err
	}
	defer d.stop()
	return errors.Join(d.visits(ctx, out), d.streamed(ctx, out))
}

func (d *duel) visits(ctx context.Context, out printer) error {
	number, err := ask(d.subject, merchant.Order{Reference: "visit", Cents: 15_00})
	if err != nil {
		return err
	}
	if err := pickWith(ctx, "http://"+d.subject.Addr+"/pay/"+number); err != nil {
		return err
	}
	if _, err := ask(d.floor, merchant.Order{Reference: "visit", Cents: 15_00}); err != nil {
		return err
	}
	floor, subject := "http://"+d.floor.Addr+"/pay/visit", "http://"+d.subject.Addr+"/pay/"+number
	browser, stop, err := openBrowser(ctx)
	if err != nil {
		return err
	}
	defer stop()
	for _, device := range devices {
		for _, script := range []bool{true, false} {
			lines, err := d.pairs(browser, device, script, floor, subject)
			if err != nil {
				return fmt.Errorf("%s, script %v: %w", device.name, script, err)
			}
			for _, line := range lines {
				if err := out.Encode(line); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func pickWith(ctx context.Context, page string) error {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return pick(ctx, client, page, "USDT@sim-ethereum")
}

// pairs visits both pages in turn, each cold and then warm, in a tab of its own.
func (d *duel) pairs(browser context.Context, device device, script bool, floor, subject string) ([]visitLine, error) {
	load, err := rig.LoadAverage()
	if err != nil {
		return nil, err
	}
	var seen [2][2][]visit // cold, warm; floor, subject
	for range d.repetitions {
		for who, address := range []string{floor, subject} {
			t, stop, err := openTab(browser, device, script)
			if err != nil {
				return nil, err
			}
			for cache := range seen {
				v, err := t.load(address, script)
				if err != nil {
					stop()
					return nil, err
				}
				seen[cache][who] = append(seen[cache][who], v)
			}
			stop()
		}
	}
	var lines []visitLine
	for cache, name := range []string{"cold", "warm"} {
		of := func(f func(floor, subject visit) float64) float64 {
			var vs []float64
			for i := range seen[cache][0] {
				vs = append(vs, f(seen[cache][0][i], seen[cache][1][i]))
			}
			return round(median(vs))
		}
		lines = append(lines, visitLine{
			Scenario: "checkout", DB: d.db, Device: device.name, Script: script, Cache: name, LoadAverage: load, Repetitions: d.repetitions,
			Bytes:      of(func(_, s visit) float64 { return float64(s.bytes) }),
			Requests:   of(func(_, s visit) float64 { return float64(s.requests) }),
			Foreign:    of(func(_, s visit) float64 { return float64(s.foreign) }),
			FCP:        of(func(_, s visit) float64 { return s.fcp }),
			LCP:        of(func(_, s visit) float64 { return s.lcp }),
			FloorLCP:   of(func(f, _ visit) float64 { return f.lcp }),
			Ratio:      of(func(f, s visit) float64 { return s.lcp / f.lcp }),
			LongTasks:  of(func(_, s visit) float64 { return float64(s.longTasks) }),
			LongExcess: of(func(_, s visit) float64 { return s.longExcess }),
		})
	}
	return lines, nil
}

const (
	streamsPerOrder   = 32 // florin's limits
	streamsPerAddress = 64
	spareDescriptors  = 1000
	watchStreams      = 5 * time.Second
)

// affordable is how many streams the descriptor limit allows both ends, who have the same.
func affordable(want int) (int, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, err
	}
	return min(want, max(int(limit.Cur)-spareDescriptors, 0)), nil
}

// streamed opens status streams from as many addresses of the loopback as the server asks for, and watches it stand still.
func (d *duel) streamed(ctx context.Context, out printer) error {
	line := streamLine{Scenario: "checkout-streams", DB: d.db}
	var err error
	if line.Streams, err = affordable(d.streams); err != nil {
		return err
	}
	if line.Streams < d.streams {
		line.Wanted = d.streams
	}
	if line.LoadAverage, err = rig.LoadAverage(); err != nil {
		return err
	}
	var numbers []string
	for i := range (line.Streams + streamsPerOrder - 1) / streamsPerOrder {
		number, err := ask(d.subject, merchant.Order{Reference: fmt.Sprintf("stream-%d", i), Cents: 15_00})
		if err != nil {
			return err
		}
		numbers = append(numbers, number)
	}
	before, err := d.subject.RSS()
	if err != nil {
		return err
	}
	var open []net.Conn
	defer func() {
		for _, c := range open {
			c.Close()
		}
	}()
	for i := range line.Streams {
		c, err := listen(ctx, d.subject.Addr, numbers[i/streamsPerOrder], i/streamsPerAddress)
		if err != nil {
			return fmt.Errorf("stream %d of %d: %w", i, line.Streams, err)
		}
		open = append(open, c)
	}
	began, err := d.subject.CPU()
	if err != nil {
		return err
	}
	select {
	case <-time.After(watchStreams):
	case <-ctx.Done():
		return ctx.Err()
	}
	ended, err := d.subject.CPU()
	if err != nil {
		return err
	}
	rss, err := d.subject.RSS()
	if err != nil {
		return err
	}
	line.IdleRSS, line.RSS = round(float64(before)/bytesPerMB), round(float64(rss)/bytesPerMB)
	line.PerStream = round(float64(rss-before) / 1e3 / float64(max(line.Streams, 1)))
	line.CPU = round((ended - began).Seconds() * 1e3 / watchStreams.Seconds())
	return out.Encode(line)
}

// listen opens the stream of an order's news and reads what it says first. from chooses an address of the loopback.
func listen(ctx context.Context, addr, number string, from int) (net.Conn, error) {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 1, byte(from/250), byte(1+from%250))}}
	c, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	err = c.SetDeadline(time.Now().Add(10 * time.Second))
	if err == nil {
		_, err = fmt.Fprintf(c, "GET /pay/%s/events HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n\r\n", number, addr)
	}
	r := bufio.NewReaderSize(c, 512)
	status := ""
	for line := ""; err == nil && !strings.HasPrefix(line, "data:"); {
		if line, err = r.ReadString('\n'); status == "" {
			status = strings.TrimSpace(line)
		}
		if err == nil && !strings.HasPrefix(status, "HTTP/1.1 200") {
			err = errors.New(status)
		}
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, c.SetDeadline(time.Time{})
}
