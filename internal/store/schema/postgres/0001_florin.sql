-- +goose Up
-- The source of both schemas: schema/sqlite is generated from this file (rulings G8). Amounts are
-- digits of base units in TEXT, times UTC microseconds in BIGINT, ids TEXT in byte order. Assets
-- are written code/decimals. Hot tables carry no foreign keys: `florin db verify` looks for rows
-- without their parent.

-- Facts about the installation, such as its public id that salts every deposit address.
CREATE TABLE settings (
    key TEXT COLLATE "C" PRIMARY KEY,
    value TEXT COLLATE "C" NOT NULL
);

CREATE TABLE merchants (
    id TEXT COLLATE "C" PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    email TEXT COLLATE "C" NOT NULL,
    next_address BIGINT NOT NULL, -- index of the next deposit address; never goes back
    created_at BIGINT NOT NULL
);

CREATE TABLE apps (
    id TEXT COLLATE "C" PRIMARY KEY,
    merchant_id TEXT COLLATE "C" NOT NULL,
    protocol TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    mode TEXT COLLATE "C" NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    webhook_url TEXT COLLATE "C" NOT NULL,
    settle TEXT COLLATE "C" NOT NULL, -- '' or the merchant's own wallet, where forwarders send everything
    fee_bps BIGINT NOT NULL,
    rate_per_second BIGINT NOT NULL, -- 0: no limit
    burst BIGINT NOT NULL,
    options TEXT COLLATE "C" NOT NULL, -- the dialect's switches, JSON
    created_at BIGINT NOT NULL
);

CREATE TABLE app_keys (
    id TEXT COLLATE "C" PRIMARY KEY,
    app_id TEXT COLLATE "C" NOT NULL,
    sealed BYTEA NOT NULL, -- under the key file
    created_at BIGINT NOT NULL,
    retires_at BIGINT NOT NULL -- 0: current
);
CREATE INDEX app_keys_app ON app_keys (app_id);

-- What an app reads its feed with. Only the hash is kept.
CREATE TABLE api_tokens (
    id TEXT COLLATE "C" PRIMARY KEY,
    app_id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL, -- what it is for
    hash TEXT COLLATE "C" NOT NULL UNIQUE, -- SHA-256, hex
    created_at BIGINT NOT NULL,
    revoked_at BIGINT NOT NULL -- 0: good
);
CREATE INDEX api_tokens_app ON api_tokens (app_id);

-- Every step an order may take; the trigger order_step refuses all others.
CREATE TABLE order_steps (
    before TEXT COLLATE "C" NOT NULL,
    after TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (before, after)
);
INSERT INTO order_steps (before, after) VALUES ('open', 'paid'), ('open', 'expired'), ('expired', 'paid'), ('standing', 'closed');

