// Package halopay is a merchant's side of HaloPay, written from the protocol's description alone
// (docs/protocols/halopay.md). It imports nothing of Florin and is written the way a shop's developer would write it, so
// that what it takes and what it refuses is a second opinion on the wire. Journey is a merchant's whole dealings.
package halopay

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Client calls a gateway for one app.
type Client struct {
	URL           string // of the gateway, without a path
	AppID, AppKey string
	Now           func() time.Time
	HTTP          *http.Client
}

// Refusal is an answer whose code is not 0.
type Refusal struct {
	Code int
	Msg  string
}

func (r *Refusal) Error() string { return fmt.Sprintf("halopay: %d %s", r.Code, r.Msg) }

func (c *Client) call(ctx context.Context, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return c.Call(ctx, path, body, out)
}

// Call posts body, signed, and reads the data of the signed answer into out.
func (c *Client) Call(ctx context.Context, path string, body []byte, out any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	timestamp := strconv.FormatInt(c.Now().Unix(), 10)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Appid", c.AppID)
	request.Header.Set("X-Timestamp", timestamp)
	request.Header.Set("X-Sign", sign(c.AppKey, body, timestamp))
	reply, err := c.HTTP.Do(request)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(io.LimitReader(reply.Body, 1<<20))
	if err != nil {
		return err
	}
	if reply.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", path, reply.Status, text)
	}
	var envelope struct {
		Code int             `json:"code"`
		Msg  string          `json:"msg"`
		Data json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(text, &envelope); err != nil {
		return fmt.Errorf("%s answers %q: %w", path, text, err)
	}
	if err := c.check(reply.Header, text); err != nil {
		return fmt.Errorf("%s answers %q: %w", path, text, err)
	}
	if envelope.Code != 0 {
		return &Refusal{envelope.Code, envelope.Msg}
	}
	return json.Unmarshal(envelope.Data, out)
}

// Receive reads a webhook and checks that it is the gateway's and for this app.
func (c *Client) Receive(header http.Header, body []byte) (w Webhook, err error) {
	if err := c.receive(header, body, &w); err != nil {
		return w, err
	}
	if w.AppID != c.AppID {
		return w, fmt.Errorf("it is for app %s", w.AppID)
	}
	return w, nil
}

// ReceivePayout is Receive for what is told of a payout.
func (c *Client) ReceivePayout(header http.Header, body []byte) (w PayoutWebhook, err error) {
	if err := c.receive(header, body, &w); err != nil {
		return w, err
	}
	if w.AppID != c.AppID || w.Type != "PAYOUT" {
		return w, fmt.Errorf("a %s for app %s", w.Type, w.AppID)
	}
	return w, nil
}

func (c *Client) receive(header http.Header, body []byte, into any) error {
	if err := c.check(header, body); err != nil {
		return err
	}
	return json.Unmarshal(body, into)
}

// check verifies time and signature of what the gateway sent: HMAC-SHA256 over body and timestamp under the app's key.
func (c *Client) check(header http.Header, body []byte) error {
	timestamp := header.Get("X-Timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return fmt.Errorf("X-Timestamp: %w", err)
	}
	if age := c.Now().Sub(time.Unix(seconds, 0)); age.Abs() > 2*time.Minute {
		return fmt.Errorf("signed %v ago", age)
	}
	if header.Get("X-Appid") != c.AppID {
		return fmt.Errorf("X-Appid is %q", header.Get("X-Appid"))
	}
	if !hmac.Equal([]byte(sign(c.AppKey, body, timestamp)), []byte(header.Get("X-Sign"))) {
		return errors.New("wrong signature")
	}
	return nil
}

func sign(key string, body []byte, timestamp string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(body)
	mac.Write([]byte(timestamp))
	return hex.EncodeToString(mac.Sum(nil))
}
