// Package ccpayment speaks CCPayment's merchant API v1: hosted and native checkout, order queries,
// permanent addresses, withdrawals, token lists, rates, balances, and the webhooks that tell what
// became of them. The contract, its sources and where we had to decide are in
// docs/protocols/ccpayment.md; it was read on 2026-11-21.
//
// The signature is SHA-256 over app id, secret, time and body with nothing between them, so it can be
// extended by who sees one, and read with other boundaries. What makes it safe is what is asked
// besides (threats W01, W02): the time is ten digits, the body is empty or one strict JSON object to
// its last byte, it fits no other call that changes something, and it is neither an answer nor a
// webhook of ours.
//
// A request is checked in this order, and the first that fails is the answer: too many failures of
// its source (11004), headers (11001), app (12001), time (11001, 11006), signature (11005), a
// signature of another call (11005), the app's rate (11004), fields (11000 and what names them
// closer), the trade. Refusals are HTTP 200 with a code that is not 10000, and signed as soon as the
// app is known; a fault of ours is HTTP 500.
//
// Webhooks are API Deposit, Invoice, Direct Deposit, API Withdrawal and Refund. No call makes an invoice:
// see Invoice. Nothing is told before it is final, for nothing depends on it (pay_status pending and
// processing).
package ccpayment
