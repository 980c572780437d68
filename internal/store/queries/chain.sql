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

-- name: RemoveTransfers :many
-- Marks the transfers of a disconnected block and returns whose orders must look again.
UPDATE transfers SET removed = TRUE WHERE chain = @chain AND block_height = @height AND NOT removed
RETURNING order_id, merchant_id;

-- name: RipeOrders :many
-- Orders with a seen transfer in the blocks up to height, which reached confirmation depth.
SELECT DISTINCT order_id, merchant_id FROM transfers
WHERE chain = @chain AND block_height > @above AND block_height <= @height AND status <> 'confirmed' AND NOT removed
ORDER BY order_id LIMIT 100000;

-- name: OrderTransfers :many
-- The transfers to the order's addresses by key. Pass '' three times to begin, then the last row's key.
SELECT * FROM transfers WHERE order_id = @order_id
    AND (chain, txid, position) > (CAST(@after_chain AS TEXT), CAST(@after_txid AS TEXT), CAST(@after_position AS TEXT))
ORDER BY chain, txid, position LIMIT 1000;

-- name: MovingTransfers :many
-- The order's transfers that settling may have to act on, oldest block first: on their way to
-- confirmation, or in a block that was disconnected.
SELECT * FROM transfers
WHERE order_id = @order_id AND (status <> 'confirmed' AND NOT removed OR removed AND status <> 'dropped')
ORDER BY block_time, block_height, chain, txid, position LIMIT @max_rows;

-- name: UpdateTransfer :exec
UPDATE transfers SET status = @status, booked = @booked, reason = @reason, fee_units = @fee_units, counted = @counted, credits = @credits
WHERE chain = @chain AND txid = @txid AND position = @position;

-- name: AllTransfers :many
-- For audits: every transfer by key. Pass '' three times to begin, then the last row's key.
SELECT * FROM transfers WHERE (chain, txid, position) > (CAST(@after_chain AS TEXT), CAST(@after_txid AS TEXT), CAST(@after_position AS TEXT))
ORDER BY chain, txid, position LIMIT @max_rows;
