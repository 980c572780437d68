-- name: Cursor :one
SELECT height, hash, parent, block_time FROM chains WHERE name = @name;

-- name: LockChain :one
-- Locks the chain's cursor until the transaction ends.
UPDATE chains SET version = version + 1 WHERE name = @name RETURNING height, hash;

-- name: BeginChain :exec
INSERT INTO chains (name, height, hash, parent, block_time, version) VALUES (@name, @height, @hash, @parent, @block_time, 1);

-- name: MoveCursor :exec
UPDATE chains SET height = @height, hash = @hash, parent = @parent, block_time = @block_time WHERE name = @name;

-- name: InsertBlock :exec
INSERT INTO blocks (chain, height, hash, parent, block_time) VALUES (@chain, @height, @hash, @parent, @block_time);

-- name: Block :one
SELECT height, hash, parent, block_time FROM blocks WHERE chain = @chain AND height = @height;

-- name: DeleteBlock :exec
DELETE FROM blocks WHERE chain = @chain AND height = @height;

-- name: PruneBlocks :exec
DELETE FROM blocks WHERE chain = @chain AND height < @below;

-- name: SeeTransfer :exec
-- A transfer in a connected block: new, or the same credit that a reorg has moved to this block.
INSERT INTO transfers (chain, txid, position, order_id, merchant_id, sender, recipient, asset, units, listed,
    block_height, block_hash, block_time, status, removed, booked, reason, fee_units, counted, credits)
VALUES (@chain, @txid, @position, @order_id, @merchant_id, @sender, @recipient, @asset, @units, @listed,
    @block_height, @block_hash, @block_time, 'seen', FALSE, '', '', '0', FALSE, 0)
ON CONFLICT (chain, txid, position) DO UPDATE SET block_height = excluded.block_height, block_hash = excluded.block_hash,
    block_time = excluded.block_time, removed = FALSE
WHERE transfers.asset = excluded.asset AND transfers.units = excluded.units AND transfers.recipient = excluded.recipient;

-- name: SeeVariant :exec
-- The same transaction may credit something else in another branch of the chain. That credit is a
-- transfer of its own, at a position that names the block; the first one stays removed.
INSERT INTO transfers (chain, txid, position, order_id, merchant_id, sender, recipient, asset, units, listed,
    block_height, block_hash, block_time, status, removed, booked, reason, fee_units, counted, credits)
SELECT t.chain, t.txid, CAST(@variant AS TEXT), CAST(@order_id AS TEXT), CAST(@merchant_id AS TEXT), CAST(@sender AS TEXT),
    CAST(@recipient AS TEXT), CAST(@asset AS TEXT), CAST(@units AS TEXT), CAST(@listed AS BOOLEAN), CAST(@block_height AS BIGINT),
    CAST(@block_hash AS TEXT), CAST(@block_time AS BIGINT), 'seen', FALSE, '', '', '0', FALSE, 0
FROM transfers AS t
WHERE t.chain = @chain AND t.txid = @txid AND t.position = @position
    AND (t.asset <> @asset OR t.units <> @units OR t.recipient <> @recipient)
ON CONFLICT (chain, txid, position) DO UPDATE SET removed = FALSE;

-- name: StandingTransfers :many
-- The transfers of a connected block, by key.
SELECT txid, position FROM transfers
WHERE chain = @chain AND block_height = @height AND NOT removed ORDER BY txid, position LIMIT 1000000;

-- name: RemoveTransfer :exec
-- Marks a transfer of a disconnected block.
UPDATE transfers SET removed = TRUE WHERE chain = @chain AND txid = @txid AND position = @position;

-- name: RemovedOrders :many
-- The orders that the removed transfers of a disconnected block belong to. It is asked after they were marked, so that
-- no transfer changes its order meanwhile.
SELECT DISTINCT order_id, merchant_id FROM transfers
WHERE chain = @chain AND block_height = @height AND removed ORDER BY order_id LIMIT 1000000;

-- name: RipeOrders :many
-- Orders with a seen transfer in the blocks up to height, which reached confirmation depth. Pass '' to begin, then the
-- last order's.
SELECT DISTINCT order_id, merchant_id FROM transfers
WHERE chain = @chain AND block_height > @above AND block_height <= @height AND status <> 'confirmed' AND NOT removed
    AND order_id > @after
ORDER BY order_id LIMIT @max_rows;

-- name: OrderTransfers :many
-- The transfers of listed assets to the order's addresses by key. Pass '' three times to begin, then the last row's key.
SELECT * FROM transfers WHERE order_id = @order_id AND listed
    AND (chain, txid, position) > (CAST(@after_chain AS TEXT), CAST(@after_txid AS TEXT), CAST(@after_position AS TEXT))
ORDER BY chain, txid, position LIMIT 1000;

-- name: TransfersAtWork :many
-- What settling has to do on one chain for a merchant's orders from first to last under this lease: transfers that are
-- gone with their block, are back in another, or have their confirmations. One statement sees cursor and transfers at
-- one moment, so a branch's height never confirms what stood on another. What is gone comes first, so that a transfer
-- that moved never counts twice; then what is listed, whatever dust there is besides; then the oldest.
SELECT sqlc.embed(t), CAST(c.height - t.block_height >= @depth AS BOOLEAN) AS ripe
FROM order_work AS w JOIN transfers AS t ON t.order_id = w.order_id JOIN chains AS c ON c.name = t.chain
WHERE w.order_id BETWEEN @first AND @last AND w.merchant_id = @merchant_id AND w.lease_owner = @lease_owner
    AND w.leased_until = @leased_until AND t.chain = @chain
    AND (t.removed AND t.status <> 'dropped' OR NOT t.removed AND (t.status = 'dropped'
        OR t.status = 'seen' AND c.height - t.block_height >= @depth))
ORDER BY t.removed DESC, t.listed DESC, t.block_time, t.block_height, t.txid, t.position LIMIT @max_rows;

-- name: FrozenBy :one
-- How many listed transfers the order has in blocks of the best branch, or booked still, counted to one.
SELECT count(*) FROM (
    SELECT 1 FROM transfers WHERE order_id = @order_id AND listed AND (NOT removed OR booked <> '') LIMIT 1) AS one;

-- name: UpdateTransfer :exec
UPDATE transfers SET order_id = @order_id, status = @status, booked = @booked, reason = @reason, fee_units = @fee_units, counted = @counted, credits = @credits
WHERE chain = @chain AND txid = @txid AND position = @position;

-- name: AllTransfers :many
-- For audits: every transfer by key. Pass '' three times to begin, then the last row's key.
SELECT * FROM transfers WHERE (chain, txid, position) > (CAST(@after_chain AS TEXT), CAST(@after_txid AS TEXT), CAST(@after_position AS TEXT))
ORDER BY chain, txid, position LIMIT @max_rows;
