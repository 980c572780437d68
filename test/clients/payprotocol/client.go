// Package payprotocol is a merchant's client for the Pay Protocol API, made from the protocol's description alone
// (docs/protocols/payprotocol.md). It imports nothing of Florin. The client itself is PHP without libraries, in the manner
// of the vendor's WooCommerce plugin: queries are put together from strings, slashes are escaped, chain ids are strings,
// and PHP's own server hears the callbacks and answers "success" with its quotes. Journey runs it, and plays who pays.
package payprotocol

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"florin/test/clients/script"
)

//go:embed *.php
var files embed.FS

// Config says with whom the merchant deals, and what the world does for it.
type Config struct {
	URL         string // of the gateway, without a path
	Page        string // origin of the payment page; URL if it is ""
	Key, Secret string
	// Port, such as script.FreePort gives, is where the merchant hears callbacks, at 127.0.0.1 and by http. The app's own URL
	// has to be Callback(Port), or that path below Origin: recharges and abnormal payments are told there. The gateway has to
	// be allowed to call it.
	Port int
	// Origin is what the gateway calls the merchant by, such as that of a server with TLS in front of it, which passes
	// everything on to the port; "" if it calls the port itself.
	Origin string
	// Chain is a chainName and Symbol a token of it, as the lists call them: what everything is paid in.
	Chain, Symbol string
	Price         string // of an order, in USD
	Reference     string // what the names of its orders begin with: letters, digits and -
	// Payee gets the refund of an order, and Payout, which is less than 3 tokens. Both are allowed to the app.
	Payee, Payout string
	Patience      time.Duration // for each callback; 60 s if it is 0

	// Pay pays and sees that it is confirmed. It returns the transaction's id,
	// or "" if that is not known.
	Pay func(ctx context.Context, p Payment) (txid string, err error)
	// Approve approves a refund or withdrawal as a person at the console would, and sees that it is sent and final. It may
	// be nil if that happens by itself.
	Approve func(ctx context.Context, o Outgoing) error
	// Repair settles an order with the abnormal payment that was to pay it, as a person at the console would. If it is nil
	// the payment stays abnormal.
	Repair func(ctx context.Context, a Abnormal) error
	// Rest waits until the gateway has no more to tell: the merchant's server closes after that. It may be nil if that does
	// not matter.
	Rest func(ctx context.Context) error
}

// Payment is what there is to pay.
type Payment struct {
	OutPaymentNo string `json:"outPaymentNo"` // for who plays the network; no payer needs it. "" at a user's address
	Address      string `json:"address"`
	Chain        string `json:"chain"`
	Symbol       string `json:"symbol"`
	Contract     string `json:"contract"` // the zero address for a native coin
	Raw          string `json:"raw"`      // in base units
	Amount       string `json:"amount"`   // the same in tokens
}

// Outgoing is a refund or a withdrawal.
type Outgoing struct {
	Kind       string `json:"kind"` // "refund", "withdrawal"
	ID         int32  `json:"id"`   // its refundId or withdrawId
	OutTradeNo string `json:"outTradeNo"`
}

// Abnormal is a payment that waits for a person.
type Abnormal struct {
	ID           int32  `json:"id"` // its abnormalId
	OutPaymentNo string `json:"outPaymentNo"`
	TransferHash string `json:"transferHash"`
}

// Report is what became of a journey. Each step is a promise of the documents that was kept.
type Report struct {
	Steps          []script.Step `json:"-"`
	OutPaymentNo   string        `json:"outPaymentNo"` // of the order that was paid in two parts and refunded
	PayAddress     string        `json:"payAddress"`   // its address, and the salt to verify that by
	SaltHash       string        `json:"saltHash"`
	ExpectedAmount string        `json:"expectedAmount"` // raw
	UserID         int32         `json:"userId"`
	AbnormalID     int32         `json:"abnormalId"` // of a payment of twice what was due
	RefundID       int32         `json:"refundId"`
	WithdrawID     int32         `json:"withdrawId"`
}

// Callback is the callback URL that an app with this port has to have.
func Callback(port int) string { return fmt.Sprintf("http://127.0.0.1:%d/app", port) }

// Journey is a merchant's dealings from the first request to the last callback. The error says which promise was not kept.
func Journey(ctx context.Context, c Config) (r Report, err error) {
	if c.Patience == 0 {
		c.Patience = time.Minute
	}
	if c.Page == "" {
		c.Page = c.URL
	}
	if c.Origin == "" {
		c.Origin = fmt.Sprintf("http://127.0.0.1:%d", c.Port)
	}
	repair := ""
	if c.Repair != nil {
		repair = "yes"
	}
	program := script.Program{
		Interpreter: "php", Args: []string{"journey.php"}, Files: files, Do: c.do,
		Env: map[string]string{
			"URL": c.URL, "PAGE": c.Page, "KEY": c.Key, "SECRET": c.Secret,
			"PORT": strconv.Itoa(c.Port), "CALLBACK": c.Origin,
			"CHAIN": c.Chain, "SYMBOL": c.Symbol, "PRICE": c.Price, "REFERENCE": c.Reference, "PAYEE": c.Payee, "PAYOUT": c.Payout,
			"PATIENCE": strconv.Itoa(int(c.Patience / time.Second)), "REPAIR": repair,
		},
	}
	r.Steps, err = program.Run(ctx, &r)
	return r, err
}

func (c Config) do(ctx context.Context, ask string, with json.RawMessage) (any, error) {
	switch ask {
	case "pay":
		var p Payment
		if err := json.Unmarshal(with, &p); err != nil {
			return nil, err
		}
		txid, err := c.Pay(ctx, p)
		return map[string]string{"txid": txid}, err
	case "approve":
		var o Outgoing
		if err := json.Unmarshal(with, &o); err != nil || c.Approve == nil {
			return nil, err
		}
		return nil, c.Approve(ctx, o)
	case "repair":
		var a Abnormal
		if err := json.Unmarshal(with, &a); err != nil {
			return nil, err
		}
		return nil, c.Repair(ctx, a)
	case "rest":
		if c.Rest == nil {
			return nil, nil
		}
		return nil, c.Rest(ctx)
	}
	return nil, fmt.Errorf("nobody knows how to %s", ask)
}

// Vectors has the client check itself against the protocol's vectors.
func Vectors(ctx context.Context) error {
	_, err := script.Program{Interpreter: "php", Args: []string{"vectors.php"}, Files: files}.Run(ctx, &struct{}{})
	return err
}
