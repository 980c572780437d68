package wire

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"net/http"
	"strings"
)

// One returns the value of a header that must come exactly once: a proxy and we could each read
// another of two (threats W10). The name is in Go's canonical spelling.
func One(h http.Header, name string) (value string, ok bool) {
	values := h[name]
	if len(values) != 1 || values[0] == "" {
		return "", false
	}
	return values[0], true
}

// Alphanumeric reports whether s is 1 to most ASCII letters and digits.
func Alphanumeric(s string, most int) bool {
	if s == "" || len(s) > most {
		return false
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}

// IsJSON reports whether a Content-Type is application/json; parameters are ignored, for the
// charset of JSON is UTF-8 whatever they say.
func IsJSON(contentType string) bool {
	media, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.TrimRight(media, " \t"), "application/json")
}

// SameMAC reports whether text is mac in hex of either case. The time it takes does not tell where
// they differ (threats W05).
func SameMAC(mac [32]byte, text string) bool {
	var sent [32]byte
	if len(text) != hex.EncodedLen(len(sent)) {
		return false
	}
	if _, err := hex.Decode(sent[:], []byte(text)); err != nil {
		return false
	}
	return subtle.ConstantTimeCompare(mac[:], sent[:]) == 1
}

// RequestHash makes the hash that tells a repeated request from a conflicting one. Add the parsed
// fields in a fixed order; each carries its length, so no two lists of fields look alike.
type RequestHash struct{ framed []byte }

// NewRequestHash begins the hash of one kind of request.
func NewRequestHash(kind string) *RequestHash {
	h := &RequestHash{make([]byte, 0, 512)}
	h.Add(kind)
	return h
}

// Add appends the next field.
func (h *RequestHash) Add(field string) {
	h.framed = binary.BigEndian.AppendUint64(h.framed, uint64(len(field)))
	h.framed = append(h.framed, field...)
}

// String returns the hash as lower-case hex.
func (h *RequestHash) String() string {
	sum := sha256.Sum256(h.framed)
	return hex.EncodeToString(sum[:])
}
