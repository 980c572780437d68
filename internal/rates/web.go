package rates

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"florin/internal/clock"
)

const (
	// maxAnswerBytes is ten times the longest answer that is asked for.
	maxAnswerBytes = 1 << 20
	// A provider that wants to be left alone is, for as long as it says, within these.
	leastPause, usualPause, mostPause = time.Second, time.Minute, 24 * time.Hour
	// retryAfter is when a provider that failed is asked again, though it usually would be later.
	retryAfter = time.Minute
)

// errPaused reports that a provider asked to be left alone, and is.
var errPaused = errors.New("it asked to be left alone")

// web asks one provider. One goroutine at a time may use it.
type web struct {
	clock  clock.Clock
	base   string // URL that the questions' paths are added to
	client *http.Client
	least  time.Duration // between a good answer and the next question

	rested time.Time // when the present rest began; zero for none
	rest   time.Duration
	paused bool  // the provider asked for this rest,
	why    error // when it said so
}

func newWeb(c Live, base string, least time.Duration) (*web, error) {
	if c.URL != "" {
		base = strings.TrimSuffix(c.URL, "/")
	}
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%q is not a URL such as https://prices.example.com/v1", base)
	}
	return &web{clock: c.Clock, base: base, least: least, client: &http.Client{
		// A price comes from who was asked. A redirect is an answer like any other that is no price.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: 5 * time.Second, ResponseHeaderTimeout: 8 * time.Second,
			MaxResponseHeaderBytes: 64 << 10, MaxConnsPerHost: 2, IdleConnTimeout: 90 * time.Second, ForceAttemptHTTP2: true,
		},
	}}, nil
}

// due reports whether it is time to ask. A provider that asked to be left alone is an error meanwhile.
func (w *web) due() (bool, error) {
	if w.rested.IsZero() || w.clock.Since(w.rested) >= w.rest {
		w.paused = false
		return true, nil
	}
	if w.paused {
		return false, fmt.Errorf("%w until %s: %w", errPaused, w.rested.Add(w.rest).Format(time.RFC3339), w.why)
	}
	return false, nil
}

// sleep leaves the provider alone for d.
func (w *web) sleep(d time.Duration) { w.rested, w.rest = w.clock.Now(), d }

// pause leaves the provider alone for d because it said so in why.
func (w *web) pause(d time.Duration, why error) {
	w.sleep(min(max(d, leastPause), mostPause))
	w.paused, w.why = true, why
}

// done notes how a round of questions ended.
func (w *web) done(err error) {
	switch {
	case w.paused:
	case err != nil:
		w.sleep(min(retryAfter, w.least))
	default:
		w.sleep(w.least)
	}
}

// get returns the body of an answer that came whole with the status want, and when it was made at
// the latest. What it reports holds no URL: one may carry a key.
func (w *web) get(ctx context.Context, path string, query url.Values, also ...int) (body []byte, at time.Time, err error) {
	target := w.base + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, at, errors.New("the question makes no URL")
	}
	request.Header.Set("User-Agent", "florin")
	at = w.clock.Now()
	response, err := w.client.Do(request)
	if err != nil {
		if outer := (*url.Error)(nil); errors.As(err, &outer) {
			err = outer.Err
		}
		return nil, at, fmt.Errorf("ask: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK && !slices.Contains(also, response.StatusCode) {
		return nil, at, w.refused(response)
	}
	if kind := response.Header.Get("Content-Type"); strings.Contains(kind, "html") {
		return nil, at, fmt.Errorf("an answer of %.40q is no prices", kind)
	}
	body, err = io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes+1))
	if err != nil {
		return nil, at, fmt.Errorf("read the answer: %w", err)
	}
	if len(body) > maxAnswerBytes {
		return nil, at, fmt.Errorf("an answer of more than %d bytes", maxAnswerBytes)
	}
	// A cache between us says how long it has had the answer (RFC 9111, 5.1).
	if age, err := strconv.ParseUint(response.Header.Get("Age"), 10, 31); err == nil {
		at = at.Add(-time.Duration(age) * time.Second)
	}
	return body, at, nil
}

// refused makes an error of a status that is no answer, and pauses if it says so: 429 and 503 of
// RFC 6585 and RFC 9110, and 418, with which Binance bans those who went on after 429.
func (w *web) refused(response *http.Response) error {
	err := fmt.Errorf("status %d", response.StatusCode)
	after := response.Header.Get("Retry-After")
	switch response.StatusCode {
	case http.StatusTooManyRequests, http.StatusTeapot:
		w.pause(w.wait(after), err)
	case http.StatusServiceUnavailable:
		if after != "" {
			w.pause(w.wait(after), err)
		}
	}
	return err
}

// wait reads Retry-After: seconds, or a date. Without one it is usualPause.
func (w *web) wait(after string) time.Duration {
	if seconds, err := strconv.ParseUint(after, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(after); err == nil {
		return date.Sub(w.clock.Now())
	}
	return usualPause
}
