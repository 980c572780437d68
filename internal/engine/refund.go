package engine

import (
	"context"
	"net/netip"
	"time"

	"florin/internal/money"
	"florin/internal/payment"
)

// OptionRefundToSender, "yes", lets refunds of an app that name no recipient go to the address that
// the order was paid from. Money from an exchange has no such address, so nobody does it unasked.
const OptionRefundToSender = "refund_to_sender"

// NewRefund is what a dialect, or a person, asks the engine to pay back.
type NewRefund struct {
	Number      string       // made by who asks, unique
	Reference   string       // the merchant's, unique per app among payouts and refunds; "" for none
	RequestHash string       // of every parsed field: equal means a repeat
	OrderNumber string       // as its dialect shows it; not of RefundHeld
	Amount      money.Amount // of what the order was paid in; zero: all that was not refunded yet
	Recipient   string       // "": the payer gives it, with Link, or see OptionRefundToSender
	// Link makes a link on whose page the payer says where he wants it.
	Link      bool
	NotifyURL string     // "" means the app's
	Extra     string     // the dialect's own document, "" for none
	Source    netip.Addr // of the request; zero if none came over the network
	By        string     // who asked
}

// Refund is money on its way back. State says how far it has come; one that waits for its payer's
// address is held and has no Recipient.
type Refund struct {
	payment.Payout
	// Link is the token of the page on which the payer says where he wants it, "" without one.
	Link string
	// Ends is when a link that nobody has claimed ends; zero without one.
	Ends time.Time
}

// CreateRefund accepts a refund of an order: on return the amount is reserved of the merchant's
// balance, and it will be sent once or come back once. It waits for an approver where a payout would,
// and where a payout would be refused because its payee is not listed or because nobody gave a code of
// the second factor. Refunds, those with unclaimed links among them, never exceed what the order's
// merchant was credited with (threats M14). The same reference with the same request again returns
// the first refund, and created false.
//
// Refusals: CodeNotFound (order), CodeReferenceTaken, CodeStopped, CodeNotEnabled, CodeInvalidField
// (recipient, amount, order), CodeInsufficient, CodeUnsupportedCurrency.
func (e *Engine) CreateRefund(ctx context.Context, app App, n NewRefund) (r Refund, created bool, err error) {
	return Refund{}, false, errUnbuilt
}

// RefundHeld sends what a row of the exception desk holds to an address, all of it. The row is
// resolved, and opens again if the refund fails. It is refused as CreateRefund is, and with
// CodeOrderClosed if the row is not open any more.
func (e *Engine) RefundHeld(ctx context.Context, id string, n NewRefund) (Refund, error) {
	return Refund{}, errUnbuilt
}

// RefundLink returns the refund that a link's token is of; CodeNotFound if there is none.
func (e *Engine) RefundLink(ctx context.Context, token string) (Refund, error) {
	return Refund{}, errUnbuilt
}

// ClaimRefund sends a link's refund to address, durable on return. A link is claimed once: naming the
// same address again changes nothing, another one is CodeOrderClosed. CodeInvalidField (recipient):
// money may not go there.
func (e *Engine) ClaimRefund(ctx context.Context, token, address string) (Refund, error) {
	return Refund{}, errUnbuilt
}

// RefundFilter says which refunds to list; a field that is empty asks for nothing.
type RefundFilter struct {
	MerchantID, AppID string
	OrderID           string
	From, To          time.Time // made at From or later, before To
	After             string    // begin behind this id, in the order of the list
	Newest            bool      // the youngest first; else the oldest
	Offset, Limit     int       // at most so many; 0: 100
}

// Refunds lists refunds.
func (e *Engine) Refunds(ctx context.Context, f RefundFilter) ([]Refund, error) {
	return nil, errUnbuilt
}

// RefundCount returns how many refunds the filter lets through, without After, Offset and Limit.
func (e *Engine) RefundCount(ctx context.Context, f RefundFilter) (int, error) {
	return 0, errUnbuilt
}

// RefundByNumber returns the app's refund that its dialect shows as number; CodeNotFound if it has none.
func (e *Engine) RefundByNumber(ctx context.Context, appID, number string) (Refund, error) {
	return Refund{}, errUnbuilt
}

// RefundByID returns the refund with an id of ours; CodeNotFound if there is none.
func (e *Engine) RefundByID(ctx context.Context, id string) (Refund, error) {
	return Refund{}, errUnbuilt
}
