package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"

	"florin/internal/chain"
	"florin/internal/chain/evm"
	"florin/internal/chain/sim"
	"florin/internal/clock"
	"florin/internal/engine"
	"florin/internal/id"
	"florin/internal/keys"
	"florin/internal/money"
	"florin/internal/rates"
	"florin/internal/store"
	"florin/internal/store/query"
)

// program is an opened installation: database, keys, prices, networks and the engine on them.
type program struct {
	settings  Settings
	log       *slog.Logger
	clock     clock.Clock
	ids       *id.Source
	db        *store.DB
	box       *keys.Box
	book      *rates.Book
	engine    *engine.Engine
	simulated []*sim.Network
	chains    []chainConfig // the live ones
}

// open opens the installation that s describes. serve takes the lock of a serving process.
func open(ctx context.Context, s Settings, log *slog.Logger, serve bool) (_ *program, err error) {
	p := &program{settings: s, log: log, clock: clock.System{}, ids: id.New(nil)}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	fresh, err := isFresh(s.DB)
	if err != nil {
		return nil, err
	}
	if p.box, err = keys.Open(s.KeyFile, fresh); err != nil {
		return nil, fmt.Errorf("key file %s: %w", s.KeyFile, err)
	}
	if p.db, err = store.Open(ctx, s.DB, store.Options{Serve: serve}); err != nil {
		return nil, err
	}
	if err := p.checkKey(ctx); err != nil {
		return nil, err
	}
	networks, err := p.networks(ctx)
	if err != nil {
		return nil, err
	}
	if p.book, err = p.prices(networks); err != nil {
		return nil, err
	}
	p.engine, err = engine.New(ctx, engine.Config{
		DB: p.db, Clock: p.clock, IDs: p.ids, Rates: p.book, Sealer: sealer{p.box}, Networks: networks, Log: log,
	})
	return p, err
}

func (p *program) close() {
	if p.db != nil {
		p.db.Close()
	}
}

// sealer fits a key box to the engine.
type sealer struct{ *keys.Box }

func (s sealer) Unseal(purpose string, sealed []byte) (engine.Secret, error) {
	return s.Box.Unseal(purpose, sealed)
}

// isFresh reports whether the database does not exist yet, so that a key may be made for it. A
// PostgreSQL database exists before we see it: there, checkKey finds a key that does not fit.
func isFresh(db string) (bool, error) {
	path, sqlite := strings.CutPrefix(db, "sqlite:")
	if !sqlite {
		return true, nil
	}
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	return false, err
}

// checkKey compares the key with one thing sealed under it when the database was new: a wrong or
// new key beside an old database is refused at the start, not at the first secret.
func (p *program) checkKey(ctx context.Context) error {
	const name, purpose = "key_check", "key check"
	sealed, err := p.db.Setting(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		fresh, err := p.box.Seal(purpose, []byte("florin"))
		if err != nil {
			return err
		}
		return p.db.Update(ctx, name, func(ctx context.Context, tx *store.Tx) error {
			return tx.InsertSetting(ctx, query.InsertSettingParams{Key: name, Value: fmt.Sprintf("%x", fresh)})
		})
	}
	if err != nil {
		return err
	}
	var raw []byte
	if _, err := fmt.Sscanf(sealed, "%x", &raw); err != nil {
		return fmt.Errorf("stored key check: %w", err)
	}
	if _, err := p.box.Unseal(purpose, raw); err != nil {
		return fmt.Errorf("the key in %s is not the one this database was made with: %w", p.settings.KeyFile, err)
	}
	return nil
}

// prices returns the book of rates: the operator's file, or in its absence built-in constants
// that are good for test mode only. Live sources join it with the rest of HaloPay.
func (p *program) prices(networks []engine.Network) (*rates.Book, error) {
	var symbols []string
	for _, n := range networks {
		for _, t := range n.Tokens {
			symbols = append(symbols, t.Symbol)
		}
	}
	slices.Sort(symbols)
	pins := rates.Demo()
	if p.settings.RatesFile != "" {
		pins = rates.File(p.settings.RatesFile)
	} else if len(p.chains) > 0 {
		return nil, errors.New("live networks need --rates-file: the built-in prices are for test mode")
	}
	return rates.New(rates.Config{Clock: p.clock, Pins: pins, Symbols: slices.Compact(symbols)})
}

