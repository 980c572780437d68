package halopay

import "context"

// Order is a request for a hosted order.
type Order struct {
	Reference   string `json:"out_trade_no"`
	Symbol      string `json:"symbol"`
	Amount      string `json:"amount"`
	Name        string `json:"name,omitempty"`
	Expire      int64  `json:"time_expire,omitempty"`
	CallbackURL string `json:"callback_url,omitempty"`
	RedirectURL string `json:"redirect_url,omitempty"`
}

// Created is what the gateway answers to it.
type Created struct {
	URL     string `json:"url"`
	TradeNo string `json:"trade_no"`
	Expire  int64  `json:"time_expire"`
}

// Native is a request for an order on the merchant's own page.
type Native struct {
	Reference   string `json:"out_trade_no"`
	CurrencyID  int    `json:"currency_id"`
	FiatName    string `json:"fiat_name,omitempty"`
	FiatAmount  string `json:"fiat_amount,omitempty"`
	TokenAmount string `json:"token_amount,omitempty"`
	TimeOut     int64  `json:"time_out"`
	CallbackURL string `json:"callback_url,omitempty"`
	RedirectURL string `json:"redirect_url,omitempty"`
}

// Opened is what the gateway answers to it: how to pay.
type Opened struct {
	TradeNo         string `json:"trade_no"`
	Chain           string `json:"chain"`
	Token           string `json:"token"`
	Contract        string `json:"contract"`
	Amount          string `json:"amount"`
	Mode            string `json:"mode"`
	PayAddress      string `json:"pay_address"`
	Expire          int64  `json:"time_expire"`
	Decimal         int    `json:"decimal"`
	ChainID         int64  `json:"chain_id"`
	Equity          int    `json:"equity"`
	Created         int64  `json:"create_time"`
	AmountCollected string `json:"amount_collected"`
	NeedConfirms    int    `json:"need_confirms"`
	AlreadyConfirms int    `json:"already_confirms"`
	EntrustURL      string `json:"entrust_url"`
	RedirectURL     string `json:"redirect_url"`
}

// Detail is the state of an order.
type Detail struct {
	TradeNo         string `json:"trade_no"`
	Reference       string `json:"out_trade_no"`
	Chain           string `json:"chain"`
	ChainID         int64  `json:"chain_id"`
	Token           string `json:"token"`
	Contract        string `json:"contract"`
	Amount          string `json:"amount"`
	PayAddress      string `json:"pay_address"`
	Status          string `json:"status"`
	AmountCollected string `json:"amount_collected"`
	NeedConfirms    int    `json:"need_confirms"`
	AlreadyConfirms int    `json:"already_confirms"`
	TxID            string `json:"txid"`
}

// Webhook is what the gateway tells of an order.
type Webhook struct {
	AppID           string `json:"appid"`
	TradeNo         string `json:"trade_no"`
	Reference       string `json:"out_trade_no"`
	AmountCollected string `json:"amount_collected"`
	Amount          string `json:"amount"` // the price
	TokenAmount     string `json:"token_amount"`
	Chain           string `json:"chain"`
	ChainID         int64  `json:"chain_id"`
	Type            string `json:"type"`
	CurrencyID      int    `json:"currency_id"`
	TxID            string `json:"txid"`
	Status          string `json:"status"`
	Time            int64  `json:"time"`
}

// Token is a row of a token list.
type Token struct {
	CurrencyID int    `json:"currency_id"`
	Chain      string `json:"chain"`
	ChainID    int64  `json:"chain_id"`
	Token      string `json:"token"`
	Contract   string `json:"contract"`
	Protocol   string `json:"protocol"`
	Logo       string `json:"logo"`
	Decimal    int    `json:"decimal"`
	Balance    string `json:"balance"` // in the app's list alone
}

// Rate is what a fiat amount is in a token.
type Rate struct {
	CurrencyID   int    `json:"currency_id"`
	FiatName     string `json:"fiat_name"`
	FiatAmount   string `json:"fiat_amount"`
	Amount       string `json:"amount"`
	ExchangeRate string `json:"exchange_rate"`
}

// Balance is what the merchant can pay out.
type Balance struct {
	CurrencyID int    `json:"currency_id"`
	Chain      string `json:"chain"`
	Token      string `json:"token"`
	Contract   string `json:"contract"`
	Decimal    int    `json:"decimal"`
	Balance    string `json:"balance"`
}

// NewPayout is a request for a payout.
type NewPayout struct {
	CurrencyID  int    `json:"currency_id"`
	ToAddress   string `json:"to_address"`
	Amount      string `json:"amount"`
	GoogleCode  string `json:"google_code"`
	CallbackURL string `json:"callback_url,omitempty"`
	Reference   string `json:"out_trade_no,omitempty"`
}

