package app

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/seal"
	"florin/internal/web"
	"florin/internal/wire/ccpayment"
	"florin/internal/wire/halopay"
	"florin/internal/wire/payprotocol"
)

type merchantCommand struct {
	Add  merchantAdd  `cmd:"" help:"Add a merchant."`
	List merchantList `cmd:"" help:"List the merchants."`
}

// merchantJSON is what --json prints of a merchant.
type merchantJSON struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Email string `json:"email,omitempty"`
}

type merchantAdd struct {
	Name  string `required:"" help:"What payers read."`
	Email string `help:"Whom to reach."`
}

func (c *merchantAdd) Run(r *run) error {
	return openFor(r, toCreate, func(p *program) error {
		m, err := p.engine.AddMerchant(r, c.Name, c.Email)
		if err != nil {
			return err
		}
		return r.print(merchantJSON(m), "%s  %s", m.ID, m.Name)
	})
}

type merchantList struct{}

func (c *merchantList) Run(r *run) error {
	return withProgram(r, func(p *program) error {
		merchants, err := p.engine.Merchants(r)
		if err != nil {
			return err
		}
		list := []merchantJSON{}
		var text strings.Builder
		for _, m := range merchants {
			list = append(list, merchantJSON(m))
			fmt.Fprintln(&text, strings.TrimSpace(m.ID+"  "+m.Name+"  "+m.Email))
		}
		return r.print(list, "%s", strings.TrimSuffix(text.String(), "\n"))
	})
}

type appCommand struct {
	Add    appAdd    `cmd:"" help:"Add an app; prints its secret, this once."`
	List   appList   `cmd:"" help:"List the apps."`
	Rotate appRotate `cmd:"" help:"Give an app a new secret; prints it, this once."`
	Revoke appRevoke `cmd:"" help:"End an app: within a second its keys are refused."`
	Token  appToken  `cmd:"" help:"What an app reads its event feed with."`
}

type appAdd struct {
	Merchant       string   `required:"" help:"Whose it is, mer_…"`
	Protocol       string   `required:"" enum:"halopay,payprotocol,ccpayment" help:"halopay, payprotocol or ccpayment."`
	Kind           string   `enum:"payment,qr" default:"payment" help:"payment, or qr of HaloPay."`
	Mode           string   `enum:"test,live" default:"test" help:"test or live, for good."`
	Webhook        string   `help:"Where its news go." placeholder:"URL"`
	Settle         string   `help:"The merchant's own wallet: payments go there and never touch the treasury." placeholder:"ADDRESS"`
	FeeBPS         int      `name:"fee-bps" default:"0" help:"Service fee in hundredths of a percent."`
	Rate           int      `default:"100" help:"Requests a second; 0: no limit."`
	Burst          int      `default:"200" help:"Requests at once."`
	Tokens         []string `help:"What it is paid in: symbols such as USDT, or assets such as USDT@ethereum; everything unless told." placeholder:"TOKEN"`
	RefundToSender bool     `name:"refund-to-sender" help:"Refunds that name nobody go to the address that the order was paid from: not where payers use exchanges."`
	Title          bool     `name:"event-style-title" help:"HaloPay: X-EventType as Paid instead of PAID."`
	Life           int      `name:"order-life" help:"Pay Protocol: seconds that an order is open, 300 to 86400; half an hour unless told." placeholder:"SECONDS"`
	Offset         string   `name:"utc-offset" help:"Pay Protocol: the zone of its times; +08:00 unless told." placeholder:"OFFSET"`
	Expired        bool     `name:"expired-webhook" default:"true" negatable:"" help:"CCPayment: tell that an order has expired unpaid (default)."`
	Progress       bool     `name:"progress-webhook" help:"CCPayment: tell of a payment as soon as a block holds it, as processing."`
	Quota          int      `name:"address-quota" default:"1000" help:"CCPayment: how many permanent addresses it may have; 0: no limit."`
	Envelope       string   `name:"legacy-envelope" enum:"reelpay,halopay" default:"reelpay" help:"HaloPay: what the old /v1 paths answer in, reelpay or halopay."`
}

