package app

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"florin/internal/chain"
	"florin/internal/chain/evm"
	"florin/internal/engine"
	"florin/internal/rates"
)

type doctorCommand struct{}

// finding is one thing that doctor looked at.
type finding struct {
	Check string `json:"check"`
	OK    bool   `json:"ok"`
	Text  string `json:"text"`           // what was found
	Mend  string `json:"mend,omitempty"` // what to do about it; with OK, what could be better
}

// findings are what doctor has seen so far.
type findings []finding

func (f *findings) good(check, format string, args ...any) {
	*f = append(*f, finding{Check: check, OK: true, Text: fmt.Sprintf(format, args...)})
}

func (f *findings) advise(check, text, mend string) {
	*f = append(*f, finding{Check: check, OK: true, Text: text, Mend: mend})
}

func (f *findings) bad(check string, err error, mend string) {
	*f = append(*f, finding{Check: check, Text: sentence(err), Mend: mend})
}

// Run looks at everything an installation stands on. It makes neither database nor key, goes on after
// a fault, and exits with 1 if there was one.
func (c *doctorCommand) Run(r *run) error {
	var f findings
	r.examineSettings(&f)
	if p := r.examineDatabase(&f); p != nil {
		defer p.close()
		p.examine(r, &f)
	}
	return r.diagnosis(f)
}

// examineSettings looks at who can reach the installation, and whom it would call.
func (r *run) examineSettings(f *findings) {
	const check = "public origin"
	origin, err := r.origin()
	if err != nil {
		f.bad(check, err, "set --url to the origin that payers and merchants see, such as https://pay.example.com")
		return
	}
	host, _, err := net.SplitHostPort(r.Listen)
	switch {
	case err != nil:
		f.bad("listen", fmt.Errorf("--listen %q: %w", r.Listen, err), "set --listen to HOST:PORT, or :PORT for every address")
	case origin.Scheme != "https" && !isLoopback(origin.Hostname()):
		f.bad(check, fmt.Errorf("%s is not https: anybody on the way can change the address that a payer sees", origin),
			"put a proxy with a certificate in front, and set --url to its https origin")
	case origin.Scheme == "https" && len(r.Proxies) == 0:
		f.advise(check, origin.String()+", but no proxy is named: limits take all payers for one",
			"set --proxies to the address that the TLS proxy connects from")
	case isLoopback(origin.Hostname()) && !isLoopback(host):
		f.advise(check, fmt.Sprintf("%s, while --listen %s is open to other machines: their payers get links that lead nowhere", origin, r.Listen),
			"set --url, or --listen 127.0.0.1:PORT if this machine is all")
	default:
		f.good(check, "%s", origin)
	}
	switch {
	case r.private():
		f.good("webhooks", "may go to any address, also private ones: this installation is one machine's own")
	case len(r.WebhookAllow) > 0:
		var nets []string
		for _, p := range r.WebhookAllow {
			nets = append(nets, p.String())
		}
		f.good("webhooks", "may go to public addresses and to %s", strings.Join(nets, ", "))
	default:
		f.good("webhooks", "may go to public addresses only; --webhook-allow opens private networks")
	}
}

// examineDatabase looks at the database and the key, and returns them open; nil when that failed.
func (r *run) examineDatabase(f *findings) *program {
	p, err := openDatabase(r, toRead)
	switch {
	case err == nil:
	case errors.As(err, &errNoDatabase{}):
		f.bad("database", err, "run florin doctor where the installation is, or name it with --db and --key-file")
		return nil
	case errors.As(err, &errKey{}):
		f.bad("key file", err, "unless the message says how, put the key file's copy back, or name it with --key-file: no other key opens what is sealed")
		return nil
	default:
		f.bad("database", err, "check --db, and that the database runs and takes this user")
		return nil
	}
	kind, _, _ := strings.Cut(r.DB, ":")
	if path, isFile := strings.CutPrefix(r.DB, "sqlite:"); isFile {
		if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
			f.advise("database", fmt.Sprintf("%s has mode %04o: others on this machine can read it", path, info.Mode().Perm()), "chmod 600 "+path)
		} else {
			f.good("database", "%s, schema up to date", path)
		}
	} else {
		f.good("database", "%s, schema up to date", kind)
	}
	f.good("key file", "%s opens what is sealed; keep a copy of it, apart from the database's backups", r.KeyFile)
	return p
}

