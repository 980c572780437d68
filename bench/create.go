package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"time"

	"florin/bench/load"
	"florin/bench/rig"
)

const (
	maxWarmUp  = time.Second            // of each program before a repetition
	maxSlice   = time.Second / 2        // floor and subject change places this often
	maxRamp    = 100 * time.Millisecond // before each slice counts
	probe      = 200 * time.Millisecond // of the disk, before each repetition
	gateAt     = 64                     // clients, where -min-ratio holds
	extraTries = 2                      // discarded runs allowed for each repetition
)

// loadLine is what one number of clients got from floor and subject in turn, on one database: medians over the repetitions.
type loadLine struct {
	Scenario    string  `json:"scenario"`
	DB          string  `json:"db"`
	Clients     int     `json:"clients"`
	Subject     float64 `json:"subject_per_s"`
	Floor       float64 `json:"floor_per_s"`
	Ratio       float64 `json:"ratio"`
	CPURatio    float64 `json:"cpu_ratio"` // the floor's processor time a request to the subject's, database and client included
	P50         float64 `json:"p50_ms"`
	P99         float64 `json:"p99_ms"`
	P999        float64 `json:"p999_ms"`
	FloorP50    float64 `json:"floor_p50_ms"`
	FloorP99    float64 `json:"floor_p99_ms"`
	Orders      int64   `json:"orders,omitempty"` // that the subject had stored before
	CPU         float64 `json:"cpu_us"`           // processor time of the server a request, µs; the database apart
	FloorCPU    float64 `json:"floor_cpu_us"`
	DBCPU       float64 `json:"db_cpu_us"` // of PostgreSQL
	FloorDBCPU  float64 `json:"floor_db_cpu_us"`
	ClientCPU   float64 `json:"client_cpu_us"` // of the load itself, against the subject
	Errors      int     `json:"errors"`        // of all repetitions, the subject's
	First       string  `json:"first_error,omitempty"`
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
	duel, err := newDuel(ctx, w, db)
	if err != nil {
		return err
	}
	defer duel.stop()
	lines, err := duel.lines(ctx, "create", w.clients, 0, out, newOrders)
	if shape, ok := shapeOf(db, lines); ok {
		err = errors.Join(err, out.Encode(shape))
	}
	return errors.Join(err, judge(lines, w.minRatio))
}

// asker gives what is asked of a program in the load named run.
type asker func(run string, p *rig.Process) load.Ask

func newOrders(run string, _ *rig.Process) load.Ask { return load.NewOrders(run) }

// duel is a floor and a subject that run side by side and are loaded in turn.
type duel struct {
	*world
	db                           string
	floorProgram, subjectProgram rig.Program
	floor, subject               *rig.Process // nil while stopped
	runs                         int
	filled                       int64 // orders copied into the databases
}

// newDuel starts both on databases of their own.
func newDuel(ctx context.Context, w *world, db string) (*duel, error) {
	d := &duel{world: w, db: db}
	var err error
	if d.floorProgram, err = w.floorOn(ctx, db); err != nil {
		return nil, err
	}
	if d.subjectProgram, err = w.subjectOn(ctx, db); err != nil {
		return nil, err
	}
	return d, d.start(ctx)
}

func (d *duel) start(ctx context.Context) (err error) {
	if d.floor, err = d.floorProgram.Start(ctx); err != nil {
		return err
	}
	if d.subject, err = d.subjectProgram.Start(ctx); err != nil {
		d.stop()
	}
	return err
}

// stop ends both; they can be started again.
func (d *duel) stop() {
	for _, p := range []**rig.Process{&d.floor, &d.subject} {
		if *p != nil {
			(*p).Stop()
			*p = nil
		}
	}
}

