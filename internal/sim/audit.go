package sim

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"
)

// Auditor judges the database after each step. It shares no code with the program: rows are read
// with SQL of its own, amounts are math/big, and what ought to be there follows from the networks'
// truth and from what merchants and payers asked and were answered.
type Auditor struct {
	db       *sql.DB
	conn     *sql.Conn
	prepared map[string]*sql.Stmt
	sqlite   bool
	version  int64 // of the data, as SQLite counts the commits of others
	now      func() time.Time

	truths  map[string]*truth
	rows    *rows  // as of the last look
	before  *rows  // as of the look before
	books   *books // the sum of all entries so far
	given   given  // addresses
	said    said   // what the outside world was told
	news    news
	chained chained
	spent   spent
	decided decided
	pays    bool // money can leave
	found   []string
}

func newAuditor(url string, chains []*network, pays bool, now func() time.Time) (*Auditor, error) {
	a := &Auditor{now: now, prepared: map[string]*sql.Stmt{}, truths: map[string]*truth{}, books: newBooks(), given: newGiven(), said: newSaid(), news: newNews(), chained: newChained(), spent: newSpent(), decided: newDecided(), pays: pays}
	path, sqlite := strings.CutPrefix(url, "sqlite:")
	a.sqlite = sqlite
	var err error
	if sqlite {
		a.db, err = sql.Open("sqlite", "file:"+path+"?_pragma=query_only(1)&_pragma=busy_timeout(5000)")
	} else {
		a.db, err = sql.Open("pgx", url)
	}
	if err != nil {
		return nil, err
	}
	if a.conn, err = a.db.Conn(context.Background()); err != nil {
		return nil, err
	}
	for _, c := range chains {
		t, err := newTruth(c)
		if err != nil {
			return nil, err
		}
		t.ours = func(address string) bool { return address == hot || a.given.orders[address] != "" }
		a.truths[t.name] = t
		if err := t.learn(context.Background()); err != nil {
			return nil, err
		}
	}
	a.rows = newRows()
	return a, nil
}

// Close closes the auditor's connection.
func (a *Auditor) Close() {
	for _, stmt := range a.prepared {
		stmt.Close()
	}
	a.conn.Close()
	a.db.Close()
}

// Learn tells that a network has changed.
func (a *Auditor) Learn(ctx context.Context, chain string) error { return a.truths[chain].learn(ctx) }

// wrong notes a finding.
func (a *Auditor) wrong(format string, args ...any) {
	if len(a.found) < 10 {
		a.found = append(a.found, fmt.Sprintf(format, args...))
	}
}

// take returns the findings since the last time.
func (a *Auditor) take() []string {
	found := a.found
	a.found = nil
	return found
}

// Look judges what the database holds now, if anything was committed since the last look, and
// returns what is wrong, a sentence each.
func (a *Auditor) Look() []string {
	a.look()
	return a.take()
}

func (a *Auditor) look() {
	if !a.changed() {
		return
	}
	rows, err := a.read()
	if err != nil {
		a.wrong("the auditor cannot read: %v", err)
		return
	}
	a.before, a.rows = a.rows, rows
	a.lookAtAddresses()
	a.lookAtChains()
	a.lookAtBooks()
	a.lookAtTransfers()
	a.lookAtDesk()
	a.lookAtOrders()
	a.lookAtPayouts()
	a.lookAtSweeps()
	a.lookAtNews()
	a.lookAtSeals()
}

// changed reports whether others have committed anything since the last call.
func (a *Auditor) changed() bool {
	if !a.sqlite {
		return true
	}
	was := a.version
	r := &reader{conn: a.conn, prepared: a.prepared}
	r.each("PRAGMA data_version", func(scan func(...any)) { scan(&a.version) })
	return r.err != nil || a.version != was
}

