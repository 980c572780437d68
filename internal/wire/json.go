package wire

import (
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"florin/internal/payment"
)

// maxDepth bounds how deep JSON may nest (threats L02).
const maxDepth = 32

// Kind is what a JSON value is.
type Kind uint8

// The kinds of values.
const (
	Null Kind = iota
	Bool
	Number
	String
	Array
	Nested // an object inside the request's
)

// Value is one JSON value. Text is a String's characters, and for all else what was sent: a number
// keeps its digits and never becomes a float.
type Value struct {
	Kind Kind
	Text string
}

// Member is one field of an object.
type Member struct {
	Name string
	Value
}

// Object is a request's JSON, in the order of its fields.
type Object []Member

// ParseObject reads text, which is one JSON object from its first byte on and nothing behind it
// but white space. It is stricter than encoding/json, whose leniency lets two readers see two
// requests (threats W03): a name may come once in each object, names are never matched by folding
// case, and one of the known names must be spelled as it is, without case or escapes of its own.
// It refuses what is not UTF-8, lone surrogates, U+0000 and more than 32 levels.
//
// The error is a refusal of the known field that is spelled oddly or comes twice, else of "body".
// The object shares text's memory.
func ParseObject(text string, known []string) (Object, error) {
	if !strings.HasPrefix(text, "{") || !utf8.ValidString(text) {
		return nil, invalidBody("not one JSON object in UTF-8")
	}
	p := parser{text: text}
	object, ok := p.object(1, known, make(Object, 0, 16))
	p.space()
	switch {
	case p.field != "":
		return nil, payment.Invalid(p.field, "comes twice, or in another spelling")
	case !ok || p.at != len(text):
		return nil, invalidBody("not one strict JSON object")
	}
	return object, nil
}

func invalidBody(text string) error { return payment.Invalid("body", text) }

// parser walks text once. Its methods return false where the grammar is broken.
type parser struct {
	text  string
	at    int
	field string // the known field that ParseObject refuses
}

// next skips white space and returns the byte behind it, or 0 at the end.
func (p *parser) next() byte {
	p.space()
	if p.at == len(p.text) {
		return 0
	}
	return p.text[p.at]
}

