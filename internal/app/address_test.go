package app

import (
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// documented finds a command in docs/addresses.md and what stands under it as its output.
var documented = regexp.MustCompile("(?s)```sh\nflorin (address verify .*?)```\n\n```\n(.*?)```")

// TestDocumentedAddresses: what docs/addresses.md shows is what the commands print.
func TestDocumentedAddresses(t *testing.T) {
	const file = "../../docs/addresses.md"
	p := newPlace(t)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	doc := string(text)
	found := documented.FindAllStringSubmatchIndex(doc, -1)
	if len(found) != 3 {
		t.Fatalf("%d examples", len(found))
	}
	for i := len(found) - 1; i >= 0; i-- { // from the end, so that the places in front stay
		at := found[i]
		got := p.run(strings.Fields(strings.ReplaceAll(doc[at[2]:at[3]], "\\\n", " "))...)
		if *updateDocs {
			doc = doc[:at[4]] + got + doc[at[5]:]
		} else if diff := cmp.Diff(doc[at[4]:at[5]], got); diff != "" {
			t.Errorf("%s (-documented +printed): %s", doc[at[2]:at[3]], diff)
		}
	}
	if *updateDocs {
		if err := os.WriteFile(file, []byte(doc), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

var updateDocs = flag.Bool("update-docs", false, "rewrite what commands print in docs/addresses.md")

func TestAddressVerify(t *testing.T) {
	t.Parallel()
	const (
		salt        = "657faff79490a0c7a7d798d23d6b119e5eacc8f850f99a44e32b0a6cf9da6b11"
		destination = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
		address     = "0x5722CbC9fb29b4768CaE0846841f8BDdF0Ca0148"
	)
	p := newPlace(t)
	verify := func(args ...string) []string { return append([]string{"address", "verify"}, args...) }
	on := func(chain string, args ...string) []string {
		return verify(append([]string{"--chain", chain, "--salt", salt, "--destination", destination}, args...)...)
	}
	made := parse[addressJSON](t, p.run(on("ethereum", "--json")...))
	if made.Address != address || made.Matches != nil || made.Destination != destination || !strings.HasPrefix(made.InitCode, "0x6101") {
		t.Errorf("%+v", made)
	}
	if same := parse[addressJSON](t, p.run(on("bsc", "--address", strings.ToLower(address), "--json")...)); same.Matches == nil || !*same.Matches {
		t.Errorf("on every EVM chain, in any case: %+v", same)
	}
	const other = "0x0000000000000000000000000000000000000001"
	if out, said, status := p.try(on("ethereum", "--address", other)...); status != exitRefused || !strings.Contains(out, address) || !strings.Contains(said, other+" is NOT this address") {
		t.Errorf("another address: %d, %q, %q", status, out, said)
	}
	if simulated := parse[addressJSON](t, p.run(on("sim-ethereum", "--json")...)); simulated.Address == address {
		t.Error("a simulated network has the factory of real ones")
	}
	for name, c := range map[string]struct {
		args   []string
		status int
		says   string
	}{
		"a factory on Tron":            {on("tron"), exitUsage, "no factory on Tron yet"},
		"an EVM destination on Tron":   {on("tron", "--factory", "T9yZXXENpbqxic72funvcNeQuM4bnKkDAS"), exitUsage, "--destination"},
		"no such chain":                {on("nowhere"), exitUsage, "no network nowhere"},
		"a short salt":                 {verify("--chain", "ethereum", "--salt", salt[2:], "--destination", destination), exitUsage, "64 hex digits"},
		"a wrong checksum":             {verify("--chain", "ethereum", "--salt", salt, "--destination", strings.Replace(destination, "E", "e", 1)), exitUsage, "checksum"},
		"the zero destination":         {verify("--chain", "ethereum", "--salt", salt, "--destination", "0x0000000000000000000000000000000000000000"), exitUsage, "zero address"},
		"no destination":               {verify("--chain", "ethereum", "--salt", salt), exitUsage, "--destination"},
		"a number and a chain":         {verify("--chain", "ethereum", "--number", "1"), exitUsage, "--number"},
		"a factory that is no address": {on("ethereum", "--factory", "0x1"), exitUsage, "--factory"},
		"init code that is no hex":     {verify("--chain", "ethereum", "--salt", salt, "--init-code", "0xg"), exitUsage, "--init-code"},
	} {
		t.Run(name, func(t *testing.T) { p.refused(c.status, c.says, c.args...) })
	}
}
