package app

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"florin/internal/chain/evmaddr"
	"florin/internal/engine"
	"florin/internal/keys"
	"florin/internal/payment"
	"florin/internal/treasury"
)

type payoutCommand struct {
	List    payoutList    `cmd:"" help:"List payouts, the newest last."`
	Show    payoutShow    `cmd:"" help:"Show one payout and every transaction that was signed for it."`
	Approve payoutApprove `cmd:"" help:"Let a payout go that waits for an approver."`
	Reject  payoutReject  `cmd:"" help:"End a payout that has no transaction number yet; its money goes back to the balance."`
	Stop    payoutStop    `cmd:"" help:"Stop all payouts, a chain's or an app's, within a second, on every node."`
	Resume  payoutResume  `cmd:"" help:"Lift a stop. A chain is compared with the books first."`
	Rules   payoutRules   `cmd:"" help:"Show or set what an app may pay out. Without rules: nothing."`
	Factor  payoutFactor  `cmd:"" name:"second-factor" help:"Give an app a new second factor; prints its seed, this once."`
	Payee   payeeCommand  `cmd:"" help:"Whom an app pays."`
}

// payoutJSON is what --json prints of a payout.
type payoutJSON struct {
	ID         string        `json:"id"`
	Number     string        `json:"number"`
	Kind       string        `json:"kind"`
	App        string        `json:"app"`
	Reference  string        `json:"reference,omitempty"`
	State      string        `json:"state"`
	Reason     string        `json:"reason,omitempty"`
	Asset      string        `json:"asset"`
	Amount     string        `json:"amount"`
	Recipient  string        `json:"recipient"`
	Sender     string        `json:"sender,omitempty"`
	Nonce      *int64        `json:"nonce,omitempty"`
	TxID       string        `json:"txid,omitempty"`
	NetworkFee string        `json:"network_fee,omitempty"`
	Created    time.Time     `json:"created"`
	Changed    time.Time     `json:"changed"`
	Versions   []versionJSON `json:"versions,omitempty"`
}

type versionJSON struct {
	TxID    string    `json:"txid"`
	Purpose string    `json:"purpose"`
	Most    string    `json:"most"` // the dearest it can be, in coin
	Signed  time.Time `json:"signed"`
}

func describePayout(p payment.Payout) payoutJSON {
	j := payoutJSON{
		ID: p.ID, Number: p.Number, Kind: string(p.Kind), App: p.AppID, Reference: p.Reference, State: string(p.State), Reason: p.Reason,
		Asset: p.Amount.Asset().Code(), Amount: p.Amount.Decimal(), Recipient: p.Recipient, Sender: p.Sender, TxID: p.TxID,
		Created: p.CreatedAt, Changed: p.ChangedAt,
	}
	if p.Nonce >= 0 {
		j.Nonce = &p.Nonce
	}
	if !p.NetworkFee.IsZero() {
		j.NetworkFee = p.NetworkFee.Decimal()
	}
	return j
}

func (j payoutJSON) String() string {
	line := fmt.Sprintf("%s  %s  %s %s", j.ID, j.State, j.Amount, j.Asset)
	if j.Recipient != "" { // a refund by link has none before its payer has named one
		line += " to " + j.Recipient
	}
	line += "  " + j.Number
	if j.Reason != "" {
		line += "  (" + j.Reason + ")"
	}
	if j.TxID != "" {
		line += "\n    " + j.TxID
	}
	return line
}

type payoutList struct {
	State string `help:"Only those in this state." enum:",held,ready,numbered,sent,paid,failed" default:""`
	App   string `help:"Only this app's."`
	After string `help:"Begin behind this id, out_…"`
	Max   int    `default:"1000" help:"How many at most."`
}

func (c *payoutList) Run(r *run) error {
	return withProgram(r, func(p *program) error {
		list := []payoutJSON{}
		var text strings.Builder
		const page = 500
		for after := c.After; len(list) < c.Max; {
			found, err := p.engine.Payouts(r, after, page)
			if err != nil {
				return err
			}
			for _, one := range found {
				after = one.ID
				if c.State != "" && string(one.State) != c.State || c.App != "" && one.AppID != c.App || len(list) == c.Max {
					continue
				}
				j := describePayout(one)
				list = append(list, j)
				fmt.Fprintln(&text, j)
			}
			if len(found) < page {
				break
			}
		}
		return r.print(list, "%s", strings.TrimSuffix(text.String(), "\n"))
	})
}

