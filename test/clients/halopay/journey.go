package halopay

import (
	"context"
	"fmt"
	"math/big"
	"net/http"
)

// Journey is what a merchant does with a payment app: it looks up tokens and rates, makes an order on its own page, is
// paid, hears of it, asks, and pays out what it earned. Only what the description promises is relied on.
type Journey struct {
	Client *Client
	// Chain and Token say what the order is paid in, as the token list calls them.
	Chain, Token string
	// Fiat and Price are what is sold for, such as "USD" and "5"; Reference is the order's and the payout's name.
	Fiat, Price, Reference string
	CallbackURL            string
	// Payee gets Payout, a decimal that is less than what the order brings.
	Payee, Payout string
	GoogleCode    func() string // nil if none is asked for

	// Customer pays the order: what it shows is all that a payer knows.
	Customer func(ctx context.Context, pay Opened) error
	// Webhook waits for the next webhook and acknowledges it.
	Webhook func(ctx context.Context) (http.Header, []byte, error)
}

// Ended is what became of a journey.
type Ended struct {
	Order  Detail
	Payout Payout
	// Earned is what the order brought after the gateway's fee.
	Earned string
}

// Run makes the journey. The error says which promise was not kept.
func (j Journey) Run(ctx context.Context) (end Ended, err error) {
	token, err := j.look(ctx)
	if err != nil {
		return end, fmt.Errorf("look up %s on %s: %w", j.Token, j.Chain, err)
	}
	before, err := j.Client.Balance(ctx, token.CurrencyID)
	if err != nil {
		return end, fmt.Errorf("ask for the balance: %w", err)
	}
	if end.Order, err = j.sell(ctx, token); err != nil {
		return end, fmt.Errorf("sell: %w", err)
	}
	after, err := j.Client.Balance(ctx, token.CurrencyID)
	if err != nil {
		return end, fmt.Errorf("ask for the balance: %w", err)
	}
	earned := difference(after.Balance, before.Balance)
	end.Earned = earned.FloatString(token.Decimal)
	if earned.Sign() <= 0 || earned.Cmp(decimal(end.Order.AmountCollected)) > 0 {
		return end, fmt.Errorf("%s was collected and the balance went from %s to %s", end.Order.AmountCollected, before.Balance, after.Balance)
	}
	if end.Payout, err = j.payOut(ctx, token, after.Balance); err != nil {
		return end, fmt.Errorf("pay out: %w", err)
	}
	return end, nil
}

// look finds the token in both lists and its rate in both forms.
func (j Journey) look(ctx context.Context) (found Token, err error) {
	all, err := j.Client.Tokens(ctx)
	if err != nil {
		return found, err
	}
	ours, err := j.Client.AppTokens(ctx)
	if err != nil {
		return found, err
	}
	is := func(t Token) bool { return t.Chain == j.Chain && t.Token == j.Token }
	for _, t := range ours {
		if is(t) {
			found = t
		}
	}
	listed := 0
	for _, t := range all {
		if t.Balance = found.Balance; t == found {
			listed++
		}
	}
	if found.CurrencyID == 0 || found.Balance == "" || listed != 1 {
		return found, fmt.Errorf("the app's list has %+v, the other %d such", found, listed)
	}
	return found, nil
}

