// Package ccpayment is a merchant's client for the CCPayment v1 protocol, made from the protocol's description alone
// (docs/protocols/ccpayment.md). It imports nothing of Florin. The client itself is JavaScript for Node, as the vendor's
// SDK is, and reads what it is sent as that one does: parsed, written again by JSON.stringify, then hashed; so it refuses
// bytes that a shop with the SDK would refuse. Journey runs it, and plays who pays.
package ccpayment

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"florin/test/clients/script"
)

//go:embed *.mjs
var files embed.FS

// Config says with whom the merchant deals, and what the world does for it.
type Config struct {
	URL           string // of the gateway, without a path
	AppID, Secret string
	// Port, such as script.FreePort gives, is where the merchant hears webhooks, at 127.0.0.1. The app's own URL has to be
	// Callback(Port): withdrawals are told there. The gateway has to be allowed to call it.
	Port int
	// Crypto and Chain say what everything is paid in, as coin/all calls them. The app has the two enabled.
	Crypto, Chain string
	Price         string // of an order, in USD
	Reference     string // what the names of its orders begin with
	// Payee gets Payout, which is less than one order and 3 tokens bring. Withdrawals are allowed to the app.
	Payee, Payout string
	Patience      time.Duration // for each webhook; 60 s if it is 0

	// Pay pays and sees that it is confirmed. It returns the transaction's id,
	// or "" if that is not known.
	Pay func(ctx context.Context, p Payment) (txid string, err error)
	// Settle sees that a withdrawal is sent and final. It may be nil if that happens by itself.
	Settle func(ctx context.Context, orderID string) error
	// PayHosted opens the page of a hosted order, picks the token there and pays. If it is nil the order stays open.
	PayHosted func(ctx context.Context, h Hosted) error
	// Refund pays an order back to Payee, all of it, as the gateway's operator would, and sees that it is sent and final.
	// If it is nil none is.
	Refund func(ctx context.Context, orderID string) error
	// Rest waits until the gateway has no more to tell: the merchant's server closes after that. It may be nil if that does
	// not matter.
	Rest func(ctx context.Context) error
}

// Payment is what there is to pay.
type Payment struct {
	OrderID  string `json:"order_id"` // for who plays the network; no payer needs it. "" at a permanent address
	Address  string `json:"address"`
	Memo     string `json:"memo"`
	Crypto   string `json:"crypto"`
	Chain    string `json:"chain"`
	Contract string `json:"contract"`
	Amount   string `json:"amount"` // in tokens
}

// Hosted is a page to pay on.
type Hosted struct {
	PaymentURL string `json:"payment_url"`
	TokenID    string `json:"token_id"`
	Crypto     string `json:"crypto"`
	Chain      string `json:"chain"`
}

// Report is what became of a journey. Each step is a promise of the documents that was kept.
type Report struct {
	Steps          []script.Step `json:"-"`
	OrderID        string        `json:"order_id"`        // of the order that was paid in two parts
	PayAddress     string        `json:"pay_address"`     // its address
	DepositAddress string        `json:"deposit_address"` // of a payer, for good
	Earned         string        `json:"earned"`          // credited by the two, after the gateway's fee
	Withdrawal     string        `json:"withdrawal"`      // its order_id
}

// Callback is the webhook URL that an app with this port has to have.
func Callback(port int) string { return fmt.Sprintf("http://127.0.0.1:%d/app", port) }

// Journey is a merchant's dealings from the first request to the last webhook. The error says which promise was not kept.
func Journey(ctx context.Context, c Config) (r Report, err error) {
	if c.Patience == 0 {
		c.Patience = time.Minute
	}
	can := func(is bool) string {
		if is {
			return "yes"
		}
		return ""
	}
	program := script.Program{
		Interpreter: "node", Args: []string{"journey.mjs"}, Files: files, Do: c.do,
		Env: map[string]string{
			"URL": c.URL, "APPID": c.AppID, "SECRET": c.Secret,
			"PORT": strconv.Itoa(c.Port), "CALLBACK": fmt.Sprintf("http://127.0.0.1:%d", c.Port),
			"CRYPTO": c.Crypto, "CHAIN": c.Chain, "PRICE": c.Price, "REFERENCE": c.Reference, "PAYEE": c.Payee, "PAYOUT": c.Payout,
			"PATIENCE": strconv.Itoa(int(c.Patience / time.Second)), "HOSTED": can(c.PayHosted != nil), "REFUND": can(c.Refund != nil),
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
	case "settle", "refund":
		var what struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal(with, &what); err != nil || ask == "settle" && c.Settle == nil {
			return nil, err
		}
		if ask == "refund" {
			return nil, c.Refund(ctx, what.ID)
		}
		return nil, c.Settle(ctx, what.ID)
	case "hosted":
		var h Hosted
		if err := json.Unmarshal(with, &h); err != nil {
			return nil, err
		}
		return nil, c.PayHosted(ctx, h)
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
	_, err := script.Program{Interpreter: "node", Args: []string{"vectors.mjs"}, Files: files}.Run(ctx, &struct{}{})
	return err
}
