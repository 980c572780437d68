package serving

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"florin/test/clients/halopay"
)

// TestL01_SlowConnections holds as many connections as one address may have, in every slow way. They are closed when
// their time is over, one more of that address at once, and whoever else asks meanwhile is answered.
func TestL01_SlowConnections(t *testing.T) {
	t.Parallel()
	f, client := newFlorin(t)
	f.Serve()
	const attacker, most = "127.0.0.3", 1024
	const body = "POST /api/order/detail HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n{"
	base := peakMemory(t, f)
	held := make([]*raw, most)
	begun := time.Now()
	for i := range held {
		held[i] = dial(t, f, attacker)
		if _, err := io.WriteString(held[i], body); err != nil {
			t.Fatal(err)
		}
	}
	// It asks well, so that it would be answered if it were let in.
	above := dial(t, f, attacker)
	_, _ = io.WriteString(above, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n") // it fails where the end is near
	if status := above.status(t, patience); status != 0 {
		t.Errorf("connection %d of one address, %v after the first, was answered %d", most+1, time.Since(begun), status)
	}
	var ends sync.WaitGroup
	for _, s := range []struct {
		name, head, drip string
		limit            time.Duration
	}{
		{"nothing at all", "", "", 5 * time.Second},
		{"headers that drip", "POST /api/order/detail HTTP/1.1\r\nHost: x\r\nX-", "a", 5 * time.Second},
		{"a body that drips", body, " ", 15 * time.Second},
		{"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x00", 5 * time.Second},
	} {
		conn := dial(t, f, "127.0.0.4")
		ends.Go(func() {
			if took := dripUntilClosed(conn, s.head, s.drip, s.limit+65*time.Second); took > s.limit+60*time.Second {
				t.Errorf("%s: closed after %v", s.name, took)
			}
		})
	}
	for i := range 50 { // from an address with room
		asked := time.Now()
		order(t, client, fmt.Sprintf("beside-%d", i))
		if took := time.Since(asked); took > 30*time.Second { // milliseconds on a quiet machine
			t.Errorf("an order took %v", took)
		}
	}
	if grown := peakMemory(t, f) - base; grown > 32<<10 {
		t.Errorf("%d slow connections hold %d KiB", most, grown)
	} else {
		t.Logf("%d slow connections hold %d KiB", most, grown)
	}
	ends.Wait()
	for _, c := range held {
		if status := c.status(t, patience); status != 0 && status != http.StatusBadRequest {
			t.Fatalf("half a body was answered %d", status)
		}
	}
	// The control: a connection that is merely not fast is served, now that the address has room again.
	fair := dial(t, f, attacker)
	for _, part := range []string{"GET /hea", "lthz HTTP/1.1\r\nHo", "st: x\r\n\r\n"} {
		if _, err := io.WriteString(fair, part); err != nil {
			t.Fatal(err)
		}
	}
	if status := fair.status(t, patience); status != http.StatusOK {
		t.Errorf("a connection within the limits was answered %d", status)
	}
}

// dripUntilClosed sends head, then drip four times a second, and returns how long it took until the other end closed the
// connection, at most giveUp.
func dripUntilClosed(c *raw, head, drip string, giveUp time.Duration) time.Duration {
	begun := time.Now()
	closed := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, c.r)
		close(closed)
	}()
	_, _ = io.WriteString(c, head)
	ticker := time.NewTicker(250 * time.Millisecond)
	defer ticker.Stop()
	for time.Since(begun) < giveUp {
		select {
		case <-closed:
			return time.Since(begun)
		case <-ticker.C:
			_, _ = io.WriteString(c, drip) // it fails where the end is near
		}
	}
	return giveUp
}

