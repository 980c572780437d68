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
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"florin/internal/clock"
	"florin/internal/payment"
)

// What the exit status says.
const (
	exitDone    = 0
	exitRefused = 1
	exitUsage   = 2
)

// commands is the command line. Every flag is also an environment variable FLORIN_X_Y, and every
// setting a key in florin.toml, in that order of strength.
type commands struct {
	serveLine

	Demo      demoCommand      `cmd:"" help:"Everything in one process on an empty machine, with a sample shop."`
	Merchant  merchantCommand  `cmd:"" help:"Merchants."`
	App       appCommand       `cmd:"" help:"A merchant's credentials in one protocol."`
	Database  databaseCommand  `cmd:"" name:"db" help:"The database."`
	Ledger    ledgerCommand    `cmd:"" help:"The books."`
	Static    staticCommand    `cmd:"" help:"Addresses that are paid again and again."`
	Invoice   invoiceCommand   `cmd:"" help:"Invoices of CCPayment apps."`
	Webhook   webhookCommand   `cmd:"" help:"News to merchants."`
	Address   addressCommand   `cmd:"" help:"Where money is received."`
	Payout    payoutCommand    `cmd:"" help:"Money on its way out."`
	Desk      deskCommand      `cmd:"" help:"Transfers that no rule could place."`
	Refund    refundCommand    `cmd:"" help:"Money on its way back."`
	Sweep     sweepCommand     `cmd:"" help:"Bring home what lies at deposit addresses."`
	Reconcile reconcileCommand `cmd:"" help:"Compare the books with the chains."`
	Key       keyCommand       `cmd:"" help:"The accounts that money leaves from."`
	Chain     chainCommand     `cmd:"" help:"The networks that orders are paid on."`
	Sim       simCommand       `cmd:"" help:"What happens on the simulated networks of test-mode apps."`
	Doctor    doctorCommand    `cmd:"" help:"What is wrong with this installation and how to mend it."`
}

// serveLine is the part that serve needs. It is read alone then: to read all commands takes a third of a start.
type serveLine struct {
	Settings `group:"settings"`

	Serve serveCommand `cmd:"" help:"Serve merchants and payers."`
}

// grammar is how args are read into c.
func (c *commands) grammar(args []string) any {
	if len(args) > 0 && args[0] == "serve" {
		return &c.serveLine
	}
	return c
}

// run is what a command gets: where to print, and until when to work.
type run struct {
	context.Context
	Settings
	clock clock.Clock
	out   io.Writer
	log   *slog.Logger
}

// print writes v as JSON with --json, else as text; of an empty text nothing.
func (r *run) print(v any, text string, args ...any) error {
	if !r.JSON {
		said := fmt.Sprintf(text, args...)
		if said == "" {
			return nil
		}
		_, err := fmt.Fprintln(r.out, said)
		return err
	}
	enc := json.NewEncoder(r.out)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// Main runs the program and returns its exit status: 0, 1 for a refusal, 2 for bad usage. The first
// SIGINT or SIGTERM asks it to end, a second one ends it at once.
func Main(args []string, out, errOut io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	defer context.AfterFunc(ctx, stop)()
	return Run(ctx, args, out, errOut)
}

// Run is Main that ends with ctx.
func Run(ctx context.Context, args []string, out, errOut io.Writer) int {
	return runAt(ctx, clock.System{}, args, out, errOut)
}

// runAt is Run on any clock.
func runAt(ctx context.Context, clk clock.Clock, args []string, out, errOut io.Writer) int {
	var c commands
	config := readConfig(args)
	status := -1
	parser, err := newParser(c.grammar(args), config, out, errOut, func(code int) { status = code })
	if err != nil {
		fmt.Fprintln(errOut, "florin:", err)
		return exitUsage
	}
	parsed, err := parser.Parse(args)
	if status >= 0 { // --help
		return status
	}
	if err != nil {
		fmt.Fprintf(errOut, "florin: %s (florin --help lists what there is)\n", sentence(err))
		return exitUsage
	}
	c.Chains = config.chains
	log := slog.New(slog.NewTextHandler(errOut, &slog.HandlerOptions{Level: c.LogLevel}))
	err = parsed.Run(&run{Context: ctx, Settings: c.Settings, clock: clk, out: out, log: log})
	if err == nil {
		return exitDone
	}
	fmt.Fprintln(errOut, "florin:", sentence(err))
	if usage := usageError(""); errors.As(err, &usage) {
		return exitUsage
	}
	return exitRefused
}

// newParser returns a reader of the command line into grammar. exit is called by --help.
func newParser(grammar any, config configuration, out, errOut io.Writer, exit func(code int)) (*kong.Kong, error) {
	return kong.New(grammar,
		kong.Name("florin"),
		kong.Description("A payment gateway that merchants run themselves."),
		kong.DefaultEnvars("FLORIN"),
		kong.ExplicitGroups([]kong.Group{{Key: "settings", Title: "Settings, the same for every command:"}}),
		kong.Resolvers(config),
		kong.TypeMapper(reflect.TypeFor[prefix](), prefixMapper{}),
		kong.Writers(out, errOut),
		kong.Exit(exit),
	)
}

// usageError is a wrong use of a command that its flags alone cannot show.
type usageError string

func (e usageError) Error() string { return string(e) }

// sentence is err on one line, as people want to read it: a refusal without its code.
func sentence(err error) string {
	text := err.Error()
	if refusal := (*payment.Error)(nil); errors.As(err, &refusal) {
		said := refusal.Text
		if refusal.Field != "" {
			said = refusal.Field + ": " + said
		}
		text = strings.Replace(text, refusal.Error(), said, 1)
	}
	return strings.ReplaceAll(text, "\n", "; ")
}
