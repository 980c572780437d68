package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"syscall"
	"time"

	"florin/bench/fill"
	"florin/bench/rig"
)

const (
	perMerchant  = 8 // attempts florin lets fly to one address: the floor has as many
	tellLimit    = time.Minute
	leaseLimit   = 75 * time.Second // after a kill: what was in flight is leased for 45 s, and looked for every 15
	paidLimit    = 30 * time.Second
	sampleEvery  = 20 // looks at the receivers for one at the memory
	failOneIn    = 20
	slowReceiver = 200 * time.Millisecond
)

// webhookLine is what came of one kind of receivers.
type webhookLine struct {
	Scenario    string  `json:"scenario"`
	DB          string  `json:"db"`
	Receivers   string  `json:"receivers"`
	Events      int     `json:"events"`
	Subject     float64 `json:"subject_per_s"`
	Floor       float64 `json:"floor_per_s,omitempty"`
	Ratio       float64 `json:"ratio,omitempty"`
	CPU         float64 `json:"cpu_us"` // of the server an event; the database apart
	FloorCPU    float64 `json:"floor_cpu_us,omitempty"`
	P50         float64 `json:"p50_ms"` // from the first arrival to an event's
	P99         float64 `json:"p99_ms"`
	OthersP99   float64 `json:"others_p99_ratio,omitempty"` // where one hangs: the others' p99 to that of receivers at once
	Lost        int     `json:"lost"`
	Duplicates  int     `json:"duplicates"`
	Wrong       int     `json:"wrong"`      // bodies of another event
	Unrecorded  int     `json:"unrecorded"` // told, but not written down as delivered
	RSS         float64 `json:"rss_mb"`     // the most while telling
	LoadAverage float64 `json:"load_average"`
	Repetitions int     `json:"repetitions"`
	Discarded   int     `json:"discarded"`
}

func (l webhookLine) err(mayRepeat bool) error {
	if l.Lost+l.Wrong+l.Unrecorded > 0 || l.Duplicates > 0 && !mayRepeat {
		return fmt.Errorf("receivers %s: %d lost, %d told twice, %d wrong, %d not written down of %d events",
			l.Receivers, l.Lost, l.Duplicates, l.Wrong, l.Unrecorded, l.Events)
	}
	return nil
}

// webhooks measures telling merchants of what waits when the server starts.
func webhooks(ctx context.Context, w *world, db string, out printer) error {
	if w.subject == "floor" {
		return errors.New("the floor has no queue of events: compare florin")
	}
	t, err := newTelling(ctx, w, db)
	if err != nil {
		return err
	}
	defer t.duel.stop()
	var atOnce float64
	var failed error
	for _, kind := range []struct {
		name  string
		b     behaviour
		race  bool // against the floor
		kills bool
	}{
		{"at once", behaviour{}, true, false},
		{"200 ms", behaviour{delay: slowReceiver}, true, false},
		{"5 % fail once", behaviour{failEvery: failOneIn}, false, false},
		{"at once, kill -9", behaviour{}, false, true},
		{"one merchant hangs", behaviour{hang: true}, false, false},
	} {
		line, err := t.line(ctx, kind.name, kind.b, kind.race, kind.kills)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("receivers %s: %w", kind.name, err))
			if errors.Is(err, errUnsteady) {
				continue
			}
			return failed
		}
		if kind.name == "at once" {
			atOnce = line.P99
		}
		if kind.b.hang && atOnce > 0 {
			line.OthersP99 = round(line.P99 / atOnce)
		}
		if err := errors.Join(out.Encode(line), line.err(kind.kills)); err != nil {
			return errors.Join(failed, err)
		}
	}
	return failed
}

// telling is what the kinds of receivers share: one database of each program.
type telling struct {
	*duel
	apps []string
	told int64 // copies made so far
}

