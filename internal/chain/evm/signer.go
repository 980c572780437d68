package evm

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"florin/internal/chain/evmaddr"
)

// Signer signs for some accounts. What it returns is not trusted: Client.Sign takes it apart and compares.
type Signer interface {
	// Accounts returns the addresses it signs for.
	Accounts() []evmaddr.Address
	// Sign returns the encoded transaction, signed by from. The error of one who must be asked and did not answer,
	// or refused, leaves no signature behind that would be used.
	Sign(ctx context.Context, from evmaddr.Address, tx Tx) (raw []byte, err error)
}

// Key signs for one account; it never shows itself. keys.Keystore is one.
type Key interface {
	Address() [20]byte
	// SignDigest returns r ‖ s ‖ recovery id, by RFC 6979 and with a low s.
	SignDigest(digest [32]byte) (signature [65]byte, err error)
}

// Local returns the Signer of keys in this process.
func Local(keys ...Key) Signer { return local(keys) }

type local []Key

func (l local) Accounts() (all []evmaddr.Address) {
	for _, k := range l {
		all = append(all, k.Address())
	}
	return all
}

func (l local) Sign(_ context.Context, from evmaddr.Address, tx Tx) ([]byte, error) {
	for _, k := range l {
		if k.Address() == from {
			signature, err := k.SignDigest(tx.Digest())
			return tx.Encode(signature), err
		}
	}
	return nil, fmt.Errorf("no key of %s", from)
}

// checkSigned compares what a signer returned with what it was asked, member by member.
func checkSigned(raw []byte, from evmaddr.Address, want Tx) error {
	got, signer, err := Decode(raw)
	if err != nil {
		return err
	}
	var differs []error
	check := func(same bool, what string) {
		if !same {
			differs = append(differs, errors.New("the signer changed "+what))
		}
	}
	check(got.ChainID == want.ChainID, "the chain")
	check(got.Nonce == want.Nonce, "the nonce")
	check(got.To == want.To, "the receiver")
	check(got.Value == want.Value, "the value")
	check(bytes.Equal(got.Data, want.Data), "the data")
	check(got.Gas == want.Gas, "the gas")
	check(got.PerUnit == want.PerUnit && got.Tip == want.Tip, "the fee")
	check(signer == from, "the sender")
	return errors.Join(differs...)
}
