package seal

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"florin/internal/store/query"
)

// first is what the first seal's hash follows: 64 zeros.
var first = strings.Repeat("0", 2*sha256.Size)

// item is a row, with its postings if it is an entry, that has or is to get a seal.
type item struct {
	kind, ref, text string
	appID           string // whose feed shows it, "" for an entry
}

// link returns the hash of a seal: SHA-256 of the hash before it, in hex, and the text.
func link(prev, text string) string {
	sum := sha256.Sum256([]byte(prev + text))
	return hex.EncodeToString(sum[:])
}

// text grows by fields, each as its length in bytes, a colon, itself and a comma, so that no two
// rows have one text.
type text []byte

func (t *text) add(fields ...string) {
	for _, f := range fields {
		*t = strconv.AppendInt(*t, int64(len(f)), 10)
		*t = append(*t, ':')
		*t = append(*t, f...)
		*t = append(*t, ',')
	}
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

func eventItem(e query.Event) item {
	var t text
	t.add("event", e.ID, e.Kind, e.OrderID, e.MerchantID, e.AppID, number(e.Sequence), number(e.At), e.Doc)
	return item{kind: "event", ref: e.ID, text: string(t), appID: e.AppID}
}

// line is an entry with one of its postings.
type line = query.SealedEntriesRow

// entryItems returns the items of entries whose lines stand together, in order.
func entryItems(lines []line) []item {
	var items []item
	var t text
	for i, l := range lines {
		if i == 0 || l.ID != lines[i-1].ID {
			t = nil
			t.add("entry", l.ID, l.Ref, l.OrderID, number(l.CreatedAt))
		}
		t.add(number(l.Line), l.Kind, l.Owner, l.Asset, l.Side, l.Units)
		if i+1 == len(lines) || lines[i+1].ID != l.ID {
			items = append(items, item{kind: "entry", ref: l.ID, text: string(t)})
		}
	}
	return items
}
