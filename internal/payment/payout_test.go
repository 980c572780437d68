package payment

import "testing"

func TestI11_StepsOfAPayout(t *testing.T) {
	allowed := map[[2]PayoutState]bool{
		{PayoutHeld, PayoutReady}: true, {PayoutHeld, PayoutFailed}: true, {PayoutReady, PayoutNumbered}: true,
		{PayoutReady, PayoutFailed}: true, {PayoutNumbered, PayoutSent}: true, {PayoutSent, PayoutPaid}: true, {PayoutSent, PayoutFailed}: true,
	}
	for _, a := range PayoutStates() {
		for _, b := range PayoutStates() {
			if got := a.MayBecome(b); got != (a == b || allowed[[2]PayoutState{a, b}]) {
				t.Errorf("%s to %s: %t", a, b, got)
			}
		}
		kind, ok := NewsOfPayout(Payout{State: a})
		if ok != a.Final() || ok && !kind.Final() {
			t.Errorf("%s is told as %q, %t", a, kind, ok)
		}
	}
}
