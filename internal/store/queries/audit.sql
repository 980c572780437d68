-- name: Orphans :many
-- Rows whose parent is missing: the hot tables carry no foreign keys.
SELECT CAST('app ' || a.id || ' has no merchant' AS TEXT) AS fault FROM apps AS a
WHERE NOT EXISTS (SELECT 1 FROM merchants AS m WHERE m.id = a.merchant_id)
UNION ALL SELECT CAST('key ' || k.id || ' has no app' AS TEXT) FROM app_keys AS k
WHERE NOT EXISTS (SELECT 1 FROM apps AS a WHERE a.id = k.app_id)
UNION ALL SELECT CAST('token ' || t.id || ' has no app' AS TEXT) FROM api_tokens AS t
WHERE NOT EXISTS (SELECT 1 FROM apps AS a WHERE a.id = t.app_id)
UNION ALL SELECT CAST('order ' || o.id || ' has no app' AS TEXT) FROM orders AS o
WHERE NOT EXISTS (SELECT 1 FROM apps AS a WHERE a.id = o.app_id)
UNION ALL SELECT CAST('address ' || d.address || ' has no order' AS TEXT) FROM deposit_addresses AS d
WHERE NOT EXISTS (SELECT 1 FROM orders AS o WHERE o.id = d.order_id)
UNION ALL SELECT CAST('transfer ' || t.txid || ' has no order' AS TEXT) FROM transfers AS t
WHERE t.order_id NOT LIKE 'operator:%' AND NOT EXISTS (SELECT 1 FROM orders AS o WHERE o.id = t.order_id)
UNION ALL SELECT CAST('posting of ' || p.entry_id || ' has no entry' AS TEXT) FROM postings AS p
WHERE NOT EXISTS (SELECT 1 FROM entries AS e WHERE e.id = p.entry_id)
UNION ALL SELECT CAST('event ' || e.id || ' has no order' AS TEXT) FROM events AS e
WHERE NOT EXISTS (SELECT 1 FROM orders AS o WHERE o.id = e.order_id) AND NOT EXISTS (SELECT 1 FROM outgoing AS p WHERE p.id = e.order_id)
UNION ALL SELECT CAST('delivery ' || d.id || ' has no event' AS TEXT) FROM deliveries AS d
WHERE NOT EXISTS (SELECT 1 FROM events AS e WHERE e.id = d.event_id)
UNION ALL SELECT CAST('attempt of ' || n.delivery_id || ' has no delivery' AS TEXT) FROM attempts AS n
WHERE NOT EXISTS (SELECT 1 FROM deliveries AS d WHERE d.id = n.delivery_id)
UNION ALL SELECT CAST('work for ' || w.order_id || ' has no order' AS TEXT) FROM order_work AS w
WHERE w.order_id NOT LIKE 'operator:%' AND NOT EXISTS (SELECT 1 FROM orders AS o WHERE o.id = w.order_id)
UNION ALL SELECT CAST('payout ' || g.id || ' has no app' AS TEXT) FROM outgoing AS g
WHERE g.kind <> 'sweep' AND NOT EXISTS (SELECT 1 FROM apps AS a WHERE a.id = g.app_id)
UNION ALL SELECT CAST('an item of ' || i.outgoing_id || ' has no sweep' AS TEXT) FROM sweep_items AS i
WHERE NOT EXISTS (SELECT 1 FROM outgoing AS g WHERE g.id = i.outgoing_id)
UNION ALL SELECT CAST('transfer ' || t.txid || ' was taken by no sweep' AS TEXT) FROM transfers AS t
WHERE t.swept_by <> '' AND t.swept_by NOT LIKE 'flushed:%' AND NOT EXISTS (SELECT 1 FROM outgoing AS g WHERE g.id = t.swept_by)
UNION ALL SELECT CAST('version ' || v.txid || ' has no payout' AS TEXT) FROM outgoing_txs AS v
WHERE NOT EXISTS (SELECT 1 FROM outgoing AS g WHERE g.id = v.outgoing_id)
UNION ALL SELECT CAST('number ' || n.nonce || ' of ' || n.sender || ' has no payout' AS TEXT) FROM nonces AS n
WHERE NOT EXISTS (SELECT 1 FROM outgoing AS g WHERE g.id = n.outgoing_id)
UNION ALL SELECT CAST('desk row ' || d.id || ' has no transfer' AS TEXT) FROM desk AS d
WHERE NOT EXISTS (SELECT 1 FROM transfers AS t WHERE t.chain = d.chain AND t.txid = d.txid AND t.position = d.position)
UNION ALL SELECT CAST('refund ' || g.id || ' has no order' AS TEXT) FROM outgoing AS g
WHERE g.kind = 'refund' AND NOT EXISTS (SELECT 1 FROM orders AS o WHERE o.id = g.order_id)
UNION ALL SELECT CAST('link of ' || l.outgoing_id || ' has no refund' AS TEXT) FROM refund_links AS l
WHERE NOT EXISTS (SELECT 1 FROM outgoing AS g WHERE g.id = l.outgoing_id)
ORDER BY fault LIMIT 100;

-- name: AwaitedOrders :one
-- Open orders past their deadline, quoted in an asset whose stored form ends as asked: they wait
-- for their chain to pass the deadline.
SELECT count(*) FROM orders WHERE state = 'open' AND deadline < @now AND asset LIKE CAST(@assets AS TEXT);