// line plays the repetitions of one number of clients.
func (d *duel) line(ctx context.Context, scenario string, clients int, ask asker) (loadLine, error) {
	reps, discarded, err := d.repeat(d.repetitions, func() (repetition, error) { return d.once(ctx, clients, ask) })
	if err != nil {
		return loadLine{}, fmt.Errorf("%d clients: %w", clients, err)
	}
	return summarise(scenario, d.db, clients, reps, discarded), nil
}

// used is processor time of all cores.
type used struct{ server, db, client time.Duration }

// measured is what the slices of one program gave together.
type measured struct {
	load.Result
	used
	halves [2]float64 // requests/s in the first and in the second half of the slices
}

// per is the processor time of one request, in µs.
func (m measured) per(d time.Duration) float64 {
	if m.Answered == 0 {
		return 0
	}
	return d.Seconds() * 1e6 / float64(m.Answered)
}

// all is the processor time of everybody who took part.
func (u used) all() time.Duration { return u.server + u.db + u.client }

// repetition is the same time of each, slice by slice in turn.
type repetition struct {
	floor, subject     measured
	fsync, loadAverage float64
}

// errUnsteady ends a line, but not the lines after it.
var errUnsteady = errors.New("this machine is too busy to measure on: the floor moved by more than a run may")

// repeat plays once until want repetitions had a steady floor. On a machine that is too busy for that it stops with those
// it has, and fails without any.
func (o options) repeat(want int, once func() (repetition, error)) (kept []repetition, discarded int, err error) {
	for len(kept) < want && discarded <= extraTries*want {
		r, err := once()
		if err != nil {
			return nil, 0, err
		}
		if steady(r.floor.halves, o.maxMove) {
			kept = append(kept, r)
		} else {
			discarded++
		}
	}
	if len(kept) == 0 {
		return nil, discarded, fmt.Errorf("%w within each of %d repetitions", errUnsteady, discarded)
	}
	return kept, discarded, nil
}

// once loads floor and subject in turn, a slice at a time, and who begins changes too: what the machine does meanwhile
// meets both.
func (d *duel) once(ctx context.Context, clients int, ask asker) (r repetition, err error) {
	if r.loadAverage, err = rig.LoadAverage(); err != nil {
		return r, err
	}
	if r.fsync, err = rig.FsyncRate(d.dir, probe); err != nil {
		return r, err
	}
	turns := []turn{{d.floor, nil, &r.floor}, {d.subject, nil, &r.subject}}
	for i := range turns {
		t := &turns[i]
		d.runs++
		t.load, err = load.Connect(load.Config{
			Addr: t.process.Addr, App: t.process.App, Clients: clients, Seed: d.seed, Ask: ask(fmt.Sprintf("bench-%04d", d.runs), t.process),
		})
		if err != nil {
			return r, fmt.Errorf("load %s: %w\n%s", t.process.Name, err, t.process.Log())
		}
		defer t.load.Close()
		warm := t.load.Run(ctx, min(maxWarmUp, d.measure), 0)
		t.sum.Add(load.Result{Errors: warm.Errors, FirstErr: warm.FirstErr})
	}
	slice := min(maxSlice, d.measure/2)
	count := int(d.measure / slice)
	for n := range count {
		for _, t := range turns {
			before := len(t.sum.Waited)
			if err := d.slice(ctx, t, slice); err != nil {
				return r, err
			}
			half := 0
			if n >= count/2 {
				half = 1
			}
			t.sum.halves[half] += float64(len(t.sum.Waited)-before) / slice.Seconds()
		}
		turns[0], turns[1] = turns[1], turns[0]
	}
	for _, t := range turns {
		t.sum.halves[0] /= float64(count / 2)
		t.sum.halves[1] /= float64(count - count/2)
	}
	if r.floor.Errors > 0 {
		return r, fmt.Errorf("the floor failed, first: %w\n%s", r.floor.FirstErr, d.floor.Log())
	}
	if r.subject.Answered == 0 {
		return r, fmt.Errorf("%s answered nothing, first: %w\n%s", d.subject.Name, r.subject.FirstErr, d.subject.Log())
	}
	return r, nil
}

