package evm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"florin/internal/chain/evmaddr"
)

// Clef is a Signer in another process, which speaks the external signer protocol of go-ethereum
// (https://geth.ethereum.org/docs/tools/clef/apis): account_list and account_signTransaction. Whether it asks a person
// or a rule is its own affair; so is the key.
type Clef struct {
	url      string // of HTTP, or the path of a socket
	socket   bool
	http     *http.Client
	timeout  time.Duration
	accounts []evmaddr.Address
}

// clefAnswer bounds what a signer may say: a transaction of ours, its copy in JSON, and some air.
const clefAnswer = 1 << 20

// NewClef asks a signer once for its accounts. The location is an http or https URL, or the path of a Unix socket
// (clef's clef.ipc). The timeout is for one signature, and may have to wait for a person; 0 means a minute.
func NewClef(ctx context.Context, location string, timeout time.Duration) (*Clef, error) {
	if timeout == 0 {
		timeout = time.Minute
	}
	c := &Clef{url: location, timeout: timeout, http: &http.Client{
		Transport:     &http.Transport{Proxy: nil}, // what is signed is nobody else's affair
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	u, err := url.Parse(location)
	switch {
	case strings.HasPrefix(location, "/"):
		c.socket = true
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("a remote signer has an http or https URL, or the absolute path of a socket")
	}
	var list []string
	if err := c.call(ctx, &list, "account_list"); err != nil {
		return nil, err
	}
	for _, text := range list {
		a, err := evmaddr.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("account_list: %w", err)
		}
		c.accounts = append(c.accounts, a)
	}
	if len(c.accounts) == 0 {
		return nil, errors.New("account_list: the remote signer has no account, or does not show it")
	}
	return c, nil
}

// Accounts returns those that the signer named when it was asked first.
func (c *Clef) Accounts() []evmaddr.Address { return c.accounts }

// Sign has the signer sign. What came back is compared by Client.Sign.
func (c *Clef) Sign(ctx context.Context, from evmaddr.Address, tx Tx) ([]byte, error) {
	ask := map[string]string{"from": from.String(), "to": tx.To.String(), "gas": quantity(tx.Gas), "nonce": quantity(tx.Nonce),
		"value": tx.Value.Hex(), "input": inHex(tx.Data), "chainId": quantity(tx.ChainID)}
	if tx.Legacy() {
		ask["gasPrice"] = tx.PerUnit.Hex()
	} else {
		ask["maxFeePerGas"], ask["maxPriorityFeePerGas"] = tx.PerUnit.Hex(), tx.Tip.Hex()
	}
	var signed struct{ Raw string }
	if err := c.call(ctx, &signed, "account_signTransaction", ask); err != nil {
		return nil, err
	}
	raw := make([]byte, max(0, len(signed.Raw)-2)/2)
	return raw, fill(raw, []byte(signed.Raw))
}

func (c *Clef) call(ctx context.Context, result any, method string, params ...any) error {
	if params == nil {
		params = []any{}
	}
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	send := c.post
	if c.socket {
		send = c.dial
	}
	answer, err := send(ctx, body)
	if err != nil {
		return fmt.Errorf("%s: the remote signer: %w", method, hideURL(err))
	}
	defer answer.Close()
	var reply struct {
		Result json.RawMessage
		Error  *struct {
			Code    int
			Message string
		}
	}
	if err := json.NewDecoder(io.LimitReader(answer, clefAnswer)).Decode(&reply); err != nil {
		return fmt.Errorf("%s: the remote signer: %w", method, err)
	}
	if reply.Error != nil {
		return fmt.Errorf("%s: the remote signer says %.200q (%d)", method, reply.Error.Message, reply.Error.Code)
	}
	if err := json.Unmarshal(reply.Result, result); err != nil {
		return fmt.Errorf("%s: the remote signer: %w", method, err)
	}
	return nil
}

func (c *Clef) post(ctx context.Context, body []byte) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, strings.NewReader(string(body)))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	reply, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	if reply.StatusCode != http.StatusOK {
		reply.Body.Close()
		return nil, fmt.Errorf("HTTP status %d", reply.StatusCode)
	}
	return reply.Body, nil
}

// dial speaks JSON-RPC over a socket: one connection for one call.
func (c *Clef) dial(ctx context.Context, body []byte) (io.ReadCloser, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", c.url)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { conn.Close() }) // ends waiting, too
	if _, err := conn.Write(body); err != nil {
		return nil, err
	}
	return conn, nil
}
