package notify_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"florin/internal/engine"
	"florin/internal/notify"
	"florin/internal/peer"
)

// crowd is many merchants' servers, most of which never answer.
type crowd struct {
	*world
	apps    []engine.App
	release chan struct{} // closed when those who hang may go
	hanging atomic.Int64
}

var (
	endpoints = min(soak(200), 1000)
	well      = endpoints / 10
)

// newCrowd makes an app for each endpoint; every tenth of them answers.
func newCrowd(t *testing.T) *crowd {
	c := &crowd{world: newWorld(t), apps: make([]engine.App, endpoints), release: make(chan struct{})}
	c.each(func(i int) {
		name := "hangs"
		if i%10 == 0 {
			name = "well"
		}
		c.apps[i], _ = c.newApp(fmt.Sprintf("http://%s%d.example/", name, i))
	})
	c.shop.answer = func(r *http.Request) (int, string, error) {
		if strings.HasPrefix(r.URL.Host, "hangs") {
			c.hanging.Add(1)
			defer c.hanging.Add(-1)
			<-c.release
			return 0, "", fmt.Errorf("no answer")
		}
		return 200, "Success", nil
	}
	return c
}

// each runs do for each endpoint, many at once.
func (c *crowd) each(do func(i int)) {
	var doing sync.WaitGroup
	for worker := range 50 {
		doing.Go(func() {
			for i := worker; i < endpoints; i += 50 {
				do(i)
			}
		})
	}
	doing.Wait()
}

// news has one order of each endpoint expire.
func (c *crowd) news() {
	c.each(func(i int) { c.order(c.apps[i], "") })
	c.expire()
}

// answered counts the deliveries to servers that answer.
func (c *crowd) answered() (n int) {
	for _, h := range c.shop.heard() {
		if strings.HasPrefix(h.url, "http://well") {
			n++
		}
	}
	return n
}

// until turns n's crank until ok answers nil.
func (c *crowd) until(n *notify.Notifier, ok func() error) {
	c.t.Helper()
	peer.Eventually(c.t, peer.Patience, func() error {
		c.tell(n)
		return ok()
	})
}

func TestH05_NineOfTenHangAndDelayNobody(t *testing.T) {
	c := newCrowd(t)
	c.news()
	n := c.notifier(func(c *notify.Config) { c.Serial = false })
	c.until(n, func() error {
		if got := c.answered(); got != well {
			return fmt.Errorf("%d of %d servers that answer were told", got, well)
		}
		return nil
	})
	// None of the others has given up yet, so nobody waited for one.
	c.until(n, func() error {
		if got := int(c.hanging.Load()); got != endpoints-well {
			return fmt.Errorf("%d hang, want %d", got, endpoints-well)
		}
		return nil
	})

	// More news for everybody: those who hang get no second place.
	c.news()
	c.until(n, func() error {
		if got := c.answered(); got != 2*well {
			return fmt.Errorf("%d of %d pieces of news were told", got, 2*well)
		}
		return nil
	})
	if got := int(c.hanging.Load()); got != endpoints-well {
		t.Errorf("%d attempts hang, want one for each of %d servers", got, endpoints-well)
	}
	close(c.release)
	n.Wait()
}

// TestH05_APlaceForEachWouldNotDo is the control: with few places and no bound per endpoint, the
// test above finds merchants who were not told.
func TestH05_APlaceForEachWouldNotDo(t *testing.T) {
	c := newCrowd(t)
	c.news()
	n := c.notifier(func(c *notify.Config) { c.Serial, c.Limits.Overall = false, 50 })
	c.until(n, func() error {
		if got := c.hanging.Load(); got != 50 {
			return fmt.Errorf("%d hang, want 50", got)
		}
		return nil
	})
	if got := c.answered(); got == well {
		t.Errorf("50 places served everybody although %d hang: the test proves nothing", endpoints-well)
	}
	close(c.release)
	n.Wait()
}

func TestH05_ABacklogHidesNobody(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		dead, _ := w.newApp("http://dead.example/")
		backlog := w.expired(dead, "", soak(300))
		w.clock.Advance(time.Hour)
		release := make(chan struct{})
		w.shop.answer = func(r *http.Request) (int, string, error) {
			if r.URL.Host == "dead.example" {
				<-release
			}
			return 200, "Success", nil
		}
		n := w.notifier(func(c *notify.Config) { c.Serial, c.Limits.Waiting = false, 50 })
		w.tell(n)
		late := w.expired(w.app, "", 20)
		sameApp := w.expired(dead, "http://alive.example/", 20)
		peer.Eventually(t, peer.Patience, func() error {
			w.tell(n)
			for _, o := range append(late, sameApp...) {
				if got := w.delivery(o).Status; got != string(engine.Delivered) {
					return fmt.Errorf("an order of another endpoint is %s", got)
				}
			}
			return nil
		})
		if got := len(w.shop.heard()) - len(late) - len(sameApp); got != 1 {
			t.Errorf("%d attempts at the dead endpoint, want 1", got)
		}

		// It comes back: what had no room in memory is found again.
		close(release)
		peer.Eventually(t, time.Duration(soak(60))*time.Second, func() error {
			w.clock.Advance(time.Second)
			w.tell(n)
			if got := len(w.shop.heard()); got < len(backlog)+len(late)+len(sameApp) {
				return fmt.Errorf("%d of %d were told", got, len(backlog)+len(late)+len(sameApp))
			}
			return nil
		})
		n.Wait()
		if got := len(w.shop.heard()); got != len(backlog)+len(late)+len(sameApp) {
			t.Errorf("%d attempts, want one for each delivery", got)
		}
	})
}
