package treasury_test

import (
	"encoding/hex"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"

	"florin/contracts"
	"florin/contracts/contractstest"
	"florin/internal/chain"
	"florin/internal/chain/evm"
	"florin/internal/chain/evmaddr"
	"florin/internal/clock"
	"florin/internal/engine"
	"florin/internal/id"
	"florin/internal/keys"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/peer"
	"florin/internal/rates"
	"florin/internal/store"
	"florin/internal/treasury"
)

// devKey is a private key that anybody has.
type devKey struct{ *secp256k1.PrivateKey }

func (k devKey) Address() (a [20]byte) {
	sum := evmaddr.Keccak256(k.PubKey().SerializeUncompressed()[1:])
	copy(a[:], sum[12:])
	return a
}

func (k devKey) SignDigest(digest [32]byte) (s [65]byte, err error) {
	compact := ecdsa.SignCompact(k.PrivateKey, digest[:], false)
	copy(s[:], compact[1:])
	s[64] = compact[0] - 27
	return s, nil
}

// The whole way on real nodes: fifty orders are paid, their addresses are swept in one transaction,
// and the books agree with the chain before and after.
func TestC29_SweepOfFiftyOnRealChains(t *testing.T) {
	for name, start := range map[string]func(testing.TB, ...string) *peer.EVM{"anvil": peer.Anvil, "geth": peer.Geth} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sweepFifty(t, start(t))
		})
	}
}

