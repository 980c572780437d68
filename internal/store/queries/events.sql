-- name: InsertEvent :exec
INSERT INTO events (id, kind, order_id, merchant_id, app_id, sequence, at, doc)
VALUES (@id, @kind, @order_id, @merchant_id, @app_id, @sequence, @at, @doc);

-- name: Event :one
SELECT * FROM events WHERE id = @id;

-- name: Events :many
-- All events by id. Pass '' to begin, then the last id seen.
SELECT * FROM events WHERE id > @after ORDER BY id LIMIT @max_rows;

-- name: InsertDelivery :exec
INSERT INTO deliveries (id, event_id, order_id, app_id, sequence, final, status, attempts, due_at, lease_owner, leased_until, fence, body, created_at)
VALUES (@id, @event_id, @order_id, @app_id, @sequence, @final, 'waiting', 0, @due_at, '', 0, 0, @body, @created_at)
ON CONFLICT (id) DO NOTHING;

-- name: SupersedeDeliveries :exec
-- Ends the retries of the order's older news that is not final and not in flight. Here and below
-- an order's deliveries are found by their order alone: with status = 'waiting' as it stands,
-- PostgreSQL may read all of deliveries_due for each order when it has no statistics yet.
UPDATE deliveries SET status = 'superseded'
WHERE order_id = @order_id AND status || '' = 'waiting' AND NOT final AND leased_until <= @now;

-- name: DueDeliveries :many
-- Deliveries to try now with the URL they go to, oldest first, none of an order that has one in
-- flight or an older one to try. Pass 0 and '' to begin, then the last row's due_at and id.
SELECT d.id, d.app_id, d.order_id, d.due_at, CAST(COALESCE(NULLIF(r.notify_url, ''), NULLIF(p.notify_url, ''), a.webhook_url) AS TEXT) AS url
FROM deliveries AS d LEFT JOIN orders AS r ON r.id = d.order_id LEFT JOIN outgoing AS p ON p.id = d.order_id JOIN apps AS a ON a.id = d.app_id
WHERE d.status = 'waiting' AND d.due_at <= @now AND d.leased_until <= @now
    AND (d.due_at, d.id) > (CAST(@after_due AS BIGINT), CAST(@after_id AS TEXT))
    AND (SELECT count(*) FROM deliveries AS o WHERE o.order_id = d.order_id AND o.status || '' = 'waiting'
        AND o.id <> d.id AND (o.leased_until > @now OR (o.sequence, o.id) < (d.sequence, d.id) AND o.due_at <= @now)) = 0
ORDER BY d.due_at, d.id LIMIT @max_rows;

-- name: DueDeliveryOfOrder :one
-- The delivery of one order to try now, if any, by the same rules.
SELECT d.id, d.app_id, d.order_id, d.due_at, CAST(COALESCE(NULLIF(r.notify_url, ''), NULLIF(p.notify_url, ''), a.webhook_url) AS TEXT) AS url
FROM deliveries AS d LEFT JOIN orders AS r ON r.id = d.order_id LEFT JOIN outgoing AS p ON p.id = d.order_id JOIN apps AS a ON a.id = d.app_id
WHERE d.order_id = @order_id AND d.status || '' = 'waiting' AND d.due_at <= @now AND d.leased_until <= @now
    AND (SELECT count(*) FROM deliveries AS o WHERE o.order_id = d.order_id AND o.status || '' = 'waiting'
        AND o.id <> d.id AND (o.leased_until > @now OR (o.sequence, o.id) < (d.sequence, d.id) AND o.due_at <= @now)) = 0
ORDER BY d.due_at, d.id LIMIT 1;

-- name: Delivery :one
SELECT * FROM deliveries WHERE id = @id;

-- name: Told :one
-- A delivery with the event it tells, the dialect's document of what that is about, and the URL it goes to.
SELECT sqlc.embed(d), sqlc.embed(e), CAST(COALESCE(NULLIF(r.notify_url, ''), NULLIF(p.notify_url, ''), a.webhook_url) AS TEXT) AS url,
    CAST(COALESCE(x.doc, p.extra, '') AS TEXT) AS extra
FROM deliveries AS d JOIN events AS e ON e.id = d.event_id JOIN apps AS a ON a.id = d.app_id
    LEFT JOIN orders AS r ON r.id = d.order_id LEFT JOIN outgoing AS p ON p.id = d.order_id
    LEFT JOIN order_extra AS x ON x.order_id = COALESCE(NULLIF(r.home_id, ''), r.id)
