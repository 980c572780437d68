package merchant

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// source: vectors V1 and V5 of the protocol, whose signatures were made with openssl
const (
	vectorKey  = "hp_test_key_0123456789ABCDEFGHIJ"
	vectorBody = `{"out_trade_no":"uz54NEW9TVhLSIDHUSYB4aEFupKoE7I8","symbol":"USD","amount":"15","name":"PRODUCT_NAME","image":"https://callback.com/logo.png","describe":"CHECKOUT_DESCRIPTION","time_expire":1773750780,"callback_url":"https://callback.com/"}`
	vectorSign = "314f9ab4c39df3bfb55075e813680fe7d153beaa0518c79c712b79e55a64a3a6"

	refusal     = `{"code":10003,"msg":"Params Error: Invalid amount","data":null}`
	refusalSign = "3dd05a571f42b9317558ba54ac3a6d0fb873bf866a2d946b039373d50af4b7c3"
)

func TestSignature(t *testing.T) {
	c := pipe(t, "")
	if got := string(c.hmac([]byte(vectorBody), []byte("1773750074"))); got != vectorSign {
		t.Errorf("V1 signs as %s", got)
	}
}

func TestAnswers(t *testing.T) {
	head := "HTTP/1.1 200 OK\r\nX-Timestamp: 1773750075\r\nContent-Length: 63\r\nX-Sign: "
	for name, c := range map[string]struct {
		response   string
		ok, signed bool
		wantErr    string
	}{
		"signed refusal":          {response: head + refusalSign + "\r\n\r\n" + refusal, signed: true},
		"another signature":       {response: head + vectorSign + "\r\n\r\n" + refusal},
		"no signature":            {response: "HTTP/1.1 200 OK\r\nContent-Length: 63\r\n\r\n" + refusal},
		"success":                 {response: "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n" + `{"code":0}`, ok: true},
		"success with status 500": {response: "HTTP/1.1 500 No\r\nContent-Length: 10\r\n\r\n" + `{"code":0}`},
		"cut short":               {response: "HTTP/1.1 200 OK\r\nContent-Length: 63\r\n\r\n{", wantErr: "EOF"},
		"no length":               {response: "HTTP/1.1 200 OK\r\n\r\n", wantErr: "Content-Length"},
	} {
		t.Run(name, func(t *testing.T) {
			conn := pipe(t, c.response)
			a, err := conn.Create(Order{Reference: "A-1", Cents: 1505})
			if c.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), c.wantErr) {
					t.Errorf("error %v, want %q", err, c.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if a.OK() != c.ok || conn.Signed(a) != c.signed {
				t.Errorf("OK %v, signed %v", a.OK(), conn.Signed(a))
			}
		})
	}
}

func TestAmount(t *testing.T) {
	if got := (Order{Cents: 1505}).Amount(); got != "15.05" {
		t.Error(got)
	}
}

// pipe is a connection whose server reads one request and answers response.
func pipe(t *testing.T, response string) *Conn {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		r, err := http.ReadRequest(bufio.NewReader(nc))
		if err != nil {
			return
		}
		io.Copy(io.Discard, r.Body)
		io.WriteString(nc, response)
	}()
	c, err := Dial(l.Addr().String(), App{ID: "app", Key: vectorKey})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}
