package engine

import (
	"context"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"slices"
	"time"

	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/store"
	"florin/internal/store/query"
)

// PayoutRules say what an app may pay out: without them, nothing (threats P12). Assets are named by
// code, such as USDT@tron, or by symbol, which means the asset on every network, all together.
type PayoutRules struct {
	Enabled bool `json:"-"`
	// Limits by asset. If there are any, what is not among them is not paid out.
	Limits map[string]PayoutLimit `json:"limits,omitempty"`
	// AllowList refuses payees that nobody has added.
	AllowList bool `json:"allow_list,omitempty"`
	// NewPayeeWait holds payouts to a payee until it has been known for so many seconds.
	NewPayeeWait int64 `json:"new_payee_wait,omitempty"`
	// ApproveAbove, by asset, holds payouts of more until somebody approves them.
	ApproveAbove map[string]string `json:"approve_above,omitempty"`
	// Sources are the addresses that requests may come from; none means any.
	Sources []netip.Prefix `json:"sources,omitempty"`
	// SecondFactor says that each payout needs a one-time password. See NewPayoutSeed.
	SecondFactor bool `json:"-"`
}

// PayoutLimit bounds payouts of one asset, in decimals of whole units; "" means no bound.
type PayoutLimit struct {
	Single string `json:"single,omitempty"` // one payout
	Daily  string `json:"daily,omitempty"`  // all of an app in any 24 hours
}

const (
	// totpTries wrong codes in a row lock an app's payouts for totpLock (threats P08).
	totpTries = 5
	totpLock  = 30 * time.Minute
	// seedBytes is what RFC 4226 recommends for a seed.
	seedBytes = 20
)

// wholes is the finest scale that decimals of whole units are compared in.
var wholes = money.MustAsset("whole", money.MaxDecimals)

// SetPayoutRules replaces an app's rules.
func (e *Engine) SetPayoutRules(ctx context.Context, appID string, rules PayoutRules) error {
	app, err := e.loadApp(ctx, appID)
	if err != nil {
		return err
	}
	for asset, limit := range rules.Limits {
		if !e.named(app.Mode, asset) {
			return payment.Invalid("limits", asset+" is no asset of this app's networks")
		}
		for _, bound := range []string{limit.Single, limit.Daily} {
			if _, err := money.Parse(wholes, bound); bound != "" && err != nil {
				return payment.Invalid("limits", asset+": "+bound+" is no amount")
			}
		}
	}
	for asset, bound := range rules.ApproveAbove {
		if !e.named(app.Mode, asset) { // it would bound nothing
			return payment.Invalid("approve_above", asset+" is no asset of this app's networks")
		}
		if _, err := money.Parse(wholes, bound); err != nil {
			return payment.Invalid("approve_above", asset+": "+bound+" is no amount")
		}
	}
	if rules.NewPayeeWait < 0 {
		return payment.Invalid("new_payee_wait", "must not be negative")
	}
	doc, err := json.Marshal(rules)
	if err != nil {
		return fmt.Errorf("rules of app %s: %w", appID, err)
	}
	return e.db.Update(ctx, app.MerchantID, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.OpenPayoutRules(ctx, query.OpenPayoutRulesParams{AppID: appID, NoSeed: []byte{}}); err != nil {
			return err
		}
		return tx.SavePayoutRules(ctx, query.SavePayoutRulesParams{AppID: appID, Enabled: rules.Enabled, Doc: string(doc)})
	})
}

// PayoutRulesOf returns an app's rules; those of an app that was never given any enable nothing.
func (e *Engine) PayoutRulesOf(ctx context.Context, appID string) (PayoutRules, error) {
	row, err := e.db.PayoutRules(ctx, appID)
	if errors.Is(err, store.ErrNotFound) {
		return PayoutRules{}, nil
	}
	if err != nil {
		return PayoutRules{}, fmt.Errorf("rules of app %s: %w", appID, err)
	}
	r, err := rulesFrom(row)
	return r.PayoutRules, err
}

