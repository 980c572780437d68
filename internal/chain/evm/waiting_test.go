package evm

import (
	"errors"
	"strings"
	"testing"

	"florin/internal/chain"
)

// TestP18_EachNodeHasItsOwnPool: what one node knows to wait counts, whatever the others say. Only if
// none can be asked is there no answer.
func TestP18_EachNodeHasItsOwnPool(t *testing.T) {
	pool := func(count string) *fakeNode {
		f := newFakeNode(t, 1)
		f.spoil = func(method string, params []any, result any) (any, *fault) {
			switch {
			case method != "eth_getTransactionCount":
				return result, nil
			case count == "" || params[1] != "pending":
				return nil, &fault{-32601, "the method does not exist"}
			}
			return count, nil
		}
		return f
	}
	gone, stranger := newFakeNode(t, 1), pool("0x63")
	gone.Close()
	stranger.chainID = "0x1"
	nodes := map[string]*fakeNode{"five": pool("0x5"), "seven": pool("0x7"), "mute": pool(""), "gone": gone, "stranger": stranger}
	for names, want := range map[string]uint64{"five": 5, "five seven": 7, "seven mute": 7, "gone five": 5, "stranger five": 5, "mute": 0} {
		var urls []string
		for name := range strings.FieldsSeq(names) {
			urls = append(urls, nodes[name].URL)
		}
		if got, err := newTestClient(t, nil, urls...).Waiting(t.Context(), hexed(ours)); got != want || err != nil {
			t.Errorf("%s: %d, %v, want %d", names, got, err, want)
		}
	}
	if _, err := newTestClient(t, nil, gone.URL).Waiting(t.Context(), hexed(ours)); !errors.Is(err, chain.ErrUnavailable) {
		t.Errorf("nobody answers: %v", err)
	}
}
