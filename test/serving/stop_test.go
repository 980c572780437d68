package serving

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"florin/internal/peer"
	"florin/test/clients/halopay"
)

// rounds of a test that the threat list wants n times: a hundredth, at least 20, without FLORIN_SOAK.
func rounds(n int) int {
	if os.Getenv("FLORIN_SOAK") != "" {
		return n
	}
	return max(n/100, 20)
}

// TestS16_StopUnderLoad stops the program with SIGTERM while eight clients make orders and a page listens to its stream.
// Each time it ends in time and says that all went well. Each order that exists was answered for: no request that it
// accepted failed.
func TestS16_StopUnderLoad(t *testing.T) {
	t.Parallel()
	f, client := newFlorin(t)
	var acknowledged sync.Map // references
	var n atomic.Int64
	for round := range rounds(200) {
		f.Serve()
		page := watch(t, client, order(t, client, fmt.Sprintf("watched-%d", round)))
		acknowledged.Store(fmt.Sprintf("watched-%d", round), true)
		var clients sync.WaitGroup
		enough := n.Load() + 40
		for i := range 8 {
			clients.Go(func() {
				own := *client
				own.HTTP = &http.Client{Timeout: patience, Transport: &http.Transport{}}
				defer own.HTTP.CloseIdleConnections()
				for k := 0; ; k++ {
					reference := fmt.Sprintf("stop-%d-%d-%d", round, i, k)
					if _, err := own.Create(t.Context(), halopay.Order{Reference: reference, Symbol: "USD", Amount: "15"}); err != nil {
						var nobody *url.Error
						if !errors.As(err, &nobody) {
							t.Errorf("%s was refused: %v", reference, err)
						}
						return // nobody listens any longer
					}
					acknowledged.Store(reference, true)
					n.Add(1)
				}
			})
		}
		peer.Eventually(t, patience, func() error {
			if n.Load() < enough {
				return fmt.Errorf("%d orders", n.Load())
			}
			return nil
		})
		asked := time.Now()
		f.Stop()
		if took := time.Since(asked); took > 30*time.Second { // 10 s are for what is in flight; the rest is the machine's
			t.Errorf("round %d: it took %v to stop", round, took)
		}
		clients.Wait()
		page.Close()
	}
	there := references(t, f)
	for reference := range there {
		if _, ok := acknowledged.Load(reference); !ok {
			t.Errorf("order %s was made, and its merchant was not told", reference)
		}
	}
	acknowledged.Range(func(reference, _ any) bool {
		if !there[reference.(string)] {
			t.Errorf("order %s was acknowledged, and is not there", reference)
		}
		return true
	})
	f.Run("db", "verify")
	t.Logf("%d orders in %d rounds", len(there), rounds(200))
}

// watch opens the stream of an order's page, as a payer's browser does.
func watch(t *testing.T, client *halopay.Client, o halopay.Created) interface{ Close() error } {
	t.Helper()
	stream := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, o.URL+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := stream.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("stream: %s", answer.Status)
	}
	return answer.Body
}

// TestS11_SecondServer starts a second program on the database of one that serves: it is refused, also while the first
// one is stopped, and takes over as soon as the first one is dead.
func TestS11_SecondServer(t *testing.T) {
	t.Parallel()
	f, client := newFlorin(t)
	f.Serve()
	order(t, client, "before")
	refused := func(when string) {
		t.Helper()
		_, said, status := f.Try("serve", "--listen", "127.0.0.1:0")
		if status != 1 || !strings.Contains(said, "another process serves this database") {
			t.Errorf("%s a second program ended with %d: %s", when, status, said)
		}
	}
	refused("beside a serving one")
	f.Run("app", "list") // commands work beside it
	f.Signal(syscall.SIGSTOP)
	refused("beside a stopped one")
	f.Signal(syscall.SIGCONT)
	order(t, client, "after-it-went-on")
	f.Signal(syscall.SIGKILL)
	f.Ended(patience)
	f.Serve()
	order(t, client, "by-its-successor")
	if there := references(t, f); len(there) != 3 {
		t.Errorf("orders %v", there)
	}
	f.Run("db", "verify")
}
