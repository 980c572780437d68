package app

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// settingsOf returns the settings that serve would get.
func (p *place) settingsOf(args ...string) (Settings, error) {
	p.t.Helper()
	var c commands
	args = append([]string{"serve", "--config", p.path("florin.toml")}, args...)
	config := readConfig(args)
	parser, err := newParser(c.grammar(args), config, io.Discard, io.Discard, func(int) {})
	if err != nil {
		p.t.Fatal(err)
	}
	_, err = parser.Parse(args)
	c.Chains = config.chains
	return c.Settings, err
}

// TestServeReadAlone: it is the quicker for it, and nothing else.
func TestServeReadAlone(t *testing.T) {
	p := newPlace(t)
	p.write("florin.toml", `url = "https://pay.example"`)
	p.write("wrong.toml", `urls = "https://pay.example"`)
	for _, line := range []string{
		"", "--listen :3 --webhook-allow 10.0.0.0/8 --no-images", "--help", "--listen", "--unknown", "more", "demo", "--images=7", "--port 1",
		"--config " + p.path("wrong.toml"),
	} {
		args := append([]string{"serve", "--config", p.path("florin.toml")}, strings.Fields(line)...)
		read := func(c *commands, grammar any) (said string) {
			var out, errOut strings.Builder
			parser, err := newParser(grammar, readConfig(args), &out, &errOut, func(int) {})
			if err != nil {
				t.Fatal(err)
			}
			parsed, err := parser.Parse(args)
			if err != nil {
				return err.Error()
			}
			return out.String() + errOut.String() + parsed.Command() + fmt.Sprintf("%+v", c.Settings)
		}
		var alone, among commands
		if alone.grammar(args) != any(&alone.serveLine) {
			t.Fatalf("%v is read among all commands", args)
		}
		if diff := cmp.Diff(read(&among, &among), read(&alone, alone.grammar(args))); diff != "" {
			t.Errorf("serve %s (-among all commands +alone):\n%s", line, diff)
		}
	}
	var c commands
	for _, args := range [][]string{{}, {"--help"}, {"demo"}, {"--listen", ":1", "serve"}} { // control: these need more, or may
		if c.grammar(args) != any(&c) {
			t.Errorf("%v is read as serve", args)
		}
	}
}

func TestStrengthOfSettings(t *testing.T) {
	p := newPlace(t)
	listen := func(args ...string) string {
		s, err := p.settingsOf(args...)
		if err != nil {
			t.Fatal(err)
		}
		return s.Listen
	}
	if got := listen(); got != ":8080" {
		t.Errorf("by default: %s", got)
	}
	p.write("florin.toml", `listen = ":1"`)
	if got := listen(); got != ":1" {
		t.Errorf("with a file: %s", got)
	}
	t.Setenv("FLORIN_LISTEN", ":2")
	if got := listen(); got != ":2" {
		t.Errorf("with file and environment: %s", got)
	}
	if got := listen("--listen", ":3"); got != ":3" {
		t.Errorf("with file, environment and flag: %s", got)
	}
}

// TestOriginOfListen: payers are sent to a place that can be gone to.
func TestOriginOfListen(t *testing.T) {
	for listen, want := range map[string]string{
		":8080": "http://localhost:8080", "0.0.0.0:8080": "http://localhost:8080", "[::]:8080": "http://localhost:8080",
		"127.0.0.1:8080": "http://127.0.0.1:8080", "[::1]:8080": "http://[::1]:8080", "pay.example:80": "http://pay.example:80",
	} {
		s := Settings{Listen: listen}
		if got, err := s.origin(); err != nil || got.String() != want {
			t.Errorf("--listen %s: %v, %v; want %s", listen, got, err, want)
		}
	}
	if open := (Settings{Listen: "0.0.0.0:8080"}); open.private() {
		t.Error("who listens on every address counts as one machine's own")
	}
}

// TestListsOfSettings: a stronger level takes the place of the whole list.
func TestListsOfSettings(t *testing.T) {
	p := newPlace(t)
	nets := func(args ...string) string {
		s, err := p.settingsOf(args...)
		if err != nil {
			t.Fatal(err)
		}
		var texts []string
		for _, n := range s.WebhookAllow {
			texts = append(texts, n.String())
		}
		return strings.Join(texts, " ")
	}
	if got := nets(); got != "" {
		t.Errorf("by default: %s", got)
	}
	for _, c := range []struct{ file, want string }{
		{`webhook_allow = ["10.0.0.0/8", "192.168.1.7"]`, "10.0.0.0/8 192.168.1.7/32"},
		{`webhook-allow = "fd00::1/8"`, "fd00::/8"},
	} {
		p.write("florin.toml", c.file)
		if got := nets(); got != c.want {
			t.Errorf("%s: %s", c.file, got)
		}
	}
	t.Setenv("FLORIN_WEBHOOK_ALLOW", "172.16.0.0/12,10.1.0.0/16")
	if got := nets(); got != "172.16.0.0/12 10.1.0.0/16" {
		t.Errorf("with file and environment: %s", got)
	}
	if got := nets("--webhook-allow", "10.2.0.0/16", "--webhook-allow", "10.3.0.0/16"); got != "10.2.0.0/16 10.3.0.0/16" {
		t.Errorf("with a repeated flag: %s", got)
	}
}

