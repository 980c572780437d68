package checkout

import (
	"bytes"
	"image/png"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"florin/internal/payment"
)

// TestB03_StaticPageShowsNoPayment gives a static address everything that an order can have, as if others had paid: the
// page says what it says without.
func TestB03_StaticPageShowsNoPayment(t *testing.T) {
	plain := static(usdtEthereum)
	paid := with(plain, func(v *View) {
		v.Received, v.Seen, v.Late, v.TxID = amount(v.Asset, "777"), amount(v.Asset, "888"), amount(v.Asset, "999"), txID
		v.Confirmations, v.Needed, v.Offers = 5, 12, offers()
	})
	path := "/pay/" + plain.Number
	want := newBench(t, Options{}, plain).get(path).Body.String()
	if got := newBench(t, Options{}, paid).get(path).Body.String(); got != want {
		t.Errorf("the page shows what others paid:\n%s", got)
	}
	// The control: an order's page does.
	order := waitingFor(usdtEthereum)
	order.Received = amount(order.Asset, "7.77")
	if got := newBench(t, Options{}, order).get(path).Body.String(); !strings.Contains(got, "7.77") {
		t.Error("an order's page shows nothing either")
	}
}

func TestStaticQRImages(t *testing.T) {
	const request = "ethereum:0xdAC17F958D2ee523a2206206994597C13D831ec7@1/transfer?address=" + deposit
	for name, c := range map[string]struct {
		view  View
		query string
		want  string // "" for none
	}{
		"a token":              {static(usdtEthereum), "", request},
		"a coin":               {static(eth), "", "ethereum:" + deposit + "@1"},
		"the address alone":    {static(usdtEthereum), "?address", deposit},
		"no request in a test": {with(static(usdtEthereum), func(v *View) { v.Test = true }), "", deposit},
		"no request on Tron":   {static(usdtTron), "", "TJRabPrwbZy45sbavfcjinPJC18kjpRTv8"},
		"a closed code":        {with(static(usdtEthereum), func(v *View) { v.State = payment.OrderClosed }), "", ""},
		"an order":             {waitingFor(usdtEthereum), "", ""},
		"no order":             {View{Number: "other"}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, Options{}, c.view)
			for kind, read := range map[string]func(*testing.T, []byte) [][]bool{"svg": modulesOfSVG, "png": modulesOfPNG} {
				got := b.get("/pay/" + orderNumber + "/qr." + kind + c.query)
				if c.want == "" {
					if got.Code != http.StatusNotFound {
						t.Errorf("%s: status %d", kind, got.Code)
					}
					continue
				}
				if got.Code != http.StatusOK || !strings.Contains(got.Header().Get("Content-Type"), kind) {
					t.Fatalf("%s: status %d, %v", kind, got.Code, got.Header())
				}
				if text, err := decodeQR(read(t, got.Body.Bytes())); err != nil || text != c.want {
					t.Errorf("%s holds %q, want %q: %v", kind, text, c.want, err)
				}
			}
		})
	}
}

var svgSize, svgPath = regexp.MustCompile(`viewBox="0 0 (\d+) \d+"`), regexp.MustCompile(`<path d="([^"]+)" fill="none"`)

func modulesOfSVG(t *testing.T, picture []byte) [][]bool {
	size, path := svgSize.FindSubmatch(picture), svgPath.FindSubmatch(picture)
	if size == nil || path == nil {
		t.Fatalf("no code in %s", picture)
	}
	n, err := strconv.Atoi(string(size[1]))
	if err != nil {
		t.Fatal(err)
	}
	dark, err := modulesOf(code{Size: n, Path: string(path[1])})
	if err != nil {
		t.Fatal(err)
	}
	return dark
}

func modulesOfPNG(t *testing.T, raw []byte) [][]bool {
	picture, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return scan(picture, picture.Bounds().Dx()/16)
}

func TestStaticQRImageIsKeptByCaches(t *testing.T) {
	b := newBench(t, Options{}, static(usdtEthereum))
	path := "/pay/" + orderNumber + "/qr.svg"
	first := b.get(path)
	tag := first.Header().Get("ETag")
	if tag == "" || !strings.Contains(first.Header().Get("Cache-Control"), "max-age") {
		t.Fatalf("%v", first.Header())
	}
	again := func() int {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("If-None-Match", tag)
		w := httptest.NewRecorder()
		b.handler.ServeHTTP(w, r)
		return w.Code
	}
	if got := again(); got != http.StatusNotModified {
		t.Errorf("the same again: status %d", got)
	}
	b.world.put(with(static(usdtEthereum), func(v *View) { v.Address = strings.Replace(v.Address, "52", "53", 1) }))
	if got := again(); got != http.StatusOK {
		t.Errorf("another code: status %d", got)
	}
}

// TestStaticPageInChromium scans the page as a payer does, without script, and sees that nothing asks for more.
func TestStaticPageInChromium(t *testing.T) {
	v := static(usdtEthereum)
	b := newBench(t, Options{}, v)
	link := serve(t, b) + pathOf(v)
	ctx := newTab(t)
	if _, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	do(t, ctx, chromedp.EmulateViewport(360, 760), chromedp.Navigate(link))
	want, err := evmURI(v.Asset, v.Address)
	if err != nil {
		t.Fatal(err)
	}
	if got := readCode(t, ctx, "#qr"); got != want {
		t.Errorf("the code holds %q, want %q", got, want)
	}
	if stream := b.get(v.links().to("events")); stream.Code != http.StatusNoContent {
		t.Errorf("the page's stream: status %d", stream.Code)
	}
	if body := b.get(pathOf(v)).Body.String(); strings.Contains(body, `http-equiv="refresh"`) || strings.Contains(body, "data-events") {
		t.Error("the page asks again and again")
	}
}
