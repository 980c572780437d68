package payprotocol

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"florin/internal/engine"
	"florin/internal/wire/wiretest"
)

const (
	ethereum = "sim-ethereum"
	depth    = 12
	wallet   = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
)

// news is what is told now, in order.
func (s *shop) news() (all []map[string]any) {
	s.t.Helper()
	format := NewWebhooks(s.Engine, listed(s.t), nil)
	for more := s.News(); len(more) > 0; more = s.News() { // of one order one piece at a time
		for _, n := range more {
			body, err := format.Body(s.t.Context(), n.Event, n.App)
			if err != nil {
				s.t.Fatal(err)
			}
			if len(body) == 0 {
				continue
			}
			one := map[string]any{}
			if err := json.Unmarshal(body, &one); err != nil {
				s.t.Fatalf("%v: %s", err, body)
			}
			all = append(all, one)
		}
	}
	return all
}

// tenUSDT makes an order over 10 USDT.
func (s *shop) tenUSDT(reference string) created {
	s.t.Helper()
	return s.order("outTradeNo", fmt.Sprintf("%q", reference), "quoteCurrencySymbol", `"USDT"`, "isLegalTender", "0", "quoteAmount", `"10"`)
}

// count is how many orders have a status, by the list.
func (s *shop) count(status int) (n int) {
	s.t.Helper()
	var page struct{ Count int }
	s.get(fmt.Sprintf("/api/mer/payment/list?paymentStatus=%d", status)).into(s.t, &page)
	return page.Count
}

// TestRefundedIsRefunded: what was taken beside a paid order is paid back with it, which is more than the order received.
func TestRefundedIsRefunded(t *testing.T) {
	s := newShop(t)
	s.AllowPayouts(s.app.ID)
	o := s.tenUSDT("A-1")
	s.Pay(o.OutPaymentNo, "10")
	s.Mine(depth)
	s.Clock.Advance(31 * time.Minute)
	s.Pay(o.OutPaymentNo, "4")
	s.Pay(s.tenUSDT("A-2").OutPaymentNo, "10") // for the fees
	s.Mine(depth)
	if got := s.post("/api/mer/abnormalOrder/update", `{"abnormalId":1001,"handleMethod":2}`); got.Code != codeNotFound {
		t.Fatalf("a number that was not given yet: %s", got.Raw)
	}
	s.get("/api/mer/abnormalOrder/list")
	if got := s.post("/api/mer/abnormalOrder/update", `{"abnormalId":1001,"handleMethod":2}`); got.Code != codeSuccess {
		t.Fatal(got.Raw)
	}
	if got := s.status("A-1"); got != statusPaid || s.count(statusPaid) != 2 {
		t.Errorf("before: %d", got)
	}
	s.Refund(o.OutPaymentNo, "back", wallet, "")
	s.EndPayout("back", true)
	if got := s.status("A-1"); got != statusRefunded || s.count(statusRefunded) != 1 || s.count(statusPaid) != 1 {
		t.Errorf("all 14 were paid back: %d, listed %d", got, s.count(statusRefunded))
	}
}

// TestSpansOfTime: what is no time in seconds is refused, and not some other time.
func TestSpansOfTime(t *testing.T) {
	s := newShop(t)
	s.order()
	for query, code := range map[string]int{
		"startTime=1773750074": codeSuccess, "endTime=9999999999": codeSuccess, "startTime=0&endTime=0": codeSuccess, "startTime=1773750074000": codeInvalid,
		"endTime=18446744073710": codeInvalid, "startTime=999999999999999": codeInvalid, "startTime=-1": codeInvalid, "startTime=1e9": codeInvalid,
	} {
		for _, list := range []string{"payment", "recharge", "refund"} {
			if got := s.get("/api/mer/" + list + "/list?" + query); got.Code != code {
				t.Errorf("%s %s: %s, want %d", list, query, got.Raw, code)
			}
		}
	}
}

