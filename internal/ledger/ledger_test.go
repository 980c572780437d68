package ledger

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"florin/internal/money"
)

var (
	usdt = money.MustAsset("USDT@ethereum", 6)
	eth  = money.MustAsset("ETH@ethereum", 18)
)

func TestM07_EntriesBalance(t *testing.T) {
	custody := Account{Custody, "ethereum", usdt}
	suspense := Account{Suspense, "ethereum", usdt}
	one, two := money.FromUnits(usdt, 1), money.FromUnits(usdt, 2)
	for _, c := range []struct {
		name     string
		postings []Posting
		ok       bool
	}{
		{"two sides", []Posting{{custody, Debit, one}, {suspense, Credit, one}}, true},
		{"one side", []Posting{{custody, Debit, one}}, false},
		{"different amounts", []Posting{{custody, Debit, one}, {suspense, Credit, two}}, false},
		{"the same side twice", []Posting{{custody, Debit, one}, {suspense, Debit, one}}, false},
		{"nothing", nil, false},
		{"a posting of nothing", []Posting{{custody, Debit, money.Zero(usdt)}, {suspense, Credit, money.Zero(usdt)}}, false},
		{"another asset than the account's", []Posting{{custody, Debit, money.FromUnits(eth, 1)}, {suspense, Credit, money.FromUnits(eth, 1)}}, false},
		{"assets that balance only together", []Posting{{custody, Debit, one}, {Account{Suspense, "ethereum", eth}, Credit, money.FromUnits(eth, 1)}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := Entry{Ref: "x", Postings: c.postings}.Check()
			if c.ok != (err == nil) || err != nil && !errors.Is(err, ErrUnbalanced) {
				t.Errorf("Check = %v", err)
			}
		})
	}
}

// Whatever the amount and the fee, a deposit balances, and its reversal leaves nothing behind.
func TestM04_DepositAndReversal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		gross := money.FromUnits(usdt, rapid.Uint64Min(1).Draw(t, "gross"))
		fee, net, err := money.Fee(rapid.IntRange(0, 10_000).Draw(t, "fee")).Take(gross)
		if err != nil {
			t.Fatal(err)
		}
		if sum, err := fee.Add(net); err != nil || sum != gross {
			t.Fatalf("fee %v and net %v are not %v", fee, net, gross)
		}
		entry, err := Deposit("deposit:x", "ord_1", "mer_1", "ethereum", gross, fee)
		if err != nil {
			t.Fatal(err)
		}
		reversal := Reverse("reversal:x", entry)
		if err := reversal.Check(); err != nil {
			t.Fatal(err)
		}
		both := Entry{Ref: "both", Postings: append(entry.Postings, reversal.Postings...)}
		for _, p := range entry.Postings {
			left := money.Zero(usdt)
			for _, q := range both.Postings {
				if q.Account == p.Account && q.Side == p.Side {
					left, _ = left.Add(q.Amount)
				}
			}
			if left != p.Amount {
				t.Fatalf("%v is posted on one side twice", p.Account)
			}
		}
	})
}
