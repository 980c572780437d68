package web

import "testing"

// TestB16_PlainTexts has texts that would disguise what stands beside them.
func TestB16_PlainTexts(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"an ordinary name stays", "Coffee, 1 kg", "Coffee, 1 kg"},
		{"other scripts stay", "قهوة 咖啡 कॉफ़ी", "قهوة 咖啡 कॉफ़ी"},
		{"joiners of emoji and Persian stay", "👩\u200d🍳 می\u200cخواهم", "👩\u200d🍳 می\u200cخواهم"},
		{"line breaks stay", "one\ntwo", "one\ntwo"},
		{"override", "Pay \u202e00.1\u202c", "Pay  00.1"},
		{"isolates", "\u2066x\u2067y\u2068z\u2069", "x y z"},
		{"marks", "a\u200eb\u200fc\u061cd", "a b c d"},
		{"zero width", "a\u200bb\ufeffc\u2060d", "a b c d"},
		{"controls", "a\x00b\x1b[31mc\x7fd\u0085e\tf\rg", "a b [31mc d e f g"},
		{"separators", "a\u2028b\u2029c", "a b c"},
		{"private use", "a\ue000b", "a b"},
		{"invalid bytes", "a\xffb\xc3(", "a b ("},
		{"tags", "a\U000e0041b", "a b"},
		{"only what is invisible", "\u202e\u200b ", ""},
		{"too long", "123456789012345678901", "12345678901234567890…"},
	} {
		if got := Plain(c.in, 20); got != c.want {
			t.Errorf("%s: Plain(%q) = %q, want %q", c.name, c.in, got, c.want)
		}
	}
}