func sweepFifty(t *testing.T, node *peer.EVM) {
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	node.Automine(true)
	owner := []string{"--private-key", node.Accounts[0].Key}
	send := func(args ...string) string { return node.Cast(append(append([]string{"send"}, owner...), args...)...) }
	create := func(a contracts.Artifact, args ...string) string {
		text := send(append([]string{"--json", "--create", a.Bytecode.String()}, args...)...)
		_, address, _ := strings.Cut(text, `"contractAddress":"`)
		return node.Cast("to-check-sum-address", address[:42])
	}
	deployer := contracts.Hex(contracts.Deployer[:]).String()
	send(deployer, contracts.Hex(contracts.FactoryDeployment()).String())
	send(deployer, contracts.Hex(contracts.SweeperDeployment()).String())
	payer := create(contractstest.Payer)
	token := create(contractstest.Token, "constructor(string,string,uint8,uint256)", "Tether USD", "USDT", "6", "1000000000000")
	send(token, "transfer(address,uint256)", payer, "900000000000")

	raw, err := hex.DecodeString(node.Accounts[4].Key[2:])
	must(err)
	network := chain.Network{Name: "testnet", Title: "Test", Family: chain.FamilyEVM, ChainID: int64(node.ChainID), TestOf: "ethereum",
		Confirmations: 2, BlockSeconds: 1, Tokens: []chain.Token{{Symbol: "ETH", Decimals: 18}, {Symbol: "USDT", Contract: token, Decimals: 6}}}
	client, err := evm.New(evm.Config{Network: network, URLs: []string{node.URL}, Clock: clock.System{}, Signer: evm.Local(devKey{secp256k1.PrivKeyFromBytes(raw)})})
	must(err)
	dir := memory(t)
	box, err := keys.Open(filepath.Join(dir, "key"), true)
	must(err)
	db, err := store.Open(t.Context(), "sqlite:"+filepath.Join(dir, "florin.db"), store.Options{Serve: true})
	must(err)
	t.Cleanup(db.Close)
	book, err := rates.New(rates.Config{Clock: clock.System{}, Pins: rates.Demo()})
	must(err)
	derive, err := evm.NewForwarders("")
	must(err)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	coin, tether := network.Asset(network.Tokens[0]), network.Asset(network.Tokens[1])
	cost, err := money.Parse(coin, "1")
	must(err)
	e, err := engine.New(t.Context(), engine.Config{
		DB: db, Clock: clock.System{}, IDs: id.New(nil), Rates: book, Sealer: sealer{box}, Marks: box, Log: log,
		Networks: []engine.Network{{Network: network, Client: client, Addresser: derive, Treasury: bank, Sender: client, Hot: client.Accounts()[0], FeeCap: cost}},
	})
	must(err)
	follower := &chain.Follower{Chain: network.Name, Client: client, Sink: e, Final: 64, Batch: 100}
	payouts := &treasury.Payouts{Engine: e, Clock: clock.System{}, Worker: "test", Log: log}
	sweeps := &treasury.Sweeps{Engine: e, Clock: clock.System{}, Worker: "test", Log: log, Rule: payment.DefaultSweepRule, Gas: treasury.DefaultSweepGas}
	reconcile := &treasury.Reconcile{Engine: e, Clock: clock.System{}, Worker: "test", Log: log}
	step := func() {
		node.Mine(1)
		for {
			followed, err := follower.RunOnce(t.Context())
			must(err)
			settled, err := e.SettleOnce(t.Context(), "test", 100)
			must(err)
			sent, err := payouts.RunOnce(t.Context())
			must(err)
			if followed+settled+sent == 0 {
				return
			}
		}
	}
	agree := func() {
		t.Helper()
		found, err := reconcile.Reconcile(t.Context(), network.Name, false)
		must(err)
		for _, c := range found {
			if c.Difference().Sign() != 0 {
				t.Errorf("%s: the chain has %v, the books %v", c.Asset.Code(), c.OnChain, c.Books)
			}
		}
	}
	node.Automine(false)
	watch := &treasury.Watch{Engine: e, Log: log}
	for range 4 {
		_, err = watch.Open(t.Context())
		must(err)
		step()
	}
	_, err = watch.RunOnce(t.Context())
	must(err)
	merchant, err := e.AddMerchant(t.Context(), "Tea & Cake", "")
	must(err)
	app, _, err := e.AddApp(t.Context(), engine.NewApp{MerchantID: merchant.ID, Protocol: "halopay", Kind: "payment", Mode: engine.Test})
	must(err)
	agree() // what the account held before is taken over

	var addresses []string
	price, err := money.ParsePrice("USD", "15")
	must(err)
	for range chain.MaxSweep {
		number := id.New(nil).Hex(16)
		o, _, err := e.CreateOrder(t.Context(), app, engine.NewOrder{
			Number: number, Reference: number, RequestHash: number, Price: price,
			Policy: payment.Policy{Late: payment.LateCredit, QuotePlaces: 6, Life: payment.Life{Default: 1800, Min: 60, Max: 604800}},
		})
		must(err)
		must(e.ChooseAsset(t.Context(), o.Number, tether.Code()))
		v, err := e.OrderByNumber(t.Context(), o.Number)
		must(err)
		addresses = append(addresses, v.Address)
	}
	node.Automine(true)
	send("--gas-limit", "15000000", payer, "batch(address,address[],uint256,uint256)", token, "["+strings.Join(addresses, ",")+"]", "150000000", "1")
	node.Automine(false)
	for range 3 {
		step()
	}
	agree()
	if n, err := sweeps.RunOnce(t.Context()); n != 1 || err != nil {
		t.Fatalf("%d sweeps, %v", n, err)
	}
	var s payment.Payout
	peer.Eventually(t, peer.Patience, func() error {
		step()
		all, err := e.Payouts(t.Context(), "", 10)
		if err != nil || len(all) != 1 {
			return fmt.Errorf("%d sweeps, %w", len(all), err)
		}
		if s = all[0]; !s.State.Final() {
			return fmt.Errorf("the sweep is %s (%s)", s.State, s.Reason)
		}
		return nil
	})
	if s.State != payment.PayoutPaid || s.NetworkFee.IsZero() {
		t.Errorf("the sweep is %s (%s), and the network took %v", s.State, s.Reason, s.NetworkFee)
	}
	held, err := client.Balance(t.Context(), bank, tether, chain.BlockRef{})
	must(err)
	if held.Decimal() != fmt.Sprint(150*chain.MaxSweep) {
		t.Errorf("the treasury holds %v", held)
	}
	agree()
}