type payoutShow struct {
	Payout string `arg:"" help:"The payout: its id or the number that the merchant knows."`
}

func (c *payoutShow) Run(r *run) error {
	return withProgram(r, func(p *program) error {
		one, err := p.engine.FindPayout(r, c.Payout)
		if err != nil {
			return err
		}
		versions, err := p.engine.PayoutVersions(r, one)
		if err != nil {
			return err
		}
		j := describePayout(one)
		text := j.String()
		for _, v := range versions {
			j.Versions = append(j.Versions, versionJSON{v.ID, string(v.Purpose), v.Most.Decimal(), v.At})
			text += fmt.Sprintf("\n    signed %s to %s, at most %v: %s", v.At.Format(time.RFC3339), v.Purpose, v.Most, v.ID)
		}
		return r.print(j, "%s", text)
	})
}

type payoutApprove struct {
	Payout string `arg:"" help:"The payout: its id or its number."`
	By     string `required:"" help:"Who approves: not who asked for it."`
}

func (c *payoutApprove) Run(r *run) error {
	return changePayout(r, func(p *program) (payment.Payout, error) { return p.engine.ApprovePayout(r, c.Payout, c.By) })
}

type payoutReject struct {
	Payout string `arg:"" help:"The payout: its id or its number."`
	Reason string `default:"it was rejected" help:"What the log and the books say about it."`
}

func (c *payoutReject) Run(r *run) error {
	return changePayout(r, func(p *program) (payment.Payout, error) { return p.engine.RejectPayout(r, c.Payout, c.Reason) })
}

func changePayout(r *run, change func(p *program) (payment.Payout, error)) error {
	return withProgram(r, func(p *program) error {
		one, err := change(p)
		if err != nil {
			return err
		}
		j := describePayout(one)
		return r.print(j, "%s", j)
	})
}

// scope names what is stopped: at most one of the two, none for everything.
type scope struct {
	Chain string `xor:"scope" help:"A network's payouts."`
	App   string `xor:"scope" help:"An app's payouts."`
}

func (s scope) name() string {
	switch {
	case s.Chain != "":
		return engine.StopChain(s.Chain)
	case s.App != "":
		return engine.StopApp(s.App)
	}
	return engine.StopAll
}

type payoutStop struct {
	scope  `embed:""`
	Reason string `required:"" help:"Why; whoever asks for a payout hears that they are stopped, not why."`
	By     string `default:"operator" help:"Who stops them."`
}

func (c *payoutStop) Run(r *run) error {
	return withProgram(r, func(p *program) error {
		if _, known := p.engine.Network(c.Chain); c.Chain != "" && !known {
			return payment.Invalid("chain", "there is no network "+c.Chain)
		}
		if c.App != "" {
			if _, err := p.engine.App(r, c.App); err != nil {
				return err
			}
		}
		if err := p.engine.Stop(r, c.name(), c.Reason, c.By); err != nil {
			return err
		}
		return p.printStops(r)
	})
}

type payoutResume struct {
	scope   `embed:""`
	Made    map[string]string `help:"Payouts in doubt, by id or number, that a transaction has made: PAYOUT=TXID. The chain is asked for it." placeholder:"PAYOUT=TXID"`
	NotMade []string          `help:"Payouts in doubt that nothing has made." placeholder:"PAYOUT"`
}

// Run lifts a stop. A live chain is looked at first: what is in doubt needs a verdict.
func (c *payoutResume) Run(r *run) error {
	return withProgram(r, func(p *program) error {
		n, _ := p.engine.Network(c.Chain)
		if c.Chain == "" || !n.Pays() {
			if err := p.engine.LiftStop(r, c.name()); err != nil {
				return err
			}
			return p.printStops(r)
		}
		verdicts := map[string]treasury.Verdict{}
		for name, txid := range c.Made {
			one, err := p.engine.FindPayout(r, name)
			if err != nil {
				return fmt.Errorf("--made %s: %w", name, err)
			}
			verdicts[one.ID] = treasury.Verdict{Made: txid}
		}
		for _, name := range c.NotMade {
			one, err := p.engine.FindPayout(r, name)
			if err != nil {
				return fmt.Errorf("--not-made %s: %w", name, err)
			}
			verdicts[one.ID] = treasury.Verdict{NotMade: true}
		}
		report, err := treasury.Resume(r, p.engine, c.Chain, verdicts)
		for _, f := range report.Findings {
			if f.Doubt != "" {
				r.log.Warn("payout in doubt", "payout", f.ID, "why", f.Doubt)
			}
		}
		if err != nil {
			return err
		}
		return p.printStops(r)
	})
}