CREATE TABLE orders (
    id TEXT COLLATE "C" PRIMARY KEY,
    merchant_id TEXT COLLATE "C" NOT NULL,
    app_id TEXT COLLATE "C" NOT NULL,
    number TEXT COLLATE "C" NOT NULL UNIQUE,
    page TEXT COLLATE "C" NOT NULL, -- the token of its page; '' where the number is one
    reference TEXT COLLATE "C" NOT NULL,
    label TEXT COLLATE "C" NOT NULL,   -- of a deposit to a static address: the code's own reference, else ''
    home_id TEXT COLLATE "C" NOT NULL, -- and the code's order
    request_hash TEXT COLLATE "C" NOT NULL,
    notify_url TEXT COLLATE "C" NOT NULL,
    return_url TEXT COLLATE "C" NOT NULL,
    product_name TEXT COLLATE "C" NOT NULL,
    product_image TEXT COLLATE "C" NOT NULL,
    product_description TEXT COLLATE "C" NOT NULL,
    price_currency TEXT COLLATE "C" NOT NULL,
    price_units TEXT COLLATE "C" NOT NULL CHECK (price_units <> '' AND ltrim(price_units, '0123456789') = ''), -- of 10^-18
    policy TEXT COLLATE "C" NOT NULL, -- payment.Policy, JSON
    state TEXT COLLATE "C" NOT NULL,
    asset TEXT COLLATE "C" NOT NULL, -- '' until chosen
    due_units TEXT COLLATE "C" NOT NULL CHECK (due_units <> '' AND ltrim(due_units, '0123456789') = ''),
    rate TEXT COLLATE "C" NOT NULL,
    usd TEXT COLLATE "C" NOT NULL,     -- what one token was worth in USD when quoted, '' if unknown
    address TEXT COLLATE "C" NOT NULL, -- where it is paid, '' until chosen
    received_units TEXT COLLATE "C" NOT NULL CHECK (received_units <> '' AND ltrim(received_units, '0123456789') = ''),
    late_units TEXT COLLATE "C" NOT NULL CHECK (late_units <> '' AND ltrim(late_units, '0123456789') = ''),
    reversed_units TEXT COLLATE "C" NOT NULL CHECK (reversed_units <> '' AND ltrim(reversed_units, '0123456789') = ''),
    refunded_units TEXT COLLATE "C" NOT NULL CHECK (refunded_units <> '' AND ltrim(refunded_units, '0123456789') = ''),
    last_txid TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    deadline BIGINT NOT NULL,
    paid_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    UNIQUE (app_id, reference)
);
CREATE INDEX orders_open ON orders (deadline, id) WHERE state = 'open';
CREATE UNIQUE INDEX orders_page ON orders (page) WHERE page <> '';
CREATE INDEX orders_listed ON orders (app_id, id) WHERE page <> '' OR home_id <> ''; -- of dialects whose merchants list them
CREATE INDEX orders_standing ON orders (app_id, id) WHERE state = 'standing'; -- static addresses

-- What only the order's dialect understands, JSON.
CREATE TABLE order_extra (
    order_id TEXT COLLATE "C" PRIMARY KEY,
    doc TEXT COLLATE "C" NOT NULL
);

-- Orders that wait to be settled: a transfer confirmed or was dropped. The row is the queue.
CREATE TABLE order_work (
    order_id TEXT COLLATE "C" PRIMARY KEY,
    merchant_id TEXT COLLATE "C" NOT NULL,
    generation BIGINT NOT NULL, -- grows with each cause; the row goes when the last one was served
    attempts BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    lease_owner TEXT COLLATE "C" NOT NULL,
    leased_until BIGINT NOT NULL
);
CREATE INDEX order_work_due ON order_work (due_at);

-- One address per order and family of address formats, never used again.
CREATE TABLE deposit_addresses (
    address TEXT COLLATE "C" NOT NULL,
    family TEXT COLLATE "C" NOT NULL,
    order_id TEXT COLLATE "C" NOT NULL,
    merchant_id TEXT COLLATE "C" NOT NULL,
    salt TEXT COLLATE "C" NOT NULL,
    destination TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (address),
    UNIQUE (order_id, family)
);
CREATE INDEX deposit_addresses_created ON deposit_addresses (created_at);

-- Small numbers that some dialects show in the place of ids (rulings G29), and how far each kind has been given out.
CREATE TABLE short_ids (
    kind TEXT COLLATE "C" NOT NULL,
    id BIGINT NOT NULL,
    ref TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (kind, id),
    UNIQUE (kind, ref)
);
CREATE TABLE short_id_ends (
    kind TEXT COLLATE "C" PRIMARY KEY,
    last_id BIGINT NOT NULL
);

-- One row a followed chain: its cursor, and the lock of whoever moves it.
CREATE TABLE chains (
    name TEXT COLLATE "C" PRIMARY KEY,
    height BIGINT NOT NULL,
    hash TEXT COLLATE "C" NOT NULL,
    parent TEXT COLLATE "C" NOT NULL,
    block_time BIGINT NOT NULL,
    version BIGINT NOT NULL
);

