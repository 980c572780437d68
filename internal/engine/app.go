package engine

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/store"
	"florin/internal/store/query"
)

// Mode says whether an app moves real money. It is a property of the app, for good.
type Mode string

// The two modes.
const (
	Test Mode = "test"
	Live Mode = "live"
)

// Secret is an app's key. It signs and never shows itself.
type Secret interface {
	// HMACSHA256 returns the MAC of the parts, one after the other, under the key.
	HMACSHA256(parts ...[]byte) [32]byte
	// SHA256 returns the digest of before, the key and the parts, one after the other: some protocols
	// sign so. It can be extended by who sees it; what is signed must not be read loosely.
	SHA256(before []byte, parts ...[]byte) [32]byte
}

// Sealer keeps secrets sealed at rest. The purpose binds what was sealed to its row.
type Sealer interface {
	Seal(purpose string, plain []byte) ([]byte, error)
	Unseal(purpose string, sealed []byte) (Secret, error)
}

// Merchant owns apps, orders and balances.
type Merchant struct{ ID, Name, Email string }

// App is one merchant's credentials in one dialect.
type App struct {
	ID, MerchantID string
	MerchantName   string
	Protocol       string
	Kind           string // "payment" or "qr"
	Mode           Mode
	Active         bool
	WebhookURL     string
	Settle         string // "" or the merchant's own wallet
	Fee            money.Fee
	RatePerSecond  int // 0: no limit
	Burst          int
	Options        map[string]string // the dialect's switches
	// Keys are good now, the newest first: after a rotation the one before, until its grace ends.
	Keys []Secret
}

// policy is p for this app: what goes to the merchant's own wallet is out of our reach, and no fee
// can be taken from it (rulings G17).
func (a App) policy(p payment.Policy) payment.Policy {
	if a.Settle != "" {
		p.Direct, p.Fee = true, 0
	}
	return p
}

// NewApp says what app to add.
type NewApp struct {
	MerchantID, Protocol, Kind string
	Mode                       Mode
	WebhookURL, Settle         string
	Fee                        money.Fee
	RatePerSecond, Burst       int
	Options                    map[string]string
}

// AddMerchant adds a merchant.
func (e *Engine) AddMerchant(ctx context.Context, name, email string) (Merchant, error) {
	if name == "" || len(name) > 100 {
		return Merchant{}, payment.Invalid("name", "1 to 100 characters")
	}
	m := Merchant{e.ids.Make("mer", e.now()), name, email}
	err := e.db.Update(ctx, m.ID, func(ctx context.Context, tx *store.Tx) error {
		return tx.InsertMerchant(ctx, query.InsertMerchantParams{ID: m.ID, Name: name, Email: email, CreatedAt: e.now().UnixMicro()})
	})
	if errors.Is(err, store.ErrUnknown) { // its id tells what came of it (threats S06)
		_, err = e.db.Merchant(ctx, m.ID)
	}
	return m, err
}

// AddApp adds an app and returns its key, which is shown this once.
func (e *Engine) AddApp(ctx context.Context, n NewApp) (App, string, error) {
	if _, err := e.db.Merchant(ctx, n.MerchantID); err != nil {
		return App{}, "", refusal(err, "no such merchant")
	}
	if n.Mode != Test && n.Mode != Live {
		return App{}, "", payment.Invalid("mode", "test or live")
	}
	if len(e.networksOf(n.Mode)) == 0 {
		return App{}, "", payment.Invalid("mode", "no network is configured for "+string(n.Mode)+" apps")
	}
	if n.Settle != "" {
		for _, network := range e.networksOf(n.Mode) {
			normal, err := network.Addresser.Normal(n.Settle)
			if err != nil {
				return App{}, "", payment.Invalid("settle", "not an address of "+network.Title)
			}
			n.Settle = normal
		}
	}
	if err := e.checkTokens(n.Mode, n.Options[OptionTokens]); err != nil {
		return App{}, "", err
	}
	options, err := json.Marshal(n.Options)
	if err != nil {
		return App{}, "", fmt.Errorf("options of the new app: %w", err)
	}
	appID, secret := e.ids.Alphanumeric(16, 36), e.ids.Alphanumeric(32, 62)
	now := e.now()
	key, err := e.newKey(appID, secret, now)
	if err != nil {
		return App{}, "", err
	}
	err = e.db.Update(ctx, n.MerchantID, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.InsertApp(ctx, query.InsertAppParams{
			ID: appID, MerchantID: n.MerchantID, Protocol: n.Protocol, Kind: n.Kind, Mode: string(n.Mode), WebhookUrl: n.WebhookURL,
			Settle: n.Settle, FeeBps: int64(n.Fee), RatePerSecond: int64(n.RatePerSecond), Burst: int64(n.Burst),
			Options: string(options), CreatedAt: now.UnixMicro(),
		}); err != nil {
			return err
		}
		return tx.InsertAppKey(ctx, key)
	})
	if err != nil {
		return App{}, "", fmt.Errorf("add app: %w", err)
	}
	app, err := e.App(ctx, appID)
	return app, secret, err
}

