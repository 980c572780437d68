package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"

	"florin/bench/fill"
	"florin/bench/load"
	"florin/bench/merchant"
	"florin/bench/rig"
)

const (
	fillLimit = time.Minute      // of filling for one step
	loadLimit = time.Minute      // of a run that ends with a count
	sealLimit = 45 * time.Second // the lease of a sealer that was stopped before ends within 30 s
	template  = "template"       // the merchant's name of the order that is copied
)

// idempotent measures making orders where two of ten requests repeat another: one that is in flight, and one of before.
func idempotent(ctx context.Context, w *world, db string, out printer) error {
	return w.duelOf(ctx, db, "create-idempotent", []int{gateAt}, out, func(run string, _ *rig.Process) load.Ask { return repeats(run) })
}

// repeats asks in tens: eight new orders, then the eighth at the same time as another client does, then one of the ten
// before. Each reference must be given one number, however often it is asked for.
func repeats(run string) load.Ask {
	var given sync.Map // reference to number
	return func(conn *merchant.Conn, number int64, _ *rand.Rand) (merchant.Answer, error) {
		key := number
		switch number % 10 {
		case 8:
			key--
		case 9:
			key = max(number-18, 1)
		}
		o := merchant.Order{Reference: load.Reference(run, key), Cents: 10_00 + key%1000} // a repeat is the same in all
		a, err := conn.Create(o)
		if err != nil || !a.OK() {
			return a, err
		}
		now := tradeNo(a)
		if first, there := given.LoadOrStore(o.Reference, now); there && first != now || now == "" {
			return a, fmt.Errorf("%s was given %s and then %s", o.Reference, first, now)
		}
		return a, nil
	}
}

// tradeNo is the number in an answer.
func tradeNo(a merchant.Answer) string {
	_, rest, _ := bytes.Cut(a.Body, []byte(`"trade_no":"`))
	number, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(number)
}

// duelOf plays one load of each number of clients, on databases of its own.
func (w *world) duelOf(ctx context.Context, db, scenario string, clients []int, out printer, ask asker) error {
	d, err := newDuel(ctx, w, db)
	if err != nil {
		return err
	}
	defer d.stop()
	lines, err := d.lines(ctx, scenario, clients, 0, out, ask)
	return errors.Join(err, judge(lines, 0))
}

// lines plays the numbers of clients one after the other. What could not be measured is left out, and is an error.
func (d *duel) lines(ctx context.Context, scenario string, clients []int, orders int64, out printer, ask asker) (lines []loadLine, err error) {
	for _, n := range clients {
		line, failed := d.line(ctx, scenario, n, ask)
		if failed != nil {
			err = errors.Join(err, failed)
			if errors.Is(failed, errUnsteady) {
				continue
			}
			return lines, err
		}
		line.Orders = orders
		if err := out.Encode(line); err != nil {
			return lines, err
		}
		lines = append(lines, line)
	}
	return lines, err
}

// upTo are the asked numbers of clients, but no more than most.
func (o options) upTo(most int) []int {
	var ns []int
	for _, n := range o.clients {
		if n <= most {
			ns = append(ns, n)
		}
	}
	return ns
}

// read measures asking for orders by their number, uniformly among those stored. The floor's key is the reference.
func read(ctx context.Context, w *world, db string, out printer) error {
	d, err := newDuel(ctx, w, db)
	if err != nil {
		return err
	}
	defer d.stop()
	stored, err := d.fill(ctx, w.orders, true)
	if err != nil {
		return err
	}
	lines, err := d.lines(ctx, "read", w.upTo(gateAt), stored, out, func(_ string, p *rig.Process) load.Ask { return details(p.Name == "floor", stored) })
	return errors.Join(err, judge(lines, 0))
}

// details asks for one of so many orders and looks whether it is that one.
func details(byReference bool, stored int64) load.Ask {
	return func(conn *merchant.Conn, _ int64, rand *rand.Rand) (a merchant.Answer, err error) {
		i := 1 + rand.Int64N(stored)
		if byReference {
			a, err = conn.Detail(fill.Reference(i), "")
		} else {
			a, err = conn.Detail("", fill.Number(i))
		}
		if err == nil && a.OK() && !bytes.Contains(a.Body, []byte(`"`+fill.Number(i)+`"`)) {
			err = fmt.Errorf("asked for %s: %s", fill.Number(i), a.Body)
		}
		return a, err
	}
}

// fill stops the programs, fills the subject's database up to so many orders, and the floor's too if it is to know them,
// and starts them again. It returns how many there are: filling stops after a minute.
func (d *duel) fill(ctx context.Context, orders int64, floorToo bool) (int64, error) {
	if d.filled == 0 {
		for _, p := range []*rig.Process{d.subject, d.floor} {
			if err := writeTemplate(ctx, p); err != nil {
				return 0, err
			}
		}
	}
	d.stop()
	reached, err := fillUp(ctx, d.subjectProgram, d.filled+1, orders)
	if err == nil && floorToo {
		reached, err = fillUp(ctx, d.floorProgram, d.filled+1, reached)
	}
	if err != nil {
		return 0, err
	}
	d.filled = reached
	syscall.Sync() // what was filled in is not to be written while we measure
	return reached, d.start(ctx)
}