-- The connected blocks of late, for stepping back.
CREATE TABLE blocks (
    chain TEXT COLLATE "C" NOT NULL,
    height BIGINT NOT NULL,
    hash TEXT COLLATE "C" NOT NULL,
    parent TEXT COLLATE "C" NOT NULL,
    block_time BIGINT NOT NULL,
    PRIMARY KEY (chain, height)
);

CREATE TABLE transfers (
    chain TEXT COLLATE "C" NOT NULL,
    txid TEXT COLLATE "C" NOT NULL,
    position TEXT COLLATE "C" NOT NULL,
    order_id TEXT COLLATE "C" NOT NULL,
    merchant_id TEXT COLLATE "C" NOT NULL,
    sender TEXT COLLATE "C" NOT NULL,
    recipient TEXT COLLATE "C" NOT NULL,
    asset TEXT COLLATE "C" NOT NULL,
    units TEXT COLLATE "C" NOT NULL CHECK (units <> '' AND ltrim(units, '0123456789') = ''),
    listed BOOLEAN NOT NULL,
    block_height BIGINT NOT NULL,
    block_hash TEXT COLLATE "C" NOT NULL,
    block_time BIGINT NOT NULL,
    status TEXT COLLATE "C" NOT NULL CHECK (status IN ('seen', 'confirmed', 'dropped')),
    removed BOOLEAN NOT NULL, -- its block was disconnected; the order's settling acts on it
    booked TEXT COLLATE "C" NOT NULL CHECK (booked IN ('', 'merchant', 'suspense', 'operator')),
    reason TEXT COLLATE "C" NOT NULL,
    fee_units TEXT COLLATE "C" NOT NULL CHECK (fee_units <> '' AND ltrim(fee_units, '0123456789') = ''),
    counted BOOLEAN NOT NULL,
    credits BIGINT NOT NULL,
    -- What took it away from its deposit address: a sweep's id, 'flushed:' for somebody else, or '' while it is there.
    swept_by TEXT COLLATE "C" NOT NULL DEFAULT '',
    PRIMARY KEY (chain, txid, position)
);
CREATE INDEX transfers_order ON transfers (order_id);
CREATE INDEX transfers_block ON transfers (chain, block_height);
CREATE INDEX transfers_unswept ON transfers (chain, recipient, txid, position) WHERE swept_by = '';
CREATE INDEX transfers_swept ON transfers (swept_by) WHERE swept_by <> '';

