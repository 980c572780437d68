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
INSERT INTO app_keys VALUES ('', 'b', X'', 9007199254740993, 0);
INSERT INTO app_keys VALUES ('B', 'c', X'00FF', 3, 4);
INSERT INTO app_keys VALUES ('c', 'Z', X'00FF', 5, 2);
INSERT INTO app_keys VALUES ('it''s', 'B', X'626F6479', 1, 0);
INSERT INTO app_keys VALUES ('日本', 'a', X'', 0, 0);
INSERT INTO apps VALUES ('Z', 'é', '', 'it''s', 'é', 'active', '', 'Z', 0, 4, 1, 'é', 0);
INSERT INTO apps VALUES ('a', 'a', '日本', '_', 'long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long ', 'revoked', '日本', 'é', 5, 1, 3, 'it''s', 0);
INSERT INTO apps VALUES ('it''s', 'B', '日本', 'B', 'it''s', 'active', '', 'Z', 3, 4, 0, '日本', 5);
INSERT INTO apps VALUES ('é', 'it''s', '', 'b', 'Z', 'active', 'a', 'a', 4, 4, 5, 'it''s', 9007199254740993);
INSERT INTO apps VALUES ('日本', 'é', 'é', 'B', '日本', 'active', '日本', 'a', 1, 1, 5, 'b', 2);
INSERT INTO attempts VALUES ('B', 5, 9007199254740993, 'a', 'B', 3, X'', 'B', 0);
INSERT INTO attempts VALUES ('B', 9007199254740993, 9007199254740993, 'it''s', 'Z', 9007199254740993, X'626F6479', 'é', 1);
INSERT INTO attempts VALUES ('b', 5, 9007199254740993, 'b', 'é', 5, X'', '', 5);
INSERT INTO attempts VALUES ('b', 9007199254740993, 0, 'é', '_', 4, X'626F6479', 'c', 4);
INSERT INTO attempts VALUES ('c', 1, 3, 'it''s', '', 1, X'00FF', 'é', 3);
INSERT INTO balances VALUES ('', 'Z', 'a', '0', '0', 1);
INSERT INTO balances VALUES ('', 'c', '日本', '0', '0', 1);
INSERT INTO balances VALUES ('B', '', 'b', '0', '0', 1);
INSERT INTO balances VALUES ('b', 'B', '日本', '0', '0', 1);
INSERT INTO balances VALUES ('b', 'b', 'B', '0', '0', 1);
INSERT INTO balances VALUES ('c', '_', 'c', '0', '0', 1);
INSERT INTO balances VALUES ('c', 'c', 'a', '0', '0', 1);
INSERT INTO balances VALUES ('é', 'c', 'c', '0', '0', 1);
INSERT INTO balances VALUES ('é', 'it''s', '', '0', '0', 1);
INSERT INTO blocks VALUES ('it''s', 1, 'b', 'a', 0);
INSERT INTO blocks VALUES ('it''s', 3, '日本', '日本', 3);
INSERT INTO blocks VALUES ('日本', 5, 'a', '日本', 1);
INSERT INTO chains VALUES ('a', 3, 'a', 'it''s', 2, 2);
INSERT INTO chains VALUES ('c', 3, 'B', 'Z', 9007199254740993, 1);
INSERT INTO chains VALUES ('it''s', 2, '日本', 'it''s', 0, 2);
INSERT INTO chains VALUES ('日本', 2, 'b', 'c', 4, 2);
INSERT INTO deliveries VALUES ('', '日本', 'b', 'c', 2, 0, 'waiting', 0, 1, '', 0, 0, X'626F6479', 4);
INSERT INTO deliveries VALUES ('Z', 'b', '', 'b', 2, 1, 'waiting', 5, 0, '', 0, 0, X'626F6479', 9007199254740993);
INSERT INTO deposit_addresses VALUES ('', 'a', '_', 'é', 'a', 'a', 0);
INSERT INTO deposit_addresses VALUES ('a', '日本', '', '日本', 'it''s', '日本', 9007199254740993);
INSERT INTO deposit_addresses VALUES ('b', '', 'Z', '', 'Z', '', 0);
INSERT INTO deposit_addresses VALUES ('it''s', 'B', 'Z', '日本', 'b', 'c', 5);
INSERT INTO deposit_addresses VALUES ('é', '', 'b', 'Z', '日本', 'Z', 2);
INSERT INTO deposit_addresses VALUES ('日本', 'it''s', 'it''s', 'it''s', 'c', '日本', 3);
INSERT INTO desk VALUES ('', 'B', 'B', 'it''s', '', 'c', 'a', 'Z', '9223372036854775808', '115792089237316195423570985008687907853269984665640564039457584007913129639935', 'open', '', 1, 0);
INSERT INTO desk VALUES ('Z', '日本', 'b', 'é', '_', 'é', '_', 'Z', '115792089237316195423570985008687907853269984665640564039457584007913129639935', '115792089237316195423570985008687907853269984665640564039457584007913129639935', 'open', '', 5, 0);
INSERT INTO desk VALUES ('a', 'b', 'it''s', 'é', '', 'a', '', 'Z', '9007199254740993', '9223372036854775808', 'open', '', 2, 0);
INSERT INTO desk VALUES ('c', 'é', 'Z', '', 'it''s', 'é', '', 'it''s', '9007199254740993', '0', 'open', '', 2, 0);
INSERT INTO desk VALUES ('é', '日本', 'é', 'it''s', 'B', '_', 'a', '_', '15', '9223372036854775808', 'open', '', 1, 0);
INSERT INTO entries VALUES ('B', '_', 'it''s', 1);
INSERT INTO entries VALUES ('_', 'it''s', 'é', 2);
INSERT INTO entries VALUES ('it''s', 'a', 'B', 9007199254740993);
INSERT INTO entries VALUES ('é', '日本', '', 9007199254740993);
INSERT INTO entries VALUES ('日本', 'c', '日本', 3);
INSERT INTO events VALUES ('Z', '', 'b', 'Z', 'Z', 1, 4, 'b');
INSERT INTO events VALUES ('b', '日本', 'B', 'B', '', 9007199254740993, 1, 'it''s');
INSERT INTO events VALUES ('é', 'c', 'Z', 'B', 'a', 0, 9007199254740993, 'it''s');
INSERT INTO events VALUES ('日本', 'Z', '日本', 'B', 'it''s', 4, 2, 'Z');
INSERT INTO leases VALUES ('', '_', 0, 1);
INSERT INTO leases VALUES ('b', '', 9007199254740993, 1);
INSERT INTO leases VALUES ('c', 'B', 2, 1);
INSERT INTO leases VALUES ('it''s', 'é', 0, 1);
INSERT INTO leases VALUES ('日本', '', 5, 1);
INSERT INTO merchants VALUES ('', 'a', 'Z', 0, 5);
INSERT INTO merchants VALUES ('B', 'a', 'B', 0, 0);
INSERT INTO merchants VALUES ('a', '_', 'c', 0, 4);
INSERT INTO merchants VALUES ('c', 'c', 'a', 2, 1);
INSERT INTO merchants VALUES ('it''s', 'it''s', 'b', 1, 4);
INSERT INTO merchants VALUES ('é', 'B', 'a', 0, 9007199254740993);
INSERT INTO merchants VALUES ('日本', 'é', 'B', 0, 2);
INSERT INTO order_steps VALUES ('open', 'expired');
INSERT INTO order_steps VALUES ('open', 'paid');
INSERT INTO order_work VALUES ('', 'it''s', 1, 1, 5, 'it''s', 9007199254740993);
INSERT INTO order_work VALUES ('Z', 'c', 2, 0, 3, '日本', 9007199254740993);
INSERT INTO order_work VALUES ('b', '', 1, 0, 9007199254740993, '', 0);
INSERT INTO order_work VALUES ('c', 'b', 1, 0, 0, '', 0);
INSERT INTO order_work VALUES ('it''s', 'Z', 1, 3, 2, 'it''s', 9007199254740993);
INSERT INTO order_work VALUES ('é', '', 2, 0, 4, '', 0);
INSERT INTO order_work VALUES ('日本', 'B', 1, 0, 3, '', 0);
INSERT INTO orders VALUES ('b', 'Z', 'Z', 'é', '', 'c', 'a', 'é', 'é', 'é', '_', 'b', '9223372036854775808', 'é', 'expired', 'Z', '0', 'b', '9007199254740993', '115792089237316195423570985008687907853269984665640564039457584007913129639935', '9223372036854775808', 'é', 1, 1, 0, 0, 3);
INSERT INTO orders VALUES ('it''s', 'c', 'Z', '', 'é', 'é', 'it''s', '', '', 'é', 'Z', 'it''s', '15', 'B', 'open', 'b', '1', 'é', '115792089237316195423570985008687907853269984665640564039457584007913129639935', '9007199254740993', '1', '日本', 3, 3, 2, 9007199254740993, 1);
INSERT INTO postings VALUES ('', 4, '', '日本', 'c', 'debit', '9007199254740993');
INSERT INTO postings VALUES ('', 5, '', '', 'b', 'debit', '115792089237316195423570985008687907853269984665640564039457584007913129639935');
INSERT INTO postings VALUES ('', 9007199254740993, 'a', '日本', 'B', 'debit', '15');
INSERT INTO postings VALUES ('_', 0, 'é', 'é', 'it''s', 'debit', '9223372036854775808');
INSERT INTO postings VALUES ('_', 2, 'b', 'c', 'Z', 'debit', '9007199254740993');
INSERT INTO postings VALUES ('b', 9007199254740993, 'a', '_', 'b', 'credit', '9223372036854775808');
INSERT INTO postings VALUES ('é', 2, 'B', 'a', 'é', 'debit', '0');
INSERT INTO seals VALUES (0, 'b', '日本', 'é', 'Z');
INSERT INTO seals VALUES (1, 'it''s', 'é', 'B', 'a');
INSERT INTO seals VALUES (4, 'Z', '', 'Z', 'Z');
INSERT INTO seals VALUES (5, '日本', 'a', 'Z', '');
INSERT INTO settings VALUES ('', 'B');
INSERT INTO settings VALUES ('Z', '_');
INSERT INTO settings VALUES ('a', '');
INSERT INTO settings VALUES ('c', 'a');
INSERT INTO sim_commands VALUES ('B', '', 'waiting', '', 2);
INSERT INTO sim_commands VALUES ('Z', 'b', 'waiting', '', 3);
INSERT INTO sim_commands VALUES ('_', '日本', 'waiting', '', 1);
INSERT INTO sim_commands VALUES ('a', 'é', 'waiting', '', 5);
INSERT INTO sim_commands VALUES ('it''s', 'b', 'waiting', '', 0);
INSERT INTO sim_commands VALUES ('é', 'c', 'waiting', '', 1);
INSERT INTO sim_records VALUES ('', 2, X'');
INSERT INTO sim_records VALUES ('Z', 4, X'00FF');
INSERT INTO sim_records VALUES ('_', 4, X'');
INSERT INTO sim_records VALUES ('a', 0, X'');
INSERT INTO sim_records VALUES ('b', 3, X'626F6479');
INSERT INTO sim_records VALUES ('c', 2, X'626F6479');
INSERT INTO sim_records VALUES ('c', 4, X'626F6479');
INSERT INTO transfers VALUES ('', 'c', 'B', '_', 'Z', 'Z', '', 'b', '1', 0, 1, 'b', 4, 'seen', 0, '', '', '0', 0, 0);
INSERT INTO transfers VALUES ('_', 'Z', 'it''s', '日本', '_', 'it''s', 'a', 'é', '0', 0, 0, 'Z', 4, 'seen', 0, '', '', '0', 0, 0);
INSERT INTO transfers VALUES ('_', '_', 'Z', '_', 'é', 'a', '_', 'c', '9223372036854775808', 1, 1, '_', 5, 'seen', 0, '', '', '0', 0, 0);
INSERT INTO transfers VALUES ('a', 'b', '日本', 'it''s', 'Z', '日本', 'it''s', 'a', '0', 0, 5, 'a', 9007199254740993, 'seen', 0, '', '', '0', 0, 0);
INSERT INTO transfers VALUES ('it''s', 'Z', 'b', 'it''s', 'a', '_', 'Z', 'b', '9223372036854775808', 1, 0, 'Z', 5, 'seen', 0, '', '', '0', 0, 0);
INSERT INTO transfers VALUES ('it''s', '日本', 'c', 'b', '_', 'it''s', '日本', 'b', '9007199254740993', 1, 2, 'it''s', 5, 'seen', 0, '', '', '0', 0, 0);
INSERT INTO transfers VALUES ('é', '', '', '', '_', 'c', 'B', '', '115792089237316195423570985008687907853269984665640564039457584007913129639935', 0, 1, '日本', 9007199254740993, 'seen', 0, '', '', '0', 0, 0);
INSERT INTO transfers VALUES ('é', 'a', '_', 'a', '日本', '_', '', 'a', '9007199254740993', 1, 2, 'Z', 2, 'seen', 0, '', '', '0', 0, 0);
INSERT INTO transfers VALUES ('日本', 'B', 'c', 'B', '', '', 'é', 'b', '9223372036854775808', 0, 2, 'c', 1, 'seen', 0, '', '', '0', 0, 0);
INSERT INTO transfers VALUES ('日本', 'c', '_', 'b', 'B', 'c', 'c', 'it''s', '15', 1, 3, 'c', 2, 'seen', 0, '', '', '0', 0, 0);
INSERT INTO unsealed VALUES ('a', 'it''s');
INSERT INTO unsealed VALUES ('b', 'b');
INSERT INTO unsealed VALUES ('c', 'it''s');
INSERT INTO unsealed VALUES ('日本', '日本');
INSERT INTO goose_db_version VALUES (1, 0, 1, '2026-11-21 23:56:24');
INSERT INTO goose_db_version VALUES (2, 1, 1, '2026-11-21 23:56:24');
INSERT INTO goose_db_version VALUES (3, 2, 1, '2026-11-21 23:56:24');
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
