package ccpayment

import (
	"context"
	"strconv"

	"florin/internal/engine"
	"florin/internal/payment"
	"florin/internal/wire"
)

// Bounds of a user_id.
const (
	minUser = 3
	maxUser = 64
)

// OptionQuota is the option of an app that says how many permanent addresses it may have, 1000 unless told; 0 is no
// limit.
const OptionQuota = "address_quota"

var addressFields = []string{"user_id", "chain", "notify_url"}

// readAddress reads a request for a permanent address: all of it but the number. One user has one address
// on a chain, whatever else is asked for; its name has tabs, so that no merchant_order_id is the same.
func (a *API) readAddress(c *call) (n engine.NewStatic, network string, err error) {
	f, err := parse(c, addressFields)
	if err != nil {
		return n, "", err
	}
	user := required(f, "user_id", f.Reference("user_id", maxUser))
	if len(user) < minUser {
		f.Refuse("user_id", "too short")
	}
	chain := required(f, "chain", f.Word("chain"))
	for _, listed := range a.engine.Assets(c.app) {
		if a.tokens[listed.Asset].Chain == chain {
			network = listed.Asset.Chain()
		}
	}
	if network == "" {
		f.Fail(wire.Denied(codeChain))
	}
	h := wire.NewRequestHash("address")
	h.Add(chain)
	h.Add(user)
	n = engine.NewStatic{
		Reference: "address\t" + chain + "\t" + user, RequestHash: h.String(), Networks: []string{network},
		NotifyURL: f.URL("notify_url", a.parseURL), Tell: []payment.EventKind{payment.EventPaid}, Extra: document{User: user}.String(),
	}
	return n, network, f.Err()
}

// getAddress returns the address on which a user of the merchant's is paid, again and again.
func (a *API) getAddress(ctx context.Context, c *call, w *writer) error {
	n, network, err := a.readAddress(c)
	if err != nil {
		return c.slowed(err)
	}
	view, err := a.address(ctx, c, n)
	if err != nil {
		return c.slowed(err)
	}
	w.String(`{"address":`, view.Addresses[network])
	w.String(`,"memo":`, "")
	w.Raw("}")
	return nil
}

func (a *API) address(ctx context.Context, c *call, n engine.NewStatic) (engine.OrderView, error) {
	first, err := a.engine.OrderByReference(ctx, c.app.ID, n.Reference)
	if err == nil || wire.Fault(err) || c.limited {
		return first, err
	}
	if quota := quotaOf(c.app); quota > 0 {
		_, total, err := a.engine.StaticsOf(ctx, c.app.ID, 0, 1)
		if err != nil {
			return first, err
		}
		if total >= quota {
			return first, wire.Denied(codeQuota)
		}
	}
	n.Number = a.number()
	view, _, err := a.engine.CreateStatic(ctx, c.app, n)
	return view, err
}

func quotaOf(app engine.App) int {
	if n, err := strconv.Atoi(app.Options[OptionQuota]); err == nil && n >= 0 {
		return n
	}
	return 1000
}
