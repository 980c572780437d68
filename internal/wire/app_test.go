package wire

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"testing"
)

// TestLeavingIsNoFault: a caller who went away raises no alarm; what failed otherwise does.
func TestLeavingIsNoFault(t *testing.T) {
	left, leave := context.WithCancel(t.Context())
	leave()
	query := fmt.Errorf("load app: %w", context.Canceled)
	for _, c := range []struct {
		name  string
		ctx   context.Context
		err   error
		alarm bool
	}{
		{"the caller left", left, query, false},
		{"the caller is there", t.Context(), query, true},
		{"the caller left, and the disk is full", left, io.ErrShortWrite, true},
	} {
		var log bytes.Buffer
		r := &Request{Request: httptest.NewRequestWithContext(c.ctx, "POST", "/", nil)}
		LogFault(slog.New(slog.NewTextHandler(&log, nil)), "halopay", r, "app", c.err)
		if alarm := log.Len() > 0; alarm != c.alarm {
			t.Errorf("%s: log %q", c.name, log.String())
		}
	}
}
