package rates

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"
)

// ecb reads the euro foreign exchange reference rates: how much of each currency is one euro.
//
// Format: eurofxref-daily.xml of "Euro foreign exchange reference rates" (European Central Bank,
// Statistics): one Cube with a time, which is a date, in it a Cube for each currency. They are made at 14:15 and
// published around 16:00 Central European Time on working days, so weekends and holidays have the
// last one's. TWD, VND and (since March 2022) RUB are not in it.
type ecb struct{ *web }

// ecbFiats are those of Fiats that the European Central Bank lists.
var ecbFiats = []string{
	"EUR", "JPY", "CHF", "CAD", "NOK", "SEK", "HKD", "SGD", "KRW", "CNY", "INR", "BRL", "MXN", "ZAR", "TRY", "GBP", "AUD", "THB",
}

func newECB(c Live) (Source, error) {
	w, err := newWeb(c, "https://www.ecb.europa.eu/stats/eurofxref", 30*time.Minute)
	return &ecb{w}, err
}

func (*ecb) Name() string { return "ecb" }

func (*ecb) Lists(symbol string) bool { return slices.Contains(ecbFiats, symbol) }

func (s *ecb) Prices(ctx context.Context, symbols []string) (prices map[string]Reading, err error) {
	if due, err := s.due(); !due {
		return nil, err
	}
	defer func() { s.done(err) }()
	body, _, err := s.get(ctx, "/eurofxref-daily.xml", nil)
	if err != nil {
		return nil, err
	}
	at, perEuro, err := parseECB(body)
	if err != nil {
		return nil, fmt.Errorf("the answer: %w", err)
	}
	prices = map[string]Reading{}
	for _, symbol := range ecbFiats {
		if rate, ok := perEuro[symbol]; ok && (len(symbols) == 0 || slices.Contains(symbols, symbol)) {
			prices[symbol] = said(over(perEuro["USD"], rate), at)
		}
	}
	return prices, nil
}

// parseECB returns how much of each currency is one euro (nil for what is no number), and when it was.
func parseECB(text []byte) (at time.Time, perEuro map[string]*big.Rat, err error) {
	var file struct {
		XMLName xml.Name `xml:"Envelope"`
		Days    []struct {
			Date  string `xml:"time,attr"`
			Rates []struct {
				Currency string `xml:"currency,attr"`
				Rate     string `xml:"rate,attr"`
			} `xml:"Cube"`
		} `xml:"Cube>Cube"`
	}
	if err := xml.Unmarshal(text, &file); err != nil {
		return at, nil, err
	}
	if len(file.Days) != 1 {
		return at, nil, fmt.Errorf("%d days where one should be", len(file.Days))
	}
	day := file.Days[0]
	if at, err = time.Parse(time.DateOnly, day.Date); err != nil {
		return at, nil, err
	}
	at = at.Add(12 * time.Hour) // UTC: a little before 14:15 in Frankfurt, summer or winter
	perEuro = map[string]*big.Rat{"EUR": one}
	for _, r := range day.Rates {
		if _, twice := perEuro[r.Currency]; twice {
			return at, nil, fmt.Errorf("%.10q stands there twice", r.Currency)
		}
		perEuro[r.Currency] = ratOf(r.Rate)
	}
	if usd := perEuro["USD"]; usd == nil || usd.Sign() <= 0 {
		return at, nil, errors.New("no USD, so none of the others")
	}
	return at, perEuro, nil
}