// TestAnAttachedPaymentIsToldAsHandled: the news that it was is the other order's; asked again, it is told, and not
// that the payment still waits.
func TestAnAttachedPaymentIsToldAsHandled(t *testing.T) {
	s := newShop(t)
	o := s.tenUSDT("A-1")
	s.tenUSDT("A-2")
	s.Pay(o.OutPaymentNo, "4")
	s.Mine(depth)
	s.get("/api/mer/abnormalOrder/list")
	if got := s.post("/api/mer/abnormalOrder/update", `{"abnormalId":1001,"handleMethod":1,"outTradeNo":"A-2"}`); got.Code != codeSuccess {
		t.Fatal(got.Raw)
	}
	s.news()
	if got := s.get("/api/mer/abnormalOrder/notify?abnormalId=1001"); got.Code != codeSuccess {
		t.Fatal(got.Raw)
	}
	told := s.news()
	if len(told) != 1 || told[0]["handleStatus"] != float64(doneSuccess) || told[0]["handleMethod"] != float64(methodRepair) {
		t.Errorf("told %v", told)
	}
	if s.status("A-1") != statusPending || s.status("A-2") != statusPaid {
		t.Errorf("A-1 is %d, A-2 is %d", s.status("A-1"), s.status("A-2"))
	}
}

