-- Code generated from postgres/0001_florin.sql by schema/gen; DO NOT EDIT.
-- +goose Up
-- The source of both schemas: schema/sqlite is generated from this file (rulings G8). Amounts are
-- digits of base units in TEXT, times UTC microseconds in BIGINT, ids TEXT in byte order. Assets
-- are written code/decimals. Hot tables carry no foreign keys: `florin db verify` looks for rows
-- without their parent.

-- Facts about the installation, such as its public id that salts every deposit address.
CREATE TABLE settings (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE merchants (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    next_address INTEGER NOT NULL, -- index of the next deposit address; never goes back
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE apps (
    id TEXT PRIMARY KEY,
    merchant_id TEXT NOT NULL,
    protocol TEXT NOT NULL,
    kind TEXT NOT NULL,
    mode TEXT NOT NULL,
    status TEXT NOT NULL,
    webhook_url TEXT NOT NULL,
    settle TEXT NOT NULL, -- '' or the merchant's own wallet, where forwarders send everything
    fee_bps INTEGER NOT NULL,
    rate_per_second INTEGER NOT NULL, -- 0: no limit
    burst INTEGER NOT NULL,
    options TEXT NOT NULL, -- the dialect's switches, JSON
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE app_keys (
    id TEXT PRIMARY KEY,
    app_id TEXT NOT NULL,
    sealed BLOB NOT NULL, -- under the key file
    created_at INTEGER NOT NULL,
    retires_at INTEGER NOT NULL -- 0: current
) STRICT;
CREATE INDEX app_keys_app ON app_keys (app_id);

-- What an app reads its feed with. Only the hash is kept.
CREATE TABLE api_tokens (
    id TEXT PRIMARY KEY,
    app_id TEXT NOT NULL,
    name TEXT NOT NULL, -- what it is for
    hash TEXT NOT NULL UNIQUE, -- SHA-256, hex
    created_at INTEGER NOT NULL,
    revoked_at INTEGER NOT NULL -- 0: good
) STRICT;
CREATE INDEX api_tokens_app ON api_tokens (app_id);

-- Every step an order may take; the trigger order_step refuses all others.
CREATE TABLE order_steps (
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    PRIMARY KEY (before, after)
) STRICT;
INSERT INTO order_steps (before, after) VALUES ('open', 'paid'), ('open', 'expired'), ('expired', 'paid'), ('standing', 'closed');

CREATE TABLE orders (
    id TEXT PRIMARY KEY,
    merchant_id TEXT NOT NULL,
    app_id TEXT NOT NULL,
    number TEXT NOT NULL UNIQUE,
    page TEXT NOT NULL, -- the token of its page; '' where the number is one
    reference TEXT NOT NULL,
    label TEXT NOT NULL,   -- of a deposit to a static address: the code's own reference, else ''
    home_id TEXT NOT NULL, -- and the code's order
    request_hash TEXT NOT NULL,
    notify_url TEXT NOT NULL,
    return_url TEXT NOT NULL,
    product_name TEXT NOT NULL,
    product_image TEXT NOT NULL,
    product_description TEXT NOT NULL,
    price_currency TEXT NOT NULL,
    price_units TEXT NOT NULL CHECK (price_units <> '' AND ltrim(price_units, '0123456789') = ''), -- of 10^-18
    policy TEXT NOT NULL, -- payment.Policy, JSON
    state TEXT NOT NULL,
    asset TEXT NOT NULL, -- '' until chosen
    due_units TEXT NOT NULL CHECK (due_units <> '' AND ltrim(due_units, '0123456789') = ''),
    rate TEXT NOT NULL,
    usd TEXT NOT NULL,     -- what one token was worth in USD when quoted, '' if unknown
    address TEXT NOT NULL, -- where it is paid, '' until chosen
    received_units TEXT NOT NULL CHECK (received_units <> '' AND ltrim(received_units, '0123456789') = ''),
    late_units TEXT NOT NULL CHECK (late_units <> '' AND ltrim(late_units, '0123456789') = ''),
    reversed_units TEXT NOT NULL CHECK (reversed_units <> '' AND ltrim(reversed_units, '0123456789') = ''),
    refunded_units TEXT NOT NULL CHECK (refunded_units <> '' AND ltrim(refunded_units, '0123456789') = ''),
    last_txid TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    deadline INTEGER NOT NULL,
    paid_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    UNIQUE (app_id, reference)
) STRICT;
CREATE INDEX orders_open ON orders (deadline, id) WHERE state = 'open';
CREATE UNIQUE INDEX orders_page ON orders (page) WHERE page <> '';
CREATE INDEX orders_listed ON orders (app_id, id) WHERE page <> '' OR home_id <> ''; -- of dialects whose merchants list them
CREATE INDEX orders_standing ON orders (app_id, id) WHERE state = 'standing'; -- static addresses

-- What only the order's dialect understands, JSON.
CREATE TABLE order_extra (
    order_id TEXT PRIMARY KEY,
    doc TEXT NOT NULL
) STRICT;

-- Orders that wait to be settled: a transfer confirmed or was dropped. The row is the queue.
CREATE TABLE order_work (
    order_id TEXT PRIMARY KEY,
    merchant_id TEXT NOT NULL,
    generation INTEGER NOT NULL, -- grows with each cause; the row goes when the last one was served
    attempts INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    lease_owner TEXT NOT NULL,
    leased_until INTEGER NOT NULL
) STRICT;
CREATE INDEX order_work_due ON order_work (due_at);

-- One address per order and family of address formats, never used again.
CREATE TABLE deposit_addresses (
    address TEXT NOT NULL,
    family TEXT NOT NULL,
    order_id TEXT NOT NULL,
    merchant_id TEXT NOT NULL,
    salt TEXT NOT NULL,
    destination TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (address),
    UNIQUE (order_id, family)
) STRICT;
CREATE INDEX deposit_addresses_created ON deposit_addresses (created_at);

-- Small numbers that some dialects show in the place of ids (rulings G29), and how far each kind has been given out.
CREATE TABLE short_ids (
    kind TEXT NOT NULL,
    id INTEGER NOT NULL,
    ref TEXT NOT NULL,
    PRIMARY KEY (kind, id),
    UNIQUE (kind, ref)
) STRICT;
CREATE TABLE short_id_ends (
    kind TEXT PRIMARY KEY,
    last_id INTEGER NOT NULL
) STRICT;

-- One row a followed chain: its cursor, and the lock of whoever moves it.
CREATE TABLE chains (
    name TEXT PRIMARY KEY,
    height INTEGER NOT NULL,
    hash TEXT NOT NULL,
    parent TEXT NOT NULL,
    block_time INTEGER NOT NULL,
    version INTEGER NOT NULL
) STRICT;

-- The connected blocks of late, for stepping back.
CREATE TABLE blocks (
    chain TEXT NOT NULL,
    height INTEGER NOT NULL,
    hash TEXT NOT NULL,
    parent TEXT NOT NULL,
    block_time INTEGER NOT NULL,
    PRIMARY KEY (chain, height)
) STRICT;

CREATE TABLE transfers (
    chain TEXT NOT NULL,
    txid TEXT NOT NULL,
    position TEXT NOT NULL,
    order_id TEXT NOT NULL,
    merchant_id TEXT NOT NULL,
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    asset TEXT NOT NULL,
    units TEXT NOT NULL CHECK (units <> '' AND ltrim(units, '0123456789') = ''),
    listed INTEGER NOT NULL,
    block_height INTEGER NOT NULL,
    block_hash TEXT NOT NULL,
    block_time INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('seen', 'confirmed', 'dropped')),
    removed INTEGER NOT NULL, -- its block was disconnected; the order's settling acts on it
    booked TEXT NOT NULL CHECK (booked IN ('', 'merchant', 'suspense', 'operator')),
    reason TEXT NOT NULL,
    fee_units TEXT NOT NULL CHECK (fee_units <> '' AND ltrim(fee_units, '0123456789') = ''),
    counted INTEGER NOT NULL,
    credits INTEGER NOT NULL,
    -- What took it away from its deposit address: a sweep's id, 'flushed:' for somebody else, or '' while it is there.
    swept_by TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (chain, txid, position)
) STRICT;
CREATE INDEX transfers_order ON transfers (order_id);
CREATE INDEX transfers_block ON transfers (chain, block_height);
CREATE INDEX transfers_unswept ON transfers (chain, recipient, txid, position) WHERE swept_by = '';
CREATE INDEX transfers_swept ON transfers (swept_by) WHERE swept_by <> '';

-- The books. Nothing here is ever changed or removed (triggers in 0002).
CREATE TABLE entries (
    id TEXT PRIMARY KEY,
    ref TEXT NOT NULL UNIQUE, -- one event is booked once
    order_id TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE postings (
    entry_id TEXT NOT NULL,
    line INTEGER NOT NULL,
    kind TEXT NOT NULL,
    owner TEXT NOT NULL,
    asset TEXT NOT NULL,
    side TEXT NOT NULL CHECK (side IN ('debit', 'credit')),
    units TEXT NOT NULL CHECK (units <> '' AND ltrim(units, '0123456789') = ''),
    PRIMARY KEY (entry_id, line)
) STRICT;
CREATE INDEX postings_custody ON postings (owner, asset, side, units) WHERE kind = 'custody'; -- added up every minute

-- Running totals of the accounts that merchants own; the sum of postings is the audit.
CREATE TABLE balances (
    kind TEXT NOT NULL,
    owner TEXT NOT NULL,
    asset TEXT NOT NULL,
    debit_units TEXT NOT NULL CHECK (debit_units <> '' AND ltrim(debit_units, '0123456789') = ''),
    credit_units TEXT NOT NULL CHECK (credit_units <> '' AND ltrim(credit_units, '0123456789') = ''),
    version INTEGER NOT NULL,
    PRIMARY KEY (kind, owner, asset)
) STRICT;

-- Every step a row of the exception desk may take, from open or from a resolution to another; the trigger desk_step
-- refuses all others.
CREATE TABLE desk_steps (
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    PRIMARY KEY (before, after)
) STRICT;
INSERT INTO desk_steps (before, after) VALUES ('open', 'attached'), ('open', 'credited'), ('open', 'refunded'), ('open', 'written_off'),
    ('open', 'swept'), ('open', 'returned'), ('open', 'void'), ('refunded', 'open'), ('refunded', 'void'), ('swept', 'void');

-- The exception desk: transfers that no rule could place. The sum of held over open rows is the
-- suspense account.
CREATE TABLE desk (
    id TEXT PRIMARY KEY,
    chain TEXT NOT NULL,
    txid TEXT NOT NULL,
    position TEXT NOT NULL,
    order_id TEXT NOT NULL, -- whose address it came to
    merchant_id TEXT NOT NULL,
    app_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    asset TEXT NOT NULL,
    units TEXT NOT NULL CHECK (units <> '' AND ltrim(units, '0123456789') = ''), -- what it is about
    held TEXT NOT NULL CHECK (held <> '' AND ltrim(held, '0123456789') = ''),   -- of it, in suspense
    status TEXT NOT NULL CHECK (status IN ('open', 'resolved', 'void')),
    resolution TEXT NOT NULL, -- '' unless it is resolved
    attached_to TEXT NOT NULL, -- the order that it settled, or ''
    outgoing_id TEXT NOT NULL, -- the refund that it went out with, or ''
    resolved_by TEXT NOT NULL,
    note TEXT NOT NULL,
    act TEXT NOT NULL, -- a name of the deciding, by which a second run knows that it was the first
    claimed_at INTEGER NOT NULL, -- when a payer named it; 0: never
    created_at INTEGER NOT NULL,
    closed_at INTEGER NOT NULL,
    version INTEGER NOT NULL
) STRICT;
-- A transfer is decided about once, as long as it stands.
CREATE UNIQUE INDEX desk_transfer ON desk (chain, txid, position) WHERE status <> 'void' AND reason <> 'reversed';
CREATE INDEX desk_loss ON desk (chain, txid, position) WHERE reason = 'reversed';
CREATE INDEX desk_merchant ON desk (merchant_id, id);

-- News, written with the state it tells of, never changed.
CREATE TABLE events (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    order_id TEXT NOT NULL, -- or a payout's id
    merchant_id TEXT NOT NULL,
    app_id TEXT NOT NULL,
    sequence INTEGER NOT NULL, -- the order's version: with the id, the order in which things happened
    at INTEGER NOT NULL,
    doc TEXT NOT NULL -- payment.Facts, JSON
) STRICT;
CREATE INDEX events_order ON events (order_id);

CREATE TABLE deliveries (
    id TEXT PRIMARY KEY,
    event_id TEXT NOT NULL,
    order_id TEXT NOT NULL,
    app_id TEXT NOT NULL,
    sequence INTEGER NOT NULL, -- of the event
    final INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('waiting', 'delivered', 'superseded', 'exhausted', 'unwanted')),
    attempts INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    lease_owner TEXT NOT NULL,
    leased_until INTEGER NOT NULL,
    fence INTEGER NOT NULL, -- grows with each lease; a write by a stale holder changes nothing
    body BLOB NOT NULL,   -- fixed by the first attempt
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX deliveries_due ON deliveries (due_at, id) WHERE status = 'waiting';
CREATE INDEX deliveries_order ON deliveries (order_id);
CREATE INDEX deliveries_event ON deliveries (event_id);

-- Every try, as it was sent and answered.
CREATE TABLE attempts (
    delivery_id TEXT NOT NULL,
    n INTEGER NOT NULL,
    at INTEGER NOT NULL,
    url TEXT NOT NULL,
    headers TEXT NOT NULL, -- JSON
    status INTEGER NOT NULL, -- HTTP, 0 without an answer
    answer BLOB NOT NULL,  -- the first KiB
    error TEXT NOT NULL,
    took_micros INTEGER NOT NULL,
    PRIMARY KEY (delivery_id, n)
) STRICT;

-- Money out. Every step a payout may take; the trigger outgoing_step refuses all others.
CREATE TABLE outgoing_steps (
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    PRIMARY KEY (before, after)
) STRICT;
INSERT INTO outgoing_steps (before, after) VALUES ('held', 'ready'), ('held', 'failed'), ('ready', 'numbered'), ('ready', 'failed'),
    ('numbered', 'sent'), ('sent', 'paid'), ('sent', 'failed');

-- What is to leave our accounts: payouts, refunds, sweeps. The row is the queue.
CREATE TABLE outgoing (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('payout', 'refund', 'sweep')),
    merchant_id TEXT NOT NULL,
    app_id TEXT NOT NULL,
    number TEXT NOT NULL UNIQUE,
    reference TEXT NOT NULL, -- '' for none
    request_hash TEXT NOT NULL,
    order_id TEXT NOT NULL, -- of a refund
    desk_id TEXT NOT NULL, -- of a refund: the row of the exception desk that it pays back, or ''
    asked_by TEXT NOT NULL, -- of a refund: who asked for it
    notify_url TEXT NOT NULL,
    extra TEXT NOT NULL, -- what only the dialect understands, JSON
    chain TEXT NOT NULL,
    asset TEXT NOT NULL,
    units TEXT NOT NULL CHECK (units <> '' AND ltrim(units, '0123456789') = ''),
    recipient TEXT NOT NULL,
    coin TEXT NOT NULL, -- the chain's own: what fee_cap_units and fee_units count
    fee_cap_units TEXT NOT NULL CHECK (fee_cap_units <> '' AND ltrim(fee_cap_units, '0123456789') = ''),
    sender TEXT NOT NULL,
    approval INTEGER NOT NULL, -- somebody has to approve it
    held_until INTEGER NOT NULL,
    digest BLOB NOT NULL, -- a keyed MAC of what must not change between acceptance and sending
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    nonce INTEGER NOT NULL, -- -1: none
    txid TEXT NOT NULL,
    block_height INTEGER NOT NULL,
    fee_units TEXT NOT NULL CHECK (fee_units <> '' AND ltrim(fee_units, '0123456789') = ''),
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    lease_owner TEXT NOT NULL,
    leased_until INTEGER NOT NULL,
    fence INTEGER NOT NULL -- grows with each lease; a write by a stale holder changes nothing
) STRICT;
CREATE UNIQUE INDEX outgoing_reference ON outgoing (app_id, reference) WHERE reference <> '';
CREATE INDEX outgoing_due ON outgoing (due_at, id) WHERE state <> 'paid' AND state <> 'failed';
CREATE INDEX outgoing_order ON outgoing (order_id, id) WHERE kind = 'refund';
CREATE INDEX outgoing_block ON outgoing (chain, block_height) WHERE block_height > 0;
CREATE INDEX outgoing_fees ON outgoing (chain, changed_at) WHERE fee_units <> '0';

-- Refunds whose payers say where they want them, on the page of a link.
CREATE TABLE refund_links (
    outgoing_id TEXT PRIMARY KEY,
    token_hash TEXT NOT NULL UNIQUE, -- of the link's token, which is made from the refund's id under the key file
    ends_at INTEGER NOT NULL, -- nobody has claimed it until then: it fails
    claimed_at INTEGER NOT NULL -- 0: not yet
) STRICT;

-- Every signed version of an intent, under one transaction number. Stored before it is broadcast, never changed.
CREATE TABLE outgoing_txs (
    chain TEXT NOT NULL,
    txid TEXT NOT NULL,
    outgoing_id TEXT NOT NULL,
    purpose TEXT NOT NULL CHECK (purpose IN ('pay', 'cancel', 'found')),
    nonce INTEGER NOT NULL,
    raw BLOB NOT NULL, -- empty for one that was found on the chain
    offer_units TEXT NOT NULL CHECK (offer_units <> '' AND ltrim(offer_units, '0123456789') = ''),
    tip_units TEXT NOT NULL CHECK (tip_units <> '' AND ltrim(tip_units, '0123456789') = ''),
    most_units TEXT NOT NULL CHECK (most_units <> '' AND ltrim(most_units, '0123456789') = ''),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (chain, txid)
) STRICT;
CREATE INDEX outgoing_txs_outgoing ON outgoing_txs (outgoing_id);

-- What a sweep is to bring home: one row for each asset of a deposit address. The sweep's recipient is their hash.
CREATE TABLE sweep_items (
    outgoing_id TEXT NOT NULL,
    chain TEXT NOT NULL,
    address TEXT NOT NULL,
    asset TEXT NOT NULL,
    units TEXT NOT NULL CHECK (units <> '' AND ltrim(units, '0123456789') = ''), -- that the books expect there
    salt TEXT NOT NULL,
    destination TEXT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('', 'gone', 'left', 'void')), -- void: the sweep failed
    ended_at INTEGER NOT NULL,
    PRIMARY KEY (outgoing_id, address, asset)
) STRICT;
CREATE INDEX sweep_items_address ON sweep_items (chain, address);

-- The books against the chain, as they were last compared: a row for each asset of each chain.
CREATE TABLE reconcile_results (
    chain TEXT NOT NULL,
    asset TEXT NOT NULL,
    height INTEGER NOT NULL,
    hash TEXT NOT NULL,
    books_units TEXT NOT NULL, -- may be below zero
    chain_units TEXT NOT NULL,
    addresses INTEGER NOT NULL, -- that were asked for
    rounds INTEGER NOT NULL, -- in a row that found a difference
    checked_at INTEGER NOT NULL,
    PRIMARY KEY (chain, asset)
) STRICT;

-- Each transaction number of an account is given once, and an intent gets one.
CREATE TABLE nonces (
    chain TEXT NOT NULL,
    sender TEXT NOT NULL,
    nonce INTEGER NOT NULL,
    outgoing_id TEXT NOT NULL UNIQUE,
    PRIMARY KEY (chain, sender, nonce)
) STRICT;
CREATE TABLE senders (
    chain TEXT NOT NULL,
    address TEXT NOT NULL,
    next_nonce INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (chain, address)
) STRICT;

-- What our accounts were last seen to hold beyond what is on its way out of them.
CREATE TABLE holdings (
    chain TEXT NOT NULL,
    address TEXT NOT NULL,
    asset TEXT NOT NULL,
    free_units TEXT NOT NULL CHECK (free_units <> '' AND ltrim(free_units, '0123456789') = ''),
    checked_at INTEGER NOT NULL,
    PRIMARY KEY (chain, address, asset)
) STRICT;

-- What an app may pay out. No row: nothing.
CREATE TABLE payout_rules (
    app_id TEXT PRIMARY KEY,
    enabled INTEGER NOT NULL,
    doc TEXT NOT NULL, -- limits, list of payees, sources: engine.PayoutRules, JSON
    seed BLOB NOT NULL, -- of the second factor, under the key file; empty for none
    last_step INTEGER NOT NULL, -- of time, whose code was accepted
    fails INTEGER NOT NULL, -- wrong codes since the last good one
    locked_until INTEGER NOT NULL,
    version INTEGER NOT NULL
) STRICT;
CREATE TABLE payees (
    app_id TEXT NOT NULL,
    address TEXT NOT NULL,
    added_at INTEGER NOT NULL,
    usable_at INTEGER NOT NULL,
    PRIMARY KEY (app_id, address)
) STRICT;
-- What an app has paid out, by hour: what its daily limits are held against.
CREATE TABLE payout_hours (
    app_id TEXT NOT NULL,
    hour INTEGER NOT NULL, -- since 1970
    asset TEXT NOT NULL,
    units TEXT NOT NULL CHECK (units <> '' AND ltrim(units, '0123456789') = ''),
    PRIMARY KEY (app_id, hour, asset)
) STRICT;
CREATE TABLE approvals (
    outgoing_id TEXT NOT NULL,
    approver TEXT NOT NULL,
    digest BLOB NOT NULL, -- a keyed MAC of what was approved, and by whom
    at INTEGER NOT NULL,
    PRIMARY KEY (outgoing_id, approver)
) STRICT;

-- What keeps money from leaving: scope 'all', 'chain:NAME' or 'app:ID'.
CREATE TABLE stops (
    scope TEXT PRIMARY KEY,
    reason TEXT NOT NULL,
    raised_by TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;

-- What was committed and has no place in the hash chain yet, and the chain (rulings G7).
CREATE TABLE unsealed (
    ref TEXT PRIMARY KEY,
    kind TEXT NOT NULL
) STRICT;
CREATE TABLE seals (
    seq INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    ref TEXT NOT NULL UNIQUE,
    hash TEXT NOT NULL,
    prev TEXT NOT NULL,
    app_id TEXT NOT NULL -- whose news it is, '' for an entry; the hash has it with the event
) STRICT;
CREATE INDEX seals_news ON seals (app_id, seq) WHERE app_id <> ''; -- what an app's feed shows

CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    leased_until INTEGER NOT NULL,
    fence INTEGER NOT NULL
) STRICT;

-- The simulated networks' journal, and what `florin sim` asks of the serving process.
CREATE TABLE sim_records (
    chain TEXT NOT NULL,
    seq INTEGER NOT NULL,
    doc BLOB NOT NULL,
    PRIMARY KEY (chain, seq)
) STRICT;
CREATE TABLE sim_commands (
    id TEXT PRIMARY KEY,
    command TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('waiting', 'done', 'failed')),
    answer TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
