// Package payprotocol speaks Pay Protocol's merchant API: payment orders with a page or an address of
// their own, refunds, users with addresses for good and what they are paid (recharges), withdrawals,
// and the payments that could not be matched. The contract, its sources and where we had to decide are
// in docs/protocols/payprotocol.md; it was read on 2026-11-21.
//
// A request is checked in this order, and the first that fails is the answer: too many failures of its
// source (429), headers, key, time and signature (401), the app's rate (429), fields (400), the trade
// (400, 403, 404, 409). Answers are not signed: TLS alone protects them. Callbacks are.
//
// Zero is success: paymentStatus and its like are never left out.
package payprotocol