func (e *Engine) newKey(appID, secret string, now time.Time) (query.InsertAppKeyParams, error) {
	sealed, err := e.sealer.Seal("app:"+appID, []byte(secret))
	if err != nil {
		return query.InsertAppKeyParams{}, fmt.Errorf("seal the app's key: %w", err)
	}
	return query.InsertAppKeyParams{ID: e.ids.Make("key", now), AppID: appID, Sealed: sealed, CreatedAt: now.UnixMicro()}, nil
}

// RotateKey gives the app a new key and returns it. The old one stays good for grace. A revoked app
// gets none: nobody would accept it.
func (e *Engine) RotateKey(ctx context.Context, appID string, grace time.Duration) (string, error) {
	app, err := e.loadApp(ctx, appID)
	if err != nil {
		return "", err
	}
	if !app.Active {
		return "", payment.Refuse(payment.CodeNotFound, "the app is revoked")
	}
	secret, now := e.ids.Alphanumeric(32, 62), e.now()
	key, err := e.newKey(appID, secret, now)
	if err != nil {
		return "", err
	}
	err = e.db.Update(ctx, app.MerchantID, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.RetireAppKeys(ctx, query.RetireAppKeysParams{AppID: appID, RetiresAt: now.Add(grace).UnixMicro(), NewID: key.ID}); err != nil {
			return err
		}
		return tx.InsertAppKey(ctx, key)
	})
	e.apps.forget(appID)
	return secret, err
}

// RevokeApp ends an app and its static addresses: within a second no node accepts its keys, and what
// the addresses receive from now on waits at the exception desk.
func (e *Engine) RevokeApp(ctx context.Context, appID string) error {
	app, err := e.loadApp(ctx, appID)
	if err != nil {
		return err
	}
	err = e.db.Update(ctx, app.MerchantID, func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.RevokeApp(ctx, appID); err != nil {
			return err
		}
		return tx.CloseStatics(ctx, query.CloseStaticsParams{AppID: appID, Now: e.closing()})
	})
	e.apps.forget(appID)
	return err
}

// Merchants lists every merchant, the oldest first.
func (e *Engine) Merchants(ctx context.Context) (merchants []Merchant, err error) {
	for after := ""; ; {
		rows, err := e.db.Merchants(ctx, query.MerchantsParams{After: after, MaxRows: 500})
		if err != nil {
			return nil, fmt.Errorf("list merchants: %w", err)
		}
		for _, row := range rows {
			merchants = append(merchants, Merchant{row.ID, row.Name, row.Email})
			after = row.ID
		}
		if len(rows) < 500 {
			return merchants, nil
		}
	}
}

// Apps returns every app, without keys, by id.
func (e *Engine) Apps(ctx context.Context) ([]App, error) {
	var apps []App
	for after := ""; ; {
		rows, err := e.db.Apps(ctx, query.AppsParams{After: after, MaxRows: 500})
		if err != nil {
			return nil, fmt.Errorf("list apps: %w", err)
		}
		for _, row := range rows {
			app, err := appFrom(row)
			if err != nil {
				return nil, err
			}
			apps = append(apps, app)
			after = row.ID
		}
		if len(rows) < 500 {
			return apps, nil
		}
	}
}

// appCacheLife is how long a node may use an app's row after it changed (rulings G6).
const appCacheLife = time.Second

// appLoadLimit is how long one reading of an app may take, on behalf of all who wait for it.
const appLoadLimit = 5 * time.Second