// NewPayoutSeed gives an app a new second factor and returns its seed in base 32, as authenticator
// apps take it; it is shown this once. From now on each payout needs a code.
func (e *Engine) NewPayoutSeed(ctx context.Context, appID string) (string, error) {
	app, err := e.loadApp(ctx, appID)
	if err != nil {
		return "", err
	}
	seed, err := hex.DecodeString(e.ids.Hex(seedBytes))
	if err != nil {
		return "", err
	}
	sealed, err := e.sealer.Seal(seedPurpose(appID), seed)
	if err != nil {
		return "", fmt.Errorf("seal the seed: %w", err)
	}
	err = e.db.Update(ctx, app.MerchantID, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.OpenPayoutRules(ctx, query.OpenPayoutRulesParams{AppID: appID, NoSeed: []byte{}}); err != nil {
			return err
		}
		return tx.SavePayoutSeed(ctx, query.SavePayoutSeedParams{AppID: appID, Seed: sealed})
	})
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(seed), err
}

func seedPurpose(appID string) string { return "payout-seed:" + appID }

// AddPayee puts a recipient on an app's list. It can be paid once the app's waiting time is over.
func (e *Engine) AddPayee(ctx context.Context, appID, address string) error {
	app, err := e.loadApp(ctx, appID)
	if err != nil {
		return err
	}
	normal := ""
	for _, n := range e.networksOf(app.Mode) {
		if spelt, err := n.Addresser.Normal(address); err == nil {
			normal = spelt
		}
	}
	if normal == "" {
		return payment.Invalid("recipient", "is not an address of any network of this app")
	}
	rules, err := e.PayoutRulesOf(ctx, appID)
	if err != nil {
		return err
	}
	now := e.now()
	return e.db.Update(ctx, app.MerchantID, func(ctx context.Context, tx *store.Tx) error {
		return tx.InsertPayee(ctx, query.InsertPayeeParams{
			AppID: appID, Address: normal, AddedAt: now.UnixMicro(), UsableAt: now.Add(rules.wait()).UnixMicro(),
		})
	})
}

// Payee is a recipient on an app's list.
type Payee struct {
	Address           string
	AddedAt, UsableAt time.Time // it is paid from UsableAt on
}

// Payees lists an app's recipients by address.
func (e *Engine) Payees(ctx context.Context, appID string) ([]Payee, error) {
	const page = 500
	var all []Payee
	for after := ""; ; {
		rows, err := e.db.Payees(ctx, query.PayeesParams{AppID: appID, After: after, MaxRows: page})
		if err != nil {
			return nil, fmt.Errorf("payees of app %s: %w", appID, err)
		}
		for _, row := range rows {
			all = append(all, Payee{row.Address, time.UnixMicro(row.AddedAt).UTC(), time.UnixMicro(row.UsableAt).UTC()})
			after = row.Address
		}
		if len(rows) < page {
			return all, nil
		}
	}
}

// RemovePayee takes a recipient off an app's list, spelt as it is listed.
func (e *Engine) RemovePayee(ctx context.Context, appID, address string) error {
	return e.db.Update(ctx, appID, func(ctx context.Context, tx *store.Tx) error {
		return tx.DeletePayee(ctx, query.DeletePayeeParams{AppID: appID, Address: address})
	})
}

func (r PayoutRules) wait() time.Duration { return time.Duration(r.NewPayeeWait) * time.Second }

// rulesRow is an app's rules with the state of its second factor.
type rulesRow struct {
	PayoutRules
	seed        []byte // sealed
	lastStep    int64
	fails       int64
	lockedUntil int64 // microseconds
}

func lockRules(ctx context.Context, tx *store.Tx, appID string) (rulesRow, error) {
	row, err := tx.LockPayoutRules(ctx, appID)
	if err != nil {
		return rulesRow{}, err
	}
	return rulesFrom(row)
}

func rulesFrom(row query.PayoutRule) (rulesRow, error) {
	r := rulesRow{seed: row.Seed, lastStep: row.LastStep, fails: row.Fails, lockedUntil: row.LockedUntil}
	if err := json.Unmarshal([]byte(row.Doc), &r.PayoutRules); err != nil {
		return r, fmt.Errorf("rules of app %s: %w", row.AppID, err)
	}
	r.Enabled, r.SecondFactor = row.Enabled, len(row.Seed) > 0
	return r, nil
}

