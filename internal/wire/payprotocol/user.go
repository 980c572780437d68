package payprotocol

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"

	"florin/internal/engine"
	"florin/internal/payment"
	"florin/internal/wire"
)

// userMark begins the reference of a user's addresses, so that no outTradeNo is one of them.
const userMark = "user/"

// uuidOf is what the merchant calls the user whose addresses have that reference.
func uuidOf(reference string) string { return strings.TrimPrefix(reference, userMark) }

// The kinds of users. Those of the system hold addresses that are given to one order after another:
// there are none, since no address is used twice (rulings G13).
const (
	userRecharge = 0
	userTypes    = 2
)

var userFields = []string{"uuid"}

// createUser gives a user addresses for good, on every chain that the app is paid on.
func (a *API) createUser(ctx context.Context, c *call, w *wire.Writer) error {
	uuid := required(c.fields, "uuid", c.fields.Reference("uuid", maxReference))
	if err := c.fields.Err(); err != nil {
		return err
	}
	n := engine.NewStatic{
		Number: a.inside(), Reference: userMark + uuid, RequestHash: hashOf("user", uuid),
		Tell: []payment.EventKind{payment.EventPaid, payment.EventDesk, payment.EventResolved}, Extra: "{}",
	}
	homeID, err := a.home(ctx, c, n)
	if err != nil {
		return err
	}
	return a.says.id(ctx, w, "", kindUser, homeID)
}

func (a *API) home(ctx context.Context, c *call, n engine.NewStatic) (id string, err error) {
	if c.limited {
		first, err := a.engine.Repeated(ctx, c.app, engine.NewOrder{Reference: n.Reference, RequestHash: n.RequestHash})
		return first.ID, err
	}
	v, _, err := a.engine.CreateStatic(ctx, c.app, n)
	return v.ID, err
}

var userKeyFields = []string{"userId", "uuid", "UUID", "chainId"}

// readUUID reads the user's name, which is documented in both spellings.
func readUUID(f *wire.Fields) string {
	small, capital := f.Reference("uuid", maxReference), f.Reference("UUID", maxReference)
	if small != "" && capital != "" {
		f.Refuse("uuid", "comes twice")
	}
	return small + capital
}

// findUser returns the user that a request names; found is false if it names none.
func (a *API) findUser(ctx context.Context, c *call) (home engine.OrderView, found bool, err error) {
	id, uuid := readID(c.fields, "userId"), readUUID(c.fields)
	if err := c.fields.Err(); err != nil {
		return home, false, err
	}
	switch {
	case id != 0:
		home, err = a.byID(ctx, c, kindUser, id)
	case uuid != "":
		home, err = a.engine.OrderByReference(ctx, c.app.ID, userMark+uuid)
	default:
		return home, false, nil
	}
	if err == nil && (!home.Static() || uuid != "" && uuidOf(home.Reference) != uuid) {
		err = payment.Refuse(payment.CodeNotFound, "no such user")
	}
	return home, true, err
}

// byID returns the app's order, deposit or static address that a small number stands for.
func (a *API) byID(ctx context.Context, c *call, kind string, id int64) (engine.OrderView, error) {
	ref, err := a.engine.ByShortID(ctx, kind, int32(min(id, math.MaxInt32)))
	if err != nil {
		return engine.OrderView{}, err
	}
	v, err := a.engine.OrderByID(ctx, c.app.ID, ref)
	if isCode(err, payment.CodeNotFound) {
		err = payment.Refuse(payment.CodeNotFound, "no such "+kind) // as of a number that nobody has
	}
	return v, err
}

// userDetail shows a user with his addresses.
func (a *API) userDetail(ctx context.Context, c *call, w *wire.Writer) error {
	chain := a.onChain(c)
	home, found, err := a.findUser(ctx, c)
	switch {
	case err != nil:
		return err
	case !found:
		return payment.Invalid("userId", "missing, as uuid is")
	}
	return a.says.user(ctx, w, home, chain)
}

var userListFields = slices.Concat(userKeyFields, []string{"userType"}, pageFields)

// listUsers shows users, the youngest first.
func (a *API) listUsers(ctx context.Context, c *call, w *wire.Writer) error {
	p, chain := readPage(c.fields), a.onChain(c)
	kind, _ := readChoice(c.fields, "userType", userTypes)
	one, named, err := a.findUser(ctx, c)
	if err != nil && !isCode(err, payment.CodeNotFound) {
		return err
	}
	var homes []engine.OrderView
	count := 0
	switch {
	case kind != userRecharge || err != nil:
	case named && p.number == 1:
		homes, count = []engine.OrderView{one}, 1
	case named:
		count = 1
	default:
		if homes, count, err = a.engine.StaticsOf(ctx, c.app.ID, p.skip(), int(p.size)); err != nil {
			return err
		}
	}
	list := p.begin(w, count)
	for _, home := range homes {
		list.Next()
		if err := a.says.user(ctx, w, home, chain); err != nil {
			return err
		}
	}
	p.end(w, list)
	return nil
}