-- The books. Nothing here is ever changed or removed (triggers in 0002).
CREATE TABLE entries (
    id TEXT COLLATE "C" PRIMARY KEY,
    ref TEXT COLLATE "C" NOT NULL UNIQUE, -- one event is booked once
    order_id TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE TABLE postings (
    entry_id TEXT COLLATE "C" NOT NULL,
    line BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    owner TEXT COLLATE "C" NOT NULL,
    asset TEXT COLLATE "C" NOT NULL,
    side TEXT COLLATE "C" NOT NULL CHECK (side IN ('debit', 'credit')),
    units TEXT COLLATE "C" NOT NULL CHECK (units <> '' AND ltrim(units, '0123456789') = ''),
    PRIMARY KEY (entry_id, line)
);
CREATE INDEX postings_custody ON postings (owner, asset, side, units) WHERE kind = 'custody'; -- added up every minute

-- Running totals of the accounts that merchants own; the sum of postings is the audit.
CREATE TABLE balances (
    kind TEXT COLLATE "C" NOT NULL,
    owner TEXT COLLATE "C" NOT NULL,
    asset TEXT COLLATE "C" NOT NULL,
    debit_units TEXT COLLATE "C" NOT NULL CHECK (debit_units <> '' AND ltrim(debit_units, '0123456789') = ''),
    credit_units TEXT COLLATE "C" NOT NULL CHECK (credit_units <> '' AND ltrim(credit_units, '0123456789') = ''),
    version BIGINT NOT NULL,
    PRIMARY KEY (kind, owner, asset)
);

-- Every step a row of the exception desk may take, from open or from a resolution to another; the trigger desk_step
-- refuses all others.
CREATE TABLE desk_steps (
    before TEXT COLLATE "C" NOT NULL,
    after TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (before, after)
);
INSERT INTO desk_steps (before, after) VALUES ('open', 'attached'), ('open', 'credited'), ('open', 'refunded'), ('open', 'written_off'),
    ('open', 'swept'), ('open', 'returned'), ('open', 'void'), ('refunded', 'open'), ('refunded', 'void'), ('swept', 'void');

-- The exception desk: transfers that no rule could place. The sum of held over open rows is the
-- suspense account.
CREATE TABLE desk (
    id TEXT COLLATE "C" PRIMARY KEY,
    chain TEXT COLLATE "C" NOT NULL,
    txid TEXT COLLATE "C" NOT NULL,
    position TEXT COLLATE "C" NOT NULL,
    order_id TEXT COLLATE "C" NOT NULL, -- whose address it came to
    merchant_id TEXT COLLATE "C" NOT NULL,
    app_id TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    asset TEXT COLLATE "C" NOT NULL,
    units TEXT COLLATE "C" NOT NULL CHECK (units <> '' AND ltrim(units, '0123456789') = ''), -- what it is about
    held TEXT COLLATE "C" NOT NULL CHECK (held <> '' AND ltrim(held, '0123456789') = ''),   -- of it, in suspense
    status TEXT COLLATE "C" NOT NULL CHECK (status IN ('open', 'resolved', 'void')),
    resolution TEXT COLLATE "C" NOT NULL, -- '' unless it is resolved
    attached_to TEXT COLLATE "C" NOT NULL, -- the order that it settled, or ''
    outgoing_id TEXT COLLATE "C" NOT NULL, -- the refund that it went out with, or ''
    resolved_by TEXT COLLATE "C" NOT NULL,
    note TEXT COLLATE "C" NOT NULL,
    act TEXT COLLATE "C" NOT NULL, -- a name of the deciding, by which a second run knows that it was the first
    claimed_at BIGINT NOT NULL, -- when a payer named it; 0: never
    created_at BIGINT NOT NULL,
    closed_at BIGINT NOT NULL,
    version BIGINT NOT NULL
);
-- A transfer is decided about once, as long as it stands.
CREATE UNIQUE INDEX desk_transfer ON desk (chain, txid, position) WHERE status <> 'void' AND reason <> 'reversed';
CREATE INDEX desk_loss ON desk (chain, txid, position) WHERE reason = 'reversed';
CREATE INDEX desk_merchant ON desk (merchant_id, id);

-- News, written with the state it tells of, never changed.
CREATE TABLE events (
    id TEXT COLLATE "C" PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    order_id TEXT COLLATE "C" NOT NULL, -- or a payout's id
    merchant_id TEXT COLLATE "C" NOT NULL,
    app_id TEXT COLLATE "C" NOT NULL,
    sequence BIGINT NOT NULL, -- the order's version: with the id, the order in which things happened
    at BIGINT NOT NULL,
    doc TEXT COLLATE "C" NOT NULL -- payment.Facts, JSON
);
CREATE INDEX events_order ON events (order_id);

CREATE TABLE deliveries (
    id TEXT COLLATE "C" PRIMARY KEY,
    event_id TEXT COLLATE "C" NOT NULL,
    order_id TEXT COLLATE "C" NOT NULL,
    app_id TEXT COLLATE "C" NOT NULL,
    sequence BIGINT NOT NULL, -- of the event
    final BOOLEAN NOT NULL,
    status TEXT COLLATE "C" NOT NULL CHECK (status IN ('waiting', 'delivered', 'superseded', 'exhausted', 'unwanted')),
    attempts BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    lease_owner TEXT COLLATE "C" NOT NULL,
    leased_until BIGINT NOT NULL,
    fence BIGINT NOT NULL, -- grows with each lease; a write by a stale holder changes nothing
    body BYTEA NOT NULL,   -- fixed by the first attempt
    created_at BIGINT NOT NULL
);
CREATE INDEX deliveries_due ON deliveries (due_at, id) WHERE status = 'waiting';
CREATE INDEX deliveries_order ON deliveries (order_id);
CREATE INDEX deliveries_event ON deliveries (event_id);

-- Every try, as it was sent and answered.
CREATE TABLE attempts (
    delivery_id TEXT COLLATE "C" NOT NULL,
    n BIGINT NOT NULL,
    at BIGINT NOT NULL,
    url TEXT COLLATE "C" NOT NULL,
    headers TEXT COLLATE "C" NOT NULL, -- JSON
    status BIGINT NOT NULL, -- HTTP, 0 without an answer
    answer BYTEA NOT NULL,  -- the first KiB
    error TEXT COLLATE "C" NOT NULL,
    took_micros BIGINT NOT NULL,
    PRIMARY KEY (delivery_id, n)
);

-- Money out. Every step a payout may take; the trigger outgoing_step refuses all others.
CREATE TABLE outgoing_steps (
    before TEXT COLLATE "C" NOT NULL,
    after TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (before, after)
);
INSERT INTO outgoing_steps (before, after) VALUES ('held', 'ready'), ('held', 'failed'), ('ready', 'numbered'), ('ready', 'failed'),
    ('numbered', 'sent'), ('sent', 'paid'), ('sent', 'failed');

-- What is to leave our accounts: payouts, refunds, sweeps. The row is the queue.
CREATE TABLE outgoing (
    id TEXT COLLATE "C" PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('payout', 'refund', 'sweep')),
    merchant_id TEXT COLLATE "C" NOT NULL,
    app_id TEXT COLLATE "C" NOT NULL,
    number TEXT COLLATE "C" NOT NULL UNIQUE,
    reference TEXT COLLATE "C" NOT NULL, -- '' for none
    request_hash TEXT COLLATE "C" NOT NULL,
    order_id TEXT COLLATE "C" NOT NULL, -- of a refund
    desk_id TEXT COLLATE "C" NOT NULL, -- of a refund: the row of the exception desk that it pays back, or ''
    asked_by TEXT COLLATE "C" NOT NULL, -- of a refund: who asked for it
    notify_url TEXT COLLATE "C" NOT NULL,
    extra TEXT COLLATE "C" NOT NULL, -- what only the dialect understands, JSON
    chain TEXT COLLATE "C" NOT NULL,
    asset TEXT COLLATE "C" NOT NULL,
    units TEXT COLLATE "C" NOT NULL CHECK (units <> '' AND ltrim(units, '0123456789') = ''),
    recipient TEXT COLLATE "C" NOT NULL,
    coin TEXT COLLATE "C" NOT NULL, -- the chain's own: what fee_cap_units and fee_units count
    fee_cap_units TEXT COLLATE "C" NOT NULL CHECK (fee_cap_units <> '' AND ltrim(fee_cap_units, '0123456789') = ''),
    sender TEXT COLLATE "C" NOT NULL,
    approval BOOLEAN NOT NULL, -- somebody has to approve it
    held_until BIGINT NOT NULL,
    digest BYTEA NOT NULL, -- a keyed MAC of what must not change between acceptance and sending
    state TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    nonce BIGINT NOT NULL, -- -1: none
    txid TEXT COLLATE "C" NOT NULL,
    block_height BIGINT NOT NULL,
    fee_units TEXT COLLATE "C" NOT NULL CHECK (fee_units <> '' AND ltrim(fee_units, '0123456789') = ''),
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    lease_owner TEXT COLLATE "C" NOT NULL,
    leased_until BIGINT NOT NULL,
    fence BIGINT NOT NULL -- grows with each lease; a write by a stale holder changes nothing
);
CREATE UNIQUE INDEX outgoing_reference ON outgoing (app_id, reference) WHERE reference <> '';
CREATE INDEX outgoing_due ON outgoing (due_at, id) WHERE state <> 'paid' AND state <> 'failed';
CREATE INDEX outgoing_order ON outgoing (order_id, id) WHERE kind = 'refund';
CREATE INDEX outgoing_block ON outgoing (chain, block_height) WHERE block_height > 0;
CREATE INDEX outgoing_fees ON outgoing (chain, changed_at) WHERE fee_units <> '0';

