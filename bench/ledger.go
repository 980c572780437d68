package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os/exec"

	"florin/bench/fill"
	"florin/bench/load"
	"florin/bench/posting"
	"florin/bench/rig"
)

// accounts are how many the cold entries go to.
const accounts = 100_000

// ledgerLine is what one number of clients posted: medians over the repetitions.
type ledgerLine struct {
	Scenario    string  `json:"scenario"`
	DB          string  `json:"db"`
	Accounts    string  `json:"accounts"` // cold: one of 100,000; hot: all to one
	Clients     int     `json:"clients"`
	Subject     float64 `json:"subject_per_s"`
	Floor       float64 `json:"floor_per_s"`
	Ratio       float64 `json:"ratio"`
	P50         float64 `json:"p50_ms"`
	P99         float64 `json:"p99_ms"`
	FloorP50    float64 `json:"floor_p50_ms"`
	FloorP99    float64 `json:"floor_p99_ms"`
	CPU         float64 `json:"cpu_us"` // of the process an entry; the database apart
	FloorCPU    float64 `json:"floor_cpu_us"`
	Errors      int     `json:"errors"`
	LoadAverage float64 `json:"load_average"`
	Fsync       float64 `json:"fsync_per_s"`
	Repetitions int     `json:"repetitions"`
	Discarded   int     `json:"discarded"`
}

// trialLine is the trial balance after all of it, of the subject.
type trialLine struct {
	Scenario string `json:"scenario"`
	DB       string `json:"db"`
	Posted   int    `json:"posted"` // entries that were answered
	trial
}

// ledgers measures posting double entries, then adds up what stands in the books.
func ledgers(ctx context.Context, w *world, db string, out printer) error {
	b := &booking{world: w, db: db}
	var err error
	if b.floorURL, _, err = w.database(ctx, db); err != nil {
		return err
	}
	if b.subjectURL, _, err = w.database(ctx, db); err != nil {
		return err
	}
	if w.books == "" && w.subject != "floor" {
		if w.books, err = rig.Build(ctx, w.dir, "./bench/books"); err != nil {
			return err
		}
	}
	var failed error
	for _, hot := range []bool{false, true} {
		for _, clients := range w.upTo(gateAt) {
			line, err := b.line(ctx, clients, hot)
			if err == nil {
				err = out.Encode(line)
			}
			if err == nil && line.Errors > 0 {
				err = fmt.Errorf("%d errors, first: %s", line.Errors, b.first)
			}
			if err != nil {
				failed = errors.Join(failed, fmt.Errorf("%s accounts, %d clients: %w", line.Accounts, clients, err))
				if !errors.Is(err, errUnsteady) {
					return failed
				}
			}
		}
	}
	if w.subject == "floor" {
		return failed
	}
	t, err := addUp(ctx, b.subjectURL)
	if err != nil {
		return err
	}
	return errors.Join(failed, out.Encode(trialLine{"ledger-trial", db, b.posted, t}), t.err(b.posted))
}

// booking is one ledger of each kind.
type booking struct {
	*world
	db                   string
	floorURL, subjectURL string
	runs, posted         int
	first                string // error
}

func (b *booking) line(ctx context.Context, clients int, hot bool) (ledgerLine, error) {
	line := ledgerLine{Accounts: "cold"}
	if hot {
		line.Accounts = "hot"
	}
	reps, discarded, err := b.repeat(b.repetitions, func() (repetition, error) { return b.once(ctx, clients, hot) })
	if err != nil {
		return line, err
	}
	s := summarise("ledger", b.db, clients, reps, discarded)
	return ledgerLine{
		Scenario: s.Scenario, DB: s.DB, Accounts: line.Accounts, Clients: clients, Subject: s.Subject, Floor: s.Floor, Ratio: s.Ratio,
		P50: s.P50, P99: s.P99, FloorP50: s.FloorP50, FloorP99: s.FloorP99, CPU: s.CPU, FloorCPU: s.FloorCPU, Errors: s.Errors,
		LoadAverage: s.LoadAverage, Fsync: s.Fsync, Repetitions: s.Repetitions, Discarded: s.Discarded,
	}, nil
}

// once runs floor, subject, subject, floor: each for half of the time at a stretch.
func (b *booking) once(ctx context.Context, clients int, hot bool) (r repetition, err error) {
	if r.loadAverage, err = rig.LoadAverage(); err != nil {
		return r, err
	}
	if r.fsync, err = rig.FsyncRate(b.dir, probe); err != nil {
		return r, err
	}
	for i, sum := range []*measured{&r.floor, &r.subject, &r.subject, &r.floor} {
		got, err := b.post(ctx, sum == &r.floor, clients, hot)
		if err != nil {
			return r, err
		}
		sum.halves[i/2] = got.PerSecond()
		sum.Result.Add(got.Result)
		sum.server += got.server
	}
	if r.floor.Errors > 0 {
		return r, fmt.Errorf("the floor failed, first: %w", r.floor.FirstErr)
	}
	return r, nil
}

