-- +goose Up
-- What the books and the news say stays said, whoever asks (threats M07, M11).

-- +goose StatementBegin
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'florin: % is append-only', TG_TABLE_NAME;
END $$;
-- +goose StatementEnd

CREATE TRIGGER entries_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER postings_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON postings FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER events_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER attempts_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON attempts FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER seals_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON seals FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER outgoing_txs_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON outgoing_txs FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER nonces_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON nonces FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER approvals_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON approvals FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- +goose StatementBegin
CREATE FUNCTION order_step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM order_steps WHERE before = OLD.state AND after = NEW.state) THEN
        RAISE EXCEPTION 'florin: order % may not go from % to %', OLD.id, OLD.state, NEW.state;
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER orders_step BEFORE UPDATE OF state ON orders FOR EACH ROW
    WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION order_step();

-- +goose StatementBegin
CREATE FUNCTION order_begins_open() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'florin: an order begins open, or standing, not %', NEW.state;
END $$;
-- +goose StatementEnd
CREATE TRIGGER orders_begin BEFORE INSERT ON orders FOR EACH ROW
    WHEN (NEW.state <> 'open' AND NEW.state <> 'standing') EXECUTE FUNCTION order_begins_open();

-- +goose StatementBegin
CREATE FUNCTION outgoing_step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM outgoing_steps WHERE before = OLD.state AND after = NEW.state) THEN
        RAISE EXCEPTION 'florin: payout % may not go from % to %', OLD.id, OLD.state, NEW.state;
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER outgoing_steps_only BEFORE UPDATE OF state ON outgoing FOR EACH ROW
    WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION outgoing_step();

-- +goose StatementBegin
CREATE FUNCTION outgoing_begins() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'florin: a payout begins held or ready, not %', NEW.state;
END $$;
-- +goose StatementEnd
CREATE TRIGGER outgoing_begin BEFORE INSERT ON outgoing FOR EACH ROW
    WHEN (NEW.state <> 'held' AND NEW.state <> 'ready') EXECUTE FUNCTION outgoing_begins();

-- +goose StatementBegin
CREATE FUNCTION desk_step() RETURNS trigger LANGUAGE plpgsql AS $$
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
-- +goose StatementEnd
CREATE TRIGGER desk_steps_only BEFORE UPDATE ON desk FOR EACH ROW EXECUTE FUNCTION desk_step();

-- +goose StatementBegin
CREATE FUNCTION desk_begins() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'florin: a desk row begins open, not %', NEW.status;
END $$;
-- +goose StatementEnd
CREATE TRIGGER desk_begin BEFORE INSERT ON desk FOR EACH ROW WHEN (NEW.status <> 'open') EXECUTE FUNCTION desk_begins();
CREATE TRIGGER desk_kept BEFORE DELETE OR TRUNCATE ON desk FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
