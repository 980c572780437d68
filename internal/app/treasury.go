package app

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"florin/internal/chain"
	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/treasury"
)

// sweeper is the worker that brings home what lies at deposit addresses.
func (p *program) sweeper(name string) *treasury.Sweeps {
	return &treasury.Sweeps{
		Engine: p.engine, Clock: p.clock, Worker: name, Log: p.log, Rule: payment.DefaultSweepRule, Gas: treasury.DefaultSweepGas,
	}
}

// reconciler is the worker that compares the books with the chains.
func (p *program) reconciler(name string) *treasury.Reconcile {
	limits := map[string]money.Price{}
	for _, n := range p.live {
		if n.limit != (money.Price{}) {
			limits[n.Name] = n.limit
		}
	}
	return &treasury.Reconcile{Engine: p.engine, Clock: p.clock, Worker: name, Log: p.log, Limits: limits}
}

type sweepCommand struct {
	Chain string `required:"" help:"The network."`
	All   bool   `help:"Whatever it costs, up to the chain's fee_cap, and assets without a rate too."`
}

// sweepJSON is what --json prints of one look at the deposit addresses.
type sweepJSON struct {
	Sweep     string   `json:"sweep,omitempty"`
	Addresses int      `json:"addresses"`
	Waiting   int      `json:"waiting"`
	Unpriced  []string `json:"unpriced,omitempty"`
	Missing   []string `json:"missing,omitempty"`
}

// Run makes sweeps; the serving process sends them.
func (c *sweepCommand) Run(r *run) error {
	return openFor(r, toQuote, func(p *program) error {
		if n, ok := p.engine.Network(c.Chain); ok && n.TestOf != "" {
			return payment.Refuse(payment.CodeNotEnabled, n.Name+" is simulated: it is swept by florin serve alone")
		}
		reports, err := p.sweeper("command").Sweep(r, c.Chain, c.All)
		list := []sweepJSON{}
		var text strings.Builder
		for _, report := range reports {
			j := sweepJSON{Sweep: report.Sweep.ID, Addresses: len(report.Lots), Waiting: report.Waiting, Missing: report.Missing}
			for _, asset := range report.Unpriced {
				j.Unpriced = append(j.Unpriced, asset.Code())
			}
			list = append(list, j)
			j.write(&text)
		}
		if err != nil {
			return err
		}
		return r.print(list, "%s", strings.TrimSuffix(text.String(), "\n"))
	})
}

func (j sweepJSON) write(text *strings.Builder) {
	if j.Sweep != "" {
		fmt.Fprintf(text, "%s brings home what lies at %d addresses\n", j.Sweep, j.Addresses)
	}
	if j.Waiting > 0 {
		fmt.Fprintf(text, "%d addresses hold too little to pay for their sweep\n", j.Waiting)
	}
	if len(j.Unpriced) > 0 {
		fmt.Fprintf(text, "no rate for %s: --all sweeps it\n", strings.Join(j.Unpriced, ", "))
	}
	for _, missing := range j.Missing {
		fmt.Fprintln(text, missing)
	}
	if text.Len() == 0 {
		text.WriteString("nothing to sweep\n")
	}
}

type reconcileCommand struct {
	Chain string `help:"One network; all live ones that money can leave on, unless told."`
	Full  bool   `help:"Ask every deposit address that was ever given out, not only those that hold anything."`
}

// comparisonJSON is what --json prints of the books against a chain, in base units.
type comparisonJSON struct {
	Chain      string    `json:"chain"`
	Asset      string    `json:"asset"`
	Block      uint64    `json:"block"`
	Books      string    `json:"books"`
	OnChain    string    `json:"on_chain"`
	Difference string    `json:"difference"`
	Rounds     int       `json:"rounds"`
	Checked    time.Time `json:"checked"`

	text string
}

func describeComparison(c engine.Comparison) comparisonJSON {
	j := comparisonJSON{
		Chain: c.Chain, Asset: c.Asset.Code(), Block: c.Height, Books: c.Books.String(), OnChain: c.OnChain.String(),
		Difference: c.Difference().String(), Rounds: c.Rounds, Checked: c.CheckedAt,
	}
	j.text = fmt.Sprintf("%s  at block %d: the chain has %s, the books %s: a difference of %s", j.Asset, j.Block,
		treasury.WholeUnits(c.Asset, c.OnChain), treasury.WholeUnits(c.Asset, c.Books), treasury.WholeUnits(c.Asset, c.Difference()))
	if j.Difference == "0" {
		j.text = fmt.Sprintf("%s  at block %d: books and chain agree on %s", j.Asset, j.Block, treasury.WholeUnits(c.Asset, c.Books))
	}
	return j
}

func (j comparisonJSON) String() string { return j.text }