func TestEverySettingCanStandInTheFile(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.write("florin.toml", `
		db = "postgres://x"
		key_file = "k"
		rates_file = "r"
		rates = ["kraken", "ecb"]
		rates_url = ["kraken=https://prices.example.com/0/public", "ecb=http://127.0.0.1:1"]
		listen = ":1"
		url = "https://pay.example.com"
		webhook_allow = []
		proxies = ["127.0.0.1"]
		images = false
		json = true
		log_level = "debug"
	`)
	got, err := p.settingsOf()
	if err != nil {
		t.Fatal(err)
	}
	if got.DB != "postgres://x" || got.KeyFile != "k" || got.RatesFile != "r" || strings.Join(got.Rates, " ") != "kraken ecb" ||
		got.RatesURL["kraken"] != "https://prices.example.com/0/public" || got.RatesURL["ecb"] != "http://127.0.0.1:1" || got.URL != "https://pay.example.com" ||
		len(got.Proxies) != 1 || got.Images || !got.JSON || got.LogLevel.String() != "DEBUG" {
		t.Errorf("%+v", got)
	}
}

func TestEnvironmentOfSwitches(t *testing.T) {
	p := newPlace(t)
	t.Setenv("FLORIN_IMAGES", "false")
	t.Setenv("FLORIN_JSON", "true")
	s, err := p.settingsOf()
	if err != nil || s.Images || !s.JSON {
		t.Errorf("%+v, %v", s, err)
	}
	if s, err = p.settingsOf("--images"); err != nil || !s.Images {
		t.Errorf("a flag against the environment: %+v, %v", s, err)
	}
}

const anvilBlock = `
	[[chain]]
	name = "anvil"
	title = "Anvil"
	kind = "evm"
	rpc = ["http://127.0.0.1:1/key", "http://127.0.0.1:2"]
	chain_id = 31337
	confirmations = 2
	treasury = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
	start = 7

	[[chain.token]]
	symbol = "ETH"
	decimals = 18

	[[chain]]
	name = "ethereum"
	rpc = ["http://127.0.0.1:3"]
	assets = ["USDT"]
	confirmations = 20
	treasury = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8"
`

