-- name: UnsweptTransfers :many
-- Booked transfers at deposit addresses that nothing took away, by address, with what earlier sweeps say of the address:
-- whether one is on its way, whether the address has its code by one, and when one last left something behind. Pass ''
-- three times to begin, then the last row's.
SELECT t.txid, t.position, t.recipient, t.asset, t.units, t.block_height, t.block_time,
    CAST(COALESCE((SELECT MAX(CASE WHEN i.outcome = '' THEN 1 ELSE 0 END) FROM sweep_items AS i
        WHERE i.chain = t.chain AND i.address = t.recipient), 0) AS BIGINT) AS sweeping,
    CAST(COALESCE((SELECT MAX(CASE WHEN i.outcome = 'gone' THEN 1 ELSE 0 END) FROM sweep_items AS i
        WHERE i.chain = t.chain AND i.address = t.recipient), 0) AS BIGINT) AS deployed,
    CAST(COALESCE((SELECT MAX(CASE WHEN i.outcome = 'left' THEN i.ended_at ELSE 0 END) FROM sweep_items AS i
        WHERE i.chain = t.chain AND i.address = t.recipient), 0) AS BIGINT) AS left_at
FROM transfers AS t
WHERE t.chain = @chain AND t.swept_by = '' AND t.booked <> '' AND t.booked <> 'operator' AND t.listed
    AND (t.recipient, t.txid, t.position) > (CAST(@after_recipient AS TEXT), CAST(@after_txid AS TEXT), CAST(@after_position AS TEXT))
ORDER BY t.recipient, t.txid, t.position LIMIT @max_rows;

-- name: ClaimTransfers :many
-- Gives what lies at an address to a sweep: nobody else gets it then.
UPDATE transfers SET swept_by = @swept_by
WHERE chain = @chain AND recipient = @recipient AND asset = @asset AND booked <> '' AND booked <> 'operator' AND listed AND swept_by = ''
RETURNING units;

-- name: ReleaseTransfers :exec
-- Takes back what a sweep was given.
UPDATE transfers SET swept_by = '' WHERE swept_by = @swept_by;

-- name: TransfersLeft :many
-- What came to an address in one asset and that nothing took away: also what is not booked yet, or not any more.
SELECT * FROM transfers WHERE chain = @chain AND recipient = @recipient AND asset = @asset AND listed AND swept_by = ''
ORDER BY txid, position LIMIT 100000;

-- name: TransfersGiven :many
-- What came to an address in one asset and was given to a sweep.
SELECT * FROM transfers WHERE swept_by = @swept_by AND chain = @chain AND recipient = @recipient AND asset = @asset AND listed
ORDER BY txid, position LIMIT 100000;

-- name: TransfersTaken :many
-- What came to an address in one asset and is being taken away by a sweep, or was in a block above height.
SELECT t.* FROM sweep_items AS i JOIN outgoing AS o ON o.id = i.outgoing_id
    JOIN transfers AS t ON t.swept_by = i.outgoing_id AND t.chain = i.chain AND t.recipient = i.address AND t.asset = i.asset
WHERE i.chain = @chain AND i.address = @address AND i.asset = @asset AND t.listed AND (i.outcome = '' OR o.block_height > @height)
ORDER BY t.txid, t.position LIMIT 100000;

-- name: TransfersSentOn :many
-- What somebody else made an address send on, in one asset: @first is what such transfers are marked with at least, and
-- @last what they are not any more.
SELECT * FROM transfers
WHERE swept_by <> '' AND swept_by >= @first AND swept_by < @last AND chain = @chain AND recipient = @recipient AND asset = @asset AND listed
ORDER BY txid, position LIMIT 100000;

-- name: LastSweepAt :one
-- The transaction that took what an address held of one asset last, of those in blocks above height.
SELECT o.txid FROM sweep_items AS i JOIN outgoing AS o ON o.id = i.outgoing_id
WHERE i.chain = @chain AND i.address = @address AND i.asset = @asset AND i.outcome = 'gone' AND o.block_height > @height
ORDER BY o.block_height DESC LIMIT 1;

-- name: MarkSwept :exec
UPDATE transfers SET swept_by = @swept_by WHERE chain = @chain AND txid = @txid AND position = @position;

-- name: InsertSweepItem :exec
INSERT INTO sweep_items (outgoing_id, chain, address, asset, units, salt, destination, outcome, ended_at)
VALUES (@outgoing_id, @chain, @address, @asset, @units, @salt, @destination, '', 0);

-- name: SweepItems :many
SELECT * FROM sweep_items WHERE outgoing_id = @outgoing_id ORDER BY address, asset LIMIT 10000;

-- name: EndSweepItem :exec
UPDATE sweep_items SET outcome = @outcome, ended_at = @ended_at
WHERE outgoing_id = @outgoing_id AND address = @address AND asset = @asset;

-- name: VoidSweepItems :exec
UPDATE sweep_items SET outcome = 'void', ended_at = @ended_at WHERE outgoing_id = @outgoing_id;

-- name: SweepingAt :one
-- How many items of sweeps on their way take from an address.
SELECT count(*) FROM sweep_items WHERE chain = @chain AND address = @address AND outcome = '';

-- name: OpenSweeps :one
-- How many sweeps of a chain are on their way.
SELECT count(*) FROM outgoing WHERE chain = @chain AND kind = 'sweep' AND state <> 'paid' AND state <> 'failed';

-- name: PayoutAhead :one
-- How many payouts wait for a number of this account, counted to one: sweeps let them go first.
SELECT count(*) FROM (
    SELECT 1 FROM outgoing WHERE state = 'ready' AND kind <> 'sweep' AND chain = @chain AND sender = @sender AND due_at <= @now LIMIT 1) AS one;

-- name: OpenSweepItems :many
-- What sweeps on their way take, by sweep, address and asset. Pass '' three times to begin, then the last row's.
SELECT outgoing_id, address, asset, units FROM sweep_items
WHERE chain = @chain AND outcome = ''
    AND (outgoing_id, address, asset) > (CAST(@after_outgoing AS TEXT), CAST(@after_address AS TEXT), CAST(@after_asset AS TEXT))
ORDER BY outgoing_id, address, asset LIMIT @max_rows;

-- name: SweepDestinations :many
-- Where a chain's sweeps have brought anything.
SELECT DISTINCT destination FROM sweep_items WHERE chain = @chain AND outcome = 'gone' ORDER BY destination LIMIT 10000;
