-- name: FeesPaidSince :one
-- What a chain took for our transactions that are final, of those booked since a time: digits in groups of nine, the
-- highest first, so that both engines add them exactly.
SELECT CAST(COALESCE(SUM(CAST(substr('000000000000000000000000000' || fee_units, length(fee_units) + 1, 9) AS BIGINT)), 0) AS BIGINT) AS part2,
    CAST(COALESCE(SUM(CAST(substr('000000000000000000000000000' || fee_units, length(fee_units) + 10, 9) AS BIGINT)), 0) AS BIGINT) AS part1,
    CAST(COALESCE(SUM(CAST(substr('000000000000000000000000000' || fee_units, length(fee_units) + 19, 9) AS BIGINT)), 0) AS BIGINT) AS part0
FROM outgoing WHERE chain = @chain AND changed_at >= @since AND fee_units <> '0';

-- name: FeesOnTheWay :many
-- What each signed version of what has a number may cost at most: empty where none is signed yet.
SELECT o.id, o.fee_cap_units, CAST(COALESCE(t.most_units, '') AS TEXT) AS most_units
FROM outgoing AS o LEFT JOIN outgoing_txs AS t ON t.outgoing_id = o.id
WHERE o.state <> 'paid' AND o.state <> 'failed' AND o.chain = @chain AND (o.nonce >= 0 OR o.state = 'sent')
ORDER BY o.id, t.txid LIMIT 10000;
