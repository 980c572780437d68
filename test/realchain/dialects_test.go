package realchain

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"florin/contracts"
	"florin/internal/peer"
	"florin/test/clients/ccpayment"
	"florin/test/clients/payprotocol"
	"florin/test/clients/script"
)

func TestCCPaymentJourneyAnvil(t *testing.T) {
	t.Parallel()
	playCCPayment(t, peer.Anvil(t))
}

func TestCCPaymentJourneyGeth(t *testing.T) {
	t.Parallel()
	playCCPayment(t, peer.Geth(t))
}

func TestPayProtocolJourneyAnvil(t *testing.T) {
	t.Parallel()
	playPayProtocol(t, peer.Anvil(t))
}

func TestPayProtocolJourneyGeth(t *testing.T) {
	t.Parallel()
	playPayProtocol(t, peer.Geth(t))
}

// console is the operator of one app: what waits for a person, a person decides with the command line.
type console struct {
	*world
	app string
}

// approve lets the app's only payout or refund that waits go, and sees that it is final. It returns its number.
func (c console) approve() (number string) {
	c.t.Helper()
	var held []struct{ ID, Number string }
	peer.Eventually(c.t, patience, func() error {
		c.must(json.Unmarshal([]byte(c.florin.Run("payout", "list", "--app", c.app, "--state", "held", "--json")), &held))
		if len(held) != 1 {
			return fmt.Errorf("%d payouts wait for somebody to approve them", len(held))
		}
		return nil
	})
	c.florin.Run("payout", "approve", held[0].ID, "--by", "anna")
	c.inBlock(held[0].Number)
	c.node.Mine(confirmations - 1)
	return held[0].Number
}

// row is a transfer that waits at the exception desk.
type row struct{ ID, Reason, Asset, Held, Order, TxID string }

// waiting are the app's open rows, once there are as many.
func (c console) waiting(count int) (rows []row) {
	c.t.Helper()
	peer.Eventually(c.t, patience, func() error {
		c.must(json.Unmarshal([]byte(c.florin.Run("desk", "list", "--app", c.app, "--json")), &rows))
		if len(rows) != count {
			return fmt.Errorf("%d rows wait: %+v", len(rows), rows)
		}
		return nil
	})
	return rows
}

// playCCPayment is a CCPayment merchant's whole journey, whose operator pays an order back and decides about a payment in
// another token.
func playCCPayment(t *testing.T, node *peer.EVM) {
	w := newHouse(t, node)
	port, err := script.FreePort()
	w.must(err)
	app, secret := w.florin.AddAppOf("ccpayment", "--mode", "live", "--webhook", ccpayment.Callback(port))
	w.florin.Run("payout", "rules", app, "--on", "--approve-above", "USDT=0.5")
	at, payee := console{w, app}, w.recipient()
	end, err := ccpayment.Journey(t.Context(), ccpayment.Config{
		URL: w.florin.URL, AppID: app, Secret: secret, Port: port, Crypto: "USDT", Chain: "LOCALNET", Price: "5", Reference: "j",
		Payee: payee, Payout: "1", Patience: 2 * patience,
		Pay: func(_ context.Context, p ccpayment.Payment) (string, error) {
			tx := w.send(p.Contract, "transfer(address,uint256)", p.Address, units(t, p.Crypto, p.Amount).String())
			node.Mine(confirmations - 1)
			return tx.id, nil
		},
		PayHosted: func(_ context.Context, h ccpayment.Hosted) error { return w.payPage(h.PaymentURL, h.Crypto) },
		Settle: func(_ context.Context, orderID string) error {
			if number := at.approve(); number != orderID {
				return fmt.Errorf("what waits is %s", number)
			}
			return nil
		},
		Refund: func(_ context.Context, orderID string) error {
			w.florin.Run("refund", "create", orderID, "--to", payee, "--by", "otto")
			at.approve()
			return nil
		},
		Rest: w.rest,
	})
	w.must(err)
	w.holds(payee, "USDT", "6") // the withdrawal and the refund
	if end.Earned != "8" {
		t.Errorf("%+v", end)
	}

	w.send(w.tokens["USDC"], "transfer(address,uint256)", end.PayAddress, "2500000")
	node.Mine(confirmations - 1)
	if found := at.waiting(1)[0]; found.Reason != "wrong_asset" || found.Held != "2.5" || found.Order != end.OrderID {
		t.Errorf("at the desk: %+v", found)
	} else {
		w.florin.Run("desk", "credit", found.ID, "--by", "anna", "--note", "it is the merchant's")
	}
	at.waiting(0)
	w.reconciled("USDT", "USDC")
	w.florin.Stop()
	w.booksAndChainAgree()
}

