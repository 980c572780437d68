-- name: InsertOrder :exec
-- A reference that the app used before changes nothing: the caller sees no row inserted.
INSERT INTO orders (id, merchant_id, app_id, number, page, reference, label, home_id, request_hash, notify_url, return_url,
    product_name, product_image, product_description, price_currency, price_units, policy, state, asset, due_units, rate, usd, address,
    received_units, late_units, reversed_units, refunded_units, last_txid, created_at, deadline, paid_at, changed_at, version)
VALUES (@id, @merchant_id, @app_id, @number, @page, @reference, @label, @home_id, @request_hash, @notify_url, @return_url,
    @product_name, @product_image, @product_description, @price_currency, @price_units, @policy, @state, @asset, @due_units, @rate, @usd, @address,
    @received_units, @late_units, @reversed_units, '0', @last_txid, @created_at, @deadline, @paid_at, @changed_at, 1)
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

-- name: OrderByPage :one
-- The order whose page has this token, which is the number of an order without another.
SELECT * FROM orders WHERE page = @token AND page <> '' OR number = @token AND page = '' ORDER BY page DESC LIMIT 1;

-- name: OrderByReference :one
SELECT * FROM orders WHERE app_id = @app_id AND reference = @reference;

-- name: ShownByNumber :one
-- An order with its dialect's document, '' for none.
SELECT sqlc.embed(o), CAST(COALESCE(x.doc, '') AS TEXT) AS extra FROM orders AS o LEFT JOIN order_extra AS x ON x.order_id = o.id
WHERE o.number = @number;

-- name: ShownByPage :one
-- The same of OrderByPage.
SELECT sqlc.embed(o), CAST(COALESCE(x.doc, '') AS TEXT) AS extra FROM orders AS o LEFT JOIN order_extra AS x ON x.order_id = o.id
WHERE o.page = @token AND o.page <> '' OR o.number = @token AND o.page = '' ORDER BY o.page DESC LIMIT 1;

-- name: ShownByReference :one
-- The same of OrderByReference.
SELECT sqlc.embed(o), CAST(COALESCE(x.doc, '') AS TEXT) AS extra FROM orders AS o LEFT JOIN order_extra AS x ON x.order_id = o.id
WHERE o.app_id = @app_id AND o.reference = @reference;

-- name: LockOrder :one
-- Locks the order until the transaction ends.
UPDATE orders SET version = version + 1 WHERE id = @id RETURNING *;

-- name: TouchOrder :exec
-- Locks the order as LockOrder does; who locks several does it in the order of their ids.
UPDATE orders SET version = version + 1 WHERE id = @id;

-- name: UpdateOrder :exec
-- Writes what can change, of an order that the transaction has locked.
UPDATE orders SET state = @state, asset = @asset, due_units = @due_units, rate = @rate, usd = @usd, address = @address,
    received_units = @received_units, late_units = @late_units, reversed_units = @reversed_units, refunded_units = @refunded_units, last_txid = @last_txid, paid_at = @paid_at, changed_at = @changed_at
WHERE id = @id;

-- name: CloseStatic :exec
-- Ends a static address, once: later blocks' payments to it are nobody's.
UPDATE orders SET state = 'closed', deadline = @now, changed_at = @now, version = version + 1
WHERE id = @id AND state = 'standing';

-- name: CloseStatics :exec
-- Ends every static address of an app.
UPDATE orders SET state = 'closed', deadline = @now, changed_at = @now, version = version + 1
WHERE app_id = @app_id AND state = 'standing';

-- name: DueAssets :many
-- What open orders are quoted in whose time is over.
SELECT DISTINCT asset FROM orders WHERE state = 'open' AND deadline < @now AND asset <> '' ORDER BY asset LIMIT 1000;

-- name: DueOrders :many
-- Open orders quoted in an asset whose time was over before a moment and that nothing holds up, oldest deadline first.
-- Of a chain, unless it is '', the cursor must be past the deadline, and no transfer on time may be on its way: one
-- statement sees both at one moment. Pass 0 and '' to begin, then the last row's.
SELECT o.* FROM orders AS o
WHERE o.state = 'open' AND o.asset = @asset AND o.deadline < @before
    AND (o.deadline, o.id) > (CAST(@after_deadline AS BIGINT), CAST(@after_id AS TEXT))
    AND (CAST(@chain AS TEXT) = '' OR EXISTS (SELECT 1 FROM chains AS c WHERE c.name = @chain AND c.block_time > o.deadline))
    AND NOT EXISTS (SELECT 1 FROM transfers AS t WHERE t.order_id = o.id AND t.asset = o.asset AND t.block_time <= o.deadline
        AND (NOT t.removed AND t.status <> 'confirmed' OR t.removed AND t.status <> 'dropped'))
