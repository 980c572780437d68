-- +goose Up
-- The source of both schemas: schema/sqlite is generated from this file (rulings G8). Amounts are
-- digits of base units in TEXT, times UTC microseconds in BIGINT, ids TEXT in byte order. Assets
-- are written code/decimals. Hot tables carry no foreign keys: `florin db verify` looks for rows
-- without their parent.

-- Facts about the installation, such as its public id that salts every deposit address.
CREATE TABLE settings (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE merchants (
    id TEXT COLLATE "C" PRIMARY KEY,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    next_address BIGINT NOT NULL, -- index of the next deposit address; never goes back
    created_at BIGINT NOT NULL
);

CREATE TABLE apps (
    id TEXT COLLATE "C" PRIMARY KEY,
    merchant_id TEXT NOT NULL,
    protocol TEXT NOT NULL,
    kind TEXT NOT NULL,
    mode TEXT NOT NULL,
    status TEXT NOT NULL,
    webhook_url TEXT NOT NULL,
    settle TEXT NOT NULL, -- '' or the merchant's own wallet, where forwarders send everything
    fee_bps BIGINT NOT NULL,
    rate_per_second BIGINT NOT NULL, -- 0: no limit
    burst BIGINT NOT NULL,
    options TEXT NOT NULL, -- the dialect's switches, JSON
    created_at BIGINT NOT NULL
);

CREATE TABLE app_keys (
    id TEXT COLLATE "C" PRIMARY KEY,
    app_id TEXT NOT NULL,
    sealed BYTEA NOT NULL, -- under the key file
    created_at BIGINT NOT NULL,
    retires_at BIGINT NOT NULL -- 0: current
);
CREATE INDEX app_keys_app ON app_keys (app_id);

-- Every step an order may take; the trigger order_step refuses all others.
CREATE TABLE order_steps (
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    PRIMARY KEY (before, after)
);
INSERT INTO order_steps (before, after) VALUES ('open', 'paid'), ('open', 'expired');

CREATE TABLE orders (
    id TEXT COLLATE "C" PRIMARY KEY,
    merchant_id TEXT NOT NULL,
    app_id TEXT NOT NULL,
    number TEXT NOT NULL UNIQUE,
    reference TEXT NOT NULL,
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
    received_units TEXT NOT NULL CHECK (received_units <> '' AND ltrim(received_units, '0123456789') = ''),
    late_units TEXT NOT NULL CHECK (late_units <> '' AND ltrim(late_units, '0123456789') = ''),
    reversed_units TEXT NOT NULL CHECK (reversed_units <> '' AND ltrim(reversed_units, '0123456789') = ''),
    last_txid TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    deadline BIGINT NOT NULL,
    paid_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    UNIQUE (app_id, reference)
);
CREATE INDEX orders_open ON orders (deadline, id) WHERE state = 'open';

-- What only the order's dialect understands, JSON.
CREATE TABLE order_extra (
    order_id TEXT PRIMARY KEY,
    doc TEXT NOT NULL
);

-- Orders that wait to be settled: a transfer confirmed or was dropped. The row is the queue.
CREATE TABLE order_work (
    order_id TEXT COLLATE "C" PRIMARY KEY,
    merchant_id TEXT NOT NULL,
    generation BIGINT NOT NULL, -- grows with each cause; the row goes when the last one was served
    attempts BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    lease_owner TEXT NOT NULL,
    leased_until BIGINT NOT NULL
);
CREATE INDEX order_work_due ON order_work (due_at);

-- One address per order and family of address formats, never used again.
CREATE TABLE deposit_addresses (
    address TEXT NOT NULL,
    family TEXT NOT NULL,
    order_id TEXT NOT NULL,
    merchant_id TEXT NOT NULL,
    salt TEXT NOT NULL,
    destination TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (address),
    UNIQUE (order_id, family)
);
CREATE INDEX deposit_addresses_created ON deposit_addresses (created_at);

-- One row a followed chain: its cursor, and the lock of whoever moves it.
CREATE TABLE chains (
    name TEXT PRIMARY KEY,
    height BIGINT NOT NULL,
    hash TEXT NOT NULL,
    parent TEXT NOT NULL,
    block_time BIGINT NOT NULL,
    version BIGINT NOT NULL
);

-- The connected blocks of late, for stepping back.
CREATE TABLE blocks (
    chain TEXT NOT NULL,
    height BIGINT NOT NULL,
    hash TEXT NOT NULL,
    parent TEXT NOT NULL,
    block_time BIGINT NOT NULL,
    PRIMARY KEY (chain, height)
);

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
    listed BOOLEAN NOT NULL,
    block_height BIGINT NOT NULL,
    block_hash TEXT NOT NULL,
    block_time BIGINT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('seen', 'confirmed', 'dropped')),
    removed BOOLEAN NOT NULL, -- its block was disconnected; the order's settling acts on it
    booked TEXT NOT NULL CHECK (booked IN ('', 'merchant', 'suspense')),
    reason TEXT NOT NULL,
    fee_units TEXT NOT NULL CHECK (fee_units <> '' AND ltrim(fee_units, '0123456789') = ''),
    counted BOOLEAN NOT NULL,
    credits BIGINT NOT NULL,
    PRIMARY KEY (chain, txid, position)
);
CREATE INDEX transfers_order ON transfers (order_id);
CREATE INDEX transfers_block ON transfers (chain, block_height);

