package payprotocol

import "florin/internal/payment"

// What paymentStatus may be. Zero is success.
const (
	statusPaid      = 0
	statusPending   = 1 // nothing came yet
	statusConfirm   = 2 // a transfer is on its way
	statusPartial   = 3 // confirmed, and less than is due
	statusFailed    = 4 // over, and nothing usable came
	statusRefunded  = 5 // all that came was paid back
	paymentStatuses = 6
)

// paymentStatus is what Pay Protocol calls an order, from its facts alone; confirming says that a
// transfer to it waits for confirmations: what comes after its end does not count. What was paid in part stays so when
// its time is over, and what a reorg takes from a paid order has no word (rulings G20).
func paymentStatus(f payment.Facts, confirming bool) int64 {
	switch {
	case paidBack(f):
		return statusRefunded
	case f.State == payment.OrderPaid:
		return statusPaid
	case !f.Received.IsZero():
		return statusPartial
	case f.State == payment.OrderOpen && confirming:
		return statusConfirm
	case f.State == payment.OrderOpen:
		return statusPending
	}
	return statusFailed
}

// paidBack reports whether all that counted was paid back; what was taken beside it may have been, too.
func paidBack(f payment.Facts) bool {
	more, err := f.Refunded.Cmp(f.Received)
	return !f.Received.IsZero() && err == nil && more >= 0
}

// What refundStatus and withdrawStatus may be.
const (
	outSuccess  = 0
	outApproval = 1 // somebody has to approve it
	outReview   = 2 // accepted, and not sent yet
	outConfirm  = 3 // sent
	outFailure  = 4
	outRejected = 5 // it never had a transaction
)

// outStatus is what Pay Protocol calls money on its way out.
func outStatus(state payment.PayoutState, approval bool, txID string) int64 {
	switch state {
	case payment.PayoutPaid:
		return outSuccess
	case payment.PayoutHeld:
		if approval {
			return outApproval
		}
		return outReview
	case payment.PayoutReady:
		return outReview
	case payment.PayoutNumbered, payment.PayoutSent:
		return outConfirm
	}
	if txID == "" {
		return outRejected
	}
	return outFailure
}

// What rechargeStatus and handleStatus may be.
const (
	doneSuccess = 0
	donePending = 1
	doneFailure = 2
)

// rechargeStatus is what Pay Protocol calls what a user was paid: there is none before it is confirmed.
func rechargeStatus(f payment.Facts) int64 {
	if !f.Received.IsZero() && f.Reversed == f.Received {
		return doneFailure
	}
	return doneSuccess
}

// handleStatus is what becomes of an abnormal payment.
var handleStatus = map[payment.DeskStatus]int64{
	payment.DeskResolved: doneSuccess,
	payment.DeskOpen:     donePending,
	payment.DeskVoid:     doneFailure,
}

// handleMethod is how it was handled; the first two may be asked for.
var handleMethod = map[payment.Resolution]int64{
	payment.Unresolved: 0,
	payment.Attached:   methodRepair,
	payment.Credited:   methodCredit,
	payment.Refunded:   3,
	payment.WrittenOff: 4,
	payment.Swept:      5,
	payment.Returned:   6,
}

const (
	methodRepair = 1 // the order is changed to fit and is paid
	methodCredit = 2 // the merchant has it beside the order
)

// abnormalType is why a payment is abnormal.
var abnormalType = map[payment.Reason]string{
	payment.ReasonUnder:      "UNDER_RANGE",
	payment.ReasonOver:       "OVER_RANGE",
	payment.ReasonWrongAsset: "WRONG_CURRENCY",
	payment.ReasonWrongChain: "WRONG_CHAIN",
	payment.ReasonUnlisted:   "UNKNOWN_CURRENCY",
	payment.ReasonBeyond:     "UNKNOWN_CURRENCY",
	payment.ReasonLate:       "LATE",
	payment.ReasonDuplicate:  "DUPLICATE",
	payment.ReasonUnchosen:   "WRONG_CURRENCY",
	payment.ReasonReversed:   "REVERSED",
	payment.ReasonInternal:   "INTERNAL",
	payment.ReasonClosed:     "CLOSED",
}