// newTelling prepares a paid order with a delivery, to be copied, and an app for each merchant. Both programs run after.
func newTelling(ctx context.Context, w *world, db string) (*telling, error) {
	d, err := newDuel(ctx, w, db)
	if err != nil {
		return nil, err
	}
	t := &telling{duel: d, apps: []string{d.subjectProgram.App.ID}}
	if err := t.prepare(ctx); err != nil {
		d.stop()
		return nil, err
	}
	return t, nil
}

func (t *telling) prepare(ctx context.Context) error {
	for len(t.apps) < t.merchants {
		app, err := t.subjectProgram.AddApp(ctx)
		if err != nil {
			return err
		}
		t.apps = append(t.apps, app.ID)
	}
	if err := writeTemplate(ctx, t.subject); err != nil {
		return err
	}
	var paid struct{}
	number, err := numberOf(ctx, t.subject.DB, template)
	if err != nil {
		return err
	}
	if err := t.subjectProgram.Command(ctx, &paid, "sim", "pay", "--order", number, "--json"); err != nil {
		return err
	}
	if err := eventually(ctx, t.subject.DB, paidLimit, "SELECT count(*) FROM deliveries", "1"); err != nil {
		return err
	}
	return eventually(ctx, t.subject.DB, sealLimit, "SELECT count(*) FROM unsealed", "0")
}

func numberOf(ctx context.Context, url, reference string) (string, error) {
	db, err := fill.Open(ctx, url)
	if err != nil {
		return "", err
	}
	defer db.Close()
	return db.Text(ctx, "SELECT number FROM orders WHERE reference = '"+reference+"'")
}

// toldNumber is the trade_no in the news of an event: of a copied order, or of the floor's, which has no other name.
func toldNumber(event string) string {
	var i int64
	if _, err := fmt.Sscanf(event, "evt_%d", &i); err != nil {
		return event
	}
	return fill.Number(i)
}

// line plays one kind of receivers, against the floor when it is a race.
func (t *telling) line(ctx context.Context, name string, b behaviour, race, kill bool) (webhookLine, error) {
	line := webhookLine{Scenario: "webhook", DB: t.db, Receivers: name, Events: t.events}
	want := 1
	if race {
		want = t.repetitions
	}
	reps, discarded, err := t.repeat(want, func() (r repetition, err error) {
		if r.loadAverage, err = rig.LoadAverage(); err != nil {
			return r, err
		}
		r.floor.halves = [2]float64{1, 1}
		if race {
			if r.floor, err = t.floorTells(ctx, b); err != nil {
				return r, fmt.Errorf("floor: %w", err)
			}
		}
		r.subject, err = t.subjectTells(ctx, b, kill, &line)
		return r, err
	})
	if err != nil {
		return line, err
	}
	sum := summarise("webhook", t.db, 0, reps, discarded)
	line.Subject, line.CPU, line.P50, line.P99 = sum.Subject, sum.CPU, sum.P50, sum.P99
	line.LoadAverage, line.Repetitions, line.Discarded = sum.LoadAverage, sum.Repetitions, sum.Discarded
	if race {
		line.Floor, line.Ratio, line.FloorCPU = sum.Floor, sum.Ratio, sum.FloorCPU
	}
	return line, nil
}

// floorTells lets the plain loop tell as many events.
func (t *telling) floorTells(ctx context.Context, b behaviour) (m measured, err error) {
	r, err := openReceivers(t.merchants, b)
	if err != nil {
		return m, err
	}
	defer r.close()
	type target struct{ Event, URL string }
	order := struct {
		Workers int
		Targets []target
	}{Workers: t.merchants * perMerchant}
	t.runs++
	for i := range t.events {
		order.Targets = append(order.Targets, target{fmt.Sprintf("floor-%d-%d", t.runs, i), r.urls[i%t.merchants]})
	}
	body, err := json.Marshal(order)
	if err != nil {
		return m, err
	}
	before, err := t.floor.CPU()
	if err != nil {
		return m, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+t.floor.Addr+"/deliver", bytes.NewReader(body))
	if err != nil {
		return m, err
	}
	resp, err := (&http.Client{Timeout: tellLimit}).Do(req)
	if err != nil {
		return m, err
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		return m, errors.Join(err, fmt.Errorf("status %d: %s", resp.StatusCode, text))
	}
	after, err := t.floor.CPU()
	m = r.measured()
	m.server = after - before
	return m, err
}

