package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"florin/internal/chain/evm"
	"florin/internal/chain/evmaddr"
	"florin/internal/engine"
	"florin/internal/keys"
	"florin/internal/money"
)

// hotConfig is the part of a [[chain]] block that says how money leaves. Without hot none does.
type hotConfig struct {
	Hot            string `toml:"hot"`             // the account that payouts leave from
	Keystore       string `toml:"keystore"`        // its key: a Web3 keystore file, mode 0600
	PassphraseFile string `toml:"passphrase_file"` // of the keystore, mode 0600
	Signer         string `toml:"signer"`          // instead of a keystore: a signer that speaks clef's protocol, URL or socket
	FeeCap         string `toml:"fee_cap"`         // the dearest that one transaction may be, in coin
	FeeCapDay      string `toml:"fee_cap_day"`     // the most that transactions may cost in 24 hours, in coin
	Gas            string `toml:"gas"`             // coin that the account must hold for a payout to be accepted
	BumpAfter      string `toml:"bump_after"`      // how long a transaction waits before its offer is raised
	Limit          string `toml:"reconcile_limit"` // difference between books and chain in USD above which payouts stop
}

// defaultFeeCap is in whole coins: a token transfer at 300 gwei.
const defaultFeeCap = "0.02"

// defaultDay is how many of the dearest transactions a day may have.
const defaultDay = 20

// signer returns who signs for the block's account. Only who serves needs the key itself: commands
// know the account, and sign nothing.
func (c hotConfig) signer(ctx context.Context, serves bool) (evm.Signer, error) {
	if c.Hot == "" {
		if c.Keystore != "" || c.Signer != "" {
			return nil, errors.New("keystore and signer need hot, the address of the account")
		}
		return nil, nil
	}
	hot, err := evmaddr.Parse(c.Hot)
	switch {
	case err != nil:
		return nil, fmt.Errorf("hot: %w", err)
	case (c.Keystore == "") == (c.Signer == ""):
		return nil, errors.New("hot needs keystore, the file with its key, or signer, who has it")
	case !serves:
		return account(hot), nil
	case c.Signer != "":
		return c.external(ctx, hot)
	}
	passphrase, err := keys.ReadPassphrase(c.PassphraseFile)
	if err != nil {
		return nil, fmt.Errorf("passphrase_file: %w", err)
	}
	key, err := keys.OpenKeystore(c.Keystore, passphrase)
	if err != nil {
		return nil, err
	}
	if key.Address() != hot {
		return nil, fmt.Errorf("keystore %s holds the key of another account than hot", c.Keystore)
	}
	return evm.Local(key), nil
}

// external asks the signer whether it has the account.
func (c hotConfig) external(ctx context.Context, hot evmaddr.Address) (evm.Signer, error) {
	signer, err := evm.NewClef(ctx, c.Signer, 0)
	if err != nil {
		return nil, fmt.Errorf("signer: %w", err)
	}
	if !slices.Contains(signer.Accounts(), hot) {
		return nil, errors.New("signer: it does not sign for hot")
	}
	return signer, nil
}

// account is a signer that knows whom it would sign for and has no key.
type account evmaddr.Address

func (a account) Accounts() []evmaddr.Address { return []evmaddr.Address{evmaddr.Address(a)} }

func (a account) Sign(context.Context, evmaddr.Address, evm.Tx) ([]byte, error) {
	return nil, errors.New("a command signs nothing")
}

// complete gives the network what money leaves by.
func (c hotConfig) complete(n *engine.Network, client *evm.Client) error {
	if c.Hot == "" {
		return nil
	}
	coin := n.Coin()
	if coin.IsZero() {
		return errors.New("hot: the network lists no coin to pay fees in")
	}
	var err error
	if n.Hot, err = n.Addresser.Normal(c.Hot); err != nil {
		return fmt.Errorf("hot: %w", err)
	}
	if c.FeeCap == "" {
		c.FeeCap = defaultFeeCap
	}
	if c.Gas == "" {
		c.Gas = c.FeeCap
	}
	if n.FeeCap, err = money.Parse(coin, c.FeeCap); err != nil || n.FeeCap.IsZero() {
		return fmt.Errorf("fee_cap: %q is no amount of %s above zero", c.FeeCap, coin.Symbol())
	}
	if n.Gas, err = money.Parse(coin, c.Gas); err != nil {
		return fmt.Errorf("gas: %q is no amount of %s", c.Gas, coin.Symbol())
	}
	if n.FeeCapDay, err = c.dayOf(n.FeeCap); err != nil {
		return err
	}
	if c.BumpAfter != "" {
		if n.BumpAfter, err = time.ParseDuration(c.BumpAfter); err != nil || n.BumpAfter <= 0 {
			return fmt.Errorf("bump_after: %q is no duration such as 3m", c.BumpAfter)
		}
	}
	n.Sender = client
	return nil
}

// dayOf returns what transactions may cost in a day, where one may cost feeCap.
func (c hotConfig) dayOf(feeCap money.Amount) (day money.Amount, err error) {
	times := func(n int) (sum money.Amount, err error) {
		sum = money.Zero(feeCap.Asset())
		for range n {
			if sum, err = sum.Add(feeCap); err != nil {
				return sum, fmt.Errorf("fee_cap_day: %w", err)
			}
		}
		return sum, nil
	}
	if c.FeeCapDay == "" {
		return times(defaultDay)
	}
	if day, err = money.Parse(feeCap.Asset(), c.FeeCapDay); err != nil {
		return day, fmt.Errorf("fee_cap_day: %q is no amount of %s", c.FeeCapDay, feeCap.Asset().Symbol())
	}
	least, err := times(2)
	if err != nil {
		return day, err
	}
	if below, err := day.Cmp(least); err != nil || below < 0 { // a sweep could never leave
		return day, fmt.Errorf("fee_cap_day: %s is less than twice fee_cap", c.FeeCapDay)
	}
	return day, nil
}
