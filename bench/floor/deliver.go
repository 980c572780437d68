package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// news asks the floor to tell merchants: as many at once as there are workers, each target once.
type news struct {
	Workers int
	Targets []target
}

type target struct{ Event, URL string }

// deliver is the yardstick of webhooks: a plain loop that signs and posts each body and keeps one durable row of what was
// answered. It answers when the last is told.
func (s *server) deliver(w http.ResponseWriter, r *http.Request) {
	var n news
	if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: n.Workers}, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	targets := make(chan target)
	errs := make(chan error, n.Workers)
	var workers sync.WaitGroup
	for range n.Workers {
		workers.Go(func() {
			var failed error
			for t := range targets {
				if err := s.tell(client, t); err != nil {
					failed = err
				}
			}
			errs <- failed
		})
	}
	for _, t := range n.Targets {
		targets <- t
	}
	close(targets)
	workers.Wait()
	close(errs)
	var failed error
	for err := range errs {
		failed = errors.Join(failed, err)
	}
	if failed != nil {
		http.Error(w, failed.Error(), http.StatusBadGateway)
	}
}

func (s *server) tell(client *http.Client, t target) error {
	now := time.Now()
	body := fmt.Appendf(nil, `{"appid":"%s","trade_no":"%s","amount_collected":"15","amount":"15","token_amount":"15","chain":"Ethereum","chain_id":1,`+
		`"type":"PAYMENT","currency_id":1,"txid":"%064d","status":"PAID","time":%d,"redirect_url":"https://shop.example/thanks"}`, s.appID, t.Event, 0, now.Unix())
	stamp := strconv.FormatInt(now.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(s.appKey))
	mac.Write(body)
	mac.Write([]byte(stamp))
	r, err := http.NewRequest(http.MethodPost, t.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header = http.Header{
		"Content-Type": {"application/json"}, "X-Appid": {s.appID}, "X-Timestamp": {stamp},
		"X-Sign": {hex.EncodeToString(mac.Sum(nil))}, "X-Florin-Event": {t.Event},
	}
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	resp.Body.Close()
	if err != nil {
		return err
	}
	_, err = s.db.add(order{
		OutTradeNo: t.Event, TradeNo: stamp, Symbol: strconv.Itoa(resp.StatusCode), Amount: string(answer), CallbackURL: t.URL,
	})
	return err
}
