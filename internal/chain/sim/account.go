package sim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/holiman/uint256"

	"florin/internal/chain"
	"florin/internal/chain/evmaddr"
)

// testKey signs for every account of simulated networks. It is no secret: whoever has this program can sign. There is
// no money on these networks to be stolen.
const testKey = "florin simulated network: everybody has this key"

// Account returns the i-th account that can be signed for, on every simulated network the same.
func Account(i int) string {
	sum := sha256.Sum256([]byte("florin simulated account " + strconv.Itoa(i)))
	return evmaddr.Address(sum[:20]).String()
}

// Refuser is a contract that takes nothing: payments to it fail.
const Refuser = "0x00000000000000000000000000000000bAD0bAd0"

// signed is a numbered transaction as its sender signed it.
type signed struct {
	ChainID  int64      `json:"chain_id"`
	From     string     `json:"from"`
	Nonce    uint64     `json:"nonce"`
	To       string     `json:"to,omitempty"`
	Contract string     `json:"contract,omitempty"`
	Units    string     `json:"units,omitempty"` // of what To is to get
	Sweep    []sweepJob `json:"sweep,omitempty"`
	Work     uint64     `json:"work"`
	PerUnit  string     `json:"per_unit"`
	Tip      string     `json:"tip"`

	units, perUnit, tip uint256.Int
}

type sweepJob struct {
	Forwarder   string   `json:"forwarder"`
	Destination string   `json:"destination"`
	Contracts   []string `json:"contracts"` // "" is the coin
}

// rawID names a transaction by its bytes.
func rawID(raw []byte) string {
	sum := sha256.Sum256(raw)
	return "0x" + hex.EncodeToString(sum[:])
}

// encode returns the signature and the signed text.
func (s *signed) encode() ([]byte, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	return append(signature(text), text...), nil
}

func signature(text []byte) []byte {
	mac := hmac.New(sha256.New, []byte(testKey))
	mac.Write(text)
	return mac.Sum(nil)
}

// decode reverses encode, on the network that it was signed for.
func (n *Network) decode(raw []byte) (*signed, error) {
	if len(raw) < sha256.Size || !hmac.Equal(signature(raw[sha256.Size:]), raw[:sha256.Size]) {
		return nil, errors.New("not signed")
	}
	s := &signed{}
	if err := json.Unmarshal(raw[sha256.Size:], s); err != nil {
		return nil, err
	}
	if s.ChainID != n.config.ChainID {
		return nil, fmt.Errorf("signed for chain %d, not %d", s.ChainID, n.config.ChainID)
	}
	return s, s.read()
}

func (s *signed) read() error {
	var err error
	for text, to := range map[*string]*uint256.Int{&s.Units: &s.units, &s.PerUnit: &s.perUnit, &s.Tip: &s.tip} {
		if *text != "" {
			err = errors.Join(err, to.SetFromDecimal(*text))
		}
	}
	return err
}

// most is what s can take from the coin of its sender, value and fee.
func (s *signed) most() (wei uint256.Int, overflow bool) {
	_, overflow = wei.MulOverflow(uint256.NewInt(s.Work), &s.perUnit)
	if s.Contract == "" {
		_, over := wei.AddOverflow(&wei, &s.units)
		overflow = overflow || over
	}
	return wei, overflow
}

// unsigned returns the transaction that does o, as a client that lists these tokens makes it.
func (l listing) unsigned(chainID int64, o chain.Outgoing) (s *signed, err error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	s = &signed{ChainID: chainID}
	if s.From, err = evmaddr.Normal(o.From); err != nil {
		return nil, err
	}
	for _, f := range o.Sweep {
		job := sweepJob{}
		if job.Forwarder, err = Forwarders().Address(f.Salt, f.Destination); err != nil {
			return nil, err
		}
		if job.Forwarder != f.Address {
			return nil, fmt.Errorf("sweep %s: salt and destination give %s", f.Address, job.Forwarder)
		}
		if job.Destination, err = evmaddr.Normal(f.Destination); err != nil {
			return nil, err
		}
		for _, asset := range f.Assets {
			contract, ok := l.contracts[asset]
			if !ok {
				return nil, fmt.Errorf("network %s lists no %v", l.network, asset)
			}
			job.Contracts = append(job.Contracts, contract)
		}
		if len(job.Contracts) == 0 {
			return nil, fmt.Errorf("sweep %s: no asset", f.Address)
		}
		s.Sweep = append(s.Sweep, job)
	}
	if o.To == "" {
		return s, nil
	}
	if s.To, err = evmaddr.Normal(o.To); err != nil {
		return nil, err
	}
	contract, ok := l.contracts[o.Amount.Asset()]
	if !ok {
		return nil, fmt.Errorf("network %s lists no %v", l.network, o.Amount.Asset())
	}
	s.Contract, s.Units, s.units = contract, o.Amount.Units(), o.Amount.Int()
	return s, nil
}

// What transactions take of work, in about the numbers of Ethereum.
func (s *signed) takes() uint64 {
	switch {
	case len(s.Sweep) > 0:
		work := uint64(30_000)
		for _, job := range s.Sweep {
			work += 100_000 + 40_000*uint64(len(job.Contracts))
		}
		return work
	case s.Contract != "":
		return 50_000
	}
	return 21_000
}
