package halopay

import (
	"context"

	"florin/internal/money"
	"florin/internal/wire"
)

var rateFields = []string{"currency_id", "fiat_name", "fiat_amount"}

// exchangeRates quotes a fiat amount in one token, or in every token that the app takes (D17,
// rulings H1).
func (a *API) exchangeRates(ctx context.Context, c *call, w *writer) error {
	f, err := parse(c, rateFields)
	if err != nil {
		return err
	}
	var asset money.Asset
	if f.Natural("currency_id") != 0 {
		asset = a.readTaken(f, c.app)
	}
	price := readRatePrice(f)
	if err := f.Err(); err != nil {
		return err
	}
	if !asset.IsZero() {
		offer, err := a.engine.Quote(ctx, c.app, asset.Code(), price, quotePlaces)
		if err != nil {
			return err
		}
		w.quote(a.tokens[asset], price, offer)
		return nil
	}
	offers, err := a.engine.Quotes(ctx, c.app, price, quotePlaces)
	if err != nil {
		return err
	}
	list := w.List("")
	for _, offer := range offers {
		if token := a.tokens[offer.Asset]; token.CurrencyID != 0 {
			list.Next()
			w.quote(token, price, offer)
		}
	}
	list.End()
	return nil
}

// readRatePrice reads what to quote; without an amount it is 1.
func readRatePrice(f *wire.Fields) money.Price {
	if f.Decimal("fiat_amount", amountDigits, amountPlaces) != "" || f.Err() != nil {
		return readPrice(f, "fiat_name", "fiat_amount")
	}
	return priceOf(f, required(f, "fiat_name", f.Word("fiat_name")), "1", "fiat_amount")
}

// tokenList shows what apps of this mode can be paid in.
func (a *API) tokenList(_ context.Context, c *call, w *writer) error {
	if _, err := parse(c, nil); err != nil {
		return err
	}
	list := w.List("")
	for _, listed := range a.engine.Assets(c.app) {
		if token := a.tokens[listed.Asset]; token.CurrencyID != 0 {
			list.Next()
			w.token(token, listed.Standard, nil)
		}
	}
	list.End()
	return nil
}

// appTokenList shows what the app takes, with the merchant's balances. The old call had none
// (rulings H2).
func (a *API) appTokenList(ctx context.Context, c *call, w *writer) error {
	if _, err := parse(c, nil); err != nil {
		return err
	}
	list := w.List("")
	for _, listed := range a.engine.Assets(c.app) {
		token := a.tokens[listed.Asset]
		if token.CurrencyID == 0 || !listed.Taken {
			continue
		}
		list.Next()
		if c.old {
			w.token(token, listed.Standard, nil)
			continue
		}
		balance, err := a.engine.Balance(ctx, c.app.MerchantID, listed.Asset)
		if err != nil {
			return err
		}
		w.token(token, listed.Standard, &balance.Available)
	}
	list.End()
	return nil
}

// balance shows what of one token the merchant can pay out.
func (a *API) balance(ctx context.Context, c *call, w *writer) error {
	f, err := parse(c, rateFields[:1])
	if err != nil {
		return err
	}
	asset := a.readListed(f, c.app).Asset
	if err := f.Err(); err != nil {
		return err
	}
	balance, err := a.engine.Balance(ctx, c.app.MerchantID, asset)
	if err != nil {
		return err
	}
	w.balance(a.tokens[asset], balance.Available)
	return nil
}
