package treasury_test

import (
	"encoding/base32"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"florin/internal/engine"
	"florin/internal/keys"
	"florin/internal/money"
	"florin/internal/payment"
)

// refused checks that err is the refusal code, of field if it is about one.
func (w *world) refused(err error, code payment.Code, field string) {
	w.t.Helper()
	var refused *payment.Error
	if !errors.As(err, &refused) || refused.Code != code || field != "" && refused.Field != field {
		w.t.Errorf("%v, want %s %s", err, code, field)
	}
}

func (w *world) rules(r engine.PayoutRules) {
	w.t.Helper()
	r.Enabled = true
	w.must(w.engine.SetPayoutRules(w.ctx, w.app.ID, r))
}

// TestM08_OneWins: 64 workers on two instances ask for 60 % of a balance at once; one gets it, and
// the balance is never below zero.
func TestM08_OneWins(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		other := w.engine
		if !strings.HasPrefix(w.url, "sqlite:") { // where two processes may serve one database
			other, _ = w.start(w.open())
		}
		for round := range soak(10_000, 100) {
			b, err := w.engine.Balance(w.ctx, w.app.MerchantID, usdt)
			w.must(err)
			left := b.Available
			units := left.Int()
			part := money.FromUnits(usdt, units.Uint64()*6/10)
			var won sync.Map
			var wait sync.WaitGroup
			for i := range 64 {
				e := []*engine.Engine{w.engine, other}[i%2]
				n := engine.NewPayout{
					Number: fmt.Sprintf("n-%d-%d", round, i), Reference: fmt.Sprintf("r-%d-%d", round, i), Asset: usdt,
					Recipient: w.address(1), Amount: part,
				}
				wait.Go(func() {
					p, created, err := e.CreatePayout(w.ctx, w.app, n)
					if err == nil && created {
						won.Store(p.ID, true)
						return
					}
					if refused := (*payment.Error)(nil); !errors.As(err, &refused) || refused.Code != payment.CodeInsufficient {
						t.Errorf("round %d: %v", round, err)
					}
				})
			}
			wait.Wait()
			winners := 0
			won.Range(func(any, any) bool { winners++; return true })
			if winners != 1 {
				t.Fatalf("round %d: %d won", round, winners)
			}
			w.fund(usdt, part.Decimal())
		}
		w.audit()
	})
}

// TestM14_RepeatsReserveOnce: the same request again, at once or later, is the same payout.
func TestM14_RepeatsReserveOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		for range soak(10_000, 20) {
			n := w.ask(usdt, "0.000001")
			ids := make([]string, 8)
			made := make([]bool, 8)
			var wait sync.WaitGroup
			for i := range ids {
				wait.Go(func() {
					p, created, err := w.engine.CreatePayout(w.ctx, w.app, n)
					if err != nil {
						t.Error(err)
					}
					ids[i], made[i] = p.ID, created
				})
			}
			wait.Wait()
			first := 0
			for i := range ids {
				if ids[i] != ids[0] {
					t.Fatalf("two payouts for one reference: %v", ids)
				}
				if made[i] {
					first++
				}
			}
			if first != 1 {
				t.Errorf("%d of them made it", first)
			}
			other := n
			other.RequestHash = "other"
			_, _, err := w.engine.CreatePayout(w.ctx, w.app, other)
			w.refused(err, payment.CodeReferenceTaken, "")
		}
		w.audit()
	})
}

