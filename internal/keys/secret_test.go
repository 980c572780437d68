package keys

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
)

const canary = "canary-3f9a-do-not-print"

// owner holds a secret as other packages do: exported, unexported, behind a pointer, in a list.
type owner struct {
	Name   string
	Key    Secret
	hidden Secret
	Ptr    *Secret
	List   []Secret
	Map    map[string]Secret
	Any    any
}

func newOwner() owner {
	s := NewSecret([]byte(canary))
	return owner{"shop", s, s, &s, []Secret{s}, map[string]Secret{"k": s}, s}
}

// shows reports whether text holds the canary, in the writings that fmt and encoders know.
func shows(text string) bool {
	decimal := strings.Trim(fmt.Sprint([]byte(canary)), "[]")
	goBytes := strings.TrimPrefix(fmt.Sprintf("%#v", []byte(canary)), "[]byte")
	for _, form := range []string{
		canary, hex.EncodeToString([]byte(canary)), strings.ToUpper(hex.EncodeToString([]byte(canary))), decimal, goBytes,
		"Y2FuYXJ5", // how base64 begins it
	} {
		if strings.Contains(text, form) {
			return true
		}
	}
	return false
}

func TestO03_SecretDoesNotPrint(t *testing.T) {
	o := newOwner()
	for _, verb := range strings.Fields("%v %+v %#v %s %q %x %X %d %o %b %c %U %e %g %t %p %T %w %20v %-20s") {
		for _, arg := range []any{o.Key, &o.Key, o, &o, []owner{o}, o.List, o.Map, any(o.Key)} {
			if text := fmt.Sprintf(verb, arg); shows(text) {
				t.Errorf("%s of %T shows it: %s", verb, arg, text)
			}
		}
	}
	for _, text := range []string{
		fmt.Sprint(o.Key), fmt.Sprintln(o), o.Key.String(), fmt.Errorf("load %v: %s", o, o.Key).Error(), errors.Join(fmt.Errorf("%+v", o)).Error(),
	} {
		if shows(text) {
			t.Errorf("shown: %s", text)
		}
	}
	if got := fmt.Sprintf("%v %+v %#v %s %x", o.Key, o.Key, o.Key, o.Key, o.Key); got != strings.Repeat(redacted+" ", 4)+redacted {
		t.Errorf("a secret prints as %s", got)
	}
}

func TestO03_SecretDoesNotMarshalOrLog(t *testing.T) {
	o := newOwner()
	text, err := json.Marshal(o)
	if err != nil || shows(string(text)) || !strings.Contains(string(text), `"Key":"[redacted]"`) {
		t.Errorf("JSON: %s, %v", text, err)
	}
	if text, err := xml.Marshal(o.Key); err != nil || shows(string(text)) {
		t.Errorf("XML: %s, %v", text, err)
	}
	var out bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		log := slog.New(h).With("with", o.Key)
		log.Info("secret", "key", o.Key, "owner", o, "pointer", &o, "list", o.List, slog.Group("g", "key", o.Key))
	}
	if shows(out.String()) || strings.Count(out.String(), redacted) < 6 {
		t.Errorf("logged: %s", out.String())
	}
}

// The control: the same checks catch a string, a []byte, and a type that only has a String method.
func TestO03_TheCheckFindsWhatPrints(t *testing.T) {
	for _, verb := range []string{"%v", "%+v", "%#v", "%x", "%d"} {
		for _, arg := range []any{struct{ key []byte }{[]byte(canary)}, struct{ key naive }{naive(canary)}} {
			text := fmt.Sprintf(verb, arg)
			if verb == "%d" && reflect.TypeOf(arg).Field(0).Type.Kind() == reflect.String {
				continue // fmt refuses a string, and shows it: checked by the other verbs
			}
			if !shows(text) {
				t.Errorf("%s of %T is not found: %s", verb, arg, text)
			}
		}
	}
}

type naive string

func (naive) String() string { return redacted }

func TestSecretIsACopy(t *testing.T) {
	b := []byte(canary)
	s := NewSecret(b)
	b[0] = 'X'
	s.Reveal()[1] = 'X'
	if got := string(s.Reveal()); got != canary {
		t.Errorf("a secret changed to %s from outside", got)
	}
}

func TestSecretEqual(t *testing.T) {
	s := NewSecret([]byte(canary))
	for _, c := range []struct {
		name  string
		other Secret
		want  bool
	}{
		{"the same bytes", NewSecret([]byte(canary)), true},
		{"itself", s, true},
		{"first byte differs", NewSecret([]byte("X" + canary[1:])), false},
		{"last byte differs", NewSecret([]byte(canary[:len(canary)-1] + "X")), false},
		{"a prefix", NewSecret([]byte(canary[:5])), false},
		{"longer", NewSecret([]byte(canary + "x")), false},
		{"nothing", Secret{}, false},
	} {
		if got := s.Equal(c.other); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
		if got := c.other.Equal(s); got != c.want {
			t.Errorf("%s, the other way: %v", c.name, got)
		}
	}
	if (Secret{}).Equal(Secret{}) || (Secret{}).Equal(NewSecret(nil)) {
		t.Error("nothing equals nothing")
	}
}

func TestW05_SecretHasNoEqualityOperator(t *testing.T) {
	if reflect.TypeFor[Secret]().Comparable() {
		t.Error("== compiles for secrets, and its time tells")
	}
}

func TestSecretHMAC(t *testing.T) {
	// RFC 4231, test case 2.
	s := NewSecret([]byte("Jefe"))
	const want = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
	for _, parts := range [][][]byte{
		{[]byte("what do ya want for nothing?")},
		{[]byte("what do ya "), nil, []byte("want for nothing?")},
	} {
		sum := s.HMACSHA256(parts...)
		if got := hex.EncodeToString(sum[:]); got != want {
			t.Errorf("HMAC of %d parts = %s", len(parts), got)
		}
	}
	mac := hmac.New(sha256.New, []byte("Jefe"))
	sum := s.HMACSHA256()
	if !hmac.Equal(mac.Sum(nil), sum[:]) {
		t.Error("HMAC of nothing differs")
	}
	defer func() {
		if recover() == nil {
			t.Error("HMAC under no secret did not panic")
		}
	}()
	(Secret{}).HMACSHA256([]byte("x"))
}