// examine looks at what stands on an opened database.
func (p *program) examine(r *run, f *findings) {
	if err := p.start(r, toRead); err != nil {
		f.bad("networks", err, "mend the [[chain]] blocks of "+r.Config)
		return
	}
	f.good("installation", "%s: with it and the chain, every deposit address can be found again", p.engine.Installation())
	p.examineBooks(r, f)
	p.examineRates(r, f)
	p.examineNews(r, f)
	p.examineVain(r, f)
	p.examineTreasury(r, f)
	for _, n := range p.live {
		p.examineNode(r, n, f)
	}
	if len(p.live) == 0 {
		f.advise("networks", "none is live: only test-mode apps can be paid", "add a [[chain]] block to "+r.Config)
	}
}

func (p *program) examineBooks(r *run, f *findings) {
	report, err := p.engine.VerifyLedger(r)
	if err == nil && !report.OK() {
		err = errors.New(strings.Join(report.Faults, "; "))
	}
	if err != nil {
		f.bad("books", err, "stop, keep a copy of the database, and compare it with the last backup")
		return
	}
	f.good("books", "%d entries balance", report.Entries)
	desk, err := p.engine.Desk(r)
	if err != nil {
		f.bad("exception desk", err, "see the message")
		return
	}
	open := map[string]int{}
	for _, row := range desk {
		if row.Status == "open" {
			open[string(row.Reason)]++
		}
	}
	if len(open) == 0 {
		f.good("exception desk", "empty")
		return
	}
	var reasons []string
	for reason, n := range open {
		reasons = append(reasons, fmt.Sprintf("%d %s", n, reason))
	}
	slices.Sort(reasons)
	f.advise("exception desk", "transfers that no rule could place: "+strings.Join(reasons, ", "),
		"their money is at deposit addresses and booked in suspense (docs/ledger.md)")
}

// examineRates asks for the price of everything that can be paid in, and paid for.
func (p *program) examineRates(r *run, f *findings) {
	const mend = "put a price of each in the file that --rates-file names"
	book, err := p.prices(p.engine.Networks())
	if err != nil {
		f.bad("rates", err, "correct --rates and --rates-url, or pin prices with --rates-file")
		return
	}
	if err := book.Start(r); err != nil {
		f.bad("rates", err, "mend the file; until then the last good prices hold, and after a restart none")
		return
	}
	_, _ = book.RunOnce(r) // what is wrong is told source by source
	sources := book.Sources()
	for _, s := range sources {
		examineSource(s, f)
	}
	var missing []string
	for _, s := range book.Report(r) {
		if s.Err != nil {
			missing = append(missing, s.Symbol)
		}
	}
	tokens := payable(p.engine.Networks())
	switch lost := slices.DeleteFunc(slices.Clone(missing), func(s string) bool { return !slices.Contains(tokens, s) }); {
	case len(lost) > 0:
		f.bad("rates", fmt.Errorf("no price of %s: it cannot be paid in", strings.Join(lost, ", ")), mend)
	case len(missing) > 0:
		f.advise("rates", fmt.Sprintf("no price of %s: orders in these currencies are refused", strings.Join(missing, ", ")), mend)
	case p.settings.RatesFile == "" && len(sources) == 0:
		f.advise("rates", "built-in prices, made up for test mode", "give --rates or --rates-file before you go live")
	case len(sources) == 0:
		f.good("rates", "every asset and currency has a price in %s", p.settings.RatesFile)
	default:
		f.good("rates", "every asset and currency has a price")
	}
}

