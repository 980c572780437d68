package ccpayment

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"florin/internal/engine"
	"florin/internal/payment"
)

// TestInvoice: an invoice is told as one, with its number and its customer; no call finds it under a merchant's name, and
// only its own transaction_type tells it again.
func TestInvoice(t *testing.T) {
	s := newShop(t)
	app, err := s.Engine.App(t.Context(), s.app.ID)
	if err != nil {
		t.Fatal(err)
	}
	n, err := NewInvoice(s.Clock, s.Numbers, app, Invoice{Price: "25.00", Currency: "usd", Title: "Consulting", Email: "a@b.example", Life: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	o, _, err := s.Engine.CreateOrder(t.Context(), app, n)
	if err != nil {
		t.Fatal(err)
	}
	s.Choose(o.Number, usdt)
	s.Pay(o.Number, "25")
	s.Mine(20)

	var told struct {
		OrderType string `json:"order_type"`
		OrderID   string `json:"order_id"`
		Price     string `json:"product_price"`
		Extend    map[string]string
	}
	format, heard := NewWebhooks(s.Engine, listed(t)), s.everything()
	if len(heard) != 1 {
		t.Fatalf("%d pieces of news", len(heard))
	}
	body, err := format.Body(t.Context(), heard[0].Event, heard[0].App)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(body, &told); err != nil {
		t.Fatal(err)
	}
	if told.OrderType != "Invoice" || told.OrderID != o.Number || told.Price != "25.00" || len(told.Extend) != 2 ||
		told.Extend["invoice_id"] != o.Number || told.Extend["user_email"] != "a@b.example" {
		t.Errorf("told %s", body)
	}
	ids, err := json.Marshal(map[string]any{"merchant_order_ids": []string{n.Reference, o.Number}})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.post(info, string(ids)); got.Code != codeSuccess || string(got.Data) != "[]" {
		t.Errorf("bill/info shows it: %s", got.Raw)
	}
	for kind, want := range map[string]bool{"API Deposit": false, "Direct Deposit": false, "Invoice": true} {
		filter := engine.ResendFilter{AppID: app.ID, From: start, To: start.Add(time.Hour), Kinds: transactions[kind].kinds, Order: transactions[kind].order}
		n, err := s.Engine.ResendRange(t.Context(), filter)
		if err != nil || n == 1 != want {
			t.Errorf("%s: %d are told again, %v", kind, n, err)
		}
	}
}

func TestInvoicesThatCannotBe(t *testing.T) {
	s := newShop(t)
	app, err := s.Engine.App(t.Context(), s.app.ID)
	if err != nil {
		t.Fatal(err)
	}
	good := Invoice{Price: "25.00", Currency: "USD", Title: "Consulting"}
	if _, err := NewInvoice(s.Clock, s.Numbers, app, good); err != nil { // the control
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Invoice, *engine.App){
		"a price with three places":  func(i *Invoice, _ *engine.App) { i.Price = "25.001" },
		"a price that is none":       func(i *Invoice, _ *engine.App) { i.Price = "1e2" },
		"no price":                   func(i *Invoice, _ *engine.App) { i.Price = "" },
		"no title":                   func(i *Invoice, _ *engine.App) { i.Title = "" },
		"a title that is too long":   func(i *Invoice, _ *engine.App) { i.Title = strings.Repeat("a", maxName+1) },
		"control characters":         func(i *Invoice, _ *engine.App) { i.Email = "a\nb" },
		"an app of another protocol": func(_ *Invoice, a *engine.App) { a.Protocol = "halopay" },
	} {
		i, a := good, app
		change(&i, &a)
		if _, err := NewInvoice(s.Clock, s.Numbers, a, i); !errors.As(err, new(*payment.Error)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
