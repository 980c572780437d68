package evm_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/holiman/uint256"

	"florin/contracts"
	"florin/internal/chain"
	"florin/internal/chain/evm"
	"florin/internal/chain/evmaddr"
	"florin/internal/clock"
	"florin/internal/money"
)

// fakeClef answers as go-ethereum's external signer does, until it is told to lie.
type fakeClef struct {
	key  testKey
	asks map[string]string // the last transaction it was asked to sign, as it came
	lie  func(*evm.Tx)     // before it signs
	// refusal is its error, if not empty; garbage is what it says instead of the signed bytes.
	refusal, garbage string
}

func (f *fakeClef) answer(t *testing.T, request []byte) string {
	var q struct {
		ID     json.RawMessage
		Method string
		Params []map[string]string
	}
	if err := json.Unmarshal(request, &q); err != nil {
		t.Errorf("request %s: %v", request, err)
		return ""
	}
	switch {
	case q.Method == "account_list":
		return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":["0x%x"]}`, q.ID, f.key.Address())
	case q.Method != "account_signTransaction" || len(q.Params) != 1:
		return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"no such method"}}`, q.ID)
	case f.refusal != "":
		return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"error":{"code":-32000,"message":%q}}`, q.ID, f.refusal)
	case f.garbage != "":
		return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{"raw":%q}}`, q.ID, f.garbage)
	}
	f.asks = q.Params[0]
	tx := f.read(t)
	if f.lie != nil {
		f.lie(&tx)
	}
	signature, err := f.key.SignDigest(tx.Digest())
	if err != nil {
		t.Error(err)
	}
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{"raw":"0x%x","tx":{"nonce":"0x0"}}}`+"\n", q.ID, tx.Encode(signature))
}

func (f *fakeClef) read(t *testing.T) (tx evm.Tx) {
	number := func(name string) uint256.Int {
		n, err := uint256.FromHex(f.asks[name])
		if err != nil {
			t.Errorf("%s %q: %v", name, f.asks[name], err)
			return uint256.Int{}
		}
		return *n
	}
	small := func(name string) uint64 { n := number(name); return n.Uint64() }
	var data contracts.Hex
	if err := data.UnmarshalText([]byte(f.asks["input"])); err != nil {
		t.Errorf("input: %v", err)
	}
	tx = evm.Tx{ChainID: small("chainId"), Nonce: small("nonce"), To: evmaddr.MustParse(f.asks["to"]), Value: number("value"), Data: data, Gas: small("gas")}
	if f.asks["gasPrice"] != "" {
		tx.PerUnit = number("gasPrice")
		tx.Tip = tx.PerUnit
		return tx
	}
	tx.PerUnit, tx.Tip = number("maxFeePerGas"), number("maxPriorityFeePerGas")
	return tx
}

func (f *fakeClef) serve(t *testing.T) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("Content-Type") != "application/json" {
			http.Error(w, "no JSON", http.StatusUnsupportedMediaType)
			return
		}
		_, _ = io.WriteString(w, f.answer(t, body))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// listen serves on a socket, and leaves connections open as clef does.
func (f *fakeClef) listen(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "clef.ipc")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for d := json.NewDecoder(conn); ; {
					var request json.RawMessage
					if d.Decode(&request) != nil {
						return
					}
					_, _ = io.WriteString(conn, f.answer(t, request))
				}
			}()
		}
	}()
	return path
}

var remoteNetwork = chain.Network{Name: "remote", Family: chain.FamilyEVM, ChainID: 31337, Confirmations: 1, Tokens: []chain.Token{
	{Symbol: "ETH", Decimals: 18}, {Symbol: "USDT", Decimals: 6, Contract: "0x00000000000000000000000000000000000000aa"}}}

// remote is a Client that signs at location, and a draft that needs no node.
func remote(t *testing.T, location string, symbol string, legacy bool) (*evm.Client, chain.Draft, error) {
	t.Helper()
	signer, err := evm.NewClef(t.Context(), location, 10*time.Second)
	if err != nil {
		return nil, chain.Draft{}, err
	}
	c, err := evm.New(evm.Config{Network: remoteNetwork, URLs: []string{"http://127.0.0.1:1"}, Clock: clock.System{}, Signer: signer})
	if err != nil {
		t.Fatal(err)
	}
	wei := func(n uint64) money.Amount { return amount(t, remoteNetwork, "ETH", n) }
	d := chain.Draft{Outgoing: chain.Outgoing{From: c.Accounts()[0], To: evmaddr.Address{0: 7}.String(), Amount: amount(t, remoteNetwork, symbol, 5)},
		Work: 50_000, Fee: chain.Fee{PerUnit: wei(9_000), Tip: wei(1_000)}, Most: wei(450_000_000)}
	if legacy {
		d.Fee.Tip = d.Fee.PerUnit
	}
	return c, d, nil
}

