package ccpayment

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"florin/internal/engine"
	"florin/internal/wire/wiretest"
)

// told is what a merchant hears.
type told struct {
	PayStatus  string `json:"pay_status"`
	OrderType  string `json:"order_type"`
	RecordID   string `json:"record_id"`
	PaidAmount string `json:"paid_amount"`
	TxID       string `json:"txid"`
	OrderID    string `json:"merchant_order_id"`
	Crypto     string
	Amount     string
}

// news is what is due to the merchant now.
func (s *shop) news() (all []told) {
	s.t.Helper()
	format := NewWebhooks(s.Engine, listed(s.t))
	for _, n := range s.everything() {
		body, err := format.Body(s.t.Context(), n.Event, n.App)
		if err != nil {
			s.t.Fatal(err)
		}
		if len(body) == 0 {
			continue
		}
		var one told
		if err := json.Unmarshal(body, &one); err != nil {
			s.t.Fatalf("%v: %s", err, body)
		}
		all = append(all, one)
	}
	return all
}

// everything is what is due: of one order one piece of news at a time.
func (s *shop) everything() (all []wiretest.Told) {
	for more := s.News(); len(more) > 0; more = s.News() {
		all = append(all, more...)
	}
	return all
}

// opened makes an order over 15 USDT on the merchant's page and returns its number.
func (s *shop) opened(reference string) string {
	s.t.Helper()
	got := s.post(native, fmt.Sprintf(`{"merchant_order_id":%q,"token_id":%q,"product_price":"15","denominated_currency":"token"}`,
		reference, tokenID(s.t, usdt)))
	var made struct {
		Number string `json:"order_id"`
	}
	if err := json.Unmarshal(got.Data, &made); err != nil || got.Code != codeSuccess {
		s.t.Fatal(got.Raw)
	}
	return made.Number
}

const (
	usdt     = "USDT@sim-ethereum"
	ethereum = "sim-ethereum"
	depth    = 12
)

// TestEachTransferIsToldOnce: two in one block, and one that a reorg takes away and brings back in a block
// of another time. Who counts record_ids counts each once.
func TestEachTransferIsToldOnce(t *testing.T) {
	s := newShop(t)
	number := s.opened("R-1")
	s.PayAtOnce(number, "5", "5")
	s.Mine(depth)
	first := s.news()
	if len(first) != 2 || first[0].RecordID == first[1].RecordID || first[0].PaidAmount != "5" {
		t.Fatalf("two transfers of one block: %+v", first)
	}
	s.Clock.Advance(time.Minute)
	s.Reorg(ethereum, depth+1, true)
	s.Mine(depth)
	if again := s.news(); len(again) != 0 {
		t.Errorf("of what came back is told %+v", again)
	}
	s.PayAtOnce(number, "5", "1")
	s.Mine(depth)
	rest := s.news()
	if len(rest) != 2 || rest[0].PaidAmount != "5" || rest[1].PaidAmount != "1" {
		t.Fatalf("the rest, and more: %+v", rest)
	}
	s.Clock.Advance(time.Minute)
	s.Reorg(ethereum, depth+1, true)
	s.Mine(depth)
	if again := s.news(); len(again) != 0 {
		t.Errorf("of a paid order's transfers that came back is told %+v", again)
	}
}

// TestWhatCompletesAfterAReorgIsTold: the first part goes, the second comes, the first comes back and completes the
// order. That the order is paid is news; the record is the one of before.
func TestWhatCompletesAfterAReorgIsTold(t *testing.T) {
	s := newShop(t)
	number := s.opened("R-2")
	s.Pay(number, "10")
	s.Mine(depth)
	first := s.news()
	s.Clock.Advance(time.Minute)
	s.Reorg(ethereum, depth+1, true)
	s.Pay(number, "5")
	s.Mine(depth - 2)
	middle := s.news()
	s.Mine(2)
	last := append(middle, s.news()...)
	if len(first) != 1 || len(last) == 0 {
		t.Fatalf("first %+v, then %+v", first, last)
	}
	records := map[string]string{}
	for _, n := range slices.Concat(first, last) {
		if before, ok := records[n.TxID]; ok && before != n.RecordID {
			t.Errorf("transaction %s was %s and is %s", n.TxID, before, n.RecordID)
		}
		records[n.TxID] = n.RecordID
	}
	if len(records) != 2 {
		t.Errorf("two transactions have the records %v", records)
	}
}

