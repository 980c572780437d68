package wire

import (
	"strconv"
	"time"
)

// Writer appends JSON whose bytes are what JSON.stringify(JSON.parse(bytes)) makes of them in other
// people's clients: no white space, nothing escaped that need not be, whole numbers only. Keys come
// with their punctuation, such as `,"amount":`; they are constants of the dialects.
type Writer struct{ B []byte }

// String writes a string.
func (w *Writer) String(key, value string) {
	w.B = append(w.B, key...)
	w.B = AppendString(w.B, value)
}

// Int writes a whole number. Other people's numbers are exact up to 2^53.
func (w *Writer) Int(key string, value int64) {
	w.B = append(w.B, key...)
	w.B = strconv.AppendInt(w.B, value, 10)
}

// Bool writes true or false.
func (w *Writer) Bool(key string, value bool) {
	w.B = append(w.B, key...)
	w.B = strconv.AppendBool(w.B, value)
}

// Time writes a time in Unix seconds, 0 if there is none.
func (w *Writer) Time(key string, at time.Time) {
	if at.IsZero() {
		at = time.Unix(0, 0)
	}
	w.Int(key, at.Unix())
}

// Raw writes JSON as it is.
func (w *Writer) Raw(json string) { w.B = append(w.B, json...) }

// List begins an array; key is "" where the array is no member.
func (w *Writer) List(key string) *List {
	w.B = append(append(w.B, key...), '[')
	return &List{w: w}
}

// List is an array that is being written.
type List struct {
	w    *Writer
	some bool
}

// Next comes before each element.
func (l *List) Next() {
	if l.some {
		l.w.B = append(l.w.B, ',')
	}
	l.some = true
}

// End ends the array.
func (l *List) End() { l.w.B = append(l.w.B, ']') }
