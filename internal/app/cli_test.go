package app

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// shape is the names and kinds of a JSON document's members, in their order, as one line.
func shape(t *testing.T, text string) string {
	t.Helper()
	if !strings.HasSuffix(text, "\n") || strings.Count(text, "\n") != 1 {
		t.Errorf("not one line: %q", text)
	}
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return shapeOf(v)
}

func shapeOf(v any) string {
	switch v := v.(type) {
	case map[string]any:
		var members []string
		for name, value := range v {
			members = append(members, name+":"+shapeOf(value))
		}
		slices.Sort(members)
		return "{" + strings.Join(members, " ") + "}"
	case []any:
		var all []string
		for _, one := range v {
			all = append(all, shapeOf(one))
		}
		slices.Sort(all)
		return "[" + strings.Join(slices.Compact(all), " ") + "]"
	case string:
		return "text"
	case float64:
		return "number"
	case bool:
		return "bool"
	}
	return "null"
}

func TestJSONShapes(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	merchant := p.run("merchant", "add", "--name", "Tea & Cake", "--email", "shop@example.com", "--json")
	id := parse[map[string]string](t, merchant)["id"]
	app := p.run("app", "add", "--merchant", id, "--protocol", "halopay", "--webhook", "https://shop.example/hook", "--json")
	appID := parse[map[string]any](t, app)["id"].(string)
	for _, c := range []struct{ name, text, want string }{
		{"merchant add", merchant, "{email:text id:text name:text}"},
		{"merchant add, no email", p.run("merchant", "add", "--name", "B", "--json"), "{id:text name:text}"},
		{"merchant list", p.run("merchant", "list", "--json"), "[{email:text id:text name:text} {id:text name:text}]"},
		{"app add", app, "{active:bool id:text kind:text merchant:text mode:text protocol:text secret:text webhook:text}"},
		{"app list", p.run("app", "list", "--json"), "[{active:bool id:text kind:text merchant:text mode:text protocol:text webhook:text}]"},
		{"app rotate", p.run("app", "rotate", appID, "--json"), "{id:text secret:text}"},
		{"app revoke", p.run("app", "revoke", appID, "--json"), "{id:text status:text}"},
		{"db migrate", p.run("db", "migrate", "--json"), "{schema:text}"},
		{"db verify", p.run("db", "verify", "--json"), "{balances:number entries:number faults:[] ok:bool postings:number seals:{faults:[] last_hash:text sealed:number unsealed:number}}"},
		{"ledger verify", p.run("ledger", "verify", "--json"), "{balances:number entries:number faults:[] ok:bool postings:number seals:{faults:[] last_hash:text sealed:number unsealed:number}}"},
		{"doctor", p.run("doctor", "--json"), "[{check:text mend:text ok:bool text:text} {check:text ok:bool text:text}]"},
		{"chain list", p.run("chain", "list", "--json"),
			"[{assets:[{code:text contract:text decimals:number} {code:text decimals:number}] chain_id:number confirmations:number mode:text name:text treasury:text} {assets:[{code:text contract:text decimals:number} {code:text decimals:number}] chain_id:number confirmations:number mode:text name:text} " + // used, and what else the catalogue has
				"{assets:[{code:text decimals:number}] chain_id:number confirmations:number mode:text name:text}]"},
		{"chain deploy-factory", p.run("chain", "deploy-factory", "--json"), "{data:text factory:text sweeper:text sweeper_data:text to:text}"},
	} {
		if got := shape(t, c.text); got != c.want {
			t.Errorf("%s: %s\nwant %s", c.name, got, c.want)
		}
	}
	if !strings.Contains(merchant, `"name":"Tea & Cake"`) {
		t.Errorf("HTML in JSON: %s", merchant)
	}
}

func TestAppsAreAsTheyWereAdded(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	id := parse[map[string]string](t, p.run("merchant", "add", "--name", "A", "--json"))["id"]
	if !regexp.MustCompile(`^mer_[0-9a-z]{26}$`).MatchString(id) {
		t.Errorf("merchant %q", id)
	}
	if got := p.run("merchant", "list", "--json", "--db", "sqlite:"+p.empty()); got != "[]\n" {
		t.Errorf("an empty list is %q", got)
	}
	if text := p.run("merchant", "list"); !strings.Contains(text, id+"  ") || strings.Count(text, "\n") != 1 {
		t.Errorf("list for people: %q", text)
	}
	added := parse[appJSON](t, p.run("app", "add", "--merchant", id, "--protocol", "halopay", "--webhook", "http://Shop.example/hook", "--json"))
	if !regexp.MustCompile(`^[0-9a-z]{16}$`).MatchString(added.ID) || !regexp.MustCompile(`^[0-9A-Za-z]{32}$`).MatchString(added.Secret) {
		t.Errorf("app %q, secret %q", added.ID, added.Secret)
	}
	want := appJSON{ID: added.ID, Protocol: "halopay", Kind: "payment", Mode: "test", Merchant: id, Webhook: "http://shop.example/hook", Active: true}
	if diff := cmp.Diff([]appJSON{want}, parse[[]appJSON](t, p.run("app", "list", "--json"))); diff != "" {
		t.Errorf("list: %s", diff)
	}
	p.run("app", "revoke", added.ID)
	want.Active = false
	if diff := cmp.Diff([]appJSON{want}, parse[[]appJSON](t, p.run("app", "list", "--json"))); diff != "" {
		t.Errorf("list after revoke: %s", diff)
	}
	if text := p.run("app", "list"); !strings.Contains(text, "revoked") || strings.Contains(text, added.Secret) {
		t.Errorf("list for people: %q", text)
	}
	if got := p.run("app", "list", "--json", "--db", "sqlite:"+p.empty()); got != "[]\n" {
		t.Errorf("an empty list is %q", got)
	}
}

