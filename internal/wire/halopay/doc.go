// Package halopay speaks HaloPay's merchant API: hosted and native checkout, rates, token lists,
// balances, payouts and static payment codes, and the webhooks that tell what became of them. The
// contract, its sources and where we had to decide (D1 to D40) are in docs/protocols/halopay.md; it
// was read on 2026-11-21.
//
// A request is checked in this order, and the first that fails is the answer: too many failures of
// its source (20009), headers and app (10006), time (10007), signature (10008), kind of app
// (10006), a signature of another call (10008), the app's rate (20009), fields (10003), the trade
// (10002, 10004, 20003). Refusals are HTTP 200 like everything else, and signed as soon as the app
// is known.
package halopay