// rows is the database as the auditor reads it: the tables that change as a whole, and the growth
// of those that only grow.
type rows struct {
	orders     map[string]*orderRow // by id
	byNumber   map[string]*orderRow
	transfers  map[key]*transferRow
	work       map[string]bool // orders that wait to be settled
	cursors    map[string]cursorRow
	connected  map[string]span // the blocks that are kept, by chain
	desk       []deskRow
	balances   map[account][2]*big.Int // debit and credit
	deliveries map[string]*deliveryRow
	out        map[string]*outRow // payouts and sweeps, by id
	nonces     map[numbered]string
	items      map[string][]itemRow // by sweep
	stops      map[string]bool
	steps      map[string]int64 // of the second factor, by app
	apps       map[string]appRow

	versions  []versionRow // new ones
	postings  []postingRow // new ones, entry by entry
	events    []eventRow   // new ones
	addresses []addressRow // new ones
	seals     []sealRow    // new ones
	unsealed  int64
}

type orderRow struct {
	id, merchant, app, number, reference, label, home, currency, price, state, asset string
	asked                                                                            string // the price that it was made over
	due, received, late, reversed, refunded                                          *big.Int
	created, deadline, paid, version                                                 int64
	policy                                                                           policyDoc
	policyText                                                                       string
}

// policyDoc is what of an order's policy the auditor looks at.
type policyDoc struct {
	Late   string   `json:"late"`
	Places int      `json:"quote_places"`
	FeeBPS int64    `json:"fee_bps"`
	Tell   []string `json:"tell"`
	Direct bool     `json:"direct"`
	Each   bool     `json:"each"`

	Range *rangeDoc `json:"range"`
}

// rangeDoc is what part of what is due may come by itself, as fractions.
type rangeDoc struct {
	LowNum  int64 `json:"low_num"`
	LowDen  int64 `json:"low_den"`
	HighNum int64 `json:"high_num"`
	HighDen int64 `json:"high_den"`
}

// key names a transfer.
type key struct{ chain, txID, position string }

func (k key) String() string { return k.chain + ":" + k.txID + ":" + k.position }

type transferRow struct {
	key
	order, to, asset         string
	units, fee               *big.Int
	height                   int64
	hash                     string
	time                     int64
	status, booked, reason   string
	swept                    string // by whom
	listed, removed, counted bool
	credits                  int64
}

type cursorRow struct {
	height int64
	hash   string
}

// span is the first of some blocks and how many they are.
type span struct{ first, count int64 }

type deskRow struct {
	key
	id, order, reason, asset, status, resolution, attached, outgoing string
	units, held                                                      *big.Int
}

// account is a kind, an owner and an asset.
type account struct{ kind, owner, asset string }

func (a account) String() string { return a.kind + ":" + a.owner + ":" + a.asset }

type postingRow struct {
	entry, ref, order string
	account
	side  string
	units *big.Int
}

type eventRow struct {
	id, kind, order string
	sequence        int64
	facts           factsDoc
}

// factsDoc is what of an event's snapshot the auditor looks at.
type factsDoc struct {
	State    string `json:"state"`
	Asset    string `json:"asset"`
	Due      string `json:"due"`
	Received string `json:"received"`
	Transfer *struct {
		Chain    string `json:"chain"`
		TxID     string `json:"txid"`
		Position string `json:"position"`
		Units    string `json:"units"`
		Status   string `json:"status"`
		Booked   string `json:"booked"`
	} `json:"transfer"`
	Payout *struct {
		Number string `json:"number"`
		State  string `json:"state"`
		Units  string `json:"units"`
		TxID   string `json:"txid"`
	} `json:"payout"`
}

type deliveryRow struct {
	id, event, order, status string
	sequence, attempts, due  int64
	leased                   int64 // until then; 0 if nobody holds it
	final                    bool
}

type addressRow struct{ address, family, order, salt string }

func newRows() *rows {
	return &rows{
		orders: map[string]*orderRow{}, byNumber: map[string]*orderRow{}, transfers: map[key]*transferRow{}, work: map[string]bool{},
		cursors: map[string]cursorRow{}, connected: map[string]span{}, balances: map[account][2]*big.Int{}, deliveries: map[string]*deliveryRow{},
		out: map[string]*outRow{}, nonces: map[numbered]string{}, items: map[string][]itemRow{}, stops: map[string]bool{}, steps: map[string]int64{},
		apps: map[string]appRow{},
	}
}

