package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"
	"time"

	"florin/internal/chain/sim"
	"florin/internal/engine"
	"florin/internal/payment"
	"florin/internal/store"
	"florin/internal/store/query"
)

// simCommand is what happens on simulated networks. The serving process carries it out (rulings
// G22), since it alone holds the chain; the command waits for its answer.
type simCommand struct {
	Pay  simPay  `cmd:"" help:"Pay a test-mode order."`
	Mine simMine `cmd:"" help:"Make blocks."`
	Fork simFork `cmd:"" help:"Replace the newest blocks."`
}

// simWait is how long a command waits for the serving process, and simPoll how often it looks.
const (
	simWait = 10 * time.Second
	simPoll = 25 * time.Millisecond
)

// simRequest is one command on its way to the serving process: exactly one field is set.
type simRequest struct {
	Pay  *simPay  `json:"pay,omitempty"`
	Mine *simMine `json:"mine,omitempty"`
	Fork *simFork `json:"fork,omitempty"`
}

type simPay struct {
	Order  string `required:"" json:"order" help:"The order: our id, its number, a deposit address, or the URL of its page."`
	Asset  string `json:"asset,omitempty" help:"SYMBOL or SYMBOL@CHAIN; what the payer chose, else the first on offer. SYMBOL@CHAIN where every asset is taken."`
	Amount string `json:"amount,omitempty" help:"Of whole units; the remainder unless told."`
	Fail   bool   `json:"fail,omitempty" help:"The transaction fails."`
	How    string `json:"how,omitempty" enum:",internal,silent" default:"" help:"internal: coin from inside a contract; silent: a token without event."`
	Token  string `json:"token,omitempty" help:"A look-alike contract that nobody lists, instead of an asset." placeholder:"CONTRACT"`
}

type simMine struct {
	Chain  string `json:"chain" default:"sim-ethereum" help:"The network."`
	Blocks int    `json:"blocks" default:"1" help:"How many."`
}

type simFork struct {
	Chain string `json:"chain" default:"sim-ethereum" help:"The network."`
	Depth uint64 `json:"depth" default:"1" help:"How many blocks go."`
	Fate  string `json:"fate,omitempty" enum:",again,wait,gone" default:"" help:"What becomes of their transactions: again in the new blocks (the default), wait for a later one, or gone."`
}

func (c *simPay) Run(r *run) error {
	var t sim.Transfer
	if err := ask(r, simRequest{Pay: c}, &t); err != nil {
		return err
	}
	return r.print(t, "%s %s to %s: %s", t.Amount, t.Asset, t.To, t.TxID)
}

func (c *simMine) Run(r *run) error {
	var m sim.Mined
	if err := ask(r, simRequest{Mine: c}, &m); err != nil {
		return err
	}
	return r.print(m, "%s is at %d, %s", m.Chain, m.Height, m.Hash)
}

func (c *simFork) Run(r *run) error {
	var f sim.Forked
	if err := ask(r, simRequest{Fork: c}, &f); err != nil {
		return err
	}
	return r.print(f, "%s is at %d, %s; %d transactions wait", f.Chain, f.Height, f.Hash, len(f.Waiting))
}

// ask hands the request to the serving process and waits for its answer. Nobody's answer takes the
// request back, so that a server that starts later does not carry it out.
func ask(r *run, request simRequest, answer any) error {
	return withProgram(r, func(p *program) error {
		doc, err := json.Marshal(request)
		if err != nil {
			return err
		}
		asked := p.clock.Now()
		commandID := p.ids.Make("sim", asked)
		if err := p.db.Update(r, "sim_commands", func(ctx context.Context, tx *store.Tx) error {
			return tx.InsertSimCommand(ctx, query.InsertSimCommandParams{ID: commandID, Command: string(doc), CreatedAt: asked.UnixMicro()})
		}); err != nil {
			return fmt.Errorf("hand over the command: %w", err)
		}
		for p.clock.Since(asked) < simWait {
			row, err := p.db.SimCommand(r, commandID)
			if err != nil {
				return fmt.Errorf("look for the answer: %w", err)
			}
			switch row.Status {
			case "done":
				return decode(row.Answer, answer)
			case "failed":
				return errors.New(row.Answer)
			}
			select {
			case <-r.Done():
				return errors.Join(r.Err(), p.answer(context.WithoutCancel(r), commandID, "failed", "taken back"))
			case <-p.clock.After(simPoll):
			}
		}
		return errors.Join(errNoServer, p.answer(r, commandID, "failed", "taken back"))
	})
}

