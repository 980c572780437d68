package app

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/pelletier/go-toml/v2"

	"florin/internal/chain"
)

// defaultConfig is read when no other file is named, and may be missing.
const defaultConfig = "florin.toml"

// Settings are what every command needs to know.
type Settings struct {
	Config       string     `help:"Configuration file (default ${default})." default:"florin.toml" placeholder:"FILE"`
	DB           string     `help:"Database: sqlite:PATH or postgres://… (default ${default})." default:"sqlite:florin.db" placeholder:"URL"`
	KeyFile      string     `help:"Key that seals secrets at rest (default ${default})." default:"florin.key" placeholder:"FILE"`
	RatesFile    string     `help:"Pinned prices, JSON, read again when it changes." placeholder:"FILE"`
	Rates        []string   `help:"Sources of live prices: coingecko, binance, kraken, ecb, or none (default: all four if there are live networks and no --rates-file)." placeholder:"NAME"`
	RatesURL     ratesURLs  `name:"rates-url" mapsep:"," help:"Mirrors of these sources, such as kraken=https://prices.example.com/0/public." placeholder:"NAME=URL"`
	Listen       string     `help:"Address to serve on (default ${default})." default:":8080" placeholder:"HOST:PORT"`
	URL          string     `name:"url" help:"Public origin, such as https://pay.example.com (default: --listen on http)." placeholder:"URL"`
	WebhookAllow []prefix   `help:"Private networks that webhooks may go to; may be repeated." placeholder:"CIDR"`
	Proxies      []prefix   `help:"Proxies whose X-Forwarded-For is believed; may be repeated." placeholder:"CIDR"`
	Images       bool       `help:"Show the product image of the merchant's origin (default)." default:"true" negatable:""`
	JSON         bool       `name:"json" help:"Print JSON."`
	LogLevel     slog.Level `help:"debug, info, warn or error." default:"info"`

	// Chains are the [[chain]] blocks of the configuration file.
	Chains []chainConfig `kong:"-"`
}

// ratesURLs are base URLs by source of prices.
type ratesURLs map[string]string

// origin returns the public origin, which follows from --listen when --url is not given.
func (s Settings) origin() (*url.URL, error) {
	raw := s.URL
	if raw == "" {
		raw = "http://" + s.Listen
		if host, port, err := net.SplitHostPort(s.Listen); err == nil && isEveryAddress(host) {
			raw = "http://localhost:" + port
		}
	}
	u, err := url.Parse(strings.TrimSuffix(raw, "/"))
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.Path != "" || u.RawQuery != "" ||
		u.Fragment != "" || u.User != nil {
		return nil, usageError(fmt.Sprintf("--url %q is not an origin such as https://pay.example.com", raw))
	}
	return u, nil
}

// private reports whether this is an installation of one machine, which nobody else reaches: it
// listens on the loopback and is not what a proxy shows to the world under another name. Only then
// may webhooks go to private addresses unasked (rulings G21).
func (s Settings) private() bool {
	host, _, err := net.SplitHostPort(s.Listen)
	if err != nil || !isLoopback(host) {
		return false
	}
	origin, err := s.origin()
	return err == nil && isLoopback(origin.Hostname())
}