// examineSource tells how one live source does. That one fails is no fault as long as the others agree:
// whether they do stands under "rates".
func examineSource(s rates.SourceStatus, f *findings) {
	check := "rates from " + s.Name
	text := fmt.Sprintf("%d prices, the youngest %s old", s.Prices, s.Age.Round(time.Second))
	if s.Prices == 0 {
		text = "no price"
	}
	if len(s.Missing) > 0 {
		text += "; missing: " + strings.Join(s.Missing, ", ")
	}
	switch {
	case s.Err != nil:
		f.advise(check, text+": "+sentence(s.Err), "check that this machine reaches it, or name a mirror with --rates-url; the others go on")
	case len(s.Missing) > 0:
		f.advise(check, text, "nothing, while others know them; else pin them with --rates-file")
	default:
		f.good(check, "%s", text)
	}
}

// examineNews looks whether merchants are told in time.
func (p *program) examineNews(r *run, f *findings) {
	due, err := p.engine.DueDeliveriesAfter(r, engine.DueDelivery{}, 1)
	if err != nil {
		f.bad("deliveries", err, "see the message")
		return
	}
	const late = time.Minute
	if len(due) > 0 && r.clock.Now().Sub(due[0].DueAt) > late {
		f.bad("deliveries", fmt.Errorf("a webhook is due since %s", due[0].DueAt.Format(time.RFC3339)), "is florin serve running on this database?")
		return
	}
	f.good("deliveries", "none is late")
}

// headAge is how old a network's newest block may be, or how far in the future.
const headAge = 10 * time.Minute

// examineNode looks at a live network: its nodes, its factory, this machine's clock, our progress.
func (p *program) examineNode(r *run, n liveNetwork, f *findings) {
	check := "chain " + n.Name
	bad, err := n.check(r)
	switch {
	case errors.Is(err, evm.ErrNoFactory):
		f.advise(check, fmt.Sprintf("no factory at %s yet: payments arrive, but cannot be moved on", n.factory),
			"send the transaction that florin chain deploy-factory prints, from any wallet on this chain")
	case errors.Is(err, chain.ErrUnavailable):
		f.bad(check, err, "check the rpc URLs of its [[chain]] block, and that the nodes run")
		return
	case err != nil:
		f.bad(check, err, "check rpc, chain_id and factory of its [[chain]] block: this is another network's node, or another factory")
		return
	}
	for asset, reason := range bad {
		f.bad(check, fmt.Errorf("%s is not offered: %s", asset.Code(), reason), "correct contract and decimals in its [[chain.token]] block")
	}
	head, err := n.client.Head(r)
	if err != nil {
		f.bad(check, err, "check the rpc URLs of its [[chain]] block, and that the nodes run")
		return
	}
	if skew := r.clock.Now().Sub(head.Time).Round(time.Second); skew > headAge || skew < -headAge {
		f.bad(check, fmt.Errorf("block %d, the newest, is %s off this machine's clock", head.Height, skew),
			"compare `date -u` with the true time; if it is right, the node is behind")
		return
	}
	cursor, ok, err := p.engine.Cursor(r, n.Name)
	switch {
	case err != nil:
		f.bad(check, err, "see the message")
	case !ok:
		f.advise(check, fmt.Sprintf("head %d, not followed yet", head.Height), "florin serve follows it")
	case cursor.Height+2*n.Confirmations < head.Height:
		f.advise(check, fmt.Sprintf("head %d, followed to %d only", head.Height, cursor.Height), "is florin serve running? After a pause it catches up")
	default:
		f.good(check, "head %d, followed to %d", head.Height, cursor.Height)
	}
}

// diagnosis prints the findings.
func (r *run) diagnosis(list findings) error {
	var text strings.Builder
	sick := 0
	for _, f := range list {
		mark := "ok  "
		switch {
		case !f.OK:
			mark = "BAD "
			sick++
		case f.Mend != "":
			mark = "note"
		}
		fmt.Fprintf(&text, "%s %s: %s\n", mark, f.Check, f.Text)
		if f.Mend != "" {
			fmt.Fprintf(&text, "     → %s\n", f.Mend)
		}
	}
	if err := r.print(list, "%s", strings.TrimSuffix(text.String(), "\n")); err != nil {
		return err
	}
	if sick > 0 {
		return fmt.Errorf("%d of %d findings are bad", sick, len(list))
	}
	return nil
}
