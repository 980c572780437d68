package app

import (
	"fmt"
	"strings"
	"time"

	"florin/internal/engine"
	"florin/internal/id"
	"florin/internal/payment"
)

type deskCommand struct {
	List     deskList     `cmd:"" help:"List transfers that no rule could place, the oldest first."`
	Show     deskShow     `cmd:"" help:"Show one of them."`
	Attach   deskAttach   `cmd:"" help:"Settle an order with it: the block is read again, and what is due changes to fit."`
	Credit   deskCredit   `cmd:"" help:"Give it to the merchant as it is; no order changes."`
	Refund   deskRefund   `cmd:"" help:"Send it to an address."`
	WriteOff deskWriteOff `cmd:"" help:"Close it for good; what it holds is the operator's."`
}

// deskJSON is what --json prints of a row of the exception desk.
type deskJSON struct {
	ID         string     `json:"id"`
	Status     string     `json:"status"`
	Reason     string     `json:"reason"`
	Asset      string     `json:"asset"`
	Amount     string     `json:"amount"`
	Held       string     `json:"held"`
	Value      string     `json:"value,omitempty"` // in USD, now
	Merchant   string     `json:"merchant"`
	App        string     `json:"app"`
	Order      string     `json:"order"`
	Reference  string     `json:"reference,omitempty"`
	TxID       string     `json:"txid"`
	Position   string     `json:"position"`
	From       string     `json:"from,omitempty"`
	To         string     `json:"to"`
	BlockTime  time.Time  `json:"block_time"`
	AgeSeconds int64      `json:"age_seconds"`
	Claimed    *time.Time `json:"claimed,omitempty"`
	Resolution string     `json:"resolution,omitempty"`
	AttachedTo string     `json:"attached_to,omitempty"`
	Refund     string     `json:"refund,omitempty"`
	By         string     `json:"by,omitempty"`
	Note       string     `json:"note,omitempty"`
	Created    time.Time  `json:"created"`
	Closed     *time.Time `json:"closed,omitempty"`
}

func describeRow(d engine.DeskRow, now time.Time) deskJSON {
	asset := d.Amount.Asset()
	j := deskJSON{
		ID: d.ID, Status: string(d.Status), Reason: string(d.Reason), Asset: asset.Code(), Amount: d.Amount.Decimal(), Held: d.Held.Decimal(),
		Value: d.Value, Merchant: d.MerchantID, App: d.AppID, Order: d.OrderNumber, Reference: d.OrderReference, TxID: d.Key.TxID,
		Position: d.Key.Position, From: d.From, To: d.To, BlockTime: d.BlockTime, AgeSeconds: int64(d.Age(now) / time.Second),
		Resolution: string(d.Resolution), AttachedTo: d.AttachedTo, Refund: d.OutgoingID, By: d.By, Note: d.Note, Created: d.CreatedAt,
	}
	if !d.ClaimedAt.IsZero() {
		j.Claimed = &d.ClaimedAt
	}
	if !d.ClosedAt.IsZero() {
		j.Closed = &d.ClosedAt
	}
	return j
}

func (j deskJSON) String() string {
	state := j.Status
	if j.Resolution != "" {
		state = j.Resolution
	}
	line := fmt.Sprintf("%s  %s  %s  %s %s", j.ID, state, j.Reason, j.Amount, j.Asset)
	if j.Value != "" {
		line += " (" + j.Value + " USD)"
	}
	line += fmt.Sprintf("  order %s  %v old", j.Order, time.Duration(j.AgeSeconds)*time.Second)
	if j.Claimed != nil {
		line += "  claimed by its payer"
	}
	if j.By != "" {
		line += "  by " + j.By
	}
	if j.Note != "" {
		line += ": " + j.Note
	}
	return line
}

type deskList struct {
	Status   string `help:"Only those; open unless told." enum:"open,resolved,void,all" default:"open"`
	Merchant string `help:"Only this merchant's."`
	App      string `help:"Only this app's."`
	After    string `help:"Begin behind this id, dsk_…"`
	Max      int    `default:"1000" help:"How many at most."`
}

