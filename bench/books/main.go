// Command books posts double entries through the product's own write door, store.DB.Update and Tx.Post, for the scenario
// ledger: a deposit with its fee, three postings and two kept balances in each. Its yardstick is `floor -books`.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"runtime/pprof"
	"time"

	"florin/bench/posting"
	"florin/internal/ledger"
	"florin/internal/money"
	"florin/internal/store"
)

// fee is what a deposit costs, in base units; amounts are above it.
const fee = 3

func main() {
	var c posting.Config
	c.Flags(flag.CommandLine)
	db := flag.String("db", "", "sqlite:FILE or postgres://…")
	profile := flag.String("cpuprofile", "", "write a CPU profile there")
	flag.Parse()
	if err := run(c, *db, *profile); err != nil {
		fmt.Fprintln(os.Stderr, "books:", err)
		os.Exit(1)
	}
}

func run(c posting.Config, url, profile string) error {
	debug.SetGCPercent(400) // as `florin serve` has it
	ctx := context.Background()
	db, err := store.Open(ctx, url, store.Options{Serve: true})
	if err != nil {
		return err
	}
	defer db.Close()
	if profile != "" {
		f, err := os.Create(profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	usdt := money.MustAsset("USDT@sim-ethereum", 6)
	return c.Play(ctx, os.Stdout, func(ctx context.Context, _ int, e posting.Entry) error {
		owner := fmt.Sprintf("mer_%026d", e.To)
		entry, err := ledger.Deposit("bench:"+e.Ref, "", owner, "sim-ethereum", money.FromUnits(usdt, uint64(e.Units+fee)), money.FromUnits(usdt, fee))
		if err != nil {
			return err
		}
		now := time.Now()
		return db.Update(ctx, owner, func(ctx context.Context, tx *store.Tx) error {
			return tx.Post(ctx, now, store.NewEntry{ID: "ent_" + e.Ref, Entry: entry})
		})
	})
}
