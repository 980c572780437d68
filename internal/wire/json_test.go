package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"florin/internal/payment"
)

// known are the fields of the requests in these tests.
var known = []string{"out_trade_no", "symbol", "amount", "name"}

// strict is an independent reader: the grammar is encoding/json's, the rules are written anew over
// its tokens and the raw text of each string. It returns the fields of the root.
func strict(text string) (fields map[string]string, ok bool) {
	if !strings.HasPrefix(text, "{") || !utf8.ValidString(text) || !json.Valid([]byte(text)) {
		return nil, false
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	type level struct {
		object bool
		names  map[string]bool
		name   string
		value  bool // the next token is the value of name
	}
	fields = map[string]string{}
	var stack []*level
	for {
		token, err := d.Token()
		if err == io.EOF {
			return fields, true
		}
		if err != nil {
			return nil, false
		}
		var top *level
		if len(stack) > 0 {
			top = stack[len(stack)-1]
		}
		if s, isString := token.(string); isString {
			raw := lastString(text[:d.InputOffset()])
			if !wellFormed(raw, s) {
				return nil, false
			}
			if top != nil && top.object && !top.value {
				if top.names[s] {
					return nil, false
				}
				if len(stack) == 1 {
					for _, k := range known {
						if raw != `"`+k+`"` && strings.EqualFold(s, k) {
							return nil, false
						}
					}
				}
				top.names[s], top.name, top.value = true, s, true
				continue
			}
		}
		if delim, isDelim := token.(json.Delim); isDelim {
			switch delim {
			case '{', '[':
				stack = append(stack, &level{object: delim == '{', names: map[string]bool{}})
				if len(stack) > 32 {
					return nil, false
				}
				continue
			default:
				stack = stack[:len(stack)-1]
				if len(stack) > 0 {
					top = stack[len(stack)-1]
				}
				token = nil // of nested values only the place is compared
			}
		}
		if len(stack) == 1 && top == stack[0] && top.value {
			fields[top.name] = fmt.Sprint(token)
		}
		if len(stack) > 0 {
			stack[len(stack)-1].value = false
		}
	}
}

// lastString is the raw string literal that text ends with.
func lastString(text string) string {
	for from := len(text) - 2; from >= 0; from-- {
		if text[from] != '"' {
			continue
		}
		slashes := len(text[:from]) - len(strings.TrimRight(text[:from], `\`))
		if slashes%2 == 0 {
			return text[from:]
		}
	}
	return text
}

var (
	escapes   = regexp.MustCompile(`\\(?:u[0-9a-fA-F]{4}|.)`)
	surrogate = regexp.MustCompile(`^\\u[dD][89abAB]`)
	second    = regexp.MustCompile(`^\\u[dD][c-fC-F]`)
)

// wellFormed refuses U+0000 and halves of surrogate pairs.
func wellFormed(raw, decoded string) bool {
	if strings.ContainsRune(decoded, 0) {
		return false
	}
	places := escapes.FindAllStringIndex(raw, -1)
	for i := 0; i < len(places); i++ {
		escape := raw[places[i][0]:places[i][1]]
		switch {
		case second.MatchString(escape):
			return false
		case surrogate.MatchString(escape):
			i++
			if i == len(places) || places[i][0] != places[i-1][1] || !second.MatchString(raw[places[i][0]:places[i][1]]) {
				return false
			}
		}
	}
	return true
}

// agree compares ParseObject with the independent reader.
func agree(t *testing.T, text string) {
	t.Helper()
	want, ok := strict(text)
	got, err := ParseObject(text, known)
	if (err == nil) != ok {
		t.Fatalf("%q: %v, the independent reader says %v", text, err, ok)
	}
	if err != nil {
		if refusal := (*payment.Error)(nil); !errors.As(err, &refusal) || refusal.Code != payment.CodeInvalidField {
			t.Fatalf("%q: %v is no refusal", text, err)
		}
		return
	}
	if len(got) != len(want) {
		t.Fatalf("%q: %v, want %v", text, got, want)
	}
	for _, m := range got {
		value := m.Text
		switch m.Kind {
		case Null, Array, Nested:
			value = "<nil>"
		}
		if value != want[m.Name] {
			t.Fatalf("%q: %s is %q, want %q", text, m.Name, value, want[m.Name])
		}
	}
}

var seeds = []string{
	`{}`, ` {}`, `{} `, "{}\n", `{}{}`, `{},`, `[]`, `"a"`, `null`, ``, `{`, `}`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `{a:1}`, `{'a':1}`,
	`{"amount":"1","amount":"2"}`, `{"amount":"1","AMOUNT":"2"}`, `{"Amount":"1"}`, `{"\u0061mount":"1"}`, `{"amount":"1","\u0061mount":"2"}`,
	`{"ſymbol":"USD"}`, `{"symbol":"USD","ſymbol":"EUR"}`, `{"x":1,"X":2}`, `{"x":1,"x":2}`, `{"x":1,"\u0078":2}`, `{"x":{"y":1,"y":2}}`, `{"x":[{"y":1,"y":2}]}`,
	`{"x":{"Amount":1,"amount":2}}`, `{"amount":15.370}`, `{"amount":1e9}`, `{"amount":-0}`, `{"amount":01}`, `{"amount":.5}`, `{"amount":5.}`, `{"amount":+5}`,
	`{"amount":NaN}`, `{"amount":0x10}`, `{"amount":1_000}`, `{"amount":１５}`, `{"name":"Tea \u0026 \u003cCake\u003e 茶"}`, `{"name":"\ud83c\udf75"}`, `{"name":"\ud83c"}`,
	`{"name":"\udf75\ud83c"}`, `{"name":"\ud83c\u0041"}`, `{"name":"\\ud83c"}`, `{"name":"\u0000"}`, `{"\u0000":1}`, "{\"name\":\"\x00\"}", "{\"name\":\"\x1f\"}", "{\"name\":\"\x7f\"}",
	"{\"name\":\"\xff\"}", "{\"name\":\"\xed\xa0\x80\"}", "{\"name\":\"\xc0\x80\"}", "\ufeff{}", `{"name":"\x41"}`, `{"name":"\u00g1"}`, `{"name":"\u12"}`, `{"name":"a`, `{"name":"a\"}`,
	`{"name":tru}`, `{"name":true,"x":false,"y":null}`, `{"name":nullx}`, `{/*c*/}`, `{"a":1}//`, `{"a":[1,2,[3]],"b":{}}`, `{"a":[1,]}`, `{"a":[,1]}`, `{"a":[}`, `{"a":{]}`, `{"":1,"":2}`, `{"":1}`,
	strings.Repeat(`{"a":`, 32) + `1` + strings.Repeat(`}`, 32), strings.Repeat(`{"a":`, 33) + `1` + strings.Repeat(`}`, 33),
	`{"a":` + strings.Repeat(`[`, 31) + strings.Repeat(`]`, 31) + `}`, `{"a":` + strings.Repeat(`[`, 32) + strings.Repeat(`]`, 32) + `}`,
	`{"out_trade_no":"uz54NEW9TVhLSIDHUSYB4aEFupKoE7I8","symbol":"USD","amount":"15","name":"PRODUCT_NAME","image":"https://callback.com/logo.png","time_expire":1773750780}`,
	"{\r\n\t\"out_trade_no\" : \"A\" ,\n\"amount\":\t1 }\r\n",
}

func FuzzW03_StrictJSON(f *testing.F) {
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(agree)
}

// TestW03_Mutations bends valid bodies the way an attacker would: names repeated, their case
// changed, their letters escaped, things nested, bytes flipped.
func TestW03_Mutations(t *testing.T) {
	runs := 100_000
	if os.Getenv("FLORIN_SOAK") != "" {
		runs = 10_000_000
	}
	r := rand.New(rand.NewPCG(1, 2))
	accepted := 0
	for range runs {
		text := mutate(r, seeds[r.IntN(len(seeds))])
		agree(t, text)
		if _, err := ParseObject(text, known); err == nil {
			accepted++
		}
	}
	if accepted < runs/100 || accepted > runs*99/100 {
		t.Errorf("%d of %d were accepted: the mutations say little", accepted, runs)
	}
}

func mutate(r *rand.Rand, text string) string {
	for range 1 + r.IntN(3) {
		name := append(known, "x", "a")[r.IntN(len(known)+2)]
		switch r.IntN(8) {
		case 0: // another member, perhaps one that is there
			text = strings.TrimSuffix(text, "}") + `,"` + name + `":"2"}`
		case 1:
			i := r.IntN(len(name))
			text = strings.Replace(text, name, name[:i]+strings.ToUpper(name[i:i+1])+name[i+1:], 1+r.IntN(2))
		case 2:
			i := r.IntN(len(name))
			text = strings.Replace(text, name, name[:i]+fmt.Sprintf(`\u%04x`, name[i])+name[i+1:], 1)
		case 3:
			text = `{"` + name + `":` + text + `}`
		case 4:
			text = strings.NewReplacer("s", "ſ", "k", "\u212a").Replace(text)
		case 5:
			text += []string{"{}", " ", "x", "\n", "\x00", "}", "\ufeff"}[r.IntN(7)]
		default:
			if len(text) == 0 {
				continue
			}
			b := []byte(text)
			i := r.IntN(len(b))
			switch r.IntN(3) {
			case 0:
				b[i] ^= 1 << r.IntN(8)
			case 1:
				b = slices.Delete(b, i, i+1)
			default:
				b = slices.Insert(b, i, []byte(`{}[]",:\u0dD8e-.1 `)[r.IntN(18)])
			}
			text = string(b)
		}
	}
	return text
}

// TestW03_LenientReadersSeeAnotherRequest is the negative control: encoding/json takes what we
// refuse, and reads another amount than a reader who keeps the first.
func TestW03_LenientReadersSeeAnotherRequest(t *testing.T) {
	for _, text := range []string{
		`{"amount":"1","amount":"2"}`, `{"amount":"1","AMOUNT":"2"}`, `{"amount":"1","\u0041mount":"2"}`, `{"amount":"1","\u0061mount":"2"}`,
	} {
		var order struct {
			Amount string `json:"amount"`
		}
		if err := json.Unmarshal([]byte(text), &order); err != nil || order.Amount != "2" {
			t.Errorf("encoding/json reads %q of %s (%v)", order.Amount, text, err)
		}
		_, err := ParseObject(text, known)
		if refusal := (*payment.Error)(nil); !errors.As(err, &refusal) || refusal.Field != "amount" {
			t.Errorf("%s: %v, want a refusal of amount", text, err)
		}
	}
	// And a streaming decoder stops behind the first value.
	var first map[string]any
	if err := json.NewDecoder(strings.NewReader(`{"a":1}{"a":2}`)).Decode(&first); err != nil {
		t.Error(err)
	}
	if _, err := ParseObject(`{"a":1}{"a":2}`, nil); err == nil {
		t.Error("two values were taken for one")
	}
}

func TestManyNamesTakeNoTime(t *testing.T) {
	var b strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&b, `,"n%d":1`, i)
	}
	body := "{" + b.String()[1:] + "}"
	object, err := ParseObject(body, known)
	if err != nil || len(object) != 5000 {
		t.Fatalf("%d members, %v", len(object), err)
	}
	if _, err := ParseObject(strings.TrimSuffix(body, "}")+`,"n17":2}`, known); err == nil {
		t.Error("a name far back came twice")
	}
	// 5,000 names compared one by one with those before are 12.5 million comparisons.
	if n := testing.AllocsPerRun(1, func() { _, _ = ParseObject(body, known) }); n > 1000 {
		t.Errorf("%v allocations", n)
	}
}

func TestAppendString(t *testing.T) {
	for _, s := range []string{"", "plain", `Tea & <Cake> 茶`, "\"\\\n\r\t\b\f\x00\x1f\x7f", "\u2028\u2029", "é\U0001f375"} {
		text := AppendString(nil, s)
		var back string
		if err := json.Unmarshal(text, &back); err != nil || back != s {
			t.Errorf("%q is written %s and read back %q (%v)", s, text, back, err)
		}
		for _, needless := range []string{`\u0026`, `\u003c`, `\u0008`, `\u000c`, `\u2028`} { // JSON.stringify writes none of them
			if bytes.Contains(text, []byte(needless)) {
				t.Errorf("%q: %s is escaped: %s", s, needless, text)
			}
		}
	}
}