ORDER BY o.deadline, o.id LIMIT @max_rows;

-- name: OrderVersion :one
SELECT version FROM orders WHERE number = @number;

-- name: ListOrders :many
-- An app's orders of a time, the youngest first, and how many there are in all: deposits to static addresses (of one, if
-- home_id is given), or all others that have a page of their own. '' is any state, chain, transaction and home. A state is
-- paid, or what the facts make of it: waiting, expired, confirming (a transfer is on its way), partial, refunded (all of it).
-- With each its document and the transfer that its status comes from: the last that counted, else the last that is on its way.
SELECT sqlc.embed(o), page.total, CAST(COALESCE(x.doc, '') AS TEXT) AS extra,
    CAST(COALESCE(t.txid, o.last_txid) AS TEXT) AS txid, CAST(COALESCE(t.sender, '') AS TEXT) AS sender, CAST(COALESCE(t.block_time, 0) AS BIGINT) AS block_time,
    EXISTS (SELECT 1 FROM transfers AS s
        WHERE s.order_id = o.id AND s.status <> 'confirmed' AND NOT s.removed AND s.listed AND s.asset = o.asset) AS confirming
FROM (SELECT o.id, count(*) OVER () AS total FROM orders AS o
WHERE o.app_id = @app_id AND (o.page <> '' OR o.home_id <> '') AND o.state <> 'standing' AND o.state <> 'closed'
    AND (o.home_id <> '') = CAST(@deposits AS BOOLEAN) AND (CAST(@home_id AS TEXT) = '' OR o.home_id = @home_id)
    AND o.created_at >= @since AND o.created_at < @until
    AND (CAST(@chain AS TEXT) = '' OR o.asset LIKE '%@' || @chain || '/%')
    AND (CAST(@txid AS TEXT) = '' OR EXISTS (SELECT 1 FROM transfers AS t WHERE t.order_id = o.id AND t.txid = @txid))
    AND (CAST(@state AS TEXT) = '' OR @state = CASE
        WHEN o.received_units <> '0' AND (length(o.refunded_units) > length(o.received_units)
            OR length(o.refunded_units) = length(o.received_units) AND o.refunded_units >= o.received_units) THEN 'refunded'
        WHEN o.state = 'paid' THEN 'paid'
        WHEN o.received_units <> '0' THEN 'partial'
        WHEN o.state = 'expired' THEN 'expired'
        WHEN EXISTS (SELECT 1 FROM transfers AS t
            WHERE t.order_id = o.id AND t.status = 'seen' AND NOT t.removed AND t.listed AND t.asset = o.asset) THEN 'confirming'
        ELSE 'waiting' END)
ORDER BY o.id DESC LIMIT @max_rows OFFSET @skip_rows) AS page JOIN orders AS o ON o.id = page.id
    LEFT JOIN order_extra AS x ON x.order_id = COALESCE(NULLIF(o.home_id, ''), o.id)
    LEFT JOIN transfers AS t ON t.order_id = o.id AND t.chain || ' ' || t.txid || ' ' || t.position = (
        SELECT s.chain || ' ' || s.txid || ' ' || s.position FROM transfers AS s
        WHERE s.order_id = o.id AND s.listed AND NOT s.removed
            AND (s.txid = o.last_txid OR o.last_txid = '' AND s.status <> 'confirmed' AND s.asset = o.asset)
        ORDER BY s.block_time DESC, s.block_height DESC, s.chain DESC, s.txid DESC, s.position DESC LIMIT 1)
ORDER BY o.id DESC;

-- name: ListHomes :many
-- An app's static addresses, the youngest first.
SELECT * FROM orders WHERE app_id = @app_id AND state IN ('standing', 'closed') ORDER BY id DESC LIMIT @max_rows OFFSET @skip_rows;