func (p *parser) space() {
	for p.at < len(p.text) {
		switch p.text[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

// take moves over c if it comes next.
func (p *parser) take(c byte) bool {
	if p.next() != c {
		return false
	}
	p.at++
	return true
}

// object reads an object and appends its members to into.
func (p *parser) object(depth int, known []string, into Object) (Object, bool) {
	if depth > maxDepth || !p.take('{') {
		return into, false
	}
	if p.take('}') {
		return into, true
	}
	var seen names
	for {
		p.space()
		name, escaped, ok := p.string()
		if !ok {
			return into, false
		}
		if !slices.Contains(known, name) || escaped {
			if p.field = resembles(known, name); p.field != "" {
				return into, false
			}
		}
		if !seen.add(into, name) {
			if slices.Contains(known, name) {
				p.field = name
			}
			return into, false
		}
		if !p.take(':') {
			return into, false
		}
		value, ok := p.value(depth)
		if !ok {
			return into, false
		}
		into = append(into, Member{name, value})
		if p.take(',') {
			continue
		}
		return into, p.take('}')
	}
}

// resembles returns the known name that somebody who folds case would take name for.
func resembles(known []string, name string) string {
	for _, k := range known {
		if strings.EqualFold(k, name) {
			return k
		}
	}
	return ""
}

// names tells whether a name came before in the same object. Few are compared one by one, many
// through a map, so that a body full of names takes no time.
type names struct{ many map[string]struct{} }

const fewNames = 16

// add reports whether name is new beside the members before it.
func (n *names) add(before Object, name string) bool {
	if len(before) < fewNames {
		return !slices.ContainsFunc(before, func(m Member) bool { return m.Name == name })
	}
	if n.many == nil {
		n.many = make(map[string]struct{}, 4*fewNames)
		for _, m := range before {
			n.many[m.Name] = struct{}{}
		}
	}
	if _, twice := n.many[name]; twice {
		return false
	}
	n.many[name] = struct{}{}
	return true
}

// value reads any value. Objects and arrays are checked to the bottom and kept as sent.
func (p *parser) value(depth int) (Value, bool) {
	switch c := p.next(); c {
	case '"':
		text, _, ok := p.string()
		return Value{String, text}, ok
	case '{':
		start := p.at
		_, ok := p.object(depth+1, nil, nil)
		return Value{Nested, p.text[start:p.at]}, ok
	case '[':
		start := p.at
		ok := p.array(depth + 1)
		return Value{Array, p.text[start:p.at]}, ok
	case 't':
		return p.word(Bool, "true")
	case 'f':
		return p.word(Bool, "false")
	case 'n':
		return p.word(Null, "null")
	default:
		start := p.at
		ok := p.number()
		return Value{Number, p.text[start:p.at]}, ok
	}
}

func (p *parser) word(kind Kind, word string) (Value, bool) {
	if !strings.HasPrefix(p.text[p.at:], word) {
		return Value{}, false
	}
	p.at += len(word)
	return Value{kind, word}, true
}

func (p *parser) array(depth int) bool {
	if depth > maxDepth || !p.take('[') {
		return false
	}
	if p.take(']') {
		return true
	}
	for {
		if _, ok := p.value(depth); !ok {
			return false
		}
		if p.take(',') {
			continue
		}
		return p.take(']')
	}
}

// number moves over -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?
func (p *parser) number() bool {
	p.any("-")
	if !p.any("0") && p.digits() == 0 {
		return false
	}
	if p.any(".") && p.digits() == 0 {
		return false
	}
	if p.any("eE") {
		p.any("+-")
		return p.digits() > 0
	}
	return true
}

// any moves over one of the characters of set.
func (p *parser) any(set string) bool {
	if p.at == len(p.text) || strings.IndexByte(set, p.text[p.at]) < 0 {
		return false
	}
	p.at++
	return true
}

func (p *parser) digits() (n int) {
	for p.at < len(p.text) && p.text[p.at] >= '0' && p.text[p.at] <= '9' {
		p.at++
		n++
	}
	return n
}

// string reads a string and tells whether it used escapes.
func (p *parser) string() (text string, escaped, ok bool) {
	if p.at == len(p.text) || p.text[p.at] != '"' {
		return "", false, false
	}
	p.at++
	for start := p.at; p.at < len(p.text); p.at++ {
		switch c := p.text[p.at]; {
		case c == '"':
			text = p.text[start:p.at]
			p.at++
			return text, false, true
		case c == '\\':
			text, ok = p.unescape([]byte(p.text[start:p.at]))
			return text, true, ok
		case c < ' ':
			return "", false, false
		}
	}
	return "", false, false
}

// unescape reads the rest of a string that has escapes.
func (p *parser) unescape(decoded []byte) (string, bool) {
	for p.at < len(p.text) {
		c := p.text[p.at]
		p.at++
		switch {
		case c == '"':
			return string(decoded), true
		case c < ' ':
			return "", false
		case c != '\\':
			decoded = append(decoded, c)
		default:
			r, ok := p.escape()
			if !ok || r == 0 {
				return "", false
			}
			decoded = utf8.AppendRune(decoded, r)
		}
	}
	return "", false
}

// escape reads what stands behind a backslash.
func (p *parser) escape() (rune, bool) {
	if p.at == len(p.text) {
		return 0, false
	}
	c := p.text[p.at]
	p.at++
	switch c {
	case '"', '\\', '/':
		return rune(c), true
	case 'b':
		return '\b', true
	case 'f':
		return '\f', true
	case 'n':
		return '\n', true
	case 'r':
		return '\r', true
	case 't':
		return '\t', true
	case 'u':
		return p.unicode()
	}
	return 0, false
}

// unicode reads the four digits behind \u, and the second half of a surrogate pair.
func (p *parser) unicode() (rune, bool) {
	r, ok := p.hex4()
	if !ok || !utf16.IsSurrogate(r) {
		return r, ok
	}
	if !strings.HasPrefix(p.text[p.at:], `\u`) {
		return 0, false
	}
	p.at += 2
	low, ok := p.hex4()
	r = utf16.DecodeRune(r, low)
	return r, ok && r != utf8.RuneError
}

func (p *parser) hex4() (r rune, ok bool) {
	if len(p.text)-p.at < 4 {
		return 0, false
	}
	for _, c := range []byte(p.text[p.at : p.at+4]) {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	p.at += 4
	return r, true
}

// AppendString writes s as a JSON string, the way JSON.stringify does and not encoding/json: & < > and
// U+2028 stay as they are. What we sign has to look the way other people's clients write it.
func AppendString(b []byte, s string) []byte {
	const digits = "0123456789abcdef"
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		case '\b':
			b = append(b, '\\', 'b')
		case '\f':
			b = append(b, '\\', 'f')
		default:
			b = append(b, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		}
	}
	b = append(b, s[from:]...)
	return append(b, '"')
}
