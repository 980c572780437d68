package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"slices"
	"time"

	"florin/bench/load"
	"florin/bench/rig"
)

const (
	warmUp     = time.Second
	probe      = 200 * time.Millisecond // of the disk, before each repetition
	maxMove    = 0.30                   // the floor's halves may differ by this much of the greater
	gateAt     = 64                     // clients, where -min-ratio holds
	extraTries = 2                      // discarded runs allowed for each repetition
)

// createLine is the result of one number of clients on one database: medians over the repetitions.
type createLine struct {
	Scenario    string  `json:"scenario"`
	DB          string  `json:"db"`
	Clients     int     `json:"clients"`
	Subject     float64 `json:"subject_per_s"`
	Floor       float64 `json:"floor_per_s"`
	Ratio       float64 `json:"ratio"`
	P50         float64 `json:"p50_ms"`
	P99         float64 `json:"p99_ms"`
	P999        float64 `json:"p999_ms"`
	FloorP50    float64 `json:"floor_p50_ms"`
	FloorP99    float64 `json:"floor_p99_ms"`
	CPU         float64 `json:"cpu_us"` // processor time of the server an order, µs; the database apart
	FloorCPU    float64 `json:"floor_cpu_us"`
	DBCPU       float64 `json:"db_cpu_us"` // of PostgreSQL
	FloorDBCPU  float64 `json:"floor_db_cpu_us"`
	ClientCPU   float64 `json:"client_cpu_us"` // of the load itself, against the subject
	Errors      int     `json:"errors"`        // of all repetitions, the subject's
	LoadAverage float64 `json:"load_average"`
	Fsync       float64 `json:"fsync_per_s"`
	Repetitions int     `json:"repetitions"`
	Discarded   int     `json:"discarded"`
}

// shapeLine says how throughput holds from 16 clients to the most.
type shapeLine struct {
	Scenario string  `json:"scenario"`
	DB       string  `json:"db"`
	From     int     `json:"from_clients"`
	To       int     `json:"to_clients"`
	Fall     float64 `json:"subject_fall"` // 0.1 is ten per cent fewer orders/s, negative is a rise
	Floor    float64 `json:"floor_fall"`
}

// create measures making orders at each number of clients.
func create(ctx context.Context, w *world, db string, out printer) error {
	floor, err := w.floorOn(ctx, db)
	if err != nil {
		return err
	}
	subject, err := w.subjectOn(ctx, db)
	if err != nil {
		return err
	}
	duel, err := newDuel(ctx, w, floor, subject)
	if err != nil {
		return err
	}
	defer duel.stop()
	var lines []createLine
	for _, clients := range w.clients {
		reps, discarded, err := duel.repeat(ctx, clients)
		if err != nil {
			return err
		}
		line := summarise(db, clients, reps, discarded)
		if err := out.Encode(line); err != nil {
			return err
		}
		lines = append(lines, line)
	}
	if shape, ok := shapeOf(db, lines); ok {
		if err := out.Encode(shape); err != nil {
			return err
		}
	}
	return judge(lines, w.minRatio)
}

// duel is a floor and a subject that run side by side and are loaded in turn.
type duel struct {
	*world
	floor, subject *rig.Process
	runs           int
}

func newDuel(ctx context.Context, w *world, floor, subject rig.Program) (*duel, error) {
	d := &duel{world: w}
	var err error
	if d.floor, err = floor.Start(ctx); err != nil {
		return nil, err
	}
	if d.subject, err = subject.Start(ctx); err != nil {
		d.floor.Kill()
		return nil, err
	}
	return d, nil
}

func (d *duel) stop() {
	d.floor.Stop()
	d.subject.Stop()
}

// used is processor time of all cores.
type used struct{ server, db, client time.Duration }

// measured is one run and what it cost.
type measured struct {
	load.Result
	used // an order
}

// repetition is one run of each.
type repetition struct {
	floor, subject     measured
	fsync, loadAverage float64
}

// repeat runs repetitions until enough of them had a steady floor.
func (d *duel) repeat(ctx context.Context, clients int) (kept []repetition, discarded int, err error) {
	for len(kept) < d.repetitions {
		r, err := d.once(ctx, clients)
		if err != nil {
			return nil, 0, err
		}
		if steady(r.floor.Result) {
			kept = append(kept, r)
			continue
		}
		if discarded++; discarded > extraTries*d.repetitions {
			return nil, 0, fmt.Errorf("%d clients: the floor moved by more than %.0f %% within %d runs: this machine is too busy to measure on",
				clients, maxMove*100, discarded)
		}
	}
	return kept, discarded, nil
}

// once loads floor and subject, who begins changing each time, so that a drift of the machine favours neither.
func (d *duel) once(ctx context.Context, clients int) (r repetition, err error) {
	if r.loadAverage, err = rig.LoadAverage(); err != nil {
		return r, err
	}
	if r.fsync, err = rig.FsyncRate(d.dir, probe); err != nil {
		return r, err
	}
	d.runs++
	turns := []struct {
		process *rig.Process
		into    *measured
	}{{d.floor, &r.floor}, {d.subject, &r.subject}}
	if d.runs%2 == 0 {
		slices.Reverse(turns)
	}
	for _, t := range turns {
		if *t.into, err = d.run(ctx, t.process, clients); err != nil {
			return r, err
		}
	}
	if r.floor.Errors > 0 {
		return r, fmt.Errorf("the floor failed, first: %w\n%s", r.floor.FirstErr, d.floor.Log())
	}
	return r, nil
}