// fillUp makes the copies from to to of the template.
func fillUp(ctx context.Context, p rig.Program, from, to int64) (int64, error) {
	db, err := fill.Open(ctx, p.DB)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	rows := db.FloorOrder()
	if p.Name != "floor" {
		if rows, err = db.Order(ctx, template); err != nil {
			return 0, err
		}
	}
	return db.Until(ctx, rows, from, to, fillLimit)
}

// writeTemplate makes the order that is copied and, if the program does so, waits until its event is sealed.
func writeTemplate(ctx context.Context, server *rig.Process) error {
	if _, err := ask(server, merchant.Order{Reference: template, Cents: 15_00}); err != nil || server.Name == "floor" {
		return err
	}
	return eventually(ctx, server.DB, sealLimit, "SELECT count(*) FROM unsealed", "0")
}

// eventually asks a database until it gives an answer.
func eventually(ctx context.Context, url string, limit time.Duration, query, want string) error {
	db, err := fill.Open(ctx, url)
	if err != nil {
		return err
	}
	defer db.Close()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(limit); ; {
		got, err := db.Text(ctx, query)
		if err != nil || got == want {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s is %s and not %s after %s", query, got, want, limit)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// ask makes one order and returns its number.
func ask(server *rig.Process, o merchant.Order) (string, error) {
	conn, err := merchant.Dial(server.Addr, server.App)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	a, err := conn.Create(o)
	if err == nil && !a.OK() {
		err = fmt.Errorf("refused: %s", a.Body)
	}
	return tradeNo(a), err
}

// fitLine says how the time of making an order grows with the open orders, in units of the floor's, which stays empty.
type fitLine struct {
	Scenario  string  `json:"scenario"`
	DB        string  `json:"db"`
	Clients   int     `json:"clients"`
	Orders    int64   `json:"orders"`
	Growth    float64 `json:"growth"`     // subject's p50 to the floor's at the end, to the same when empty
	PerDecade float64 `json:"per_decade"` // slope of that over log10 of the orders, least squares
	P50       float64 `json:"p50_us_per_million"`
}

// growth measures making orders while ever more are open.
func growth(ctx context.Context, w *world, db string, out printer) error {
	d, err := newDuel(ctx, w, db)
	if err != nil {
		return err
	}
	defer d.stop()
	var failed error
	lines := map[int][]loadLine{}
	clients := []int{1, 16}
	for _, want := range steps(w.orders) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		stored := int64(0)
		if want > 0 {
			if stored, err = d.fill(ctx, want, false); err != nil {
				return err
			}
		}
		measured, err := d.lines(ctx, "create-growth", clients, stored, out, newOrders)
		failed = errors.Join(failed, err, judge(measured, 0))
		for _, line := range measured {
			lines[line.Clients] = append(lines[line.Clients], line)
		}
		if stored < want {
			break // filling took too long
		}
	}
	for _, n := range clients {
		if fit, ok := fitOf(lines[n]); ok {
			failed = errors.Join(failed, out.Encode(fit))
		}
	}
	return failed
}

// steps are 0, a thousand, ten thousand and so on up to most.
func steps(most int64) []int64 {
	all := []int64{0}
	for n := min(most, 1000); n <= most; n *= 10 {
		all = append(all, n)
	}
	return all
}

// fitOf compares the steps with the first, which is empty.
func fitOf(lines []loadLine) (f fitLine, ok bool) {
	if len(lines) < 2 || lines[0].Orders > 0 {
		return f, false
	}
	first, last := lines[0], lines[len(lines)-1]
	var xs, ys, ns, ps []float64
	for _, l := range lines {
		grown := l.P50 / l.FloorP50 / (first.P50 / first.FloorP50)
		ns, ps = append(ns, float64(l.Orders)), append(ps, l.P50*1000)
		if l.Orders > 0 {
			xs, ys = append(xs, math.Log10(float64(l.Orders))), append(ys, grown)
		}
		f.Growth = round(grown)
	}
	f = fitLine{
		Scenario: "create-growth-fit", DB: last.DB, Clients: last.Clients, Orders: last.Orders,
		Growth: f.Growth, PerDecade: round(slope(xs, ys)), P50: round(slope(ns, ps) * 1e6),
	}
	return f, true
}

// slope is that of the straight line with the least squares; 0 through one point.
func slope(xs, ys []float64) float64 {
	var sx, sy, sxx, sxy float64
	for i, x := range xs {
		sx, sy, sxx, sxy = sx+x, sy+ys[i], sxx+x*x, sxy+x*ys[i]
	}
	n := float64(len(xs))
	if d := n*sxx - sx*sx; d != 0 {
		return (n*sxy - sx*sy) / d
	}
	return 0
}

// slotLine counts what orders of one amount share.
type slotLine struct {
	Scenario    string  `json:"scenario"`
	DB          string  `json:"db"`
	Clients     int     `json:"clients"`
	Orders      int     `json:"orders"`
	PerSecond   float64 `json:"subject_per_s"`
	Numbers     int     `json:"distinct_numbers"`
	Chosen      int     `json:"chosen"` // of them, an asset was chosen for
	Addresses   int     `json:"distinct_addresses"`
	Errors      int     `json:"errors"`
	LoadAverage float64 `json:"load_average"`
}

// maxChosen is for how many of the orders an asset is chosen, which gives them an address.
const maxChosen = 1000

// sameAmount makes many open orders of one amount and looks for any that share a number or an address.
func sameAmount(ctx context.Context, w *world, db string, out printer) error {
	program, err := w.subjectOn(ctx, db)
	if err != nil {
		return err
	}
	server, err := program.Start(ctx)
	if err != nil {
		return err
	}
	defer server.Stop()
	line := slotLine{Scenario: "create-same-amount", DB: db, Clients: gateAt}
	if line.LoadAverage, err = rig.LoadAverage(); err != nil {
		return err
	}
	given := &given{seen: map[string]bool{}}
	l, err := load.Connect(load.Config{Addr: server.Addr, App: server.App, Clients: gateAt, Seed: w.seed, Ask: given.ask})
	if err != nil {
		return err
	}
	defer l.Close()
	var sum load.Result
	for sum.Answered < w.sameAmount && sum.Errors == 0 && sum.Measured < loadLimit {
		sum.Add(l.Run(ctx, 0, min(time.Second, w.measure)))
	}
	line.Orders, line.Errors, line.PerSecond, line.Numbers = sum.Answered, sum.Errors, round(sum.PerSecond()), len(given.seen)
	if server.Name != "floor" {
		if line.Chosen, line.Addresses, err = choose(ctx, server, given.some(maxChosen)); err != nil {
			return err
		}
	}
	return errors.Join(out.Encode(line), line.err())
}

func (l slotLine) err() error {
	if l.Errors > 0 || l.Numbers != l.Orders || l.Addresses != l.Chosen {
		return fmt.Errorf("%d orders of one amount have %d numbers, %d of them with an asset have %d addresses, %d errors",
			l.Orders, l.Numbers, l.Chosen, l.Addresses, l.Errors)
	}
	return nil
}

// given are the numbers of orders.
type given struct {
	mu   sync.Mutex
	seen map[string]bool // under mu
}

func (n *given) ask(conn *merchant.Conn, number int64, _ *rand.Rand) (merchant.Answer, error) {
	a, err := conn.Create(merchant.Order{Reference: load.Reference("same", number), Cents: 15_00})
	if err == nil && a.OK() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.seen[tradeNo(a)] = true
	}
	return a, err
}

func (n *given) some(most int) []string {
	var some []string
	for number := range n.seen {
		if some = append(some, number); len(some) == most {
			break
		}
	}
	return some
}

// choose picks an asset for each order on its page, 16 at a time, and counts the addresses that were handed out.
func choose(ctx context.Context, server *rig.Process, orders []string) (chosen, addresses int, err error) {
	client := &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{MaxIdleConnsPerHost: 16},
	}
	defer client.CloseIdleConnections()
	errs := make(chan error, 16)
	for c := range 16 {
		go func() {
			var err error
			for i := c; i < len(orders) && err == nil; i += 16 {
				err = pick(ctx, client, "http://"+server.Addr+"/pay/"+orders[i], "USDT@sim-ethereum")
			}
			errs <- err
		}()
	}
	for range 16 {
		err = errors.Join(err, <-errs)
	}
	if err != nil {
		return 0, 0, err
	}
	db, err := fill.Open(ctx, server.DB)
	if err != nil {
		return 0, 0, err
	}
	defer db.Close()
	err = db.QueryRowContext(ctx, "SELECT count(DISTINCT address) FROM deposit_addresses").Scan(&addresses)
	return len(orders), addresses, err
}

// pick chooses an asset as the form of the page does.
func pick(ctx context.Context, client *http.Client, page, asset string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, page+"/asset", strings.NewReader(url.Values{"asset": {asset}}.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, resp.Body)
	if to := resp.Header.Get("Location"); resp.StatusCode != http.StatusSeeOther || strings.Contains(to, "problem") {
		return fmt.Errorf("choose on %s: status %d, to %q", page, resp.StatusCode, to)
	}
	return nil
}