func TestChainBlocks(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.write("florin.toml", anvilBlock)
	p.run("db", "migrate")
	networks := parse[[]networkJSON](t, p.run("chain", "list", "--json"))
	var got []networkJSON
	for _, n := range networks {
		if n.Mode == "live" {
			n.Problem = ""
			got = append(got, n)
		}
	}
	treasury, factory := "0x70997970C51812dc3A010C7d01b50e0d17dc79C8", parse[map[string]string](t, p.run("chain", "deploy-factory", "--json"))["factory"]
	want := []networkJSON{
		{Name: "anvil", Mode: "live", ChainID: 31337, Confirmations: 2, Assets: []assetJSON{{Code: "ETH@anvil", Decimals: 18}}, Treasury: treasury, Factory: factory},
		{Name: "ethereum", Mode: "live", ChainID: 1, Confirmations: 20, Treasury: treasury, Factory: factory,
			Assets: []assetJSON{{Code: "USDT@ethereum", Contract: "0xdAC17F958D2ee523a2206206994597C13D831ec7", Decimals: 6}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestChainListShowsTheCatalogue: what could be switched on, and what is not there yet.
func TestChainListShowsTheCatalogue(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.write("florin.toml", strings.Replace(anvilBlock, `name = "ethereum"`, "name = \"wkc\"\nchain_id = 7070", 1))
	p.write("florin.toml", strings.Replace(p.read("florin.toml"), `assets = ["USDT"]`, "", 1))
	p.run("db", "migrate")
	modes, assets := map[string]string{}, map[string]int{}
	for _, n := range parse[[]networkJSON](t, p.run("chain", "list", "--json")) {
		if _, twice := modes[n.Name]; twice {
			t.Errorf("%s is listed twice", n.Name)
		}
		modes[n.Name] = n.Mode
		assets[n.Name] = len(n.Assets)
	}
	want := map[string]string{
		"anvil": "live", "wkc": "live", "sim-ethereum": "test", "sim-bsc": "test", "ethereum": "off", "bsc": "off", "tron": "planned",
	}
	if diff := cmp.Diff(want, modes); diff != "" {
		t.Error(diff)
	}
	if n := assets["ethereum"] + assets["bsc"] + assets["wkc"] + assets["tron"]; n < 25 {
		t.Errorf("%d assets: %v", n, assets)
	}
	text := p.run("chain", "list")
	for _, line := range []string{"wkc  live, chain id 7070, 20 confirmations  WKC", "a [[chain]] block turns it on", "tron  planned, chain id 728126428", "not there yet"} {
		if !strings.Contains(text, line) {
			t.Errorf("no %q in\n%s", line, text)
		}
	}
}

func TestBadConfigurations(t *testing.T) {
	t.Parallel()
	block := func(change, to string) string {
		if !strings.Contains(anvilBlock, change) {
			t.Fatalf("no %q", change)
		}
		return strings.ReplaceAll(anvilBlock, change, to)
	}
	for _, c := range []struct{ name, file, want string }{
		{"no TOML", "listen = ", "line 1"},
		{"a setting with a slip", `rate_file = "x"`, `no setting "rate_file"`},
		{"a flag of one command", `port = 1`, `no setting "port"`},
		{"the file names itself", `config = "x"`, `no setting "config"`},
		{"a table for a setting", "[rates_file]\nname = 1", "neither text"},
		{"a list of numbers", "proxies = [1]", "no text"},
		{"a block with a slip", block("rpc =", "rcp ="), `[[chain]] block has no key "rcp"`},
		{"a token with a slip", block("decimals =", "decimal ="), `no key "token.decimal"`},
		{"a text for a number", block("chain_id = 31337", `chain_id = "x"`), "chain"},
		{"no treasury", block("treasury =", "title ="), "line"},
		{"a treasury that is none", block("0x70997970C5", "0x7099"), "treasury"},
		{"a treasury that nobody has", block("0x70997970C51812dc3A010C7d01b50e0d17dc79C8", "0x0000000000000000000000000000000000000000"), "zero address"},
		{"no rpc", block(`rpc = ["http://127.0.0.1:3"]`, ""), "needs rpc"},
		{"an rpc that is none", block("http://127.0.0.1:3", "127.0.0.1:3"), "http"},
		{"no chain id", block("chain_id = 31337", ""), "needs chain_id"},
		{"no confirmations", block("confirmations = 2\n", ""), "needs confirmations"},
		{"no tokens", block("[[chain.token]]\n\tsymbol = \"ETH\"\n\tdecimals = 18", ""), "no assets"},
		{"a token too fine", block("decimals = 18", "decimals = 180"), "token"},
		{"a symbol of two words", block(`symbol = "ETH"`, `symbol = "E TH"`), "token"},
		{"no name", block(`name = "anvil"`, ""), "needs name"},
		{"the same chain twice", block("chain_id = 31337", "chain_id = 1"), "another block"},
		{"a simulated network", block(`name = "anvil"`, `name = "sim-bsc"`), "simulated"},
		{"an unknown kind", block(`kind = "evm"`, `kind = "tron"`), "only kind evm"},
		{"a network without a client", block(`name = "ethereum"`, `name = "tron"`), "cannot be reached yet"},
		{"a currency id of two assets", block("decimals = 18", "decimals = 18\nhalopay_currency_id = 70"), "halopay_currency_id 70 is both"},
		{"a catalogue's network without the id that only the operator knows", strings.Replace(block(`name = "ethereum"`, `name = "wkc"`), `assets = ["USDT"]`, "", 1), "needs chain_id"},
		{"an asset that is not in the catalogue", block(`"USDT"`, `"USDD"`), "no USDD"},
		{"a factory that is none", block("start = 7", `factory = "0x1"`), "factory"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			p.run("db", "migrate")
			p.write("florin.toml", c.file)
			p.refused(exitUsage, c.want, "app", "list")
		})
	}
}

func TestMissingConfiguration(t *testing.T) {
	p := newPlace(t)
	p.refused(exitUsage, "no such file", "app", "list", "--config", p.path("other.toml"))
	t.Chdir(p.dir)
	t.Setenv("FLORIN_DB", p.db)
	t.Setenv("FLORIN_KEY_FILE", p.path("florin.key"))
	if config := readConfig([]string{"db", "migrate"}); config.err != nil || config.path != defaultConfig {
		t.Errorf("%+v", config)
	}
	if err := os.Remove(p.path("florin.toml")); err != nil {
		t.Fatal(err)
	}
	if status := Run(t.Context(), []string{"db", "migrate"}, io.Discard, io.Discard); status != exitDone {
		t.Errorf("without the usual file: exit %d", status)
	}
	t.Setenv("FLORIN_CONFIG", "elsewhere.toml")
	if status := Run(t.Context(), []string{"db", "migrate"}, io.Discard, io.Discard); status != exitUsage {
		t.Errorf("a file that the environment names and that is not there: exit %d", status)
	}
}
