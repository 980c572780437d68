package rates

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

const example = `{"as_of":"2026-11-21T00:00:00Z","usd":{"USDT":"1","ETH":"3000","EUR":"1.08"}}`

func ratesFile(t *testing.T, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "rates.json")
	write(t, path, text)
	return path
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// touch sets the file's time, which two quick writes might share.
func touch(t *testing.T, path string, at time.Time) {
	t.Helper()
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

// eth asks the book for the price of one ETH in USD.
func eth(t *testing.T, b *Book) string {
	t.Helper()
	rate, err := b.Quote(t.Context(), price(t, "USD", "1"), "ETH")
	if err != nil {
		return err.Error()
	}
	return rate.String()
}

func TestFileIsReadOnFirstUseWhateverItsAge(t *testing.T) {
	b := pinned(t, File(ratesFile(t, strings.Replace(example, "2026", "1999", 1))))
	if got := eth(t, b); got != "3000" {
		t.Errorf("ETH = %s", got)
	}
	if rate, err := b.Quote(t.Context(), price(t, "EUR", "1"), "USDT"); err != nil || rate.String() != "25/27" {
		t.Errorf("USDT in EUR = %v, %v", rate, err)
	}
	for _, s := range b.Report(t.Context()) {
		if s.Symbol == "ETH" && (!s.Pinned || s.At.Year() != 1999 || s.Err != nil) {
			t.Errorf("ETH is reported as %+v", s)
		}
	}
}

func TestFileIsReadAgainWhenItChanged(t *testing.T) {
	path := ratesFile(t, example)
	touch(t, path, midnight)
	b := pinned(t, File(path))
	runs := func(want int) {
		t.Helper()
		if done, err := b.RunOnce(t.Context()); err != nil || done != want {
			t.Errorf("RunOnce = %d, %v, want %d", done, err, want)
		}
	}
	runs(4) // USD too
	runs(0)

	write(t, path, strings.Replace(example, "3000", "3100", 1)) // the same size
	touch(t, path, midnight.Add(time.Millisecond))
	runs(1)
	if got := eth(t, b); got != "3100" {
		t.Errorf("another time: ETH = %s", got)
	}

	write(t, path, strings.Replace(example, "3000", "3100.5", 1))
	touch(t, path, midnight.Add(time.Millisecond)) // the same time
	runs(1)
	if got := eth(t, b); got != "6201/2" {
		t.Errorf("another size: ETH = %s", got)
	}

	beside := path + ".new" // the way editors write
	write(t, beside, strings.Replace(example, "3000", "3200.5", 1))
	touch(t, beside, midnight.Add(time.Millisecond))
	if err := os.Rename(beside, path); err != nil {
		t.Fatal(err)
	}
	runs(1)
	if got := eth(t, b); got != "6401/2" {
		t.Errorf("another file of the same time and size: ETH = %s", got)
	}

	// The control: what was not touched is not read.
	write(t, path, strings.Replace(example, "3000", "3300.5", 1))
	touch(t, path, midnight.Add(time.Millisecond))
	runs(0)
}

func TestFileThatBreaksKeepsTheLastGoodPrices(t *testing.T) {
	path := ratesFile(t, example)
	b := pinned(t, File(path))
	if got := eth(t, b); got != "3000" {
		t.Fatalf("ETH = %s", got)
	}
	write(t, path, example[:40])
	for range 2 { // it is said each time
		if done, err := b.RunOnce(t.Context()); err == nil || done != 0 || !strings.Contains(err.Error(), path) {
			t.Errorf("broken file: RunOnce = %d, %v", done, err)
		}
	}
	if got := eth(t, b); got != "3000" {
		t.Errorf("broken file: ETH = %s", got)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := b.RunOnce(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: RunOnce: %v", err)
	}
	if got := eth(t, b); got != "3000" {
		t.Errorf("no file: ETH = %s", got)
	}
	write(t, path, strings.Replace(example, "3000", "3500", 1))
	if _, err := b.RunOnce(t.Context()); err != nil {
		t.Error(err)
	}
	if got := eth(t, b); got != "3500" {
		t.Errorf("mended: ETH = %s", got)
	}
}

func TestFileBrokenFromTheStartGivesNoRate(t *testing.T) {
	path := ratesFile(t, "{")
	b := pinned(t, File(path))
	if _, err := b.Quote(t.Context(), price(t, "USD", "1"), "ETH"); !errors.Is(err, ErrNoRate) {
		t.Errorf("quoted: %v", err)
	}
	write(t, path, example)
	if _, err := b.RunOnce(t.Context()); err != nil {
		t.Error(err)
	}
	if got := eth(t, b); got != "3000" {
		t.Errorf("mended: ETH = %s", got)
	}
}

func TestM02_FileTakesPlainDecimalsOnly(t *testing.T) {
	text, err := os.ReadFile("../money/testdata/hostile-amounts.txt")
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSuffix(line, "\n"); line == "" || line[0] == '#' {
			continue
		}
		hostile, err := strconv.Unquote(line)
		if err != nil {
			t.Fatal(err)
		}
		read++
		if rate, err := parsePrice("ETH", hostile); err == nil {
			t.Errorf("%s was taken for %v", line, rate)
		}
	}
	if read < 200 {
		t.Errorf("%d hostile strings, want at least 200", read)
	}
	if rate, err := parsePrice("ETH", "3000.5"); err != nil || rate.String() != "6001/2" { // the control
		t.Errorf("3000.5 is read as %v, %v", rate, err)
	}
}

func TestFileForms(t *testing.T) {
	const as = `"as_of":"2026-11-21T00:00:00Z"`
	for name, text := range map[string]string{
		"the example":          example,
		"another order":        `{"usd":{"ETH":"3000"},` + as + `}`,
		"white space":          " {\n\t\"usd\" : { \"ETH\" : \"3000\" } ,\r\n" + as + "}\n\n",
		"no prices":            `{` + as + `,"usd":{}}`,
		"USD said":             `{` + as + `,"usd":{"USD":"1"}}`,
		"another zone":         `{"as_of":"2026-11-21T09:00:00+09:00","usd":{}}`,
		"an escaped but plain": `{` + as + `,"usd":{"\u0045TH":"3000"}}`,
	} {
		if _, err := parseFile([]byte(text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, text := range map[string]string{
		"nothing":                   ``,
		"null":                      `null`,
		"a list":                    `[]`,
		"an empty object":           `{}`,
		"no time":                   `{"usd":{"ETH":"3000"}}`,
		"no prices member":          `{` + as + `}`,
		"null prices":               `{` + as + `,"usd":null}`,
		"a number as price":         `{` + as + `,"usd":{"ETH":3000}}`,
		"null as price":             `{` + as + `,"usd":{"ETH":null}}`,
		"a list as price":           `{` + as + `,"usd":{"ETH":["3000"]}}`,
		"zero":                      `{` + as + `,"usd":{"ETH":"0"}}`,
		"negative":                  `{` + as + `,"usd":{"ETH":"-3000"}}`,
		"a fraction":                `{` + as + `,"usd":{"ETH":"1/3"}}`,
		"absurdly high":             `{` + as + `,"usd":{"ETH":"1000000001"}}`,
		"absurdly low":              `{` + as + `,"usd":{"ETH":"0.0000000000000009"}}`,
		"one bad among good":        `{` + as + `,"usd":{"USDT":"1","ETH":"abc"}}`,
		"USD at another price":      `{` + as + `,"usd":{"USD":"1.08"}}`,
		"a symbol in small letters": `{` + as + `,"usd":{"eth":"3000"}}`,
		"an empty symbol":           `{` + as + `,"usd":{"":"3000"}}`,
		"a long symbol":             `{` + as + `,"usd":{"ABCDEFGHIJKLMNOPQRSTU":"1"}}`,
		"a symbol twice":            `{` + as + `,"usd":{"ETH":"3000","ETH":"3000"}}`,
		"a symbol twice, escaped":   `{` + as + `,"usd":{"ETH":"3000","\u0045TH":"1"}}`,
		"a member twice":            `{` + as + `,"usd":{},"usd":{}}`,
		"a member in other case":    `{` + as + `,"USD":{}}`,
		"an unknown member":         `{` + as + `,"usd":{},"eur":{}}`,
		"a time that is none":       `{"as_of":"yesterday","usd":{}}`,
		"a time as number":          `{"as_of":1795219200,"usd":{}}`,
		"something after it":        example + `{}`,
		"rubbish after it":          example + `x`,
		"a broken end":              example[:len(example)-1],
		"a comma too many":          `{` + as + `,"usd":{"ETH":"3000",}}`,
		"a comment":                 `{` + as + `,"usd":{}} // yes`,
		"a byte order mark":         "\ufeff" + example,
		"not UTF-8":                 `{` + as + `,"usd":{"ETH":"3000` + "\xff" + `"}}`,
		"prices in prices":          `{` + as + `,"usd":{"ETH":{"usd":"3000"}}}`,
	} {
		if prices, err := parseFile([]byte(text)); err == nil {
			t.Errorf("%s: taken for %v", name, prices)
		}
	}
	big := ratesFile(t, example+strings.Repeat(" ", maxFileBytes))
	if _, err := File(big).Prices(t.Context(), nil); err == nil {
		t.Error("a file of more than 1 MiB was taken")
	}
}

func TestFilePicksSymbols(t *testing.T) {
	prices, err := File(ratesFile(t, example)).Prices(t.Context(), []string{"ETH", "BNB"})
	if err != nil || len(prices) != 1 || prices["ETH"].USD.String() != "3000" {
		t.Errorf("Prices = %v, %v", prices, err)
	}
}