// TestP08_CodesAreUsedOnce: a code opens once, whoever asks, and guessing locks.
func TestP08_CodesAreUsedOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		text, err := w.engine.NewPayoutSeed(w.ctx, w.app.ID)
		w.must(err)
		raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(text)
		w.must(err)
		seed := keys.NewSecret(raw)
		with := func(code string) engine.NewPayout {
			n := w.ask(usdt, "1")
			n.Code = code
			return n
		}
		_, _, err = w.engine.CreatePayout(w.ctx, w.app, with(""))
		w.refused(err, payment.CodeInvalidField, "google_code")

		code := seed.TOTP(w.clock.Now())
		results := make(chan error, 10)
		for range 10 {
			n := with(code)
			go func() { _, _, err := w.engine.CreatePayout(w.ctx, w.app, n); results <- err }()
		}
		good := 0
		for range 10 {
			if <-results == nil {
				good++
			}
		}
		if good != 1 {
			t.Errorf("one code was taken %d times", good)
		}
		// Nine wrong uses have locked it, for a good code too.
		w.clock.Advance(2 * time.Minute)
		_, _, err = w.engine.CreatePayout(w.ctx, w.app, with(seed.TOTP(w.clock.Now())))
		w.refused(err, payment.CodeLocked, "")
		w.clock.Advance(30 * time.Minute)
		n := with(seed.TOTP(w.clock.Now()))
		if _, _, err := w.engine.CreatePayout(w.ctx, w.app, n); err != nil {
			t.Fatal(err)
		}
		n.Code = "" // the repeat of what was accepted needs none
		if _, created, err := w.engine.CreatePayout(w.ctx, w.app, n); err != nil || created {
			t.Errorf("the repeat: %t, %v", created, err)
		}
		older := with(seed.TOTP(w.clock.Now().Add(-30 * time.Second)))
		_, _, err = w.engine.CreatePayout(w.ctx, w.app, older)
		w.refused(err, payment.CodeInvalidField, "google_code") // in the window, but before the last one
		for _, far := range []time.Duration{-90 * time.Second, 90 * time.Second} {
			_, _, err = w.engine.CreatePayout(w.ctx, w.app, with(seed.TOTP(w.clock.Now().Add(far))))
			w.refused(err, payment.CodeInvalidField, "google_code")
		}
		locked := 0
		for i := range soak(10_000, 100) {
			_, _, err := w.engine.CreatePayout(w.ctx, w.app, with(fmt.Sprintf("%06d", i*7919%1_000_000)))
			if err == nil {
				t.Fatalf("guess %d was taken", i)
			}
			if refused := (*payment.Error)(nil); errors.As(err, &refused) && refused.Code == payment.CodeLocked {
				locked++
			}
		}
		if locked < 90 {
			t.Errorf("%d guesses met a lock", locked)
		}
		w.balance(usdt, "998", "2")
	})
}

// TestP10_WhereMoneyMustNotGo is a table of addresses, each in several spellings.
func TestP10_WhereMoneyMustNotGo(t *testing.T) {
	w := newWorld(t, "")
	contract := ""
	for _, token := range w.network.Tokens {
		if !token.Native() {
			contract = token.Contract
		}
	}
	good := w.address(0xabcdef)
	wrong := []byte(good)
	for i := len(wrong) - 1; i > 0; i-- { // another letter's case breaks the checksum
		if c := wrong[i]; c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' {
			wrong[i] ^= 0x20
			break
		}
	}
	bad := map[string]string{
		"nothing": "", "a word": "alice", "zero": "0x" + strings.Repeat("0", 40), "low": "0x" + strings.Repeat("0", 39) + "9",
		"short": good[:41], "long": good + "0", "no prefix": good[2:], "bad checksum": string(wrong), "a space": good + " ",
		"Tron": "TXsmKpEuW7qWnXzJLGP9eDLvWPR2GRn1FS", "Bitcoin": "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", "not hex": "0x" + strings.Repeat("g", 40),
		"treasury": bank, "hot account": w.hot, "a token's contract": contract, "EIP-55 of RSK's way": strings.ToUpper(good),
		"a name": "vitalik.eth", "UTF-8": "0x" + strings.Repeat("７", 40), "newline": good + "\n", "an ICAP": "XE7338O073KYGTWWZN0F2WZ0R8PX5ZPPZS",
	}
	for name, address := range bad {
		for i, spelt := range []string{address, strings.ToLower(address), strings.ToUpper(address), " " + address, strings.Replace(address, "0x", "0X", 1)} {
			if name == "bad checksum" && (i == 1 || i == 2) || spelt == good {
				continue // without letters of two cases there is no checksum to be wrong
			}
			n := w.ask(usdt, "1")
			n.Recipient = spelt
			_, _, err := w.engine.CreatePayout(w.ctx, w.app, n)
			if name == "EIP-55 of RSK's way" && err == nil {
				continue
			}
			if err == nil {
				t.Errorf("%s: %q was accepted", name, spelt)
				continue
			}
			w.refused(err, payment.CodeInvalidField, "recipient")
		}
	}
	n := w.ask(usdt, "1")
	n.Recipient = good
	if _, _, err := w.engine.CreatePayout(w.ctx, w.app, n); err != nil {
		t.Errorf("control: %v", err)
	}
}

