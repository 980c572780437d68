-- name: InsertUnsealed :exec
INSERT INTO unsealed (ref, kind) VALUES (@ref, @kind);

-- name: InsertFirstUnsealed :exec
-- Only beside an event that was inserted.
INSERT INTO unsealed (ref, kind) SELECT id, @kind FROM events WHERE id = @ref;

-- name: Unsealed :many
SELECT ref, kind FROM unsealed ORDER BY ref LIMIT @max_rows;

-- name: CountUnsealed :one
SELECT count(*) FROM unsealed;

-- name: DeleteUnsealed :exec
DELETE FROM unsealed WHERE ref = @ref;

-- name: LastSeal :one
SELECT seq, kind, ref, hash, prev FROM seals ORDER BY seq DESC LIMIT 1;

-- name: Seals :many
SELECT seq, kind, ref, hash, prev FROM seals WHERE seq > @after ORDER BY seq LIMIT @max_rows;

-- name: InsertSeal :exec
INSERT INTO seals (seq, kind, ref, hash, prev) VALUES (@seq, @kind, @ref, @hash, @prev);

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
