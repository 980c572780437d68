package realchain

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"florin/internal/peer"
	"florin/test/clients/ccpayment"
	"florin/test/clients/payprotocol"
	"florin/test/clients/script"
)

// newSimulation is an installation as it comes: with the simulated chains, whose blocks come by themselves, and the prices
// of test mode.
func newSimulation(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, florin: peer.NewFlorin(t, "")}
	w.florin.Serve()
	return w
}

// simulated pays an amount of USDT to an order's or a user's address, and returns the transaction's id.
func (w *world) simulated(address, amount string) (txid string, err error) {
	out, diagnostics, status := w.florin.Try("sim", "pay", "--order", address, "--asset", "USDT@sim-ethereum", "--amount", amount, "--json")
	if status != 0 {
		return "", fmt.Errorf("sim pay: %s%s", out, diagnostics)
	}
	var paid struct{ TxID string }
	return paid.TxID, json.Unmarshal([]byte(out), &paid)
}

// TestCCPaymentJourneySimulated is the journey in test mode: nothing has to be approved, and blocks need nobody.
func TestCCPaymentJourneySimulated(t *testing.T) {
	t.Parallel()
	w := newSimulation(t)
	port, err := script.FreePort()
	w.must(err)
	app, secret := w.florin.AddAppOf("ccpayment", "--mode", "test", "--webhook", ccpayment.Callback(port))
	w.florin.Run("payout", "rules", app, "--on")
	payee := "0x7000000000000000000000000000000000000001"
	end, err := ccpayment.Journey(t.Context(), ccpayment.Config{
		URL: w.florin.URL, AppID: app, Secret: secret, Port: port, Crypto: "USDT", Chain: "ETH", Price: "5", Reference: "j",
		Payee: payee, Payout: "1", Patience: 2 * patience,
		Pay: func(_ context.Context, p ccpayment.Payment) (string, error) { return w.simulated(p.Address, p.Amount) },
		Refund: func(_ context.Context, orderID string) error {
			w.florin.Run("refund", "create", orderID, "--to", payee, "--by", "otto")
			return nil
		},
	})
	w.must(err)
	if end.Earned != "8" {
		t.Errorf("%+v", end)
	}
	w.verify()
	for _, args := range [][]string{
		{"--asset", "USDT", "--amount", "3"}, {"--asset", "USDT@sim-ethereum"}, {"--amount", "3"}, {"--asset", "USDT@ethereum", "--amount", "3"},
		{"--asset", "DOGE@sim-ethereum", "--amount", "3"},
	} {
		if out, _, status := w.florin.Try(append([]string{"sim", "pay", "--order", end.DepositAddress}, args...)...); status == 0 {
			t.Errorf("paid by %q: %s", args, out)
		}
	}
}

// TestPayProtocolJourneySimulated: so is this one; callbacks may go by http, and the repair is done by the desk.
func TestPayProtocolJourneySimulated(t *testing.T) {
	t.Parallel()
	w := newSimulation(t)
	port, err := script.FreePort()
	w.must(err)
	key, secret := w.florin.AddAppOf("payprotocol", "--mode", "test", "--webhook", payprotocol.Callback(port))
	w.florin.Run("payout", "rules", key, "--on")
	_, err = payprotocol.Journey(t.Context(), payprotocol.Config{
		URL: w.florin.URL, Key: key, Secret: secret, Port: port, Chain: "Ethereum (test)", Symbol: "USDT", Price: "5", Reference: "j",
		Payee: "0x7000000000000000000000000000000000000001", Payout: "1.5", Patience: 2 * patience,
		Pay: func(_ context.Context, p payprotocol.Payment) (string, error) {
			return w.simulated(p.Address, p.Amount)
		},
		Repair: func(_ context.Context, a payprotocol.Abnormal) error {
			var rows []row
			w.must(json.Unmarshal([]byte(w.florin.Run("desk", "list", "--app", key, "--json")), &rows))
			if len(rows) != 1 || rows[0].TxID != a.TransferHash {
				return errors.New("the desk has it not")
			}
			w.florin.Run("desk", "attach", rows[0].ID, "--order", a.OutPaymentNo, "--by", "anna")
			return nil
		},
	})
	w.must(err)
	w.verify()
}

// verify has the program verify its books.
func (w *world) verify() {
	w.t.Helper()
	var report struct {
		OK      bool
		Entries int
	}
	w.must(json.Unmarshal([]byte(w.florin.Run("ledger", "verify", "--json")), &report))
	if !report.OK || report.Entries == 0 {
		w.t.Errorf("ledger verify: %+v", report)
	}
}