// from refuses a request from elsewhere than the listed sources.
func (r rulesRow) from(source netip.Addr) error {
	if len(r.Sources) == 0 || slices.ContainsFunc(r.Sources, func(p netip.Prefix) bool { return p.Contains(source.Unmap()) }) {
		return nil
	}
	return payment.Refuse(payment.CodeNotEnabled, "payouts may not be asked for from this address")
}

// asksApproval reports whether amount is so large that somebody must approve it.
func (r rulesRow) asksApproval(amount money.Amount) bool {
	return slices.ContainsFunc(names(amount.Asset()), func(name string) bool {
		bound, ok := r.ApproveAbove[name]
		return ok && whole(amount).Cmp(parseWhole(bound)) > 0
	})
}

// names are what rules may call an asset.
func names(asset money.Asset) []string { return []string{asset.Code(), asset.Symbol()} }

// named reports whether rules of apps of this mode may call an asset so.
func (e *Engine) named(mode Mode, name string) bool {
	for _, n := range e.networksOf(mode) {
		for _, t := range n.Tokens {
			if slices.Contains(names(n.Asset(t)), name) {
				return true
			}
		}
	}
	return false
}

// whole scales an amount so that whole units of all assets are equal.
func whole(a money.Amount) *big.Int {
	units, scale := a.Int(), int64(money.MaxDecimals-a.Asset().Decimals())
	return new(big.Int).Mul(units.ToBig(), new(big.Int).Exp(big.NewInt(10), big.NewInt(scale), nil))
}

// parseWhole reads a bound that SetPayoutRules has checked; one that it has not is zero.
func parseWhole(decimal string) *big.Int {
	a, err := money.Parse(wholes, decimal)
	if err != nil {
		return new(big.Int)
	}
	return whole(a)
}

// oneTime is a Secret that is the seed of one-time passwords.
type oneTime interface {
	// TOTPStep says which step of time, close to now, code belongs to.
	TOTPStep(code string, now time.Time) (step int64, ok bool)
}

// secondFactor asks for a code that was never accepted before. What it writes is kept whatever
// becomes of the payout, or a refusal would be a free guess.
func (a *accepting) secondFactor(ctx context.Context, tx *store.Tx) error {
	if !a.rules.SecondFactor {
		return nil
	}
	if a.rules.lockedUntil > a.now.UnixMicro() {
		return payment.Refuse(payment.CodeLocked, "too many wrong codes; try again later")
	}
	if a.Code == "" {
		return payment.Invalid("google_code", "is required")
	}
	secret, err := a.sealer.Unseal(seedPurpose(a.app.ID), a.rules.seed)
	if err != nil {
		return fmt.Errorf("second factor of app %s: %w", a.app.ID, err)
	}
	seed, ok := secret.(oneTime)
	if !ok {
		return fmt.Errorf("second factor of app %s: %T makes no one-time passwords", a.app.ID, secret)
	}
	tries := query.SavePayoutTriesParams{AppID: a.app.ID, LastStep: a.rules.lastStep, Fails: a.rules.fails}
	step, ok := seed.TOTPStep(a.Code, a.now)
	if ok && step > a.rules.lastStep {
		tries.LastStep, tries.Fails = step, 0
		return tx.SavePayoutTries(ctx, tries)
	}
	if tries.Fails++; tries.Fails >= totpTries {
		tries.Fails, tries.LockedUntil = 0, a.now.Add(totpLock).UnixMicro()
	}
	if err := tx.SavePayoutTries(ctx, tries); err != nil {
		return err
	}
	return payment.Invalid("google_code", "is wrong or was used before")
}

// dayHours is how many hours, with the one that has begun, cover any 24 hours.
const dayHours = 25

func hourOf(t time.Time) int64 { return t.Unix() / 3600 }

