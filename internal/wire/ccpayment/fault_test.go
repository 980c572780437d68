package ccpayment

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"florin/internal/wire"
	"florin/internal/wire/wiretest"
)

// TestAFaultIsOurs: what fails with us is HTTP 500, signed, logged once, and says nothing of what it was.
func TestAFaultIsOurs(t *testing.T) {
	w := wiretest.New(t, start)
	var log bytes.Buffer
	api := apiOn(t, w, w.Engine, wire.Rate{})
	api.front.Log = slog.New(slog.NewTextHandler(&log, nil))
	s := newShopIn(t, w, mounted(api), wiretest.App{ID: "aaaaaaaaaaaaaaaa"})
	if got := s.post(hosted, order("F-1", "", "")); got.Code != codeSuccess || log.Len() > 0 { // the control; the app is known now
		t.Fatal(got.Raw, log.String())
	}
	w.DB.Close()
	got := s.post(hosted, order("F-2", "", ""))
	if want := `{"code":11002,"msg":"service err, please try again","data":null}`; got.Status != http.StatusInternalServerError || got.Raw != want || !s.signed(got) {
		t.Errorf("%d %s", got.Status, got.Raw)
	}
	if lines := strings.Count(log.String(), "\n"); lines != 1 || !strings.Contains(log.String(), "level=ERROR") || !strings.Contains(log.String(), s.app.ID) {
		t.Errorf("logged: %s", log.String())
	}
}
