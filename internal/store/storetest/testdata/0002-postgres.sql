CREATE FUNCTION public.desk_begins() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'florin: a desk row begins open, not %', NEW.status;
END $$;
CREATE FUNCTION public.desk_step() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    was TEXT := CASE OLD.status WHEN 'resolved' THEN OLD.resolution ELSE OLD.status END;
    becomes TEXT := CASE NEW.status WHEN 'resolved' THEN NEW.resolution ELSE NEW.status END;
BEGIN
    IF was <> becomes AND NOT EXISTS (SELECT 1 FROM desk_steps WHERE before = was AND after = becomes) THEN
        RAISE EXCEPTION 'florin: desk row % may not go from % to %', OLD.id, was, becomes;
    END IF;
    IF (NEW.id, NEW.chain, NEW.txid, NEW.position, NEW.order_id, NEW.merchant_id, NEW.reason, NEW.asset, NEW.units, NEW.held)
        <> (OLD.id, OLD.chain, OLD.txid, OLD.position, OLD.order_id, OLD.merchant_id, OLD.reason, OLD.asset, OLD.units, OLD.held) THEN
        RAISE EXCEPTION 'florin: what desk row % is about does not change', OLD.id;
    END IF;
    RETURN NEW;
END $$;
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
CREATE TABLE public.api_tokens (
    id text NOT NULL COLLATE pg_catalog."C",
    app_id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    hash text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    revoked_at bigint NOT NULL
);
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
    app_id text NOT NULL COLLATE pg_catalog."C",
    reason text NOT NULL COLLATE pg_catalog."C",
    asset text NOT NULL COLLATE pg_catalog."C",
    units text NOT NULL COLLATE pg_catalog."C",
    held text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    resolution text NOT NULL COLLATE pg_catalog."C",
    attached_to text NOT NULL COLLATE pg_catalog."C",
    outgoing_id text NOT NULL COLLATE pg_catalog."C",
    resolved_by text NOT NULL COLLATE pg_catalog."C",
    note text NOT NULL COLLATE pg_catalog."C",
    act text NOT NULL COLLATE pg_catalog."C",
    claimed_at bigint NOT NULL,
    created_at bigint NOT NULL,
    closed_at bigint NOT NULL,
    version bigint NOT NULL,
    CONSTRAINT desk_held_check CHECK (((held <> ''::text) AND (ltrim(held, '0123456789'::text) = ''::text))),
    CONSTRAINT desk_status_check CHECK ((status = ANY (ARRAY['open'::text, 'resolved'::text, 'void'::text]))),
    CONSTRAINT desk_units_check CHECK (((units <> ''::text) AND (ltrim(units, '0123456789'::text) = ''::text)))
);
CREATE TABLE public.desk_steps (
    before text NOT NULL COLLATE pg_catalog."C",
    after text NOT NULL COLLATE pg_catalog."C"
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
    page text NOT NULL COLLATE pg_catalog."C",
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
    usd text NOT NULL COLLATE pg_catalog."C",
    address text NOT NULL COLLATE pg_catalog."C",
    received_units text NOT NULL COLLATE pg_catalog."C",
    late_units text NOT NULL COLLATE pg_catalog."C",
    reversed_units text NOT NULL COLLATE pg_catalog."C",
    refunded_units text NOT NULL COLLATE pg_catalog."C",
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
    CONSTRAINT orders_refunded_units_check CHECK (((refunded_units <> ''::text) AND (ltrim(refunded_units, '0123456789'::text) = ''::text))),
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
    desk_id text NOT NULL COLLATE pg_catalog."C",
    asked_by text NOT NULL COLLATE pg_catalog."C",
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
CREATE TABLE public.refund_links (
    outgoing_id text NOT NULL COLLATE pg_catalog."C",
    token_hash text NOT NULL COLLATE pg_catalog."C",
    ends_at bigint NOT NULL,
    claimed_at bigint NOT NULL
);
CREATE TABLE public.seals (
    seq bigint NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    ref text NOT NULL COLLATE pg_catalog."C",
    hash text NOT NULL COLLATE pg_catalog."C",
    prev text NOT NULL COLLATE pg_catalog."C",
    app_id text NOT NULL COLLATE pg_catalog."C"
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
CREATE TABLE public.short_id_ends (
    kind text NOT NULL COLLATE pg_catalog."C",
    last_id bigint NOT NULL
);
CREATE TABLE public.short_ids (
    kind text NOT NULL COLLATE pg_catalog."C",
    id bigint NOT NULL,
    ref text NOT NULL COLLATE pg_catalog."C"
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
INSERT INTO public.api_tokens VALUES ('it''s', 'it''s', 'c', '', 2, 0);
INSERT INTO public.api_tokens VALUES ('', 'é', 'c', 'c', 2, 0);
INSERT INTO public.api_tokens VALUES ('B', 'a', '', 'a', 9007199254740993, 0);
INSERT INTO public.api_tokens VALUES ('a', 'Z', 'it''s', 'B', 9007199254740993, 0);
INSERT INTO public.apps VALUES ('b', 'b', 'é', 'entry', '_', 'active', 'a', 'B', 1, 3, 9007199254740993, 'é', 4);
INSERT INTO public.apps VALUES ('é', 'b', '', 'sweep', 'a', 'active', 'B', '_', 0, 1, 1, '', 4);
INSERT INTO public.apps VALUES ('a', 'Z', 'Z', 'b', '日本', 'active', 'b', 'é', 9007199254740993, 4, 2, 'a', 4);
INSERT INTO public.attempts VALUES ('a', 0, 0, 'it''s', 'it''s', 4, '\x', 'c', 1);
INSERT INTO public.attempts VALUES ('', 0, 5, 'é', 'b', 2, '\x626f6479', 'B', 0);
INSERT INTO public.attempts VALUES ('B', 0, 0, '_', '日本', 1, '\x00ff', 'B', 9007199254740993);
INSERT INTO public.attempts VALUES ('日本', 0, 1, 'é', 'B', 3, '\x', '日本', 3);
INSERT INTO public.attempts VALUES ('it''s', 0, 0, 'c', 'é', 0, '\x00ff', 'é', 5);
INSERT INTO public.attempts VALUES ('_', 0, 5, 'Z', '', 2, '\x00ff', 'it''s', 3);
INSERT INTO public.attempts VALUES ('c', 0, 4, 'a', 'c', 3, '\x00ff', '日本', 5);
INSERT INTO public.balances VALUES ('entry', '_', 'c', '0', '0', 1);
INSERT INTO public.blocks VALUES ('é', 1, '_', '日本', 4);
INSERT INTO public.blocks VALUES ('', 5, 'it''s', 'B', 4);
INSERT INTO public.chains VALUES ('é', 4, 'b', 'Z', 5, 1);
INSERT INTO public.chains VALUES ('Z', 5, '_', 'b', 1, 1);
INSERT INTO public.deliveries VALUES ('_', 'b', 'a', '_', 0, false, 'waiting', 0, 1, '', 0, 0, '\x', 5);
INSERT INTO public.deliveries VALUES ('a', '', 'b', 'a', 9007199254740993, false, 'waiting', 0, 1, '', 0, 0, '\x626f6479', 3);
INSERT INTO public.deliveries VALUES ('B', 'b', 'é', '', 2, true, 'waiting', 0, 1, '', 0, 0, '\x626f6479', 0);
INSERT INTO public.deliveries VALUES ('日本', '_', '', 'c', 1, true, 'waiting', 0, 2, '', 0, 0, '\x00ff', 2);
INSERT INTO public.deliveries VALUES ('it''s', '_', 'it''s', '日本', 4, true, 'waiting', 0, 2, '', 0, 0, '\x626f6479', 2);
INSERT INTO public.deliveries VALUES ('', '日本', 'B', 'c', 0, false, 'waiting', 0, 0, '', 0, 0, '\x00ff', 5);
INSERT INTO public.deliveries VALUES ('c', 'c', 'B', 'c', 5, false, 'waiting', 0, 4, '', 0, 0, '\x', 2);
INSERT INTO public.deposit_addresses VALUES ('a', '', 'b', 'c', 'c', 'it''s', 4);
INSERT INTO public.deposit_addresses VALUES ('B', '_', '_', 'Z', 'a', 'a', 2);
INSERT INTO public.deposit_addresses VALUES ('', 'it''s', '日本', 'é', '日本', '', 9007199254740993);
INSERT INTO public.deposit_addresses VALUES ('it''s', 'Z', 'Z', '', 'B', 'B', 0);
INSERT INTO public.deposit_addresses VALUES ('_', '', 'a', 'é', 'b', 'b', 9007199254740993);
INSERT INTO public.desk VALUES ('Z', 'c', '日本', 'B', 'b', 'b', 'it''s', 'é', '日本', '115792089237316195423570985008687907853269984665640564039457584007913129639935', '0', 'open', '', '', '', '', '', '', 0, 5, 0, 2);
INSERT INTO public.desk_steps VALUES ('open', 'attached');
INSERT INTO public.desk_steps VALUES ('open', 'credited');
INSERT INTO public.desk_steps VALUES ('open', 'refunded');
INSERT INTO public.desk_steps VALUES ('open', 'written_off');
INSERT INTO public.desk_steps VALUES ('open', 'swept');
INSERT INTO public.desk_steps VALUES ('open', 'returned');
INSERT INTO public.desk_steps VALUES ('open', 'void');
INSERT INTO public.desk_steps VALUES ('refunded', 'open');
INSERT INTO public.desk_steps VALUES ('refunded', 'void');
INSERT INTO public.desk_steps VALUES ('swept', 'void');
INSERT INTO public.entries VALUES ('c', 'b', '_', 3);
INSERT INTO public.events VALUES ('B', 'payout', '_', '日本', '_', 4, 3, 'long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long ');
INSERT INTO public.events VALUES ('日本', 'event', 'it''s', 'it''s', 'c', 4, 5, 'c');
INSERT INTO public.events VALUES ('c', 'a', 'Z', 'B', 'b', 4, 3, 'it''s');
INSERT INTO public.events VALUES ('', 'sweep', 'B', 'it''s', 'c', 1, 0, 'é');
INSERT INTO public.events VALUES ('b', 'b', '日本', 'b', 'a', 9007199254740993, 2, 'it''s');
INSERT INTO public.events VALUES ('a', 'b', 'B', 'a', 'a', 1, 1, '_');
INSERT INTO public.goose_db_version VALUES (1, 0, true, '2026-11-22 09:26:29.541945');
INSERT INTO public.goose_db_version VALUES (2, 1, true, '2026-11-22 09:26:29.585053');
INSERT INTO public.goose_db_version VALUES (3, 2, true, '2026-11-22 09:26:31.327498');
INSERT INTO public.holdings VALUES ('B', 'Z', 'Z', '0', 5);
INSERT INTO public.holdings VALUES ('é', '日本', 'Z', '1', 1);
INSERT INTO public.holdings VALUES ('a', 'B', 'it''s', '115792089237316195423570985008687907853269984665640564039457584007913129639935', 4);
INSERT INTO public.holdings VALUES ('é', 'B', 'é', '15', 1);
INSERT INTO public.holdings VALUES ('_', '', '日本', '1', 5);
INSERT INTO public.holdings VALUES ('b', 'b', '_', '1', 5);
INSERT INTO public.leases VALUES ('日本', '', 9007199254740993, 1);
INSERT INTO public.merchants VALUES ('', 'Z', 'it''s', 0, 3);
INSERT INTO public.merchants VALUES ('a', '', '_', 0, 9007199254740993);
INSERT INTO public.nonces VALUES ('é', '', 2, '');
INSERT INTO public.nonces VALUES ('c', '_', 1, 'B');
INSERT INTO public.order_extra VALUES ('Z', 'a');
INSERT INTO public.order_extra VALUES ('B', '日本');
INSERT INTO public.order_steps VALUES ('open', 'paid');
INSERT INTO public.order_steps VALUES ('open', 'expired');
INSERT INTO public.order_steps VALUES ('expired', 'paid');
INSERT INTO public.order_steps VALUES ('standing', 'closed');
INSERT INTO public.order_work VALUES ('_', 'Z', 1, 0, 1, '', 0);
INSERT INTO public.orders VALUES ('B', 'it''s', 'c', 'c', 'Z', 'Z', 'é', 'Z', 'Z', 'a', '_', 'c', 'Z', '', '_', '9223372036854775808', 'c', 'open', 'B', '0', 'c', 'b', 'c', '115792089237316195423570985008687907853269984665640564039457584007913129639935', '1', '115792089237316195423570985008687907853269984665640564039457584007913129639935', '0', 'b', 5, 2, 9007199254740993, 1, 1);
INSERT INTO public.orders VALUES ('Z', 'B', 'b', 'B', 'b', 'it''s', 'it''s', 'é', '', '日本', 'a', '', 'a', '', '_', '115792089237316195423570985008687907853269984665640564039457584007913129639935', 'B', 'open', '', '9223372036854775808', 'a', '', 'Z', '115792089237316195423570985008687907853269984665640564039457584007913129639935', '1', '0', '0', 'a', 0, 3, 9007199254740993, 9007199254740993, 2);
INSERT INTO public.outgoing VALUES ('B', 'payout', 'it''s', 'a', 'B', '_', 'b', '', '', 'a', 'é', 'it''s', 'B', 'é', '115792089237316195423570985008687907853269984665640564039457584007913129639935', 'b', '日本', '15', '_', true, 1, '\x', 'held', 'c', -1, '', 0, '0', 5, 5, 1, 1, 0, '', 0, 0);
INSERT INTO public.outgoing VALUES ('b', 'payout', 'é', 'a', '', 'Z', '', 'B', 'it''s', '', '_', 'é', 'a', 'c', '0', 'c', 'c', '115792089237316195423570985008687907853269984665640564039457584007913129639935', 'B', true, 9007199254740993, '\x00ff', 'held', '_', -1, '', 0, '0', 5, 5, 1, 1, 0, '', 0, 0);
INSERT INTO public.outgoing VALUES ('it''s', 'payout', '日本', 'a', 'Z', 'B', 'B', '_', '日本', '', 'a', 'B', '', '', '1', 'é', 'B', '15', 'B', true, 2, '\x', 'held', 'é', -1, '', 0, '0', 1, 1, 1, 2, 1, 'b', 5, 1);
INSERT INTO public.outgoing_steps VALUES ('held', 'ready');
INSERT INTO public.outgoing_steps VALUES ('held', 'failed');
INSERT INTO public.outgoing_steps VALUES ('ready', 'numbered');
INSERT INTO public.outgoing_steps VALUES ('ready', 'failed');
INSERT INTO public.outgoing_steps VALUES ('numbered', 'sent');
INSERT INTO public.outgoing_steps VALUES ('sent', 'paid');
INSERT INTO public.outgoing_steps VALUES ('sent', 'failed');
INSERT INTO public.outgoing_txs VALUES ('日本', 'a', 'é', 'cancel', 5, '\x00ff', '1', '115792089237316195423570985008687907853269984665640564039457584007913129639935', '9007199254740993', 1);
INSERT INTO public.outgoing_txs VALUES ('B', 'B', 'B', 'pay', 2, '\x626f6479', '9007199254740993', '15', '9007199254740993', 3);
INSERT INTO public.outgoing_txs VALUES ('日本', 'Z', 'c', 'pay', 2, '\x', '9007199254740993', '15', '1', 4);
INSERT INTO public.payees VALUES ('b', 'c', 5, 5);
INSERT INTO public.payees VALUES ('B', 'b', 4, 4);
INSERT INTO public.payees VALUES ('日本', 'a', 2, 0);
INSERT INTO public.payees VALUES ('c', 'a', 5, 5);
INSERT INTO public.payout_hours VALUES ('', 5, 'c', '9223372036854775808');
INSERT INTO public.payout_hours VALUES ('c', 5, '日本', '9223372036854775808');
INSERT INTO public.payout_hours VALUES ('a', 1, 'é', '1');
INSERT INTO public.payout_hours VALUES ('c', 4, '_', '15');
INSERT INTO public.payout_hours VALUES ('B', 0, '日本', '0');
INSERT INTO public.payout_rules VALUES ('Z', false, '{}', '\x', 0, 5, 9007199254740993, 1);
INSERT INTO public.postings VALUES ('é', 1, 'entry', 'c', 'a', 'debit', '115792089237316195423570985008687907853269984665640564039457584007913129639935');
INSERT INTO public.postings VALUES ('日本', 2, 'b', 'é', '日本', 'debit', '15');
INSERT INTO public.postings VALUES ('B', 5, 'sweep', '日本', '_', 'credit', '9223372036854775808');
INSERT INTO public.reconcile_results VALUES ('B', 'a', 0, 'Z', '1', '115792089237316195423570985008687907853269984665640564039457584007913129639935', 9007199254740993, 9007199254740993, 4);
INSERT INTO public.reconcile_results VALUES ('é', 'B', 4, 'Z', '9007199254740993', '15', 5, 3, 4);
INSERT INTO public.reconcile_results VALUES ('a', 'é', 0, 'c', '9007199254740993', '115792089237316195423570985008687907853269984665640564039457584007913129639935', 9007199254740993, 2, 0);
INSERT INTO public.reconcile_results VALUES ('a', 'B', 9007199254740993, 'Z', '1', '0', 4, 3, 5);
INSERT INTO public.refund_links VALUES ('_', 'b', 0, 0);
INSERT INTO public.seals VALUES (4, 'event', '', 'é', 'c', '');
INSERT INTO public.seals VALUES (9007199254740993, 'sweep', 'a', 'b', 'B', '');
INSERT INTO public.seals VALUES (0, 'sweep', 'c', 'B', 'B', 'B');
INSERT INTO public.senders VALUES ('_', 'a', 2, 1);
INSERT INTO public.senders VALUES ('Z', '', 1, 1);
INSERT INTO public.senders VALUES ('a', 'a', 0, 1);
INSERT INTO public.settings VALUES ('é', 'Z');
INSERT INTO public.settings VALUES ('it''s', 'it''s');
INSERT INTO public.settings VALUES ('', '_');
INSERT INTO public.short_id_ends VALUES ('it''s', 1000);
INSERT INTO public.short_id_ends VALUES ('B', 1000);
INSERT INTO public.short_ids VALUES ('b', 3, '日本');
INSERT INTO public.short_ids VALUES ('a', 3, 'c');
INSERT INTO public.short_ids VALUES ('sweep', 4, 'b');
INSERT INTO public.sim_commands VALUES ('c', 'Z', 'waiting', '', 5);
INSERT INTO public.sim_records VALUES ('日本', 1, '\x');
INSERT INTO public.sim_records VALUES ('é', 0, '\x00ff');
INSERT INTO public.sim_records VALUES ('it''s', 4, '\x626f6479');
INSERT INTO public.stops VALUES ('é', 'c', 'Z', 9007199254740993);
INSERT INTO public.stops VALUES ('c', '_', 'c', 3);
INSERT INTO public.stops VALUES ('日本', 'é', '日本', 5);
INSERT INTO public.sweep_items VALUES ('a', '日本', 'it''s', '', '9223372036854775808', '', 'c', '', 0);
INSERT INTO public.sweep_items VALUES ('it''s', 'b', '日本', '', '9007199254740993', 'it''s', 'é', '', 0);
INSERT INTO public.transfers VALUES ('Z', 'é', '', '_', '_', 'c', 'B', '日本', '1', true, 9007199254740993, '_', 4, 'seen', false, '', '', '0', false, 0, '');
INSERT INTO public.transfers VALUES ('日本', 'b', 'c', '', 'é', 'B', 'c', 'it''s', '15', false, 9007199254740993, 'Z', 1, 'seen', false, '', '', '0', false, 0, '');
INSERT INTO public.transfers VALUES ('Z', 'B', 'a', 'Z', 'b', 'B', '', 'Z', '15', false, 9007199254740993, '', 3, 'seen', false, '', '', '0', false, 0, '');
INSERT INTO public.unsealed VALUES ('c', 'event');
INSERT INTO public.unsealed VALUES ('日本', 'sweep');
INSERT INTO public.unsealed VALUES ('a', 'b');
INSERT INTO public.unsealed VALUES ('_', 'entry');
INSERT INTO public.unsealed VALUES ('it''s', 'entry');
SELECT pg_catalog.setval('public.goose_db_version_id_seq', 3, true);
ALTER TABLE ONLY public.api_tokens
    ADD CONSTRAINT api_tokens_hash_key UNIQUE (hash);
ALTER TABLE ONLY public.api_tokens
    ADD CONSTRAINT api_tokens_pkey PRIMARY KEY (id);
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
ALTER TABLE ONLY public.desk_steps
    ADD CONSTRAINT desk_steps_pkey PRIMARY KEY (before, after);
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
ALTER TABLE ONLY public.refund_links
    ADD CONSTRAINT refund_links_pkey PRIMARY KEY (outgoing_id);
ALTER TABLE ONLY public.refund_links
    ADD CONSTRAINT refund_links_token_hash_key UNIQUE (token_hash);
ALTER TABLE ONLY public.seals
    ADD CONSTRAINT seals_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY public.seals
    ADD CONSTRAINT seals_ref_key UNIQUE (ref);
ALTER TABLE ONLY public.senders
    ADD CONSTRAINT senders_pkey PRIMARY KEY (chain, address);
ALTER TABLE ONLY public.settings
    ADD CONSTRAINT settings_pkey PRIMARY KEY (key);
ALTER TABLE ONLY public.short_id_ends
    ADD CONSTRAINT short_id_ends_pkey PRIMARY KEY (kind);
ALTER TABLE ONLY public.short_ids
    ADD CONSTRAINT short_ids_kind_ref_key UNIQUE (kind, ref);
ALTER TABLE ONLY public.short_ids
    ADD CONSTRAINT short_ids_pkey PRIMARY KEY (kind, id);
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
CREATE INDEX api_tokens_app ON public.api_tokens USING btree (app_id);
CREATE INDEX app_keys_app ON public.app_keys USING btree (app_id);
CREATE INDEX deliveries_due ON public.deliveries USING btree (due_at, id) WHERE (status = 'waiting'::text);
CREATE INDEX deliveries_event ON public.deliveries USING btree (event_id);
CREATE INDEX deliveries_order ON public.deliveries USING btree (order_id);
CREATE INDEX deposit_addresses_created ON public.deposit_addresses USING btree (created_at);
CREATE INDEX desk_loss ON public.desk USING btree (chain, txid, "position") WHERE (reason = 'reversed'::text);
CREATE INDEX desk_merchant ON public.desk USING btree (merchant_id, id);
CREATE UNIQUE INDEX desk_transfer ON public.desk USING btree (chain, txid, "position") WHERE ((status <> 'void'::text) AND (reason <> 'reversed'::text));
CREATE INDEX events_order ON public.events USING btree (order_id);
CREATE INDEX order_work_due ON public.order_work USING btree (due_at);
CREATE INDEX orders_listed ON public.orders USING btree (app_id, id) WHERE ((page <> ''::text) OR (home_id <> ''::text));
CREATE INDEX orders_open ON public.orders USING btree (deadline, id) WHERE (state = 'open'::text);
CREATE UNIQUE INDEX orders_page ON public.orders USING btree (page) WHERE (page <> ''::text);
CREATE INDEX orders_standing ON public.orders USING btree (app_id, id) WHERE (state = 'standing'::text);
CREATE INDEX outgoing_block ON public.outgoing USING btree (chain, block_height) WHERE (block_height > 0);
CREATE INDEX outgoing_due ON public.outgoing USING btree (due_at, id) WHERE ((state <> 'paid'::text) AND (state <> 'failed'::text));
CREATE INDEX outgoing_fees ON public.outgoing USING btree (chain, changed_at) WHERE (fee_units <> '0'::text);
CREATE INDEX outgoing_order ON public.outgoing USING btree (order_id, id) WHERE (kind = 'refund'::text);
CREATE UNIQUE INDEX outgoing_reference ON public.outgoing USING btree (app_id, reference) WHERE (reference <> ''::text);
CREATE INDEX outgoing_txs_outgoing ON public.outgoing_txs USING btree (outgoing_id);
CREATE INDEX postings_custody ON public.postings USING btree (owner, asset, side, units) WHERE (kind = 'custody'::text);
CREATE INDEX seals_news ON public.seals USING btree (app_id, seq) WHERE (app_id <> ''::text);
CREATE INDEX sweep_items_address ON public.sweep_items USING btree (chain, address);
CREATE INDEX transfers_block ON public.transfers USING btree (chain, block_height);
CREATE INDEX transfers_order ON public.transfers USING btree (order_id);
CREATE INDEX transfers_swept ON public.transfers USING btree (swept_by) WHERE (swept_by <> ''::text);
CREATE INDEX transfers_unswept ON public.transfers USING btree (chain, recipient, txid, "position") WHERE (swept_by = ''::text);
CREATE TRIGGER approvals_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON public.approvals FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER attempts_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON public.attempts FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER desk_begin BEFORE INSERT ON public.desk FOR EACH ROW WHEN ((new.status <> 'open'::text)) EXECUTE FUNCTION public.desk_begins();
CREATE TRIGGER desk_kept BEFORE DELETE OR TRUNCATE ON public.desk FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();
CREATE TRIGGER desk_steps_only BEFORE UPDATE ON public.desk FOR EACH ROW EXECUTE FUNCTION public.desk_step();
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