// post runs one program once.
func (b *booking) post(ctx context.Context, floor bool, clients int, hot bool) (m measured, err error) {
	b.runs++
	during := b.measure / 2
	args := []string{
		"-run", fmt.Sprintf("r%04d", b.runs), "-clients", fmt.Sprint(clients), "-accounts", fmt.Sprint(accounts), fmt.Sprintf("-hot=%v", hot),
		"-seconds", fmt.Sprint(during.Seconds()), "-seed", fmt.Sprint(b.seed),
	}
	binary := b.books
	switch {
	case floor:
		binary, args = b.floor, append(args, "-books", "-db", b.floorURL)
	case b.subject == "floor":
		binary, args = b.floor, append(args, "-books", "-db", b.subjectURL)
	default:
		args = append(args, "-db", b.subjectURL)
	}
	cmd := exec.CommandContext(ctx, binary, args...)
	var said, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &errs
	if err := cmd.Run(); err != nil {
		return m, fmt.Errorf("%w\n%s", err, &errs)
	}
	var o posting.Outcome
	if err := json.Unmarshal(said.Bytes(), &o); err != nil {
		return m, fmt.Errorf("read %q: %w", &said, err)
	}
	if !floor {
		b.posted += o.Posted
	}
	if o.Errors > 0 && b.first == "" {
		b.first = o.First
	}
	m.Result = load.Result{Measured: during, Waited: o.Waited, Answered: o.Posted, Errors: o.Errors}
	if o.Errors > 0 {
		m.FirstErr = errors.New(o.First)
	}
	m.server = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return m, nil
}

// trial is what adding up all postings came to.
type trial struct {
	Entries    int  `json:"entries"`
	Postings   int  `json:"postings"`
	Balanced   bool `json:"balanced"`   // all debits are all credits
	Unbalanced int  `json:"unbalanced"` // entries whose sides differ
	Strayed    int  `json:"strayed"`    // kept balances that are not the sum of their postings
}

func (t trial) err(posted int) error {
	if !t.Balanced || t.Unbalanced > 0 || t.Strayed > 0 || t.Entries != posted {
		return fmt.Errorf("the books do not add up after %d entries: %+v", posted, t)
	}
	return nil
}

// addUp adds up florin's books in Go, sharing nothing with its own audit.
func addUp(ctx context.Context, url string) (t trial, err error) {
	db, err := fill.Open(ctx, url)
	if err != nil {
		return t, err
	}
	defer db.Close()
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM entries").Scan(&t.Entries); err != nil {
		return t, err
	}
	type account struct{ kind, owner, asset, side string }
	all, entry := new(big.Int), new(big.Int)
	sums := map[account]*big.Int{}
	rows, err := db.QueryContext(ctx, "SELECT entry_id, kind, owner, asset, side, units FROM postings ORDER BY entry_id")
	if err != nil {
		return t, err
	}
	defer rows.Close()
	last := ""
	endEntry := func(next string) {
		if next != last && entry.Sign() != 0 {
			t.Unbalanced++
			entry.SetInt64(0)
		}
		last = next
	}
	for rows.Next() {
		var a account
		var id, units string
		if err := rows.Scan(&id, &a.kind, &a.owner, &a.asset, &a.side, &units); err != nil {
			return t, err
		}
		endEntry(id)
		n, ok := new(big.Int).SetString(units, 10)
		if !ok {
			return t, fmt.Errorf("%q is no number of units", units)
		}
		if sums[a] == nil {
			sums[a] = new(big.Int)
		}
		sums[a].Add(sums[a], n)
		if a.side == "credit" {
			n.Neg(n)
		}
		all.Add(all, n)
		entry.Add(entry, n)
		t.Postings++
	}
	endEntry("")
	t.Balanced = all.Sign() == 0
	if err := rows.Err(); err != nil {
		return t, err
	}
	kept, err := db.QueryContext(ctx, "SELECT kind, owner, asset, debit_units, credit_units FROM balances")
	if err != nil {
		return t, err
	}
	defer kept.Close()
	for kept.Next() {
		var a account
		var debit, credit string
		if err := kept.Scan(&a.kind, &a.owner, &a.asset, &debit, &credit); err != nil {
			return t, err
		}
		for side, want := range map[string]string{"debit": debit, "credit": credit} {
			a.side = side
			if sum := sums[a]; sum == nil && want != "0" || sum != nil && sum.String() != want {
				t.Strayed++
				break
			}
		}
	}
	return t, kept.Err()
}
