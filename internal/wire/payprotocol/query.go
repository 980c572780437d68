package payprotocol

import (
	"net/url"
	"slices"
	"strings"

	"florin/internal/payment"
	"florin/internal/wire"
)

// maxParameters bounds a query.
const maxParameters = 32

// parseQuery reads the parameters behind "?" as if they were the strings of a JSON object, and as
// strictly: each may come once, and a known one in its own spelling alone.
func parseQuery(raw string, known []string) (wire.Object, error) {
	if raw == "" {
		return nil, nil
	}
	parts := strings.Split(raw, "&")
	if len(parts) > maxParameters {
		return nil, payment.Invalid("query", "too many parameters")
	}
	object := make(wire.Object, 0, len(parts))
	for _, part := range parts {
		name, value, _ := strings.Cut(part, "=")
		name, badName := url.QueryUnescape(name)
		value, badValue := url.QueryUnescape(value)
		switch {
		case badName != nil || badValue != nil || name == "":
			return nil, payment.Invalid("query", "not parameters in percent-encoding")
		case slices.ContainsFunc(object, func(m wire.Member) bool { return m.Name == name }):
			return nil, payment.Invalid(name, "comes twice")
		case !slices.Contains(known, name) && slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, name) }):
			return nil, payment.Invalid(name, "in another spelling")
		}
		object = append(object, wire.Member{Name: name, Value: wire.Value{Kind: wire.String, Text: value}})
	}
	return object, nil
}
