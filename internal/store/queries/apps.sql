-- name: Setting :one
SELECT value FROM settings WHERE key = @key;

-- name: InsertSetting :exec
INSERT INTO settings (key, value) VALUES (@key, @value) ON CONFLICT (key) DO NOTHING;

-- name: InsertMerchant :exec
INSERT INTO merchants (id, name, email, next_address, created_at) VALUES (@id, @name, @email, 0, @created_at);

-- name: Merchant :one
SELECT id, name, email, next_address, created_at FROM merchants WHERE id = @id;

-- name: Merchants :many
-- All merchants by id. Pass '' to begin, then the last id seen.
SELECT id, name, email, next_address, created_at FROM merchants WHERE id > @after ORDER BY id LIMIT @max_rows;

-- name: TakeAddressIndex :one
-- The next index of the merchant's deposit addresses, given once.
UPDATE merchants SET next_address = next_address + 1 WHERE id = @id RETURNING next_address - 1;

-- name: InsertApp :exec
INSERT INTO apps (id, merchant_id, protocol, kind, mode, status, webhook_url, settle, fee_bps, rate_per_second, burst, options, created_at)
VALUES (@id, @merchant_id, @protocol, @kind, @mode, 'active', @webhook_url, @settle, @fee_bps, @rate_per_second, @burst, @options, @created_at)
ON CONFLICT (id) DO NOTHING;

-- name: App :one
SELECT id, merchant_id, protocol, kind, mode, status, webhook_url, settle, fee_bps, rate_per_second, burst, options, created_at
FROM apps WHERE id = @id;

-- name: LockApp :one
-- Locks the app until the transaction ends.
UPDATE apps SET status = status WHERE id = @id RETURNING status;

-- name: Apps :many
-- All apps by id. Pass '' to begin, then the last id seen.
SELECT id, merchant_id, protocol, kind, mode, status, webhook_url, settle, fee_bps, rate_per_second, burst, options, created_at
FROM apps WHERE id > @after ORDER BY id LIMIT @max_rows;

-- name: RevokeApp :one
UPDATE apps SET status = 'revoked' WHERE id = @id RETURNING id;

-- name: InsertAppKey :exec
INSERT INTO app_keys (id, app_id, sealed, created_at, retires_at) VALUES (@id, @app_id, @sealed, @created_at, 0)
ON CONFLICT (id) DO NOTHING;

-- name: RetireAppKeys :exec
-- Gives the app's keys an end, but the new one; those that had one end no later than now asked for.
UPDATE app_keys SET retires_at = @retires_at WHERE app_id = @app_id AND (retires_at = 0 OR retires_at > @retires_at) AND id <> @new_id;

-- name: AppKeys :many
-- The app's keys that are good at now, newest first.
SELECT id, app_id, sealed, created_at, retires_at FROM app_keys
WHERE app_id = @app_id AND (retires_at = 0 OR retires_at > @now) ORDER BY id DESC LIMIT 4;
