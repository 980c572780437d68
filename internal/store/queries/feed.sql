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