// options are the dialect's switches, and those of every dialect.
func (c *appAdd) options() (map[string]string, error) {
	options := map[string]string{}
	set := func(flag, protocol, name, value string, is bool) error {
		if is && c.Protocol != protocol {
			return usageError(flag + " is for " + protocol + " apps")
		}
		if is {
			options[name] = value
		}
		return nil
	}
	if len(c.Tokens) > 0 {
		options[engine.OptionTokens] = strings.Join(c.Tokens, ",")
	}
	if c.RefundToSender {
		options[engine.OptionRefundToSender] = "yes"
	}
	if c.Quota < 0 {
		return nil, usageError("--address-quota is not negative")
	}
	if c.Life != 0 && (c.Life < 300 || c.Life > 86_400) {
		return nil, usageError("--order-life is 300 to 86400 seconds")
	}
	if _, err := time.Parse("-07:00", c.Offset); c.Offset != "" && err != nil {
		return nil, usageError("--utc-offset is an offset such as +08:00")
	}
	return options, cmp.Or(
		set("--event-style-title", halopay.Protocol, "event_style", "title", c.Title),
		set("--legacy-envelope", halopay.Protocol, "legacy_envelope", c.Envelope, c.Envelope != "reelpay"),
		set("--order-life", payprotocol.Protocol, payprotocol.OptionLife, strconv.Itoa(c.Life), c.Life != 0),
		set("--utc-offset", payprotocol.Protocol, payprotocol.OptionZone, c.Offset, c.Offset != ""),
		set("--no-expired-webhook", ccpayment.Protocol, ccpayment.OptionExpired, "no", !c.Expired),
		set("--progress-webhook", ccpayment.Protocol, ccpayment.OptionProgress, "yes", c.Progress),
		set("--address-quota", ccpayment.Protocol, ccpayment.OptionQuota, strconv.Itoa(c.Quota), c.Quota != 1000),
	)
}

// appJSON is what --json prints of an app.
type appJSON struct {
	ID       string `json:"id"`
	Secret   string `json:"secret,omitempty"`
	Protocol string `json:"protocol"`
	Kind     string `json:"kind"`
	Mode     string `json:"mode"`
	Merchant string `json:"merchant"`
	Webhook  string `json:"webhook,omitempty"`
	Active   bool   `json:"active"`
}

func describe(a engine.App, secret string) appJSON {
	return appJSON{a.ID, secret, a.Protocol, a.Kind, string(a.Mode), a.MerchantID, a.WebhookURL, a.Active}
}

func (c *appAdd) Run(r *run) error {
	if c.FeeBPS < 0 || c.FeeBPS > 10_000 || c.Rate < 0 || c.Burst < 0 {
		return usageError("--fee-bps is 0 to 10000, --rate and --burst are not negative")
	}
	if c.Kind != halopay.KindPayment && c.Protocol != halopay.Protocol {
		return usageError("--kind qr is HaloPay's alone")
	}
	webhook := c.Webhook
	if webhook != "" {
		var err error
		if webhook, err = web.ParsePublicURL(webhook, true); err != nil {
			return usageError("--webhook is not an http or https URL that can be called: " + c.Webhook)
		}
	}
	options, err := c.options()
	if err != nil {
		return err
	}
	return withProgram(r, func(p *program) error {
		a, secret, err := p.engine.AddApp(r, engine.NewApp{
			MerchantID: c.Merchant, Protocol: c.Protocol, Kind: c.Kind, Mode: engine.Mode(c.Mode), WebhookURL: webhook,
			Settle: c.Settle, Fee: money.Fee(c.FeeBPS), RatePerSecond: c.Rate, Burst: c.Burst, Options: options,
		})
		if err != nil {
			return err
		}
		return r.print(describe(a, secret), "id      %s\nsecret  %s  (shown this once)", a.ID, secret)
	})
}

type appList struct{}

func (c *appList) Run(r *run) error {
	return withProgram(r, func(p *program) error {
		apps, err := p.engine.Apps(r)
		if err != nil {
			return err
		}
		list := []appJSON{}
		var text strings.Builder
		for _, a := range apps {
			list = append(list, describe(a, ""))
			state := "active"
			if !a.Active {
				state = "revoked"
			}
			fmt.Fprintf(&text, "%s  %-11s  %-7s  %s  %-7s  %s\n", a.ID, a.Protocol, a.Kind, a.Mode, state, a.MerchantID)
		}
		return r.print(list, "%s", strings.TrimSuffix(text.String(), "\n"))
	})
}

