package app

import (
	"math/big"
	"os"
	"strings"
	"testing"

	"florin/internal/money"
	"florin/internal/treasury"
)

// keystore makes an account and returns its address.
func (p *place) keystore(file string) string {
	p.t.Helper()
	p.write("passphrase", "correct horse\n")
	return parse[map[string]string](p.t, p.run("key", "new", "--keystore", p.path(file), "--passphrase-file", p.path("passphrase"), "--json"))["address"]
}

// paying is a live network whose node is at rpc, with an account that money leaves from.
func (p *place) paying(rpc, hot, more string) string {
	return strings.Replace(anvilAt(rpc), `name = "anvil"`, `name = "anvil"
		hot = "`+hot+`"
		keystore = "`+p.path("hot.json")+`"
		passphrase_file = "`+p.path("passphrase")+`"
		`+more, 1)
}

// A block with an account that money leaves from is refused, before anything is served, when it
// could not send, or anybody could read its key.
func TestP13_BlocksThatCannotPay(t *testing.T) {
	p := newPlace(t)
	hot := p.keystore("hot.json")
	other := p.keystore("other.json")
	good := p.paying("http://127.0.0.1:1", hot, "")
	for _, c := range []struct{ name, block, want string }{
		{"somebody else's account", p.paying("http://127.0.0.1:1", other, ""), "another account than hot"},
		{"no address", p.paying("http://127.0.0.1:1", "me", ""), "hot"},
		{"a cap that is none", p.paying("http://127.0.0.1:1", hot, `fee_cap = "0"`), "fee_cap"},
		{"a day's cap below two transactions'", p.paying("http://127.0.0.1:1", hot, `fee_cap_day = "0.03"`), "twice fee_cap"},
		{"a day's cap in words", p.paying("http://127.0.0.1:1", hot, `fee_cap_day = "much"`), "fee_cap_day"},
		{"a wait that is none", p.paying("http://127.0.0.1:1", hot, `bump_after = "soon"`), "bump_after"},
		{"no key", strings.Replace(good, "keystore = ", "# ", 1), "keystore"},
		{"a key and a signer", p.paying("http://127.0.0.1:1", hot, `signer = "http://127.0.0.1:1"`), "keystore"},
		{"a key without an account", strings.Replace(good, "hot = ", "# ", 1), "hot"},
		{"a limit in words", p.paying("http://127.0.0.1:1", hot, `reconcile_limit = "little"`), "reconcile_limit"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p.t = t
			p.write("florin.toml", c.block)
			p.refused(exitUsage, c.want, "serve", "--listen", "127.0.0.1:0", "--rates", "none")
		})
	}
	p.t = t
	p.write("florin.toml", good)
	if err := os.Chmod(p.path("hot.json"), 0o644); err != nil {
		t.Fatal(err)
	}
	p.refused(exitUsage, "0644", "serve", "--listen", "127.0.0.1:0", "--rates", "none")
	if err := os.Chmod(p.path("hot.json"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.run("db", "migrate") // commands do not open the keystore, but know the account
	p.run("chain", "list")
}

// What an app may pay out is shown as it was set, and off takes all of it back.
func TestPayoutCommands(t *testing.T) {
	p := newPlace(t)
	app := p.app().app
	if out := p.run("payout", "rules", app); !strings.Contains(out, "pays nothing out") {
		t.Errorf("a new app: %s", out)
	}
	out := p.run("payout", "rules", app, "--on", "--limit", "USDT=500", "--daily", "USDT=2000", "--approve-above", "USDT=100",
		"--new-payee-wait", "24h", "--allow-list", "--source", "10.0.0.0/8")
	for _, want := range []string{"USDT: at most 500 a payout, 2000 in 24 hours", "above 100 somebody has to approve", "listed payees", "24h0m0s", "10.0.0.0/8"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	p.refused(exitUsage, "--on", "payout", "rules", app, "--limit", "USDT=1")
	p.refused(exitRefused, "no amount", "payout", "rules", app, "--on", "--limit", "USDT=much")
	if out := p.run("payout", "second-factor", app); !strings.Contains(out, "otpauth://totp/") {
		t.Errorf("no key for an authenticator: %s", out)
	}
	payee := "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
	if out := p.run("payout", "payee", "add", app, payee); !strings.Contains(out, payee) {
		t.Errorf("the payee is not listed: %s", out)
	}
	if out := p.run("payout", "payee", "remove", app, payee); !strings.Contains(out, "nobody is listed") {
		t.Errorf("the payee is still listed: %s", out)
	}
	if out := p.run("payout", "rules", app, "--off"); !strings.Contains(out, "pays nothing out") {
		t.Errorf("after --off: %s", out)
	}
	if out := p.run("payout", "stop", "--reason", "a drill"); !strings.Contains(out, "stopped: all, by operator") {
		t.Errorf("not stopped: %s", out)
	}
	p.refused(exitRefused, "no network", "payout", "stop", "--chain", "nowhere", "--reason", "x")
	if out := p.run("payout", "resume"); !strings.Contains(out, "nothing is stopped") {
		t.Errorf("not resumed: %s", out)
	}
	if out := p.run("payout", "list"); out != "" {
		t.Errorf("payouts of nobody: %q", out)
	}
	p.refused(exitRefused, "no such payout", "payout", "show", "out_1")
	p.refused(exitRefused, "by florin serve alone", "sweep", "--chain", "sim-ethereum")
	p.refused(exitRefused, "no money can leave on nowhere", "sweep", "--chain", "nowhere")
}

func TestADifferenceIsSaidInWholeUnits(t *testing.T) {
	t.Parallel()
	usdt, err := money.NewAsset("USDT@ethereum", 6)
	if err != nil {
		t.Fatal(err)
	}
	huge := new(big.Int).Lsh(big.NewInt(1), 300)
	for want, n := range map[string]*big.Int{
		"12.5": big.NewInt(12_500_000), "-0.000001": big.NewInt(-1), "0": new(big.Int), huge.String() + " base units": huge,
	} {
		if got := treasury.WholeUnits(usdt, n); got != want {
			t.Errorf("%s, not %s", got, want)
		}
	}
}