// reader runs queries until one fails.
type reader struct {
	conn     *sql.Conn
	prepared map[string]*sql.Stmt
	err      error
}

// each runs a query and calls row for each of its rows.
func (r *reader) each(text string, row func(scan func(...any)), args ...any) {
	if r.err != nil {
		return
	}
	stmt := r.prepared[text]
	if stmt == nil {
		if stmt, r.err = r.conn.PrepareContext(context.Background(), text); r.err != nil {
			return
		}
		r.prepared[text] = stmt
	}
	found, err := stmt.QueryContext(context.Background(), args...)
	if err != nil {
		r.err = fmt.Errorf("%s: %w", text, err)
		return
	}
	defer found.Close()
	for found.Next() {
		row(func(into ...any) {
			if err := found.Scan(into...); err != nil && r.err == nil {
				r.err = fmt.Errorf("%s: %w", text, err)
			}
		})
	}
	if err := found.Err(); err != nil && r.err == nil {
		r.err = err
	}
}

// number reads digits.
func (r *reader) number(digits string) *big.Int {
	n, ok := new(big.Int).SetString(digits, 10)
	if !ok && r.err == nil {
		r.err = fmt.Errorf("%q is no amount", digits)
	}
	return n
}

// grown asks for the rows of a table that were added after so many: SQLite numbers them, on
// PostgreSQL all are read and the known ones passed over.
func (a *Auditor) grown(table string, seen int) (condition string, args []any) {
	if !a.sqlite {
		return "TRUE", nil
	}
	return table + ".rowid > $1", []any{seen}
}

func (a *Auditor) read() (*rows, error) {
	s := newRows()
	r := &reader{conn: a.conn, prepared: a.prepared}
	r.each(`SELECT id, merchant_id, app_id, number, reference, label, home_id, price_currency, price_units, state, asset, due_units, received_units,
		late_units, reversed_units, refunded_units, created_at, deadline, paid_at, version, policy FROM orders ORDER BY id`, func(scan func(...any)) {
		var o orderRow
		var due, received, late, reversed, refunded string
		scan(&o.id, &o.merchant, &o.app, &o.number, &o.reference, &o.label, &o.home, &o.currency, &o.price, &o.state, &o.asset, &due, &received, &late,
			&reversed, &refunded, &o.created, &o.deadline, &o.paid, &o.version, &o.policyText)
		o.due, o.received, o.late, o.reversed = r.number(due), r.number(received), r.number(late), r.number(reversed)
		o.refunded, o.asked = r.number(refunded), o.price
		if was := a.rows.orders[o.id]; was != nil {
			o.asked = was.asked
		}
		if was := a.rows.orders[o.id]; was != nil && was.policyText == o.policyText {
			o.policy = was.policy
		} else if err := json.Unmarshal([]byte(o.policyText), &o.policy); err != nil && r.err == nil {
			r.err = err
		}
		s.orders[o.id], s.byNumber[o.number] = &o, &o
	})
	r.each(`SELECT chain, txid, position, order_id, recipient, asset, units, fee_units, block_height, block_hash, block_time, status,
		booked, reason, listed, removed, counted, credits, swept_by FROM transfers`, func(scan func(...any)) {
		var t transferRow
		var units, fee string
		scan(&t.chain, &t.txID, &t.position, &t.order, &t.to, &t.asset, &units, &fee, &t.height, &t.hash, &t.time, &t.status, &t.booked,
			&t.reason, &t.listed, &t.removed, &t.counted, &t.credits, &t.swept)
		t.units, t.fee = r.number(units), r.number(fee)
		s.transfers[t.key] = &t
	})
	r.each(`SELECT order_id FROM order_work`, func(scan func(...any)) {
		var id string
		scan(&id)
		s.work[id] = true
	})
	r.each(`SELECT name, height, hash FROM chains`, func(scan func(...any)) {
		var name string
		var c cursorRow
		scan(&name, &c.height, &c.hash)
		s.cursors[name] = c
	})
	r.each(`SELECT chain, min(height), count(*) FROM blocks GROUP BY chain`, func(scan func(...any)) {
		var name string
		var kept span
		scan(&name, &kept.first, &kept.count)
		s.connected[name] = kept
	})
	r.each(`SELECT id, chain, txid, position, order_id, reason, asset, units, held, status, resolution, attached_to, outgoing_id FROM desk ORDER BY id`, func(scan func(...any)) {
		var d deskRow
		var units, held string
		scan(&d.id, &d.chain, &d.txID, &d.position, &d.order, &d.reason, &d.asset, &units, &held, &d.status, &d.resolution, &d.attached, &d.outgoing)
		d.units, d.held = r.number(units), r.number(held)
		s.desk = append(s.desk, d)
	})
	r.each(`SELECT kind, owner, asset, debit_units, credit_units FROM balances`, func(scan func(...any)) {
		var b account
		var debit, credit string
		scan(&b.kind, &b.owner, &b.asset, &debit, &credit)
		s.balances[b] = [2]*big.Int{r.number(debit), r.number(credit)}
	})
	r.each(`SELECT id, event_id, order_id, status, sequence, attempts, due_at, leased_until, final FROM deliveries`, func(scan func(...any)) {
		var d deliveryRow
		scan(&d.id, &d.event, &d.order, &d.status, &d.sequence, &d.attempts, &d.due, &d.leased, &d.final)
		s.deliveries[d.id] = &d
	})
	r.each(`SELECT count(*) FROM unsealed`, func(scan func(...any)) { scan(&s.unsealed) })
	a.readPayouts(r, s)
	a.readSweeps(r, s)
	a.readGrowth(r, s)
	return s, r.err
}