var errNoServer = fmt.Errorf("no answer within %s: is `florin serve` running on this database?", simWait)

// answer writes what came of a command.
func (p *program) answer(ctx context.Context, commandID, status, text string) error {
	err := p.db.Update(ctx, "sim_commands", func(ctx context.Context, tx *store.Tx) error {
		return tx.AnswerSimCommand(ctx, query.AnswerSimCommandParams{ID: commandID, Status: status, Answer: text})
	})
	if err != nil {
		return fmt.Errorf("answer sim command %s: %w", commandID, err)
	}
	return nil
}

// runSimCommands carries out what `florin sim` asked for.
func (s *server) runSimCommands(ctx context.Context) (done int, err error) {
	rows, err := s.db.WaitingSimCommands(ctx)
	if err != nil {
		return 0, fmt.Errorf("list sim commands: %w", err)
	}
	for _, row := range rows {
		if ours, err := s.takeSim(ctx, row.ID); err != nil {
			return done, err
		} else if !ours {
			continue
		}
		status := "done"
		answer, err := s.simulate(ctx, row.Command)
		if err != nil {
			status, answer = "failed", sentence(err)
		}
		s.mining.mined.ring()
		if err := s.answer(ctx, row.ID, status, answer); err != nil {
			return done, err
		}
		done++
	}
	return done, nil
}

// simLease is how long a command is a node's own: of several on one database, one may pay.
const simLease = 30 * time.Second

// takeSim takes the lease of a command and reports whether it is ours.
func (s *server) takeSim(ctx context.Context, commandID string) (ours bool, err error) {
	now := s.clock.Now()
	err = s.db.Update(ctx, "sim_commands", func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.TakeLease(ctx, query.TakeLeaseParams{
			Name: commandID, Owner: s.name, LeasedUntil: now.Add(simLease).UnixMicro(), Now: now.UnixMicro(),
		})
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("take sim command %s: %w", commandID, err)
	}
	return true, nil
}

func (p *program) simulate(ctx context.Context, command string) (string, error) {
	var request simRequest
	if err := decode(command, &request); err != nil {
		return "", err
	}
	commands := sim.Commands{Networks: p.simulated}
	var result any
	var err error
	switch {
	case request.Pay != nil:
		result, err = p.simulatePayment(ctx, *request.Pay)
	case request.Mine != nil:
		result, err = commands.Mine(ctx, request.Mine.Chain, request.Mine.Blocks)
	case request.Fork != nil:
		result, err = commands.Fork(ctx, request.Fork.Chain, request.Fork.Depth, 0, sim.Fate(request.Fork.Fate))
	default:
		err = errors.New("empty command")
	}
	if err != nil {
		return "", err
	}
	answer, err := json.Marshal(result)
	return string(answer), err
}

// simulatePayment pays an order as a payer would, who picks an asset first if none is picked.
func (p *program) simulatePayment(ctx context.Context, c simPay) (sim.Transfer, error) {
	v, err := p.findOrder(ctx, c.Order)
	if err != nil {
		return sim.Transfer{}, err
	}
	if v.App.Mode != engine.Test {
		return sim.Transfer{}, errors.New("only test-mode orders are paid on the simulated network")
	}
	if len(v.Addresses) > 0 {
		return p.simulateDeposit(ctx, v, c)
	}
	code, err := assetFor(v, c.Asset)
	if err != nil {
		return sim.Transfer{}, err
	}
	if !v.Chosen() {
		if err := p.engine.ChooseAsset(ctx, v.Number, code); err != nil {
			return sim.Transfer{}, err
		}
		if v, err = p.findOrder(ctx, c.Order); err != nil {
			return sim.Transfer{}, err
		}
	}
	amount := c.Amount
	if amount == "" {
		rest := v.Remainder()
		if rest.IsZero() { // it is paid, or a code that has no price
			return sim.Transfer{}, errors.New("nothing is due there: --amount says what is paid")
		}
		amount = rest.Decimal()
	}
	if c.Token != "" {
		code = c.Token + "@" + v.Network.Name
	}
	return p.simulateTransfer(ctx, c, code, v.Address, amount)
}

