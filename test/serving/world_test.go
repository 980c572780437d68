// Package serving looks at the built program from outside while it serves: its limits, its headers, how it stops, and
// that one database has one server. Orders are test-mode ones, on the simulated networks.
package serving

import (
	"bufio"
	"database/sql"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"florin/internal/peer"
	"florin/test/clients/halopay"
)

const patience = peer.Patience

// newFlorin makes an installation with one test app without a rate limit, and a client of it.
func newFlorin(t *testing.T) (*peer.Florin, *halopay.Client) {
	t.Helper()
	f := peer.NewFlorin(t, "")
	appID, key := f.AddApp("--mode", "test", "--rate", "0")
	return f, &halopay.Client{URL: f.URL, AppID: appID, AppKey: key, Now: time.Now, HTTP: &http.Client{Timeout: patience, Transport: &http.Transport{}}}
}

func order(t *testing.T, c *halopay.Client, reference string) halopay.Created {
	t.Helper()
	created, err := c.Create(t.Context(), halopay.Order{Reference: reference, Symbol: "USD", Amount: "15"})
	if err != nil {
		t.Fatal(err)
	}
	return created
}

// raw is a connection that speaks HTTP by hand.
type raw struct {
	net.Conn
	r *bufio.Reader
}

// dial connects from an address of the loopback's.
func dial(t *testing.T, f *peer.Florin, from string) *raw {
	t.Helper()
	dialer := net.Dialer{Timeout: patience, LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	conn, err := dialer.DialContext(t.Context(), "tcp", f.Listen)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &raw{conn, bufio.NewReader(conn)}
}

// status reads an answer's status, 0 if the connection is closed without one.
func (c *raw) status(t *testing.T, limit time.Duration) int {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(limit)); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(c.r, nil)
	if os.IsTimeout(err) {
		t.Fatalf("neither an answer nor an end within %v", limit)
	}
	if err != nil {
		return 0
	}
	answer.Body.Close()
	return answer.StatusCode
}

// peakMemory is the most that the serving process has ever held, in KiB.
func peakMemory(t *testing.T, f *peer.Florin) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", f.PID()))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(text)
	if found == nil {
		t.Fatal("no VmHWM")
	}
	kib, err := strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kib
}

// references are those of all orders in the installation's database.
func references(t *testing.T, f *peer.Florin) map[string]bool {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(f.Dir, "florin.db")+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT reference FROM orders")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	found := map[string]bool{}
	for rows.Next() {
		var reference string
		if err := rows.Scan(&reference); err != nil {
			t.Fatal(err)
		}
		found[reference] = true
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}
