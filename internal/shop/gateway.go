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

// create asks the gateway for an order and returns its payment page. With hook it is the whole of a
// hosted integration: a signed request, a check of the signed answer, a check of the signed news.
func (s *Shop) create(ctx context.Context, o *order) (string, error) {
	body, err := json.Marshal(map[string]any{
		"out_trade_no": o.Reference,
		"symbol":       "USD",
		"amount":       o.Product.Price,
		"name":         o.Product.Name,
		"describe":     o.Product.About,
		"time_expire":  o.Product.Life,
		"callback_url": s.URL + "/hook",
		"redirect_url": s.URL + "/order/" + o.Reference,
	})
	if err != nil {
		return "", err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Gateway+"/api/entrust/pre-create", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	timestamp := strconv.FormatInt(s.Now().Unix(), 10)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Appid", s.AppID)
	request.Header.Set("X-Timestamp", timestamp)
	request.Header.Set("X-Sign", s.sign(body, timestamp))
	response, err := s.Client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return "", err
	}
	if !s.signed(answer, response.Header) {
		return "", errors.New("the answer is not signed by our gateway")
	}
	var reply struct {
		Code int    `json:"code"`
		Msg  string `json:"msg"`
		Data struct {
			URL string `json:"url"`
		} `json:"data"`
	}
	if err := json.Unmarshal(answer, &reply); err != nil {
		return "", err
	}
	if reply.Code != 0 {
		return "", fmt.Errorf("the gateway says %d %s", reply.Code, reply.Msg)
	}
	return reply.Data.URL, nil
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

// hook receives the gateway's news. It believes only what is signed, and answers Success once it
// has taken note. The same news may come twice, so a paid order stays paid.
func (s *Shop) hook(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxAnswer))
	if err != nil || !s.signed(body, r.Header) {
		http.Error(w, "not signed by our gateway", http.StatusForbidden)
		return
	}
	var news struct {
		Reference string `json:"out_trade_no"`
		Status    string `json:"status"`
		Collected string `json:"amount_collected"`
		Due       string `json:"token_amount"`
		Chain     string `json:"chain"`
	}
	if err := json.Unmarshal(body, &news); err != nil {
		http.Error(w, "not the JSON we expect", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	if o := s.orders[news.Reference]; o != nil && o.Status != paid {
		o.Status, o.Collected, o.Due, o.Chain = news.Status, news.Collected, news.Due, news.Chain
	}
	s.mu.Unlock()
	fmt.Fprint(w, "Success")
}
