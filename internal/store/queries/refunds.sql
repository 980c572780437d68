-- name: PromisedRefunds :many
-- What refunds of an order were made or may still be made of, unclaimed links among them.
SELECT units FROM outgoing WHERE kind = 'refund' AND order_id = @order_id AND asset = @asset AND desk_id = '' AND state <> 'failed' ORDER BY id LIMIT @max_rows;

-- name: CreditedUnits :many
-- What the books, which nobody can change, credited a merchant with for an order, of transfers that stand: of each
-- entry once, for rows of transfers that somebody makes can spell the key of another.
SELECT p.units FROM transfers AS t
    JOIN entries AS e ON e.ref IN ('deposit:' || t.chain || ':' || t.txid || ':' || t.position || '#' || t.credits,
        'desk:' || t.chain || ':' || t.txid || ':' || t.position || '#' || t.credits)
    JOIN postings AS p ON p.entry_id = e.id AND p.line = 0
    JOIN postings AS c ON c.entry_id = e.id AND c.line = 1
WHERE t.order_id = @order_id AND t.booked = 'merchant' AND NOT t.removed AND e.order_id = t.order_id AND p.asset = @asset
    AND c.kind IN ('merchant', 'fees') AND c.owner = @merchant_id
    AND NOT EXISTS (SELECT 1 FROM entries AS r WHERE r.ref = 'reversal:' || e.ref)
GROUP BY e.id, p.units ORDER BY e.id LIMIT 1000000;

-- name: RefundsOfRow :one
-- How many refunds of what a row of the exception desk holds were made, or may still be made, counted to one.
SELECT count(*) FROM (
    SELECT 1 FROM outgoing WHERE kind = 'refund' AND order_id = @order_id AND desk_id = @desk_id AND state <> 'failed' LIMIT 1) AS one;

-- name: InsertRefundLink :exec
INSERT INTO refund_links (outgoing_id, token_hash, ends_at, claimed_at) VALUES (@outgoing_id, @token_hash, @ends_at, 0);

-- name: RefundLink :one
SELECT * FROM refund_links WHERE outgoing_id = @outgoing_id;

-- name: RefundLinkByToken :one
SELECT * FROM refund_links WHERE token_hash = @token_hash;

-- name: ClaimRefundLink :exec
UPDATE refund_links SET claimed_at = @claimed_at WHERE outgoing_id = @outgoing_id;

-- name: AddressOutgoing :exec
-- Says where a refund goes whose payer was to say so, of a row that the transaction has locked.
UPDATE outgoing SET recipient = @recipient, approval = @approval, held_until = @held_until, digest = @digest, state = @state,
    reason = @reason, due_at = @due_at, changed_at = @changed_at
WHERE id = @id AND recipient = '';

-- name: Refund :one
-- A refund with its order and its link, if it has one.
SELECT sqlc.embed(g), o.number AS order_number, o.reference AS order_reference, CAST(COALESCE(l.ends_at, 0) AS BIGINT) AS ends_at
FROM outgoing AS g JOIN orders AS o ON o.id = g.order_id LEFT JOIN refund_links AS l ON l.outgoing_id = g.id
WHERE g.id = @id AND g.kind = 'refund';

-- name: Refunds :many
-- Refunds by id; '' asks for nothing, as @after begins.
SELECT sqlc.embed(g), o.number AS order_number, o.reference AS order_reference, CAST(COALESCE(l.ends_at, 0) AS BIGINT) AS ends_at
FROM outgoing AS g JOIN orders AS o ON o.id = g.order_id LEFT JOIN refund_links AS l ON l.outgoing_id = g.id
WHERE g.kind = 'refund' AND g.id > @after AND (CAST(@merchant_id AS TEXT) = '' OR g.merchant_id = @merchant_id)
    AND (CAST(@app_id AS TEXT) = '' OR g.app_id = @app_id) AND (CAST(@order_id AS TEXT) = '' OR g.order_id = @order_id)
    AND g.created_at >= @since AND g.created_at < @until
ORDER BY g.id LIMIT @max_rows OFFSET @skip_rows;

-- name: RefundsNewest :many
-- The same, the youngest first.
SELECT sqlc.embed(g), o.number AS order_number, o.reference AS order_reference, CAST(COALESCE(l.ends_at, 0) AS BIGINT) AS ends_at
FROM outgoing AS g JOIN orders AS o ON o.id = g.order_id LEFT JOIN refund_links AS l ON l.outgoing_id = g.id
WHERE g.kind = 'refund' AND (CAST(@after AS TEXT) = '' OR g.id < @after) AND (CAST(@merchant_id AS TEXT) = '' OR g.merchant_id = @merchant_id)
    AND (CAST(@app_id AS TEXT) = '' OR g.app_id = @app_id) AND (CAST(@order_id AS TEXT) = '' OR g.order_id = @order_id)
    AND g.created_at >= @since AND g.created_at < @until
ORDER BY g.id DESC LIMIT @max_rows OFFSET @skip_rows;

-- name: RefundCount :one
SELECT count(*) FROM outgoing AS g
WHERE g.kind = 'refund' AND (CAST(@merchant_id AS TEXT) = '' OR g.merchant_id = @merchant_id)
    AND (CAST(@app_id AS TEXT) = '' OR g.app_id = @app_id) AND (CAST(@order_id AS TEXT) = '' OR g.order_id = @order_id)
    AND g.created_at >= @since AND g.created_at < @until;
