package checkout

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"math/big"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// decodeQR reads a QR code from its modules. It shares nothing with the code
// that draws them: it follows ISO/IEC 18004 and trusts every module, so that a
// single wrong one shows. It knows versions 1 to 10, level M, byte mode.
func decodeQR(dark [][]bool) (string, error) {
	size := len(dark)
	version := (size - 17) / 4
	if size < 21 || (size-17)%4 != 0 || version > 10 {
		return "", fmt.Errorf("%d modules wide", size)
	}
	// Format information, its first copy, most significant bit first.
	format := 0
	for _, at := range [][2]int{{0, 8}, {1, 8}, {2, 8}, {3, 8}, {4, 8}, {5, 8}, {7, 8}, {8, 8}, {8, 7}, {8, 5}, {8, 4}, {8, 3}, {8, 2}, {8, 1}, {8, 0}} {
		format = format<<1 | bit(dark[at[1]][at[0]])
	}
	format ^= 0b101010000010010
	if level := format >> 13; level != 0 {
		return "", fmt.Errorf("level %d is not M", level)
	}
	mask := format >> 10 & 7
	function := functionModules(size, version)
	var bits []byte
	for right, up := size-1, true; right > 0; right, up = right-2, !up {
		if right == 6 {
			right = 5
		}
		for i := range size {
			y := i
			if up {
				y = size - 1 - i
			}
			for _, x := range []int{right, right - 1} {
				if !function[y][x] {
					bits = append(bits, byte(bit(dark[y][x] != masked(mask, x, y))))
				}
			}
		}
	}
	words := make([]byte, len(bits)/8)
	for i := range words {
		for _, b := range bits[8*i : 8*i+8] {
			words[i] = words[i]<<1 | b
		}
	}
	// Level M by version: short blocks, long blocks, data words in a short one.
	blocks := [][3]int{1: {1, 0, 16}, 2: {1, 0, 28}, 3: {1, 0, 44}, 4: {2, 0, 32}, 5: {2, 0, 43}, 6: {4, 0, 27}, 7: {4, 0, 31}, 8: {2, 2, 38}, 9: {3, 2, 36}, 10: {4, 1, 43}}
	short, long, each := blocks[version][0], blocks[version][1], blocks[version][2]
	data := make([][]byte, short+long)
	at := 0
	for i := range each + 1 {
		for b := range data {
			if i < each || b >= short {
				data[b] = append(data[b], words[at])
				at++
			}
		}
	}
	all := bytes.Join(data, nil)
	take := func(n int) int {
		v := 0
		for range n {
			v = v<<1 | int(all[0]>>7)
			for i := range all {
				all[i] <<= 1
				if i+1 < len(all) {
					all[i] |= all[i+1] >> 7
				}
			}
		}
		return v
	}
	if mode := take(4); mode != 4 {
		return "", fmt.Errorf("mode %d is not bytes", mode)
	}
	lengthBits := 8
	if version > 9 {
		lengthBits = 16
	}
	text := make([]byte, take(lengthBits))
	for i := range text {
		text[i] = byte(take(8))
	}
	return string(text), nil
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func masked(mask, x, y int) bool {
	switch mask {
	case 0:
		return (x+y)%2 == 0
	case 1:
		return y%2 == 0
	case 2:
		return x%3 == 0
	case 3:
		return (x+y)%3 == 0
	case 4:
		return (x/3+y/2)%2 == 0
	case 5:
		return x*y%2+x*y%3 == 0
	case 6:
		return (x*y%2+x*y%3)%2 == 0
	}
	return ((x+y)%2+x*y%3)%2 == 0
}

// functionModules marks what is not data: finders, timing, alignment, format
// and version information.
func functionModules(size, version int) [][]bool {
	f := make([][]bool, size)
	for y := range f {
		f[y] = make([]bool, size)
		for x := range f[y] {
			finder := x < 9 && y < 9 || x >= size-8 && y < 9 || x < 9 && y >= size-8
			info := version >= 7 && (x >= size-11 && y < 6 || y >= size-11 && x < 6)
			f[y][x] = finder || info || x == 6 || y == 6
		}
	}
	centres := [][]int{2: {6, 18}, 3: {6, 22}, 4: {6, 26}, 5: {6, 30}, 6: {6, 34}, 7: {6, 22, 38}, 8: {6, 24, 42}, 9: {6, 26, 46}, 10: {6, 28, 50}}
	if version < 2 {
		return f
	}
	last := size - 7
	for _, cy := range centres[version] {
		for _, cx := range centres[version] {
			if cx == 6 && cy == 6 || cx == 6 && cy == last || cx == last && cy == 6 {
				continue
			}
			for y := cy - 2; y <= cy+2; y++ {
				for x := cx - 2; x <= cx+2; x++ {
					f[y][x] = true
				}
			}
		}
	}
	return f
}

// modulesOf reads a code's modules from its SVG path, and refuses a path that
// leaves the picture.
func modulesOf(c code) ([][]bool, error) {
	size := c.Size - 2*quietZone
	dark := make([][]bool, size)
	for y := range dark {
		dark[y] = make([]bool, size)
	}
	for row := range strings.SplitSeq(strings.TrimPrefix(c.Path, "M"), "M") {
		var x, y int
		if _, err := fmt.Sscanf(row, "%d %d.5", &x, &y); err != nil {
			return nil, err
		}
		for run := range strings.SplitSeq(row[strings.Index(row, "h")+1:], "h") {
			var length, step int
			if n, _ := fmt.Sscanf(run, "%dm%d 0", &length, &step); n == 0 {
				return nil, errors.New("no run")
			}
			for range length {
				dark[y-quietZone][x-quietZone] = true
				x++
			}
			x += step
		}
	}
	return dark, nil
}

// scan reads the modules from a picture of the code, as a camera would.
func scan(picture image.Image, total int) [][]bool {
	b := picture.Bounds()
	at := func(module int, low, length int) int { return low + (2*module+1)*length/(2*total) }
	dark := make([][]bool, total-2*quietZone)
	for y := range dark {
		dark[y] = make([]bool, len(dark))
		for x := range dark[y] {
			r, _, _, _ := picture.At(at(x+quietZone, b.Min.X, b.Dx()), at(y+quietZone, b.Min.Y, b.Dy())).RGBA()
			dark[y][x] = r < 0x8000
		}
	}
	return dark
}

// TestQRCodes draws and reads back texts of many lengths.
func TestQRCodes(t *testing.T) {
	for n := 1; n <= 200; n += 7 {
		text := strings.Repeat("ethereum:0xabcdef", 12)[:n]
		c, err := qrCode(text)
		if err != nil {
			t.Fatal(err)
		}
		dark, err := modulesOf(c)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := decodeQR(dark); err != nil || got != text {
			t.Errorf("%d bytes: read %q, %v", n, got, err)
		}
		dark[len(dark)-1][len(dark)-1] = !dark[len(dark)-1][len(dark)-1]
		if got, err := decodeQR(dark); err == nil && got == text {
			t.Errorf("%d bytes: the reader does not see a wrong module", n)
		}
	}
}

// TestB15_OneAddressEverywhere: the page's text, what its buttons copy, its QR
// codes, its wallet link and its wallet transaction all say the order's address
// and amount.
func TestB15_OneAddressEverywhere(t *testing.T) {
	for name, v := range states() {
		_, rest, err := v.phase(noon)
		if err != nil {
			t.Fatal(err)
		}
		if rest.IsZero() {
			continue
		}
		t.Run(name, func(t *testing.T) {
			origin := serve(t, newBench(t, Options{}, v))
			ctx := newTab(t)
			do(t, ctx, chromedp.EmulateViewport(1280, 900), emulateMedia("prefers-reduced-motion", "reduce"),
				chromedp.Navigate(origin+pathOf(v)),
				chromedp.Evaluate[chromedp.Void](`navigator.clipboard.writeText = async t => { window.copied = t }`))
			clicked := func(what string) string {
				return eval[string](t, ctx, `(document.querySelector('[data-copy=`+what+`]').click(), window.copied)`)
			}
			for what, got := range map[string]string{
				"address text":   eval[string](t, ctx, `document.getElementById('address').innerText`),
				"copied address": clicked("address"),
			} {
				if got != v.Address {
					t.Errorf("%s is %q, want %q", what, got, v.Address)
				}
			}
			if got := clicked("amount"); got != rest.Decimal() {
				t.Errorf("copied amount is %q, want %q", got, rest.Decimal())
			}
			if v.Test || !v.Asset.EVM {
				if got := readCode(t, ctx, "#qr"); got != v.Address {
					t.Errorf("QR code says %q, want the address %q", got, v.Address)
				}
				if eval[bool](t, ctx, `!!document.querySelector('#wallets, a[href^="ethereum:"]')`) {
					t.Error("there is a wallet link")
				}
				return
			}
			request := readCode(t, ctx, "#qr")
			if link := eval[string](t, ctx, `document.getElementById('open').getAttribute('href')`); link != request {
				t.Errorf("the link says %q, the QR code %q", link, request)
			}
			checkRequest(t, request, v, rest.Units())
			do(t, ctx, chromedp.Evaluate[chromedp.Void](`document.querySelector('details').open = true`))
			if got := readCode(t, ctx, "#qr-address"); got != v.Address {
				t.Errorf("the plain QR code says %q, want %q", got, v.Address)
			}
			data := eval[map[string]string](t, ctx, `({...document.getElementById('wallets').dataset})`)
			checkTransaction(t, data, v, rest.Units())
		})
	}
}

// readCode takes a picture of the element and decodes it.
func readCode(t *testing.T, ctx context.Context, selector string) string {
	t.Helper()
	total := eval[int](t, ctx, `document.querySelector('`+selector+`').viewBox.baseVal.width`)
	shot, err := chromedp.Run(ctx, chromedp.ScreenshotScale(chromedp.CSS(selector), 4))
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		t.Fatal(err)
	}
	text, err := decodeQR(scan(picture, total))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// checkRequest reads an EIP-681 request and compares it with the order.
func checkRequest(t *testing.T, request string, v View, units string) {
	t.Helper()
	rest, found := strings.CutPrefix(request, "ethereum:")
	if !found {
		t.Fatalf("%q is no payment request", request)
	}
	path, query, _ := strings.Cut(rest, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	want, wantValues := fmt.Sprintf("%s@%d", v.Address, v.Asset.ChainID), url.Values{"value": {units}}
	if !v.Asset.Native() {
		want = fmt.Sprintf("%s@%d/transfer", v.Asset.Contract, v.Asset.ChainID)
		wantValues = url.Values{"address": {v.Address}, "uint256": {units}}
	}
	if path != want || values.Encode() != wantValues.Encode() {
		t.Errorf("the request is %q with %v, want %q with %v", path, values, want, wantValues)
	}
}

// checkTransaction reads what the wallet will be asked to send.
func checkTransaction(t *testing.T, data map[string]string, v View, units string) {
	t.Helper()
	number := func(hex string) string {
		n, ok := new(big.Int).SetString(strings.TrimPrefix(hex, "0x"), 16)
		if !ok {
			t.Fatalf("%q is no number", hex)
		}
		return n.String()
	}
	if number(data["chain"]) != fmt.Sprint(v.Asset.ChainID) {
		t.Errorf("chain %s, want %d", data["chain"], v.Asset.ChainID)
	}
	if v.Asset.Native() {
		if data["to"] != v.Address || number(data["value"]) != units || data["data"] != "0x" {
			t.Errorf("the transaction is %v", data)
		}
		return
	}
	call := data["data"]
	if data["to"] != v.Asset.Contract || data["value"] != "0x0" || len(call) != 2+8+128 || call[:10] != "0xa9059cbb" ||
		!strings.EqualFold("0x"+call[10+24:10+64], v.Address) || strings.Trim(call[10:10+24], "0") != "" || number(call[10+64:]) != units {
		t.Errorf("the transaction is %v", data)
	}
}

func TestEVMRequestRefusesWhatIsNoAddress(t *testing.T) {
	due := amount(eth, "1")
	for _, address := range []string{"", "0x", deposit[:41], deposit + "0", "0x" + strings.Repeat("g", 40), deposit[2:], "javascript:alert(1)", deposit[:40] + "?a"} {
		if r, err := evmRequest(eth, address, due); err == nil {
			t.Errorf("address %q gave %q", address, r.URI)
		}
		token := usdtEthereum
		token.Contract = address
		if r, err := evmRequest(token, deposit, due); err == nil && address != "" {
			t.Errorf("contract %q gave %q", address, r.URI)
		}
	}
	noChain := eth
	noChain.ChainID = 0
	if _, err := evmRequest(noChain, deposit, due); err == nil {
		t.Error("a request without a chain")
	}
	if _, err := evmRequest(usdtTron, deposit, due); err == nil {
		t.Error("an EVM request for Tron")
	}
}