// printStops prints what is stopped now.
func (p *program) printStops(r *run) error {
	stops, err := p.engine.Stops(r)
	if err != nil {
		return err
	}
	type stopJSON struct {
		Scope  string    `json:"scope"`
		Reason string    `json:"reason"`
		By     string    `json:"by"`
		At     time.Time `json:"at"`
	}
	list := []stopJSON{}
	var text strings.Builder
	for _, s := range stops {
		list = append(list, stopJSON{s.Scope, s.Reason, s.By, s.At})
		fmt.Fprintf(&text, "stopped: %s, by %s at %s: %s\n", s.Scope, s.By, s.At.Format(time.RFC3339), s.Reason)
	}
	if len(stops) == 0 {
		text.WriteString("nothing is stopped")
	}
	return r.print(list, "%s", strings.TrimSuffix(text.String(), "\n"))
}

// payoutRules shows an app's rules, or replaces them when a flag says something.
type payoutRules struct {
	App          string            `arg:"" help:"The app."`
	Off          bool              `help:"The app pays nothing out."`
	On           bool              `help:"The app may pay out, by the other flags: what they do not say is not limited."`
	Limit        map[string]string `help:"Of one payout, by asset; an asset that has no limit of either kind is then not paid out; may be repeated." placeholder:"USDT=500"`
	Daily        map[string]string `help:"Of any 24 hours, by asset; may be repeated." placeholder:"USDT=2000"`
	AllowList    bool              `help:"Refuse payees that were not added (payout payee add)."`
	NewPayeeWait time.Duration     `help:"Hold payouts to a payee until it has been known for so long." placeholder:"24h"`
	ApproveAbove map[string]string `help:"Hold payouts of more until somebody approves them." placeholder:"USDT=1000"`
	Source       []prefix          `help:"Where requests may come from; may be repeated." placeholder:"CIDR"`
}

func (c *payoutRules) Run(r *run) error {
	if c.On && c.Off {
		return usageError("--on or --off")
	}
	set := len(c.Limit) > 0 || len(c.Daily) > 0 || c.AllowList || c.NewPayeeWait != 0 || len(c.ApproveAbove) > 0 || len(c.Source) > 0
	if set && !c.On {
		return usageError("rules are given whole: add --on")
	}
	return withProgram(r, func(p *program) error {
		if _, err := p.engine.App(r, c.App); err != nil {
			return err
		}
		if c.On || c.Off {
			if err := p.engine.SetPayoutRules(r, c.App, c.rules()); err != nil {
				return err
			}
		}
		rules, err := p.engine.PayoutRulesOf(r, c.App)
		if err != nil {
			return err
		}
		answer := struct {
			App          string `json:"app"`
			Enabled      bool   `json:"enabled"`
			SecondFactor bool   `json:"second_factor"`
			engine.PayoutRules
		}{c.App, rules.Enabled, rules.SecondFactor, rules}
		return r.print(answer, "%s", rulesText(rules))
	})
}

// rules are what the flags say.
func (c *payoutRules) rules() engine.PayoutRules {
	rules := engine.PayoutRules{
		Enabled: c.On, Limits: map[string]engine.PayoutLimit{}, AllowList: c.AllowList,
		NewPayeeWait: int64(c.NewPayeeWait / time.Second), ApproveAbove: c.ApproveAbove,
	}
	for asset, single := range c.Limit {
		rules.Limits[asset] = engine.PayoutLimit{Single: single}
	}
	for asset, daily := range c.Daily {
		limit := rules.Limits[asset]
		limit.Daily = daily
		rules.Limits[asset] = limit
	}
	for _, source := range c.Source {
		rules.Sources = append(rules.Sources, netip.Prefix(source.Prefix))
	}
	return rules
}

