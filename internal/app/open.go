package app

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"florin/internal/chain/sim"
	"florin/internal/clock"
	"florin/internal/engine"
	"florin/internal/id"
	"florin/internal/keys"
	"florin/internal/rates"
	"florin/internal/store"
	"florin/internal/store/query"
)

// program is an opened installation. The fields below the blank line are there once its engine is.
type program struct {
	settings Settings
	log      *slog.Logger
	clock    clock.Clock
	ids      *id.Source
	db       *store.DB
	box      *keys.Box

	live      []liveNetwork
	decides   bool           // it may ask the simulated networks
	simulated []*sim.Network // only where served, or asked
	book      *rates.Book    // only where served
	engine    *engine.Engine
}

// purpose is what an installation is opened for.
type purpose int

const (
	toRead   purpose = iota // a command on what is there
	toDecide                // the same, with the blocks of the simulated networks
	toAttach                // toDecide, with prices if there are any
	toQuote                 // the same, with prices
	toCreate                // a command that may be the first one
	toServe                 // the serving process: it holds the lock, the prices and the simulated networks
)

// open opens the installation that r's settings describe.
func open(r *run, why purpose) (*program, error) {
	p, err := openDatabase(r, why)
	if err != nil {
		return nil, err
	}
	if err := p.start(r, why); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// start puts the engine on an opened database. Commands do without prices and without the blocks of
// the simulated networks.
func (p *program) start(ctx context.Context, why purpose) error {
	p.decides = why == toDecide || why == toAttach
	networks, err := p.networks(ctx, why == toServe)
	if err != nil {
		return err
	}
	config := engine.Config{
		DB: p.db, Clock: p.clock, IDs: p.ids, Sealer: sealer{p.box}, Marks: p.box, Networks: networks, Log: p.log,
		Numbers: depositNumbers(p.clock, p.ids),
	}
	if why == toServe || why == toQuote {
		if p.book, err = p.prices(networks); err != nil {
			return err
		}
		config.Rates = p.book
	}
	if why == toQuote {
		if _, err := p.book.RunOnce(ctx); err != nil {
			return err
		}
	}
	if why == toAttach {
		if book, err := p.prices(networks); err != nil {
			p.log.WarnContext(ctx, "no prices", "err", err)
		} else if _, err := book.RunOnce(ctx); err != nil {
			p.log.WarnContext(ctx, "no prices", "err", err)
		} else {
			config.Rates = book
		}
	}
	p.engine, err = engine.New(ctx, config)
	return err
}

func (p *program) close() {
	if p.db != nil {
		p.db.Close()
	}
}

// openDatabase opens the database and the key that belongs to it. A key file is made only where
// there is no database yet; what is sealed in one cannot be read without the old key.
func openDatabase(r *run, why purpose) (_ *program, err error) {
	p := &program{settings: r.Settings, log: r.log, clock: r.clock, ids: id.New(nil)}
	path, isFile := strings.CutPrefix(p.settings.DB, "sqlite:")
	fresh := false
	if isFile {
		if fresh, err = isMissing(path); err != nil {
			return nil, err
		}
		if fresh && why <= toQuote {
			return nil, errNoDatabase{path}
		}
		// The key comes first: a database without one would be refused for ever.
		if p.box, err = keys.Open(p.settings.KeyFile, fresh); err != nil {
			return nil, errKey{err}
		}
	}
	if p.db, err = store.Open(r, p.settings.DB, store.Options{Serve: why == toServe}); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	if isFile {
		return p, p.checkKey(r)
	}
	// A PostgreSQL database is there before we come: it is new while nothing is sealed in it.
	if _, err = p.db.Setting(r, keyCheck); errors.Is(err, store.ErrNotFound) {
		if why <= toQuote {
			return nil, errNoDatabase{"that address"}
		}
		fresh, err = true, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for the key check: %w", err)
	}
	return p, p.openKey(r, fresh)
}

// openKey opens the key file beside a PostgreSQL database. Of two nodes that begin at once, each
// with a key file of its own, the slower one fails and keeps none.
func (p *program) openKey(ctx context.Context, fresh bool) error {
	missing, err := isMissing(p.settings.KeyFile)
	if err != nil {
		return errKey{err}
	}
	if p.box, err = keys.Open(p.settings.KeyFile, fresh); err != nil {
		return errKey{err}
	}
	err = p.checkKey(ctx)
	if missing && errors.Is(err, errWrongKey) {
		return errors.Join(err, os.Remove(p.settings.KeyFile))
	}
	return err
}

func isMissing(path string) (bool, error) {
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	return false, err
}

// errNoDatabase reports that a command was pointed at nothing: most likely at the wrong place.
type errNoDatabase struct{ where string }

func (e errNoDatabase) Error() string {
	return fmt.Sprintf("there is no database at %s: `florin db migrate` or `florin serve` makes one, --db names another", e.where)
}

// errKey is what is wrong about the key file.
type errKey struct{ error }

func (e errKey) Unwrap() error { return e.error }

// errWrongKey reports a key file that belongs to another database.
var errWrongKey = errors.New("is not the one this database was made with")

// keyCheck is the setting that holds one known thing sealed under the installation's key.
const keyCheck = "key_check"

// checkKey compares the key with what was sealed under it when the database was new: a wrong key is
// refused at the start, not at the first secret.
func (p *program) checkKey(ctx context.Context) error {
	const purpose = "key check"
	text, err := p.db.Setting(ctx, keyCheck)
	if errors.Is(err, store.ErrNotFound) {
		fresh, err := p.box.Seal(purpose, []byte("florin"))
		if err != nil {
			return err
		}
		if err := p.db.Update(ctx, keyCheck, func(ctx context.Context, tx *store.Tx) error {
			return tx.InsertSetting(ctx, query.InsertSettingParams{Key: keyCheck, Value: hex.EncodeToString(fresh)})
		}); err != nil {
			return fmt.Errorf("write the key check: %w", err)
		}
		text, err = p.db.Setting(ctx, keyCheck) // another process may have been first
		if err != nil {
			return fmt.Errorf("read the key check: %w", err)
		}
	} else if err != nil {
		return fmt.Errorf("read the key check: %w", err)
	}
	sealed, err := hex.DecodeString(text)
	if err != nil {
		return fmt.Errorf("stored key check: %w", err)
	}
	if _, err := p.box.Unseal(purpose, sealed); err != nil {
		return errKey{fmt.Errorf("the key in %s %w: %w", p.settings.KeyFile, errWrongKey, err)}
	}
	return nil
}

// sealer fits a key box to the engine.
type sealer struct{ *keys.Box }

func (s sealer) Unseal(purpose string, sealed []byte) (engine.Secret, error) {
	return s.Box.Unseal(purpose, sealed)
}

// withProgram opens an installation that is there for one command.
func withProgram(r *run, do func(*program) error) error { return openFor(r, toRead, do) }

func openFor(r *run, why purpose, do func(*program) error) error {
	p, err := open(r, why)
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
