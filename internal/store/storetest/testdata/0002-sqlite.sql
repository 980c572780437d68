CREATE TABLE app_keys (
    id TEXT PRIMARY KEY,
    app_id TEXT NOT NULL,
    sealed BLOB NOT NULL, -- under the key file
    created_at INTEGER NOT NULL,
    retires_at INTEGER NOT NULL -- 0: current
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
    order_id TEXT NOT NULL,
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
CREATE TABLE seals (
    seq INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    ref TEXT NOT NULL UNIQUE,
    hash TEXT NOT NULL,
    prev TEXT NOT NULL
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
    booked TEXT NOT NULL CHECK (booked IN ('', 'merchant', 'suspense')),
    reason TEXT NOT NULL,
    fee_units TEXT NOT NULL CHECK (fee_units <> '' AND ltrim(fee_units, '0123456789') = ''),
    counted INTEGER NOT NULL,
    credits INTEGER NOT NULL,
    PRIMARY KEY (chain, txid, position)
) STRICT;
CREATE TABLE unsealed (
    ref TEXT PRIMARY KEY,
    kind TEXT NOT NULL
) STRICT;
INSERT INTO app_keys VALUES ('B', '', X'626F6479', 1, 0);
INSERT INTO app_keys VALUES ('c', '日本', X'626F6479', 5, 0);
INSERT INTO app_keys VALUES ('it''s', 'B', X'', 2, 9007199254740993);
INSERT INTO app_keys VALUES ('日本', 'a', X'', 4, 0);
INSERT INTO apps VALUES ('', '', 'a', 'é', 'c', 'active', 'B', '_', 9007199254740993, 0, 2, '日本', 1);
INSERT INTO apps VALUES ('Z', 'a', 'b', 'c', '日本', 'active', 'it''s', 'é', 4, 4, 2, '日本', 9007199254740993);
INSERT INTO apps VALUES ('b', '日本', 'b', 'it''s', '_', 'revoked', 'b', '_', 5, 9007199254740993, 5, 'b', 5);
INSERT INTO apps VALUES ('it''s', 'Z', 'B', 'c', 'B', 'active', 'é', 'a', 4, 9007199254740993, 3, 'é', 3);
INSERT INTO attempts VALUES ('', 3, 2, '', 'c', 3, X'00FF', 'c', 1);
INSERT INTO attempts VALUES ('b', 9007199254740993, 9007199254740993, 'a', 'Z', 0, X'626F6479', 'B', 2);
INSERT INTO attempts VALUES ('c', 1, 9007199254740993, 'B', 'b', 3, X'626F6479', 'it''s', 5);
INSERT INTO attempts VALUES ('日本', 2, 5, 'a', 'c', 5, X'626F6479', 'B', 4);
INSERT INTO balances VALUES ('Z', 'B', 'Z', '0', '0', 1);
INSERT INTO balances VALUES ('a', 'b', 'Z', '0', '0', 1);
INSERT INTO balances VALUES ('c', '', 'a', '0', '0', 1);
INSERT INTO balances VALUES ('é', 'Z', '', '0', '0', 1);
INSERT INTO balances VALUES ('é', '_', '', '0', '0', 1);
INSERT INTO blocks VALUES ('', 1, 'a', 'é', 4);
INSERT INTO blocks VALUES ('', 2, 'a', 'é', 5);
INSERT INTO blocks VALUES ('Z', 0, '', 'é', 3);
INSERT INTO blocks VALUES ('Z', 2, 'b', 'Z', 3);
INSERT INTO blocks VALUES ('_', 1, 'b', 'B', 1);
INSERT INTO blocks VALUES ('a', 0, 'B', 'B', 1);
INSERT INTO blocks VALUES ('a', 9007199254740993, '', 'it''s', 0);
INSERT INTO blocks VALUES ('é', 1, '', 'é', 9007199254740993);
INSERT INTO blocks VALUES ('é', 2, '', '日本', 1);
INSERT INTO chains VALUES ('é', 3, 'a', '', 4, 3);
INSERT INTO chains VALUES ('日本', 4, '日本', 'b', 2, 1);
INSERT INTO deliveries VALUES ('B', '日本', '_', 'c', 9007199254740993, 0, 'waiting', 0, 1, '', 0, 0, X'', 0);
INSERT INTO deliveries VALUES ('a', 'c', 'a', 'it''s', 1, 0, 'waiting', 0, 1, '', 0, 0, X'626F6479', 3);
INSERT INTO deliveries VALUES ('it''s', 'b', 'B', '日本', 9007199254740993, 1, 'waiting', 0, 9007199254740993, '', 0, 0, X'00FF', 1);
INSERT INTO deliveries VALUES ('é', 'c', 'c', 'b', 0, 1, 'waiting', 0, 2, '', 0, 0, X'', 1);
INSERT INTO deposit_addresses VALUES ('', '_', 'b', 'é', '日本', 'a', 5);
INSERT INTO deposit_addresses VALUES ('B', 'a', 'Z', 'c', 'Z', '', 1);
INSERT INTO deposit_addresses VALUES ('_', 'it''s', 'a', 'Z', 'a', 'é', 1);
INSERT INTO deposit_addresses VALUES ('a', '', 'b', 'é', 'b', 'it''s', 5);
INSERT INTO deposit_addresses VALUES ('b', 'c', 'b', '日本', 'a', 'Z', 0);
INSERT INTO deposit_addresses VALUES ('c', 'b', '日本', '日本', 'Z', '_', 3);
INSERT INTO desk VALUES ('B', 'b', '_', '_', 'b', '_', 'é', 'c', '9007199254740993', '9007199254740993', 'open', '', 1, 0);
INSERT INTO desk VALUES ('Z', 'b', '日本', 'Z', 'c', 'it''s', 'a', 'é', '9007199254740993', '9223372036854775808', 'open', '', 3, 0);
INSERT INTO desk VALUES ('_', 'Z', 'Z', '日本', 'B', 'it''s', 'c', 'Z', '15', '0', 'open', '', 4, 0);
INSERT INTO desk VALUES ('b', 'Z', '', 'é', 'a', '', '_', 'a', '115792089237316195423570985008687907853269984665640564039457584007913129639935', '15', 'open', '', 4, 0);
INSERT INTO desk VALUES ('c', 'Z', '_', 'a', 'Z', 'it''s', 'a', 'B', '15', '9223372036854775808', 'open', '', 0, 0);
INSERT INTO desk VALUES ('é', 'é', 'it''s', 'it''s', 'b', 'B', 'c', '_', '0', '15', 'open', '', 1, 0);
INSERT INTO entries VALUES ('B', 'c', 'c', 1);
INSERT INTO entries VALUES ('Z', 'a', '日本', 9007199254740993);
INSERT INTO entries VALUES ('_', 'B', 'it''s', 5);
INSERT INTO entries VALUES ('a', '', '_', 3);
INSERT INTO events VALUES ('', 'Z', 'Z', '日本', 'it''s', 4, 3, '');
INSERT INTO events VALUES ('Z', 'b', '', 'c', 'it''s', 1, 3, 'it''s');
INSERT INTO events VALUES ('_', '', 'é', 'b', 'c', 0, 3, 'b');
INSERT INTO events VALUES ('a', 'é', 'a', 'it''s', '', 2, 1, 'é');
INSERT INTO events VALUES ('c', 'é', '', 'c', 'it''s', 2, 1, 'b');
INSERT INTO events VALUES ('é', 'B', '日本', 'B', 'b', 5, 5, '_');
INSERT INTO events VALUES ('日本', 'it''s', 'Z', 'it''s', 'it''s', 4, 3, 'c');
INSERT INTO leases VALUES ('Z', 'it''s', 1, 1);
INSERT INTO leases VALUES ('c', '', 1, 1);
INSERT INTO leases VALUES ('it''s', 'c', 1, 2);
INSERT INTO leases VALUES ('é', 'b', 5, 2);
INSERT INTO leases VALUES ('日本', 'c', 5, 1);
INSERT INTO merchants VALUES ('_', 'c', '日本', 1, 4);
INSERT INTO merchants VALUES ('b', '', '_', 1, 2);
INSERT INTO merchants VALUES ('it''s', 'é', 'Z', 0, 2);
INSERT INTO merchants VALUES ('é', '', 'Z', 0, 1);
INSERT INTO order_extra VALUES ('', '_');
INSERT INTO order_extra VALUES ('Z', '_');
INSERT INTO order_extra VALUES ('日本', 'long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long ');
INSERT INTO order_steps VALUES ('open', 'expired');
INSERT INTO order_steps VALUES ('open', 'paid');
INSERT INTO order_work VALUES ('Z', '', 1, 0, 9007199254740993, '', 0);
INSERT INTO order_work VALUES ('_', 'c', 1, 0, 0, '', 0);
INSERT INTO order_work VALUES ('b', '', 1, 0, 3, '', 0);
INSERT INTO orders VALUES ('', 'c', 'it''s', 'a', 'é', 'b', 'B', 'é', 'B', 'it''s', 'it''s', 'it''s', '115792089237316195423570985008687907853269984665640564039457584007913129639935', 'a', 'open', '', '115792089237316195423570985008687907853269984665640564039457584007913129639935', '', '115792089237316195423570985008687907853269984665640564039457584007913129639935', '15', '9007199254740993', 'é', 0, 9007199254740993, 4, 9007199254740993, 1);
INSERT INTO orders VALUES ('Z', '日本', 'it''s', 'c', 'B', '', 'a', 'é', 'c', 'b', 'é', 'a', '9007199254740993', 'b', 'paid', '_', '115792089237316195423570985008687907853269984665640564039457584007913129639935', 'a', '9007199254740993', '115792089237316195423570985008687907853269984665640564039457584007913129639935', '9223372036854775808', '', 4, 1, 9007199254740993, 3, 3);
INSERT INTO orders VALUES ('a', '', 'Z', 'B', 'é', 'B', '_', '_', '日本', 'Z', '日本', 'a', '9007199254740993', '日本', 'open', 'Z', '115792089237316195423570985008687907853269984665640564039457584007913129639935', 'c', '0', '9223372036854775808', '0', 'it''s', 0, 1, 1, 1, 1);
INSERT INTO orders VALUES ('日本', 'B', 'b', '_', 'a', 'a', 'c', '_', 'B', 'Z', '_', 'B', '9007199254740993', '日本', 'open', 'é', '9007199254740993', 'a', '115792089237316195423570985008687907853269984665640564039457584007913129639935', '0', '9223372036854775808', 'b', 9007199254740993, 1, 4, 1, 4);
INSERT INTO postings VALUES ('', 1, 'B', 'it''s', 'B', 'debit', '9223372036854775808');
INSERT INTO postings VALUES ('b', 1, 'c', '_', '日本', 'debit', '115792089237316195423570985008687907853269984665640564039457584007913129639935');
INSERT INTO seals VALUES (5, 'é', '', '', '');
INSERT INTO settings VALUES ('', '_');
INSERT INTO settings VALUES ('B', '');
INSERT INTO settings VALUES ('Z', '日本');
INSERT INTO settings VALUES ('it''s', 'b');
INSERT INTO sim_commands VALUES ('', 'Z', 'waiting', '', 2);
INSERT INTO sim_commands VALUES ('a', 'B', 'waiting', '', 3);
INSERT INTO sim_commands VALUES ('b', 'a', 'waiting', '', 5);
INSERT INTO sim_commands VALUES ('it''s', '日本', 'waiting', '', 0);
INSERT INTO sim_records VALUES ('', 5, X'626F6479');
INSERT INTO sim_records VALUES ('Z', 9007199254740993, X'');
INSERT INTO sim_records VALUES ('b', 1, X'00FF');
INSERT INTO sim_records VALUES ('c', 2, X'');
INSERT INTO sim_records VALUES ('c', 5, X'');
INSERT INTO sim_records VALUES ('é', 0, X'');
INSERT INTO transfers VALUES ('', '_', 'B', 'é', 'é', 'é', '', '', '9007199254740993', 0, 3, '_', 0, 'seen', 0, '', '', '0', 0, 0);
INSERT INTO transfers VALUES ('B', '', 'b', 'é', '日本', 'c', '', 'B', '9223372036854775808', 0, 4, 'it''s', 3, 'seen', 0, '', '', '0', 0, 0);
INSERT INTO transfers VALUES ('Z', 'it''s', 'é', 'é', 'b', 'c', 'a', 'B', '9223372036854775808', 0, 4, 'Z', 4, 'seen', 0, '', '', '0', 0, 0);
INSERT INTO transfers VALUES ('b', 'B', 'B', '', '日本', 'b', 'c', 'a', '9223372036854775808', 1, 0, 'B', 2, 'seen', 0, '', '', '0', 0, 0);
INSERT INTO transfers VALUES ('it''s', 'a', '', 'it''s', 'c', 'a', '_', 'é', '115792089237316195423570985008687907853269984665640564039457584007913129639935', 1, 3, 'a', 5, 'seen', 0, '', '', '0', 0, 0);
INSERT INTO transfers VALUES ('日本', 'b', '_', '_', '', '', 'B', 'it''s', '9007199254740993', 1, 1, 'é', 2, 'seen', 0, '', '', '0', 0, 0);
INSERT INTO unsealed VALUES ('', 'a');
INSERT INTO unsealed VALUES ('Z', 'B');
INSERT INTO unsealed VALUES ('_', '_');
INSERT INTO unsealed VALUES ('c', 'event');
INSERT INTO unsealed VALUES ('it''s', 'c');
INSERT INTO unsealed VALUES ('é', 'event');
INSERT INTO goose_db_version VALUES (1, 0, 1, '2026-11-22 01:33:38');
INSERT INTO goose_db_version VALUES (2, 1, 1, '2026-11-22 01:33:38');
INSERT INTO goose_db_version VALUES (3, 2, 1, '2026-11-22 01:33:38');
CREATE INDEX app_keys_app ON app_keys (app_id);
CREATE INDEX deliveries_due ON deliveries (due_at, id) WHERE status = 'waiting';
CREATE INDEX deliveries_event ON deliveries (event_id);
CREATE INDEX deliveries_order ON deliveries (order_id);
CREATE INDEX deposit_addresses_created ON deposit_addresses (created_at);
CREATE INDEX desk_transfer ON desk (chain, txid, position);
CREATE INDEX events_order ON events (order_id);
CREATE INDEX order_work_due ON order_work (due_at);
CREATE INDEX orders_open ON orders (deadline, id) WHERE state = 'open';
CREATE INDEX transfers_block ON transfers (chain, block_height);
CREATE INDEX transfers_order ON transfers (order_id);
CREATE TRIGGER attempts_kept_delete BEFORE DELETE ON attempts BEGIN SELECT RAISE(ABORT, 'florin: attempts is append-only'); END;
CREATE TRIGGER attempts_kept_update BEFORE UPDATE ON attempts BEGIN SELECT RAISE(ABORT, 'florin: attempts is append-only'); END;
CREATE TRIGGER entries_kept_delete BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'florin: entries is append-only'); END;
CREATE TRIGGER entries_kept_update BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'florin: entries is append-only'); END;
CREATE TRIGGER events_kept_delete BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'florin: events is append-only'); END;
CREATE TRIGGER events_kept_update BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'florin: events is append-only'); END;
CREATE TRIGGER orders_begin BEFORE INSERT ON orders WHEN NEW.state <> 'open'
BEGIN SELECT RAISE(ABORT, 'florin: an order begins open'); END;
CREATE TRIGGER orders_step BEFORE UPDATE OF state ON orders
WHEN OLD.state <> NEW.state AND NOT EXISTS (SELECT 1 FROM order_steps WHERE before = OLD.state AND after = NEW.state)
BEGIN SELECT RAISE(ABORT, 'florin: an order may not take this step'); END;
CREATE TRIGGER postings_kept_delete BEFORE DELETE ON postings BEGIN SELECT RAISE(ABORT, 'florin: postings is append-only'); END;
CREATE TRIGGER postings_kept_update BEFORE UPDATE ON postings BEGIN SELECT RAISE(ABORT, 'florin: postings is append-only'); END;
CREATE TRIGGER seals_kept_delete BEFORE DELETE ON seals BEGIN SELECT RAISE(ABORT, 'florin: seals is append-only'); END;
CREATE TRIGGER seals_kept_update BEFORE UPDATE ON seals BEGIN SELECT RAISE(ABORT, 'florin: seals is append-only'); END;
