-- name: InsertOrder :exec
-- A reference that the app used before changes nothing: the caller sees no row inserted.
INSERT INTO orders (id, merchant_id, app_id, number, reference, request_hash, notify_url, return_url,
    product_name, product_image, product_description, price_currency, price_units, policy, state, asset,
    due_units, rate, received_units, late_units, reversed_units, last_txid, created_at, deadline, paid_at, changed_at, version)
VALUES (@id, @merchant_id, @app_id, @number, @reference, @request_hash, @notify_url, @return_url,
    @product_name, @product_image, @product_description, @price_currency, @price_units, @policy, @state, @asset,
    @due_units, @rate, @received_units, @late_units, @reversed_units, @last_txid, @created_at, @deadline, @paid_at, @changed_at, 1)
ON CONFLICT (app_id, reference) DO NOTHING;

-- name: InsertOrderExtra :exec
-- Only beside an order that was inserted; a second run adds nothing.
INSERT INTO order_extra (order_id, doc) SELECT id, @doc FROM orders WHERE id = @order_id
ON CONFLICT (order_id) DO NOTHING;

-- name: OrderExtra :one
SELECT doc FROM order_extra WHERE order_id = @order_id;

-- name: Order :one
SELECT * FROM orders WHERE id = @id;

-- name: OrderByNumber :one
SELECT * FROM orders WHERE number = @number;

-- name: OrderByReference :one
SELECT * FROM orders WHERE app_id = @app_id AND reference = @reference;

-- name: LockOrder :one
-- Locks the order until the transaction ends.
UPDATE orders SET version = version + 1 WHERE id = @id RETURNING *;

-- name: UpdateOrder :exec
-- Writes what can change, of an order that the transaction has locked.
UPDATE orders SET state = @state, asset = @asset, due_units = @due_units, rate = @rate, received_units = @received_units,
    late_units = @late_units, reversed_units = @reversed_units, last_txid = @last_txid, paid_at = @paid_at, changed_at = @changed_at
WHERE id = @id;

-- name: DueOrders :many
-- Open orders whose time is over, oldest deadline first. Pass 0 and '' to begin, then the last row's.
SELECT id, merchant_id, asset, deadline FROM orders
WHERE state = 'open' AND deadline < @now AND (deadline, id) > (CAST(@after_deadline AS BIGINT), CAST(@after_id AS TEXT))
ORDER BY deadline, id LIMIT @max_rows;

-- name: OrderVersion :one
SELECT version FROM orders WHERE number = @number;

-- name: RaiseOrderWork :exec
-- Makes the order due for settling.
INSERT INTO order_work (order_id, merchant_id, generation, attempts, due_at, lease_owner, leased_until)
VALUES (@order_id, @merchant_id, 1, 0, @due_at, '', 0)
ON CONFLICT (order_id) DO UPDATE SET generation = order_work.generation + 1, due_at = excluded.due_at, attempts = 0;

-- name: ClaimOrderWork :many
-- Leases due work that nobody holds.
UPDATE order_work SET lease_owner = @lease_owner, leased_until = @leased_until, attempts = attempts + 1
WHERE order_id IN (
    SELECT w.order_id FROM order_work AS w WHERE w.due_at <= @now AND w.leased_until <= @now ORDER BY w.due_at, w.order_id LIMIT @max_rows)
    AND leased_until <= @now
RETURNING order_id, merchant_id, generation, attempts;

-- name: FinishOrderWork :exec
-- Removes work that was served and had no new cause since.
DELETE FROM order_work WHERE order_id = @order_id AND generation = @generation;

-- name: ReleaseOrderWork :exec
-- Gives work back after it was served once; a new cause keeps it due.
UPDATE order_work SET lease_owner = '', leased_until = 0, due_at = @due_at WHERE order_id = @order_id AND lease_owner = @lease_owner;

-- name: InsertAddress :exec
INSERT INTO deposit_addresses (address, family, order_id, merchant_id, salt, destination, created_at)
VALUES (@address, @family, @order_id, @merchant_id, @salt, @destination, @created_at);

-- name: OrderAddress :one
SELECT * FROM deposit_addresses WHERE order_id = @order_id AND family = @family;

-- name: DepositAddress :one
SELECT * FROM deposit_addresses WHERE address = @address;

-- name: AddressesSince :many
-- Addresses handed out at or after since, oldest first. Pass '' to begin, then the last row's.
SELECT address, created_at FROM deposit_addresses
WHERE created_at >= @since AND (created_at, address) > (CAST(@after_created AS BIGINT), CAST(@after_address AS TEXT))
ORDER BY created_at, address LIMIT @max_rows;