-- Refunds whose payers say where they want them, on the page of a link.
CREATE TABLE refund_links (
    outgoing_id TEXT COLLATE "C" PRIMARY KEY,
    token_hash TEXT COLLATE "C" NOT NULL UNIQUE, -- of the link's token, which is made from the refund's id under the key file
    ends_at BIGINT NOT NULL, -- nobody has claimed it until then: it fails
    claimed_at BIGINT NOT NULL -- 0: not yet
);

-- Every signed version of an intent, under one transaction number. Stored before it is broadcast, never changed.
CREATE TABLE outgoing_txs (
    chain TEXT COLLATE "C" NOT NULL,
    txid TEXT COLLATE "C" NOT NULL,
    outgoing_id TEXT COLLATE "C" NOT NULL,
    purpose TEXT COLLATE "C" NOT NULL CHECK (purpose IN ('pay', 'cancel', 'found')),
    nonce BIGINT NOT NULL,
    raw BYTEA NOT NULL, -- empty for one that was found on the chain
    offer_units TEXT COLLATE "C" NOT NULL CHECK (offer_units <> '' AND ltrim(offer_units, '0123456789') = ''),
    tip_units TEXT COLLATE "C" NOT NULL CHECK (tip_units <> '' AND ltrim(tip_units, '0123456789') = ''),
    most_units TEXT COLLATE "C" NOT NULL CHECK (most_units <> '' AND ltrim(most_units, '0123456789') = ''),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (chain, txid)
);
CREATE INDEX outgoing_txs_outgoing ON outgoing_txs (outgoing_id);