// empty makes a second database under the same key and returns its path.
func (p *place) empty() string {
	other := newPlace(p.t)
	key, err := os.ReadFile(p.path("florin.key"))
	if err != nil {
		p.t.Fatal(err)
	}
	other.write("florin.key", string(key))
	other.run("db", "migrate")
	return other.path("florin.db")
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	id := parse[map[string]string](t, p.run("merchant", "add", "--name", "A", "--json"))["id"]
	app := func(more ...string) []string {
		return append([]string{"app", "add", "--merchant", id, "--protocol", "halopay"}, more...)
	}
	for _, c := range []struct {
		name   string
		status int
		want   string
		args   []string
	}{
		{"no command", exitUsage, "expected one of", nil},
		{"an unknown command", exitUsage, "unexpected argument", []string{"pay"}},
		{"an unknown flag", exitUsage, "unknown flag", []string{"app", "list", "--jsn"}},
		{"a flag that is missing", exitUsage, "--name", []string{"merchant", "add"}},
		{"an unknown protocol", exitUsage, "halopay", []string{"app", "add", "--merchant", id, "--protocol", "paypal"}},
		{"an unknown mode", exitUsage, "test", app("--mode", "prod")},
		{"a fee above everything", exitUsage, "--fee-bps", app("--fee-bps", "10001")},
		{"a negative rate", exitUsage, "--rate", app("--rate=-1")},
		{"a webhook that is no URL", exitUsage, "--webhook", app("--webhook", "ftp://shop.example/")},
		{"a negative grace", exitUsage, "--grace", []string{"app", "rotate", "x", "--grace=-1s"}},
		{"an odd network", exitUsage, "neither a network", []string{"app", "list", "--proxies", "10.0.0.0/33"}},
		{"an odd origin", exitUsage, "not an origin", []string{"serve", "--url", "https://pay.example.com/shop"}},
		{"an origin with a password", exitUsage, "not an origin", []string{"serve", "--url", "https://me:pw@pay.example.com"}},
		{"a merchant without a name", exitRefused, "name: 1 to 100 characters", []string{"merchant", "add", "--name", ""}},
		{"no such merchant", exitRefused, "florin: no such merchant", []string{"app", "add", "--merchant", "mer_x", "--protocol", "halopay"}},
		{"no live network", exitRefused, "no network is configured for live apps", app("--mode", "live")},
		{"a wallet that is no address", exitRefused, "settle: not an address", app("--settle", "0x12")},
		{"a wallet that nobody has", exitRefused, "settle: not an address", app("--settle", "0x0000000000000000000000000000000000000000")},
		{"rotate: no such app", exitRefused, "no such app", []string{"app", "rotate", "x"}},
		{"revoke: no such app", exitRefused, "no such app", []string{"app", "revoke", "x"}},
		{"no such event", exitRefused, "no such event", []string{"webhook", "resend", "--event", "evt_x"}},
		{"an odd database", exitRefused, "neither sqlite:PATH nor postgres", []string{"app", "list", "--db", "florin.db"}},
		{"a port that is none", exitRefused, "listen", []string{"serve", "--listen", "127.0.0.1:99999", "--url", "http://127.0.0.1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := *p
			q.t = t
			q.refused(c.status, c.want, c.args...)
		})
	}
}

func TestHelpIsNoFault(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.write("florin.toml", "nonsense")
	for _, args := range [][]string{{"--help"}, {"app", "add", "--help"}} {
		out, diagnostics, status := p.try(args...)
		if status != exitDone || !strings.Contains(out, "FLORIN_DB") || diagnostics != "" {
			t.Errorf("%v: exit %d, %q, %q", args, status, out, diagnostics)
		}
	}
}

// TestCommandsMakeNothing: a command pointed at the wrong place says so, instead of making an
// installation there and finding all well.
func TestCommandsMakeNothing(t *testing.T) {
	t.Parallel()
	for _, command := range []string{
		"app list", "app rotate x", "app revoke x", "ledger verify", "db verify", "webhook resend --event evt_x", "sim mine", "chain list",
		"app add --merchant mer_x --protocol halopay",
	} {
		p := newPlace(t)
		p.refused(exitRefused, "there is no database", strings.Fields(command)...)
		if p.has("florin.db") || p.has("florin.key") {
			t.Errorf("%s made something", command)
		}
	}
	for _, command := range []string{"merchant add --name A", "db migrate"} { // negative control
		p := newPlace(t)
		p.run(strings.Fields(command)...)
		if !p.has("florin.db") || !p.has("florin.key") {
			t.Errorf("%s made nothing", command)
		}
	}
}