// readGrowth reads what was added to the tables whose rows never change.
func (a *Auditor) readGrowth(r *reader, s *rows) {
	grown, args := a.grown("entries", len(a.books.entries))
	r.each(`SELECT entries.id, entries.ref, entries.order_id, p.kind, p.owner, p.asset, p.side, p.units
		FROM entries JOIN postings AS p ON p.entry_id = entries.id WHERE `+grown+` ORDER BY entries.id, p.line`, func(scan func(...any)) {
		var p postingRow
		var units string
		scan(&p.entry, &p.ref, &p.order, &p.kind, &p.owner, &p.asset, &p.side, &units)
		if p.units = r.number(units); !a.books.entries[p.entry] {
			s.postings = append(s.postings, p)
		}
	}, args...)
	grown, args = a.grown("events", len(a.news.events))
	r.each(`SELECT id, kind, order_id, sequence, doc FROM events WHERE `+grown+` ORDER BY id`, func(scan func(...any)) {
		var e eventRow
		var doc string
		scan(&e.id, &e.kind, &e.order, &e.sequence, &doc)
		if a.news.events[e.id] != nil {
			return
		}
		if err := json.Unmarshal([]byte(doc), &e.facts); err != nil && r.err == nil {
			r.err = err
		}
		s.events = append(s.events, e)
	}, args...)
	grown, args = a.grown("deposit_addresses", len(a.given.orders))
	r.each(`SELECT address, family, order_id, salt FROM deposit_addresses WHERE `+grown+` ORDER BY address`, func(scan func(...any)) {
		var d addressRow
		scan(&d.address, &d.family, &d.order, &d.salt)
		if a.given.orders[d.address] == "" {
			s.addresses = append(s.addresses, d)
		}
	}, args...)
	r.each(`SELECT seq, kind, ref, hash, prev FROM seals WHERE seq > $1 ORDER BY seq`, func(scan func(...any)) {
		var l sealRow
		scan(&l.seq, &l.kind, &l.ref, &l.hash, &l.prev)
		s.seals = append(s.seals, l)
	}, a.chained.seq)
}

// sorted returns the keys of a map in order, so that findings come in the same order each time.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// transferKeys returns the transfers' keys in order.
func transferKeys[V any](m map[key]V) []key {
	return slices.SortedFunc(maps.Keys(m), func(a, b key) int { return strings.Compare(a.String(), b.String()) })
}
