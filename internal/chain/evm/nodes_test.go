package evm

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"florin/internal/chain"
	"florin/internal/clock"
)

// serve starts an HTTP server that is no node.
func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s
}

func TestFallback(t *testing.T) {
	good := newFakeNode(t, 3)
	asked := 0
	bad := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		asked++
		http.Error(w, "overloaded", http.StatusTooManyRequests)
	})
	now := clock.NewManual(time.Unix(0, 0))
	c := newTestClient(t, func(c *Config) { c.Clock = now }, bad.URL, good.URL)
	head := func() {
		t.Helper()
		if head, err := c.Head(t.Context()); err != nil || head.Height != 2 {
			t.Fatalf("head %+v, %v", head, err)
		}
	}
	head()
	head()
	if asked != 1 {
		t.Errorf("the bad node was asked %d times, want to be left alone after the first", asked)
	}
	now.Advance(asideFirst + time.Second)
	head()
	if asked != 2 {
		t.Errorf("the bad node was asked %d times after its pause, want 2", asked)
	}
	now.Advance(asideFirst + time.Second)
	if head(); asked != 2 {
		t.Error("the second pause is not longer than the first")
	}

	good.Close()
	if _, err := c.Head(t.Context()); !errors.Is(err, chain.ErrUnavailable) || asked != 3 {
		t.Errorf("no node left: %v; one put aside was asked %d times, want one more", err, asked)
	}
}

// A node that has not heard of a block is no proof that there is none.
func TestC09_LaggingNodeIsPassedOver(t *testing.T) {
	late, good := newFakeNode(t, 3), newFakeNode(t, 9)
	c := newTestClient(t, nil, late.URL, good.URL)
	block, err := c.Block(t.Context(), 7, own)
	if err != nil || len(block.Transfers) != 2 {
		t.Errorf("%v, %v", summary(block), err)
	}
	if _, err := c.Block(t.Context(), 9, own); !errors.Is(err, chain.ErrNotFound) {
		t.Errorf("above both heads: %v", err)
	}
	if _, err := c.Block(t.Context(), 2, own); err != nil || good.count("eth_getLogs") != 1 {
		t.Errorf("lagging put the node aside: %v", err)
	}
}

func TestOtherChainIsNeverRead(t *testing.T) {
	other, good := newFakeNode(t, 9), newFakeNode(t, 3)
	other.chainID = "0x1"
	c := newTestClient(t, nil, other.URL, good.URL)
	if head, err := c.Head(t.Context()); err != nil || head.Height != 2 {
		t.Errorf("head %+v, %v", head, err)
	}
	if n := other.count("eth_getBlockByNumber"); n != 0 {
		t.Errorf("the other network's node was read %d times", n)
	}
	if _, err := c.Check(t.Context()); err == nil {
		t.Error("Check passed a node of another network")
	}
}

func TestNodesThatAreNone(t *testing.T) {
	good := newFakeNode(t, 3)
	for name, handler := range map[string]http.HandlerFunc{
		"silent": func(_ http.ResponseWriter, r *http.Request) {
			if _, err := io.Copy(io.Discard, r.Body); err == nil { // only then the server notices that the client left
				<-r.Context().Done()
			}
		},
		"a redirect to a good node": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, good.URL, http.StatusTemporaryRedirect)
		},
		"a page":                   reply(`<html>`),
		"nothing":                  reply(``),
		"an endless answer":        reply(`{"result":"` + strings.Repeat("x", 1<<20) + `"}`),
		"two results":              reply(`{"result":"0x7a69","result":"0x7a69"}`),
		"neither result nor error": reply(`{"id":1}`),
		"an answer cut short":      reply(`{"result":"0x7a69"`),
		"text after the answer":    reply(`{"result":"0x7a69"}{}`),
		"a number":                 reply(`{"result":31337}`),
	} {
		t.Run(name, func(t *testing.T) {
			bad := serve(t, handler)
			limits := func(c *Config) { c.Timeout, c.MaxBytes = 2*time.Second, 1<<16 } // the good node has as long
			c := newTestClient(t, limits, bad.URL+"/key/s3cret")
			_, err := c.Head(t.Context())
			if !errors.Is(err, chain.ErrUnavailable) {
				t.Fatal(err)
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error shows the URL's key: %v", err)
			}
			c = newTestClient(t, limits, bad.URL, good.URL)
			if head, err := c.Head(t.Context()); err != nil || head.Height != 2 {
				t.Errorf("the good node behind it: %+v, %v", head, err)
			}
		})
	}
}

func reply(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if _, err := w.Write([]byte(text)); err != nil {
			return // the client had enough
		}
	}
}

func TestRefusedConfigurations(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"no URL":         func(c *Config) { c.URLs = nil },
		"a file":         func(c *Config) { c.URLs = []string{"file:///etc/passwd"} },
		"no host":        func(c *Config) { c.URLs = []string{"http://"} },
		"a bad contract": func(c *Config) { c.Network.Tokens = []chain.Token{{Symbol: "X", Contract: "0x12"}} },
	} {
		config := Config{Network: fakeNetwork, URLs: []string{"http://127.0.0.1:1"}, Clock: clock.System{}}
		if _, err := New(config); err != nil {
			t.Fatal(err)
		}
		change(&config)
		if _, err := New(config); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
