package evm

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
)

// maxDepth bounds nesting; what nodes answer is less than ten deep.
const maxDepth = 64

// walker reads a JSON text once from front to back, in any order of members, without copying: the answers of nodes are
// large and nearly all of them is skipped. It accepts exactly what encoding/json does up to maxDepth (fuzzed), and in
// addition no member twice where it is asked for. After an error every method does nothing.
type walker struct {
	text  []byte
	at    int
	depth int
	err   error
}

func (w *walker) fail(what string) {
	if w.err == nil {
		w.err = fmt.Errorf("bad JSON at byte %d: %s", w.at, what)
	}
	w.at = len(w.text)
}

// peek returns the next byte after white space, 0 at the end.
func (w *walker) peek() byte {
	for ; w.at < len(w.text); w.at++ {
		switch c := w.text[w.at]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// next returns the byte that peek shows and steps over it.
func (w *walker) next() byte {
	c := w.peek()
	if w.at < len(w.text) {
		w.at++
	}
	return c
}

// end fails unless only white space is left.
func (w *walker) end() {
	if w.peek(); w.err == nil && w.at < len(w.text) {
		w.fail("text after the value")
	}
}

// object calls member with each name, as written; member must read the value.
func (w *walker) object(member func(name []byte)) {
	if !w.open('{', '}') {
		return
	}
	for w.err == nil {
		name := w.string()
		if w.next() != ':' {
			w.fail("no colon")
			return
		}
		member(name)
		if !w.more('}') {
			return
		}
	}
}

// array calls element before each element; element must read it.
func (w *walker) array(element func()) {
	if !w.open('[', ']') {
		return
	}
	for w.err == nil {
		element()
		if !w.more(']') {
			return
		}
	}
}

// open enters an object or array and reports whether there is anything in it.
func (w *walker) open(first, last byte) bool {
	if w.next() != first {
		w.fail("not " + string(first))
		return false
	}
	if w.depth++; w.depth > maxDepth {
		w.fail("too deep")
		return false
	}
	if w.peek() == last {
		w.at++
		w.depth--
		return false
	}
	return true
}

// more steps over the comma before another element, or over last.
func (w *walker) more(last byte) bool {
	switch w.next() {
	case ',':
		return true
	case last:
		w.depth--
	default:
		w.fail("neither comma nor end")
	}
	return false
}

// null steps over a null and reports whether there was one.
func (w *walker) null() bool {
	if w.peek() == 'n' {
		w.literal("null")
		return w.err == nil
	}
	return false
}

// bool reads true or false.
func (w *walker) bool() bool {
	if w.peek() == 't' {
		w.literal("true")
		return true
	}
	w.literal("false")
	return false
}

func (w *walker) literal(word string) {
	if !bytes.HasPrefix(w.text[w.at:], []byte(word)) {
		w.fail("not " + word)
		return
	}
	w.at += len(word)
}

// set reads a string, or null, into *to; it refuses a second string.
func (w *walker) set(to *[]byte) {
	if *to != nil {
		w.fail("member twice")
		return
	}
	if !w.null() {
		*to = w.string()
	}
}

// string returns what stands between the quotes, escapes as they are. It is never nil.
func (w *walker) string() []byte {
	if w.next() != '"' {
		w.fail("not a string")
		return []byte{}
	}
	start := w.at
	for w.err == nil {
		w.at += plain(w.text[w.at:])
		if w.at == len(w.text) {
			break
		}
		switch c := w.text[w.at]; {
		case c == '"':
			w.at++
			return w.text[start : w.at-1 : w.at-1]
		case c == '\\':
			w.escape()
		default:
			w.fail("control character in a string")
		}
	}
	w.fail("string without end")
	return []byte{}
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// plain returns how many leading bytes of text are neither quote, backslash nor control character, eight at a time:
// most of what a node sends are long hex strings.
func plain(text []byte) int {
	at := 0
	for ; at+8 <= len(text); at += 8 {
		word := binary.LittleEndian.Uint64(text[at:])
		quote, slash := word^('"'*ones), word^('\\'*ones)
		// The lowest marked byte is exact, those above it may be marked by a borrow.
		if found := ((quote-ones)&^quote | (slash-ones)&^slash | (word-' '*ones)&^word) & highs; found != 0 {
			return at + bits.TrailingZeros64(found)/8
		}
	}
	for ; at < len(text); at++ {
		if c := text[at]; c == '"' || c == '\\' || c < ' ' {
			break
		}
	}
	return at
}

// escape steps over a backslash and what belongs to it.
func (w *walker) escape() {
	rest := w.text[w.at+1:]
	switch {
	case len(rest) >= 1 && bytes.IndexByte([]byte(`"\/bfnrt`), rest[0]) >= 0:
		w.at += 2
	case len(rest) >= 5 && rest[0] == 'u' && isHex(rest[1]) && isHex(rest[2]) && isHex(rest[3]) && isHex(rest[4]):
		w.at += 6
	default:
		w.fail("bad escape")
	}
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

// skip steps over one value of any kind.
func (w *walker) skip() {
	switch c := w.peek(); {
	case c == '"':
		w.string()
	case c == '{':
		w.object(func([]byte) { w.skip() })
	case c == '[':
		w.array(w.skip)
	case c == 't', c == 'f':
		w.bool()
	case c == 'n':
		w.null()
	default:
		w.number()
	}
}

// number steps over a number and returns it as written.
func (w *walker) number() []byte {
	w.peek()
	start := w.at
	w.sign("-")
	if w.at < len(w.text) && w.text[w.at] == '0' {
		w.at++
	} else {
		w.digits()
	}
	if w.at < len(w.text) && w.text[w.at] == '.' {
		w.at++
		w.digits()
	}
	if w.at < len(w.text) && w.text[w.at]|0x20 == 'e' {
		w.at++
		w.sign("+-")
		w.digits()
	}
	if w.err != nil {
		return nil
	}
	return w.text[start:w.at]
}

// sign steps over one of signs, if it stands there.
func (w *walker) sign(signs string) {
	if w.at < len(w.text) && bytes.IndexByte([]byte(signs), w.text[w.at]) >= 0 {
		w.at++
	}
}

// digits steps over one digit or more.
func (w *walker) digits() {
	start := w.at
	for w.at < len(w.text) && isDigit(w.text[w.at]) {
		w.at++
	}
	if w.at == start {
		w.fail("not a value")
	}
}
