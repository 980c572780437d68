package crash

import (
	"encoding/json"
	"errors"
	"fmt"

	"florin/bench/merchant"
)

// absent is HaloPay's code for an order that does not exist.
const absent = 10004

// detail is what order/detail says of an order, as far as a merchant relies on it.
type detail struct {
	TradeNo    string `json:"trade_no"`
	OutTradeNo string `json:"out_trade_no"`
	FiatName   string `json:"fiat_name"`
	FiatAmount string `json:"fiat_amount"`
	Status     string `json:"status"`
	TimeExpire int64  `json:"time_expire"`
}

// missing names the first thing that is not as asked, or is nothing.
func (d detail) missing(o merchant.Order) string {
	switch {
	case d.OutTradeNo != o.Reference:
		return "another out_trade_no"
	case d.TradeNo == "":
		return "no trade_no"
	case d.FiatName != "USD" || plain(d.FiatAmount) != plain(o.Amount()):
		return "another price than " + o.Amount() + " USD"
	case d.Status != "TO-BE-PAID":
		return "another status than TO-BE-PAID"
	case d.TimeExpire == 0:
		return "no time_expire"
	}
	return ""
}

// detailed reads an answer of order/detail; there is false when the order does not exist.
func detailed(a merchant.Answer) (d detail, there bool, err error) {
	code, err := envelope(a, &d)
	switch {
	case err != nil:
		return d, false, err
	case code == absent:
		return d, false, nil
	case code != 0:
		return d, false, fmt.Errorf("code %d: %s", code, a.Body)
	}
	return d, true, nil
}

// created reads the number from an answer of pre-create.
func created(a merchant.Answer) (tradeNo string, err error) {
	var data struct {
		TradeNo string `json:"trade_no"`
	}
	code, err := envelope(a, &data)
	switch {
	case err != nil:
		return "", err
	case code != 0:
		return "", fmt.Errorf("code %d: %s", code, a.Body)
	case data.TradeNo == "":
		return "", errors.New("no trade_no: " + string(a.Body))
	}
	return data.TradeNo, nil
}

// envelope reads the code, and the data of a success into into.
func envelope(a merchant.Answer, into any) (code int, err error) {
	var e struct {
		Code *int            `json:"code"`
		Data json.RawMessage `json:"data"`
	}
	switch err := json.Unmarshal(a.Body, &e); {
	case err != nil:
		return 0, fmt.Errorf("status %d, %q: %w", a.Status, a.Body, err)
	case a.Status != 200 || e.Code == nil:
		return 0, fmt.Errorf("status %d: %s", a.Status, a.Body)
	case *e.Code != 0:
		return *e.Code, nil
	}
	return 0, json.Unmarshal(e.Data, into)
}