func rulesText(rules engine.PayoutRules) string {
	if !rules.Enabled {
		return "pays nothing out"
	}
	text := "may pay out"
	if rules.SecondFactor {
		text += ", each time with a one-time password"
	}
	for asset, limit := range rules.Limits {
		text += fmt.Sprintf("\n  %s: at most %s a payout, %s in 24 hours", asset, unlimited(limit.Single), unlimited(limit.Daily))
	}
	for asset, bound := range rules.ApproveAbove {
		text += fmt.Sprintf("\n  %s: above %s somebody has to approve", asset, bound)
	}
	if rules.AllowList {
		text += "\n  to listed payees only"
	}
	if rules.NewPayeeWait > 0 {
		text += fmt.Sprintf("\n  a new payee waits %v", time.Duration(rules.NewPayeeWait)*time.Second)
	}
	for _, source := range rules.Sources {
		text += "\n  asked for from " + source.String()
	}
	return text
}

func unlimited(amount string) string {
	if amount == "" {
		return "any amount"
	}
	return amount
}

type payoutFactor struct {
	App string `arg:"" help:"The app."`
}

func (c *payoutFactor) Run(r *run) error {
	return withProgram(r, func(p *program) error {
		seed, err := p.engine.NewPayoutSeed(r, c.App)
		if err != nil {
			return err
		}
		// https://github.com/google/google-authenticator/wiki/Key-Uri-Format
		uri := url.URL{Scheme: "otpauth", Host: "totp", Path: "/Florin:" + c.App, RawQuery: url.Values{"secret": {seed}, "issuer": {"Florin"}}.Encode()}
		return r.print(map[string]string{"app": c.App, "seed": seed, "uri": uri.String()},
			"seed  %s  (shown this once)\n%s", seed, uri.String())
	})
}

type payeeCommand struct {
	Add    payeeAdd    `cmd:"" help:"Put a recipient on an app's list."`
	List   payeeList   `cmd:"" help:"List an app's recipients."`
	Remove payeeRemove `cmd:"" help:"Take a recipient off the list."`
}

type payeeAdd struct {
	App     string `arg:"" help:"The app."`
	Address string `arg:"" help:"The recipient's."`
}

func (c *payeeAdd) Run(r *run) error {
	return withProgram(r, func(p *program) error {
		if err := p.engine.AddPayee(r, c.App, c.Address); err != nil {
			return err
		}
		return p.printPayees(r, c.App)
	})
}

type payeeList struct {
	App string `arg:"" help:"The app."`
}

func (c *payeeList) Run(r *run) error {
	return withProgram(r, func(p *program) error { return p.printPayees(r, c.App) })
}

type payeeRemove struct {
	App     string `arg:"" help:"The app."`
	Address string `arg:"" help:"The recipient's, as it is listed."`
}

func (c *payeeRemove) Run(r *run) error {
	return withProgram(r, func(p *program) error {
		if err := p.engine.RemovePayee(r, c.App, c.Address); err != nil {
			return err
		}
		return p.printPayees(r, c.App)
	})
}

func (p *program) printPayees(r *run, appID string) error {
	payees, err := p.engine.Payees(r, appID)
	if err != nil {
		return err
	}
	type payeeJSON struct {
		Address string    `json:"address"`
		Added   time.Time `json:"added"`
		Usable  time.Time `json:"usable"`
	}
	list := []payeeJSON{}
	var text strings.Builder
	for _, one := range payees {
		list = append(list, payeeJSON{one.Address, one.AddedAt, one.UsableAt})
		fmt.Fprintf(&text, "%s  since %s, paid from %s on\n", one.Address, one.AddedAt.Format(time.RFC3339), one.UsableAt.Format(time.RFC3339))
	}
	if len(list) == 0 {
		text.WriteString("nobody is listed")
	}
	return r.print(list, "%s", strings.TrimSuffix(text.String(), "\n"))
}

type keyCommand struct {
	New keyNew `cmd:"" help:"Make an account that payouts leave from: a keystore file."`
}

type keyNew struct {
	Keystore       string `required:"" help:"The file to make." placeholder:"FILE"`
	PassphraseFile string `required:"" help:"One line, mode 0600." placeholder:"FILE"`
}

func (c *keyNew) Run(r *run) error {
	passphrase, err := keys.ReadPassphrase(c.PassphraseFile)
	if err != nil {
		return err
	}
	key, err := keys.NewKeystore(c.Keystore, passphrase)
	if err != nil {
		return err
	}
	address := evmaddr.Address(key.Address()).String()
	return r.print(map[string]string{"address": address, "keystore": c.Keystore},
		"%s\nKeep a copy of %s and of its passphrase, apart from each other.", address, c.Keystore)
}