// sell makes an order and sees it paid.
func (j Journey) sell(ctx context.Context, token Token) (d Detail, err error) {
	rate, err := j.Client.Rate(ctx, token.CurrencyID, j.Fiat, j.Price)
	if err != nil {
		return d, fmt.Errorf("ask for the rate: %w", err)
	}
	order := Native{
		Reference: j.Reference, CurrencyID: token.CurrencyID, FiatName: j.Fiat, FiatAmount: j.Price, CallbackURL: j.CallbackURL,
	}
	opened, err := j.Client.CreateNative(ctx, order)
	if err != nil {
		return d, fmt.Errorf("create the order: %w", err)
	}
	again, err := j.Client.CreateNative(ctx, order)
	switch {
	case err != nil:
		return d, fmt.Errorf("create it again: %w", err)
	case again.TradeNo != opened.TradeNo || again.PayAddress != opened.PayAddress:
		return d, fmt.Errorf("the same request made %s and %s", opened.TradeNo, again.TradeNo)
	case opened.Amount == "" || decimal(opened.Amount).Cmp(decimal(rate.Amount)) != 0:
		return d, fmt.Errorf("%s is due, and the rate said %s", opened.Amount, rate.Amount)
	case opened.Contract != token.Contract || opened.ChainID != token.ChainID || opened.Decimal != token.Decimal || opened.PayAddress == "":
		return d, fmt.Errorf("pay %+v, and the list has %+v", opened, token)
	}
	if err := j.Customer(ctx, opened); err != nil {
		return d, fmt.Errorf("pay: %w", err)
	}
	if err := j.hear(ctx, opened); err != nil {
		return d, fmt.Errorf("hear of the payment: %w", err)
	}
	d, err = j.Client.Detail(ctx, opened.TradeNo)
	if err == nil && (d.Status != "PAID" || decimal(d.AmountCollected).Cmp(decimal(opened.Amount)) < 0 || d.TxID == "") {
		err = fmt.Errorf("told that it is paid, the query says %+v", d)
	}
	return d, err
}

// hear waits until the order's payment is told; parts of it may be told before.
func (j Journey) hear(ctx context.Context, opened Opened) error {
	for {
		header, body, err := j.Webhook(ctx)
		if err != nil {
			return err
		}
		told, err := j.Client.Receive(header, body)
		switch {
		case err != nil:
			return err
		case told.TradeNo != opened.TradeNo || told.Reference != j.Reference || told.Type != "PAYMENT" || told.TokenAmount != opened.Amount:
			return fmt.Errorf("told %s", body)
		case header.Get("X-EventType") != told.Status:
			return fmt.Errorf("X-EventType is %q beside status %q", header.Get("X-EventType"), told.Status)
		case told.Status == "PAID":
			return nil
		case told.Status != "TO-BE-PAID":
			return fmt.Errorf("the order is %s", told.Status)
		}
	}
}

// payOut sends some of the earnings away.
func (j Journey) payOut(ctx context.Context, token Token, balance string) (p Payout, err error) {
	ask := NewPayout{
		CurrencyID: token.CurrencyID, ToAddress: j.Payee, Amount: j.Payout, CallbackURL: j.CallbackURL, Reference: j.Reference,
	}
	if j.GoogleCode != nil {
		ask.GoogleCode = j.GoogleCode()
	}
	p, err = j.Client.Pay(ctx, ask)
	if err != nil {
		return p, err
	}
	again, err := j.Client.Pay(ctx, ask)
	if err != nil || again.TradeNo != p.TradeNo {
		return p, fmt.Errorf("the same request made %s and %s: %v", p.TradeNo, again.TradeNo, err)
	}
	left, err := j.Client.Balance(ctx, token.CurrencyID)
	if err != nil || difference(balance, left.Balance).Cmp(decimal(j.Payout)) != 0 {
		return p, fmt.Errorf("%s left and the balance went from %s to %s: %v", j.Payout, balance, left.Balance, err)
	}
	header, body, err := j.Webhook(ctx)
	if err != nil {
		return p, fmt.Errorf("hear of it: %w", err)
	}
	told, err := j.Client.ReceivePayout(header, body)
	if err != nil || told.TradeNo != p.TradeNo || told.Status != "PAID" || told.Amount != j.Payout || told.TxID == "" || header.Get("X-EventType") != "PAID" {
		return p, fmt.Errorf("told %s: %v", body, err)
	}
	p, err = j.Client.Payout(ctx, p.TradeNo)
	if err == nil && (p.Status != "PAID" || p.TxID != told.TxID || p.Reference != j.Reference) {
		err = fmt.Errorf("told that it is paid, the query says %+v", p)
	}
	return p, err
}

// decimal reads an amount; what is none is worse than nothing.
func decimal(s string) *big.Rat {
	if r, ok := new(big.Rat).SetString(s); ok {
		return r
	}
	return big.NewRat(-1, 1)
}

func difference(a, b string) *big.Rat { return new(big.Rat).Sub(decimal(a), decimal(b)) }
