-- name: InsertEntry :exec
INSERT INTO entries (id, ref, order_id, created_at) VALUES (@id, @ref, @order_id, @created_at);

-- name: InsertPosting :exec
INSERT INTO postings (entry_id, line, kind, owner, asset, side, units) VALUES (@entry_id, @line, @kind, @owner, @asset, @side, @units);

-- name: EntryByRef :one
SELECT id, ref, order_id, created_at FROM entries WHERE ref = @ref;

-- name: Entry :one
SELECT id, ref, order_id, created_at FROM entries WHERE id = @id;

-- name: Entries :many
-- All entries by id. Pass '' to begin, then the last id seen.
SELECT id, ref, order_id, created_at FROM entries WHERE id > @after ORDER BY id LIMIT @max_rows;

-- name: Postings :many
SELECT entry_id, line, kind, owner, asset, side, units FROM postings WHERE entry_id = @entry_id ORDER BY line LIMIT 100;

-- name: OpenBalance :exec
INSERT INTO balances (kind, owner, asset, debit_units, credit_units, version) VALUES (@kind, @owner, @asset, '0', '0', 1)
ON CONFLICT (kind, owner, asset) DO NOTHING;

-- name: LockBalance :one
UPDATE balances SET version = version + 1 WHERE kind = @kind AND owner = @owner AND asset = @asset RETURNING debit_units, credit_units;

-- name: UpdateBalance :exec
UPDATE balances SET debit_units = @debit_units, credit_units = @credit_units WHERE kind = @kind AND owner = @owner AND asset = @asset;

-- name: Balance :one
SELECT debit_units, credit_units FROM balances WHERE kind = @kind AND owner = @owner AND asset = @asset;

-- name: Balances :many
-- All kept balances by key. Pass '' three times to begin, then the last row's key.
SELECT kind, owner, asset, debit_units, credit_units FROM balances
WHERE (kind, owner, asset) > (CAST(@after_kind AS TEXT), CAST(@after_owner AS TEXT), CAST(@after_asset AS TEXT)) ORDER BY kind, owner, asset LIMIT @max_rows;
