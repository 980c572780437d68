-- name: Feed :many
-- The news of an app behind a number, in the order of the numbers that the seals gave.
SELECT s.seq, sqlc.embed(e) FROM seals AS s CROSS JOIN events AS e
WHERE s.app_id = @app_id AND s.app_id <> '' AND s.seq > @after AND e.id = s.ref AND e.app_id = s.app_id
ORDER BY s.seq LIMIT @max_rows;

-- name: AppsWithNews :many
-- The apps that have news behind a number. With app_id as it stands, all of seals_news would be read for it.
SELECT DISTINCT CAST(s.app_id || '' AS TEXT) AS app_id FROM seals AS s WHERE s.seq > @after AND s.app_id || '' <> '' ORDER BY 1 LIMIT @max_rows;

-- name: InsertAPIToken :exec
INSERT INTO api_tokens (id, app_id, name, hash, created_at, revoked_at) VALUES (@id, @app_id, @name, @hash, @created_at, 0)
ON CONFLICT (id) DO NOTHING;

-- name: APITokenByHash :one
SELECT * FROM api_tokens WHERE hash = @hash;

-- name: APITokens :many
-- An app's tokens, the oldest first.
SELECT * FROM api_tokens WHERE app_id = @app_id ORDER BY id LIMIT 1000;

-- name: RevokeAPIToken :exec
UPDATE api_tokens SET revoked_at = @now WHERE id = @id AND app_id = @app_id AND revoked_at = 0;

-- name: ToldEvents :many
-- Events of an app, from since up to until, that its merchant is told of, by id: those that have a
-- delivery, whatever became of it. Those in flight wait as well. Pass the first and the last id that could be, then the
-- last one seen.
SELECT e.id, e.kind, d.order_id, d.sequence, d.final,
    (SELECT count(*) FROM deliveries AS o WHERE o.event_id = e.id AND o.status || '' = 'delivered') AS delivered,
    (SELECT count(*) FROM deliveries AS o WHERE o.event_id = e.id AND o.status || '' = 'waiting') AS waiting,
    (SELECT count(*) FROM deliveries AS o WHERE o.event_id = e.id AND o.status || '' = 'waiting' AND o.leased_until > @now) AS in_flight,
    EXISTS (SELECT 1 FROM orders AS r WHERE r.id = d.order_id AND r.home_id <> '') AS deposit,
    CAST(COALESCE((SELECT r.reference FROM orders AS r WHERE r.id = d.order_id), '') AS TEXT) AS reference
FROM events AS e JOIN deliveries AS d ON d.id = (SELECT min(o.id || '') FROM deliveries AS o WHERE o.event_id = e.id)
WHERE e.id > @after AND e.id < @before AND e.app_id = @app_id AND e.at >= @since AND e.at < @until
ORDER BY e.id LIMIT @max_rows;

-- name: HastenDeliveries :exec
-- Makes what waits of an event, and is not in flight, due now.
UPDATE deliveries SET due_at = @now WHERE event_id = @event_id AND status || '' = 'waiting' AND leased_until <= @now AND due_at > @now;

-- name: ListDeliveries :many
-- Deliveries since an id and before another, the youngest first, of an app or with '' of all, with their last try. failed
-- leaves only those that were tried in vain, of events that did not arrive otherwise. Pass '~' to begin, then the last id seen.
SELECT d.id, d.event_id, e.kind, d.app_id, CAST(COALESCE(r.number, p.number, '') AS TEXT) AS number,
    CAST(COALESCE(r.reference, p.reference, '') AS TEXT) AS reference, d.status, d.attempts, d.due_at, d.created_at,
    CAST(COALESCE(t.at, 0) AS BIGINT) AS tried_at, CAST(COALESCE(t.url, '') AS TEXT) AS url, CAST(COALESCE(t.status, 0) AS BIGINT) AS http,
    COALESCE(t.answer, d.body) AS answer, CAST(COALESCE(t.error, '') AS TEXT) AS error
FROM deliveries AS d JOIN events AS e ON e.id = d.event_id LEFT JOIN orders AS r ON r.id = d.order_id
    LEFT JOIN outgoing AS p ON p.id = d.order_id LEFT JOIN attempts AS t ON t.delivery_id = d.id AND t.n = d.attempts
WHERE d.id >= @since AND d.id < @before AND (CAST(@app_id AS TEXT) = '' OR d.app_id = @app_id)
    AND (NOT CAST(@failed AS BOOLEAN) OR d.attempts > 0 AND d.status || '' IN ('waiting', 'exhausted')
        AND NOT EXISTS (SELECT 1 FROM deliveries AS o WHERE o.event_id = d.event_id AND o.status || '' = 'delivered'))
ORDER BY d.id DESC LIMIT @max_rows;