-- What a sweep is to bring home: one row for each asset of a deposit address. The sweep's recipient is their hash.
CREATE TABLE sweep_items (
    outgoing_id TEXT COLLATE "C" NOT NULL,
    chain TEXT COLLATE "C" NOT NULL,
    address TEXT COLLATE "C" NOT NULL,
    asset TEXT COLLATE "C" NOT NULL,
    units TEXT COLLATE "C" NOT NULL CHECK (units <> '' AND ltrim(units, '0123456789') = ''), -- that the books expect there
    salt TEXT COLLATE "C" NOT NULL,
    destination TEXT COLLATE "C" NOT NULL,
    outcome TEXT COLLATE "C" NOT NULL CHECK (outcome IN ('', 'gone', 'left', 'void')), -- void: the sweep failed
    ended_at BIGINT NOT NULL,
    PRIMARY KEY (outgoing_id, address, asset)
);
CREATE INDEX sweep_items_address ON sweep_items (chain, address);

-- The books against the chain, as they were last compared: a row for each asset of each chain.
CREATE TABLE reconcile_results (
    chain TEXT COLLATE "C" NOT NULL,
    asset TEXT COLLATE "C" NOT NULL,
    height BIGINT NOT NULL,
    hash TEXT COLLATE "C" NOT NULL,
    books_units TEXT COLLATE "C" NOT NULL, -- may be below zero
    chain_units TEXT COLLATE "C" NOT NULL,
    addresses BIGINT NOT NULL, -- that were asked for
    rounds BIGINT NOT NULL, -- in a row that found a difference
    checked_at BIGINT NOT NULL,
    PRIMARY KEY (chain, asset)
);

-- Each transaction number of an account is given once, and an intent gets one.
CREATE TABLE nonces (
    chain TEXT COLLATE "C" NOT NULL,
    sender TEXT COLLATE "C" NOT NULL,
    nonce BIGINT NOT NULL,
    outgoing_id TEXT COLLATE "C" NOT NULL UNIQUE,
    PRIMARY KEY (chain, sender, nonce)
);
CREATE TABLE senders (
    chain TEXT COLLATE "C" NOT NULL,
    address TEXT COLLATE "C" NOT NULL,
    next_nonce BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (chain, address)
);

