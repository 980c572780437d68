CREATE TABLE app_keys (
    id TEXT PRIMARY KEY,
    app_id TEXT NOT NULL,
    sealed BLOB NOT NULL, -- under the key file
    created_at INTEGER NOT NULL,
    retires_at INTEGER NOT NULL -- 0: current
) STRICT;
CREATE TABLE approvals (
    outgoing_id TEXT NOT NULL,
    approver TEXT NOT NULL,
    digest BLOB NOT NULL, -- a keyed MAC of what was approved, and by whom
    at INTEGER NOT NULL,
    PRIMARY KEY (outgoing_id, approver)
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
CREATE TABLE balances (
    kind TEXT NOT NULL,
    owner TEXT NOT NULL,
    asset TEXT NOT NULL,
    debit_units TEXT NOT NULL CHECK (debit_units <> '' AND ltrim(debit_units, '0123456789') = ''),
    credit_units TEXT NOT NULL CHECK (credit_units <> '' AND ltrim(credit_units, '0123456789') = ''),
    version INTEGER NOT NULL,
    PRIMARY KEY (kind, owner, asset)
) STRICT;
CREATE TABLE blocks (
    chain TEXT NOT NULL,
    height INTEGER NOT NULL,
    hash TEXT NOT NULL,
    parent TEXT NOT NULL,
    block_time INTEGER NOT NULL,
    PRIMARY KEY (chain, height)
) STRICT;
CREATE TABLE chains (
    name TEXT PRIMARY KEY,
    height INTEGER NOT NULL,
    hash TEXT NOT NULL,
    parent TEXT NOT NULL,
    block_time INTEGER NOT NULL,
    version INTEGER NOT NULL
) STRICT;
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
CREATE TABLE desk (
    id TEXT PRIMARY KEY,
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
    created_at INTEGER NOT NULL,
    closed_at INTEGER NOT NULL
) STRICT;
CREATE TABLE entries (
    id TEXT PRIMARY KEY,
    ref TEXT NOT NULL UNIQUE, -- one event is booked once
    order_id TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
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
CREATE TABLE goose_db_version (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		version_id INTEGER NOT NULL,
		is_applied INTEGER NOT NULL,
		tstamp TIMESTAMP DEFAULT (datetime('now'))
	);
CREATE TABLE holdings (
    chain TEXT NOT NULL,
    address TEXT NOT NULL,
    asset TEXT NOT NULL,
    free_units TEXT NOT NULL CHECK (free_units <> '' AND ltrim(free_units, '0123456789') = ''),
    checked_at INTEGER NOT NULL,
    PRIMARY KEY (chain, address, asset)
) STRICT;
CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    leased_until INTEGER NOT NULL,
    fence INTEGER NOT NULL
) STRICT;
CREATE TABLE merchants (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    next_address INTEGER NOT NULL, -- index of the next deposit address; never goes back
    created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE nonces (
    chain TEXT NOT NULL,
    sender TEXT NOT NULL,
    nonce INTEGER NOT NULL,
    outgoing_id TEXT NOT NULL UNIQUE,
    PRIMARY KEY (chain, sender, nonce)
) STRICT;
CREATE TABLE order_extra (
    order_id TEXT PRIMARY KEY,
    doc TEXT NOT NULL
) STRICT;
CREATE TABLE order_steps (
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    PRIMARY KEY (before, after)
) STRICT;
CREATE TABLE order_work (
    order_id TEXT PRIMARY KEY,
    merchant_id TEXT NOT NULL,
    generation INTEGER NOT NULL, -- grows with each cause; the row goes when the last one was served
    attempts INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    lease_owner TEXT NOT NULL,
    leased_until INTEGER NOT NULL
) STRICT;
CREATE TABLE orders (
    id TEXT PRIMARY KEY,
    merchant_id TEXT NOT NULL,
    app_id TEXT NOT NULL,
    number TEXT NOT NULL UNIQUE,
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
    received_units TEXT NOT NULL CHECK (received_units <> '' AND ltrim(received_units, '0123456789') = ''),
    late_units TEXT NOT NULL CHECK (late_units <> '' AND ltrim(late_units, '0123456789') = ''),
    reversed_units TEXT NOT NULL CHECK (reversed_units <> '' AND ltrim(reversed_units, '0123456789') = ''),
    last_txid TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    deadline INTEGER NOT NULL,
    paid_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    UNIQUE (app_id, reference)
) STRICT;
CREATE TABLE outgoing (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('payout', 'refund', 'sweep')),
    merchant_id TEXT NOT NULL,
    app_id TEXT NOT NULL,
    number TEXT NOT NULL UNIQUE,
    reference TEXT NOT NULL, -- '' for none
    request_hash TEXT NOT NULL,
    order_id TEXT NOT NULL, -- of a refund
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
CREATE TABLE outgoing_steps (
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    PRIMARY KEY (before, after)
) STRICT;
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
CREATE TABLE payees (
    app_id TEXT NOT NULL,
    address TEXT NOT NULL,
    added_at INTEGER NOT NULL,
    usable_at INTEGER NOT NULL,
    PRIMARY KEY (app_id, address)
) STRICT;
CREATE TABLE payout_hours (
    app_id TEXT NOT NULL,
    hour INTEGER NOT NULL, -- since 1970
    asset TEXT NOT NULL,
    units TEXT NOT NULL CHECK (units <> '' AND ltrim(units, '0123456789') = ''),
    PRIMARY KEY (app_id, hour, asset)
) STRICT;
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
CREATE TABLE seals (
    seq INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    ref TEXT NOT NULL UNIQUE,
    hash TEXT NOT NULL,
    prev TEXT NOT NULL
) STRICT;
CREATE TABLE senders (
    chain TEXT NOT NULL,
    address TEXT NOT NULL,
    next_nonce INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (chain, address)
) STRICT;
CREATE TABLE settings (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
CREATE TABLE sim_commands (
    id TEXT PRIMARY KEY,
    command TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('waiting', 'done', 'failed')),
    answer TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE sim_records (
    chain TEXT NOT NULL,
    seq INTEGER NOT NULL,
    doc BLOB NOT NULL,
    PRIMARY KEY (chain, seq)
) STRICT;
CREATE TABLE stops (
    scope TEXT PRIMARY KEY,
    reason TEXT NOT NULL,
    raised_by TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
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
    -- What took it away from its deposit address: a sweep's id, 'flushed' for somebody else, or '' while it is there.
    swept_by TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (chain, txid, position)
) STRICT;
CREATE TABLE unsealed (
    ref TEXT PRIMARY KEY,
    kind TEXT NOT NULL
) STRICT;
INSERT INTO approvals VALUES ('_', 'B', X'00FF', 4);
INSERT INTO approvals VALUES ('b', '', X'', 0);
INSERT INTO apps VALUES ('B', 'it''s', 'c', 'sweep', '', 'active', 'a', 'é', 4, 1, 0, 'it''s', 5);
INSERT INTO apps VALUES ('_', 'it''s', 'Z', 'event', 'é', 'active', 'it''s', 'a', 9007199254740993, 4, 9007199254740993, 'B', 4);
INSERT INTO apps VALUES ('c', 'c', '日本', 'payout', '日本', 'revoked', 'B', 'a', 2, 1, 4, 'c', 0);
INSERT INTO apps VALUES ('it''s', 'it''s', 'a', 'entry', '', 'active', 'B', 'é', 9007199254740993, 1, 3, 'é', 4);
INSERT INTO apps VALUES ('é', '_', 'B', 'payout', 'it''s', 'active', '日本', 'c', 1, 5, 5, 'b', 1);
INSERT INTO attempts VALUES ('Z', 0, 4, 'c', 'Z', 2, X'626F6479', '日本', 0);
INSERT INTO attempts VALUES ('a', 5, 5, 'c', 'long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long ', 0, X'626F6479', 'b', 1);
INSERT INTO attempts VALUES ('c', 5, 9007199254740993, 'Z', '', 9007199254740993, X'', 'it''s', 5);
INSERT INTO attempts VALUES ('it''s', 1, 5, '日本', 'it''s', 5, X'', 'c', 1);
INSERT INTO balances VALUES ('entry', '日本', '_', '0', '0', 1);
INSERT INTO blocks VALUES ('日本', 2, 'B', 'it''s', 5);
INSERT INTO chains VALUES ('', 4, '日本', 'Z', 0, 2);
INSERT INTO chains VALUES ('B', 4, 'Z', 'it''s', 5, 1);
INSERT INTO chains VALUES ('a', 5, 'é', 'c', 4, 1);
INSERT INTO chains VALUES ('b', 5, 'b', '', 1, 1);
INSERT INTO chains VALUES ('é', 3, '日本', 'B', 3, 1);
INSERT INTO chains VALUES ('日本', 2, 'é', 'b', 3, 2);
INSERT INTO deliveries VALUES ('', 'é', 'b', 'c', 4, 1, 'waiting', 0, 2, '', 0, 0, X'00FF', 4);
INSERT INTO deliveries VALUES ('it''s', '', '', 'é', 2, 0, 'superseded', 0, 2, '日本', 1, 1, X'', 1);
INSERT INTO deposit_addresses VALUES ('B', '_', 'b', '日本', 'c', 'it''s', 3);
INSERT INTO deposit_addresses VALUES ('日本', 'B', 'B', 'a', 'it''s', 'é', 9007199254740993);
INSERT INTO desk VALUES ('', 'B', '', 'é', 'c', 'c', '日本', '日本', '15', '9223372036854775808', 'open', '', 1, 0);
INSERT INTO desk VALUES ('B', '', 'B', 'B', '_', 'b', 'é', 'it''s', '0', '115792089237316195423570985008687907853269984665640564039457584007913129639935', 'open', '', 9007199254740993, 0);
INSERT INTO desk VALUES ('c', 'c', 'it''s', 'b', 'c', 'Z', 'b', '_', '115792089237316195423570985008687907853269984665640564039457584007913129639935', '1', 'open', '', 1, 0);
INSERT INTO desk VALUES ('日本', 'it''s', 'c', '日本', 'c', 'b', 'c', 'é', '1', '1', 'open', '', 2, 0);
INSERT INTO entries VALUES ('_', '', 'it''s', 1);
INSERT INTO entries VALUES ('a', 'a', '', 4);
INSERT INTO entries VALUES ('it''s', 'é', 'é', 4);
INSERT INTO entries VALUES ('é', 'Z', 'Z', 2);
INSERT INTO events VALUES ('', 'sweep', '_', 'c', '', 5, 0, 'a');
INSERT INTO events VALUES ('B', 'entry', 'c', 'Z', 'Z', 4, 5, 'b');
INSERT INTO events VALUES ('Z', 'entry', '_', 'Z', '日本', 2, 0, 'it''s');
INSERT INTO events VALUES ('_', 'payout', '日本', 'a', '日本', 1, 3, 'b');
INSERT INTO events VALUES ('b', 'b', '', '_', 'Z', 2, 4, 'it''s');
INSERT INTO events VALUES ('c', 'sweep', 'it''s', '_', 'Z', 0, 9007199254740993, 'c');
INSERT INTO events VALUES ('é', 'entry', 'Z', 'c', '_', 0, 0, '');
INSERT INTO holdings VALUES ('it''s', 'c', '_', '9223372036854775808', 0);
INSERT INTO holdings VALUES ('é', 'B', 'é', '15', 1);
INSERT INTO holdings VALUES ('日本', 'Z', '', '15', 4);
INSERT INTO leases VALUES ('', 'a', 2, 1);
INSERT INTO leases VALUES ('B', '_', 2, 1);
INSERT INTO leases VALUES ('_', 'it''s', 9007199254740993, 3);
INSERT INTO leases VALUES ('it''s', 'it''s', 3, 1);
INSERT INTO merchants VALUES ('_', '日本', 'B', 1, 9007199254740993);
INSERT INTO nonces VALUES ('_', 'b', 5, '_');
INSERT INTO nonces VALUES ('it''s', 'é', 1, 'it''s');
INSERT INTO nonces VALUES ('é', 'B', 4, 'é');
INSERT INTO order_extra VALUES ('', 'Z');
INSERT INTO order_extra VALUES ('Z', 'a');
INSERT INTO order_extra VALUES ('c', 'B');
INSERT INTO order_extra VALUES ('it''s', 'b');
INSERT INTO order_extra VALUES ('日本', 'Z');
INSERT INTO order_steps VALUES ('open', 'expired');
INSERT INTO order_steps VALUES ('open', 'paid');
INSERT INTO order_steps VALUES ('standing', 'closed');
INSERT INTO order_work VALUES ('', 'it''s', 1, 0, 1, '', 0);
INSERT INTO order_work VALUES ('Z', '_', 2, 0, 2, '', 0);
INSERT INTO order_work VALUES ('a', 'c', 3, 0, 4, '', 0);
INSERT INTO orders VALUES ('', '_', 'Z', 'it''s', '_', 'b', '_', '', 'it''s', 'B', '日本', 'a', '', 'it''s', '15', 'c', 'open', '_', '9223372036854775808', '日本', '9223372036854775808', '9007199254740993', '9223372036854775808', 'it''s', 4, 4, 9007199254740993, 0, 2);
INSERT INTO orders VALUES ('Z', 'c', '_', 'c', 'B', 'b', 'c', 'b', 'a', 'it''s', 'a', '日本', 'c', 'b', '9223372036854775808', 'B', 'open', '_', '0', 'a', '1', '9007199254740993', '15', 'Z', 3, 3, 5, 2, 1);
INSERT INTO orders VALUES ('_', 'c', '', '_', '_', 'b', 'é', '日本', 'a', 'it''s', 'B', 'é', 'c', '', '0', '_', 'open', 'B', '115792089237316195423570985008687907853269984665640564039457584007913129639935', '_', '115792089237316195423570985008687907853269984665640564039457584007913129639935', '9007199254740993', '9223372036854775808', 'c', 0, 5, 0, 5, 1);
INSERT INTO orders VALUES ('c', 'Z', 'Z', 'b', 'Z', 'é', '_', 'B', 'é', 'B', 'it''s', 'c', 'B', 'it''s', '9223372036854775808', 'é', 'open', 'a', '9007199254740993', '日本', '15', '9007199254740993', '0', 'it''s', 1, 0, 2, 0, 1);
INSERT INTO orders VALUES ('it''s', '_', 'Z', 'é', 'b', '', '', 'Z', 'it''s', 'B', 'c', '', 'é', '', '1', 'Z', 'open', 'B', '15', 'B', '1', '9223372036854775808', '0', '日本', 1, 9007199254740993, 5, 9007199254740993, 1);
INSERT INTO orders VALUES ('日本', 'a', '日本', 'a', '', 'c', 'b', 'c', 'it''s', '日本', 'é', 'B', 'a', 'é', '9223372036854775808', 'long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long ', 'open', 'a', '115792089237316195423570985008687907853269984665640564039457584007913129639935', 'Z', '0', '15', '15', 'B', 5, 5, 5, 2, 1);
INSERT INTO outgoing VALUES ('b', 'payout', '', 'a', 'b', 'b', 'B', 'é', 'Z', 'it''s', '_', '日本', '115792089237316195423570985008687907853269984665640564039457584007913129639935', 'é', 'b', '1', '_', 0, 0, X'00FF', 'failed', '', 1, 'a', 4, '1', 3, 9007199254740993, 2, 0, 0, '', 0, 0);
INSERT INTO outgoing_steps VALUES ('held', 'failed');
INSERT INTO outgoing_steps VALUES ('held', 'ready');
INSERT INTO outgoing_steps VALUES ('numbered', 'sent');
INSERT INTO outgoing_steps VALUES ('ready', 'failed');
INSERT INTO outgoing_steps VALUES ('ready', 'numbered');
INSERT INTO outgoing_steps VALUES ('sent', 'failed');
INSERT INTO outgoing_steps VALUES ('sent', 'paid');
INSERT INTO outgoing_txs VALUES ('c', 'a', '_', 'cancel', 4, X'00FF', '115792089237316195423570985008687907853269984665640564039457584007913129639935', '15', '115792089237316195423570985008687907853269984665640564039457584007913129639935', 1);
INSERT INTO payees VALUES ('', 'b', 0, 5);
INSERT INTO payees VALUES ('_', '日本', 9007199254740993, 2);
INSERT INTO payees VALUES ('a', 'c', 4, 1);
INSERT INTO payees VALUES ('it''s', 'B', 4, 1);
INSERT INTO payees VALUES ('日本', 'b', 4, 1);
INSERT INTO payees VALUES ('日本', '日本', 9007199254740993, 0);
INSERT INTO payout_hours VALUES ('it''s', 0, '_', '15');
INSERT INTO payout_hours VALUES ('é', 9007199254740993, 'B', '115792089237316195423570985008687907853269984665640564039457584007913129639935');
INSERT INTO payout_hours VALUES ('日本', 4, 'b', '15');
INSERT INTO payout_rules VALUES ('', 1, '日本', X'626F6479', 0, 0, 0, 1);
INSERT INTO postings VALUES ('B', 9007199254740993, 'entry', '日本', 'B', 'debit', '0');
INSERT INTO postings VALUES ('Z', 5, 'payout', 'c', '', 'debit', '0');
INSERT INTO postings VALUES ('日本', 2, 'event', 'a', '_', 'credit', '9007199254740993');
INSERT INTO reconcile_results VALUES ('_', 'it''s', 3, 'Z', '9223372036854775808', '9007199254740993', 1, 3, 0);
INSERT INTO reconcile_results VALUES ('c', 'b', 2, 'a', '9007199254740993', '15', 9007199254740993, 2, 9007199254740993);
INSERT INTO seals VALUES (0, 'b', 'é', 'B', 'it''s');
INSERT INTO seals VALUES (1, 'b', 'B', 'é', '日本');
INSERT INTO seals VALUES (2, 'b', '日本', '', 'c');
INSERT INTO seals VALUES (3, 'b', 'Z', '_', 'Z');
INSERT INTO seals VALUES (9007199254740993, 'b', 'c', 'Z', 'Z');
INSERT INTO senders VALUES ('', 'B', 1, 1);
INSERT INTO senders VALUES ('', 'é', 3, 1);
INSERT INTO senders VALUES ('Z', 'it''s', 4, 1);
INSERT INTO senders VALUES ('a', 'a', 3, 1);
INSERT INTO senders VALUES ('b', 'it''s', 5, 1);
INSERT INTO senders VALUES ('é', 'a', 2, 1);
INSERT INTO settings VALUES ('c', 'é');
INSERT INTO settings VALUES ('it''s', 'c');
INSERT INTO settings VALUES ('é', 'it''s');
INSERT INTO sim_commands VALUES ('', 'a', 'waiting', '', 4);
INSERT INTO sim_commands VALUES ('_', '日本', 'waiting', '', 4);
INSERT INTO sim_commands VALUES ('it''s', 'B', 'waiting', '', 2);
INSERT INTO sim_commands VALUES ('日本', 'it''s', 'waiting', '', 0);
INSERT INTO sim_records VALUES ('it''s', 3, X'');
INSERT INTO sim_records VALUES ('é', 9007199254740993, X'');
INSERT INTO stops VALUES ('Z', '', 'B', 2);
INSERT INTO stops VALUES ('it''s', 'é', 'B', 5);
INSERT INTO stops VALUES ('日本', 'B', 'Z', 2);
INSERT INTO sweep_items VALUES ('Z', '_', 'é', 'b', '9007199254740993', 'B', '', 'void', 9007199254740993);
INSERT INTO sweep_items VALUES ('Z', 'it''s', 'it''s', 'Z', '9223372036854775808', 'c', 'it''s', 'void', 9007199254740993);
INSERT INTO sweep_items VALUES ('a', 'B', 'c', 'B', '9223372036854775808', '_', '', '', 0);
INSERT INTO sweep_items VALUES ('b', '日本', 'it''s', 'it''s', '115792089237316195423570985008687907853269984665640564039457584007913129639935', 'b', 'é', '', 0);
INSERT INTO sweep_items VALUES ('c', '日本', 'é', '', '15', 'é', 'c', '', 0);
INSERT INTO sweep_items VALUES ('é', '', '_', 'it''s', '15', 'b', '', '', 0);
INSERT INTO sweep_items VALUES ('日本', 'B', 'B', '_', '115792089237316195423570985008687907853269984665640564039457584007913129639935', 'c', 'c', '', 0);
INSERT INTO sweep_items VALUES ('日本', '_', 'Z', 'é', '0', '', 'B', '', 0);
INSERT INTO transfers VALUES ('', 'b', 'c', 'Z', 'a', '', 'it''s', '', '0', 1, 0, 'é', 1, 'seen', 0, '', '', '0', 0, 0, '');
INSERT INTO transfers VALUES ('', 'c', '_', 'c', 'B', '_', 'it''s', 'B', '1', 1, 5, 'c', 9007199254740993, 'seen', 0, '', '', '0', 0, 0, '');
INSERT INTO transfers VALUES ('B', 'a', 'Z', 'a', 'Z', 'c', 'b', '', '1', 1, 1, 'é', 1, 'seen', 0, '', '', '0', 0, 0, '');
INSERT INTO transfers VALUES ('Z', 'a', 'it''s', '_', 'c', '', 'B', 'a', '9007199254740993', 0, 4, 'it''s', 0, 'seen', 0, '', '', '0', 0, 0, '');
INSERT INTO transfers VALUES ('c', '_', 'c', 'Z', 'B', '日本', '日本', '_', '15', 0, 0, 'Z', 2, 'seen', 0, '', '', '0', 0, 0, '');
INSERT INTO transfers VALUES ('日本', '', 'it''s', 'é', '', '日本', 'B', 'it''s', '9007199254740993', 0, 4, 'é', 5, 'seen', 0, '', '', '0', 0, 0, '');
INSERT INTO unsealed VALUES ('', 'event');
INSERT INTO unsealed VALUES ('B', 'event');
INSERT INTO unsealed VALUES ('Z', 'a');
INSERT INTO unsealed VALUES ('_', 'event');
INSERT INTO unsealed VALUES ('b', 'event');
INSERT INTO unsealed VALUES ('c', 'event');
INSERT INTO unsealed VALUES ('it''s', 'sweep');
INSERT INTO unsealed VALUES ('é', 'event');
INSERT INTO goose_db_version VALUES (1, 0, 1, '2026-11-22 03:34:38');
INSERT INTO goose_db_version VALUES (2, 1, 1, '2026-11-22 03:34:38');
INSERT INTO goose_db_version VALUES (3, 2, 1, '2026-11-22 03:34:38');
CREATE INDEX app_keys_app ON app_keys (app_id);
CREATE INDEX deliveries_due ON deliveries (due_at, id) WHERE status = 'waiting';
CREATE INDEX deliveries_event ON deliveries (event_id);
CREATE INDEX deliveries_order ON deliveries (order_id);
CREATE INDEX deposit_addresses_created ON deposit_addresses (created_at);
CREATE INDEX desk_transfer ON desk (chain, txid, position);
CREATE INDEX events_order ON events (order_id);
CREATE INDEX order_work_due ON order_work (due_at);
CREATE INDEX orders_open ON orders (deadline, id) WHERE state = 'open';
CREATE INDEX orders_standing ON orders (app_id, id) WHERE state = 'standing';
CREATE INDEX outgoing_block ON outgoing (chain, block_height) WHERE block_height > 0;
CREATE INDEX outgoing_due ON outgoing (due_at, id) WHERE state <> 'paid' AND state <> 'failed';
CREATE UNIQUE INDEX outgoing_reference ON outgoing (app_id, reference) WHERE reference <> '';
CREATE INDEX outgoing_txs_outgoing ON outgoing_txs (outgoing_id);
CREATE INDEX postings_custody ON postings (owner, asset, side, units) WHERE kind = 'custody';
CREATE INDEX sweep_items_address ON sweep_items (chain, address);
CREATE INDEX transfers_block ON transfers (chain, block_height);
CREATE INDEX transfers_order ON transfers (order_id);
CREATE INDEX transfers_swept ON transfers (swept_by) WHERE swept_by <> '';
CREATE INDEX transfers_unswept ON transfers (chain, recipient, txid, position) WHERE swept_by = '';
CREATE TRIGGER approvals_kept_delete BEFORE DELETE ON approvals BEGIN SELECT RAISE(ABORT, 'florin: approvals is append-only'); END;
CREATE TRIGGER approvals_kept_update BEFORE UPDATE ON approvals BEGIN SELECT RAISE(ABORT, 'florin: approvals is append-only'); END;
CREATE TRIGGER attempts_kept_delete BEFORE DELETE ON attempts BEGIN SELECT RAISE(ABORT, 'florin: attempts is append-only'); END;
CREATE TRIGGER attempts_kept_update BEFORE UPDATE ON attempts BEGIN SELECT RAISE(ABORT, 'florin: attempts is append-only'); END;
CREATE TRIGGER entries_kept_delete BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'florin: entries is append-only'); END;
CREATE TRIGGER entries_kept_update BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'florin: entries is append-only'); END;
CREATE TRIGGER events_kept_delete BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'florin: events is append-only'); END;
CREATE TRIGGER events_kept_update BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'florin: events is append-only'); END;
CREATE TRIGGER nonces_kept_delete BEFORE DELETE ON nonces BEGIN SELECT RAISE(ABORT, 'florin: nonces is append-only'); END;
CREATE TRIGGER nonces_kept_update BEFORE UPDATE ON nonces BEGIN SELECT RAISE(ABORT, 'florin: nonces is append-only'); END;
CREATE TRIGGER orders_begin BEFORE INSERT ON orders WHEN NEW.state <> 'open' AND NEW.state <> 'standing'
BEGIN SELECT RAISE(ABORT, 'florin: an order begins open, or standing'); END;
CREATE TRIGGER orders_step BEFORE UPDATE OF state ON orders
WHEN OLD.state <> NEW.state AND NOT EXISTS (SELECT 1 FROM order_steps WHERE before = OLD.state AND after = NEW.state)
BEGIN SELECT RAISE(ABORT, 'florin: an order may not take this step'); END;
CREATE TRIGGER outgoing_begin BEFORE INSERT ON outgoing WHEN NEW.state <> 'held' AND NEW.state <> 'ready'
BEGIN SELECT RAISE(ABORT, 'florin: a payout begins held or ready'); END;
CREATE TRIGGER outgoing_steps_only BEFORE UPDATE OF state ON outgoing
WHEN OLD.state <> NEW.state AND NOT EXISTS (SELECT 1 FROM outgoing_steps WHERE before = OLD.state AND after = NEW.state)
BEGIN SELECT RAISE(ABORT, 'florin: a payout may not take this step'); END;
CREATE TRIGGER outgoing_txs_kept_delete BEFORE DELETE ON outgoing_txs BEGIN SELECT RAISE(ABORT, 'florin: outgoing_txs is append-only'); END;
CREATE TRIGGER outgoing_txs_kept_update BEFORE UPDATE ON outgoing_txs BEGIN SELECT RAISE(ABORT, 'florin: outgoing_txs is append-only'); END;
CREATE TRIGGER postings_kept_delete BEFORE DELETE ON postings BEGIN SELECT RAISE(ABORT, 'florin: postings is append-only'); END;
CREATE TRIGGER postings_kept_update BEFORE UPDATE ON postings BEGIN SELECT RAISE(ABORT, 'florin: postings is append-only'); END;
CREATE TRIGGER seals_kept_delete BEFORE DELETE ON seals BEGIN SELECT RAISE(ABORT, 'florin: seals is append-only'); END;
CREATE TRIGGER seals_kept_update BEFORE UPDATE ON seals BEGIN SELECT RAISE(ABORT, 'florin: seals is append-only'); END;
