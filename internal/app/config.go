package app

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/pelletier/go-toml/v2"

	"florin/internal/chain"
)

// Settings are what every command needs to know.
type Settings struct {
	Config       string     `help:"Configuration file." default:"florin.toml" placeholder:"FILE"`
	DB           string     `help:"Database: sqlite:PATH or postgres://…" default:"sqlite:florin.db" placeholder:"URL"`
	KeyFile      string     `help:"Key that seals secrets at rest." default:"florin.key" placeholder:"FILE"`
	RatesFile    string     `help:"Pinned prices, JSON, read again when it changes." placeholder:"FILE"`
	Listen       string     `help:"Address to serve on." default:":8080" placeholder:"HOST:PORT"`
	URL          string     `name:"url" help:"Public origin, such as https://pay.example.com." placeholder:"URL"`
	WebhookAllow []prefix   `help:"Private networks that webhooks may go to." placeholder:"CIDR"`
	Proxies      []prefix   `help:"Proxies whose X-Forwarded-For is believed." placeholder:"CIDR"`
	Images       bool       `help:"Show the product image of the merchant's origin." default:"true" negatable:""`
	JSON         bool       `name:"json" help:"Print JSON."`
	LogLevel     slog.Level `help:"debug, info, warn or error." default:"info"`
}

// origin returns the public origin, which follows from --listen when --url is not given.
func (s Settings) origin() (*url.URL, error) {
	raw := s.URL
	if raw == "" {
		addr := s.Listen
		if strings.HasPrefix(addr, ":") {
			addr = "localhost" + addr
		}
		raw = "http://" + addr
	}
	u, err := url.Parse(strings.TrimSuffix(raw, "/"))
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.Path != "" || u.RawQuery != "" {
		return nil, fmt.Errorf("--url %q is not an origin such as https://pay.example.com", s.URL)
	}
	return u, nil
}

// loopback reports whether --listen can be reached from this machine only.
func (s Settings) loopback() bool {
	host, _, err := net.SplitHostPort(s.Listen)
	return err == nil && isLoopback(host)
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
			return fmt.Errorf("%q is neither a network nor an address", text)
		}
		p = netip.PrefixFrom(addr, addr.BitLen())
	}
	target.Set(reflect.ValueOf(prefix{p}))
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
	Kind     string   `toml:"kind"` // "evm"
	RPC      []string `toml:"rpc"`  // nodes, the preferred one first
	Factory  string   `toml:"factory"`
	Treasury string   `toml:"treasury"`
	Start    uint64   `toml:"start"`    // first block to read; 0: the head at the first start
	Unlisted *bool    `toml:"unlisted"` // look for tokens that nobody listed; true unless told
	Assets   []string `toml:"assets"`   // symbols to keep of the catalogue's; all unless told
}

// readChains reads the [[chain]] blocks of the configuration file. A file that does not exist has none.
func readChains(path string) ([]chainConfig, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	var file struct {
		Chain []chainConfig `toml:"chain"`
	}
	if err := toml.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("read configuration %s: %w", path, err)
	}
	return file.Chain, nil
}

// configFile resolves flags from florin.toml: the key of --x-y is x_y or x-y. The environment is
// stronger. It must know --config before the other flags are read.
func configFile(args []string) kong.Resolver {
	path := "florin.toml"
	if p, ok := os.LookupEnv("FLORIN_CONFIG"); ok {
		path = p
	}
	for i, arg := range args {
		if value, ok := strings.CutPrefix(arg, "--config="); ok {
			path = value
		} else if arg == "--config" && i+1 < len(args) {
			path = args[i+1]
		}
	}
	var values map[string]any
	text, err := os.ReadFile(path)
	if err == nil {
		err = toml.Unmarshal(text, &values)
	}
	return kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("read configuration: %w", err)
		}
		for _, env := range flag.Envs {
			if _, set := os.LookupEnv(env); set {
				return nil, nil
			}
		}
		for _, key := range []string{strings.ReplaceAll(flag.Name, "-", "_"), flag.Name} {
			if value, ok := values[key]; ok {
				return value, nil
			}
		}
		return nil, nil
	})
}
