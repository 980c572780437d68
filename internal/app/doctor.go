package app

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"florin/internal/chain"
	"florin/internal/money"
)

type doctorCommand struct{}

// finding is one thing that doctor looked at.
type finding struct {
	Check string `json:"check"`
	OK    bool   `json:"ok"`
	Text  string `json:"text"`           // what was found
	Mend  string `json:"mend,omitempty"` // what to do about it
}

// Run looks at everything an installation stands on. It goes on after a fault, and exits with 1
// if there was one.
func (c *doctorCommand) Run(r *run) error {
	var findings []finding
	look := func(check, mend string, do func() (string, error)) bool {
		text, err := do()
		f := finding{Check: check, OK: err == nil, Text: text}
		if err != nil {
			f.Text, f.Mend = err.Error(), mend
		}
		findings = append(findings, f)
		return err == nil
	}
	look("configuration", "set --url to the origin that payers and merchants see", func() (string, error) {
		origin, err := r.origin()
		if err != nil {
			return "", err
		}
		if origin.Scheme != "https" && !isLoopback(origin.Hostname()) {
			return "", fmt.Errorf("%s is not https: anybody on the way can change addresses", origin)
		}
		return origin.String(), nil
	})
	var p *program
	opened := look("database and key", "see the message; restore the key file that belongs to this database", func() (string, error) {
		var err error
		if p, err = open(r, r.Settings, r.log, false); err != nil {
			return "", err
		}
		return "schema up to date; installation " + p.engine.Installation(), nil
	})
	if opened {
		defer p.close()
		p.examine(r, look)
	}
	return r.diagnosis(findings)
}

// examine looks at what stands on an opened database.
func (p *program) examine(r *run, look func(check, mend string, do func() (string, error)) bool) {
	look("books", "stop payouts and compare with the last backup: `florin ledger verify`", func() (string, error) {
		report, err := p.engine.VerifyLedger(r)
		if err != nil {
			return "", err
		}
		if !report.OK() {
			return "", errors.New(strings.Join(report.Faults, "; "))
		}
		return fmt.Sprintf("%d entries balance", report.Entries), nil
	})
	look("rates", "give --rates-file with a price of each currency", func() (string, error) {
		if _, err := p.book.RunOnce(r); err != nil {
			return "", err
		}
		price, err := money.ParsePrice("USD", "1")
		if err != nil {
			return "", err
		}
		for _, n := range p.engine.Networks() {
			for _, t := range n.Tokens {
				if _, err := p.book.Quote(r, price, t.Symbol); err != nil {
					return "", fmt.Errorf("%s: %w", t.Symbol, err)
				}
			}
		}
		return "every asset has a price", nil
	})
	for _, n := range p.engine.Networks() {
		if !n.Live() {
			continue
		}
		look("chain "+n.Name, "check the rpc URLs of its [[chain]] block", func() (string, error) {
			bad, err := n.Client.Check(r)
			if err != nil {
				return "", err
			}
			for asset, reason := range bad {
				return "", fmt.Errorf("%s: %s", asset.Code(), reason)
			}
			return p.progress(r, n.Client, n.Name)
		})
	}
}

// progress compares a node's head with our clock and our cursor.
func (p *program) progress(r *run, client chain.Client, name string) (string, error) {
	head, err := client.Head(r)
	if err != nil {
		return "", err
	}
	const tolerance = 10 * time.Minute
	if skew := p.clock.Now().Sub(head.Time); skew > tolerance || skew < -tolerance {
		return "", fmt.Errorf("the newest block %d is %s old: the node is behind, or this clock is wrong", head.Height, skew.Round(time.Second))
	}
	cursor, ok, err := p.engine.Cursor(r, name)
	if err != nil {
		return "", err
	}
	if !ok {
		return fmt.Sprintf("head %d, not followed yet", head.Height), nil
	}
	return fmt.Sprintf("head %d, followed to %d", head.Height, cursor.Height), nil
}

func (r *run) diagnosis(findings []finding) error {
	var text strings.Builder
	sick := 0
	for _, f := range findings {
		mark := "ok  "
		if !f.OK {
			mark = "BAD "
			sick++
		}
		fmt.Fprintf(&text, "%s %s: %s\n", mark, f.Check, f.Text)
		if f.Mend != "" {
			fmt.Fprintf(&text, "     → %s\n", f.Mend)
		}
	}
	if err := r.print(findings, "%s", strings.TrimSuffix(text.String(), "\n")); err != nil {
		return err
	}
	if sick > 0 {
		return fmt.Errorf("%d of %d checks found something", sick, len(findings))
	}
	return nil
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}
