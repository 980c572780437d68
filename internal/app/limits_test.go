package app

import (
	"log/slog"
	"net/http"
	"testing"
	"time"
)

// TestL01_EveryDeadlineIsSet looks at what the tests of the built program would have to wait for (test/serving has the rest).
func TestL01_EveryDeadlineIsSet(t *testing.T) {
	s := newHTTPServer(http.NotFoundHandler(), slog.Default())
	for name, c := range map[string]struct{ got, most time.Duration }{
		"headers":         {s.ReadHeaderTimeout, 5 * time.Second},
		"a whole request": {s.ReadTimeout, 15 * time.Second},
		"an answer":       {s.WriteTimeout, 30 * time.Second},
		"idleness":        {s.IdleTimeout, time.Minute},
	} {
		if c.got <= 0 || c.got > c.most {
			t.Errorf("%s may take %v, want at most %v", name, c.got, c.most)
		}
	}
	if s.MaxHeaderBytes <= 0 || s.MaxHeaderBytes > 16<<10 {
		t.Errorf("headers may have %d bytes", s.MaxHeaderBytes)
	}
}