// withinLimits refuses what is more than the app's limits, and returns what the app will have paid
// out of the asset in this hour.
func (a *accepting) withinLimits(ctx context.Context, tx *store.Tx) (spent money.Amount, err error) {
	rows, err := tx.PayoutHours(ctx, query.PayoutHoursParams{AppID: a.app.ID, Since: hourOf(a.now) - dayHours + 1})
	if err != nil {
		return spent, err
	}
	spent = a.Amount
	day := map[string]*big.Int{a.Asset.Code(): whole(a.Amount), a.Asset.Symbol(): whole(a.Amount)}
	for _, row := range rows {
		asset, err := money.ParseAsset(row.Asset)
		if err != nil {
			return spent, err
		}
		amount, err := money.ParseUnits(asset, row.Units)
		if err != nil {
			return spent, err
		}
		for _, name := range names(asset) {
			if sum := day[name]; sum != nil {
				sum.Add(sum, whole(amount))
			}
		}
		if asset == a.Asset && row.Hour == hourOf(a.now) {
			if spent, err = spent.Add(amount); err != nil {
				return spent, err
			}
		}
	}
	if len(a.rules.Limits) == 0 {
		return spent, nil
	}
	limited := false
	for _, name := range names(a.Asset) {
		limit, ok := a.rules.Limits[name]
		limited = limited || ok
		if limit.Single != "" && whole(a.Amount).Cmp(parseWhole(limit.Single)) > 0 {
			return spent, payment.Refuse(payment.CodeNotEnabled, "more than the limit of one payout")
		}
		if limit.Daily != "" && day[name].Cmp(parseWhole(limit.Daily)) > 0 {
			return spent, payment.Refuse(payment.CodeNotEnabled, "more than the limit of a day")
		}
	}
	if !limited {
		return spent, payment.Refuse(payment.CodeNotEnabled, "payouts of this asset are not enabled")
	}
	return spent, nil
}

func (a *accepting) saveSpent(ctx context.Context, tx *store.Tx, spent money.Amount) error {
	if err := tx.PrunePayoutHours(ctx, query.PrunePayoutHoursParams{AppID: a.app.ID, Below: hourOf(a.now) - 2*dayHours}); err != nil {
		return err
	}
	return tx.SavePayoutHour(ctx, query.SavePayoutHourParams{
		AppID: a.app.ID, Hour: hourOf(a.now), Asset: spent.Asset().String(), Units: spent.Units(),
	})
}

// unspend takes a payout that was not made out of what its app has paid out.
func unspend(ctx context.Context, tx *store.Tx, p payment.Payout) error {
	key := query.PayoutHourParams{AppID: p.AppID, Hour: hourOf(p.CreatedAt), Asset: p.Amount.Asset().String()}
	units, err := tx.PayoutHour(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil // longer ago than any limit looks
	}
	if err != nil {
		return err
	}
	spent, err := money.ParseUnits(p.Amount.Asset(), units)
	if err != nil {
		return err
	}
	if spent, err = spent.Sub(p.Amount); err != nil {
		return fmt.Errorf("what app %s has paid out: %w", p.AppID, err)
	}
	return tx.SavePayoutHour(ctx, query.SavePayoutHourParams{AppID: key.AppID, Hour: key.Hour, Asset: key.Asset, Units: spent.Units()})
}

// payee says until when payouts to recipient are held, zero for not at all, and the row to write
// for one that is new.
func (a *accepting) payee(ctx context.Context, tx *store.Tx, recipient string) (held time.Time, row *query.InsertPayeeParams, err error) {
	if !a.rules.AllowList && a.rules.NewPayeeWait == 0 {
		return held, nil, nil
	}
	known, err := tx.Payee(ctx, query.PayeeParams{AppID: a.app.ID, Address: recipient})
	usable := time.UnixMicro(known.UsableAt).UTC()
	switch {
	case err == nil && usable.After(a.now):
		return usable, nil, nil
	case err == nil:
		return held, nil, nil
	case !errors.Is(err, store.ErrNotFound):
		return held, nil, err
	case a.rules.AllowList:
		return held, nil, payment.Refuse(payment.CodeNotEnabled, "the recipient is not on the list of payees")
	}
	usable = a.now.Add(a.rules.wait())
	return usable, &query.InsertPayeeParams{
		AppID: a.app.ID, Address: recipient, AddedAt: a.now.UnixMicro(), UsableAt: usable.UnixMicro(),
	}, nil
}
