package notify_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"florin/internal/engine"
	"florin/internal/notify"
	"florin/internal/payment"
	"florin/internal/store"
)

func TestTellsAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		o := w.expired(w.app, "", 1)[0]
		n := w.notifier()
		if got := w.tell(n); got != 1 {
			t.Errorf("%d attempts, want 1", got)
		}
		w.want(o, engine.Delivered, 1)
		w.clock.Advance(48 * time.Hour)
		if got := w.tell(n); got != 0 {
			t.Errorf("%d attempts after the acknowledgement", got)
		}
		a := w.attempts(w.delivery(o))[0]
		if a.Status != 200 || string(a.Answer) != "Success" || a.Error != "" || a.Url != "http://shop.example/news" {
			t.Errorf("written down: %+v", a)
		}
	})
}

func TestTheOrdersURLWinsOverTheApps(t *testing.T) {
	w := newWorld(t)
	w.expired(w.app, "https://other.example:8443/callback?order=1", 1)
	w.tell(w.notifier())
	if got := w.shop.heard()[0].url; got != "https://other.example:8443/callback?order=1" {
		t.Errorf("told at %s", got)
	}
}

// offsets are when HaloPay's 16 attempts are made, in seconds from the event; docs/protocols/halopay.md.
var offsets = []int{0, 5, 20, 50, 230, 830, 2030, 3830, 5630, 7430, 11030, 21830, 32630, 43430, 65030, 86630}

func TestH02_SixteenAttemptsOverRestarts(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.shop.answer = refuses
		o := w.expired(w.app, "", 1)[0]
		event := w.clock.Now()
		for i, offset := range offsets {
			w.restart()
			n := w.notifier()
			w.clock.Set(event.Add(time.Duration(offset)*time.Second - time.Microsecond))
			if got := w.tell(n); i > 0 && got != 0 {
				t.Fatalf("attempt %d was made early", i+1)
			}
			w.clock.Set(event.Add(time.Duration(offset) * time.Second))
			w.tell(n)
			if got := len(w.shop.heard()); got != i+1 {
				t.Fatalf("%d attempts after %d s, want %d", got, offset, i+1)
			}
		}
		w.want(o, engine.DeliveryExhausted, 16)
		for i, a := range w.attempts(w.delivery(o)) {
			if got := time.UnixMicro(a.At).Sub(event); got != time.Duration(offsets[i])*time.Second {
				t.Errorf("attempt %d is written down at %v, want %d s", i+1, got, offsets[i])
			}
		}
		w.clock.Advance(48 * time.Hour)
		if got := w.tell(w.notifier()); got != 0 {
			t.Errorf("%d attempts after the last", got)
		}

		events, err := w.engine.EventsOf(w.ctx, o.ID)
		w.must(err)
		_, err = w.engine.Resend(w.ctx, events[len(events)-1].ID)
		w.must(err)
		w.shop.answer = nil
		if got := w.tell(w.notifier()); got != 1 {
			t.Errorf("%d attempts after resend, want 1", got)
		}
		heard := w.shop.heard()
		if heard[16].body != heard[0].body || heard[16].event != heard[0].event {
			t.Errorf("resent %+v, first sent %+v", heard[16], heard[0])
		}
	})
}

func TestTicksDoNotAddUp(t *testing.T) {
	w := newWorld(t)
	w.shop.answer = refuses
	o := w.expired(w.app, "", 1)[0]
	event, n := w.clock.Now(), w.notifier()
	for range 60 { // a worker that looks every 900 ms
		w.tell(n)
		w.clock.Advance(900 * time.Millisecond)
	}
	var got []time.Duration
	for i, a := range w.attempts(w.delivery(o)) {
		late := time.UnixMicro(a.At).Sub(event) - time.Duration(offsets[i])*time.Second
		if late < 0 || late >= 900*time.Millisecond {
			t.Errorf("attempt %d was %v late", i+1, late)
		}
		got = append(got, late)
	}
	if len(got) != 4 {
		t.Errorf("%d attempts in 54 s, want 4", len(got))
	}
}

func TestAfterAnOutageTheWaitsStartAnew(t *testing.T) {
	w := newWorld(t)
	w.shop.answer = refuses
	o := w.expired(w.app, "", 1)[0]
	w.clock.Advance(time.Hour)
	w.tell(w.notifier())
	if got := time.UnixMicro(w.delivery(o).DueAt).Sub(w.clock.Now()); got != 5*time.Second {
		t.Errorf("the next attempt comes %v after the first, want 5 s", got)
	}
}

