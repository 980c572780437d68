package evm

import (
	"bytes"
	"encoding/json"
	"io"
	"math/big"
	"strings"
	"testing"
)

func FuzzWalk(f *testing.F) {
	for _, seed := range []string{`null`, ` {"a" : [1, -0.5e+3, true,false ,null, "x\"A"], "":{}} `, `[]`, `{}`, `01`, `1.`, `-`,
		`"\u12"`, "\"\x01\"", `{"a":1,}`, `[1 2]`, `"12345678\`, `tru`, `nul`, "\"\xff\"", `{"a"}`, `[`, ``, `1 1`, `"12345678901234567"`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		w := walker{text: text}
		w.skip()
		w.end()
		if valid := json.Valid(text); valid != (w.err == nil) && !deep(text) {
			t.Errorf("encoding/json says valid %t, walker %v: %q", valid, w.err, text)
		}
	})
}

// deep reports whether text may nest past the walker's own bound.
func deep(text []byte) bool {
	return bytes.Count(text, []byte("["))+bytes.Count(text, []byte("{")) > maxDepth
}

const seedLog = `{"address":"0x5fbdb2315678afecb367f032d93f642f64180aa3","topics":["0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef",
 "0x000000000000000000000000f39fd6e51aad88f6f4ce6ab8827279cfffb92266","0x00000000000000000000000070997970c51812dc3a010c7d01b50e0d17dc79c8"],
 "data":"0x00000000000000000000000000000000000000000000000000000000000f4240","blockNumber":"0x2","transactionHash":"0xaa","transactionIndex":"0x0",
 "blockHash":"0xbb","logIndex":"0x0","removed":false}`

// The logs of an answer are read as encoding/json reads them; the walker alone refuses a member twice.
func FuzzLogs(f *testing.F) {
	f.Add([]byte("[" + seedLog + "]"))
	f.Add([]byte("[" + seedLog + "," + strings.ReplaceAll(seedLog, "false", "true") + "]"))
	f.Add([]byte(`[{"data":null,"topics":[],"address":"","x":{"address":"0x"}}]`))
	f.Add([]byte(`[{"data":"0x","data":"0x"}]`))
	f.Add([]byte(`[{"removed":1,"topics":[null,"a","b","c","d"]}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if deep(text) || bytes.IndexByte(text, '\\') >= 0 {
			return // names with escapes are other names to the walker
		}
		w := walker{text: text}
		var got []rawLog
		w.array(func() { got = append(got, w.log()) })
		w.end()
		want, ok := oracle(text)
		if ok != (w.err == nil) {
			t.Fatalf("oracle %t, walker %v: %q", ok, w.err, text)
		}
		if !ok {
			return
		}
		if len(got) != len(want) {
			t.Fatalf("%d logs, want %d: %q", len(got), len(want), text)
		}
		for i, l := range got {
			members := map[string][]byte{"address": l.address, "data": l.data, "blockHash": l.block, "blockNumber": l.height, "transactionHash": l.tx}
			for name, value := range members {
				if !sameText(value, want[i].text[name]) {
					t.Errorf("log %d: %s is %q, want %s", i, name, value, want[i].text[name])
				}
			}
			if l.removed != want[i].removed || l.topicCount != len(want[i].topics) {
				t.Errorf("log %d: removed %t, %d topics; want %t, %d", i, l.removed, l.topicCount, want[i].removed, len(want[i].topics))
			}
			for n, topic := range want[i].topics {
				if !sameText(l.topics[n], topic) {
					t.Errorf("log %d: topic %d is %q, want %s", i, n, l.topics[n], topic)
				}
			}
		}
	})
}

type oracleLog struct {
	text    map[string]json.RawMessage
	topics  []json.RawMessage
	removed bool
}

// oracle reads logs by encoding/json alone and applies the walker's own rules: known members are strings, null or what
// they should be, and stand there once.
func oracle(text []byte) (logs []oracleLog, ok bool) {
	if !json.Valid(text) || bytes.TrimLeft(text, " \t\r\n")[0] != '[' {
		return nil, false
	}
	var elements []json.RawMessage
	if err := json.Unmarshal(text, &elements); err != nil {
		return nil, false
	}
	for _, element := range elements {
		if element[0] != '{' {
			return nil, false
		}
		l := oracleLog{text: map[string]json.RawMessage{}}
		d := json.NewDecoder(bytes.NewReader(element))
		if _, err := d.Token(); err != nil {
			return nil, false
		}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return nil, false
			}
			var value json.RawMessage
			if err := d.Decode(&value); err != nil {
				return nil, false
			}
			if !l.take(name.(string), value) {
				return nil, false
			}
		}
		if _, err := d.Token(); err != nil && err != io.EOF {
			return nil, false
		}
		logs = append(logs, l)
	}
	return logs, true
}

func (l *oracleLog) take(name string, value json.RawMessage) bool {
	switch name {
	case "address", "data", "blockHash", "blockNumber", "transactionHash":
		if old := l.text[name]; old != nil && string(old) != "null" {
			return false
		}
		l.text[name] = value
		return isText(value)
	case "removed":
		l.removed = string(value) == "true"
		return l.removed || string(value) == "false"
	case "topics":
		if len(l.topics) > 0 || value[0] != '[' || json.Unmarshal(value, &l.topics) != nil || len(l.topics) > 4 {
			return false
		}
		for _, topic := range l.topics {
			if !isText(topic) {
				return false
			}
		}
	}
	return true
}

func isText(value json.RawMessage) bool { return value[0] == '"' || string(value) == "null" }

// sameText compares what the walker kept with a raw JSON value; absent and null are nil.
func sameText(got []byte, want json.RawMessage) bool {
	if want == nil || string(want) == "null" {
		return got == nil
	}
	return got != nil && string(want) == `"`+string(got)+`"`
}

func FuzzQuantity(f *testing.F) {
	for _, seed := range []string{"0x0", "0x1", "0xff", "0x", "0x00", "ff", "0xg", "0X1", "-0x1", "0x-1", "0x_1", "0x" + strings.Repeat("f", 64), "0x" + strings.Repeat("0", 65)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseQuantity([]byte(text))
		digits, prefixed := strings.CutPrefix(text, "0x")
		want, ok := new(big.Int).SetString(digits, 16)
		ok = ok && prefixed && len(digits) <= 64 && strings.Trim(digits, "0123456789abcdefABCDEF") == ""
		if ok != (err == nil) || ok && got.ToBig().Cmp(want) != 0 {
			t.Errorf("%q: %v, %v; want %v, %t", text, got.ToBig(), err, want, ok)
		}
	})
}

func TestMemberTwice(t *testing.T) {
	for text, refused := range map[string]bool{
		`{"hash":"0x1","value":"0x2"}`:              false,
		`{"hash":"0x1","value":"0x2","hash":"0x1"}`: true,
		`{"other":1,"other":2,"hash":"0x1"}`:        false, // not ours to judge
	} {
		w := walker{text: []byte(text)}
		if w.tx(); (w.err != nil) != refused {
			t.Errorf("%s: %v", text, w.err)
		}
	}
}