// TestWhatCameToAUserIsNoOrder: it has no outTradeNo, neither in what is told nor to be asked for.
func TestWhatCameToAUserIsNoOrder(t *testing.T) {
	s := newShop(t)
	s.AllowPayouts(s.app.ID)
	s.post("/api/mer/user/create", `{"uuid":"u-1"}`)
	homes, _, err := s.Engine.StaticsOf(t.Context(), s.app.ID, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	s.PayIn(homes[0].Number, "10", "USDT@sim-ethereum")
	s.Mine(depth)
	deposits, _, err := s.Engine.OrdersOf(t.Context(), s.app.ID, engine.OrderFilter{Deposits: true, Limit: 1})
	if err != nil || len(deposits) != 1 {
		t.Fatal(err)
	}
	d := deposits[0]
	for _, target := range []string{"payment/detail", "payment/payInfo", "payment/notify", "refund/detail", "refund/list"} {
		if got := s.get("/api/mer/" + target + "?outTradeNo=" + d.Reference); got.Code != codeNotFound {
			t.Errorf("%s: %s", target, got.Raw)
		}
	}
	if got := s.post("/api/mer/payment/payInfo/update", fmt.Sprintf(`{"outTradeNo":%q,"chainId":139,"currencyId":70}`, d.Reference)); got.Code != codeNotFound {
		t.Errorf("update: %s", got.Raw)
	}
	s.news()
	s.Refund(d.Number, "back", wallet, "5")
	s.EndPayout("back", true)
	s.Reorg(ethereum, depth+1, false)
	told := s.news()
	for _, list := range []string{"refund", "abnormalOrder"} {
		var page struct{ List []map[string]any }
		s.get("/api/mer/"+list+"/list").into(t, &page)
		told = append(told, page.List...)
	}
	if len(told) != 3 {
		t.Fatalf("a refund twice and an abnormal payment: %v", told)
	}
	for _, one := range told {
		if one["outTradeNo"] != "" || one["outPaymentNo"] != "" {
			t.Errorf("told of an order %v", one)
		}
	}
}

// TestTheEndOfAnOrder: that it was paid in part is told with the transfer that did, and what comes after the end
// changes nothing.
func TestTheEndOfAnOrder(t *testing.T) {
	s := newShop(t)
	s.Pay(s.tenUSDT("A-1").OutPaymentNo, "6")
	late := s.tenUSDT("A-2")
	s.Mine(depth)
	s.news()
	s.Clock.Advance(2 * time.Hour)
	s.Mine(depth)
	s.Expire()
	var asked map[string]any
	s.get(detail+"?outTradeNo=A-1").into(t, &asked)
	for _, told := range s.news() {
		if told["outTradeNo"] == "A-1" && (told["paymentStatus"] != float64(statusPartial) || told["fromAddress"] != asked["fromAddress"] ||
			told["blockTime"] != asked["blockTime"] || told["blockTime"] == float64(0)) {
			t.Errorf("told %v, asked %v", told, asked)
		}
	}
	s.Pay(late.OutPaymentNo, "10")
	if got := s.status("A-2"); got != statusFailed || s.count(statusFailed) != 1 || s.count(statusConfirm) != 0 {
		t.Errorf("over, and a late payment on its way: %d", got)
	}
}

// TestAmountsComeBackAsTheyWereSent: shops compare texts. The same price in another spelling is the same order, and
// a repaired price is ours.
func TestAmountsComeBackAsTheyWereSent(t *testing.T) {
	s := newShop(t)
	first := s.order("isLegalTender", "0", "quoteCurrencySymbol", `"USDT"`, "quoteAmount", `"10.50"`)
	again := s.order("isLegalTender", "0", "quoteCurrencySymbol", `"USDT"`, "quoteAmount", `"10.5"`)
	if first != again {
		t.Errorf("%+v, then %+v", first, again)
	}
	quoted := func() (amount string) {
		var got struct{ QuoteAmount string }
		s.get(detail+"?outTradeNo=A-1").into(t, &got)
		return got.QuoteAmount
	}
	if got := quoted(); got != "10.50" {
		t.Errorf("10.50 comes back as %s", got)
	}
	s.Pay(first.OutPaymentNo, "4.2")
	s.Mine(depth)
	s.get("/api/mer/abnormalOrder/list")
	s.post("/api/mer/abnormalOrder/update", `{"abnormalId":1001,"handleMethod":1,"outTradeNo":"A-1"}`)
	if got := quoted(); got != "4.2" {
		t.Errorf("after the repair: %s", got)
	}
}

// TestACallbackAskedForSaysWhatIsSo: a reorg takes a part away that was told of. What is told again is never more than
// the order has.
func TestACallbackAskedForSaysWhatIsSo(t *testing.T) {
	s := newShop(t)
	o := s.tenUSDT("A-1")
	const again = "/api/mer/payment/notify?outTradeNo=A-1"
	s.Pay(o.OutPaymentNo, "6")
	s.Mine(depth)
	s.Pay(o.OutPaymentNo, "2")
	s.Mine(depth)
	s.news()
	s.Reorg(ethereum, depth+1, false)
	var asked map[string]any
	s.get(detail+"?outTradeNo=A-1").into(t, &asked)
	if got := s.get(again); got.Code != codeSuccess || asked["settlementAmount"] != "6000000" {
		t.Fatalf("%s; %v", got.Raw, asked)
	}
	if told := s.news(); len(told) != 1 || told[0]["settlementAmount"] != asked["settlementAmount"] || told[0]["paymentStatus"] != asked["paymentStatus"] {
		t.Errorf("told %v, asked %v", told, asked)
	}
	s.Reorg(ethereum, 2*(depth+1), false)
	s.Clock.Advance(time.Minute)
	if got := s.get(again); got.Code != codeConflict || s.status("A-1") != statusPending {
		t.Errorf("nothing is left of it: %s, status %d", got.Raw, s.status("A-1"))
	}
	s.Pay(o.OutPaymentNo, "10")
	s.Mine(depth)
	s.Pay(o.OutPaymentNo, "1")
	s.Mine(depth)
	s.news()
	if got := s.get(again); got.Code != codeSuccess {
		t.Errorf("paid, and more came: %s", got.Raw)
	}
	if told := s.news(); len(told) != 1 || told[0]["paymentStatus"] != float64(statusPaid) {
		t.Errorf("told %v", told)
	}
}

// TestB02_ForeignIDs: whatever another app has answers as what nobody has, to the byte, and nothing is done to it.
func TestB02_ForeignIDs(t *testing.T) {
	s := newShop(t)
	other := newShopIn(t, s.World, s.handler, wiretest.App{ID: "other123"})
	s.AllowPayouts(s.app.ID)
	var user int32
	s.post("/api/mer/user/create", `{"uuid":"u-1"}`).into(t, &user)
	homes, _, err := s.Engine.StaticsOf(t.Context(), s.app.ID, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	s.PayIn(homes[0].Number, "10", "USDT@sim-ethereum")
	s.Pay(s.tenUSDT("A-1").OutPaymentNo, "10")
	s.Pay(s.tenUSDT("A-2").OutPaymentNo, "4")
	s.Mine(depth)
	s.news()
	var refund struct{ RefundID int32 }
	s.post("/api/mer/refund/createRefundOrder", `{"outTradeNo":"A-1","amount":"1","transferAddress":"`+wallet+`"}`).into(t, &refund)
	var payout struct{ WithdrawID int32 }
	s.post(withdraw, `{"chainId":139,"currencyId":70,"withdrawAddress":"`+wallet+`","withdrawAmount":"1","outTradeNo":"W-1"}`).into(t, &payout)
	var recharges struct{ List []struct{ RechargeID int32 } }
	s.get("/api/mer/recharge/list").into(t, &recharges)
	var rows struct{ List []struct{ AbnormalID int32 } }
	s.get("/api/mer/abnormalOrder/list").into(t, &rows)
	if len(recharges.List) != 1 || len(rows.List) != 1 {
		t.Fatalf("%+v, %+v", recharges, rows)
	}
	const nobodys = 2147483647
	before := s.Count()
	for target, id := range map[string]int32{
		"user/detail?userId=%d": user, "user/list?userId=%d": user, "recharge/list?userId=%d": user,
		"recharge/detail?rechargeId=%d": recharges.List[0].RechargeID, "recharge/notify?rechargeId=%d": recharges.List[0].RechargeID,
		"refund/detail?refundId=%d": refund.RefundID, "refund/notify?refundId=%d": refund.RefundID, "refund/detail?outTradeNo=A-1&refundId=%d": refund.RefundID,
		"withdraw/detail?withdrawId=%d": payout.WithdrawID, "abnormalOrder/detail?abnormalId=%d": rows.List[0].AbnormalID,
		"abnormalOrder/notify?abnormalId=%d": rows.List[0].AbnormalID,
	} {
		theirs, none := other.get("/api/mer/"+fmt.Sprintf(target, id)), other.get("/api/mer/"+fmt.Sprintf(target, nobodys))
		if theirs.Raw != none.Raw || theirs.Code == codeSuccess && !strings.Contains(theirs.Raw, `"count":0`) {
			t.Errorf("%s: %s; of nobody's %s", target, theirs.Raw, none.Raw)
		}
		if mine := s.get("/api/mer/" + fmt.Sprintf(target, id)); mine.Raw == none.Raw && !strings.Contains(target, "notify") {
			t.Errorf("negative control, %s: %s", target, mine.Raw)
		}
		for _, odd := range []string{"0", "-1", "2147483648", "4294968297", "1e3", "0x3e9", "1001x", "１００１", "%00"} {
			if got := other.get("/api/mer/" + strings.Replace(target, "%d", odd, 1)); got.Code == codeSuccess && !strings.Contains(got.Raw, `"count":0`) || got.Code == codeInternal {
				t.Errorf("%s of %s: %s", target, odd, got.Raw)
			}
		}
	}
	for path, text := range map[string]string{
		"abnormalOrder/update":     fmt.Sprintf(`{"abnormalId":%d,"handleMethod":2}`, rows.List[0].AbnormalID),
		"payment/payInfo/update":   `{"outTradeNo":"A-2","chainId":139,"currencyId":70}`,
		"refund/createRefundOrder": `{"outTradeNo":"A-1","transferAddress":"` + wallet + `"}`,
	} {
		if got := other.post("/api/mer/"+path, text); got.Code != codeNotFound {
			t.Errorf("%s: %s", path, got.Raw)
		}
	}
	other.tenUSDT("mine")
	if got := other.post("/api/mer/abnormalOrder/update", fmt.Sprintf(`{"abnormalId":%d,"handleMethod":1,"outTradeNo":"mine"}`, rows.List[0].AbnormalID)); got.Code != codeNotFound {
		t.Errorf("another's payment for an order of mine: %s", got.Raw)
	}
	after := s.Count()
	if after.Payouts != before.Payouts || after.Entries != before.Entries || after.Deliveries != before.Deliveries+2 {
		t.Errorf("before %+v, after %+v: two callbacks were asked for by their own app", before, after)
	}
}