-- The books. Nothing here is ever changed or removed (triggers in 0002).
CREATE TABLE entries (
    id TEXT COLLATE "C" PRIMARY KEY,
    ref TEXT NOT NULL UNIQUE, -- one event is booked once
    order_id TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE TABLE postings (
    entry_id TEXT NOT NULL,
    line BIGINT NOT NULL,
    kind TEXT NOT NULL,
    owner TEXT NOT NULL,
    asset TEXT NOT NULL,
    side TEXT NOT NULL CHECK (side IN ('debit', 'credit')),
    units TEXT NOT NULL CHECK (units <> '' AND ltrim(units, '0123456789') = ''),
    PRIMARY KEY (entry_id, line)
);

-- Running totals of the accounts that merchants own; the sum of postings is the audit.
CREATE TABLE balances (
    kind TEXT NOT NULL,
    owner TEXT NOT NULL,
    asset TEXT NOT NULL,
    debit_units TEXT NOT NULL CHECK (debit_units <> '' AND ltrim(debit_units, '0123456789') = ''),
    credit_units TEXT NOT NULL CHECK (credit_units <> '' AND ltrim(credit_units, '0123456789') = ''),
    version BIGINT NOT NULL,
    PRIMARY KEY (kind, owner, asset)
);

-- The exception desk: transfers that no rule could place. The sum of held over open rows is the
-- suspense account.
CREATE TABLE desk (
    id TEXT COLLATE "C" PRIMARY KEY,
    chain TEXT NOT NULL,
    txid TEXT NOT NULL,
    position TEXT NOT NULL,
    order_id TEXT NOT NULL,
    merchant_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    asset TEXT NOT NULL,
    units TEXT NOT NULL CHECK (units <> '' AND ltrim(units, '0123456789') = ''), -- what it is about
    held TEXT NOT NULL CHECK (held <> '' AND ltrim(held, '0123456789') = ''),   -- of it, in suspense
    status TEXT NOT NULL CHECK (status IN ('open', 'resolved', 'void')),
    note TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    closed_at BIGINT NOT NULL
);
CREATE INDEX desk_transfer ON desk (chain, txid, position);

-- News, written with the state it tells of, never changed.
CREATE TABLE events (
    id TEXT COLLATE "C" PRIMARY KEY,
    kind TEXT NOT NULL,
    order_id TEXT NOT NULL,
    merchant_id TEXT NOT NULL,
    app_id TEXT NOT NULL,
    sequence BIGINT NOT NULL, -- the order's version: with the id, the order in which things happened
    at BIGINT NOT NULL,
    doc TEXT NOT NULL -- payment.Facts, JSON
);
CREATE INDEX events_order ON events (order_id);

CREATE TABLE deliveries (
    id TEXT COLLATE "C" PRIMARY KEY,
    event_id TEXT NOT NULL,
    order_id TEXT NOT NULL,
    app_id TEXT NOT NULL,
    sequence BIGINT NOT NULL, -- of the event
    final BOOLEAN NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('waiting', 'delivered', 'superseded', 'exhausted', 'unwanted')),
    attempts BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    lease_owner TEXT NOT NULL,
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
    delivery_id TEXT NOT NULL,
    n BIGINT NOT NULL,
    at BIGINT NOT NULL,
    url TEXT NOT NULL,
    headers TEXT NOT NULL, -- JSON
    status BIGINT NOT NULL, -- HTTP, 0 without an answer
    answer BYTEA NOT NULL,  -- the first KiB
    error TEXT NOT NULL,
    took_micros BIGINT NOT NULL,
    PRIMARY KEY (delivery_id, n)
);

-- What was committed and has no place in the hash chain yet, and the chain (rulings G7).
CREATE TABLE unsealed (
    ref TEXT COLLATE "C" PRIMARY KEY,
    kind TEXT NOT NULL
);
CREATE TABLE seals (
    seq BIGINT PRIMARY KEY,
    kind TEXT NOT NULL,
    ref TEXT NOT NULL UNIQUE,
    hash TEXT NOT NULL,
    prev TEXT NOT NULL
);

CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    leased_until BIGINT NOT NULL,
    fence BIGINT NOT NULL
);

-- The simulated networks' journal, and what `florin sim` asks of the serving process.
CREATE TABLE sim_records (
    chain TEXT NOT NULL,
    seq BIGINT NOT NULL,
    doc BYTEA NOT NULL,
    PRIMARY KEY (chain, seq)
);
CREATE TABLE sim_commands (
    id TEXT COLLATE "C" PRIMARY KEY,
    command TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('waiting', 'done', 'failed')),
    answer TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