// user writes a user with his addresses, on one chain or on all.
func (t teller) user(ctx context.Context, w *wire.Writer, home engine.OrderView, chain string) error {
	if err := t.id(ctx, w, `{"userId":`, kindUser, home.ID); err != nil {
		return err
	}
	w.String(`,"uuid":`, uuidOf(home.Reference))
	t.clock(w, `,"createTime":`, home.App, home.CreatedAt)
	list := w.List(`,"userWallet":`)
	var networks []string
	for name := range home.Addresses {
		if t.tokens.chain(name) != 0 && (chain == "" || name == chain) {
			networks = append(networks, name)
		}
	}
	slices.SortFunc(networks, func(x, y string) int { return int(t.tokens.chain(x) - t.tokens.chain(y)) })
	for _, name := range networks {
		list.Next()
		w.Int(`{"chainId":`, t.tokens.chain(name))
		if err := t.id(ctx, w, `,"walletId":`, kindWallet, name+":"+home.Addresses[name]); err != nil {
			return err
		}
		w.String(`,"walletAddress":`, home.Addresses[name])
		w.Raw("}")
	}
	list.End()
	w.Int(`,"userType":`, userRecharge)
	w.Raw("}")
	return nil
}

var rechargeListFields = slices.Concat([]string{"chainId", "userId", "uuid", "UUID", "transferHash", "startTime", "endTime"}, pageFields)

// listRecharges shows what users were paid, the youngest first.
func (a *API) listRecharges(ctx context.Context, c *call, w *wire.Writer) error {
	f := c.fields
	p := readPage(f)
	filter := engine.OrderFilter{
		Deposits: true, Chain: a.onChain(c), TxID: f.Reference("transferHash", maxAddress), Skip: p.skip(), Limit: int(p.size),
	}
	filter.From, filter.Until = readSpan(f)
	home, named, err := a.findUser(ctx, c)
	if err != nil && !isCode(err, payment.CodeNotFound) {
		return err
	}
	if filter.HomeID = home.ID; named && err != nil {
		p.end(w, p.begin(w, 0))
		return nil
	}
	deposits, count, err := a.engine.OrdersOf(ctx, c.app.ID, filter)
	if err != nil {
		return err
	}
	list := p.begin(w, count)
	for _, d := range deposits {
		list.Next()
		if err := a.says.recharge(ctx, w, c.app, d.Facts(), seen{d.TxID, d.From, d.BlockTime}); err != nil {
			return err
		}
	}
	p.end(w, list)
	return nil
}

var rechargeKeyFields = []string{"rechargeId"}

// findRecharge returns the deposit that a request names.
func (a *API) findRecharge(ctx context.Context, c *call) (engine.OrderView, error) {
	id := readID(c.fields, "rechargeId")
	if id == 0 {
		c.fields.Refuse("rechargeId", "missing")
	}
	if err := c.fields.Err(); err != nil {
		return engine.OrderView{}, err
	}
	return a.byID(ctx, c, kindRecharge, id)
}

// rechargeDetail shows what a user was paid.
func (a *API) rechargeDetail(ctx context.Context, c *call, w *wire.Writer) error {
	v, err := a.findRecharge(ctx, c)
	if err != nil {
		return err
	}
	return a.says.recharge(ctx, w, v.App, v.Facts(), seenOf(v))
}

// recharge writes what a user was paid, as queries and callbacks have it.
func (t teller) recharge(ctx context.Context, w *wire.Writer, app engine.App, f payment.Facts, s seen) error {
	token, err := t.token(f.Due.Asset())
	if err != nil {
		return err
	}
	w.Int(`{"chainId":`, token.ChainID)
	recharge := t.id(ctx, w, `,"rechargeId":`, kindRecharge, f.OrderID)
	user := t.id(ctx, w, `,"userId":`, kindUser, f.HomeID)
	w.String(`,"uuid":`, uuidOf(f.Label))
	w.Int(`,"currencyId":`, token.CurrencyID)
	w.String(`,"rechargeAmount":`, f.Received.Units())
	w.Int(`,"rechargeStatus":`, rechargeStatus(f))
	w.String(`,"transferHash":`, s.txID)
	wallet := t.id(ctx, w, `,"walletId":`, kindWallet, f.Due.Asset().Chain()+":"+f.Address)
	w.String(`,"walletAddress":`, f.Address)
	w.String(`,"fromAddress":`, s.from)
	t.clock(w, `,"createTime":`, app, f.CreatedAt)
	w.Time(`,"blockTime":`, s.at)
	w.Raw("}")
	return errors.Join(recharge, user, wallet)
}

var tagFields = []string{"tagName"}

// createTag makes a tag: a label that orders may have from then on. There are no addresses to keep free
// for it, since none is used twice (rulings G13).
func (a *API) createTag(ctx context.Context, c *call, w *wire.Writer) error {
	name := required(c.fields, "tagName", readReference(c.fields, "tagName"))
	if err := c.fields.Err(); err != nil {
		return err
	}
	w.Raw("{}")
	_, err := a.engine.ShortID(ctx, kindTag, tagOf(c.app, name))
	return err
}

// tagOf is what a tag of the app's is kept under.
func tagOf(app engine.App, name string) string { return app.ID + "/" + name }

// tagged refuses an order with a tag that was not made.
func (a *API) tagged(ctx context.Context, app engine.App, name string) error {
	if name == "" {
		return nil
	}
	_, err := a.engine.KnownShortID(ctx, kindTag, tagOf(app, name))
	if isCode(err, payment.CodeNotFound) {
		err = payment.Invalid("tagName", "no such tag was made")
	}
	return err
}
