-- name: InsertUnsealed :exec
INSERT INTO unsealed (ref, kind) VALUES (@ref, @kind);

-- name: UnsealedEvents :many
-- Events without a place in the chain, by id.
SELECT e.* FROM unsealed AS u CROSS JOIN events AS e WHERE u.kind = 'event' AND e.id = u.ref ORDER BY u.ref LIMIT @max_rows;

-- name: UnsealedEntries :many
-- Entries without a place in the chain, at most max_rows of them, a row for each posting, by id and line.
SELECT e.id, e.ref, e.order_id, e.created_at, p.line, p.kind, p.owner, p.asset, p.side, p.units
FROM (SELECT i.ref FROM unsealed AS i WHERE i.kind = 'entry' ORDER BY i.ref LIMIT @max_rows) AS u
    CROSS JOIN entries AS e CROSS JOIN postings AS p
WHERE e.id = u.ref AND p.entry_id = e.id ORDER BY e.id, p.line;

-- name: CountUnsealed :one
SELECT count(*) FROM unsealed;

-- name: DeleteSealed :exec
-- Takes what the seals from first to last number out of the queue.
DELETE FROM unsealed WHERE ref IN (SELECT s.ref FROM seals AS s WHERE s.seq BETWEEN @first AND @last);

-- name: SealedEvents :many
-- The events that the seals from first to last number.
SELECT e.* FROM seals AS s CROSS JOIN events AS e
WHERE s.seq BETWEEN @first AND @last AND e.id = s.ref ORDER BY s.seq LIMIT 10000;

-- name: SealedEntries :many
-- The entries that the seals from first to last number, a row for each posting.
SELECT e.id, e.ref, e.order_id, e.created_at, p.line, p.kind, p.owner, p.asset, p.side, p.units
FROM seals AS s CROSS JOIN entries AS e CROSS JOIN postings AS p
WHERE s.seq BETWEEN @first AND @last AND e.id = s.ref AND p.entry_id = e.id ORDER BY s.seq, p.line LIMIT 1000000;

-- name: StrayRefs :many
-- What is neither in the chain nor on its way into it, or both, or on its way and nowhere.
SELECT CAST('event ' || e.id || ' has no place in the chain' AS TEXT) AS fault FROM events AS e
WHERE NOT EXISTS (SELECT 1 FROM seals AS s WHERE s.ref = e.id) AND NOT EXISTS (SELECT 1 FROM unsealed AS u WHERE u.ref = e.id)
UNION ALL SELECT CAST('entry ' || e.id || ' has no place in the chain' AS TEXT) FROM entries AS e
WHERE NOT EXISTS (SELECT 1 FROM seals AS s WHERE s.ref = e.id) AND NOT EXISTS (SELECT 1 FROM unsealed AS u WHERE u.ref = e.id)
UNION ALL SELECT CAST(u.ref || ' is sealed and waits to be sealed' AS TEXT) FROM unsealed AS u
WHERE EXISTS (SELECT 1 FROM seals AS s WHERE s.ref = u.ref)
UNION ALL SELECT CAST(u.kind || ' ' || u.ref || ' waits to be sealed and is not there' AS TEXT) FROM unsealed AS u
WHERE NOT EXISTS (SELECT 1 FROM events AS e WHERE e.id = u.ref) AND NOT EXISTS (SELECT 1 FROM entries AS e WHERE e.id = u.ref)
ORDER BY fault LIMIT 100;

-- name: LastSeal :one
SELECT * FROM seals ORDER BY seq DESC LIMIT 1;

-- name: Seals :many
SELECT * FROM seals WHERE seq > @after ORDER BY seq LIMIT @max_rows;

-- name: InsertSeal :exec
INSERT INTO seals (seq, kind, ref, hash, prev, app_id) VALUES (@seq, @kind, @ref, @hash, @prev, @app_id);

-- name: TakeLease :one
-- Takes or renews a named lease; no row when somebody else holds it.
INSERT INTO leases (name, owner, leased_until, fence) VALUES (@name, @owner, @leased_until, 1)
ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, leased_until = excluded.leased_until,
    fence = CASE WHEN leases.owner = excluded.owner THEN leases.fence ELSE leases.fence + 1 END
WHERE leases.owner = excluded.owner OR leases.leased_until <= @now
RETURNING fence;

-- name: InsertSimRecord :exec
INSERT INTO sim_records (chain, seq, doc) VALUES (@chain, @seq, @doc);

-- name: SimRecords :many
SELECT seq, doc FROM sim_records WHERE chain = @chain AND seq > @after ORDER BY seq LIMIT @max_rows;

-- name: InsertSimCommand :exec
INSERT INTO sim_commands (id, command, status, answer, created_at) VALUES (@id, @command, 'waiting', '', @created_at);

-- name: SimCommand :one
SELECT status, answer FROM sim_commands WHERE id = @id;

-- name: WaitingSimCommands :many
SELECT id, command FROM sim_commands WHERE status = 'waiting' ORDER BY id LIMIT 20;

-- name: AnswerSimCommand :exec
UPDATE sim_commands SET status = @status, answer = @answer WHERE id = @id;