-- What our accounts were last seen to hold beyond what is on its way out of them.
CREATE TABLE holdings (
    chain TEXT COLLATE "C" NOT NULL,
    address TEXT COLLATE "C" NOT NULL,
    asset TEXT COLLATE "C" NOT NULL,
    free_units TEXT COLLATE "C" NOT NULL CHECK (free_units <> '' AND ltrim(free_units, '0123456789') = ''),
    checked_at BIGINT NOT NULL,
    PRIMARY KEY (chain, address, asset)
);

-- What an app may pay out. No row: nothing.
CREATE TABLE payout_rules (
    app_id TEXT COLLATE "C" PRIMARY KEY,
    enabled BOOLEAN NOT NULL,
    doc TEXT COLLATE "C" NOT NULL, -- limits, list of payees, sources: engine.PayoutRules, JSON
    seed BYTEA NOT NULL, -- of the second factor, under the key file; empty for none
    last_step BIGINT NOT NULL, -- of time, whose code was accepted
    fails BIGINT NOT NULL, -- wrong codes since the last good one
    locked_until BIGINT NOT NULL,
    version BIGINT NOT NULL
);
CREATE TABLE payees (
    app_id TEXT COLLATE "C" NOT NULL,
    address TEXT COLLATE "C" NOT NULL,
    added_at BIGINT NOT NULL,
    usable_at BIGINT NOT NULL,
    PRIMARY KEY (app_id, address)
);
-- What an app has paid out, by hour: what its daily limits are held against.
CREATE TABLE payout_hours (
    app_id TEXT COLLATE "C" NOT NULL,
    hour BIGINT NOT NULL, -- since 1970
    asset TEXT COLLATE "C" NOT NULL,
    units TEXT COLLATE "C" NOT NULL CHECK (units <> '' AND ltrim(units, '0123456789') = ''),
    PRIMARY KEY (app_id, hour, asset)
);
CREATE TABLE approvals (
    outgoing_id TEXT COLLATE "C" NOT NULL,
    approver TEXT COLLATE "C" NOT NULL,
    digest BYTEA NOT NULL, -- a keyed MAC of what was approved, and by whom
    at BIGINT NOT NULL,
    PRIMARY KEY (outgoing_id, approver)
);

-- What keeps money from leaving: scope 'all', 'chain:NAME' or 'app:ID'.
CREATE TABLE stops (
    scope TEXT COLLATE "C" PRIMARY KEY,
    reason TEXT COLLATE "C" NOT NULL,
    raised_by TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL
);

-- What was committed and has no place in the hash chain yet, and the chain (rulings G7).
CREATE TABLE unsealed (
    ref TEXT COLLATE "C" PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL
);
CREATE TABLE seals (
    seq BIGINT PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    ref TEXT COLLATE "C" NOT NULL UNIQUE,
    hash TEXT COLLATE "C" NOT NULL,
    prev TEXT COLLATE "C" NOT NULL,
    app_id TEXT COLLATE "C" NOT NULL -- whose news it is, '' for an entry; the hash has it with the event
);
CREATE INDEX seals_news ON seals (app_id, seq) WHERE app_id <> ''; -- what an app's feed shows

CREATE TABLE leases (
    name TEXT COLLATE "C" PRIMARY KEY,
    owner TEXT COLLATE "C" NOT NULL,
    leased_until BIGINT NOT NULL,
    fence BIGINT NOT NULL
);

-- The simulated networks' journal, and what `florin sim` asks of the serving process.
CREATE TABLE sim_records (
    chain TEXT COLLATE "C" NOT NULL,
    seq BIGINT NOT NULL,
    doc BYTEA NOT NULL,
    PRIMARY KEY (chain, seq)
);
CREATE TABLE sim_commands (
    id TEXT COLLATE "C" PRIMARY KEY,
    command TEXT COLLATE "C" NOT NULL,
    status TEXT COLLATE "C" NOT NULL CHECK (status IN ('waiting', 'done', 'failed')),
    answer TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL
);