// App returns an app with the keys that are good now. It may be a second old; apps that do not
// exist are looked up each time. Revoked ones are returned, with Active false.
func (e *Engine) App(ctx context.Context, appID string) (App, error) {
	now := e.clock.Now()
	if app, ok := e.apps.get(appID, now); ok {
		return app, nil
	}
	// One caller reads it for all who find it gone: there may be as many as requests.
	loaded, err, _ := e.apps.loading.Do(appID, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), appLoadLimit)
		defer cancel()
		app, err := e.loadApp(ctx, appID)
		if err != nil {
			return App{}, err
		}
		e.apps.put(app, now)
		return app, nil
	})
	return loaded.(App), err
}

func (e *Engine) loadApp(ctx context.Context, appID string) (App, error) {
	row, err := e.db.App(ctx, appID)
	if err != nil {
		return App{}, refusal(err, "no such app")
	}
	app, err := appFrom(row)
	if err != nil {
		return App{}, err
	}
	merchant, err := e.db.Merchant(ctx, app.MerchantID)
	if err != nil {
		return App{}, fmt.Errorf("load merchant of app %s: %w", appID, err)
	}
	app.MerchantName = merchant.Name
	keys, err := e.db.AppKeys(ctx, query.AppKeysParams{AppID: appID, Now: e.now().UnixMicro()})
	if err != nil {
		return App{}, fmt.Errorf("load keys of app %s: %w", appID, err)
	}
	for _, k := range keys {
		secret, err := e.sealer.Unseal("app:"+appID, k.Sealed)
		if err != nil {
			return App{}, fmt.Errorf("key of app %s: %w", appID, err)
		}
		app.Keys = append(app.Keys, secret)
	}
	return app, nil
}

func appFrom(row query.App) (App, error) {
	app := App{
		ID: row.ID, MerchantID: row.MerchantID, Protocol: row.Protocol, Kind: row.Kind, Mode: Mode(row.Mode),
		Active: row.Status == "active", WebhookURL: row.WebhookUrl, Settle: row.Settle, Fee: money.Fee(row.FeeBps),
		RatePerSecond: int(row.RatePerSecond), Burst: int(row.Burst),
	}
	if err := json.Unmarshal([]byte(row.Options), &app.Options); err != nil {
		return App{}, fmt.Errorf("options of app %s: %w", row.ID, err)
	}
	return app, nil
}

// appCache keeps apps for at most appCacheLife.
type appCache struct {
	loading singleflight.Group
	mu      sync.RWMutex
	apps    map[string]cachedApp // under mu
}

type cachedApp struct {
	App
	until time.Time
}

func (c *appCache) get(appID string, now time.Time) (App, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	cached, ok := c.apps[appID]
	if !ok || !now.Before(cached.until) || now.Before(cached.until.Add(-appCacheLife)) {
		return App{}, false
	}
	return cached.App, true
}

// maxCachedApps bounds the cache; past it everything is read again.
const maxCachedApps = 10_000

func (c *appCache) put(app App, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.apps == nil || len(c.apps) >= maxCachedApps {
		c.apps = map[string]cachedApp{}
	}
	c.apps[app.ID] = cachedApp{app, now.Add(appCacheLife)}
}

func (c *appCache) forget(appID string) {
	c.loading.Forget(appID) // who comes from now on does not get what was read before
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.apps, appID)
}

// installation returns the 32 public random bytes that salt deposit addresses, made once.
func (e *Engine) installation(ctx context.Context) (salt [32]byte, err error) {
	const key = "installation"
	text, err := e.db.Setting(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		fresh := e.ids.Hex(32)
		if err := e.db.Update(ctx, key, func(ctx context.Context, tx *store.Tx) error {
			return tx.InsertSetting(ctx, query.InsertSettingParams{Key: key, Value: fresh})
		}); err != nil {
			return salt, err
		}
		text, err = e.db.Setting(ctx, key) // another node's may have been first
	}
	if err != nil {
		return salt, err
	}
	if n, err := hex.Decode(salt[:], []byte(text)); err != nil || n != len(salt) {
		return salt, fmt.Errorf("stored value is not 32 bytes of hex")
	}
	return salt, nil
}

// Installation returns the public id that salts every deposit address.
func (e *Engine) Installation() string { return hex.EncodeToString(e.salt[:]) }
