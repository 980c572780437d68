// Package app wires Florin together: configuration, the commands, the order in which the parts
// start and stop. Nothing imports it but cmd/florin and tests.
package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"reflect"
	"syscall"

	"github.com/alecthomas/kong"
)

// What the exit status says.
const (
	exitDone    = 0
	exitRefused = 1
	exitUsage   = 2
)

// commands is the command line. Every flag is also an environment variable FLORIN_X_Y and a key
// in florin.toml, in that order of strength.
type commands struct {
	Settings

	Serve    serveCommand    `cmd:"" help:"Serve merchants and payers."`
	Demo     demoCommand     `cmd:"" help:"Everything in one process on an empty machine, with a sample shop."`
	Merchant merchantCommand `cmd:"" help:"Merchants."`
	App      appCommand      `cmd:"" help:"A merchant's credentials in one protocol."`
	Database databaseCommand `cmd:"" name:"db" help:"The database."`
	Ledger   ledgerCommand   `cmd:"" help:"The books."`
	Webhook  webhookCommand  `cmd:"" help:"News to merchants."`
	Sim      simCommand      `cmd:"" help:"What happens on the simulated networks of test-mode apps."`
	Doctor   doctorCommand   `cmd:"" help:"What is wrong with this installation and how to mend it."`
}

// run is what a command gets: where to print, and until when to work.
type run struct {
	context.Context
	Settings
	out, err io.Writer
	log      *slog.Logger
}

// print writes v as JSON with --json, else as text.
func (r *run) print(v any, text string, args ...any) error {
	if !r.JSON {
		_, err := fmt.Fprintf(r.out, text+"\n", args...)
		return err
	}
	enc := json.NewEncoder(r.out)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// Main runs the program and returns its exit status: 0, 1 for a refusal, 2 for bad usage. It ends
// at SIGINT and SIGTERM.
func Main(args []string, out, errOut io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return Run(ctx, args, out, errOut)
}

// Run is Main that ends with ctx.
func Run(ctx context.Context, args []string, out, errOut io.Writer) int {
	var c commands
	status := -1
	parser, err := kong.New(&c,
		kong.Name("florin"),
		kong.Description("A payment gateway that merchants run themselves."),
		kong.DefaultEnvars("FLORIN"),
		kong.Resolvers(configFile(args)),
		kong.TypeMapper(reflect.TypeFor[prefix](), prefixMapper{}),
		kong.Writers(out, errOut),
		kong.Exit(func(code int) { status = code }),
		kong.UsageOnError(),
	)
	if err != nil {
		fmt.Fprintln(errOut, "florin:", err)
		return exitUsage
	}
	parsed, err := parser.Parse(args)
	if status >= 0 { // --help
		return status
	}
	if err != nil {
		fmt.Fprintln(errOut, "florin:", err)
		return exitUsage
	}
	log := slog.New(slog.NewTextHandler(errOut, &slog.HandlerOptions{Level: c.LogLevel}))
	err = parsed.Run(&run{Context: ctx, Settings: c.Settings, out: out, err: errOut, log: log})
	var usage usageError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &usage):
		fmt.Fprintln(errOut, "florin:", err)
		return exitUsage
	default:
		fmt.Fprintln(errOut, "florin:", err)
		return exitRefused
	}
}

// usageError is a wrong use of a command that its flags alone cannot show.
type usageError string

func (e usageError) Error() string { return string(e) }
