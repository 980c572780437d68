-- name: InsertDesk :exec
INSERT INTO desk (id, chain, txid, position, order_id, merchant_id, app_id, reason, asset, units, held, status, resolution, attached_to,
    outgoing_id, resolved_by, note, act, claimed_at, created_at, closed_at, version)
VALUES (@id, @chain, @txid, @position, @order_id, @merchant_id, @app_id, @reason, @asset, @units, @held, 'open', '', '',
    '', '', '', '', 0, @created_at, 0, 1);

-- name: CloseDesk :exec
-- Closes the open rows of a transfer.
UPDATE desk SET status = @status, resolution = @resolution, note = @note, closed_at = @closed_at, version = version + 1
WHERE chain = @chain AND txid = @txid AND position = @position AND status = 'open';

-- name: DeskByID :one
SELECT * FROM desk WHERE id = @id;

-- name: LockDesk :one
-- Locks a row until the transaction ends.
UPDATE desk SET version = version + 1 WHERE id = @id RETURNING *;

-- name: DeskOfTransfer :one
-- The row that a transfer is decided about in, if it stands.
SELECT * FROM desk WHERE chain = @chain AND txid = @txid AND position = @position AND status <> 'void' AND reason <> 'reversed';

-- name: ResolveDesk :exec
-- Closes a row that the transaction has locked.
UPDATE desk SET status = 'resolved', resolution = @resolution, attached_to = @attached_to, outgoing_id = @outgoing_id,
    resolved_by = @resolved_by, note = @note, act = @act, closed_at = @closed_at
WHERE id = @id;

-- name: ReopenDesk :exec
-- Opens a row again whose refund was not made.
UPDATE desk SET status = 'open', resolution = '', outgoing_id = '', resolved_by = '', note = '', act = '', closed_at = 0
WHERE id = @id;

-- name: VoidDesk :exec
-- Closes a row, decided about or not, whose transfer is gone.
UPDATE desk SET status = 'void', note = @note, closed_at = @closed_at WHERE id = @id;

-- name: ClaimDesk :exec
-- The first claim stays.
UPDATE desk SET claimed_at = @claimed_at WHERE id = @id AND status = 'open' AND claimed_at = 0;

-- name: Desk :many
-- All rows by id. Pass '' to begin, then the last id seen.
SELECT * FROM desk WHERE id > @after ORDER BY id LIMIT @max_rows;

-- name: DeskRow :one
-- A row with its order and its transfer.
SELECT sqlc.embed(d), o.number, o.reference, t.sender, t.recipient, t.block_time
FROM desk AS d JOIN orders AS o ON o.id = d.order_id JOIN transfers AS t ON t.chain = d.chain AND t.txid = d.txid AND t.position = d.position
WHERE d.id = @id;

-- name: DeskRows :many
-- Rows by id; '' asks for nothing, as @after begins.
SELECT sqlc.embed(d), o.number, o.reference, t.sender, t.recipient, t.block_time
FROM desk AS d JOIN orders AS o ON o.id = d.order_id JOIN transfers AS t ON t.chain = d.chain AND t.txid = d.txid AND t.position = d.position
WHERE d.id > @after AND (CAST(@merchant_id AS TEXT) = '' OR d.merchant_id = @merchant_id) AND (CAST(@app_id AS TEXT) = '' OR d.app_id = @app_id)
    AND (CAST(@status AS TEXT) = '' OR d.status = @status)
ORDER BY d.id LIMIT @max_rows OFFSET @skip_rows;

-- name: DeskRowsNewest :many
-- The same, the youngest first.
SELECT sqlc.embed(d), o.number, o.reference, t.sender, t.recipient, t.block_time
FROM desk AS d JOIN orders AS o ON o.id = d.order_id JOIN transfers AS t ON t.chain = d.chain AND t.txid = d.txid AND t.position = d.position
WHERE (CAST(@after AS TEXT) = '' OR d.id < @after) AND (CAST(@merchant_id AS TEXT) = '' OR d.merchant_id = @merchant_id)
    AND (CAST(@app_id AS TEXT) = '' OR d.app_id = @app_id) AND (CAST(@status AS TEXT) = '' OR d.status = @status)
ORDER BY d.id DESC LIMIT @max_rows OFFSET @skip_rows;

-- name: DeskCount :one
SELECT count(*) FROM desk AS d
WHERE (CAST(@merchant_id AS TEXT) = '' OR d.merchant_id = @merchant_id) AND (CAST(@app_id AS TEXT) = '' OR d.app_id = @app_id)
    AND (CAST(@status AS TEXT) = '' OR d.status = @status);

-- name: Transfer :one
SELECT * FROM transfers WHERE chain = @chain AND txid = @txid AND position = @position;

-- name: TransfersOfTx :many
-- What a transaction brought to addresses of ours.
SELECT * FROM transfers WHERE chain = @chain AND txid = @txid ORDER BY position LIMIT 1000;

-- name: RepriceOrder :exec
UPDATE orders SET price_units = @price_units WHERE id = @id;
