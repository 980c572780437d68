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
    RAISE EXCEPTION 'florin: an order begins open, not %', NEW.state;
END $$;
-- +goose StatementEnd
CREATE TRIGGER orders_begin BEFORE INSERT ON orders FOR EACH ROW
    WHEN (NEW.state <> 'open') EXECUTE FUNCTION order_begins_open();
