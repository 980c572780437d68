package wire

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"florin/internal/payment"
)

// Fields reads the fields of a request one after the other. The first that does not fit is what
// Err refuses; what is read after it is of no use. An optional field that is absent, null or ""
// reads as nothing.
type Fields struct {
	object Object
	err    error
}

// NewFields reads from object.
func NewFields(object Object) *Fields { return &Fields{object: object} }

// Err returns the refusal of the first field that did not fit.
func (f *Fields) Err() error { return f.err }

// Refuse refuses a field, unless another was refused before.
func (f *Fields) Refuse(name, text string) {
	if f.err == nil {
		f.err = payment.Invalid(name, text)
	}
}

// Fail makes err the outcome, unless a field was refused before.
func (f *Fields) Fail(err error) {
	if f.err == nil {
		f.err = err
	}
}

// Has reports whether the field was sent, whatever its value.
func (f *Fields) Has(name string) bool {
	for i := range f.object {
		if f.object[i].Name == name {
			return true
		}
	}
	return false
}

// value returns the field's value, Null if it is absent.
func (f *Fields) value(name string) Value {
	for i := range f.object {
		if f.object[i].Name == name {
			return f.object[i].Value
		}
	}
	return Value{}
}

// text returns a string field, with numbers also one that was sent as a number, in its digits.
func (f *Fields) text(name string, numbers bool) string {
	switch v := f.value(name); {
	case v.Kind == Null:
		return ""
	case v.Kind == String || numbers && v.Kind == Number:
		return v.Text
	}
	f.Refuse(name, "of the wrong type")
	return ""
}

// Reference reads a merchant's own name for something: at most most printable ASCII characters, no
// space, so that no two of them look alike (threats M09).
func (f *Fields) Reference(name string, most int) string {
	s := f.text(name, false)
	if len(s) > most {
		f.Refuse(name, "too long")
	}
	for _, c := range []byte(s) {
		if c <= ' ' || c > '~' {
			f.Refuse(name, "only printable ASCII without spaces")
		}
	}
	return s
}

// Printable reads a merchant's own name for something, where its dialect allows more than Reference does: at most most
// characters that can be seen, and spaces. Names are compared by their bytes (threats M09).
func (f *Fields) Printable(name string, most int) string {
	return f.prose(name, most, func(r rune) bool { return !unicode.IsPrint(r) })
}

// Word reads a short text that only means something if it is known, such as a currency.
func (f *Fields) Word(name string) string { return f.text(name, false) }

// Line reads text for one line of a page: at most most characters, none of them a control.
func (f *Fields) Line(name string, most int) string {
	return f.prose(name, most, unicode.IsControl)
}

// Prose reads text for a page that may have line breaks and tabs.
func (f *Fields) Prose(name string, most int) string {
	return f.prose(name, most, func(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune("\n\r\t", r) })
}

func (f *Fields) prose(name string, most int, bad func(rune) bool) string {
	s := f.text(name, false)
	if len(s) > most && utf8.RuneCountInString(s) > most {
		f.Refuse(name, "too long")
	}
	if strings.ContainsFunc(s, bad) {
		f.Refuse(name, "has control characters")
	}
	return s
}

// URL reads an address through parse, which refuses what must not be stored and returns the rest
// re-serialised (threats B05).
func (f *Fields) URL(name string, parse func(string) (string, error)) string {
	s := f.text(name, false)
	if s == "" {
		return ""
	}
	parsed, err := parse(s)
	if err != nil {
		f.Refuse(name, "not an acceptable URL")
	}
	return parsed
}

// Decimal reads a plain decimal, sent as a string or as a number, in the digits it was sent in: at
// most whole digits, and at most places behind a point (threats M02). No sign, no exponent.
func (f *Fields) Decimal(name string, whole, places int) string {
	s := f.text(name, true)
	if s == "" {
		return ""
	}
	digits, fraction, point := strings.Cut(s, ".")
	fits := allDigits(digits) && len(digits) <= whole
	if point {
		fits = fits && allDigits(fraction) && len(fraction) <= places
	}
	if !fits {
		f.Refuse(name, "not a plain decimal")
	}
	return s
}

func allDigits(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}

// Natural reads a whole number of at most 15 digits, sent as a number or as a string. Absent is 0.
func (f *Fields) Natural(name string) int64 {
	s := f.text(name, true)
	if s == "" {
		return 0
	}
	if !allDigits(s) || len(s) > 15 {
		f.Refuse(name, "not a whole number")
		return 0
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		f.Refuse(name, "not a whole number")
	}
	return n
}

// Bool reads true or false. Absent is false.
func (f *Fields) Bool(name string) bool {
	v := f.value(name)
	if v.Kind != Bool && v.Kind != Null {
		f.Refuse(name, "of the wrong type")
	}
	return v.Text == "true"
}

// Strings reads an array of strings. Absent is none.
func (f *Fields) Strings(name string) (list []string) {
	v := f.value(name)
	if v.Kind == Null {
		return nil
	}
	p := parser{text: v.Text} // which is known to be JSON
	if v.Kind != Array {
		f.Refuse(name, "of the wrong type")
		return nil
	}
	if p.take('[') && p.take(']') {
		return nil
	}
	for {
		p.space()
		text, _, ok := p.string()
		if !ok {
			f.Refuse(name, "not all of it are strings")
			return nil
		}
		list = append(list, text)
		if !p.take(',') {
			return list
		}
	}
}
