CREATE FUNCTION public.order_begins_open() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'florin: an order begins open, or standing, not %', NEW.state;
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
CREATE FUNCTION public.outgoing_begins() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'florin: a payout begins held or ready, not %', NEW.state;
END $$;
CREATE FUNCTION public.outgoing_step() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM outgoing_steps WHERE before = OLD.state AND after = NEW.state) THEN
        RAISE EXCEPTION 'florin: payout % may not go from % to %', OLD.id, OLD.state, NEW.state;
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
CREATE TABLE public.approvals (
    outgoing_id text NOT NULL COLLATE pg_catalog."C",
    approver text NOT NULL COLLATE pg_catalog."C",
    digest bytea NOT NULL,
    at bigint NOT NULL
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
CREATE TABLE public.holdings (
    chain text NOT NULL COLLATE pg_catalog."C",
    address text NOT NULL COLLATE pg_catalog."C",
    asset text NOT NULL COLLATE pg_catalog."C",
    free_units text NOT NULL COLLATE pg_catalog."C",
    checked_at bigint NOT NULL,
    CONSTRAINT holdings_free_units_check CHECK (((free_units <> ''::text) AND (ltrim(free_units, '0123456789'::text) = ''::text)))
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
CREATE TABLE public.nonces (
    chain text NOT NULL COLLATE pg_catalog."C",
    sender text NOT NULL COLLATE pg_catalog."C",
    nonce bigint NOT NULL,
    outgoing_id text NOT NULL COLLATE pg_catalog."C"
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
    label text NOT NULL COLLATE pg_catalog."C",
    home_id text NOT NULL COLLATE pg_catalog."C",
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
CREATE TABLE public.outgoing (
    id text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    merchant_id text NOT NULL COLLATE pg_catalog."C",
    app_id text NOT NULL COLLATE pg_catalog."C",
    number text NOT NULL COLLATE pg_catalog."C",
    reference text NOT NULL COLLATE pg_catalog."C",
    request_hash text NOT NULL COLLATE pg_catalog."C",
    order_id text NOT NULL COLLATE pg_catalog."C",
    notify_url text NOT NULL COLLATE pg_catalog."C",
    extra text NOT NULL COLLATE pg_catalog."C",
    chain text NOT NULL COLLATE pg_catalog."C",
    asset text NOT NULL COLLATE pg_catalog."C",
    units text NOT NULL COLLATE pg_catalog."C",
    recipient text NOT NULL COLLATE pg_catalog."C",
    coin text NOT NULL COLLATE pg_catalog."C",
    fee_cap_units text NOT NULL COLLATE pg_catalog."C",
    sender text NOT NULL COLLATE pg_catalog."C",
    approval boolean NOT NULL,
    held_until bigint NOT NULL,
    digest bytea NOT NULL,
    state text NOT NULL COLLATE pg_catalog."C",
    reason text NOT NULL COLLATE pg_catalog."C",
    nonce bigint NOT NULL,
    txid text NOT NULL COLLATE pg_catalog."C",
    block_height bigint NOT NULL,
    fee_units text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    changed_at bigint NOT NULL,
    version bigint NOT NULL,
    due_at bigint NOT NULL,
    attempts bigint NOT NULL,
    lease_owner text NOT NULL COLLATE pg_catalog."C",
    leased_until bigint NOT NULL,
    fence bigint NOT NULL,
    CONSTRAINT outgoing_fee_cap_units_check CHECK (((fee_cap_units <> ''::text) AND (ltrim(fee_cap_units, '0123456789'::text) = ''::text))),
    CONSTRAINT outgoing_fee_units_check CHECK (((fee_units <> ''::text) AND (ltrim(fee_units, '0123456789'::text) = ''::text))),
    CONSTRAINT outgoing_kind_check CHECK ((kind = ANY (ARRAY['payout'::text, 'refund'::text, 'sweep'::text]))),
    CONSTRAINT outgoing_units_check CHECK (((units <> ''::text) AND (ltrim(units, '0123456789'::text) = ''::text)))
);
CREATE TABLE public.outgoing_steps (
    before text NOT NULL COLLATE pg_catalog."C",
    after text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.outgoing_txs (
    chain text NOT NULL COLLATE pg_catalog."C",
    txid text NOT NULL COLLATE pg_catalog."C",
    outgoing_id text NOT NULL COLLATE pg_catalog."C",
    purpose text NOT NULL COLLATE pg_catalog."C",
    nonce bigint NOT NULL,
    raw bytea NOT NULL,
    offer_units text NOT NULL COLLATE pg_catalog."C",
    tip_units text NOT NULL COLLATE pg_catalog."C",
    most_units text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    CONSTRAINT outgoing_txs_most_units_check CHECK (((most_units <> ''::text) AND (ltrim(most_units, '0123456789'::text) = ''::text))),
    CONSTRAINT outgoing_txs_offer_units_check CHECK (((offer_units <> ''::text) AND (ltrim(offer_units, '0123456789'::text) = ''::text))),
    CONSTRAINT outgoing_txs_purpose_check CHECK ((purpose = ANY (ARRAY['pay'::text, 'cancel'::text, 'found'::text]))),
    CONSTRAINT outgoing_txs_tip_units_check CHECK (((tip_units <> ''::text) AND (ltrim(tip_units, '0123456789'::text) = ''::text)))
);
CREATE TABLE public.payees (
    app_id text NOT NULL COLLATE pg_catalog."C",
    address text NOT NULL COLLATE pg_catalog."C",
    added_at bigint NOT NULL,
    usable_at bigint NOT NULL
);
CREATE TABLE public.payout_hours (
    app_id text NOT NULL COLLATE pg_catalog."C",
    hour bigint NOT NULL,
    asset text NOT NULL COLLATE pg_catalog."C",
    units text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT payout_hours_units_check CHECK (((units <> ''::text) AND (ltrim(units, '0123456789'::text) = ''::text)))
);
CREATE TABLE public.payout_rules (
    app_id text NOT NULL COLLATE pg_catalog."C",
    enabled boolean NOT NULL,
    doc text NOT NULL COLLATE pg_catalog."C",
    seed bytea NOT NULL,
    last_step bigint NOT NULL,
    fails bigint NOT NULL,
    locked_until bigint NOT NULL,
    version bigint NOT NULL
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
CREATE TABLE public.reconcile_results (
    chain text NOT NULL COLLATE pg_catalog."C",
    asset text NOT NULL COLLATE pg_catalog."C",
    height bigint NOT NULL,
    hash text NOT NULL COLLATE pg_catalog."C",
    books_units text NOT NULL COLLATE pg_catalog."C",
    chain_units text NOT NULL COLLATE pg_catalog."C",
    addresses bigint NOT NULL,
    rounds bigint NOT NULL,
    checked_at bigint NOT NULL
);
CREATE TABLE public.seals (
    seq bigint NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    ref text NOT NULL COLLATE pg_catalog."C",
    hash text NOT NULL COLLATE pg_catalog."C",
    prev text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.senders (
    chain text NOT NULL COLLATE pg_catalog."C",
    address text NOT NULL COLLATE pg_catalog."C",
    next_nonce bigint NOT NULL,
    version bigint NOT NULL
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
CREATE TABLE public.stops (
    scope text NOT NULL COLLATE pg_catalog."C",
    reason text NOT NULL COLLATE pg_catalog."C",
    raised_by text NOT NULL COLLATE pg_catalog."C",
    at bigint NOT NULL
);
CREATE TABLE public.sweep_items (
    outgoing_id text NOT NULL COLLATE pg_catalog."C",
    chain text NOT NULL COLLATE pg_catalog."C",
    address text NOT NULL COLLATE pg_catalog."C",
    asset text NOT NULL COLLATE pg_catalog."C",
    units text NOT NULL COLLATE pg_catalog."C",
    salt text NOT NULL COLLATE pg_catalog."C",
    destination text NOT NULL COLLATE pg_catalog."C",
    outcome text NOT NULL COLLATE pg_catalog."C",
    ended_at bigint NOT NULL,
    CONSTRAINT sweep_items_outcome_check CHECK ((outcome = ANY (ARRAY[''::text, 'gone'::text, 'left'::text, 'void'::text]))),
    CONSTRAINT sweep_items_units_check CHECK (((units <> ''::text) AND (ltrim(units, '0123456789'::text) = ''::text)))
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
    swept_by text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT transfers_booked_check CHECK ((booked = ANY (ARRAY[''::text, 'merchant'::text, 'suspense'::text, 'operator'::text]))),
    CONSTRAINT transfers_fee_units_check CHECK (((fee_units <> ''::text) AND (ltrim(fee_units, '0123456789'::text) = ''::text))),
    CONSTRAINT transfers_status_check CHECK ((status = ANY (ARRAY['seen'::text, 'confirmed'::text, 'dropped'::text]))),
    CONSTRAINT transfers_units_check CHECK (((units <> ''::text) AND (ltrim(units, '0123456789'::text) = ''::text)))
);
CREATE TABLE public.unsealed (
    ref text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C"
);
INSERT INTO public.approvals VALUES ('_', 'B', '\x00ff', 4);
INSERT INTO public.approvals VALUES ('b', '', '\x', 0);
INSERT INTO public.apps VALUES ('c', 'c', '日本', 'payout', '日本', 'revoked', 'B', 'a', 2, 1, 4, 'c', 0);
INSERT INTO public.apps VALUES ('B', 'it''s', 'c', 'sweep', '', 'active', 'a', 'é', 4, 1, 0, 'it''s', 5);
INSERT INTO public.apps VALUES ('_', 'it''s', 'Z', 'event', 'é', 'active', 'it''s', 'a', 9007199254740993, 4, 9007199254740993, 'B', 4);
INSERT INTO public.apps VALUES ('it''s', 'it''s', 'a', 'entry', '', 'active', 'B', 'é', 9007199254740993, 1, 3, 'é', 4);
INSERT INTO public.apps VALUES ('é', '_', 'B', 'payout', 'it''s', 'active', '日本', 'c', 1, 5, 5, 'b', 1);
INSERT INTO public.attempts VALUES ('it''s', 1, 5, '日本', 'it''s', 5, '\x', 'c', 1);
INSERT INTO public.attempts VALUES ('Z', 0, 4, 'c', 'Z', 2, '\x626f6479', '日本', 0);
INSERT INTO public.attempts VALUES ('c', 5, 9007199254740993, 'Z', '', 9007199254740993, '\x', 'it''s', 5);
INSERT INTO public.attempts VALUES ('a', 5, 5, 'c', 'long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long ', 0, '\x626f6479', 'b', 1);
INSERT INTO public.balances VALUES ('entry', '日本', '_', '0', '0', 1);
INSERT INTO public.blocks VALUES ('日本', 2, 'B', 'it''s', 5);
INSERT INTO public.chains VALUES ('b', 5, 'b', '', 1, 1);
INSERT INTO public.chains VALUES ('B', 4, 'Z', 'it''s', 5, 1);
INSERT INTO public.chains VALUES ('日本', 2, 'é', 'b', 3, 2);
INSERT INTO public.chains VALUES ('a', 5, 'é', 'c', 4, 1);
INSERT INTO public.chains VALUES ('', 4, '日本', 'Z', 0, 2);
INSERT INTO public.chains VALUES ('é', 3, '日本', 'B', 3, 1);
INSERT INTO public.deliveries VALUES ('', 'é', 'b', 'c', 4, true, 'waiting', 0, 2, '', 0, 0, '\x00ff', 4);
INSERT INTO public.deliveries VALUES ('it''s', '', '', 'é', 2, false, 'superseded', 0, 2, '日本', 1, 1, '\x', 1);
INSERT INTO public.deposit_addresses VALUES ('日本', 'B', 'B', 'a', 'it''s', 'é', 9007199254740993);
INSERT INTO public.deposit_addresses VALUES ('B', '_', 'b', '日本', 'c', 'it''s', 3);
INSERT INTO public.desk VALUES ('c', 'c', 'it''s', 'b', 'c', 'Z', 'b', '_', '115792089237316195423570985008687907853269984665640564039457584007913129639935', '1', 'open', '', 1, 0);
INSERT INTO public.desk VALUES ('', 'B', '', 'é', 'c', 'c', '日本', '日本', '15', '9223372036854775808', 'open', '', 1, 0);
INSERT INTO public.desk VALUES ('日本', 'it''s', 'c', '日本', 'c', 'b', 'c', 'é', '1', '1', 'open', '', 2, 0);
INSERT INTO public.desk VALUES ('B', '', 'B', 'B', '_', 'b', 'é', 'it''s', '0', '115792089237316195423570985008687907853269984665640564039457584007913129639935', 'open', '', 9007199254740993, 0);
INSERT INTO public.entries VALUES ('é', 'Z', 'Z', 2);
INSERT INTO public.entries VALUES ('a', 'a', '', 4);
INSERT INTO public.entries VALUES ('it''s', 'é', 'é', 4);
INSERT INTO public.entries VALUES ('_', '', 'it''s', 1);
INSERT INTO public.events VALUES ('é', 'entry', 'Z', 'c', '_', 0, 0, '');
INSERT INTO public.events VALUES ('_', 'payout', '日本', 'a', '日本', 1, 3, 'b');
INSERT INTO public.events VALUES ('c', 'sweep', 'it''s', '_', 'Z', 0, 9007199254740993, 'c');
INSERT INTO public.events VALUES ('b', 'b', '', '_', 'Z', 2, 4, 'it''s');
INSERT INTO public.events VALUES ('Z', 'entry', '_', 'Z', '日本', 2, 0, 'it''s');
INSERT INTO public.events VALUES ('B', 'entry', 'c', 'Z', 'Z', 4, 5, 'b');
INSERT INTO public.events VALUES ('', 'sweep', '_', 'c', '', 5, 0, 'a');
INSERT INTO public.goose_db_version VALUES (1, 0, true, '2026-11-22 03:34:40.627113');
INSERT INTO public.goose_db_version VALUES (2, 1, true, '2026-11-22 03:34:40.634744');
INSERT INTO public.goose_db_version VALUES (3, 2, true, '2026-11-22 03:34:40.791174');
INSERT INTO public.holdings VALUES ('日本', 'Z', '', '15', 4);
INSERT INTO public.holdings VALUES ('it''s', 'c', '_', '9223372036854775808', 0);
INSERT INTO public.holdings VALUES ('é', 'B', 'é', '15', 1);
INSERT INTO public.leases VALUES ('it''s', 'it''s', 3, 1);
INSERT INTO public.leases VALUES ('', 'a', 2, 1);
INSERT INTO public.leases VALUES ('B', '_', 2, 1);
INSERT INTO public.leases VALUES ('_', 'it''s', 9007199254740993, 3);
INSERT INTO public.merchants VALUES ('_', '日本', 'B', 1, 9007199254740993);
INSERT INTO public.nonces VALUES ('é', 'B', 4, 'é');
INSERT INTO public.nonces VALUES ('it''s', 'é', 1, 'it''s');
INSERT INTO public.nonces VALUES ('_', 'b', 5, '_');
INSERT INTO public.order_extra VALUES ('Z', 'a');
INSERT INTO public.order_extra VALUES ('日本', 'Z');
INSERT INTO public.order_extra VALUES ('it''s', 'b');
INSERT INTO public.order_extra VALUES ('', 'Z');
INSERT INTO public.order_extra VALUES ('c', 'B');
INSERT INTO public.order_steps VALUES ('open', 'paid');
INSERT INTO public.order_steps VALUES ('open', 'expired');
INSERT INTO public.order_steps VALUES ('standing', 'closed');
INSERT INTO public.order_work VALUES ('', 'it''s', 1, 0, 1, '', 0);
INSERT INTO public.order_work VALUES ('Z', '_', 2, 0, 2, '', 0);
INSERT INTO public.order_work VALUES ('a', 'c', 3, 0, 4, '', 0);
INSERT INTO public.orders VALUES ('Z', 'c', '_', 'c', 'B', 'b', 'c', 'b', 'a', 'it''s', 'a', '日本', 'c', 'b', '9223372036854775808', 'B', 'open', '_', '0', 'a', '1', '9007199254740993', '15', 'Z', 3, 3, 5, 2, 1);
INSERT INTO public.orders VALUES ('日本', 'a', '日本', 'a', '', 'c', 'b', 'c', 'it''s', '日本', 'é', 'B', 'a', 'é', '9223372036854775808', 'long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long ', 'open', 'a', '115792089237316195423570985008687907853269984665640564039457584007913129639935', 'Z', '0', '15', '15', 'B', 5, 5, 5, 2, 1);
INSERT INTO public.orders VALUES ('it''s', '_', 'Z', 'é', 'b', '', '', 'Z', 'it''s', 'B', 'c', '', 'é', '', '1', 'Z', 'open', 'B', '15', 'B', '1', '9223372036854775808', '0', '日本', 1, 9007199254740993, 5, 9007199254740993, 1);
INSERT INTO public.orders VALUES ('', '_', 'Z', 'it''s', '_', 'b', '_', '', 'it''s', 'B', '日本', 'a', '', 'it''s', '15', 'c', 'open', '_', '9223372036854775808', '日本', '9223372036854775808', '9007199254740993', '9223372036854775808', 'it''s', 4, 4, 9007199254740993, 0, 2);
INSERT INTO public.orders VALUES ('c', 'Z', 'Z', 'b', 'Z', 'é', '_', 'B', 'é', 'B', 'it''s', 'c', 'B', 'it''s', '9223372036854775808', 'é', 'open', 'a', '9007199254740993', '日本', '15', '9007199254740993', '0', 'it''s', 1, 0, 2, 0, 1);
INSERT INTO public.orders VALUES ('_', 'c', '', '_', '_', 'b', 'é', '日本', 'a', 'it''s', 'B', 'é', 'c', '', '0', '_', 'open', 'B', '115792089237316195423570985008687907853269984665640564039457584007913129639935', '_', '115792089237316195423570985008687907853269984665640564039457584007913129639935', '9007199254740993', '9223372036854775808', 'c', 0, 5, 0, 5, 1);
INSERT INTO public.outgoing VALUES ('b', 'payout', '', 'a', 'b', 'b', 'B', 'é', 'Z', 'it''s', '_', '日本', '115792089237316195423570985008687907853269984665640564039457584007913129639935', 'é', 'b', '1', '_', false, 0, '\x00ff', 'failed', '', 1, 'a', 4, '1', 3, 9007199254740993, 2, 0, 0, '', 0, 0);
INSERT INTO public.outgoing_steps VALUES ('held', 'ready');
INSERT INTO public.outgoing_steps VALUES ('held', 'failed');
INSERT INTO public.outgoing_steps VALUES ('ready', 'numbered');
INSERT INTO public.outgoing_steps VALUES ('ready', 'failed');
INSERT INTO public.outgoing_steps VALUES ('numbered', 'sent');
INSERT INTO public.outgoing_steps VALUES ('sent', 'paid');
INSERT INTO public.outgoing_steps VALUES ('sent', 'failed');
INSERT INTO public.outgoing_txs VALUES ('c', 'a', '_', 'cancel', 4, '\x00ff', '115792089237316195423570985008687907853269984665640564039457584007913129639935', '15', '115792089237316195423570985008687907853269984665640564039457584007913129639935', 1);
INSERT INTO public.payees VALUES ('a', 'c', 4, 1);
INSERT INTO public.payees VALUES ('_', '日本', 9007199254740993, 2);
INSERT INTO public.payees VALUES ('日本', 'b', 4, 1);
INSERT INTO public.payees VALUES ('it''s', 'B', 4, 1);
INSERT INTO public.payees VALUES ('日本', '日本', 9007199254740993, 0);
INSERT INTO public.payees VALUES ('', 'b', 0, 5);
INSERT INTO public.payout_hours VALUES ('it''s', 0, '_', '15');
INSERT INTO public.payout_hours VALUES ('é', 9007199254740993, 'B', '115792089237316195423570985008687907853269984665640564039457584007913129639935');
INSERT INTO public.payout_hours VALUES ('日本', 4, 'b', '15');
INSERT INTO public.payout_rules VALUES ('', true, '日本', '\x626f6479', 0, 0, 0, 1);
INSERT INTO public.postings VALUES ('B', 9007199254740993, 'entry', '日本', 'B', 'debit', '0');
INSERT INTO public.postings VALUES ('Z', 5, 'payout', 'c', '', 'debit', '0');
INSERT INTO public.postings VALUES ('日本', 2, 'event', 'a', '_', 'credit', '9007199254740993');
INSERT INTO public.reconcile_results VALUES ('c', 'b', 2, 'a', '9007199254740993', '15', 9007199254740993, 2, 9007199254740993);
INSERT INTO public.reconcile_results VALUES ('_', 'it''s', 3, 'Z', '9223372036854775808', '9007199254740993', 1, 3, 0);
INSERT INTO public.seals VALUES (0, 'b', 'é', 'B', 'it''s');
INSERT INTO public.seals VALUES (9007199254740993, 'b', 'c', 'Z', 'Z');
INSERT INTO public.seals VALUES (1, 'b', 'B', 'é', '日本');
INSERT INTO public.seals VALUES (2, 'b', '日本', '', 'c');
INSERT INTO public.seals VALUES (3, 'b', 'Z', '_', 'Z');
INSERT INTO public.senders VALUES ('', 'B', 1, 1);
INSERT INTO public.senders VALUES ('Z', 'it''s', 4, 1);
INSERT INTO public.senders VALUES ('a', 'a', 3, 1);
INSERT INTO public.senders VALUES ('é', 'a', 2, 1);
INSERT INTO public.senders VALUES ('', 'é', 3, 1);
INSERT INTO public.senders VALUES ('b', 'it''s', 5, 1);
INSERT INTO public.settings VALUES ('é', 'it''s');
INSERT INTO public.settings VALUES ('c', 'é');
INSERT INTO public.settings VALUES ('it''s', 'c');
INSERT INTO public.sim_commands VALUES ('it''s', 'B', 'waiting', '', 2);
INSERT INTO public.sim_commands VALUES ('_', '日本', 'waiting', '', 4);
INSERT INTO public.sim_commands VALUES ('日本', 'it''s', 'waiting', '', 0);
INSERT INTO public.sim_commands VALUES ('', 'a', 'waiting', '', 4);
INSERT INTO public.sim_records VALUES ('it''s', 3, '\x');
INSERT INTO public.sim_records VALUES ('é', 9007199254740993, '\x');
INSERT INTO public.stops VALUES ('it''s', 'é', 'B', 5);
INSERT INTO public.stops VALUES ('日本', 'B', 'Z', 2);
INSERT INTO public.stops VALUES ('Z', '', 'B', 2);
INSERT INTO public.sweep_items VALUES ('é', '', '_', 'it''s', '15', 'b', '', '', 0);
INSERT INTO public.sweep_items VALUES ('Z', 'it''s', 'it''s', 'Z', '9223372036854775808', 'c', 'it''s', 'void', 9007199254740993);
INSERT INTO public.sweep_items VALUES ('Z', '_', 'é', 'b', '9007199254740993', 'B', '', 'void', 9007199254740993);
INSERT INTO public.sweep_items VALUES ('日本', '_', 'Z', 'é', '0', '', 'B', '', 0);
INSERT INTO public.sweep_items VALUES ('b', '日本', 'it''s', 'it''s', '115792089237316195423570985008687907853269984665640564039457584007913129639935', 'b', 'é', '', 0);
INSERT INTO public.sweep_items VALUES ('日本', 'B', 'B', '_', '115792089237316195423570985008687907853269984665640564039457584007913129639935', 'c', 'c', '', 0);
INSERT INTO public.sweep_items VALUES ('c', '日本', 'é', '', '15', 'é', 'c', '', 0);
INSERT INTO public.sweep_items VALUES ('a', 'B', 'c', 'B', '9223372036854775808', '_', '', '', 0);
INSERT INTO public.transfers VALUES ('日本', '', 'it''s', 'é', '', '日本', 'B', 'it''s', '9007199254740993', false, 4, 'é', 5, 'seen', false, '', '', '0', false, 0, '');
INSERT INTO public.transfers VALUES ('Z', 'a', 'it''s', '_', 'c', '', 'B', 'a', '9007199254740993', false, 4, 'it''s', 0, 'seen', false, '', '', '0', false, 0, '');
INSERT INTO public.transfers VALUES ('', 'b', 'c', 'Z', 'a', '', 'it''s', '', '0', true, 0, 'é', 1, 'seen', false, '', '', '0', false, 0, '');
INSERT INTO public.transfers VALUES ('', 'c', '_', 'c', 'B', '_', 'it''s', 'B', '1', true, 5, 'c', 9007199254740993, 'seen', false, '', '', '0', false, 0, '');
INSERT INTO public.transfers VALUES ('B', 'a', 'Z', 'a', 'Z', 'c', 'b', '', '1', true, 1, 'é', 1, 'seen', false, '', '', '0', false, 0, '');
INSERT INTO public.transfers VALUES ('c', '_', 'c', 'Z', 'B', '日本', '日本', '_', '15', false, 0, 'Z', 2, 'seen', false, '', '', '0', false, 0, '');
INSERT INTO public.unsealed VALUES ('it''s', 'sweep');
INSERT INTO public.unsealed VALUES ('é', 'event');
INSERT INTO public.unsealed VALUES ('_', 'event');
INSERT INTO public.unsealed VALUES ('c', 'event');
INSERT INTO public.unsealed VALUES ('b', 'event');
INSERT INTO public.unsealed VALUES ('B', 'event');
INSERT INTO public.unsealed VALUES ('', 'event');
INSERT INTO public.unsealed VALUES ('Z', 'a');
SELECT pg_catalog.setval('public.goose_db_version_id_seq', 3, true);
ALTER TABLE ONLY public.app_keys
    ADD CONSTRAINT app_keys_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.approvals
    ADD CONSTRAINT approvals_pkey PRIMARY KEY (outgoing_id, approver);
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
ALTER TABLE ONLY public.holdings
    ADD CONSTRAINT holdings_pkey PRIMARY KEY (chain, address, asset);
ALTER TABLE ONLY public.leases
    ADD CONSTRAINT leases_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.merchants
    ADD CONSTRAINT merchants_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.nonces
    ADD CONSTRAINT nonces_outgoing_id_key UNIQUE (outgoing_id);
ALTER TABLE ONLY public.nonces
    ADD CONSTRAINT nonces_pkey PRIMARY KEY (chain, sender, nonce);
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
ALTER TABLE ONLY public.outgoing
    ADD CONSTRAINT outgoing_number_key UNIQUE (number);
ALTER TABLE ONLY public.outgoing
    ADD CONSTRAINT outgoing_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.outgoing_steps
    ADD CONSTRAINT outgoing_steps_pkey PRIMARY KEY (before, after);
ALTER TABLE ONLY public.outgoing_txs
    ADD CONSTRAINT outgoing_txs_pkey PRIMARY KEY (chain, txid);
ALTER TABLE ONLY public.payees
    ADD CONSTRAINT payees_pkey PRIMARY KEY (app_id, address);
ALTER TABLE ONLY public.payout_hours
    ADD CONSTRAINT payout_hours_pkey PRIMARY KEY (app_id, hour, asset);
ALTER TABLE ONLY public.payout_rules
    ADD CONSTRAINT payout_rules_pkey PRIMARY KEY (app_id);
ALTER TABLE ONLY public.postings
    ADD CONSTRAINT postings_pkey PRIMARY KEY (entry_id, line);
ALTER TABLE ONLY public.reconcile_results
    ADD CONSTRAINT reconcile_results_pkey PRIMARY KEY (chain, asset);
ALTER TABLE ONLY public.seals
    ADD CONSTRAINT seals_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY public.seals
    ADD CONSTRAINT seals_ref_key UNIQUE (ref);
ALTER TABLE ONLY public.senders
    ADD CONSTRAINT senders_pkey PRIMARY KEY (chain, address);
ALTER TABLE ONLY public.settings
    ADD CONSTRAINT settings_pkey PRIMARY KEY (key);
ALTER TABLE ONLY public.sim_commands
    ADD CONSTRAINT sim_commands_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.sim_records
    ADD CONSTRAINT sim_records_pkey PRIMARY KEY (chain, seq);
ALTER TABLE ONLY public.stops
    ADD CONSTRAINT stops_pkey PRIMARY KEY (scope);
ALTER TABLE ONLY public.sweep_items
    ADD CONSTRAINT sweep_items_pkey PRIMARY KEY (outgoing_id, address, asset);
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
CREATE INDEX orders_standing ON public.orders USING btree (app_id, id) WHERE (state = 'standing'::text);
CREATE INDEX outgoing_block ON public.outgoing USING btree (chain, block_height) WHERE (block_height > 0);
CREATE INDEX outgoing_due ON public.outgoing USING btree (due_at, id) WHERE ((state <> 'paid'::text) AND (state <> 'failed'::text));
CREATE UNIQUE INDEX outgoing_reference ON public.outgoing USING btree (app_id, reference) WHERE (reference <> ''::text);
CREATE INDEX outgoing_txs_outgoing ON public.outgoing_txs USING btree (outgoing_id);
CREATE INDEX postings_custody ON public.postings USING btree (owner, asset, side, units) WHERE (kind = 'custody'::text);
CREATE INDEX sweep_items_address ON public.sweep_items USING btree (chain, address);
CREATE INDEX transfers_block ON public.transfers USING btree (chain, block_height);
CREATE INDEX transfers_order ON public.transfers USING btree (order_id);
CREATE INDEX transfers_swept ON public.transfers USING btree (swept_by) WHERE (swept_by <> ''::text);
CREATE INDEX transfers_unswept ON public.transfers USING btree (chain, recipient, txid, "position") WHERE (swept_by = ''::text);
CREATE TRIGGER approvals_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON public.approvals FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER attempts_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON public.attempts FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER entries_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON public.entries FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER events_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON public.events FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER nonces_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON public.nonces FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER orders_begin BEFORE INSERT ON public.orders FOR EACH ROW WHEN (((new.state <> 'open'::text) AND (new.state <> 'standing'::text))) EXECUTE FUNCTION public.order_begins_open();
CREATE TRIGGER orders_step BEFORE UPDATE OF state ON public.orders FOR EACH ROW WHEN ((old.state <> new.state)) EXECUTE FUNCTION public.order_step();
CREATE TRIGGER outgoing_begin BEFORE INSERT ON public.outgoing FOR EACH ROW WHEN (((new.state <> 'held'::text) AND (new.state <> 'ready'::text))) EXECUTE FUNCTION public.outgoing_begins();
CREATE TRIGGER outgoing_steps_only BEFORE UPDATE OF state ON public.outgoing FOR EACH ROW WHEN ((old.state <> new.state)) EXECUTE FUNCTION public.outgoing_step();
CREATE TRIGGER outgoing_txs_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON public.outgoing_txs FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER postings_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON public.postings FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER seals_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON public.seals FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
