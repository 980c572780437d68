package halopay

import (
	"net/http"
	"testing"
	"time"
)

// The documented webhook (docs/protocols/halopay.md, vector V4), whose signature was made with openssl.
const (
	key      = "hp_test_key_0123456789ABCDEFGHIJ"
	v4       = `{"appid":"ad4cyr8dpfs9j2u1","trade_no":"202603141449020ad66d22c5787af677","out_trade_no":"20250101xxxxxxxxxxxxx12221c","amount_collected":"5","amount":"5","token_amount":"4.998045","chain":"Tron","chain_id":3448148188,"type":"PAYMENT","currency_id":75,"txid":"008f81782daa47709d67bc2073ffff639035cfd17b7e4ad06f0d6ec24099c013","status":"PAID","time":1773471015,"redirect_url":""}`
	v4Time   = "1773471016"
	v4Signed = "92e6c1d9524f483eb2bb619a594f5d701eb703d593e9bcf7466df398bfb69077"
)

func TestReceive(t *testing.T) {
	good := http.Header{"X-Appid": {"ad4cyr8dpfs9j2u1"}, "X-Timestamp": {v4Time}, "X-Sign": {v4Signed}}
	with := func(name, value string) http.Header {
		h := good.Clone()
		h.Set(name, value)
		return h
	}
	for _, c := range []struct {
		name   string
		header http.Header
		body   string
		later  time.Duration
		ok     bool
	}{
		{"the documented webhook", good, v4, 0, true},
		{"another byte in the body", good, v4[:len(v4)-1] + " }", 0, false},
		{"another time", with("X-Timestamp", "1773471017"), v4, 0, false},
		{"another signature", with("X-Sign", v4Signed[1:]+"0"), v4, 0, false},
		{"no signature", with("X-Sign", ""), v4, 0, false},
		{"for another app", with("X-Appid", "ad4cyr8dpfs9j2u2"), v4, 0, false},
		{"three minutes old", good, v4, 3 * time.Minute, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := Client{AppID: "ad4cyr8dpfs9j2u1", AppKey: key, Now: func() time.Time { return time.Unix(1773471016, 0).Add(c.later) }}
			w, err := client.Receive(c.header, []byte(c.body))
			if (err == nil) != c.ok {
				t.Errorf("%v", err)
			}
			if c.ok && (w.Status != "PAID" || w.AmountCollected != "5" || w.ChainID != 3448148188) {
				t.Errorf("%+v", w)
			}
		})
	}
}