// rest is for a merchant that is about to close.
func (w *world) rest(context.Context) error {
	w.settled()
	return nil
}

// request is the payment that a page offers to wallets (EIP-681).
var request = regexp.MustCompile(`ethereum:(0x[0-9a-fA-F]{40})@(\d+)/transfer\?address=(0x[0-9a-fA-F]{40})&uint256=(\d+)`)

// payPage picks the asset with the page's form and pays what the page then offers to a wallet.
func (w *world) payPage(page, symbol string) error {
	reply, err := http.PostForm(page+"/asset", url.Values{"asset": {symbol + "@localnet"}})
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		return err
	}
	found := request.FindStringSubmatch(html.UnescapeString(string(text)))
	if found == nil || !strings.EqualFold(found[1], w.tokens[symbol]) || found[2] != fmt.Sprint(w.node.ChainID) {
		return fmt.Errorf("the page, %s, asks for %q", reply.Status, found)
	}
	w.send(found[1], "transfer(address,uint256)", found[3], found[4])
	w.node.Mine(confirmations - 1)
	return nil
}

// playPayProtocol is a Pay Protocol merchant's whole journey. He hears callbacks behind a server with TLS, as the protocol
// demands of live apps.
func playPayProtocol(t *testing.T, node *peer.EVM) {
	w := newHouse(t, node)
	port, err := script.FreePort()
	w.must(err)
	front := w.front(port)
	w.florin.Stop()
	w.florin.Env = []string{"SSL_CERT_FILE=" + filepath.Join(w.florin.Dir, "front.pem")}
	w.florin.Serve()
	key, secret := w.florin.AddAppOf("payprotocol", "--mode", "live", "--webhook", front+"/app")
	w.florin.Run("payout", "rules", key, "--on", "--approve-above", "USDT=0.5")
	at, payee := console{w, key}, w.recipient()
	end, err := payprotocol.Journey(t.Context(), payprotocol.Config{
		URL: w.florin.URL, Key: key, Secret: secret, Port: port, Origin: front, Chain: "Localnet", Symbol: "USDT", Price: "5", Reference: "j",
		Payee: payee, Payout: "1.5", Patience: 2 * patience,
		Pay: func(_ context.Context, p payprotocol.Payment) (string, error) {
			tx := w.send(p.Contract, "transfer(address,uint256)", p.Address, p.Raw)
			node.Mine(confirmations - 1)
			return tx.id, nil
		},
		Approve: func(context.Context, payprotocol.Outgoing) error {
			at.approve()
			return nil
		},
		Repair: func(_ context.Context, a payprotocol.Abnormal) error {
			found := at.waiting(1)[0]
			if found.Reason != "over_range" || found.Held != "10" || found.Order != a.OutPaymentNo || found.TxID != a.TransferHash {
				return fmt.Errorf("at the desk: %+v", found)
			}
			w.florin.Run("desk", "attach", found.ID, "--order", a.OutPaymentNo, "--by", "anna")
			return nil
		},
		Rest: w.rest,
	})
	w.must(err)
	w.holds(payee, "USDT", "6.5") // the withdrawal and the refund
	w.verified(end.PayAddress, end.SaltHash)
	at.waiting(0)
	w.reconciled("USDT")
	w.florin.Stop()
	w.booksAndChainAgree()
}

// front is a server with TLS before a port of the loopback, and the certificate for it in front.pem.
func (w *world) front(port int) (origin string) {
	w.t.Helper()
	behind := &url.URL{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", port)}
	server := httptest.NewTLSServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(behind) }})
	w.t.Cleanup(server.Close)
	w.florin.Write("front.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	return server.URL
}

// verified has cast compute a deposit address from its salt, which the merchant was told, and from what is public.
func (w *world) verified(address, salt string) {
	w.t.Helper()
	code := w.node.Cast("concat-hex", contracts.Forwarder.Bytecode.String(), w.node.Cast("abi-encode", "constructor(address)", w.hot))
	computed := func(salt string) string {
		return w.node.Cast("create2", "--deployer", w.factory, "--salt", salt, "--init-code-hash", w.node.Cast("keccak", code))
	}
	if got := computed(salt); !strings.HasSuffix(got, address) {
		w.t.Errorf("of salt %s comes %s, not %s", salt, got, address)
	}
	if got := computed(w.node.Cast("keccak", salt)); strings.HasSuffix(got, address) {
		w.t.Error("of another salt comes the same address")
	}
}