// TestL02_HostileRequests sends what is too large, too deep, too many or compressed, on raw sockets: each is refused
// before it is read on, and the program holds no more memory for it.
func TestL02_HostileRequests(t *testing.T) {
	t.Parallel()
	f, client := newFlorin(t)
	f.Serve()
	paid := order(t, client, "before")
	base := peakMemory(t, f)
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, err := io.CopyN(z, zeros{}, 32<<20)
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	const post = "POST /api/order/detail HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	const stream = 1 << 30
	for _, c := range []struct {
		name   string
		head   string
		body   io.Reader
		status []int // 0: closed without an answer
	}{
		{"a gigabyte that says so", post + fmt.Sprintf("Content-Length: %d\r\n\r\n", stream), io.LimitReader(zeros{}, stream), []int{413, 0}},
		{"a gigabyte of chunks", post + "Transfer-Encoding: chunked\r\n\r\n", io.LimitReader(chunks{}, stream), []int{413, 0}},
		{"a gigabyte to a page", "POST /pay/" + paid.TradeNo + "/asset HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n",
			io.LimitReader(chunks{}, stream), []int{303, 413, 0}},
		{"a gigabyte to nowhere", "POST /nowhere HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", io.LimitReader(chunks{}, stream), []int{404, 0}},
		{"a byte too many", post + "Content-Length: 65537\r\n\r\n", strings.NewReader(strings.Repeat(" ", 65537)), []int{413}},
		{"a length beyond counting", post + "Content-Length: 99999999999999999999\r\n\r\n", nil, []int{400}},
		{"a bomb of gzip", post + fmt.Sprintf("Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n", bomb.Len()), &bomb, []int{415}},
		{"65 headers", post + strings.Repeat("X-A: 1\r\n", 65) + "Content-Length: 2\r\n\r\n{}", nil, []int{431}},
		{"a header of 32 KiB", post + "X-A: " + strings.Repeat("a", 32<<10) + "\r\nContent-Length: 2\r\n\r\n{}", nil, []int{431}},
		{"headers without an end", post, io.LimitReader(headers{}, stream), []int{431, 0}},
		{"a path of 32 KiB", "GET /" + strings.Repeat("a", 32<<10) + " HTTP/1.1\r\nHost: x\r\n\r\n", nil, []int{431, 0}},
		{"two lengths", post + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", nil, []int{400}},
		{"length and chunks", post + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", nil, []int{400, 200}},
		{"an expectation of a gigabyte", post + "Expect: 100-continue\r\nContent-Length: 1073741824\r\n\r\n", nil, []int{413}},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := dial(t, f, "127.0.0.1")
			sent := make(chan int64, 1)
			go func() {
				n := int64(0)
				if _, err := io.WriteString(conn, c.head); err == nil && c.body != nil {
					n, _ = io.Copy(conn, c.body) // it fails when the other end closes
				}
				sent <- n
			}()
			status := conn.status(t, patience)
			if !contains(c.status, status) {
				t.Errorf("answered %d, want %v", status, c.status)
			}
			conn.Close()
			if n := <-sent; n > 64<<20 { // what the kernel's buffers take is beyond the program's will
				t.Errorf("it took %d bytes", n)
			}
		})
	}
	for _, depth := range []int{33, 16_000} {
		body := strings.Repeat(`{"a":`, depth-1) + `{"trade_no":1}` + strings.Repeat("}", depth-1)
		if body = body[:min(len(body), 60<<10)]; depth == 33 && !strings.HasSuffix(body, "}") {
			t.Fatal("the body was cut")
		}
		var refusal *halopay.Refusal
		if err := client.Call(t.Context(), "/api/order/detail", []byte(body), nil); !errors.As(err, &refusal) || refusal.Code != 10003 {
			t.Errorf("%d levels: %v", depth, err)
		}
	}
	if detail, err := client.Detail(t.Context(), paid.TradeNo); err != nil || detail.Status != "TO-BE-PAID" {
		t.Errorf("afterwards: %+v, %v", detail, err)
	}
	if grown := peakMemory(t, f) - base; grown > 32<<10 {
		t.Errorf("its memory grew by %d KiB", grown)
	} else {
		t.Logf("its memory grew from %d by %d KiB", base, grown)
	}
}

func contains(list []int, n int) bool {
	for _, each := range list {
		if each == n {
			return true
		}
	}
	return false
}

// zeros is an endless body of spaces, chunks the same in chunked encoding, headers an endless header.
type (
	zeros   struct{}
	chunks  struct{}
	headers struct{}
)

func (zeros) Read(p []byte) (int, error) { return fill(p, " ") }

func (chunks) Read(p []byte) (int, error) { return fill(p, "8\r\n        \r\n") }

func (headers) Read(p []byte) (int, error) { return fill(p, "X-Another: header\r\n") }

// fill writes pattern into p as often as it fits.
func fill(p []byte, pattern string) (n int, err error) {
	for n+len(pattern) <= len(p) {
		n += copy(p[n:], pattern)
	}
	return n, nil
}
