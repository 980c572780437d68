CREATE FUNCTION public.order_begins_open() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'florin: an order begins open, not %', NEW.state;
END $$;
CREATE FUNCTION public.order_step() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM order_steps WHERE before = OLD.state AND after = NEW.state) THEN
        RAISE EXCEPTION 'florin: order % may not go from % to %', OLD.id, OLD.state, NEW.state;
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION public.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'florin: % is append-only', TG_TABLE_NAME;
END $$;
CREATE TABLE public.app_keys (
    id text NOT NULL COLLATE pg_catalog."C",
    app_id text NOT NULL COLLATE pg_catalog."C",
    sealed bytea NOT NULL,
    created_at bigint NOT NULL,
    retires_at bigint NOT NULL
);
CREATE TABLE public.apps (
    id text NOT NULL COLLATE pg_catalog."C",
    merchant_id text NOT NULL COLLATE pg_catalog."C",
    protocol text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    mode text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    webhook_url text NOT NULL COLLATE pg_catalog."C",
    settle text NOT NULL COLLATE pg_catalog."C",
    fee_bps bigint NOT NULL,
    rate_per_second bigint NOT NULL,
    burst bigint NOT NULL,
    options text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL
);
CREATE TABLE public.attempts (
    delivery_id text NOT NULL COLLATE pg_catalog."C",
    n bigint NOT NULL,
    at bigint NOT NULL,
    url text NOT NULL COLLATE pg_catalog."C",
    headers text NOT NULL COLLATE pg_catalog."C",
    status bigint NOT NULL,
    answer bytea NOT NULL,
    error text NOT NULL COLLATE pg_catalog."C",
    took_micros bigint NOT NULL
);
CREATE TABLE public.balances (
    kind text NOT NULL COLLATE pg_catalog."C",
    owner text NOT NULL COLLATE pg_catalog."C",
    asset text NOT NULL COLLATE pg_catalog."C",
    debit_units text NOT NULL COLLATE pg_catalog."C",
    credit_units text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    CONSTRAINT balances_credit_units_check CHECK (((credit_units <> ''::text) AND (ltrim(credit_units, '0123456789'::text) = ''::text))),
    CONSTRAINT balances_debit_units_check CHECK (((debit_units <> ''::text) AND (ltrim(debit_units, '0123456789'::text) = ''::text)))
);
CREATE TABLE public.blocks (
    chain text NOT NULL COLLATE pg_catalog."C",
    height bigint NOT NULL,
    hash text NOT NULL COLLATE pg_catalog."C",
    parent text NOT NULL COLLATE pg_catalog."C",
    block_time bigint NOT NULL
);
CREATE TABLE public.chains (
    name text NOT NULL COLLATE pg_catalog."C",
    height bigint NOT NULL,
    hash text NOT NULL COLLATE pg_catalog."C",
    parent text NOT NULL COLLATE pg_catalog."C",
    block_time bigint NOT NULL,
    version bigint NOT NULL
);
CREATE TABLE public.deliveries (
    id text NOT NULL COLLATE pg_catalog."C",
    event_id text NOT NULL COLLATE pg_catalog."C",
    order_id text NOT NULL COLLATE pg_catalog."C",
    app_id text NOT NULL COLLATE pg_catalog."C",
    sequence bigint NOT NULL,
    final boolean NOT NULL,
    status text NOT NULL COLLATE pg_catalog."C",
    attempts bigint NOT NULL,
    due_at bigint NOT NULL,
    lease_owner text NOT NULL COLLATE pg_catalog."C",
    leased_until bigint NOT NULL,
    fence bigint NOT NULL,
    body bytea NOT NULL,
    created_at bigint NOT NULL,
    CONSTRAINT deliveries_status_check CHECK ((status = ANY (ARRAY['waiting'::text, 'delivered'::text, 'superseded'::text, 'exhausted'::text, 'unwanted'::text])))
);
CREATE TABLE public.deposit_addresses (
    address text NOT NULL COLLATE pg_catalog."C",
    family text NOT NULL COLLATE pg_catalog."C",
    order_id text NOT NULL COLLATE pg_catalog."C",
    merchant_id text NOT NULL COLLATE pg_catalog."C",
    salt text NOT NULL COLLATE pg_catalog."C",
    destination text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL
);
CREATE TABLE public.desk (
    id text NOT NULL COLLATE pg_catalog."C",
    chain text NOT NULL COLLATE pg_catalog."C",
    txid text NOT NULL COLLATE pg_catalog."C",
    "position" text NOT NULL COLLATE pg_catalog."C",
    order_id text NOT NULL COLLATE pg_catalog."C",
    merchant_id text NOT NULL COLLATE pg_catalog."C",
    reason text NOT NULL COLLATE pg_catalog."C",
    asset text NOT NULL COLLATE pg_catalog."C",
    units text NOT NULL COLLATE pg_catalog."C",
    held text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    note text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    closed_at bigint NOT NULL,
    CONSTRAINT desk_held_check CHECK (((held <> ''::text) AND (ltrim(held, '0123456789'::text) = ''::text))),
    CONSTRAINT desk_status_check CHECK ((status = ANY (ARRAY['open'::text, 'resolved'::text, 'void'::text]))),
    CONSTRAINT desk_units_check CHECK (((units <> ''::text) AND (ltrim(units, '0123456789'::text) = ''::text)))
);
CREATE TABLE public.entries (
    id text NOT NULL COLLATE pg_catalog."C",
    ref text NOT NULL COLLATE pg_catalog."C",
    order_id text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL
);
CREATE TABLE public.events (
    id text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    order_id text NOT NULL COLLATE pg_catalog."C",
    merchant_id text NOT NULL COLLATE pg_catalog."C",
    app_id text NOT NULL COLLATE pg_catalog."C",
    sequence bigint NOT NULL,
    at bigint NOT NULL,
    doc text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.goose_db_version (
    id integer NOT NULL,
    version_id bigint NOT NULL,
    is_applied boolean NOT NULL,
    tstamp timestamp without time zone DEFAULT now() NOT NULL
);
ALTER TABLE public.goose_db_version ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.goose_db_version_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.leases (
    name text NOT NULL COLLATE pg_catalog."C",
    owner text NOT NULL COLLATE pg_catalog."C",
    leased_until bigint NOT NULL,
    fence bigint NOT NULL
);
CREATE TABLE public.merchants (
    id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    email text NOT NULL COLLATE pg_catalog."C",
    next_address bigint NOT NULL,
    created_at bigint NOT NULL
);
CREATE TABLE public.order_extra (
    order_id text NOT NULL COLLATE pg_catalog."C",
    doc text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.order_steps (
    before text NOT NULL COLLATE pg_catalog."C",
    after text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.order_work (
    order_id text NOT NULL COLLATE pg_catalog."C",
    merchant_id text NOT NULL COLLATE pg_catalog."C",
    generation bigint NOT NULL,
    attempts bigint NOT NULL,
    due_at bigint NOT NULL,
    lease_owner text NOT NULL COLLATE pg_catalog."C",
    leased_until bigint NOT NULL
);
CREATE TABLE public.orders (
    id text NOT NULL COLLATE pg_catalog."C",
    merchant_id text NOT NULL COLLATE pg_catalog."C",
    app_id text NOT NULL COLLATE pg_catalog."C",
    number text NOT NULL COLLATE pg_catalog."C",
    reference text NOT NULL COLLATE pg_catalog."C",
    request_hash text NOT NULL COLLATE pg_catalog."C",
    notify_url text NOT NULL COLLATE pg_catalog."C",
    return_url text NOT NULL COLLATE pg_catalog."C",
    product_name text NOT NULL COLLATE pg_catalog."C",
    product_image text NOT NULL COLLATE pg_catalog."C",
    product_description text NOT NULL COLLATE pg_catalog."C",
    price_currency text NOT NULL COLLATE pg_catalog."C",
    price_units text NOT NULL COLLATE pg_catalog."C",
    policy text NOT NULL COLLATE pg_catalog."C",
    state text NOT NULL COLLATE pg_catalog."C",
    asset text NOT NULL COLLATE pg_catalog."C",
    due_units text NOT NULL COLLATE pg_catalog."C",
    rate text NOT NULL COLLATE pg_catalog."C",
    received_units text NOT NULL COLLATE pg_catalog."C",
    late_units text NOT NULL COLLATE pg_catalog."C",
    reversed_units text NOT NULL COLLATE pg_catalog."C",
    last_txid text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    deadline bigint NOT NULL,
    paid_at bigint NOT NULL,
    changed_at bigint NOT NULL,
    version bigint NOT NULL,
    CONSTRAINT orders_due_units_check CHECK (((due_units <> ''::text) AND (ltrim(due_units, '0123456789'::text) = ''::text))),
    CONSTRAINT orders_late_units_check CHECK (((late_units <> ''::text) AND (ltrim(late_units, '0123456789'::text) = ''::text))),
    CONSTRAINT orders_price_units_check CHECK (((price_units <> ''::text) AND (ltrim(price_units, '0123456789'::text) = ''::text))),
    CONSTRAINT orders_received_units_check CHECK (((received_units <> ''::text) AND (ltrim(received_units, '0123456789'::text) = ''::text))),
    CONSTRAINT orders_reversed_units_check CHECK (((reversed_units <> ''::text) AND (ltrim(reversed_units, '0123456789'::text) = ''::text)))
);
CREATE TABLE public.postings (
    entry_id text NOT NULL COLLATE pg_catalog."C",
    line bigint NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    owner text NOT NULL COLLATE pg_catalog."C",
    asset text NOT NULL COLLATE pg_catalog."C",
    side text NOT NULL COLLATE pg_catalog."C",
    units text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT postings_side_check CHECK ((side = ANY (ARRAY['debit'::text, 'credit'::text]))),
    CONSTRAINT postings_units_check CHECK (((units <> ''::text) AND (ltrim(units, '0123456789'::text) = ''::text)))
);
CREATE TABLE public.seals (
    seq bigint NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    ref text NOT NULL COLLATE pg_catalog."C",
    hash text NOT NULL COLLATE pg_catalog."C",
    prev text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.settings (
    key text NOT NULL COLLATE pg_catalog."C",
    value text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.sim_commands (
    id text NOT NULL COLLATE pg_catalog."C",
    command text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    answer text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    CONSTRAINT sim_commands_status_check CHECK ((status = ANY (ARRAY['waiting'::text, 'done'::text, 'failed'::text])))
);
CREATE TABLE public.sim_records (
    chain text NOT NULL COLLATE pg_catalog."C",
    seq bigint NOT NULL,
    doc bytea NOT NULL
);
CREATE TABLE public.transfers (
    chain text NOT NULL COLLATE pg_catalog."C",
    txid text NOT NULL COLLATE pg_catalog."C",
    "position" text NOT NULL COLLATE pg_catalog."C",
    order_id text NOT NULL COLLATE pg_catalog."C",
    merchant_id text NOT NULL COLLATE pg_catalog."C",
    sender text NOT NULL COLLATE pg_catalog."C",
    recipient text NOT NULL COLLATE pg_catalog."C",
    asset text NOT NULL COLLATE pg_catalog."C",
    units text NOT NULL COLLATE pg_catalog."C",
    listed boolean NOT NULL,
    block_height bigint NOT NULL,
    block_hash text NOT NULL COLLATE pg_catalog."C",
    block_time bigint NOT NULL,
    status text NOT NULL COLLATE pg_catalog."C",
    removed boolean NOT NULL,
    booked text NOT NULL COLLATE pg_catalog."C",
    reason text NOT NULL COLLATE pg_catalog."C",
    fee_units text NOT NULL COLLATE pg_catalog."C",
    counted boolean NOT NULL,
    credits bigint NOT NULL,
    CONSTRAINT transfers_booked_check CHECK ((booked = ANY (ARRAY[''::text, 'merchant'::text, 'suspense'::text]))),
    CONSTRAINT transfers_fee_units_check CHECK (((fee_units <> ''::text) AND (ltrim(fee_units, '0123456789'::text) = ''::text))),
    CONSTRAINT transfers_status_check CHECK ((status = ANY (ARRAY['seen'::text, 'confirmed'::text, 'dropped'::text]))),
    CONSTRAINT transfers_units_check CHECK (((units <> ''::text) AND (ltrim(units, '0123456789'::text) = ''::text)))
);
CREATE TABLE public.unsealed (
    ref text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C"
);
INSERT INTO public.app_keys VALUES ('B', '', '\x626f6479', 1, 0);
INSERT INTO public.app_keys VALUES ('日本', 'a', '\x', 4, 0);
INSERT INTO public.app_keys VALUES ('it''s', 'B', '\x', 2, 9007199254740993);
INSERT INTO public.app_keys VALUES ('c', '日本', '\x626f6479', 5, 0);
INSERT INTO public.apps VALUES ('it''s', 'Z', 'B', 'c', 'B', 'active', 'é', 'a', 4, 9007199254740993, 3, 'é', 3);
INSERT INTO public.apps VALUES ('', '', 'a', 'é', 'c', 'active', 'B', '_', 9007199254740993, 0, 2, '日本', 1);
INSERT INTO public.apps VALUES ('b', '日本', 'b', 'it''s', '_', 'revoked', 'b', '_', 5, 9007199254740993, 5, 'b', 5);
INSERT INTO public.apps VALUES ('Z', 'a', 'b', 'c', '日本', 'active', 'it''s', 'é', 4, 4, 2, '日本', 9007199254740993);
INSERT INTO public.attempts VALUES ('c', 1, 9007199254740993, 'B', 'b', 3, '\x626f6479', 'it''s', 5);
INSERT INTO public.attempts VALUES ('日本', 2, 5, 'a', 'c', 5, '\x626f6479', 'B', 4);
INSERT INTO public.attempts VALUES ('b', 9007199254740993, 9007199254740993, 'a', 'Z', 0, '\x626f6479', 'B', 2);
INSERT INTO public.attempts VALUES ('', 3, 2, '', 'c', 3, '\x00ff', 'c', 1);
INSERT INTO public.balances VALUES ('é', 'Z', '', '0', '0', 1);
INSERT INTO public.balances VALUES ('a', 'b', 'Z', '0', '0', 1);
INSERT INTO public.balances VALUES ('é', '_', '', '0', '0', 1);
INSERT INTO public.balances VALUES ('c', '', 'a', '0', '0', 1);
INSERT INTO public.balances VALUES ('Z', 'B', 'Z', '0', '0', 1);
INSERT INTO public.blocks VALUES ('', 2, 'a', 'é', 5);
INSERT INTO public.blocks VALUES ('Z', 2, 'b', 'Z', 3);
INSERT INTO public.blocks VALUES ('é', 1, '', 'é', 9007199254740993);
INSERT INTO public.blocks VALUES ('a', 9007199254740993, '', 'it''s', 0);
INSERT INTO public.blocks VALUES ('a', 0, 'B', 'B', 1);
INSERT INTO public.blocks VALUES ('é', 2, '', '日本', 1);
INSERT INTO public.blocks VALUES ('Z', 0, '', 'é', 3);
INSERT INTO public.blocks VALUES ('', 1, 'a', 'é', 4);
INSERT INTO public.blocks VALUES ('_', 1, 'b', 'B', 1);
INSERT INTO public.chains VALUES ('日本', 4, '日本', 'b', 2, 1);
INSERT INTO public.chains VALUES ('é', 3, 'a', '', 4, 3);
INSERT INTO public.deliveries VALUES ('a', 'c', 'a', 'it''s', 1, false, 'waiting', 0, 1, '', 0, 0, '\x626f6479', 3);
INSERT INTO public.deliveries VALUES ('it''s', 'b', 'B', '日本', 9007199254740993, true, 'waiting', 0, 9007199254740993, '', 0, 0, '\x00ff', 1);
INSERT INTO public.deliveries VALUES ('é', 'c', 'c', 'b', 0, true, 'waiting', 0, 2, '', 0, 0, '\x', 1);
INSERT INTO public.deliveries VALUES ('B', '日本', '_', 'c', 9007199254740993, false, 'waiting', 0, 1, '', 0, 0, '\x', 0);
INSERT INTO public.deposit_addresses VALUES ('a', '', 'b', 'é', 'b', 'it''s', 5);
INSERT INTO public.deposit_addresses VALUES ('_', 'it''s', 'a', 'Z', 'a', 'é', 1);
INSERT INTO public.deposit_addresses VALUES ('c', 'b', '日本', '日本', 'Z', '_', 3);
INSERT INTO public.deposit_addresses VALUES ('', '_', 'b', 'é', '日本', 'a', 5);
INSERT INTO public.deposit_addresses VALUES ('B', 'a', 'Z', 'c', 'Z', '', 1);
INSERT INTO public.deposit_addresses VALUES ('b', 'c', 'b', '日本', 'a', 'Z', 0);
INSERT INTO public.desk VALUES ('c', 'Z', '_', 'a', 'Z', 'it''s', 'a', 'B', '15', '9223372036854775808', 'open', '', 0, 0);
INSERT INTO public.desk VALUES ('B', 'b', '_', '_', 'b', '_', 'é', 'c', '9007199254740993', '9007199254740993', 'open', '', 1, 0);
INSERT INTO public.desk VALUES ('é', 'é', 'it''s', 'it''s', 'b', 'B', 'c', '_', '0', '15', 'open', '', 1, 0);
INSERT INTO public.desk VALUES ('_', 'Z', 'Z', '日本', 'B', 'it''s', 'c', 'Z', '15', '0', 'open', '', 4, 0);
INSERT INTO public.desk VALUES ('b', 'Z', '', 'é', 'a', '', '_', 'a', '115792089237316195423570985008687907853269984665640564039457584007913129639935', '15', 'open', '', 4, 0);
INSERT INTO public.desk VALUES ('Z', 'b', '日本', 'Z', 'c', 'it''s', 'a', 'é', '9007199254740993', '9223372036854775808', 'open', '', 3, 0);
INSERT INTO public.entries VALUES ('Z', 'a', '日本', 9007199254740993);
INSERT INTO public.entries VALUES ('B', 'c', 'c', 1);
INSERT INTO public.entries VALUES ('a', '', '_', 3);
INSERT INTO public.entries VALUES ('_', 'B', 'it''s', 5);
INSERT INTO public.events VALUES ('', 'Z', 'Z', '日本', 'it''s', 4, 3, '');
INSERT INTO public.events VALUES ('é', 'B', '日本', 'B', 'b', 5, 5, '_');
INSERT INTO public.events VALUES ('a', 'é', 'a', 'it''s', '', 2, 1, 'é');
INSERT INTO public.events VALUES ('c', 'é', '', 'c', 'it''s', 2, 1, 'b');
INSERT INTO public.events VALUES ('_', '', 'é', 'b', 'c', 0, 3, 'b');
INSERT INTO public.events VALUES ('日本', 'it''s', 'Z', 'it''s', 'it''s', 4, 3, 'c');
INSERT INTO public.events VALUES ('Z', 'b', '', 'c', 'it''s', 1, 3, 'it''s');
INSERT INTO public.goose_db_version VALUES (1, 0, true, '2026-11-22 01:33:39.570049');
INSERT INTO public.goose_db_version VALUES (2, 1, true, '2026-11-22 01:33:39.576295');
INSERT INTO public.goose_db_version VALUES (3, 2, true, '2026-11-22 01:33:39.654879');
INSERT INTO public.leases VALUES ('é', 'b', 5, 2);
INSERT INTO public.leases VALUES ('Z', 'it''s', 1, 1);
INSERT INTO public.leases VALUES ('it''s', 'c', 1, 2);
INSERT INTO public.leases VALUES ('c', '', 1, 1);
INSERT INTO public.leases VALUES ('日本', 'c', 5, 1);
INSERT INTO public.merchants VALUES ('it''s', 'é', 'Z', 0, 2);
INSERT INTO public.merchants VALUES ('é', '', 'Z', 0, 1);
INSERT INTO public.merchants VALUES ('b', '', '_', 1, 2);
INSERT INTO public.merchants VALUES ('_', 'c', '日本', 1, 4);
INSERT INTO public.order_extra VALUES ('Z', '_');
INSERT INTO public.order_extra VALUES ('日本', 'long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long ');
INSERT INTO public.order_extra VALUES ('', '_');
INSERT INTO public.order_steps VALUES ('open', 'paid');
INSERT INTO public.order_steps VALUES ('open', 'expired');
INSERT INTO public.order_work VALUES ('_', 'c', 1, 0, 0, '', 0);
INSERT INTO public.order_work VALUES ('Z', '', 1, 0, 9007199254740993, '', 0);
INSERT INTO public.order_work VALUES ('b', '', 1, 0, 3, '', 0);
INSERT INTO public.orders VALUES ('', 'c', 'it''s', 'a', 'é', 'b', 'B', 'é', 'B', 'it''s', 'it''s', 'it''s', '115792089237316195423570985008687907853269984665640564039457584007913129639935', 'a', 'open', '', '115792089237316195423570985008687907853269984665640564039457584007913129639935', '', '115792089237316195423570985008687907853269984665640564039457584007913129639935', '15', '9007199254740993', 'é', 0, 9007199254740993, 4, 9007199254740993, 1);
INSERT INTO public.orders VALUES ('a', '', 'Z', 'B', 'é', 'B', '_', '_', '日本', 'Z', '日本', 'a', '9007199254740993', '日本', 'open', 'Z', '115792089237316195423570985008687907853269984665640564039457584007913129639935', 'c', '0', '9223372036854775808', '0', 'it''s', 0, 1, 1, 1, 1);
INSERT INTO public.orders VALUES ('Z', '日本', 'it''s', 'c', 'B', '', 'a', 'é', 'c', 'b', 'é', 'a', '9007199254740993', 'b', 'paid', '_', '115792089237316195423570985008687907853269984665640564039457584007913129639935', 'a', '9007199254740993', '115792089237316195423570985008687907853269984665640564039457584007913129639935', '9223372036854775808', '', 4, 1, 9007199254740993, 3, 3);
INSERT INTO public.orders VALUES ('日本', 'B', 'b', '_', 'a', 'a', 'c', '_', 'B', 'Z', '_', 'B', '9007199254740993', '日本', 'open', 'é', '9007199254740993', 'a', '115792089237316195423570985008687907853269984665640564039457584007913129639935', '0', '9223372036854775808', 'b', 9007199254740993, 1, 4, 1, 4);
INSERT INTO public.postings VALUES ('', 1, 'B', 'it''s', 'B', 'debit', '9223372036854775808');
INSERT INTO public.postings VALUES ('b', 1, 'c', '_', '日本', 'debit', '115792089237316195423570985008687907853269984665640564039457584007913129639935');
INSERT INTO public.seals VALUES (5, 'é', '', '', '');
INSERT INTO public.settings VALUES ('', '_');
INSERT INTO public.settings VALUES ('B', '');
INSERT INTO public.settings VALUES ('it''s', 'b');
INSERT INTO public.settings VALUES ('Z', '日本');
INSERT INTO public.sim_commands VALUES ('it''s', '日本', 'waiting', '', 0);
INSERT INTO public.sim_commands VALUES ('a', 'B', 'waiting', '', 3);
INSERT INTO public.sim_commands VALUES ('b', 'a', 'waiting', '', 5);
INSERT INTO public.sim_commands VALUES ('', 'Z', 'waiting', '', 2);
INSERT INTO public.sim_records VALUES ('c', 2, '\x');
INSERT INTO public.sim_records VALUES ('', 5, '\x626f6479');
INSERT INTO public.sim_records VALUES ('c', 5, '\x');
INSERT INTO public.sim_records VALUES ('Z', 9007199254740993, '\x');
INSERT INTO public.sim_records VALUES ('b', 1, '\x00ff');
INSERT INTO public.sim_records VALUES ('é', 0, '\x');
INSERT INTO public.transfers VALUES ('B', '', 'b', 'é', '日本', 'c', '', 'B', '9223372036854775808', false, 4, 'it''s', 3, 'seen', false, '', '', '0', false, 0);
INSERT INTO public.transfers VALUES ('b', 'B', 'B', '', '日本', 'b', 'c', 'a', '9223372036854775808', true, 0, 'B', 2, 'seen', false, '', '', '0', false, 0);
INSERT INTO public.transfers VALUES ('Z', 'it''s', 'é', 'é', 'b', 'c', 'a', 'B', '9223372036854775808', false, 4, 'Z', 4, 'seen', false, '', '', '0', false, 0);
INSERT INTO public.transfers VALUES ('it''s', 'a', '', 'it''s', 'c', 'a', '_', 'é', '115792089237316195423570985008687907853269984665640564039457584007913129639935', true, 3, 'a', 5, 'seen', false, '', '', '0', false, 0);
INSERT INTO public.transfers VALUES ('', '_', 'B', 'é', 'é', 'é', '', '', '9007199254740993', false, 3, '_', 0, 'seen', false, '', '', '0', false, 0);
INSERT INTO public.transfers VALUES ('日本', 'b', '_', '_', '', '', 'B', 'it''s', '9007199254740993', true, 1, 'é', 2, 'seen', false, '', '', '0', false, 0);
INSERT INTO public.unsealed VALUES ('_', '_');
INSERT INTO public.unsealed VALUES ('é', 'event');
INSERT INTO public.unsealed VALUES ('Z', 'B');
INSERT INTO public.unsealed VALUES ('c', 'event');
INSERT INTO public.unsealed VALUES ('', 'a');
INSERT INTO public.unsealed VALUES ('it''s', 'c');
SELECT pg_catalog.setval('public.goose_db_version_id_seq', 3, true);
ALTER TABLE ONLY public.app_keys
    ADD CONSTRAINT app_keys_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.apps
    ADD CONSTRAINT apps_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT attempts_pkey PRIMARY KEY (delivery_id, n);
ALTER TABLE ONLY public.balances
    ADD CONSTRAINT balances_pkey PRIMARY KEY (kind, owner, asset);
ALTER TABLE ONLY public.blocks
    ADD CONSTRAINT blocks_pkey PRIMARY KEY (chain, height);
ALTER TABLE ONLY public.chains
    ADD CONSTRAINT chains_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.deposit_addresses
    ADD CONSTRAINT deposit_addresses_order_id_family_key UNIQUE (order_id, family);
ALTER TABLE ONLY public.deposit_addresses
    ADD CONSTRAINT deposit_addresses_pkey PRIMARY KEY (address);
ALTER TABLE ONLY public.desk
    ADD CONSTRAINT desk_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.entries
    ADD CONSTRAINT entries_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.entries
    ADD CONSTRAINT entries_ref_key UNIQUE (ref);
ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.goose_db_version
    ADD CONSTRAINT goose_db_version_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.leases
    ADD CONSTRAINT leases_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.merchants
    ADD CONSTRAINT merchants_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.order_extra
    ADD CONSTRAINT order_extra_pkey PRIMARY KEY (order_id);
ALTER TABLE ONLY public.order_steps
    ADD CONSTRAINT order_steps_pkey PRIMARY KEY (before, after);
ALTER TABLE ONLY public.order_work
    ADD CONSTRAINT order_work_pkey PRIMARY KEY (order_id);
ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_app_id_reference_key UNIQUE (app_id, reference);
ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_number_key UNIQUE (number);
ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.postings
    ADD CONSTRAINT postings_pkey PRIMARY KEY (entry_id, line);
ALTER TABLE ONLY public.seals
    ADD CONSTRAINT seals_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY public.seals
    ADD CONSTRAINT seals_ref_key UNIQUE (ref);
ALTER TABLE ONLY public.settings
    ADD CONSTRAINT settings_pkey PRIMARY KEY (key);
ALTER TABLE ONLY public.sim_commands
    ADD CONSTRAINT sim_commands_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.sim_records
    ADD CONSTRAINT sim_records_pkey PRIMARY KEY (chain, seq);
ALTER TABLE ONLY public.transfers
    ADD CONSTRAINT transfers_pkey PRIMARY KEY (chain, txid, "position");
ALTER TABLE ONLY public.unsealed
    ADD CONSTRAINT unsealed_pkey PRIMARY KEY (ref);
CREATE INDEX app_keys_app ON public.app_keys USING btree (app_id);
CREATE INDEX deliveries_due ON public.deliveries USING btree (due_at, id) WHERE (status = 'waiting'::text);
CREATE INDEX deliveries_event ON public.deliveries USING btree (event_id);
CREATE INDEX deliveries_order ON public.deliveries USING btree (order_id);
CREATE INDEX deposit_addresses_created ON public.deposit_addresses USING btree (created_at);
CREATE INDEX desk_transfer ON public.desk USING btree (chain, txid, "position");
CREATE INDEX events_order ON public.events USING btree (order_id);
CREATE INDEX order_work_due ON public.order_work USING btree (due_at);
CREATE INDEX orders_open ON public.orders USING btree (deadline, id) WHERE (state = 'open'::text);
CREATE INDEX transfers_block ON public.transfers USING btree (chain, block_height);
CREATE INDEX transfers_order ON public.transfers USING btree (order_id);
CREATE TRIGGER attempts_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON public.attempts FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER entries_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON public.entries FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER events_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON public.events FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER orders_begin BEFORE INSERT ON public.orders FOR EACH ROW WHEN ((new.state <> 'open'::text)) EXECUTE FUNCTION public.order_begins_open();
CREATE TRIGGER orders_step BEFORE UPDATE OF state ON public.orders FOR EACH ROW WHEN ((old.state <> new.state)) EXECUTE FUNCTION public.order_step();
CREATE TRIGGER postings_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON public.postings FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER seals_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON public.seals FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
