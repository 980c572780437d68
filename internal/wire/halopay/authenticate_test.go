package halopay

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"florin/internal/wire"
	"florin/internal/wire/wiretest"
)

// TestAuthenticate signs calls that are none of HaloPay's own.
func TestAuthenticate(t *testing.T) {
	w := wiretest.New(t, start)
	api := apiOn(t, w, w.Engine, wire.Rate{})
	s := newShopIn(t, w, mounted(api), wiretest.App{ID: "ad4cyr8dpfs9j2u1"})
	s.AddApp(wiretest.App{ID: "aforeigndialect1", Key: "key", Protocol: "other"})
	s.AddApp(wiretest.App{ID: "arevokedapp00001", Key: "key", Protocol: Protocol})
	if err := w.Engine.RevokeApp(t.Context(), "arevokedapp00001"); err != nil {
		t.Fatal(err)
	}
	const target = "/events?after=7"
	request := func(app, key, timestamp, over string) *wire.Request {
		r := httptest.NewRequest(http.MethodGet, target, nil)
		r.Header = http.Header{"X-Appid": {app}, "X-Timestamp": {timestamp}, "X-Sign": {wiretest.HMACSHA256(key, over+timestamp)}}
		return &wire.Request{Request: r}
	}
	now := strconv.FormatInt(start.Unix(), 10)
	stale := strconv.FormatInt(start.Add(-windowWidth-time.Second).Unix(), 10)
	unsigned := request(s.app.ID, s.app.Key, now, target)
	unsigned.Header.Del("X-Appid")
	twice := request(s.app.ID, s.app.Key, now, target)
	twice.Header.Add("X-Sign", "00")
	body := request(s.app.ID, s.app.Key, now, target)
	body.Raw = []byte(target)
	shifted := request(s.app.ID, s.app.Key, now, target)
	shifted.RequestURI += now[:1]
	for name, c := range map[string]struct {
		r    *wire.Request
		want error
	}{
		"signed":                     {request(s.app.ID, s.app.Key, now, target), nil},
		"W07 signed over nothing":    {request(s.app.ID, s.app.Key, now, ""), wire.ErrDenied},
		"W07 signed over {}":         {request(s.app.ID, s.app.Key, now, "{}"), wire.ErrDenied},
		"W02 a longer target":        {shifted, wire.ErrDenied},
		"no header of HaloPay's":     {unsigned, wire.ErrUnsigned},
		"another key":                {request(s.app.ID, "another", now, target), wire.ErrDenied},
		"with a body":                {body, wire.ErrDenied},
		"two signatures":             {twice, wire.ErrDenied},
		"W09 too old":                {request(s.app.ID, s.app.Key, stale, target), wire.ErrDenied},
		"an app that does not exist": {request("anunknownapp0001", s.app.Key, now, target), wire.ErrDenied},
		"another dialect's app":      {request("aforeigndialect1", "key", now, target), wire.ErrDenied},
		"a revoked app":              {request("arevokedapp00001", "key", now, target), wire.ErrDenied},
	} {
		app, err := api.Authenticate(c.r)
		if !errors.Is(err, c.want) || (err == nil) != (app.ID == s.app.ID) {
			t.Errorf("%s: app %q, %v; want %v", name, app.ID, err, c.want)
		}
	}
}