-- name: CountHomes :one
SELECT count(*) FROM orders WHERE app_id = @app_id AND state IN ('standing', 'closed');

-- name: OrderAddresses :many
SELECT * FROM deposit_addresses WHERE order_id = @order_id ORDER BY family LIMIT 10;

-- name: ShortID :one
SELECT id FROM short_ids WHERE kind = @kind AND ref = @ref;

-- name: ShortRef :one
SELECT ref FROM short_ids WHERE kind = @kind AND id = @id;

-- name: OpenShortIDs :exec
INSERT INTO short_id_ends (kind, last_id) VALUES (@kind, 1000) ON CONFLICT (kind) DO NOTHING;

-- name: TakeShortIDs :one
UPDATE short_id_ends SET last_id = last_id + 1 WHERE kind = @kind RETURNING last_id;

-- name: InsertShortID :exec
INSERT INTO short_ids (kind, id, ref) VALUES (@kind, @id, @ref) ON CONFLICT (kind, ref) DO NOTHING;

-- name: RaiseOrderWork :exec
-- Makes the order due for settling.
INSERT INTO order_work (order_id, merchant_id, generation, attempts, due_at, lease_owner, leased_until)
VALUES (@order_id, @merchant_id, 1, 0, @due_at, '', 0)
ON CONFLICT (order_id) DO UPDATE SET generation = order_work.generation + 1, due_at = excluded.due_at, attempts = 0;

-- name: RaiseRemoved :exec
-- Makes new orders from first to last due that took over a transfer just as a reorg removed it: whoever removed it has
-- raised the order that it belonged to then.
INSERT INTO order_work (order_id, merchant_id, generation, attempts, due_at, lease_owner, leased_until)
SELECT DISTINCT t.order_id, t.merchant_id, 1, 0, CAST(@due_at AS BIGINT), '', 0 FROM transfers AS t
WHERE t.order_id BETWEEN @first AND @last AND t.removed
ON CONFLICT (order_id) DO UPDATE SET generation = order_work.generation + 1, due_at = excluded.due_at, attempts = 0;

-- name: DueOrderWork :many
-- Work to do now that nobody else holds; what its owner holds still was lost sight of.
SELECT order_id, merchant_id, generation, attempts FROM order_work
WHERE due_at <= @now AND (leased_until <= @now OR lease_owner = @lease_owner) ORDER BY due_at, order_id LIMIT @max_rows;

-- name: LeaseOrderWork :exec
-- Leases work as it was listed. The end of a lease, with its owner, is its fence.
UPDATE order_work SET lease_owner = @lease_owner, leased_until = @leased_until, attempts = attempts + 1
WHERE order_id = @order_id AND generation = @generation AND (leased_until <= @now OR lease_owner = @lease_owner);

-- name: FinishOrderWork :exec
-- Removes work that was served under this lease and had no new cause since.
DELETE FROM order_work
WHERE order_id = @order_id AND generation = @generation AND lease_owner = @lease_owner AND leased_until = @leased_until;

-- name: ReleaseOrderWork :exec
-- Ends this lease. Work without a new cause is due again at due_at, other work when its cause said.
UPDATE order_work SET lease_owner = '', leased_until = 0,
    due_at = CASE WHEN generation = @generation THEN CAST(@due_at AS BIGINT) ELSE due_at END
WHERE order_id = @order_id AND lease_owner = @lease_owner AND leased_until = @leased_until;

-- name: OrdersAtWork :many
-- A merchant's orders from first to last whose work is under this lease.
SELECT o.* FROM order_work AS w JOIN orders AS o ON o.id = w.order_id
WHERE w.order_id BETWEEN @first AND @last AND w.merchant_id = @merchant_id
    AND w.lease_owner = @lease_owner AND w.leased_until = @leased_until
ORDER BY o.id LIMIT @max_rows;

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

-- name: AddressesBefore :many
-- Addresses of a family, the youngest first. Pass the largest number
-- and '' to begin, then the last row's.
SELECT a.address, a.created_at FROM deposit_addresses AS a
WHERE a.family = @family AND (a.created_at, a.address) < (CAST(@before_created AS BIGINT), CAST(@before_address AS TEXT))
ORDER BY a.created_at DESC, a.address DESC LIMIT @max_rows;