// subjectTells fills in as many deliveries that are due, starts the subject and waits until they are told and written down.
func (t *telling) subjectTells(ctx context.Context, b behaviour, kill bool, line *webhookLine) (m measured, err error) {
	r, err := openReceivers(t.merchants, b)
	if err != nil {
		return m, err
	}
	closed := false
	defer func() {
		if !closed {
			r.close()
		}
	}()
	expected, waiting, err := t.wait(ctx, r)
	if err != nil {
		return m, err
	}
	if t.subject, err = t.subjectProgram.Start(ctx); err != nil {
		return m, err
	}
	looks := 0
	look := func() {
		if looks++; looks%sampleEvery != 1 {
			return
		}
		if rss, err := t.subject.RSS(); err == nil { // it may be dead for a moment
			line.RSS = max(line.RSS, round(float64(rss)/bytesPerMB))
		}
	}
	limit := tellLimit
	if kill {
		if err := r.wait(ctx, t.events/2, tellLimit, look); err != nil {
			return m, err
		}
		t.subject.Kill()
		if t.subject, err = t.subjectProgram.Start(ctx); err != nil {
			return m, err
		}
		limit = leaseLimit
	}
	told := r.wait(ctx, len(expected), limit, look)
	if err := ctx.Err(); err != nil {
		return m, err
	}
	m = r.measured()
	if m.server, err = t.subject.CPU(); err != nil {
		return m, err
	}
	if told == nil {
		told = eventually(ctx, t.subject.DB, sealLimit, "SELECT count(*) FROM deliveries WHERE status = 'waiting'", fmt.Sprint(waiting))
	}
	if told != nil {
		line.Unrecorded++ // the counts of the receivers say more
	}
	r.close()
	closed = true
	err = t.subject.Stop()
	t.subject = nil
	lost, duplicates, wrong := r.count(expected)
	line.Lost, line.Duplicates, line.Wrong = line.Lost+lost, line.Duplicates+duplicates, line.Wrong+wrong
	return m, err
}

// wait stops the subject and writes deliveries that are due. It returns the events that the receivers are to take, and
// how many deliveries will be waiting still when they have.
func (t *telling) wait(ctx context.Context, r *receivers) (expected []string, waiting int, err error) {
	if t.subject != nil {
		if err := t.subject.Stop(); err != nil {
			return nil, 0, err
		}
		t.subject = nil
	}
	db, err := fill.Open(ctx, t.subjectProgram.DB)
	if err != nil {
		return nil, 0, err
	}
	defer db.Close()
	// The one that is copied is not to be told again.
	if _, err := db.ExecContext(ctx, "UPDATE deliveries SET due_at = 9000000000000000 WHERE order_id = (SELECT id FROM orders WHERE reference = '"+template+"')"); err != nil {
		return nil, 0, err
	}
	before, err := db.Text(ctx, "SELECT CAST(count(*) AS TEXT) FROM deliveries WHERE status = 'waiting'")
	if err != nil {
		return nil, 0, err
	}
	fmt.Sscan(before, &waiting)
	rows, err := db.Told(ctx, template, t.apps, r.urls)
	if err != nil {
		return nil, 0, err
	}
	from, to := t.told+1, t.told+int64(t.events)
	if reached, err := db.Until(ctx, rows, from, to, fillLimit); err != nil || reached < to {
		return nil, 0, errors.Join(err, fmt.Errorf("%d of %d deliveries are filled in", reached-t.told, t.events))
	}
	t.told = to
	for i := from; i <= to; i++ {
		if r.hang && i%int64(t.merchants) == 0 {
			waiting++
			continue
		}
		expected = append(expected, fmt.Sprintf("evt_%026d", i))
	}
	syscall.Sync()
	return expected, waiting, nil
}
