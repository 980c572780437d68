CREATE TABLE api_tokens (
    id TEXT PRIMARY KEY,
    app_id TEXT NOT NULL,
    name TEXT NOT NULL, -- what it is for
    hash TEXT NOT NULL UNIQUE, -- SHA-256, hex
    created_at INTEGER NOT NULL,
    revoked_at INTEGER NOT NULL -- 0: good
) STRICT;
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
CREATE TABLE desk_steps (
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    PRIMARY KEY (before, after)
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
CREATE TABLE refund_links (
    outgoing_id TEXT PRIMARY KEY,
    token_hash TEXT NOT NULL UNIQUE, -- of the link's token, which is made from the refund's id under the key file
    ends_at INTEGER NOT NULL, -- nobody has claimed it until then: it fails
    claimed_at INTEGER NOT NULL -- 0: not yet
) STRICT;
CREATE TABLE seals (
    seq INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    ref TEXT NOT NULL UNIQUE,
    hash TEXT NOT NULL,
    prev TEXT NOT NULL,
    app_id TEXT NOT NULL -- whose news it is, '' for an entry; the hash has it with the event
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
CREATE TABLE short_id_ends (
    kind TEXT PRIMARY KEY,
    last_id INTEGER NOT NULL
) STRICT;
CREATE TABLE short_ids (
    kind TEXT NOT NULL,
    id INTEGER NOT NULL,
    ref TEXT NOT NULL,
    PRIMARY KEY (kind, id),
    UNIQUE (kind, ref)
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
    -- What took it away from its deposit address: a sweep's id, 'flushed:' for somebody else, or '' while it is there.
    swept_by TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (chain, txid, position)
) STRICT;
CREATE TABLE unsealed (
    ref TEXT PRIMARY KEY,
    kind TEXT NOT NULL
) STRICT;
INSERT INTO api_tokens VALUES ('', 'é', 'c', 'c', 2, 0);
INSERT INTO api_tokens VALUES ('B', 'a', '', 'a', 9007199254740993, 0);
INSERT INTO api_tokens VALUES ('a', 'Z', 'it''s', 'B', 9007199254740993, 0);
INSERT INTO api_tokens VALUES ('it''s', 'it''s', 'c', '', 2, 0);
INSERT INTO apps VALUES ('a', 'Z', 'Z', 'b', '日本', 'active', 'b', 'é', 9007199254740993, 4, 2, 'a', 4);
INSERT INTO apps VALUES ('b', 'b', 'é', 'entry', '_', 'active', 'a', 'B', 1, 3, 9007199254740993, 'é', 4);
INSERT INTO apps VALUES ('é', 'b', '', 'sweep', 'a', 'active', 'B', '_', 0, 1, 1, '', 4);
INSERT INTO attempts VALUES ('', 0, 5, 'é', 'b', 2, X'626F6479', 'B', 0);
INSERT INTO attempts VALUES ('B', 0, 0, '_', '日本', 1, X'00FF', 'B', 9007199254740993);
INSERT INTO attempts VALUES ('_', 0, 5, 'Z', '', 2, X'00FF', 'it''s', 3);
INSERT INTO attempts VALUES ('a', 0, 0, 'it''s', 'it''s', 4, X'', 'c', 1);
INSERT INTO attempts VALUES ('c', 0, 4, 'a', 'c', 3, X'00FF', '日本', 5);
INSERT INTO attempts VALUES ('it''s', 0, 0, 'c', 'é', 0, X'00FF', 'é', 5);
INSERT INTO attempts VALUES ('日本', 0, 1, 'é', 'B', 3, X'', '日本', 3);
INSERT INTO balances VALUES ('entry', '_', 'c', '0', '0', 1);
INSERT INTO blocks VALUES ('', 5, 'it''s', 'B', 4);
INSERT INTO blocks VALUES ('é', 1, '_', '日本', 4);
INSERT INTO chains VALUES ('Z', 5, '_', 'b', 1, 1);
INSERT INTO chains VALUES ('é', 4, 'b', 'Z', 5, 1);
INSERT INTO deliveries VALUES ('', '日本', 'B', 'c', 0, 0, 'waiting', 0, 0, '', 0, 0, X'00FF', 5);
INSERT INTO deliveries VALUES ('B', 'b', 'é', '', 2, 1, 'waiting', 0, 1, '', 0, 0, X'626F6479', 0);
INSERT INTO deliveries VALUES ('_', 'b', 'a', '_', 0, 0, 'waiting', 0, 1, '', 0, 0, X'', 5);
INSERT INTO deliveries VALUES ('a', '', 'b', 'a', 9007199254740993, 0, 'waiting', 0, 1, '', 0, 0, X'626F6479', 3);
INSERT INTO deliveries VALUES ('c', 'c', 'B', 'c', 5, 0, 'waiting', 0, 4, '', 0, 0, X'', 2);
INSERT INTO deliveries VALUES ('it''s', '_', 'it''s', '日本', 4, 1, 'waiting', 0, 2, '', 0, 0, X'626F6479', 2);
INSERT INTO deliveries VALUES ('日本', '_', '', 'c', 1, 1, 'waiting', 0, 2, '', 0, 0, X'00FF', 2);
INSERT INTO deposit_addresses VALUES ('', 'it''s', '日本', 'é', '日本', '', 9007199254740993);
INSERT INTO deposit_addresses VALUES ('B', '_', '_', 'Z', 'a', 'a', 2);
INSERT INTO deposit_addresses VALUES ('_', '', 'a', 'é', 'b', 'b', 9007199254740993);
INSERT INTO deposit_addresses VALUES ('a', '', 'b', 'c', 'c', 'it''s', 4);
INSERT INTO deposit_addresses VALUES ('it''s', 'Z', 'Z', '', 'B', 'B', 0);
INSERT INTO desk VALUES ('Z', 'c', '日本', 'B', 'b', 'b', 'it''s', 'é', '日本', '115792089237316195423570985008687907853269984665640564039457584007913129639935', '0', 'open', '', '', '', '', '', '', 0, 5, 0, 2);
INSERT INTO desk_steps VALUES ('open', 'attached');
INSERT INTO desk_steps VALUES ('open', 'credited');
INSERT INTO desk_steps VALUES ('open', 'refunded');
INSERT INTO desk_steps VALUES ('open', 'returned');
INSERT INTO desk_steps VALUES ('open', 'swept');
INSERT INTO desk_steps VALUES ('open', 'void');
INSERT INTO desk_steps VALUES ('open', 'written_off');
INSERT INTO desk_steps VALUES ('refunded', 'open');
INSERT INTO desk_steps VALUES ('refunded', 'void');
INSERT INTO desk_steps VALUES ('swept', 'void');
INSERT INTO entries VALUES ('c', 'b', '_', 3);
INSERT INTO events VALUES ('', 'sweep', 'B', 'it''s', 'c', 1, 0, 'é');
INSERT INTO events VALUES ('B', 'payout', '_', '日本', '_', 4, 3, 'long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long ');
INSERT INTO events VALUES ('a', 'b', 'B', 'a', 'a', 1, 1, '_');
INSERT INTO events VALUES ('b', 'b', '日本', 'b', 'a', 9007199254740993, 2, 'it''s');
INSERT INTO events VALUES ('c', 'a', 'Z', 'B', 'b', 4, 3, 'it''s');
INSERT INTO events VALUES ('日本', 'event', 'it''s', 'it''s', 'c', 4, 5, 'c');
INSERT INTO holdings VALUES ('B', 'Z', 'Z', '0', 5);
INSERT INTO holdings VALUES ('_', '', '日本', '1', 5);
INSERT INTO holdings VALUES ('a', 'B', 'it''s', '115792089237316195423570985008687907853269984665640564039457584007913129639935', 4);
INSERT INTO holdings VALUES ('b', 'b', '_', '1', 5);
INSERT INTO holdings VALUES ('é', 'B', 'é', '15', 1);
INSERT INTO holdings VALUES ('é', '日本', 'Z', '1', 1);
INSERT INTO leases VALUES ('日本', '', 9007199254740993, 1);
INSERT INTO merchants VALUES ('', 'Z', 'it''s', 0, 3);
INSERT INTO merchants VALUES ('a', '', '_', 0, 9007199254740993);
INSERT INTO nonces VALUES ('c', '_', 1, 'B');
INSERT INTO nonces VALUES ('é', '', 2, '');
INSERT INTO order_extra VALUES ('B', '日本');
INSERT INTO order_extra VALUES ('Z', 'a');
INSERT INTO order_steps VALUES ('expired', 'paid');
INSERT INTO order_steps VALUES ('open', 'expired');
INSERT INTO order_steps VALUES ('open', 'paid');
INSERT INTO order_steps VALUES ('standing', 'closed');
INSERT INTO order_work VALUES ('_', 'Z', 1, 0, 1, '', 0);
INSERT INTO orders VALUES ('B', 'it''s', 'c', 'c', 'Z', 'Z', 'é', 'Z', 'Z', 'a', '_', 'c', 'Z', '', '_', '9223372036854775808', 'c', 'open', 'B', '0', 'c', 'b', 'c', '115792089237316195423570985008687907853269984665640564039457584007913129639935', '1', '115792089237316195423570985008687907853269984665640564039457584007913129639935', '0', 'b', 5, 2, 9007199254740993, 1, 1);
INSERT INTO orders VALUES ('Z', 'B', 'b', 'B', 'b', 'it''s', 'it''s', 'é', '', '日本', 'a', '', 'a', '', '_', '115792089237316195423570985008687907853269984665640564039457584007913129639935', 'B', 'open', '', '9223372036854775808', 'a', '', 'Z', '115792089237316195423570985008687907853269984665640564039457584007913129639935', '1', '0', '0', 'a', 0, 3, 9007199254740993, 9007199254740993, 2);
INSERT INTO outgoing VALUES ('B', 'payout', 'it''s', 'a', 'B', '_', 'b', '', '', 'a', 'é', 'it''s', 'B', 'é', '115792089237316195423570985008687907853269984665640564039457584007913129639935', 'b', '日本', '15', '_', 1, 1, X'', 'held', 'c', -1, '', 0, '0', 5, 5, 1, 1, 0, '', 0, 0);
INSERT INTO outgoing VALUES ('b', 'payout', 'é', 'a', '', 'Z', '', 'B', 'it''s', '', '_', 'é', 'a', 'c', '0', 'c', 'c', '115792089237316195423570985008687907853269984665640564039457584007913129639935', 'B', 1, 9007199254740993, X'00FF', 'held', '_', -1, '', 0, '0', 5, 5, 1, 1, 0, '', 0, 0);
INSERT INTO outgoing VALUES ('it''s', 'payout', '日本', 'a', 'Z', 'B', 'B', '_', '日本', '', 'a', 'B', '', '', '1', 'é', 'B', '15', 'B', 1, 2, X'', 'held', 'é', -1, '', 0, '0', 1, 1, 1, 2, 1, 'b', 5, 1);
INSERT INTO outgoing_steps VALUES ('held', 'failed');
INSERT INTO outgoing_steps VALUES ('held', 'ready');
INSERT INTO outgoing_steps VALUES ('numbered', 'sent');
INSERT INTO outgoing_steps VALUES ('ready', 'failed');
INSERT INTO outgoing_steps VALUES ('ready', 'numbered');
INSERT INTO outgoing_steps VALUES ('sent', 'failed');
INSERT INTO outgoing_steps VALUES ('sent', 'paid');
INSERT INTO outgoing_txs VALUES ('B', 'B', 'B', 'pay', 2, X'626F6479', '9007199254740993', '15', '9007199254740993', 3);
INSERT INTO outgoing_txs VALUES ('日本', 'Z', 'c', 'pay', 2, X'', '9007199254740993', '15', '1', 4);
INSERT INTO outgoing_txs VALUES ('日本', 'a', 'é', 'cancel', 5, X'00FF', '1', '115792089237316195423570985008687907853269984665640564039457584007913129639935', '9007199254740993', 1);
INSERT INTO payees VALUES ('B', 'b', 4, 4);
INSERT INTO payees VALUES ('b', 'c', 5, 5);
INSERT INTO payees VALUES ('c', 'a', 5, 5);
INSERT INTO payees VALUES ('日本', 'a', 2, 0);
INSERT INTO payout_hours VALUES ('', 5, 'c', '9223372036854775808');
INSERT INTO payout_hours VALUES ('B', 0, '日本', '0');
INSERT INTO payout_hours VALUES ('a', 1, 'é', '1');
INSERT INTO payout_hours VALUES ('c', 4, '_', '15');
INSERT INTO payout_hours VALUES ('c', 5, '日本', '9223372036854775808');
INSERT INTO payout_rules VALUES ('Z', 0, '{}', X'', 0, 5, 9007199254740993, 1);
INSERT INTO postings VALUES ('B', 5, 'sweep', '日本', '_', 'credit', '9223372036854775808');
INSERT INTO postings VALUES ('é', 1, 'entry', 'c', 'a', 'debit', '115792089237316195423570985008687907853269984665640564039457584007913129639935');
INSERT INTO postings VALUES ('日本', 2, 'b', 'é', '日本', 'debit', '15');
INSERT INTO reconcile_results VALUES ('B', 'a', 0, 'Z', '1', '115792089237316195423570985008687907853269984665640564039457584007913129639935', 9007199254740993, 9007199254740993, 4);
INSERT INTO reconcile_results VALUES ('a', 'B', 9007199254740993, 'Z', '1', '0', 4, 3, 5);
INSERT INTO reconcile_results VALUES ('a', 'é', 0, 'c', '9007199254740993', '115792089237316195423570985008687907853269984665640564039457584007913129639935', 9007199254740993, 2, 0);
INSERT INTO reconcile_results VALUES ('é', 'B', 4, 'Z', '9007199254740993', '15', 5, 3, 4);
INSERT INTO refund_links VALUES ('_', 'b', 0, 0);
INSERT INTO seals VALUES (0, 'sweep', 'c', 'B', 'B', 'B');
INSERT INTO seals VALUES (4, 'event', '', 'é', 'c', '');
INSERT INTO seals VALUES (9007199254740993, 'sweep', 'a', 'b', 'B', '');
INSERT INTO senders VALUES ('Z', '', 1, 1);
INSERT INTO senders VALUES ('_', 'a', 2, 1);
INSERT INTO senders VALUES ('a', 'a', 0, 1);
INSERT INTO settings VALUES ('', '_');
INSERT INTO settings VALUES ('it''s', 'it''s');
INSERT INTO settings VALUES ('é', 'Z');
INSERT INTO short_id_ends VALUES ('B', 1000);
INSERT INTO short_id_ends VALUES ('it''s', 1000);
INSERT INTO short_ids VALUES ('a', 3, 'c');
INSERT INTO short_ids VALUES ('b', 3, '日本');
INSERT INTO short_ids VALUES ('sweep', 4, 'b');
INSERT INTO sim_commands VALUES ('c', 'Z', 'waiting', '', 5);
INSERT INTO sim_records VALUES ('it''s', 4, X'626F6479');
INSERT INTO sim_records VALUES ('é', 0, X'00FF');
INSERT INTO sim_records VALUES ('日本', 1, X'');
INSERT INTO stops VALUES ('c', '_', 'c', 3);
INSERT INTO stops VALUES ('é', 'c', 'Z', 9007199254740993);
INSERT INTO stops VALUES ('日本', 'é', '日本', 5);
INSERT INTO sweep_items VALUES ('a', '日本', 'it''s', '', '9223372036854775808', '', 'c', '', 0);
INSERT INTO sweep_items VALUES ('it''s', 'b', '日本', '', '9007199254740993', 'it''s', 'é', '', 0);
INSERT INTO transfers VALUES ('Z', 'B', 'a', 'Z', 'b', 'B', '', 'Z', '15', 0, 9007199254740993, '', 3, 'seen', 0, '', '', '0', 0, 0, '');
INSERT INTO transfers VALUES ('Z', 'é', '', '_', '_', 'c', 'B', '日本', '1', 1, 9007199254740993, '_', 4, 'seen', 0, '', '', '0', 0, 0, '');
INSERT INTO transfers VALUES ('日本', 'b', 'c', '', 'é', 'B', 'c', 'it''s', '15', 0, 9007199254740993, 'Z', 1, 'seen', 0, '', '', '0', 0, 0, '');
INSERT INTO unsealed VALUES ('_', 'entry');
INSERT INTO unsealed VALUES ('a', 'b');
INSERT INTO unsealed VALUES ('c', 'event');
INSERT INTO unsealed VALUES ('it''s', 'entry');
INSERT INTO unsealed VALUES ('日本', 'sweep');
INSERT INTO goose_db_version VALUES (1, 0, 1, '2026-11-22 09:26:14');
INSERT INTO goose_db_version VALUES (2, 1, 1, '2026-11-22 09:26:14');
INSERT INTO goose_db_version VALUES (3, 2, 1, '2026-11-22 09:26:14');
CREATE INDEX api_tokens_app ON api_tokens (app_id);
CREATE INDEX app_keys_app ON app_keys (app_id);
CREATE INDEX deliveries_due ON deliveries (due_at, id) WHERE status = 'waiting';
CREATE INDEX deliveries_event ON deliveries (event_id);
CREATE INDEX deliveries_order ON deliveries (order_id);
CREATE INDEX deposit_addresses_created ON deposit_addresses (created_at);
CREATE INDEX desk_loss ON desk (chain, txid, position) WHERE reason = 'reversed';
CREATE INDEX desk_merchant ON desk (merchant_id, id);
CREATE UNIQUE INDEX desk_transfer ON desk (chain, txid, position) WHERE status <> 'void' AND reason <> 'reversed';
CREATE INDEX events_order ON events (order_id);
CREATE INDEX order_work_due ON order_work (due_at);
CREATE INDEX orders_listed ON orders (app_id, id) WHERE page <> '' OR home_id <> '';
CREATE INDEX orders_open ON orders (deadline, id) WHERE state = 'open';
CREATE UNIQUE INDEX orders_page ON orders (page) WHERE page <> '';
CREATE INDEX orders_standing ON orders (app_id, id) WHERE state = 'standing';
CREATE INDEX outgoing_block ON outgoing (chain, block_height) WHERE block_height > 0;
CREATE INDEX outgoing_due ON outgoing (due_at, id) WHERE state <> 'paid' AND state <> 'failed';
CREATE INDEX outgoing_fees ON outgoing (chain, changed_at) WHERE fee_units <> '0';
CREATE INDEX outgoing_order ON outgoing (order_id, id) WHERE kind = 'refund';
CREATE UNIQUE INDEX outgoing_reference ON outgoing (app_id, reference) WHERE reference <> '';
CREATE INDEX outgoing_txs_outgoing ON outgoing_txs (outgoing_id);
CREATE INDEX postings_custody ON postings (owner, asset, side, units) WHERE kind = 'custody';
CREATE INDEX seals_news ON seals (app_id, seq) WHERE app_id <> '';
CREATE INDEX sweep_items_address ON sweep_items (chain, address);
CREATE INDEX transfers_block ON transfers (chain, block_height);
CREATE INDEX transfers_order ON transfers (order_id);
CREATE INDEX transfers_swept ON transfers (swept_by) WHERE swept_by <> '';
CREATE INDEX transfers_unswept ON transfers (chain, recipient, txid, position) WHERE swept_by = '';
CREATE TRIGGER approvals_kept_delete BEFORE DELETE ON approvals BEGIN SELECT RAISE(ABORT, 'florin: approvals is append-only'); END;
CREATE TRIGGER approvals_kept_update BEFORE UPDATE ON approvals BEGIN SELECT RAISE(ABORT, 'florin: approvals is append-only'); END;
CREATE TRIGGER attempts_kept_delete BEFORE DELETE ON attempts BEGIN SELECT RAISE(ABORT, 'florin: attempts is append-only'); END;
CREATE TRIGGER attempts_kept_update BEFORE UPDATE ON attempts BEGIN SELECT RAISE(ABORT, 'florin: attempts is append-only'); END;
CREATE TRIGGER desk_begin BEFORE INSERT ON desk WHEN NEW.status <> 'open'
BEGIN SELECT RAISE(ABORT, 'florin: a desk row begins open'); END;
CREATE TRIGGER desk_kept_delete BEFORE DELETE ON desk BEGIN SELECT RAISE(ABORT, 'florin: desk is append-only'); END;
CREATE TRIGGER desk_kept_update BEFORE UPDATE ON desk
WHEN (NEW.id, NEW.chain, NEW.txid, NEW.position, NEW.order_id, NEW.merchant_id, NEW.reason, NEW.asset, NEW.units, NEW.held)
    <> (OLD.id, OLD.chain, OLD.txid, OLD.position, OLD.order_id, OLD.merchant_id, OLD.reason, OLD.asset, OLD.units, OLD.held)
BEGIN SELECT RAISE(ABORT, 'florin: what a desk row is about does not change'); END;
CREATE TRIGGER desk_steps_only BEFORE UPDATE ON desk
WHEN CASE OLD.status WHEN 'resolved' THEN OLD.resolution ELSE OLD.status END <> CASE NEW.status WHEN 'resolved' THEN NEW.resolution ELSE NEW.status END
    AND NOT EXISTS (SELECT 1 FROM desk_steps WHERE before = CASE OLD.status WHEN 'resolved' THEN OLD.resolution ELSE OLD.status END
        AND after = CASE NEW.status WHEN 'resolved' THEN NEW.resolution ELSE NEW.status END)
BEGIN SELECT RAISE(ABORT, 'florin: a desk row may not take this step'); END;
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