// turn is one program's part of a repetition.
type turn struct {
	process *rig.Process
	load    *load.Load
	sum     *measured
}

// slice loads one server once and adds what came of it to the sum.
func (d *duel) slice(ctx context.Context, t turn, slice time.Duration) error {
	before, err := d.usedBy(t.process)
	if err != nil {
		return err
	}
	t.sum.Add(t.load.Run(ctx, min(maxRamp, slice/5), slice))
	after, err := d.usedBy(t.process)
	t.sum.server += after.server - before.server
	t.sum.db += after.db - before.db
	t.sum.client += after.client - before.client
	return errors.Join(err, ctx.Err())
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

// steady tells whether a floor's run can be a yardstick: its halves differ by at most maxMove of the greater.
func steady(halves [2]float64, maxMove float64) bool {
	low, high := min(halves[0], halves[1]), max(halves[0], halves[1])
	return high > 0 && (high-low)/high <= maxMove
}

func summarise(scenario, db string, clients int, reps []repetition, discarded int) loadLine {
	of := func(f func(repetition) float64) float64 {
		vs := make([]float64, len(reps))
		for i, r := range reps {
			vs[i] = f(r)
		}
		return round(median(vs))
	}
	ms := func(r load.Result, q float64) float64 { return r.Quantiles(q)[0].Seconds() * 1e3 }
	line := loadLine{
		Scenario: scenario, DB: db, Clients: clients, Repetitions: len(reps), Discarded: discarded,
		Subject:     of(func(r repetition) float64 { return r.subject.PerSecond() }),
		Floor:       of(func(r repetition) float64 { return r.floor.PerSecond() }),
		Ratio:       of(func(r repetition) float64 { return r.subject.PerSecond() / r.floor.PerSecond() }),
		CPURatio:    of(func(r repetition) float64 { return r.floor.per(r.floor.all()) / r.subject.per(r.subject.all()) }),
		P50:         of(func(r repetition) float64 { return ms(r.subject.Result, 0.5) }),
		P99:         of(func(r repetition) float64 { return ms(r.subject.Result, 0.99) }),
		P999:        of(func(r repetition) float64 { return ms(r.subject.Result, 0.999) }),
		FloorP50:    of(func(r repetition) float64 { return ms(r.floor.Result, 0.5) }),
		FloorP99:    of(func(r repetition) float64 { return ms(r.floor.Result, 0.99) }),
		CPU:         of(func(r repetition) float64 { return r.subject.per(r.subject.server) }),
		FloorCPU:    of(func(r repetition) float64 { return r.floor.per(r.floor.server) }),
		DBCPU:       of(func(r repetition) float64 { return r.subject.per(r.subject.db) }),
		FloorDBCPU:  of(func(r repetition) float64 { return r.floor.per(r.floor.db) }),
		ClientCPU:   of(func(r repetition) float64 { return r.subject.per(r.subject.client) }),
		LoadAverage: of(func(r repetition) float64 { return r.loadAverage }),
		Fsync:       of(func(r repetition) float64 { return r.fsync }),
	}
	for _, r := range reps {
		line.Errors += r.subject.Errors
		if line.First == "" && r.subject.FirstErr != nil {
			line.First = r.subject.FirstErr.Error()
		}
	}
	return line
}

// shapeOf compares the most clients with 16; there is nothing to say without both.
func shapeOf(db string, lines []loadLine) (shapeLine, bool) {
	from := slices.IndexFunc(lines, func(l loadLine) bool { return l.Clients == 16 })
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
func judge(lines []loadLine, minRatio float64) error {
	for _, l := range lines {
		if l.Errors > 0 {
			return fmt.Errorf("%d clients met %d errors, first: %s", l.Clients, l.Errors, l.First)
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

// round keeps three decimals: more is noise. What is no number, as a ratio to nothing, is 0.
func round(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return math.Round(v*1000) / 1000
}
