package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"florin/contracts"
	"florin/internal/chain"
	"florin/internal/chain/evm"
)

type chainCommand struct {
	List          chainList          `cmd:"" help:"List the networks: assets, how far they are followed, where their nodes are."`
	DeployFactory chainDeployFactory `cmd:"" help:"Print the transactions that put the factory of deposit addresses, and what sweeps them, on a chain."`
}

type chainList struct{}

// networkJSON is what --json prints of a network.
type networkJSON struct {
	Name          string      `json:"name"`
	Mode          string      `json:"mode"` // "live" or "test"; of the catalogue and not used: "off", or "planned"
	ChainID       int64       `json:"chain_id"`
	Confirmations uint64      `json:"confirmations"`
	Assets        []assetJSON `json:"assets"`
	Treasury      string      `json:"treasury,omitempty"`
	Factory       string      `json:"factory,omitempty"`  // of live networks
	Followed      *heightJSON `json:"followed,omitempty"` // absent before the first block
	Head          *heightJSON `json:"head,omitempty"`     // absent for simulated networks, and when no node answers
	Problem       string      `json:"problem,omitempty"`
}

type assetJSON struct {
	Code     string `json:"code"`
	Contract string `json:"contract,omitempty"` // absent for the native coin
	Decimals int    `json:"decimals"`
	Disabled string `json:"disabled,omitempty"` // why it is not offered
}

type heightJSON struct {
	Height uint64    `json:"height"`
	Time   time.Time `json:"time"`
}

func (c *chainList) Run(r *run) error {
	return withProgram(r, func(p *program) error {
		list := make([]networkJSON, 0, len(p.engine.Networks()))
		for _, n := range p.engine.Networks() {
			j := networkJSON{Name: n.Name, Mode: "test", ChainID: n.ChainID, Confirmations: n.Confirmations, Treasury: n.Treasury}
			if n.Live() {
				j.Mode = "live"
			}
			j.list(n.Network)
			cursor, ok, err := p.engine.Cursor(r, n.Name)
			if err != nil {
				return err
			}
			if ok {
				j.Followed = &heightJSON{cursor.Height, cursor.Time}
			}
			list = append(list, j)
		}
		p.askNodes(r, list)
		list, err := p.unused(list)
		if err != nil {
			return err
		}
		var text strings.Builder
		for _, j := range list {
			j.write(&text)
		}
		return r.print(list, "%s", strings.TrimSuffix(text.String(), "\n"))
	})
}

// list adds the assets of n.
func (j *networkJSON) list(n chain.Network) {
	for _, t := range n.Tokens {
		j.Assets = append(j.Assets, assetJSON{Code: n.Asset(t).Code(), Contract: t.Contract, Decimals: t.Decimals})
	}
}

// unused adds to list what else the catalogue has.
func (p *program) unused(list []networkJSON) ([]networkJSON, error) {
	off, err := chain.Catalogue()
	if err != nil {
		return nil, err
	}
	planned, err := chain.Planned()
	if err != nil {
		return nil, err
	}
	for _, n := range slices.Concat(off, planned) {
		if n.TestOf != "" || slices.ContainsFunc(p.live, func(l liveNetwork) bool { return l.Name == n.Name }) {
			continue
		}
		j := networkJSON{Name: n.Name, Mode: "off", ChainID: n.ChainID, Confirmations: n.Confirmations}
		if n.Planned {
			j.Mode = "planned"
		}
		j.list(n)
		list = append(list, j)
	}
	return list, nil
}

// askNodes completes list, which begins with the live networks, with what their nodes say.
func (p *program) askNodes(ctx context.Context, list []networkJSON) {
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	var asking sync.WaitGroup
	for i, n := range p.live {
		asking.Go(func() {
			j := &list[i]
			j.Factory = n.factory
			bad, err := n.check(ctx)
			for k, asset := range j.Assets {
				for a, reason := range bad {
					if a.Code() == asset.Code {
						j.Assets[k].Disabled = reason
					}
				}
			}
			var head chain.BlockRef
			if err == nil || errors.Is(err, evm.ErrNoFactory) {
				var unheard error
				if head, unheard = n.client.Head(ctx); unheard == nil {
					j.Head = &heightJSON{head.Height, head.Time}
				}
				err = errors.Join(err, unheard)
			}
			if err != nil {
				j.Problem = sentence(err)
			}
		})
	}
	asking.Wait()
}

// write writes a network for people.
func (j networkJSON) write(text *strings.Builder) {
	var codes []string
	for _, a := range j.Assets {
		code, _, _ := strings.Cut(a.Code, "@")
		if a.Disabled != "" {
			code += " (disabled: " + a.Disabled + ")"
		}
		codes = append(codes, code)
	}
	id := fmt.Sprintf("chain id %d", j.ChainID)
	if j.ChainID == 0 {
		id = "no chain id of its own"
	}
	fmt.Fprintf(text, "%s  %s, %s, %d confirmations  %s\n", j.Name, j.Mode, id, j.Confirmations, strings.Join(codes, " "))
	switch j.Mode {
	case "off":
		text.WriteString("    a [[chain]] block turns it on\n")
		return
	case "planned":
		text.WriteString("    not there yet\n")
		return
	}
	followed := "not followed yet"
	if j.Followed != nil {
		followed = fmt.Sprintf("followed to %d", j.Followed.Height)
	}
	if j.Head != nil {
		followed += fmt.Sprintf(", head %d of %s", j.Head.Height, j.Head.Time.Format(time.RFC3339))
	}
	fmt.Fprintf(text, "    %s\n", followed)
	if j.Factory != "" {
		fmt.Fprintf(text, "    factory %s, treasury %s\n", j.Factory, j.Treasury)
	}
	if j.Problem != "" {
		fmt.Fprintf(text, "    problem: %s\n", j.Problem)
	}
}

type chainDeployFactory struct{}

// Run prints two transactions and sends nothing. Anybody may send them, and they have the same effect
// on every chain.
func (c *chainDeployFactory) Run(r *run) error {
	answer := struct {
		To          string `json:"to"`
		Data        string `json:"data"`
		Factory     string `json:"factory"`
		SweeperData string `json:"sweeper_data"`
		Sweeper     string `json:"sweeper"`
	}{
		contracts.Hex(contracts.Deployer[:]).String(), contracts.Hex(contracts.FactoryDeployment()).String(), evm.Factory().String(),
		contracts.Hex(contracts.SweeperDeployment()).String(), evm.Sweeper().String(),
	}
	return r.print(answer, `Send these two transactions, with no value, from any wallet on each chain that does not have them yet:

to       %s   (the deterministic deployment proxy, which is on nearly every chain)
data     %s

puts the factory of deposit addresses at %s, and

to       %s
data     %s

the sweeper, which brings home what lies at many of them, at %s. florin doctor says whether they are there.`,
		answer.To, answer.Data, answer.Factory, answer.To, answer.SweeperData, answer.Sweeper)
}
