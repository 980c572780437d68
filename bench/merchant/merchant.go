// Package merchant plays a HaloPay merchant towards the server under test: it signs requests and reads answers over one
// kept connection. It speaks HTTP/1.1 by hand, because client, server and database share the machine's cores and a
// heavy client would hide the differences between servers. It shares no code with them.
package merchant

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"net"
	"strconv"
	"time"
)

// App is a merchant's credentials.
type App struct {
	ID  string
	Key string // X-Sign is keyed with it
}

// Conn is one connection, used by one goroutine at a time. After an error it is of no more use.
type Conn struct {
	app App
	nc  net.Conn
	r   *bufio.Reader
	mac hash.Hash

	body, out, answer, stamp []byte
	sum                      [sha256.Size]byte
	sign                     [2 * sha256.Size]byte
}

// patience bounds one exchange; a server that is silent for longer has failed.
const patience = 10 * time.Second

// Dial connects to addr, a host and port.
func Dial(addr string, app App) (*Conn, error) {
	nc, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, err
	}
	return &Conn{app: app, nc: nc, r: bufio.NewReader(nc), mac: hmac.New(sha256.New, []byte(app.Key))}, nil
}

// Close ends the connection; the server may see a request cut in half.
func (c *Conn) Close() error { return c.nc.Close() }

// Order is what a create request asks for.
type Order struct {
	Reference string // out_trade_no: letters, digits, - and _
	Cents     int64  // the price in USD
}

// Where the merchant wants to be told, and to get the payer back. Nothing is paid in a benchmark, so neither is called.
const (
	notifyURL   = "http://127.0.0.1:9/notify"
	redirectURL = "https://shop.example/thanks"
)

// Create asks for an order. The answer's memory is valid until the next call.
func (c *Conn) Create(o Order) (Answer, error) {
	b := append(c.body[:0], `{"out_trade_no":"`...)
	b = append(b, o.Reference...)
	b = append(b, `","symbol":"USD","amount":"`...)
	b = append(b, o.Amount()...)
	b = append(b, `","name":"Benchmark","callback_url":"`+notifyURL+`","redirect_url":"`+redirectURL+`"}`...)
	c.body = b
	return c.post("/api/entrust/pre-create")
}

// Amount is the price as the wire has it.
func (o Order) Amount() string { return fmt.Sprintf("%d.%02d", o.Cents/100, o.Cents%100) }

// Detail asks for an order by both its names, or by one when the other is empty.
func (c *Conn) Detail(reference, tradeNo string) (Answer, error) {
	b := append(c.body[:0], '{')
	for _, name := range [...][2]string{{"out_trade_no", reference}, {"trade_no", tradeNo}} {
		if name[1] == "" {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `"%s":"%s"`, name[0], name[1])
	}
	c.body = append(b, '}')
	return c.post("/api/order/detail")
}

// Payout asks for cents of USDT on Ethereum to go to an address.
func (c *Conn) Payout(reference, to string, cents int64) (Answer, error) {
	c.body = fmt.Appendf(c.body[:0], `{"currency_id":70,"to_address":"%s","amount":"%d.%02d","out_trade_no":"%s"}`, to, cents/100, cents%100, reference)
	return c.post("/api/payout/create")
}

// Answer is a response as it came.
type Answer struct {
	Status    int
	Body      []byte
	timestamp []byte
	sign      [2 * sha256.Size]byte
	signLen   int
}

// OK tells a success without parsing: status 200 and the envelope's code 0, wherever it stands.
func (a Answer) OK() bool {
	return a.Status == 200 && (bytes.Contains(a.Body, []byte(`"code":0,`)) || bytes.Contains(a.Body, []byte(`"code":0}`)))
}

// Signed checks the answer's signature with the app's key.
func (c *Conn) Signed(a Answer) bool {
	return a.signLen == len(a.sign) && hmac.Equal(a.sign[:], c.hmac(a.Body, a.timestamp))
}

// hmac returns lower-case hex, valid until the next call.
func (c *Conn) hmac(body, timestamp []byte) []byte {
	c.mac.Reset()
	c.mac.Write(body)
	c.mac.Write(timestamp)
	c.mac.Sum(c.sum[:0])
	hex.Encode(c.sign[:], c.sum[:])
	return c.sign[:]
}

// post sends c.body, signed, and reads one answer.
func (c *Conn) post(path string) (Answer, error) {
	now := time.Now()
	c.stamp = strconv.AppendInt(c.stamp[:0], now.Unix(), 10)
	b := append(c.out[:0], "POST "...)
	b = append(b, path...)
	b = append(b, " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nX-Appid: "...)
	b = append(b, c.app.ID...)
	b = append(b, "\r\nX-Timestamp: "...)
	b = append(b, c.stamp...)
	b = append(b, "\r\nX-Sign: "...)
	b = append(b, c.hmac(c.body, c.stamp)...)
	b = append(b, "\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(c.body)), 10)
	b = append(b, "\r\n\r\n"...)
	b = append(b, c.body...)
	c.out = b
	if err := c.nc.SetDeadline(now.Add(patience)); err != nil {
		return Answer{}, err
	}
	if _, err := c.nc.Write(b); err != nil {
		return Answer{}, err
	}
	return c.read()
}

// read takes one response with a Content-Length, the only kind a small JSON answer comes in.
func (c *Conn) read() (Answer, error) {
	var a Answer
	line, err := c.line()
	if err != nil {
		return a, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return a, fmt.Errorf("merchant: not a response: %q", line)
	}
	if a.Status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return a, fmt.Errorf("merchant: status: %w", err)
	}
	length := -1
	for {
		if line, err = c.line(); err != nil {
			return a, err
		}
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("content-length")):
			if length, err = strconv.Atoi(string(value)); err != nil {
				return a, fmt.Errorf("merchant: length: %w", err)
			}
		case bytes.EqualFold(name, []byte("x-timestamp")):
			c.stamp = append(c.stamp[:0], value...)
			a.timestamp = c.stamp
		case bytes.EqualFold(name, []byte("x-sign")):
			a.signLen = copy(a.sign[:], value)
		}
	}
	if length < 0 {
		return a, fmt.Errorf("merchant: status %d without Content-Length", a.Status)
	}
	if cap(c.answer) < length {
		c.answer = make([]byte, length)
	}
	a.Body = c.answer[:length]
	_, err = io.ReadFull(c.r, a.Body)
	return a, err
}

// line returns the next line without its end, valid until the next read.
func (c *Conn) line() ([]byte, error) {
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	return bytes.TrimRight(line, "\r\n"), nil
}
