package rig

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"florin/bench/merchant"
)

// Floor is the yardstick on db, with made-up credentials.
func Floor(binary, db string, more ...string) (Program, error) {
	addr, err := FreeAddr()
	if err != nil {
		return Program{}, err
	}
	app := merchant.App{ID: "floorapp00000000", Key: "hp_test_key_0123456789ABCDEFGHIJ"}
	args := append([]string{"-db", db, "-listen", addr, "-app", app.ID, "-key", app.Key}, more...)
	return Program{Name: "floor", Binary: binary, Args: args, DB: db, Addr: addr, App: app}, nil
}

// Florin is the product on db: its files go to dir, one merchant with one HaloPay test app without a rate limit is added
// with the command line, as an operator would; more is added to its serve command.
func Florin(ctx context.Context, binary, dir, db string, more ...string) (Program, error) {
	addr, err := FreeAddr()
	if err != nil {
		return Program{}, err
	}
	key, rates := filepath.Join(dir, "florin.key"), filepath.Join(dir, "rates.json")
	asOf := time.Now().UTC().Format(time.RFC3339)
	if err := os.WriteFile(rates, []byte(`{"as_of":"`+asOf+`","usd":{"USDT":"1","USDC":"1","ETH":"3000","BNB":"600","TRX":"0.3","EUR":"1.08"}}`), 0o644); err != nil {
		return Program{}, err
	}
	common := []string{"--db", db, "--key-file", key}
	var made struct{ ID, Secret string }
	if err := runJSON(ctx, &made, binary, append([]string{"merchant", "add", "--name", "Benchmark", "--json"}, common...)...); err != nil {
		return Program{}, err
	}
	p := Program{
		Name: "florin", Binary: binary, DB: db, Addr: addr, Merchant: made.ID, common: common,
		Args:   append([]string{"serve", "--listen", addr, "--url", "http://" + addr, "--rates-file", rates}, append(common, more...)...),
		Audits: [][]string{append([]string{"db", "verify"}, common...), append([]string{"ledger", "verify"}, common...)},
	}
	p.App, err = p.AddApp(ctx)
	return p, err
}

// AddApp adds one more app like the first, of the same merchant.
func (p Program) AddApp(ctx context.Context) (merchant.App, error) {
	var made struct{ ID, Secret string }
	err := p.Command(ctx, &made, "app", "add", "--merchant", p.Merchant, "--protocol", "halopay", "--mode", "test", "--rate", "0", "--json")
	return merchant.App{ID: made.ID, Key: made.Secret}, err
}

// Command runs a command of the program's on its database and reads the JSON it prints.
func (p Program) Command(ctx context.Context, into any, args ...string) error {
	return runJSON(ctx, into, p.Binary, append(args, p.common...)...)
}

// runJSON runs a command and reads the one JSON object it prints.
func runJSON(ctx context.Context, into any, binary string, args ...string) error {
	cmd := exec.CommandContext(ctx, binary, args...)
	errs := &tail{}
	cmd.Stderr = errs
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%s %v: %w\n%s", filepath.Base(binary), args[:2], err, errs)
	}
	if err := json.Unmarshal(out, into); err != nil {
		return fmt.Errorf("%s %v printed %q: %w", filepath.Base(binary), args[:2], out, err)
	}
	return nil
}