// isEveryAddress reports whether listening on host is listening on all addresses: it is none to go to.
func isEveryAddress(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "" || err == nil && addr.IsUnspecified()
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// prefix is a network on the command line.
type prefix struct{ netip.Prefix }

// prefixMapper reads a prefix, or a single address as one.
type prefixMapper struct{}

func (prefixMapper) Decode(ctx *kong.DecodeContext, target reflect.Value) error {
	var text string
	if err := ctx.Scan.PopValueInto("network", &text); err != nil {
		return err
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		addr, err := netip.ParseAddr(text)
		if err != nil {
			return fmt.Errorf("%q is neither a network such as 10.0.0.0/8 nor an address", text)
		}
		p = netip.PrefixFrom(addr, addr.BitLen())
	}
	target.Set(reflect.ValueOf(prefix{p.Masked()}))
	return nil
}

func prefixes(list []prefix) []netip.Prefix {
	plain := make([]netip.Prefix, len(list))
	for i, p := range list {
		plain[i] = p.Prefix
	}
	return plain
}

// chainConfig is a [[chain]] block: how to reach a network of the catalogue, or a network of the
// operator's own.
type chainConfig struct {
	chain.Network
	hotConfig
	Kind     string   `toml:"kind"` // "evm"
	RPC      []string `toml:"rpc"`  // nodes, the preferred one first
	Factory  string   `toml:"factory"`
	Treasury string   `toml:"treasury"`
	Start    uint64   `toml:"start"`    // first block to read; 0: the head at the first start
	Unlisted *bool    `toml:"unlisted"` // look for tokens that nobody listed; true unless told
	Assets   []string `toml:"assets"`   // symbols to keep of the catalogue's; all unless told
}

// configuration is florin.toml: settings by name (x_y or x-y for --x-y), and [[chain]] blocks. It
// resolves the settings that neither a flag nor the environment gives.
type configuration struct {
	path   string
	values map[string]any
	chains []chainConfig
	err    error // told once --help had its chance
}

var _ kong.Resolver = configuration{}

// readConfig reads the file that args or the environment name, which must exist, else florin.toml
// if there is one. The settings in it are needed while the other flags are read.
func readConfig(args []string) configuration {
	c := configuration{path: defaultConfig}
	named := false
	if path, ok := os.LookupEnv("FLORIN_CONFIG"); ok {
		c.path, named = path, true
	}
	for i, arg := range args {
		if path, ok := strings.CutPrefix(arg, "--config="); ok {
			c.path, named = path, true
		} else if arg == "--config" && i+1 < len(args) {
			c.path, named = args[i+1], true
		}
	}
	text, err := os.ReadFile(c.path)
	if errors.Is(err, fs.ErrNotExist) && !named {
		return c
	}
	if err != nil {
		c.err = fmt.Errorf("read configuration: %w", err)
		return c
	}
	c.err = c.parse(text)
	return c
}

func (c *configuration) parse(text []byte) error {
	if err := toml.Unmarshal(text, &c.values); err != nil {
		if bad := (*toml.DecodeError)(nil); errors.As(err, &bad) {
			line, column := bad.Position()
			return fmt.Errorf("configuration %s, line %d, column %d: %w", c.path, line, column, err)
		}
		return fmt.Errorf("configuration %s: %w", c.path, err)
	}
	var file struct {
		Chain []chainConfig `toml:"chain"`
	}
	decoder := toml.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&file)
	if missing := (*toml.StrictMissingError)(nil); errors.As(err, &missing) {
		for _, m := range missing.Errors {
			if key := m.Key(); len(key) > 1 && key[0] == "chain" {
				line, _ := m.Position()
				return fmt.Errorf("configuration %s, line %d: a [[chain]] block has no key %q", c.path, line, strings.Join(key[1:], "."))
			}
		}
	} else if err != nil {
		return fmt.Errorf("configuration %s: [[chain]]: %w", c.path, err)
	}
	c.chains = file.Chain
	return nil
}

// Validate refuses keys that are no setting: a setting with a slip in its name would be missing.
func (c configuration) Validate(app *kong.Application) error {
	if c.err != nil {
		return c.err
	}
	for key := range c.values {
		isSetting := slices.ContainsFunc(app.Flags, func(f *kong.Flag) bool { return f.Name == strings.ReplaceAll(key, "_", "-") })
		if key != "chain" && (!isSetting || key == "config" || key == "help") {
			return fmt.Errorf("configuration %s: there is no setting %q", c.path, key)
		}
	}
	return nil
}

// Resolve gives a setting as the text that its flag would have. Flags of single commands are not
// settings; "chain" is a flag of one and a block here.
func (c configuration) Resolve(_ *kong.Context, parent *kong.Path, flag *kong.Flag) (any, error) {
	if parent.App == nil {
		return nil, nil
	}
	for _, env := range flag.Envs {
		if _, set := os.LookupEnv(env); set {
			return nil, nil
		}
	}
	for _, key := range []string{strings.ReplaceAll(flag.Name, "-", "_"), flag.Name} {
		if value, ok := c.values[key]; ok {
			return settingText(value)
		}
	}
	return nil, nil
}

func settingText(value any) (string, error) {
	switch v := value.(type) {
	case string, bool, int64:
		return fmt.Sprint(v), nil
	case []any:
		texts := make([]string, len(v))
		for i, one := range v {
			text, ok := one.(string)
			if !ok {
				return "", fmt.Errorf("%v is no text", one)
			}
			texts[i] = text
		}
		return strings.Join(texts, ","), nil
	}
	return "", fmt.Errorf("%v is neither text, number, true, false nor a list of texts", value)
}
