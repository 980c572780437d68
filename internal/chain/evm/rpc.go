package evm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// node is one JSON-RPC endpoint. Its URL often holds a key, so errors show the host alone.
type node struct {
	url, host string
	http      *http.Client
	timeout   time.Duration // of one call
	maxBytes  int64         // of one answer
	slots     chan struct{} // holds one element for each call in flight
}

// rpcError is a node's own refusal.
type rpcError struct {
	code    int
	message string
}

func (e *rpcError) Error() string { return fmt.Sprintf("the node says %q (%d)", e.message, e.code) }

// reverted reports whether a contract, not the node, refused. Code 3 is geth's; others say it in words.
func (e *rpcError) reverted() bool { return e.code == 3 || strings.Contains(e.message, "revert") }

var errTooLarge = errors.New("answer too large")

// call posts one request and has read walk its result, which may be null. What read kept counts only when call returns
// nil. Errors are *rpcError, errTooLarge, and whatever else went wrong on the way.
func (n *node) call(ctx context.Context, read func(*walker) error, method string, params ...any) error {
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	select {
	case n.slots <- struct{}{}:
		defer func() { <-n.slots }()
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", method, ctx.Err())
	}
	ctx, cancel := context.WithTimeout(ctx, n.timeout)
	defer cancel()
	answer, status, err := n.post(ctx, body)
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	if err := walkReply(answer, read); err != nil {
		if refusal := (*rpcError)(nil); status != http.StatusOK && !errors.As(err, &refusal) {
			err = fmt.Errorf("HTTP status %d", status)
		}
		return fmt.Errorf("%s: %w", method, err)
	}
	if status != http.StatusOK {
		return fmt.Errorf("%s: HTTP status %d", method, status)
	}
	return nil
}

func (n *node) post(ctx context.Context, body []byte) (answer []byte, status int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, n.url, bytes.NewReader(body))
	if err != nil {
		return nil, 0, hideURL(err)
	}
	request.Header.Set("Content-Type", "application/json")
	reply, err := n.http.Do(request)
	if err != nil {
		return nil, 0, hideURL(err)
	}
	defer reply.Body.Close()
	if reply.StatusCode == http.StatusRequestEntityTooLarge {
		return nil, 0, errTooLarge
	}
	var text bytes.Buffer
	if reply.ContentLength > 0 && reply.ContentLength <= n.maxBytes {
		text.Grow(int(reply.ContentLength) + bytes.MinRead) // one allocation, no copying
	}
	size, err := text.ReadFrom(io.LimitReader(reply.Body, n.maxBytes+1))
	if err != nil {
		return nil, 0, err
	}
	if size > n.maxBytes {
		return nil, 0, errTooLarge
	}
	return text.Bytes(), reply.StatusCode, nil
}

// hideURL takes off the wrapping in which net/http shows the URL.
func hideURL(err error) error {
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// walkReply reads a JSON-RPC answer: exactly one of result and error.
func walkReply(text []byte, read func(*walker) error) error {
	w := walker{text: text}
	var refusal *rpcError
	var bad error
	results := 0
	w.object(func(name []byte) {
		switch string(name) {
		case "result":
			if results++; results > 1 {
				w.fail("two results")
			}
			bad = read(&w)
		case "error":
			if !w.null() {
				refusal = w.refusal()
			}
		default:
			w.skip()
		}
	})
	w.end()
	switch {
	case w.err != nil:
		return w.err
	case refusal != nil:
		return refusal
	case bad != nil:
		return bad
	case results == 0:
		return errors.New("an answer without result or error")
	}
	return nil
}

func (w *walker) refusal() *rpcError {
	var e rpcError
	w.object(func(name []byte) {
		switch string(name) {
		case "code":
			e.code, _ = strconv.Atoi(string(w.number()))
		case "message":
			e.message = string(w.string())
		default:
			w.skip()
		}
	})
	if len(e.message) > 300 {
		e.message = e.message[:300]
	}
	return &e
}

// text calls for a result that is one string; null is "".
func (n *node) text(ctx context.Context, method string, params ...any) (result string, err error) {
	err = n.call(ctx, func(w *walker) error {
		if !w.null() {
			result = string(w.string())
		}
		return nil
	}, method, params...)
	return result, err
}
