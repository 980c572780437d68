-- name: InsertOutgoing :exec
INSERT INTO outgoing (id, kind, merchant_id, app_id, number, reference, request_hash, order_id, desk_id, asked_by, notify_url, extra, chain, asset, units,
    recipient, coin, fee_cap_units, sender, approval, held_until, digest, state, reason, nonce, txid, block_height, fee_units,
    created_at, changed_at, version, due_at, attempts, lease_owner, leased_until, fence)
VALUES (@id, @kind, @merchant_id, @app_id, @number, @reference, @request_hash, @order_id, @desk_id, @asked_by, @notify_url, @extra, @chain, @asset, @units,
    @recipient, @coin, @fee_cap_units, @sender, @approval, @held_until, @digest, @state, @reason, -1, '', 0, '0',
    @created_at, @created_at, 1, @due_at, 0, '', 0, 0);

-- name: Outgoing :one
SELECT * FROM outgoing WHERE id = @id;

-- name: OutgoingByNumber :one
SELECT * FROM outgoing WHERE number = @number;

-- name: OutgoingByReference :one
SELECT * FROM outgoing WHERE app_id = @app_id AND reference = @reference AND reference <> '';

-- name: AllOutgoing :many
-- Every payout by id. Pass '' to begin, then the last id seen.
SELECT * FROM outgoing WHERE id > @after ORDER BY id LIMIT @max_rows;

-- name: OpenOutgoing :many
-- The payouts of a chain that are neither paid nor failed, by id. Pass '' to begin, then the last id seen.
SELECT * FROM outgoing WHERE chain = @chain AND state <> 'paid' AND state <> 'failed' AND id > @after ORDER BY id LIMIT @max_rows;

-- name: DueOutgoing :many
-- What may be worked on now, oldest first; among what fell due together, lowest number first.
SELECT id FROM outgoing WHERE state <> 'paid' AND state <> 'failed' AND due_at <= @now AND leased_until <= @now
ORDER BY due_at, nonce, id LIMIT @max_rows;

-- name: LeaseOutgoing :one
-- A lease of the same owner and end is one that was taken already: a second run has it too.
UPDATE outgoing SET lease_owner = @lease_owner, leased_until = @leased_until, fence = fence + 1, attempts = attempts + 1
WHERE id = @id AND state <> 'paid' AND state <> 'failed' AND due_at <= @now
    AND (leased_until <= @now OR lease_owner = @lease_owner AND leased_until = @leased_until)
RETURNING *;

-- name: LockOutgoing :one
-- Locks the payout until the transaction ends.
UPDATE outgoing SET version = version + 1 WHERE id = @id RETURNING *;

-- name: UpdateOutgoing :exec
-- Writes what can change of a payout that the transaction has locked.
UPDATE outgoing SET state = @state, reason = @reason, nonce = @nonce, txid = @txid, block_height = @block_height,
    fee_units = @fee_units, changed_at = @changed_at
WHERE id = @id;

-- name: ScheduleOutgoing :exec
-- Ends the lease of a payout that the transaction has locked: it is due again at due_at.
UPDATE outgoing SET due_at = @due_at, lease_owner = '', leased_until = 0, reason = @reason WHERE id = @id;

-- name: ExtendOutgoing :exec
-- Keeps a lease for longer.
UPDATE outgoing SET leased_until = @leased_until WHERE id = @id;

-- name: WakeOutgoing :exec
-- Makes what waits on a chain, or on any for '', due now.
UPDATE outgoing SET due_at = @due_at
WHERE state <> 'paid' AND state <> 'failed' AND state <> 'held' AND due_at > @due_at AND (chain = @chain OR CAST(@chain AS TEXT) = '');

-- name: InsertOutgoingTx :exec
INSERT INTO outgoing_txs (chain, txid, outgoing_id, purpose, nonce, raw, offer_units, tip_units, most_units, created_at)
VALUES (@chain, @txid, @outgoing_id, @purpose, @nonce, @raw, @offer_units, @tip_units, @most_units, @created_at)
ON CONFLICT (chain, txid) DO NOTHING;

-- name: OutgoingTxs :many
-- The versions of a payout, the first one first.
SELECT * FROM outgoing_txs WHERE outgoing_id = @outgoing_id ORDER BY created_at, txid LIMIT 1000;

-- name: OutgoingTx :one
SELECT * FROM outgoing_txs WHERE chain = @chain AND txid = @txid;

-- name: InsertNonce :exec
INSERT INTO nonces (chain, sender, nonce, outgoing_id) VALUES (@chain, @sender, @nonce, @outgoing_id);

-- name: NonceOf :one
SELECT nonce FROM nonces WHERE outgoing_id = @outgoing_id;

-- name: PromisedUnits :many
-- What payouts of an account take of an asset whose numbers the chain has not made yet.
SELECT units FROM outgoing WHERE state <> 'paid' AND state <> 'failed' AND chain = @chain AND sender = @sender AND asset = @asset
    AND nonce >= @on_chain AND kind <> 'sweep' ORDER BY nonce LIMIT 10000;

