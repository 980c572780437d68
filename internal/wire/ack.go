package wire

import (
	"strings"
)

// Says reports whether a merchant's whole answer is word: in any case of ASCII letters, with white
// space around it, or as a JSON string.
func Says(answer []byte, word string) bool {
	said := strings.TrimSpace(string(answer))
	if len(said) > 1 && said[0] == '"' && said[len(said)-1] == '"' {
		said = said[1 : len(said)-1]
	}
	return len(said) == len(word) && strings.EqualFold(said, word) // no ſ for s
}
