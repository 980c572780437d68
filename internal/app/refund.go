package app

import (
	"fmt"
	"strings"
	"time"

	"florin/internal/engine"
	"florin/internal/id"
	"florin/internal/money"
	"florin/internal/payment"
)

type refundCommand struct {
	Create refundCreate `cmd:"" help:"Pay an order back, all of it or a part. Approve and reject as payouts."`
	List   refundList   `cmd:"" help:"List refunds, the newest last."`
	Show   refundShow   `cmd:"" help:"Show one refund."`
}

// refundJSON is what --json prints of a refund.
type refundJSON struct {
	payoutJSON
	Order string     `json:"order"`
	Desk  string     `json:"desk,omitempty"`
	By    string     `json:"by,omitempty"`
	Link  string     `json:"link,omitempty"` // where the payer says where he wants it
	Ends  *time.Time `json:"ends,omitempty"`
}

func (p *program) describeRefund(f engine.Refund) refundJSON {
	j := refundJSON{payoutJSON: describePayout(f.Payout), Order: f.OrderNumber, Desk: f.DeskID, By: f.By}
	if f.Link != "" {
		j.Link, j.Ends = "/refund/"+f.Link, &f.Ends
		if origin, err := p.settings.origin(); err == nil {
			j.Link = origin.String() + j.Link
		}
	}
	return j
}

func (j refundJSON) String() string {
	line := j.payoutJSON.String() + "\n    of order " + j.Order
	if j.Link != "" && j.Recipient == "" && payment.PayoutState(j.State) == payment.PayoutHeld {
		line += "\n    the payer says where to, by " + j.Ends.Format(time.RFC3339) + ": " + j.Link
	}
	return line
}

type refundCreate struct {
	Order     string `arg:"" help:"The order, by the number that its payer knows."`
	Amount    string `help:"Of what it was paid in, in whole units; all that was not refunded yet unless told."`
	To        string `xor:"to" help:"The address; nothing goes back to a sender by itself."`
	Link      bool   `xor:"to" help:"Make a link on whose page the payer says where he wants it."`
	Reference string `help:"A second refund with the same reference is refused, or is the first one."`
	By        string `required:"" help:"Who asks for it: somebody else approves it, if it needs that."`
}

func (c *refundCreate) Run(r *run) error {
	return openFor(r, toDecide, func(p *program) error {
		if c.To == "" && !c.Link {
			return usageError("say where to: --to ADDRESS, or --link")
		}
		v, err := p.engine.OrderByNumber(r, c.Order)
		if err != nil {
			return err
		}
		n := engine.NewRefund{
			Number: id.New(nil).Hex(16), OrderNumber: c.Order, Recipient: c.To, Link: c.Link, By: c.By, Reference: c.Reference,
			RequestHash: strings.Join([]string{c.Order, c.Amount, c.To, fmt.Sprint(c.Link)}, " "),
		}
		if c.Amount != "" {
			if n.Amount, err = money.Parse(v.Due.Asset(), c.Amount); err != nil {
				return usageError("--amount: " + err.Error())
			}
		}
		f, _, err := p.engine.CreateRefund(r, v.App, n)
		if err != nil {
			return err
		}
		j := p.describeRefund(f)
		if j.Link != "" && r.URL == "" {
			r.log.Warn("the link is of this command's own settings, which have no url: does `serve` run with another one?", "link", j.Link)
		}
		return r.print(j, "%s", j)
	})
}

type refundList struct {
	App   string `help:"Only this app's."`
	Order string `help:"Only this order's, by the number that its payer knows."`
	After string `help:"Begin behind this id, out_…"`
	Max   int    `default:"1000" help:"How many at most."`
}

func (c *refundList) Run(r *run) error {
	return withProgram(r, func(p *program) error {
		f := engine.RefundFilter{AppID: c.App, After: c.After, Limit: 500}
		if c.Order != "" {
			v, err := p.engine.OrderByNumber(r, c.Order)
			if err != nil {
				return err
			}
			f.OrderID = v.ID
		}
		list := []refundJSON{}
		var text strings.Builder
		for len(list) < c.Max {
			found, err := p.engine.Refunds(r, f)
			if err != nil {
				return err
			}
			for _, one := range found {
				f.After = one.ID
				if len(list) == c.Max {
					break
				}
				j := p.describeRefund(one)
				list = append(list, j)
				fmt.Fprintln(&text, j)
			}
			if len(found) < f.Limit {
				break
			}
		}
		return r.print(list, "%s", strings.TrimSuffix(text.String(), "\n"))
	})
}

type refundShow struct {
	Refund string `arg:"" help:"The refund: its id or its number."`
}

func (c *refundShow) Run(r *run) error {
	return withProgram(r, func(p *program) error {
		one, err := p.engine.FindPayout(r, c.Refund)
		if err != nil {
			return err
		}
		f, err := p.engine.RefundByID(r, one.ID)
		if err != nil {
			return err
		}
		j := p.describeRefund(f)
		return r.print(j, "%s", j)
	})
}