// simulateDeposit pays to an address that takes every asset, on the network that the asset names.
func (p *program) simulateDeposit(ctx context.Context, v engine.OrderView, c simPay) (sim.Transfer, error) {
	symbol, network, named := strings.Cut(c.Asset, "@")
	if !named || c.Amount == "" {
		return sim.Transfer{}, errors.New("every asset is taken there: --asset SYMBOL@CHAIN and --amount say what is paid")
	}
	address, ok := v.Addresses[network]
	if !ok {
		return sim.Transfer{}, fmt.Errorf("it has no address on %q", network)
	}
	return p.simulateTransfer(ctx, c, cmp.Or(c.Token, symbol)+"@"+network, address, c.Amount)
}

func (p *program) simulateTransfer(ctx context.Context, c simPay, asset, to, amount string) (sim.Transfer, error) {
	return sim.Commands{Networks: p.simulated}.Pay(ctx, sim.Payment{
		Asset: asset, To: to, Amount: amount, How: sim.How(c.How), Fails: c.Fail, Waits: true,
	})
}

// findOrder finds an order by our id, its number, its deposit address, or its page: the URL, or the token in it.
func (p *program) findOrder(ctx context.Context, name string) (engine.OrderView, error) {
	name = pageToken(name)
	if row, err := p.db.DepositAddress(ctx, name); err == nil {
		name = row.OrderID
	} else if !errors.Is(err, store.ErrNotFound) {
		return engine.OrderView{}, fmt.Errorf("look for address %s: %w", name, err)
	}
	if strings.HasPrefix(name, "ord_") {
		o, err := p.db.FindOrder(ctx, name)
		if errors.Is(err, store.ErrNotFound) {
			return engine.OrderView{}, payment.Refuse(payment.CodeNotFound, "no such order")
		}
		if err != nil {
			return engine.OrderView{}, err
		}
		name = o.Number
	}
	v, err := p.engine.OrderToPay(ctx, name)
	if refusal := (*payment.Error)(nil); errors.As(err, &refusal) && refusal.Code == payment.CodeNotFound {
		return p.engine.PageToPay(ctx, name)
	}
	return v, err
}

// pageToken is what the URL of an order's page calls the order; anything else is as it came.
func pageToken(name string) string {
	u, err := url.Parse(name)
	switch {
	case err != nil:
		return name
	case u.Query().Has("apiSign"):
		return u.Query().Get("apiSign")
	case u.Host != "":
		return path.Base(u.Path)
	}
	return name
}

// assetFor reads SYMBOL[@CHAIN]; "" is what the payer chose, else the first on offer.
func assetFor(v engine.OrderView, name string) (string, error) {
	chosen := v.Due.Asset()
	if name == "" && v.Chosen() {
		return chosen.Code(), nil
	}
	if strings.Contains(name, "@") {
		return name, nil
	}
	if v.Chosen() && (name == "" || chosen.Symbol() == name) {
		return chosen.Code(), nil
	}
	for _, offer := range v.Offers {
		if name == "" || offer.Asset.Symbol() == name {
			return offer.Asset.Code(), nil
		}
	}
	if v.Chosen() { // another asset on the chain that was chosen: a payer's mistake
		for _, t := range v.Network.Tokens {
			if t.Symbol == name {
				return v.Network.Asset(t).Code(), nil
			}
		}
	}
	return "", fmt.Errorf("the order cannot be paid in %q", name)
}
