package shop

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

// maxAnswer is far more than the gateway ever says.
const maxAnswer = 64 << 10

// window is how far the time of a signed message may be from ours.
const window = 2 * time.Minute

// refusal is the gateway's answer to what it does not do. Any other error means that we do not know
// what became of a request; sent again as it was, it is the same one.
type refusal struct {
	Code int
	Msg  string
}

func (r *refusal) Error() string { return fmt.Sprintf("the gateway says %d %s", r.Code, r.Msg) }

// call sends a signed request to one of the gateway's calls and reads the data of its signed answer.
func (s *Shop) call(ctx context.Context, path string, request map[string]any, data any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Gateway+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	timestamp := strconv.FormatInt(s.Now().Unix(), 10)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Appid", s.AppID)
	r.Header.Set("X-Timestamp", timestamp)
	r.Header.Set("X-Sign", s.sign(body, timestamp))
	response, err := s.Client.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return err
	}
	if !s.signed(answer, response.Header) {
		return errors.New("the answer is not signed by our gateway")
	}
	var reply struct {
		refusal
		Data json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(answer, &reply); err != nil {
		return err
	}
	if reply.Code != 0 {
		return &reply.refusal
	}
	return json.Unmarshal(reply.Data, data)
}

// sign is HaloPay's signature: HMAC-SHA256 over body and timestamp, keyed with the app's key.
func (s *Shop) sign(body []byte, timestamp string) string {
	mac := hmac.New(sha256.New, []byte(s.AppKey))
	mac.Write(body)
	mac.Write([]byte(timestamp))
	return hex.EncodeToString(mac.Sum(nil))
}

// signed reports whether body bears the gateway's signature for our app, made within the window.
func (s *Shop) signed(body []byte, header http.Header) bool {
	timestamp := header.Get("X-Timestamp")
	at, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || s.Now().Sub(time.Unix(at, 0)).Abs() > window {
		return false
	}
	return header.Get("X-Appid") == s.AppID && hmac.Equal([]byte(s.sign(body, timestamp)), []byte(header.Get("X-Sign")))
}

// news is a webhook of either type.
type news struct {
	Type      string `json:"type"` // PAYMENT or PAYOUT
	Reference string `json:"out_trade_no"`
	Status    string `json:"status"`
	TxID      string `json:"txid"`

	// Of a payment.
	Collected string `json:"amount_collected"`
	Due       string `json:"token_amount"`
	Chain     string `json:"chain"`
}

// hook receives the gateway's news. It believes only what is signed, and answers Success once it
// has taken note. The same news may come twice, so what is paid stays paid.
func (s *Shop) hook(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxAnswer))
	if err != nil || !s.signed(body, r.Header) {
		http.Error(w, "not signed by our gateway", http.StatusForbidden)
		return
	}
	var n news
	if err := json.Unmarshal(body, &n); err != nil {
		http.Error(w, "not the JSON we expect", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	if n.Type == "PAYOUT" {
		if p, ok := s.payouts.byName[n.Reference]; ok {
			p.hear(n.Status, n.TxID)
		}
	} else if o, ok := s.orders.byName[n.Reference]; ok {
		o.hear(progress{Status: n.Status, Collected: n.Collected, Due: n.Due, Chain: n.Chain})
	}
	s.mu.Unlock()
	fmt.Fprint(w, "Success")
}