func (c *deskList) Run(r *run) error {
	return withWorth(r, func(p *program) error {
		f := engine.DeskFilter{MerchantID: c.Merchant, AppID: c.App, After: c.After, Limit: 500}
		if c.Status != "all" {
			f.Status = payment.DeskStatus(c.Status)
		}
		list := []deskJSON{}
		var text strings.Builder
		for len(list) < c.Max {
			rows, err := p.engine.DeskRows(r, f)
			if err != nil {
				return err
			}
			for _, row := range rows {
				f.After = row.ID
				if len(list) == c.Max {
					break
				}
				j := describeRow(row, r.clock.Now())
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

type deskShow struct {
	Row string `arg:"" help:"The row, dsk_…"`
}

func (c *deskShow) Run(r *run) error {
	return withWorth(r, func(p *program) error {
		row, err := p.engine.DeskRow(r, c.Row)
		if err != nil {
			return err
		}
		return printRow(r, p, row)
	})
}

// withWorth opens the installation with prices, or without where nobody tells them.
func withWorth(r *run, do func(*program) error) error {
	p, err := open(r, toQuote)
	if err != nil {
		return withProgram(r, do)
	}
	defer p.close()
	return do(p)
}

// decideRow prints a row as a decision has left it.
func decideRow(r *run, why purpose, decide func(p *program) (engine.DeskRow, error)) error {
	return openFor(r, why, func(p *program) error {
		row, err := decide(p)
		if err != nil {
			return err
		}
		return printRow(r, p, row)
	})
}

// printRow prints all there is to say of a row.
func printRow(r *run, p *program, row engine.DeskRow) error {
	j := describeRow(row, r.clock.Now())
	text := fmt.Sprintf("%s\n    %s %s\n    ", j, j.TxID, j.Position)
	if j.From != "" { // nobody knows who sent coin from inside a contract call
		text += "from " + j.From + " "
	}
	text += fmt.Sprintf("to %s in a block of %s", j.To, j.BlockTime.Format(time.RFC3339))
	if j.AttachedTo != "" {
		settled, err := p.db.FindOrder(r, j.AttachedTo)
		if err != nil {
			return fmt.Errorf("load order %s: %w", j.AttachedTo, err)
		}
		text += "\n    settled order " + settled.Number
	}
	if j.Refund != "" {
		text += "\n    went out with " + j.Refund
	}
	return r.print(j, "%s", text)
}

// signature is who decides, and why: the books keep both.
type signature struct {
	By   string `required:"" help:"Who decides."`
	Note string `help:"Why; it is kept with the decision."`
}

type deskAttach struct {
	Row       string `arg:"" help:"The row, dsk_…"`
	Order     string `required:"" help:"The order, by the number that its payer knows; of the same merchant."`
	signature `embed:""`
}

func (c *deskAttach) Run(r *run) error {
	return decideRow(r, toAttach, func(p *program) (engine.DeskRow, error) { return p.engine.Attach(r, c.Row, c.Order, c.By, c.Note) })
}

type deskCredit struct {
	Row       string `arg:"" help:"The row, dsk_…"`
	signature `embed:""`
}

func (c *deskCredit) Run(r *run) error {
	return decideRow(r, toDecide, func(p *program) (engine.DeskRow, error) { return p.engine.CreditAsIs(r, c.Row, c.By, c.Note) })
}

type deskRefund struct {
	Row       string `arg:"" help:"The row, dsk_…"`
	To        string `required:"" help:"The address; nothing goes back to a sender by itself."`
	signature `embed:""`
}

func (c *deskRefund) Run(r *run) error {
	return decideRow(r, toDecide, func(p *program) (engine.DeskRow, error) {
		n := engine.NewRefund{Number: id.New(nil).Hex(16), Recipient: c.To, By: c.By, Note: c.Note}
		if _, err := p.engine.RefundHeld(r, c.Row, n); err != nil {
			return engine.DeskRow{}, err
		}
		return p.engine.DeskRow(r, c.Row)
	})
}

type deskWriteOff struct {
	Row    string `arg:"" help:"The row, dsk_…"`
	By     string `required:"" help:"Who decides."`
	Reason string `required:"" help:"Why; it is kept with the decision."`
}

func (c *deskWriteOff) Run(r *run) error {
	return decideRow(r, toDecide, func(p *program) (engine.DeskRow, error) { return p.engine.WriteOff(r, c.Row, c.By, c.Reason) })
}
