-- +goose Up
-- What the books and the news say stays said, whoever asks (threats M07, M11). The twin of
-- schema/postgres/0002_triggers.sql, written by hand.

-- +goose StatementBegin
CREATE TRIGGER entries_kept_update BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'florin: entries is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER entries_kept_delete BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'florin: entries is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER postings_kept_update BEFORE UPDATE ON postings BEGIN SELECT RAISE(ABORT, 'florin: postings is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER postings_kept_delete BEFORE DELETE ON postings BEGIN SELECT RAISE(ABORT, 'florin: postings is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER events_kept_update BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'florin: events is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER events_kept_delete BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'florin: events is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER attempts_kept_update BEFORE UPDATE ON attempts BEGIN SELECT RAISE(ABORT, 'florin: attempts is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER attempts_kept_delete BEFORE DELETE ON attempts BEGIN SELECT RAISE(ABORT, 'florin: attempts is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER seals_kept_update BEFORE UPDATE ON seals BEGIN SELECT RAISE(ABORT, 'florin: seals is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER seals_kept_delete BEFORE DELETE ON seals BEGIN SELECT RAISE(ABORT, 'florin: seals is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER outgoing_txs_kept_update BEFORE UPDATE ON outgoing_txs BEGIN SELECT RAISE(ABORT, 'florin: outgoing_txs is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER outgoing_txs_kept_delete BEFORE DELETE ON outgoing_txs BEGIN SELECT RAISE(ABORT, 'florin: outgoing_txs is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER nonces_kept_update BEFORE UPDATE ON nonces BEGIN SELECT RAISE(ABORT, 'florin: nonces is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER nonces_kept_delete BEFORE DELETE ON nonces BEGIN SELECT RAISE(ABORT, 'florin: nonces is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER approvals_kept_update BEFORE UPDATE ON approvals BEGIN SELECT RAISE(ABORT, 'florin: approvals is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER approvals_kept_delete BEFORE DELETE ON approvals BEGIN SELECT RAISE(ABORT, 'florin: approvals is append-only'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER orders_step BEFORE UPDATE OF state ON orders
WHEN OLD.state <> NEW.state AND NOT EXISTS (SELECT 1 FROM order_steps WHERE before = OLD.state AND after = NEW.state)
BEGIN SELECT RAISE(ABORT, 'florin: an order may not take this step'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER orders_begin BEFORE INSERT ON orders WHEN NEW.state <> 'open' AND NEW.state <> 'standing'
BEGIN SELECT RAISE(ABORT, 'florin: an order begins open, or standing'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER outgoing_steps_only BEFORE UPDATE OF state ON outgoing
WHEN OLD.state <> NEW.state AND NOT EXISTS (SELECT 1 FROM outgoing_steps WHERE before = OLD.state AND after = NEW.state)
BEGIN SELECT RAISE(ABORT, 'florin: a payout may not take this step'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER outgoing_begin BEFORE INSERT ON outgoing WHEN NEW.state <> 'held' AND NEW.state <> 'ready'
BEGIN SELECT RAISE(ABORT, 'florin: a payout begins held or ready'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER desk_steps_only BEFORE UPDATE ON desk
WHEN CASE OLD.status WHEN 'resolved' THEN OLD.resolution ELSE OLD.status END <> CASE NEW.status WHEN 'resolved' THEN NEW.resolution ELSE NEW.status END
    AND NOT EXISTS (SELECT 1 FROM desk_steps WHERE before = CASE OLD.status WHEN 'resolved' THEN OLD.resolution ELSE OLD.status END
        AND after = CASE NEW.status WHEN 'resolved' THEN NEW.resolution ELSE NEW.status END)
BEGIN SELECT RAISE(ABORT, 'florin: a desk row may not take this step'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER desk_kept_update BEFORE UPDATE ON desk
WHEN (NEW.id, NEW.chain, NEW.txid, NEW.position, NEW.order_id, NEW.merchant_id, NEW.reason, NEW.asset, NEW.units, NEW.held)
    <> (OLD.id, OLD.chain, OLD.txid, OLD.position, OLD.order_id, OLD.merchant_id, OLD.reason, OLD.asset, OLD.units, OLD.held)
BEGIN SELECT RAISE(ABORT, 'florin: what a desk row is about does not change'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER desk_begin BEFORE INSERT ON desk WHEN NEW.status <> 'open'
BEGIN SELECT RAISE(ABORT, 'florin: a desk row begins open'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER desk_kept_delete BEFORE DELETE ON desk BEGIN SELECT RAISE(ABORT, 'florin: desk is append-only'); END;
-- +goose StatementEnd
