package ledger

import "florin/internal/money"

// Settled books what waited at the exception desk and a person gave to a merchant: less the fee, as a
// deposit of its own would have been.
func Settled(ref, orderID, merchantID, chainName string, gross, fee money.Amount) (Entry, error) {
	e, err := Deposit(ref, orderID, merchantID, chainName, gross, fee)
	if err != nil {
		return e, err
	}
	e.Postings[0].Account.Kind = Suspense
	return e, e.Check()
}

// DirectSettled books the same where the money lies at a forwarder that sends to the merchant's own
// wallet.
func DirectSettled(ref, orderID, merchantID, chainName string, amount money.Amount) (Entry, error) {
	return move(ref, orderID, amount, Account{Kind: Suspense, Owner: chainName}, Account{Kind: Direct, Owner: merchantID})
}

// WrittenOff books what waited at the exception desk and nobody wants: the operator has it.
func WrittenOff(ref, orderID, chainName string, amount money.Amount) (Entry, error) {
	return move(ref, orderID, amount, Account{Kind: Suspense, Owner: chainName}, Account{Kind: Operator, Owner: chainName})
}

// ReserveHeld books a refund of what waited at the exception desk: it is on its way.
func ReserveHeld(ref, refundID, merchantID, chainName string, amount money.Amount) (Entry, error) {
	return move(ref, refundID, amount, Account{Kind: Suspense, Owner: chainName}, Account{Kind: Payouts, Owner: merchantID})
}

// ReturnHeld books such a refund that was not made: the money waits at the exception desk again.
func ReturnHeld(ref, refundID, merchantID, chainName string, amount money.Amount) (Entry, error) {
	return move(ref, refundID, amount, Account{Kind: Payouts, Owner: merchantID}, Account{Kind: Suspense, Owner: chainName})
}

// ReturnLost books such a refund that was not made, of a transfer that a reorg took away meanwhile:
// the operator, who bore that loss, has it back.
func ReturnLost(ref, refundID, merchantID, chainName string, amount money.Amount) (Entry, error) {
	return move(ref, refundID, amount, Account{Kind: Payouts, Owner: merchantID}, Account{Kind: Operator, Owner: chainName})
}

// Lost books a transfer that a reorg took away after the exception desk had given away what it
// brought: the operator bears the loss.
func Lost(ref, orderID, chainName string, amount money.Amount) (Entry, error) {
	return move(ref, orderID, amount, Account{Kind: Operator, Owner: chainName}, Account{Kind: Custody, Owner: chainName})
}

// Found books such a transfer that came back: the operator's loss is made good.
func Found(ref, orderID, chainName string, amount money.Amount) (Entry, error) {
	return move(ref, orderID, amount, Account{Kind: Custody, Owner: chainName}, Account{Kind: Operator, Owner: chainName})
}