-- name: InsertSender :exec
INSERT INTO senders (chain, address, next_nonce, version) VALUES (@chain, @address, @next_nonce, 1)
ON CONFLICT (chain, address) DO NOTHING;

-- name: LockSender :one
-- Locks an account's counter until the transaction ends.
UPDATE senders SET version = version + 1 WHERE chain = @chain AND address = @address RETURNING next_nonce;

-- name: MoveSender :exec
-- A counter never goes back.
UPDATE senders SET next_nonce = @next_nonce WHERE chain = @chain AND address = @address AND next_nonce < @next_nonce;

-- name: Senders :many
-- Every account of a chain that ever was a paying one.
SELECT address FROM senders WHERE chain = @chain ORDER BY address LIMIT 10000;

-- name: Sender :one
SELECT next_nonce FROM senders WHERE chain = @chain AND address = @address;

-- name: SaveHolding :exec
INSERT INTO holdings (chain, address, asset, free_units, checked_at) VALUES (@chain, @address, @asset, @free_units, @checked_at)
ON CONFLICT (chain, address, asset) DO UPDATE SET free_units = excluded.free_units, checked_at = excluded.checked_at
WHERE excluded.checked_at >= holdings.checked_at;

-- name: Holding :one
SELECT free_units, checked_at FROM holdings WHERE chain = @chain AND address = @address AND asset = @asset;

-- name: OpenPayoutRules :exec
INSERT INTO payout_rules (app_id, enabled, doc, seed, last_step, fails, locked_until, version)
VALUES (@app_id, FALSE, '{}', @no_seed, 0, 0, 0, 1)
ON CONFLICT (app_id) DO NOTHING;

-- name: PayoutRules :one
SELECT * FROM payout_rules WHERE app_id = @app_id;

-- name: LockPayoutRules :one
-- Locks an app's rules: its payouts are accepted one after the other.
UPDATE payout_rules SET version = version + 1 WHERE app_id = @app_id RETURNING *;

-- name: SavePayoutRules :exec
UPDATE payout_rules SET enabled = @enabled, doc = @doc WHERE app_id = @app_id;

-- name: SavePayoutSeed :exec
-- A new second factor: codes of the old one are worth nothing, and neither is its lock.
UPDATE payout_rules SET seed = @seed, last_step = 0, fails = 0, locked_until = 0 WHERE app_id = @app_id;

-- name: SavePayoutTries :exec
UPDATE payout_rules SET last_step = @last_step, fails = @fails, locked_until = @locked_until WHERE app_id = @app_id;

-- name: InsertPayee :exec
INSERT INTO payees (app_id, address, added_at, usable_at) VALUES (@app_id, @address, @added_at, @usable_at)
ON CONFLICT (app_id, address) DO NOTHING;

-- name: Payee :one
SELECT added_at, usable_at FROM payees WHERE app_id = @app_id AND address = @address;

-- name: Payees :many
-- An app's payees by address. Pass '' to begin, then the last one.
SELECT address, added_at, usable_at FROM payees WHERE app_id = @app_id AND address > @after ORDER BY address LIMIT @max_rows;

-- name: DeletePayee :exec
DELETE FROM payees WHERE app_id = @app_id AND address = @address;

-- name: PayoutHours :many
-- What the app has paid out from an hour on.
SELECT hour, asset, units FROM payout_hours WHERE app_id = @app_id AND hour >= @since ORDER BY hour, asset LIMIT 10000;

-- name: PayoutHour :one
SELECT units FROM payout_hours WHERE app_id = @app_id AND hour = @hour AND asset = @asset;

-- name: SavePayoutHour :exec
INSERT INTO payout_hours (app_id, hour, asset, units) VALUES (@app_id, @hour, @asset, @units)
ON CONFLICT (app_id, hour, asset) DO UPDATE SET units = excluded.units;

-- name: PrunePayoutHours :exec
DELETE FROM payout_hours WHERE app_id = @app_id AND hour < @below;

-- name: InsertApproval :exec
INSERT INTO approvals (outgoing_id, approver, digest, at) VALUES (@outgoing_id, @approver, @digest, @at)
ON CONFLICT (outgoing_id, approver) DO NOTHING;

-- name: Approvals :many
SELECT * FROM approvals WHERE outgoing_id = @outgoing_id ORDER BY at, approver LIMIT 100;

-- name: RaiseStop :exec
-- The first reason stays.
INSERT INTO stops (scope, reason, raised_by, at) VALUES (@scope, @reason, @raised_by, @at) ON CONFLICT (scope) DO NOTHING;

-- name: LiftStop :exec
DELETE FROM stops WHERE scope = @scope;

-- name: StopOf :one
-- The stop, if any, that holds for a chain and an app.
SELECT * FROM stops WHERE scope = 'all' OR scope = CAST(@on_chain AS TEXT) OR scope = CAST(@of_app AS TEXT) ORDER BY scope LIMIT 1;

-- name: Stops :many
SELECT * FROM stops ORDER BY scope LIMIT 1000;
