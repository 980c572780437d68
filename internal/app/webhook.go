package app

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"florin/internal/engine"
)

type webhookList struct {
	App    string `help:"Only this app's."`
	Failed bool   `help:"Only what was tried in vain and has not arrived since."`
	Since  string `help:"From when on: a time such as 2026-03-17T12:00:00Z, or how long ago, such as 6h." placeholder:"TIME"`
	Before string `help:"Begin behind this delivery, dlv_…"`
	Max    int    `default:"100" help:"How many at most."`
}

// deliveryJSON is what --json prints of a delivery.
type deliveryJSON struct {
	ID        string     `json:"id"`
	Event     string     `json:"event"`
	Kind      string     `json:"kind"`
	App       string     `json:"app"`
	Number    string     `json:"number,omitempty"`
	Reference string     `json:"reference,omitempty"`
	Status    string     `json:"status"`
	Tries     int        `json:"tries"`
	NextAt    *time.Time `json:"next_at,omitempty"` // while it waits
	Created   time.Time  `json:"created"`
	Last      *tryJSON   `json:"last,omitempty"`
}

// tryJSON is one try to deliver.
type tryJSON struct {
	At     time.Time `json:"at"`
	URL    string    `json:"url"`
	Status int       `json:"status,omitempty"` // of HTTP
	Answer string    `json:"answer,omitempty"` // its first KiB
	Error  string    `json:"error,omitempty"`
}

func describeDelivery(d engine.DeliveryRow) deliveryJSON {
	j := deliveryJSON{
		ID: d.ID, Event: d.EventID, Kind: string(d.Kind), App: d.AppID, Number: d.Number, Reference: d.Reference, Status: string(d.Status),
		Tries: d.Attempts, Created: d.CreatedAt,
	}
	if d.Status == engine.DeliveryWaiting {
		j.NextAt = &d.DueAt
	}
	if t := d.Last; t != nil {
		j.Last = &tryJSON{At: t.At, URL: t.URL, Status: t.Status, Answer: strings.ToValidUTF8(string(t.Answer), "?"), Error: t.Error}
	}
	return j
}

func (j deliveryJSON) String() string {
	line := fmt.Sprintf("%s  %s  %s  %s  app %s", j.ID, j.Status, j.Kind, j.Number, j.App)
	if j.Last != nil {
		tries := "1 try,"
		if j.Tries != 1 {
			tries = fmt.Sprintf("%d tries, the last", j.Tries)
		}
		line += fmt.Sprintf("  %s %s to %s: %s", tries, j.Last.At.Format(time.RFC3339), j.Last.URL, j.Last)
	}
	if j.NextAt != nil {
		line += "  next " + j.NextAt.Format(time.RFC3339)
	}
	return line
}

// shownAnswer is how much of an answer one line has, in characters.
const shownAnswer = 80

// String is what came of a try. What the merchant's server sent is quoted: a terminal would obey it.
func (t *tryJSON) String() string {
	if t.Error != "" {
		return fmt.Sprintf("%q", t.Error)
	}
	return fmt.Sprintf("HTTP %d %.*q", t.Status, shownAnswer, t.Answer)
}

func (c *webhookList) Run(r *run) error {
	f := engine.DeliveryFilter{AppID: c.App, Failed: c.Failed, Before: c.Before, Limit: 500}
	if c.Since != "" {
		since, err := when(c.Since, r.clock.Now())
		if err != nil {
			return usageError("--since: " + err.Error())
		}
		f.Since = since
	}
	return withProgram(r, func(p *program) error {
		if c.App != "" {
			if _, err := p.engine.App(r, c.App); err != nil {
				return err
			}
		}
		list := []deliveryJSON{}
		var text strings.Builder
		for len(list) < c.Max {
			f.Limit = min(f.Limit, c.Max-len(list))
			rows, err := p.engine.Deliveries(r, f)
			if err != nil {
				return err
			}
			for _, row := range rows {
				f.Before = row.ID
				j := describeDelivery(row)
				list = append(list, j)
				fmt.Fprintln(&text, j)
			}
			if len(rows) < f.Limit {
				break
			}
		}
		return r.print(list, "%s", strings.TrimSuffix(text.String(), "\n"))
	})
}

// vainWithin is how long ago a webhook may have been made that doctor speaks of.
const vainWithin = 24 * time.Hour

// examineVain looks whose webhooks are tried in vain. That is the merchant's server or its address, and no fault of the
// installation.
func (p *program) examineVain(r *run, f *findings) {
	const most = 500
	rows, err := p.engine.Deliveries(r, engine.DeliveryFilter{Failed: true, Since: r.clock.Now().Add(-vainWithin), Limit: most})
	if err != nil {
		f.bad("webhooks in vain", err, "see the message")
		return
	}
	if len(rows) == 0 {
		f.good("webhooks in vain", "none within a day")
		return
	}
	apps := map[string]int{}
	for _, row := range rows {
		apps[row.AppID]++
	}
	var whose []string
	for _, app := range slices.Sorted(maps.Keys(apps)) {
		whose = append(whose, fmt.Sprintf("%d of app %s", apps[app], app))
	}
	count := fmt.Sprint(len(rows))
	if len(rows) == most {
		count += " or more"
	}
	f.advise("webhooks in vain", fmt.Sprintf("%s within a day, %s; the last: %s", count, strings.Join(whose, ", "), describeDelivery(rows[0]).Last),
		"florin webhook list --failed says where they went and what came back; florin webhook resend --app APP --since 24h --failed tells them again")
}
