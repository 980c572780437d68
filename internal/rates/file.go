package rates

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
	"unicode/utf8"
)

// maxFileBytes is some ten thousand prices.
const maxFileBytes = 1 << 20

// File is a source that reads path, the --rates-file:
//
//	{"as_of":"2026-11-21T00:00:00Z","usd":{"USDT":"1","ETH":"3000","EUR":"1.08"}}
//
// with the price of one unit in USD as a plain decimal string. It reads the file again when its
// time, size or identity changed. A file that cannot be read, or has anything in it that is not of
// this form, changes nothing: Prices then returns the last good prices, and the error.
func File(path string) Source { return &file{path: path} }

type file struct {
	path   string
	seen   os.FileInfo // of the last good reading; nil when it must be read again
	prices map[string]Reading
}

func (f *file) Name() string { return "rates file " + f.path }

func (f *file) Prices(_ context.Context, symbols []string) (map[string]Reading, error) {
	err := f.refresh()
	return pick(f.prices, symbols), err
}

func (f *file) refresh() error {
	info, err := os.Stat(f.path)
	if err != nil {
		f.seen = nil
		return err
	}
	if f.seen != nil && os.SameFile(info, f.seen) && info.ModTime().Equal(f.seen.ModTime()) && info.Size() == f.seen.Size() {
		return nil
	}
	f.seen = nil
	text, err := readAtMost(f.path, maxFileBytes)
	if err != nil {
		return err
	}
	prices, err := parseFile(text)
	if err != nil {
		return err
	}
	// info is from before the reading: a write in between makes the next call read again.
	f.seen, f.prices = info, prices
	return nil
}

func readAtMost(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("more than %d bytes", limit)
	}
	return text, err
}

// parseFile reads the whole of a rates file or refuses the whole of it.
func parseFile(text []byte) (map[string]Reading, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("not UTF-8")
	}
	p := fileParser{json.NewDecoder(bytes.NewReader(text))}
	p.tokens.UseNumber()
	var at time.Time
	var usd map[string]string
	err := p.object(func(name string) (err error) {
		switch name {
		case "as_of":
			at, err = p.time()
		case "usd":
			usd, err = p.prices()
		default:
			err = fmt.Errorf("unknown member %q", name)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if at.IsZero() || usd == nil {
		return nil, errors.New(`"as_of" or "usd" is missing`)
	}
	if _, err := p.tokens.Token(); err != io.EOF {
		return nil, errors.New("something follows the object")
	}
	prices := make(map[string]Reading, len(usd))
	for symbol, text := range usd {
		rate, err := parsePrice(symbol, text)
		if err != nil {
			return nil, err
		}
		prices[symbol] = Reading{USD: rate, At: at}
	}
	return prices, nil
}

// fileParser reads token by token, for the usual decoder takes a name twice and a name in other case.
type fileParser struct{ tokens *json.Decoder }

// object reads an object: member reads the value of each name, which stands there once.
func (p fileParser) object(member func(name string) error) error {
	if err := p.delimiter('{'); err != nil {
		return err
	}
	seen := map[string]bool{}
	for p.tokens.More() {
		name, err := p.text()
		if err != nil {
			return err
		}
		if seen[name] {
			return fmt.Errorf("%q stands there twice", name)
		}
		seen[name] = true
		if err := member(name); err != nil {
			return err
		}
	}
	return p.delimiter('}')
}

func (p fileParser) delimiter(want json.Delim) error {
	token, err := p.tokens.Token()
	if err != nil {
		return err
	}
	if token != want {
		return fmt.Errorf("%v where %v should be", token, want)
	}
	return nil
}

func (p fileParser) text() (string, error) {
	token, err := p.tokens.Token()
	if err != nil {
		return "", err
	}
	text, ok := token.(string)
	if !ok {
		return "", fmt.Errorf("%v is no string", token)
	}
	return text, nil
}

func (p fileParser) time() (time.Time, error) {
	text, err := p.text()
	if err != nil {
		return time.Time{}, err
	}
	at, err := time.Parse(time.RFC3339, text)
	return at.UTC(), err
}

func (p fileParser) prices() (map[string]string, error) {
	usd := map[string]string{}
	err := p.object(func(symbol string) (err error) {
		usd[symbol], err = p.text()
		return err
	})
	return usd, err
}