// run loads one server and accounts for the processor time.
func (d *duel) run(ctx context.Context, p *rig.Process, clients int) (m measured, err error) {
	before, err := d.usedBy(p)
	if err != nil {
		return m, err
	}
	m.Result, err = load.Run(ctx, load.Config{
		Addr: p.Addr, App: p.App, Clients: clients, WarmUp: warmUp, Measure: d.measure,
		Run: fmt.Sprintf("bench-%d-%d", clients, d.runs), Seed: d.seed,
	})
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return m, fmt.Errorf("load %s: %w\n%s", p.Name, err, p.Log())
	}
	after, err := d.usedBy(p)
	if n := time.Duration(m.Orders); n > 0 {
		m.used = used{(after.server - before.server) / n, (after.db - before.db) / n, (after.client - before.client) / n}
	}
	return m, err
}

// usedBy is what a server, the database and this process have used so far.
func (d *duel) usedBy(p *rig.Process) (u used, err error) {
	if u.server, err = p.CPU(); err != nil {
		return u, err
	}
	if u.client, err = rig.CPU(os.Getpid()); err != nil {
		return u, err
	}
	if d.postgres != nil {
		u.db, err = d.postgres.CPU()
	}
	return u, err
}

// steady tells whether a floor's run can be a yardstick.
func steady(floor load.Result) bool {
	low, high := min(floor.Halves[0], floor.Halves[1]), max(floor.Halves[0], floor.Halves[1])
	return high > 0 && (high-low)/high <= maxMove
}

func summarise(db string, clients int, reps []repetition, discarded int) createLine {
	of := func(f func(repetition) float64) float64 {
		vs := make([]float64, len(reps))
		for i, r := range reps {
			vs[i] = f(r)
		}
		return round(median(vs))
	}
	ms := func(d time.Duration) float64 { return d.Seconds() * 1e3 }
	us := func(d time.Duration) float64 { return d.Seconds() * 1e6 }
	line := createLine{
		Scenario: "create", DB: db, Clients: clients, Repetitions: len(reps), Discarded: discarded,
		Subject:     of(func(r repetition) float64 { return r.subject.PerSecond }),
		Floor:       of(func(r repetition) float64 { return r.floor.PerSecond }),
		Ratio:       of(func(r repetition) float64 { return r.subject.PerSecond / r.floor.PerSecond }),
		P50:         of(func(r repetition) float64 { return ms(r.subject.P50) }),
		P99:         of(func(r repetition) float64 { return ms(r.subject.P99) }),
		P999:        of(func(r repetition) float64 { return ms(r.subject.P999) }),
		FloorP50:    of(func(r repetition) float64 { return ms(r.floor.P50) }),
		FloorP99:    of(func(r repetition) float64 { return ms(r.floor.P99) }),
		CPU:         of(func(r repetition) float64 { return us(r.subject.server) }),
		FloorCPU:    of(func(r repetition) float64 { return us(r.floor.server) }),
		DBCPU:       of(func(r repetition) float64 { return us(r.subject.db) }),
		FloorDBCPU:  of(func(r repetition) float64 { return us(r.floor.db) }),
		ClientCPU:   of(func(r repetition) float64 { return us(r.subject.client) }),
		LoadAverage: of(func(r repetition) float64 { return r.loadAverage }),
		Fsync:       of(func(r repetition) float64 { return r.fsync }),
	}
	for _, r := range reps {
		line.Errors += r.subject.Errors
	}
	return line
}

// shapeOf compares the most clients with 16; there is nothing to say without both.
func shapeOf(db string, lines []createLine) (shapeLine, bool) {
	from := slices.IndexFunc(lines, func(l createLine) bool { return l.Clients == 16 })
	if from < 0 || from == len(lines)-1 {
		return shapeLine{}, false
	}
	a, b := lines[from], lines[len(lines)-1]
	return shapeLine{
		Scenario: "create-shape", DB: db, From: a.Clients, To: b.Clients,
		Fall: round(1 - b.Subject/a.Subject), Floor: round(1 - b.Floor/a.Floor),
	}, true
}

// judge fails on errors and on the ratio, never on an absolute number.
func judge(lines []createLine, minRatio float64) error {
	for _, l := range lines {
		if l.Errors > 0 {
			return fmt.Errorf("%d clients met %d errors", l.Clients, l.Errors)
		}
		if l.Clients == gateAt && l.Ratio < minRatio {
			return fmt.Errorf("%d clients reach %.2f of the floor, less than %.2f", l.Clients, l.Ratio, minRatio)
		}
	}
	return nil
}

// median of at least one value; the mean of the middle two when their number is even.
func median(vs []float64) float64 {
	vs = slices.Sorted(slices.Values(vs))
	n := len(vs)
	return (vs[(n-1)/2] + vs[n/2]) / 2
}

// round keeps three decimals: more is noise.
func round(v float64) float64 { return math.Round(v*1000) / 1000 }