// TestP12_WhatAStolenKeyCanDo: at most what the rules let it, and nothing from the moment of the stop.
func TestP12_WhatAStolenKeyCanDo(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		merchant, err := w.engine.AddMerchant(w.ctx, "Another", "")
		w.must(err)
		fresh, _, err := w.engine.AddApp(w.ctx, engine.NewApp{MerchantID: merchant.ID, Protocol: "halopay", Kind: "payment", Mode: engine.Test})
		w.must(err)
		_, _, err = w.engine.CreatePayout(w.ctx, fresh, w.ask(usdt, "1"))
		w.refused(err, payment.CodeNotEnabled, "") // off by default

		w.rules(engine.PayoutRules{Limits: map[string]engine.PayoutLimit{"USDT": {Single: "10", Daily: "25"}}})
		attack := func(times int) {
			for i := range times {
				_, _, _ = w.engine.CreatePayout(w.ctx, w.app, w.ask(usdt, []string{"10", "11", "3", "0.5", "9"}[i%5]))
				_, _, _ = w.engine.CreatePayout(w.ctx, w.app, w.ask(eth, "1")) // no limit is no permission
			}
		}
		attack(40)
		b, err := w.engine.Balance(w.ctx, w.app.MerchantID, usdt)
		w.must(err)
		if over, err := b.Reserved.Cmp(w.amount(usdt, "25")); err != nil || over > 0 {
			t.Errorf("%v was lost, the limit is 25", b.Reserved)
		}
		w.balance(eth, "1000", "0")
		w.clock.Advance(12 * time.Hour)
		attack(5)
		if again, _ := w.engine.Balance(w.ctx, w.app.MerchantID, usdt); again.Reserved != b.Reserved {
			t.Errorf("%v after 12 hours", again.Reserved)
		}
		w.clock.Advance(26 * time.Hour)
		attack(20)
		if b, _ := w.engine.Balance(w.ctx, w.app.MerchantID, usdt); b.Reserved == w.amount(usdt, "25") {
			t.Error("the next day's limit is no limit of its own")
		}

		w.rules(engine.PayoutRules{Sources: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}})
		n := w.ask(usdt, "1")
		n.Source = netip.MustParseAddr("198.51.100.7")
		_, _, err = w.engine.CreatePayout(w.ctx, w.app, n)
		w.refused(err, payment.CodeNotEnabled, "")
		n.Source = netip.MustParseAddr("::ffff:203.0.113.9")
		_, _, err = w.engine.CreatePayout(w.ctx, w.app, n)
		w.must(err)

		w.rules(engine.PayoutRules{AllowList: true, NewPayeeWait: 3600})
		n = w.ask(usdt, "1")
		_, _, err = w.engine.CreatePayout(w.ctx, w.app, n)
		w.refused(err, payment.CodeNotEnabled, "")
		w.must(w.engine.AddPayee(w.ctx, w.app.ID, n.Recipient))
		held, _, err := w.engine.CreatePayout(w.ctx, w.app, n)
		w.must(err)
		w.turn()
		w.is(held, payment.PayoutHeld)
		w.clock.Advance(time.Hour + time.Second)
		w.turn()
		w.block(4)
		w.is(held, payment.PayoutPaid)

		w.rules(engine.PayoutRules{})
		stopped := w.pay(usdt, "1")
		for _, scope := range []string{engine.StopAll, engine.StopChain("sim-ethereum"), engine.StopApp(w.app.ID)} {
			w.must(w.engine.Stop(w.ctx, scope, "a key was stolen", "tester"))
			before := len(w.chain.seen)
			_, _, err = w.engine.CreatePayout(w.ctx, w.app, w.ask(usdt, "1"))
			w.refused(err, payment.CodeStopped, "")
			w.clock.Advance(time.Minute)
			w.turn()
			if len(w.chain.seen) != before {
				t.Errorf("%s: something was broadcast after the stop", scope)
			}
			w.is(stopped, payment.PayoutReady)
			w.must(w.engine.LiftStop(w.ctx, scope))
		}
		w.turn()
		w.block(4)
		w.is(stopped, payment.PayoutPaid)
		w.audit(held, stopped)
	})
}