// TestRefundsNameTheirOwnToken: what waited at the desk goes back in the token that came, which is not the order's.
func TestRefundsNameTheirOwnToken(t *testing.T) {
	s := newShop(t)
	s.AllowPayouts(s.app.ID)
	number := s.opened("R-3")
	s.PayIn(number, "0.25", "ETH@sim-ethereum")
	s.Mine(depth)
	rows, err := s.Engine.DeskRows(t.Context(), engine.DeskFilter{AppID: s.app.ID})
	if err != nil || len(rows) != 1 {
		t.Fatalf("rows %+v, %v", rows, err)
	}
	to := "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
	if _, err := s.Engine.RefundHeld(t.Context(), rows[0].ID, engine.NewRefund{Number: "back", RequestHash: "back", Recipient: to, By: "test", Note: "n"}); err != nil {
		t.Fatal(err)
	}
	got := s.post(info, `{"merchant_order_ids":["R-3"]}`)
	var bills []struct {
		Refunds []struct {
			Amount   string `json:"refund_amount"`
			Crypto   string
			Contract string
		} `json:"refund_list"`
	}
	if err := json.Unmarshal(got.Data, &bills); err != nil || len(bills) != 1 || len(bills[0].Refunds) != 1 {
		t.Fatal(got.Raw)
	}
	if r := bills[0].Refunds[0]; r.Amount != "0.25" || r.Crypto != "ETH" || len(r.Contract) == 42 {
		t.Errorf("0.25 ETH goes back as %+v", r)
	}
}

// TestRefundsOfWhatCameToAnAddress name no order of the merchant's, for there is none.
func TestRefundsOfWhatCameToAnAddress(t *testing.T) {
	s := newShop(t)
	s.AllowPayouts(s.app.ID)
	if got := s.post(root+"/payment/address/get", `{"user_id":"user-1","chain":"ETH"}`); got.Code != codeSuccess {
		t.Fatal(got.Raw)
	}
	homes, _, err := s.Engine.StaticsOf(t.Context(), s.app.ID, 0, 1)
	if err != nil || len(homes) != 1 {
		t.Fatal(err)
	}
	s.PayIn(homes[0].Number, "10", usdt)
	s.Mine(depth)
	deposits, _, err := s.Engine.OrdersOf(t.Context(), s.app.ID, engine.OrderFilter{Deposits: true, Limit: 1})
	if err != nil || len(deposits) != 1 {
		t.Fatal(err)
	}
	s.news()
	s.Refund(deposits[0].Number, "back", "0x70997970C51812dc3A010C7d01b50e0d17dc79C8", "5")
	s.EndPayout("back", true)
	got := s.news()
	if len(got) != 1 || got[0].OrderType != "Refund" || got[0].Amount != "5" {
		t.Fatalf("told %+v", got)
	}
	if got[0].OrderID != "" {
		t.Errorf("merchant_order_id is %q, which the merchant never said", got[0].OrderID)
	}
}

// TestAPriceComesBackAsItWasSent: shops compare texts. The same price in another spelling is the same order.
func TestAPriceComesBackAsItWasSent(t *testing.T) {
	s := newShop(t)
	body := func(price string) string {
		return fmt.Sprintf(`{"merchant_order_id":"Order 7 / 茶","token_id":%q,"product_price":%q,"denominated_currency":"USD"}`, tokenID(t, usdt), price)
	}
	first, again := s.post(native, body("15.00")), s.post(native, body("15"))
	var made struct {
		Number string `json:"order_id"`
		Amount string
	}
	if err := json.Unmarshal(first.Data, &made); err != nil || string(first.Data) != string(again.Data) {
		t.Fatalf("%s, then %s", first.Raw, again.Raw)
	}
	s.Pay(made.Number, made.Amount)
	s.Mine(depth)
	for _, n := range s.everything() {
		body, err := NewWebhooks(s.Engine, listed(t)).Body(t.Context(), n.Event, n.App)
		if err != nil || !strings.Contains(string(body), `"product_price":"15.00"`) || !strings.Contains(string(body), `"merchant_order_id":"Order 7 / 茶"`) {
			t.Errorf("told %s, %v", body, err)
		}
	}
	if got := s.post(info, `{"merchant_order_ids":["Order 7 / 茶"]}`); !strings.Contains(got.Raw, `"product_price":"15.00"`) {
		t.Errorf("asked %s", got.Raw)
	}
}

// TestResendIsOfSeconds: what is no time in seconds is refused, and not some other time.
func TestResendIsOfSeconds(t *testing.T) {
	s := newShop(t)
	for _, at := range []string{"1677152490000", "999999999999999", "18446744073710", "-1", "1e9", `"now"`} {
		if got := s.post(root+"/webhook/resend", `{"start_timestamp":`+at+`}`); got.Code != codeParams {
			t.Errorf("%s: %s", at, got.Raw)
		}
	}
	if got := s.post(root+"/webhook/resend", `{"start_timestamp":"1677152490"}`); got.Code != codeSuccess {
		t.Errorf("negative control: %s", got.Raw)
	}
}
