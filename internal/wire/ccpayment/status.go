package ccpayment

import "florin/internal/payment"

// overdue is the suffix of what came, or was complete, after the end.
const overdue = "(Overdue)"

// statusOf returns what CCPayment calls an order: status is the word that merchants' programs branch on,
// and shown is the row of the documented matrix, of what was paid by when (docs/protocols/ccpayment.md,
// "Status"). Only what is confirmed counts; an order that was paid stays so when a reorg takes
// its payment away, for there is no other word.
func statusOf(f payment.Facts) (status, shown string) {
	switch f.State {
	case payment.OrderPaid:
		status, shown = "Successful", "Paid"
		kept, err := f.Received.Sub(f.Reversed)
		if more, errCmp := kept.Cmp(f.Due); err == nil && errCmp == nil && more > 0 {
			shown = "Overpayment"
		}
		if f.Overdue() {
			shown += overdue
			status = shown
		}
	case payment.OrderExpired:
		if f.Received.IsZero() {
			return "Expired", "Expired"
		}
		return "Underpayment" + overdue, "Underpayment" + overdue
	default:
		status, shown = "Pending", "Awaiting payment"
		if !f.Received.IsZero() {
			shown = "Underpayment"
		}
	}
	return status, shown
}

// transferStatus is what CCPayment calls one payment of an order.
func transferStatus(t payment.Transfer) string {
	switch {
	case t.Booked == payment.BookedMerchant:
		return "Successful"
	case t.Status == payment.TransferConfirmed:
		return "Pending" // somebody has to look at it
	}
	return "Processing"
}

// payoutStatus is what CCPayment calls a withdrawal or a refund.
func payoutStatus(s payment.PayoutState) string {
	switch s {
	case payment.PayoutPaid:
		return "Successful"
	case payment.PayoutFailed:
		return "Failed"
	case payment.PayoutSent:
		return "Processing"
	}
	return "Pending"
}
