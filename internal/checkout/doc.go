// Package checkout is the payer's page (docs/checkout.md): what is bought, in what
// it can be paid, where to send it, and how far the payment is. The page is
// whole without script; the script fetches the same page again when the order
// changed and swaps what differs. It shows a fixed list of facts (View), and
// the only thing a payer can change is the choice among the offered assets:
// price, address and state always come from the server (threats B03, B18). He
// can name a transaction that does not show, which changes nothing either
// (C23), and on a page of its own the address of a refund.
package checkout