// Payout is the state of one.
type Payout struct {
	TradeNo    string `json:"trade_no"`
	Reference  string `json:"out_trade_no"`
	Status     string `json:"status"`
	CurrencyID int    `json:"currency_id"`
	Chain      string `json:"chain"`
	ChainID    int64  `json:"chain_id"`
	Token      string `json:"token"`
	Contract   string `json:"contract"`
	ToAddress  string `json:"to_address"`
	Amount     string `json:"amount"`
	Fee        string `json:"fee"`
	Created    int64  `json:"create_time"`
	TxID       string `json:"txid"`
	Time       int64  `json:"time"`
}

// PayoutWebhook is what the gateway tells of a payout.
type PayoutWebhook struct {
	AppID      string `json:"appid"`
	Chain      string `json:"chain"`
	ChainID    int64  `json:"chain_id"`
	Contract   string `json:"contract"`
	CurrencyID int    `json:"currency_id"`
	Token      string `json:"token"`
	TradeNo    string `json:"trade_no"`
	Reference  string `json:"out_trade_no"`
	ToAddress  string `json:"to_address"`
	Amount     string `json:"amount"`
	Fee        string `json:"fee"`
	TxID       string `json:"txid"`
	Type       string `json:"type"`
	Status     string `json:"status"`
	Time       int64  `json:"time"`
}

// NewCode is a request for a static payment code.
type NewCode struct {
	Reference  string `json:"out_trade_no"`
	CurrencyID int    `json:"currency_id"`
	Name       string `json:"name,omitempty"`
}

// Code is an address that may be paid again and again.
type Code struct {
	TradeNo    string `json:"trade_no"`
	Reference  string `json:"out_trade_no"`
	CurrencyID int    `json:"currency_id"`
	Chain      string `json:"chain"`
	ChainID    int64  `json:"chain_id"`
	Token      string `json:"token"`
	Contract   string `json:"contract"`
	Decimal    int    `json:"decimal"`
	PayAddress string `json:"pay_address"`
	Mode       string `json:"mode"`
	URL        string `json:"url"`
	Created    int64  `json:"create_time"`
}

// Create makes a hosted order.
func (c *Client) Create(ctx context.Context, o Order) (created Created, err error) {
	return created, c.call(ctx, "/api/entrust/pre-create", o, &created)
}

// CreateNative makes an order in a token.
func (c *Client) CreateNative(ctx context.Context, o Native) (opened Opened, err error) {
	return opened, c.call(ctx, "/api/order/create", o, &opened)
}

// Detail asks for an order.
func (c *Client) Detail(ctx context.Context, tradeNo string) (detail Detail, err error) {
	return detail, c.call(ctx, "/api/order/detail", map[string]string{"trade_no": tradeNo}, &detail)
}

// Rate asks what a fiat amount is in a token.
func (c *Client) Rate(ctx context.Context, currencyID int, fiat, amount string) (rate Rate, err error) {
	ask := Rate{CurrencyID: currencyID, FiatName: fiat, FiatAmount: amount}
	return rate, c.call(ctx, "/api/order/exchange-rates", ask, &rate)
}

// Rates asks what a fiat amount is in each of the app's tokens.
func (c *Client) Rates(ctx context.Context, fiat, amount string) (rates []Rate, err error) {
	return rates, c.call(ctx, "/api/order/exchange-rates", map[string]string{"fiat_name": fiat, "fiat_amount": amount}, &rates)
}

// Tokens asks for all tokens.
func (c *Client) Tokens(ctx context.Context) (tokens []Token, err error) {
	return tokens, c.Call(ctx, "/api/currency/token-list", []byte("{}"), &tokens)
}

// AppTokens asks for the app's tokens, with balances.
func (c *Client) AppTokens(ctx context.Context) (tokens []Token, err error) {
	return tokens, c.Call(ctx, "/api/currency/app-token-list", []byte("{}"), &tokens)
}

// Balance asks for one balance.
func (c *Client) Balance(ctx context.Context, currencyID int) (balance Balance, err error) {
	return balance, c.call(ctx, "/api/account/balance", map[string]int{"currency_id": currencyID}, &balance)
}

// Pay asks for a payout.
func (c *Client) Pay(ctx context.Context, p NewPayout) (payout Payout, err error) {
	return payout, c.call(ctx, "/api/payout/create", p, &payout)
}

// Payout asks for the state of a payout.
func (c *Client) Payout(ctx context.Context, tradeNo string) (payout Payout, err error) {
	return payout, c.call(ctx, "/api/payout/detail", map[string]string{"trade_no": tradeNo}, &payout)
}

// CreateCode makes a static payment code. The client is one of a QR-code app.
func (c *Client) CreateCode(ctx context.Context, n NewCode) (code Code, err error) {
	return code, c.call(ctx, "/api/payment-qr-code/create", n, &code)
}
