package payprotocol

import (
	"net/url"
	"testing"

	"florin/internal/wire"
)

// FuzzQuery: what is accepted, the standard library reads as well, and sees the same one value of each.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"", "a=1", "a=1&a=2", "outTradeNo=A%2D1&page=2", "%zz", "=", "a", "&&", "a;b", "a+b=c+d", "UUID=1&uuid=2"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		object, err := parseQuery(raw, userListFields)
		if err != nil {
			return
		}
		values, err := url.ParseQuery(raw)
		if err != nil {
			return // it refuses ";" where we read a letter like any other
		}
		fields := wire.NewFields(object)
		for name, list := range values {
			if len(list) != 1 {
				t.Errorf("%q: %q comes %d times", raw, name, len(list))
			}
			if got := fields.Word(name); got != list[0] {
				t.Errorf("%q: %q is %q, want %q", raw, name, got, list[0])
			}
		}
	})
}
