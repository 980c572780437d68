package engine

import (
	"context"
	"errors"
	"net/netip"

	"florin/internal/money"
	"florin/internal/payment"
)

// NewPayout is what a dialect asks the engine to pay out, in the core's words.
type NewPayout struct {
	Number      string // made by the dialect, unique
	Reference   string // the merchant's, unique per app; "" for none: then nothing is ever a repeat
	RequestHash string // of every parsed field but the code: equal means a repeat
	Asset       money.Asset
	Recipient   string
	Amount      money.Amount // of Asset
	NotifyURL   string       // "" means the app's
	Code        string       // of the second factor; "" for none
	Source      netip.Addr   // of the request
	Extra       string       // the dialect's own document, "" for none
}

// CreatePayout accepts a payout: on return the amount is reserved, and it will be sent once or come
// back once. The same reference with the same request again returns the first payout, whatever its
// state and without a code, and created false; with another request it is refused with
// CodeReferenceTaken.
//
// Other refusals: CodeStopped, CodeNotEnabled (payouts are off, or the asset, the amount, the
// source or the recipient is not one that the app's rules allow), CodeInvalidField (recipient,
// amount, google_code), CodeLocked, CodeInsufficient, CodeUnsupportedCurrency.
func (e *Engine) CreatePayout(ctx context.Context, app App, n NewPayout) (p payment.Payout, created bool, err error) {
	return p, false, errors.ErrUnsupported
}

// PayoutByNumber returns the app's payout that its dialect shows as number; CodeNotFound if it has none.
func (e *Engine) PayoutByNumber(ctx context.Context, appID, number string) (payment.Payout, error) {
	return payment.Payout{}, errors.ErrUnsupported
}

// PayoutByReference returns the payout that the app calls reference; CodeNotFound if it has none.
func (e *Engine) PayoutByReference(ctx context.Context, appID, reference string) (payment.Payout, error) {
	return payment.Payout{}, errors.ErrUnsupported
}

// Balance is what a merchant has of one asset.
type Balance struct {
	Available money.Amount // may be paid out
	Reserved  money.Amount // for payouts on their way
}

// Balance returns what the merchant has of asset.
func (e *Engine) Balance(ctx context.Context, merchantID string, asset money.Asset) (Balance, error) {
	return Balance{}, errors.ErrUnsupported
}