func TestRemoteSigner(t *testing.T) {
	for name, serve := range map[string]func(*fakeClef, *testing.T) string{"HTTP": (*fakeClef).serve, "a socket": (*fakeClef).listen} {
		for _, symbol := range []string{"ETH", "USDT"} {
			for _, legacy := range []bool{false, true} {
				f := &fakeClef{key: newTestKey("remote")}
				c, d, err := remote(t, serve(f, t), symbol, legacy)
				if err != nil {
					t.Fatal(err)
				}
				tx, err := c.Sign(t.Context(), d, 3)
				if err != nil {
					t.Errorf("%s: %v", name, err)
					continue
				}
				decoded, from, err := evm.Decode(tx.Raw)
				if err != nil || from != f.key.Address() || decoded.Nonce != 3 || decoded.Legacy() != legacy {
					t.Errorf("%s: %+v by %s, %v", name, decoded, from, err)
				}
			}
		}
	}
}

// P13, P20: what the signer returns must be what it was asked, to the last member.
func TestP20_RemoteSignerThatChangesSomething(t *testing.T) {
	f := &fakeClef{key: newTestKey("remote")}
	location := f.serve(t)
	for _, legacy := range []bool{false, true} {
		c, d, err := remote(t, location, "USDT", legacy)
		if err != nil {
			t.Fatal(err)
		}
		for name, lie := range map[string]func(*evm.Tx){
			"chain":    func(tx *evm.Tx) { tx.ChainID++ },
			"nonce":    func(tx *evm.Tx) { tx.Nonce++ },
			"receiver": func(tx *evm.Tx) { tx.To[19]++ },
			"value":    func(tx *evm.Tx) { tx.Value.AddUint64(&tx.Value, 1) },
			"payee":    func(tx *evm.Tx) { tx.Data[20]++ },
			"no data":  func(tx *evm.Tx) { tx.Data = nil },
			"gas":      func(tx *evm.Tx) { tx.Gas++ },
			"fee": func(tx *evm.Tx) {
				tx.PerUnit.AddUint64(&tx.PerUnit, 1)
				tx.Tip.AddUint64(&tx.Tip, 1)
			},
			"sender": func(*evm.Tx) { f.key = newTestKey("another") },
		} {
			f.lie, f.key = lie, newTestKey("remote")
			if tx, err := c.Sign(t.Context(), d, 3); err == nil || tx.Raw != nil {
				t.Errorf("%s, legacy %v: taken: %+v", name, legacy, tx)
			}
		}
		f.lie, f.key = nil, newTestKey("remote")
		if _, err := c.Sign(t.Context(), d, 3); err != nil { // the control
			t.Error(err)
		}
	}
	c, d, err := remote(t, location, "ETH", false)
	if err != nil {
		t.Fatal(err)
	}
	for _, garbage := range []string{"0x", "0x02", "nothing", "0x" + strings.Repeat("00", 200)} {
		f.garbage = garbage
		if tx, err := c.Sign(t.Context(), d, 3); err == nil {
			t.Errorf("%q: taken: %+v", garbage, tx)
		}
	}
	f.garbage, f.refusal = "", "Request denied"
	if _, err := c.Sign(t.Context(), d, 3); err == nil || !strings.Contains(err.Error(), "Request denied") {
		t.Errorf("refused: %v", err)
	}
}

func TestRemoteSignerThatIsNone(t *testing.T) {
	empty := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"jsonrpc":"2.0","id":1,"result":[]}`)
	}))
	t.Cleanup(empty.Close)
	elsewhere := httptest.NewServer(http.RedirectHandler(empty.URL, http.StatusTemporaryRedirect))
	t.Cleanup(elsewhere.Close)
	gone := httptest.NewServer(nil)
	gone.Close()
	for _, location := range []string{empty.URL, elsewhere.URL, gone.URL, "", "clef.ipc", "ftp://127.0.0.1/", filepath.Join(t.TempDir(), "none.ipc")} {
		if _, _, err := remote(t, location, "ETH", false); err == nil {
			t.Errorf("%q was taken for a signer", location)
		}
	}
	secret := "https://user:hunter2@127.0.0.1:" + strconv.Itoa(1) + "/key"
	if _, _, err := remote(t, secret, "ETH", false); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("its URL is shown, or worse: %v", err)
	}
}