type appRotate struct {
	ID    string        `arg:"" help:"The app."`
	Grace time.Duration `default:"24h" help:"How long the old secret stays good."`
}

func (c *appRotate) Run(r *run) error {
	if c.Grace < 0 {
		return usageError("--grace is not negative")
	}
	return withProgram(r, func(p *program) error {
		secret, err := p.engine.RotateKey(r, c.ID, c.Grace)
		if err != nil {
			return err
		}
		return r.print(map[string]string{"id": c.ID, "secret": secret}, "secret  %s  (shown this once; the old one is good for %s)", secret, c.Grace)
	})
}

type appRevoke struct {
	ID string `arg:"" help:"The app."`
}

func (c *appRevoke) Run(r *run) error {
	return withProgram(r, func(p *program) error {
		if err := p.engine.RevokeApp(r, c.ID); err != nil {
			return err
		}
		return r.print(map[string]string{"id": c.ID, "status": "revoked"}, "%s is revoked", c.ID)
	})
}

type databaseCommand struct {
	Migrate databaseMigrate `cmd:"" help:"Bring the schema up to date."`
	Verify  databaseVerify  `cmd:"" help:"Check schema, balances, seals and rows without their parent."`
}

type databaseMigrate struct{}

// Run opens the database, which brings its schema up to date.
func (c *databaseMigrate) Run(r *run) error {
	return openFor(r, toCreate, func(*program) error {
		return r.print(map[string]string{"schema": "up to date"}, "the schema is up to date")
	})
}

type databaseVerify struct{}

func (c *databaseVerify) Run(r *run) error { return verify(r, true) }

type ledgerCommand struct {
	Verify ledgerVerify `cmd:"" help:"Check every entry, balance and seal."`
	Adjust ledgerAdjust `cmd:"" help:"Book what you moved on a chain by hand."`
}

type ledgerVerify struct{}

func (c *ledgerVerify) Run(r *run) error { return verify(r, false) }

// verify audits the books and the seals, and with orphans the rows without their parent.
func verify(r *run, orphans bool) error {
	return withProgram(r, func(p *program) error {
		var report struct {
			engine.LedgerReport
			Seals   seal.Report `json:"seals"`
			Orphans []string    `json:"orphans,omitempty"`
			OK      bool        `json:"ok"`
		}
		var err error
		if report.LedgerReport, err = p.engine.VerifyLedger(r); err != nil {
			return err
		}
		if report.Seals, err = seal.Verify(r, p.db); err != nil {
			return err
		}
		if orphans {
			if report.Orphans, err = p.engine.Orphans(r); err != nil {
				return err
			}
		}
		for _, list := range []*[]string{&report.Faults, &report.Seals.Faults} {
			if *list == nil {
				*list = []string{} // in JSON a list, not null
			}
		}
		faults := slices.Concat(report.Faults, report.Seals.Faults, report.Orphans)
		report.OK = len(faults) == 0
		text := fmt.Sprintf("%d entries, %d postings, %d balances, %d seals, %d not sealed yet", report.Entries, report.Postings,
			report.Balances, report.Seals.Sealed, report.Seals.Unsealed)
		if report.OK {
			text += ": all is well"
		} else {
			text += "\n" + strings.Join(faults, "\n")
		}
		if err := r.print(report, "%s", text); err != nil {
			return err
		}
		if !report.OK {
			return fmt.Errorf("%d faults", len(faults))
		}
		return nil
	})
}

type webhookCommand struct {
	List   webhookList   `cmd:"" help:"List what merchants are told, the youngest first, and what became of it."`
	Resend webhookResend `cmd:"" help:"Tell a merchant events again."`
}

type staticCommand struct {
	Close staticClose `cmd:"" help:"End a static address: what comes later waits at the exception desk."`
}

type staticClose struct {
	Number string `arg:"" help:"The number that is in its page's address."`
}

func (c *staticClose) Run(r *run) error {
	return withProgram(r, func(p *program) error {
		if err := p.engine.CloseStatic(r, c.Number); err != nil {
			return err
		}
		return r.print(map[string]string{"number": c.Number, "status": "closed"}, "%s is closed", c.Number)
	})
}