// Run compares the books with the chains now; a difference makes it fail.
func (c *reconcileCommand) Run(r *run) error {
	return openFor(r, toQuote, func(p *program) error {
		list := []comparisonJSON{}
		var text strings.Builder
		differ := 0
		compared := 0
		for _, n := range p.live {
			if c.Chain != "" && c.Chain != n.Name || c.Chain == "" && !n.Pays() {
				continue
			}
			compared++
			found, err := p.reconciler("command").Reconcile(r, n.Name, c.Full)
			if err != nil {
				return fmt.Errorf("chain %s: %w", n.Name, err)
			}
			for _, one := range found {
				j := describeComparison(one)
				list = append(list, j)
				fmt.Fprintln(&text, j)
				if one.Difference().Sign() != 0 {
					differ++
				}
			}
		}
		switch {
		case compared == 0 && c.Chain != "":
			return errors.New("there is no live network " + c.Chain)
		case compared == 0:
			text.WriteString("there is no live network that money can leave on: nothing to compare")
		}
		if err := r.print(list, "%s", strings.TrimSuffix(text.String(), "\n")); err != nil {
			return err
		}
		if differ > 0 {
			return fmt.Errorf("%d assets differ", differ)
		}
		return nil
	})
}

type ledgerAdjust struct {
	Asset  string `required:"" help:"SYMBOL@CHAIN."`
	Amount string `required:"" help:"Of whole units."`
	Out    bool   `help:"It left our accounts; else it came."`
	Note   string `required:"" help:"Who moved it, and why. It stays in the books for good."`
}

// Run books what the operator moved by hand, past Florin.
func (c *ledgerAdjust) Run(r *run) error {
	return withProgram(r, func(p *program) error {
		asset, err := p.asset(c.Asset)
		if err != nil {
			return err
		}
		amount, err := money.Parse(asset, c.Amount)
		if err != nil {
			return usageError("--amount: " + err.Error())
		}
		ref, err := p.engine.AdjustLedger(r, engine.Adjustment{Amount: amount, Out: c.Out, Note: c.Note})
		if err != nil {
			return err
		}
		return r.print(map[string]string{"entry": ref}, "booked as %s", ref)
	})
}

// asset returns what SYMBOL@CHAIN names.
func (p *program) asset(code string) (money.Asset, error) {
	for _, n := range p.engine.Networks() {
		for _, t := range n.Tokens {
			if asset := n.Asset(t); asset.Code() == code {
				return asset, nil
			}
		}
	}
	return money.Asset{}, usageError("no network has an asset " + code)
}

// examineTreasury looks at what keeps money from leaving.
func (p *program) examineTreasury(r *run, f *findings) {
	stops, err := p.engine.Stops(r)
	if err != nil {
		f.bad("payouts", err, "see the message")
		return
	}
	for _, s := range stops {
		f.bad("payouts", fmt.Errorf("%s is stopped by %s: %s", s.Scope, s.By, s.Reason), "look, mend it, then florin payout resume")
	}
	paying := 0
	for _, n := range p.live {
		if n.Pays() {
			paying++
			p.examineAccount(r, n, f)
		}
	}
	if paying == 0 {
		f.advise("payouts", "no live network has an account that money can leave from", "give a [[chain]] block hot and keystore (docs/chains.md)")
	} else if len(stops) == 0 {
		f.good("payouts", "nothing is stopped")
	}
	compared, err := p.engine.Comparisons(r)
	if err != nil {
		f.bad("books against chains", err, "see the message")
		return
	}
	for _, c := range compared {
		if c.Difference().Sign() == 0 || c.Rounds < 2 {
			continue
		}
		text := fmt.Errorf("%v", describeComparison(c))
		f.bad("books against chains", text, "find what moved it; what you moved yourself is booked with florin ledger adjust")
	}
}

// examineAccount looks at what the paying account of a network holds.
func (p *program) examineAccount(r *run, n liveNetwork, f *findings) {
	check := "paying account on " + n.Name
	held, err := n.Sender.Balance(r, n.Hot, n.FeeCap.Asset(), chain.BlockRef{})
	if err != nil {
		f.bad(check, err, "see the finding about its nodes")
		return
	}
	units, least := held.Int(), n.Gas.Int()
	if units.Cmp(&least) < 0 {
		f.bad(check, fmt.Errorf("%s holds %v, and payouts need %v", n.Hot, held, n.Gas), "send it coin for fees")
		return
	}
	if fees, err := p.engine.DayFees(r, n.Name); err != nil {
		f.bad(check, err, "see the message")
		return
	} else if !fees.Limit.IsZero() && !fees.Allows(n.FeeCap) {
		f.bad(check, fmt.Errorf("its transactions of a day have cost %v, those on their way may cost %v, and the limit is %v: payouts wait",
			fees.Paid, fees.Most, fees.Limit), "look what it was spent on; fee_cap_day is the limit")
		return
	}
	if err := n.client.CheckSweeper(r); err != nil {
		f.advise(check, fmt.Sprintf("%s holds %v; the sweeper is not on this chain: %s", n.Hot, held, sentence(err)), "florin chain deploy-factory")
		return
	}
	text := ""
	if n.Hot != n.Treasury {
		text = "; sweeps go to " + n.Treasury + ", so tokens have to be brought from there"
	}
	f.good(check, "%s holds %v%s", n.Hot, held, text)
}

// parseLimit reads a reconcile_limit in USD.
func parseLimit(text string) (money.Price, error) {
	if text == "" {
		return money.Price{}, nil
	}
	limit, err := money.ParsePrice("USD", text)
	if err != nil {
		return limit, fmt.Errorf("reconcile_limit: %q is no amount of USD", text)
	}
	return limit, nil
}
