-- name: CustodySums :many
-- What all entries ever posted to a chain's custody: digits in groups of nine, the highest first, so that both engines
-- add them exactly. One statement sees the books at one moment.
SELECT asset, side, CAST(count(*) AS BIGINT) AS lines,
    CAST(SUM(CASE WHEN length(units) > 27 THEN CAST(substr('000000000000000000000000000000000000000000000000000000000000000000000000000000000' || units, length(units) + 1, 9) AS BIGINT) ELSE 0 END) AS BIGINT) AS part8,
    CAST(SUM(CASE WHEN length(units) > 27 THEN CAST(substr('000000000000000000000000000000000000000000000000000000000000000000000000000000000' || units, length(units) + 10, 9) AS BIGINT) ELSE 0 END) AS BIGINT) AS part7,
    CAST(SUM(CASE WHEN length(units) > 27 THEN CAST(substr('000000000000000000000000000000000000000000000000000000000000000000000000000000000' || units, length(units) + 19, 9) AS BIGINT) ELSE 0 END) AS BIGINT) AS part6,
    CAST(SUM(CASE WHEN length(units) > 27 THEN CAST(substr('000000000000000000000000000000000000000000000000000000000000000000000000000000000' || units, length(units) + 28, 9) AS BIGINT) ELSE 0 END) AS BIGINT) AS part5,
    CAST(SUM(CASE WHEN length(units) > 27 THEN CAST(substr('000000000000000000000000000000000000000000000000000000000000000000000000000000000' || units, length(units) + 37, 9) AS BIGINT) ELSE 0 END) AS BIGINT) AS part4,
    CAST(SUM(CASE WHEN length(units) > 27 THEN CAST(substr('000000000000000000000000000000000000000000000000000000000000000000000000000000000' || units, length(units) + 46, 9) AS BIGINT) ELSE 0 END) AS BIGINT) AS part3,
    CAST(SUM(CAST(substr('000000000000000000000000000' || units, length(units) + 1, 9) AS BIGINT)) AS BIGINT) AS part2,
    CAST(SUM(CAST(substr('000000000000000000000000000' || units, length(units) + 10, 9) AS BIGINT)) AS BIGINT) AS part1,
    CAST(SUM(CAST(substr('000000000000000000000000000' || units, length(units) + 19, 9) AS BIGINT)) AS BIGINT) AS part0
FROM postings WHERE kind = 'custody' AND owner = @owner GROUP BY asset, side ORDER BY asset, side LIMIT 10000;

-- name: LyingTransfers :many
-- Booked transfers at deposit addresses that nothing took away, by address. Pass '' three times to begin, then the last
-- row's.
SELECT t.txid, t.position, t.recipient, t.asset, t.units FROM transfers AS t
WHERE t.chain = @chain AND t.swept_by = '' AND t.booked <> '' AND t.booked <> 'operator' AND t.listed
    AND (t.recipient, t.txid, t.position) > (CAST(@after_recipient AS TEXT), CAST(@after_txid AS TEXT), CAST(@after_position AS TEXT))
ORDER BY t.recipient, t.txid, t.position LIMIT @max_rows;

-- name: UnsettledUpTo :one
-- How many transfers in blocks up to height wait for their settling, counted to one.
SELECT count(*) FROM (
    SELECT 1 FROM order_work AS w JOIN transfers AS t ON t.order_id = w.order_id
    WHERE t.chain = @chain AND (t.removed AND t.status <> 'dropped' OR NOT t.removed AND t.status <> 'confirmed' AND t.block_height <= @height)
    LIMIT 1) AS one;

-- name: BookedAbove :one
-- How many transfers, and how many of our own transactions, in blocks above height are booked, counted to one each.
SELECT CAST((SELECT count(*) FROM (SELECT 1 FROM transfers AS t WHERE t.chain = @chain AND t.block_height > @height AND t.booked <> '' LIMIT 1) AS a)
    + (SELECT count(*) FROM (SELECT 1 FROM outgoing AS o WHERE o.chain = @chain AND o.block_height > 0 AND o.block_height > @height AND o.state IN ('paid', 'failed') LIMIT 1) AS b)
    AS BIGINT) AS n;

-- name: ReconcileResult :one
SELECT * FROM reconcile_results WHERE chain = @chain AND asset = @asset;

-- name: ReconcileResults :many
SELECT * FROM reconcile_results ORDER BY chain, asset LIMIT 10000;

-- name: SaveReconcileResult :exec
INSERT INTO reconcile_results (chain, asset, height, hash, books_units, chain_units, addresses, rounds, checked_at)
VALUES (@chain, @asset, @height, @hash, @books_units, @chain_units, @addresses, @rounds, @checked_at)
ON CONFLICT (chain, asset) DO UPDATE SET height = excluded.height, hash = excluded.hash, books_units = excluded.books_units,
    chain_units = excluded.chain_units, addresses = excluded.addresses, rounds = excluded.rounds, checked_at = excluded.checked_at;

-- name: TouchedAccount :one
-- How many of our own transactions leave from an account, or have brought something to it.
SELECT CAST((SELECT count(*) FROM nonces AS n WHERE n.chain = @chain AND n.sender = @address)
    + (SELECT count(*) FROM sweep_items AS i WHERE i.chain = @chain AND i.destination = @address AND i.outcome <> 'void') AS BIGINT) AS n;
