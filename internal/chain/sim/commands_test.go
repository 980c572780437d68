package sim_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"florin/internal/chain/sim"
)

func TestCommands(t *testing.T) {
	n, _ := fresh(t)
	commands := sim.Commands{Networks: []*sim.Network{n}}
	show := func(result any, err error) map[string]any {
		t.Helper()
		must(t, err)
		text, err := json.Marshal(result)
		must(t, err)
		var out map[string]any
		must(t, json.Unmarshal(text, &out))
		return out
	}
	check := func(name string, got map[string]any, want map[string]any) {
		t.Helper()
		for key, value := range want {
			if got[key] != value {
				t.Errorf("%s: %s is %v, want %v", name, key, got[key], value)
			}
		}
	}
	pay := func(p sim.Payment) map[string]any { return show(commands.Pay(t.Context(), p)) }

	paid := pay(sim.Payment{Asset: "USDT@sim-ethereum", To: strings.ToLower(alice), Amount: "4.998045"})
	check("pay", paid, map[string]any{
		"chain": "sim-ethereum", "position": "log:0", "asset": "USDT@sim-ethereum", "amount": "4.998045", "to": alice, "height": 1.0,
	})
	if id, _ := paid["txid"].(string); len(id) != 66 {
		t.Errorf("txid %q", id)
	}
	check("coin", pay(sim.Payment{Asset: "ETH@sim-ethereum", To: alice, Amount: "0.5"}), map[string]any{"position": "native", "height": 2.0})
	check("from a contract", pay(sim.Payment{Asset: "ETH@sim-ethereum", To: alice, Amount: "1", How: sim.Internally}), map[string]any{"position": nil, "height": 3.0})
	check("wrong token", pay(sim.Payment{Asset: sim.LookAlike + "@sim-ethereum", To: alice, Amount: "1000"}), map[string]any{
		"asset": sim.LookAlike + "@sim-ethereum", "amount": "1000", "position": "log:0",
	})
	check("failed", pay(sim.Payment{Asset: "USDT@sim-ethereum", To: alice, Amount: "1", Fails: true}), map[string]any{"failed": true, "position": nil, "height": 5.0})
	check("waits", pay(sim.Payment{Asset: "USDT@sim-ethereum", To: alice, Amount: "1", Waits: true}), map[string]any{"height": nil, "position": "log:0"})
	check("mine", show(commands.Mine(t.Context(), "sim-ethereum", 3)), map[string]any{"chain": "sim-ethereum", "height": 8.0})
	check("fork", show(commands.Fork(t.Context(), "sim-ethereum", 4, 0, "")), map[string]any{"height": 9.0, "depth": 4.0, "waiting": nil})
	forked, err := commands.Fork(t.Context(), "sim-ethereum", 9, 1, sim.Wait)
	must(t, err)
	if forked.Height != 1 || len(forked.Waiting) != 6 {
		t.Errorf("a fork down to one block: %+v", forked)
	}
}

func TestCommandsRefuse(t *testing.T) {
	n, _ := fresh(t)
	commands := sim.Commands{Networks: []*sim.Network{n}}
	for _, p := range []sim.Payment{
		{Asset: "USDT@ethereum", To: alice, Amount: "1"},
		{Asset: "USDT", To: alice, Amount: "1"},
		{Asset: "DOGE@sim-ethereum", To: alice, Amount: "1"},
		{Asset: "USDT@sim-ethereum", To: alice, Amount: "1.0000001"},
		{Asset: "USDT@sim-ethereum", To: alice, Amount: "-1"},
		{Asset: "USDT@sim-ethereum", To: "alice", Amount: "1"},
	} {
		if got, err := commands.Pay(t.Context(), p); !errors.Is(err, sim.ErrRefused) {
			t.Errorf("%+v: %+v, %v", p, got, err)
		}
	}
	if _, err := commands.Mine(t.Context(), "bitcoin", 1); !errors.Is(err, sim.ErrRefused) {
		t.Errorf("mine elsewhere: %v", err)
	}
	if _, err := commands.Fork(t.Context(), "sim-ethereum", 1, 0, ""); !errors.Is(err, sim.ErrRefused) {
		t.Errorf("fork an empty chain: %v", err)
	}
}