func TestH10_NewTimeAndSignatureSameBytes(t *testing.T) {
	w := newWorld(t)
	w.shop.answer = refuses
	orders := w.expired(w.app, "", soak(20))
	n := w.notifier()
	w.tell(n)
	w.format.say = "a later version of the dialect would say it otherwise"
	w.clock.Advance(5 * time.Second)
	w.tell(n)
	w.shop.answer = nil
	w.clock.Advance(15 * time.Second)
	w.tell(n)

	attempts := map[string][]told{}
	for _, h := range w.shop.heard() {
		if err := signed(w.secret, h.header, []byte(h.body)); err != nil {
			t.Error(err)
		}
		if signed("another app's secret", h.header, []byte(h.body)) == nil || signed(w.secret, h.header, []byte(h.body+" ")) == nil {
			t.Error("the verifier takes a forgery")
		}
		attempts[h.event] = append(attempts[h.event], h)
	}
	if len(attempts) != len(orders) {
		t.Errorf("%d event ids for %d events", len(attempts), len(orders))
	}
	for event, of := range attempts {
		if len(of) != 3 {
			t.Fatalf("%d attempts of %s, want 3", len(of), event)
		}
		for _, h := range of[1:] {
			if h.body != of[0].body || h.sequence != of[0].sequence {
				t.Errorf("attempts of %s say %q and %q", event, of[0].body, h.body)
			}
			if h.header.Get("X-Time") == of[0].header.Get("X-Time") || h.header.Get("X-Sign") == of[0].header.Get("X-Sign") {
				t.Errorf("attempts of %s bear one time or signature", event)
			}
		}
	}
	for _, o := range orders {
		w.want(o, engine.Delivered, 3)
	}
}

// TestH10_EitherSecretDuringARotation: a merchant who has not put the new secret in place hears with the second attempt, one who has
// with the first; when the grace is over, the old one signs nothing.
func TestH10_EitherSecretDuringARotation(t *testing.T) {
	w := newWorld(t)
	w.shop.answer = refuses
	w.expired(w.app, "", 1)
	secret, err := w.engine.RotateKey(t.Context(), w.app.ID, time.Minute)
	w.must(err)
	w.clock.Advance(2 * time.Second) // an app is kept that long
	n := w.notifier()
	for _, wait := range []time.Duration{0, 5 * time.Second, 15 * time.Second, 30 * time.Second, 3 * time.Minute, 10 * time.Minute} {
		w.clock.Advance(wait)
		w.tell(n)
	}
	var by []string
	for _, h := range w.shop.heard() {
		switch {
		case signed(secret, h.header, []byte(h.body)) == nil:
			by = append(by, "new")
		case signed(w.secret, h.header, []byte(h.body)) == nil:
			by = append(by, "old")
		}
	}
	if got := strings.Join(by, " "); got != "new old new old new new" {
		t.Errorf("signed with %s", got)
	}
}

func TestNewerNewsEndsTheRetriesOfOlder(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.shop.answer = refuses
		o, n := w.order(w.app, ""), w.notifier()
		w.pay(o, 1, 3)
		w.tell(n)
		w.pay(o, 2, 3)
		w.shop.answer = nil
		w.tell(n)
		w.clock.Advance(48 * time.Hour)
		w.tell(n)
		if diff := cmp.Diff([]string{"order.partial", "order.paid"}, w.shop.kinds()); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
		var got []string
		for _, d := range w.deliveries(o) {
			got = append(got, d.Status)
		}
		if diff := cmp.Diff([]string{string(engine.DeliverySuperseded), string(engine.Delivered)}, got); diff != "" {
			t.Errorf("deliveries (-want +got):\n%s", diff)
		}
	})
}

func TestNewerNewsWaitsOnlyForTheAttemptInFlight(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		o := w.order(w.app, "")
		w.pay(o, 1, 3)
		other := w.notifier(func(c *notify.Config) { c.Worker = "two" })
		var meanwhile int
		w.shop.answer = func(r *http.Request) (int, string, error) {
			if len(w.shop.heard()) > 1 {
				return 200, "Success", nil
			}
			w.pay(o, 2, 3) // the rest arrives while the merchant still thinks about the first part
			meanwhile = w.tell(other)
			return 500, "", nil
		}
		if got := w.tell(w.notifier()); got != 2 {
			t.Errorf("%d attempts, want 2", got)
		}
		if meanwhile != 0 {
			t.Error("two deliveries of one order were in flight at once")
		}
		if diff := cmp.Diff([]string{"order.partial", "order.paid"}, w.shop.kinds()); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
		first := w.deliveries(o)[0]
		if first.Status != string(engine.DeliverySuperseded) || first.Attempts != 1 {
			t.Errorf("the older news is %s after %d attempts", first.Status, first.Attempts)
		}
	})
}

