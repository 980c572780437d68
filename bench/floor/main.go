// Command floor is the yardstick of the benchmarks: the smallest honest program that does a payment gateway's first job.
// It checks a HaloPay request's HMAC, parses its JSON, keeps one durable row and answers with signed JSON. It has no
// ledger, no events, no rules and one app, so a feature-complete gateway is measured by how near it comes.
//
// Rows go out in group commits: while one commit waits for the disk, the next group gathers. Nothing is answered before
// its commit returned, unless -fault asks for a defect that the crash scenario must then find.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/pprof"
	"strings"
	"syscall"

	"florin/bench/posting"
)

func main() {
	var o options
	flag.StringVar(&o.db, "db", "sqlite:floor.db", "sqlite:FILE or postgres://…")
	flag.StringVar(&o.listen, "listen", "127.0.0.1:8080", "address to serve on")
	flag.StringVar(&o.appID, "app", "", "the one X-Appid that is known")
	flag.StringVar(&o.appKey, "key", "", "its AppKey")
	flag.IntVar(&o.writers, "writers", 1, "PostgreSQL connections that commit groups")
	flag.IntVar(&o.groupMax, "group", 256, "most rows in one commit")
	flag.StringVar(&o.pragmas, "pragmas", "", "more SQLite pragmas: name(value),…")
	flag.StringVar(&o.fault, "fault", "", "a planted defect: ack-early | forget-reference")
	flag.StringVar(&o.profile, "cpuprofile", "", "write a CPU profile there until stopped")
	flag.BoolVar(&o.books, "books", false, "post double entries instead of serving, and print what came of it")
	o.posting.Flags(flag.CommandLine)
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

type options struct {
	db, listen, appID, appKey string
	writers, groupMax         int
	pragmas                   string
	fault                     string
	profile                   string
	books                     bool
	posting                   posting.Config
}

func run(o options) error {
	if !o.books && (o.appID == "" || o.appKey == "") {
		return errors.New("-app and -key are needed")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if o.profile != "" {
		f, err := os.Create(o.profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	if o.books {
		return books(ctx, o, o.posting, os.Stdout)
	}
	db, err := open(ctx, o)
	if err != nil {
		return fmt.Errorf("open %s: %w", o.db, err)
	}
	srv := &http.Server{Handler: newServer(o, db).routes()}
	l, err := net.Listen("tcp", o.listen)
	if err != nil {
		return err
	}
	go func() {
		<-ctx.Done()
		srv.Close()
	}()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// open gives the write door and the reader of the database that the URL names.
func open(ctx context.Context, o options) (*database, error) {
	if file, ok := strings.CutPrefix(o.db, "sqlite:"); ok {
		return openSQLite(ctx, file, o)
	}
	return openPostgres(ctx, o)
}