WHERE d.id = @id;

-- name: LockDeliveriesOf :exec
-- Makes whoever leases a delivery of this order wait for the others, on any node: the order's
-- first delivery stands for all. Without it two could each miss that the other was being leased.
-- min(id) as it stands, PostgreSQL may look for through all ids.
UPDATE deliveries SET fence = fence WHERE id = (SELECT min(o.id || '') FROM deliveries AS o WHERE o.order_id = @order_id);

-- name: EndRetries :exec
-- Ends the retries of news that is not final and that younger news of the order has overtaken
-- while an attempt was in flight.
UPDATE deliveries AS d SET status = 'superseded'
WHERE d.id = @id AND d.status = 'waiting' AND NOT d.final AND d.attempts > 0 AND d.leased_until <= @now
    AND EXISTS (SELECT 1 FROM deliveries AS o JOIN events AS e ON e.id = o.event_id
        WHERE o.order_id = d.order_id AND (o.sequence, o.event_id) > (d.sequence, d.event_id) AND e.kind <> 'transfer.seen');

-- name: LeaseDelivery :exec
-- Leases a delivery that is still as it was read, and fixes the bytes that every attempt sends, once. A lease of the
-- same owner and end is one that was taken already: a second run has it too.
UPDATE deliveries AS d SET lease_owner = @lease_owner, leased_until = @leased_until, fence = CAST(@fence AS BIGINT) + 1,
    body = CASE WHEN length(d.body) = 0 THEN @body ELSE d.body END
WHERE d.id = @id AND d.status = 'waiting' AND d.attempts = @attempts AND d.due_at = @due_at
    AND (d.fence = CAST(@fence AS BIGINT) AND d.leased_until <= @now
        OR d.fence = CAST(@fence AS BIGINT) + 1 AND d.lease_owner = @lease_owner AND d.leased_until = @leased_until)
    AND (SELECT count(*) FROM deliveries AS o WHERE o.order_id = d.order_id AND o.id <> d.id
        AND o.status || '' = 'waiting' AND o.leased_until > @now) = 0;

-- name: LockDelivery :exec
UPDATE deliveries SET fence = fence WHERE id = @id;

-- name: UpdateDelivery :exec
-- Writes an attempt's outcome and ends the lease, if this fence still holds it.
UPDATE deliveries SET status = @status, attempts = @attempts, due_at = @due_at, lease_owner = '', leased_until = 0
WHERE id = @id AND fence = @fence AND lease_owner = @lease_owner;

-- name: NewerDelivery :one
-- Whether the order has news younger than this event. An older event that is sent again is none, and neither is what is
-- on its way to be confirmed.
SELECT count(*) FROM deliveries AS d JOIN events AS e ON e.id = d.event_id
WHERE d.order_id = @order_id AND (d.sequence, d.event_id) > (CAST(@sequence AS BIGINT), CAST(@event_id AS TEXT)) AND e.kind <> 'transfer.seen';

-- name: InsertAttempt :exec
-- Beside an outcome that this fence has written; a second run adds nothing.
INSERT INTO attempts (delivery_id, n, at, url, headers, status, answer, error, took_micros)
SELECT d.id, d.attempts, @at, @url, @headers, @status, @answer, @error, @took_micros FROM deliveries AS d
WHERE d.id = @delivery_id AND d.fence = @fence AND d.lease_owner = '' AND d.attempts = @n
ON CONFLICT (delivery_id, n) DO NOTHING;

-- name: Attempts :many
SELECT * FROM attempts WHERE delivery_id = @delivery_id ORDER BY n LIMIT 100;

-- name: EventDeliveries :many
SELECT * FROM deliveries WHERE event_id = @event_id ORDER BY id LIMIT 100;

-- name: OrderDeliveries :many
SELECT * FROM deliveries WHERE order_id = @order_id ORDER BY sequence, id LIMIT 1000;

-- name: OrderEvents :many
SELECT * FROM events WHERE order_id = @order_id ORDER BY sequence, id LIMIT 1000;

-- name: EventsOfKind :many
SELECT * FROM events WHERE order_id = @order_id AND kind || '' = CAST(@kind AS TEXT) ORDER BY id LIMIT @max_rows;