func TestNobodyToTell(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		silent, _ := w.newApp("")
		unwanted := w.expired(silent, "", 1)[0]
		revoked := w.order(w.app, "")
		w.must(w.engine.RevokeApp(w.ctx, w.app.ID))
		w.expire()
		w.tell(w.notifier())
		w.want(unwanted, engine.DeliveryUnwanted, 0)
		w.want(revoked, engine.DeliveryUnwanted, 0)
		if heard := w.shop.heard(); len(heard) != 0 {
			t.Errorf("told %+v", heard)
		}
	})
}

func TestURLsThatCannotBeCalled(t *testing.T) {
	w := newWorld(t)
	for _, url := range []string{
		"ftp://shop.example/", "javascript:alert(1)", "shop.example/news", "//shop.example", "http://", "https:///news",
		"http://alice:secret@shop.example/", "http://alice@shop.example/", "http:shop.example", "http://[fe80::1%25eth0]/",
		"http://shop.example:99999999/", "http://shop.example/%zz", "http://pay.example/api", "https://PAY.example.:8443/",
		"http://shop.example/" + strings.Repeat("a", 3000),
	} {
		o := w.expired(w.app, url, 1)[0]
		w.tell(w.notifier(func(c *notify.Config) { c.Refuse = []string{"pay.example"} }))
		w.want(o, engine.DeliveryWaiting, 1)
		if a := w.attempts(w.delivery(o)); len(a) == 1 && (a[0].Error == "" || a[0].Status != 0) {
			t.Errorf("%.40q: %+v", url, a[0])
		}
	}
	if heard := w.shop.heard(); len(heard) != 0 {
		t.Errorf("called %+v", heard)
	}
}

func TestHTTPSOnly(t *testing.T) {
	w := newWorld(t)
	o, n := w.expired(w.app, "http://shop.example/", 1)[0], w.notifier(func(c *notify.Config) { c.HTTPSOnly = true })
	w.tell(n)
	w.want(o, engine.DeliveryWaiting, 1)
	if len(w.shop.heard()) != 0 {
		t.Error("http was called where https is demanded")
	}
	o = w.expired(w.app, "https://shop.example/", 1)[0]
	w.tell(n)
	w.want(o, engine.Delivered, 1)
}

func TestABodyThatCannotBeMade(t *testing.T) {
	w := newWorld(t)
	w.format.fail = errors.New("no such currency")
	o, n := w.expired(w.app, "", 1)[0], w.notifier()
	w.tell(n)
	w.want(o, engine.DeliveryWaiting, 1)
	if got := w.attempts(w.delivery(o))[0].Error; got != "no such currency" {
		t.Errorf("written down: %q", got)
	}
	w.format.fail = nil
	w.clock.Advance(5 * time.Second)
	w.tell(n)
	w.want(o, engine.Delivered, 2)
}

func TestAnAppWhoseDialectNobodySpeaks(t *testing.T) {
	w := newWorld(t)
	o := w.expired(w.app, "", 1)[0]
	w.tell(w.notifier(func(c *notify.Config) { c.Formats = nil }))
	w.want(o, engine.DeliveryWaiting, 0)
	w.clock.Advance(time.Minute)
	w.tell(w.notifier())
	w.want(o, engine.Delivered, 1)
}

func TestTwoWorkersShareTheWork(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		orders := w.expired(w.app, "", 100)
		second := w.engine
		if !strings.HasPrefix(w.url, "sqlite:") { // another node; SQLite has one serving process
			db, err := store.Open(w.ctx, w.url, store.Options{Serve: true})
			w.must(err)
			defer db.Close()
			second = w.newEngine(db)
		}
		var working sync.WaitGroup
		for _, n := range []*notify.Notifier{
			w.notifier(func(c *notify.Config) { c.Serial = false }),
			w.notifier(func(c *notify.Config) { c.Serial, c.Worker, c.Engine = false, "two", second }),
		} {
			working.Go(func() {
				w.tell(n)
				n.Wait()
			})
		}
		working.Wait()
		if got := len(w.shop.heard()); got != len(orders) {
			t.Errorf("%d attempts for %d deliveries", got, len(orders))
		}
		for _, o := range orders {
			w.want(o, engine.Delivered, 1)
		}
	})
}

func TestAStaleHolderChangesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		o := w.expired(w.app, "", 1)[0]
		other := w.notifier(func(c *notify.Config) { c.Worker = "two" })
		var early int
		w.shop.answer = func(*http.Request) (int, string, error) {
			if len(w.shop.heard()) > 1 {
				return 200, "Success", nil
			}
			w.clock.Advance(30 * time.Second)
			early = w.tell(other)
			w.clock.Advance(30 * time.Second) // longer than the lease
			w.tell(other)
			return 500, "I took a minute", nil
		}
		w.tell(w.notifier())
		if early != 0 {
			t.Error("a lease was taken over before its time")
		}
		w.want(o, engine.Delivered, 1)
		if d := w.delivery(o); d.Fence != 2 {
			t.Errorf("fence %d, want 2", d.Fence)
		}
	})
}

func TestADeadWorkersDeliveryIsTakenOver(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		o := w.expired(w.app, "", 1)[0]
		_, err := w.engine.LeaseDelivery(w.ctx, w.delivery(o).ID, "the dead", 30*time.Second,
			func(payment.Event, engine.App) ([]byte, error) { return []byte("its last words"), nil })
		w.must(err)
		n := w.notifier()
		for range 30 {
			if w.tell(n) != 0 {
				t.Fatal("a leased delivery was sent")
			}
			w.clock.Advance(time.Second)
		}
		for range 16 { // a pass over all that is due comes every 15 s
			w.tell(n)
			w.clock.Advance(time.Second)
		}
		w.want(o, engine.Delivered, 1)
		if got := w.shop.heard()[0].body; got != "its last words" {
			t.Errorf("sent %q, not what the first lease fixed", got)
		}
	})
}

func TestWhatHasBegunEnds(t *testing.T) {
	w := newWorld(t)
	orders := w.expired(w.app, "", 2)
	ctx, stop := context.WithCancel(w.ctx)
	w.shop.answer = func(*http.Request) (int, string, error) {
		stop()
		return 200, "Success", nil
	}
	n := w.notifier(func(c *notify.Config) { c.Serial = false })
	if _, err := n.RunOnce(ctx); err != nil {
		t.Fatal(err)
	}
	n.Wait()
	statuses := []string{w.delivery(orders[0]).Status, w.delivery(orders[1]).Status}
	slices.Sort(statuses)
	if diff := cmp.Diff([]string{"delivered", "waiting"}, statuses); diff != "" {
		t.Errorf("after a stop during the first of two attempts (-want +got):\n%s", diff)
	}
}

// Four deliveries to one endpoint, one look at what is due: the first goes alone, and its answer makes
// room for two at once. Those wait for each other.
func TestRoomThatIsEarnedIsUsedAtOnce(t *testing.T) {
	w := newWorld(t)
	w.expired(w.app, "", 4)
	var both sync.WaitGroup
	both.Add(2)
	met := make(chan struct{})
	go func() { both.Wait(); close(met) }()
	var asked atomic.Int64
	w.shop.answer = func(*http.Request) (int, string, error) {
		if i := asked.Add(1); i == 2 || i == 3 {
			both.Done()
			select {
			case <-met:
			case <-time.After(10 * time.Second):
				t.Error("an attempt waited alone for the next look at what is due")
			}
		}
		return 200, "Success", nil
	}
	n := w.notifier(func(c *notify.Config) { c.Serial = false })
	if _, err := n.RunOnce(w.ctx); err != nil {
		t.Fatal(err)
	}
	n.Wait()
	if got := len(w.shop.heard()); got != 4 {
		t.Errorf("%d of 4 were told", got)
	}
}

func TestNewNeedsWhatItNeeds(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]notify.Config{
		"no engine":                        {Clock: w.clock, Worker: "one"},
		"no name":                          {Engine: w.engine, Clock: w.clock},
		"attempts longer than their lease": {Engine: w.engine, Clock: w.clock, Worker: "one", Total: time.Minute},
	} {
		if _, err := notify.New(c); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
