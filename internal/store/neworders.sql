-- What Tx.InsertNewOrder writes, on PostgreSQL and for many new orders in one statement: an element of each array is an
-- order, $33 its dialect's document ('' for none), $34 to $38 its first event. Answers with the orders that were inserted,
-- in byte order. The twin of queries/orders.sql InsertOrder, InsertOrderExtra, InsertEvent and InsertUnsealed.
WITH made AS (
    INSERT INTO orders (id, merchant_id, app_id, number, page, reference, label, home_id, request_hash, notify_url, return_url,
        product_name, product_image, product_description, price_currency, price_units, policy, state, asset,
        due_units, rate, usd, address, received_units, late_units, reversed_units, refunded_units, last_txid,
        created_at, deadline, paid_at, changed_at, version)
    SELECT unnest($1::text[]), unnest($2::text[]), unnest($3::text[]), unnest($4::text[]), unnest($5::text[]),
        unnest($6::text[]), unnest($7::text[]), unnest($8::text[]), unnest($9::text[]), unnest($10::text[]),
        unnest($11::text[]), unnest($12::text[]), unnest($13::text[]), unnest($14::text[]), unnest($15::text[]),
        unnest($16::text[]), unnest($17::text[]), unnest($18::text[]), unnest($19::text[]), unnest($20::text[]),
        unnest($21::text[]), unnest($22::text[]), unnest($23::text[]), unnest($24::text[]), unnest($25::text[]),
        unnest($26::text[]), unnest($27::text[]), unnest($28::text[]), unnest($29::bigint[]), unnest($30::bigint[]),
        unnest($31::bigint[]), unnest($32::bigint[]), 1
    ON CONFLICT (app_id, reference) DO NOTHING
    RETURNING id
), added AS (
    INSERT INTO order_extra (order_id, doc)
    SELECT u.id, u.doc FROM (SELECT unnest($1::text[]) AS id, unnest($33::text[]) AS doc) AS u JOIN made AS m ON m.id = u.id
    WHERE u.doc <> ''
), told AS (
    INSERT INTO events (id, kind, order_id, merchant_id, app_id, sequence, at, doc)
    SELECT u.event_id, u.kind, u.id, u.merchant_id, u.app_id, u.sequence, u.at, u.doc
    FROM (SELECT unnest($1::text[]) AS id, unnest($34::text[]) AS event_id, unnest($35::text[]) AS kind,
        unnest($2::text[]) AS merchant_id, unnest($3::text[]) AS app_id, unnest($36::bigint[]) AS sequence,
        unnest($37::bigint[]) AS at, unnest($38::text[]) AS doc) AS u JOIN made AS m ON m.id = u.id
    RETURNING id
), unchained AS (
    INSERT INTO unsealed (ref, kind) SELECT told.id, 'event' FROM told
)
SELECT made.id FROM made ORDER BY made.id LIMIT 1000