// networks returns the configured live networks and the simulated ones.
func (p *program) networks(ctx context.Context) ([]engine.Network, error) {
	catalogue, err := chain.Catalogue()
	if err != nil {
		return nil, err
	}
	if p.chains, err = readChains(p.settings.Config); err != nil {
		return nil, err
	}
	var networks []engine.Network
	for i, c := range p.chains {
		n, err := p.live(&p.chains[i], catalogue)
		if err != nil {
			return nil, fmt.Errorf("chain %q: %w", c.Name, err)
		}
		networks = append(networks, n)
	}
	for _, n := range catalogue {
		if n.TestOf == "" {
			continue
		}
		network, err := sim.Open(ctx, sim.Config{Network: n, Clock: p.clock, Seed: 1, Journal: journal{p.db}})
		if err != nil {
			return nil, fmt.Errorf("simulated network %s: %w", n.Name, err)
		}
		node, err := network.Node(sim.NodeConfig{})
		if err != nil {
			return nil, err
		}
		p.simulated = append(p.simulated, network)
		networks = append(networks, engine.Network{Network: n, Client: node, Addresser: sim.Forwarders(), Treasury: testTreasury})
	}
	return networks, nil
}

// testTreasury is where forwarders of the simulated networks would send everything.
const testTreasury = "0x000000000000000000000000000000000000dEaD"

// live completes c from the catalogue and returns the network it describes.
func (p *program) live(c *chainConfig, catalogue []chain.Network) (engine.Network, error) {
	for _, n := range catalogue {
		if n.Name == c.Name {
			if n.TestOf != "" {
				return engine.Network{}, errors.New("is a simulated network; it needs no configuration")
			}
			c.Network = merge(n, *c)
		}
	}
	if c.Family == "" {
		c.Family = chain.FamilyEVM
	}
	switch {
	case c.Kind != "" && c.Kind != "evm":
		return engine.Network{}, fmt.Errorf("kind %q: only evm is there yet", c.Kind)
	case c.Confirmations == 0:
		return engine.Network{}, errors.New("confirmations must be above zero")
	case c.ChainID == 0:
		return engine.Network{}, errors.New("needs chain_id")
	case c.Treasury == "":
		return engine.Network{}, errors.New("needs treasury, the address that forwarders send everything to")
	case len(c.RPC) == 0:
		return engine.Network{}, errors.New("needs rpc, the URLs of its nodes")
	}
	client, err := evm.New(evm.Config{
		Network: c.Network, URLs: c.RPC, Clock: p.clock, Unlisted: c.Unlisted == nil || *c.Unlisted,
	})
	if err != nil {
		return engine.Network{}, err
	}
	forwarders, err := evm.NewForwarders(c.Factory)
	if err != nil {
		return engine.Network{}, err
	}
	treasury, err := forwarders.Normal(c.Treasury)
	if err != nil {
		return engine.Network{}, fmt.Errorf("treasury: %w", err)
	}
	return engine.Network{Network: c.Network, Client: client, Addresser: forwarders, Treasury: treasury, Disabled: map[money.Asset]string{}}, nil
}

// merge returns the catalogue's network with what the configuration says otherwise.
func merge(n chain.Network, c chainConfig) chain.Network {
	if c.Title != "" {
		n.Title = c.Title
	}
	if c.ChainID != 0 {
		n.ChainID = c.ChainID
	}
	if c.Confirmations != 0 {
		n.Confirmations = c.Confirmations
	}
	if len(c.Assets) > 0 {
		n.Tokens = slices.DeleteFunc(slices.Clone(n.Tokens), func(t chain.Token) bool { return !slices.Contains(c.Assets, t.Symbol) })
	}
	for _, own := range c.Tokens {
		n.Tokens = slices.DeleteFunc(slices.Clone(n.Tokens), func(t chain.Token) bool { return t.Symbol == own.Symbol })
		n.Tokens = append(n.Tokens, own)
	}
	return n
}

// journal keeps the simulated networks in the database, so that a restart finds them.
type journal struct{ db *store.DB }

var _ sim.Journal = journal{}

func (j journal) Load(ctx context.Context, chainName string, from int64) ([][]byte, error) {
	var records [][]byte
	for next := from; ; {
		rows, err := j.db.SimRecords(ctx, query.SimRecordsParams{Chain: chainName, After: next - 1, MaxRows: 1000})
		if err != nil {
			return nil, fmt.Errorf("load journal of %s: %w", chainName, err)
		}
		for _, row := range rows {
			records = append(records, row.Doc)
			next = row.Seq + 1
		}
		if len(rows) < 1000 {
			return records, nil
		}
	}
}

func (j journal) Append(ctx context.Context, chainName string, from int64, records [][]byte) error {
	return j.db.Update(ctx, "sim:"+chainName, func(ctx context.Context, tx *store.Tx) error {
		for i, doc := range records {
			if err := tx.InsertSimRecord(ctx, query.InsertSimRecordParams{Chain: chainName, Seq: from + int64(i), Doc: doc}); err != nil {
				return err
			}
		}
		return nil
	})
}

// withEngine opens the installation for one command.
func withEngine(r *run, do func(*program) error) error {
	p, err := open(r, r.Settings, r.log, false)
	if err != nil {
		return err
	}
	defer p.close()
	return do(p)
}

// decode reads the JSON answer of the serving process.
func decode(text string, into any) error {
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	return nil
}
