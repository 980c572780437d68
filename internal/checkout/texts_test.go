package checkout

import (
	"encoding/json"
	"io/fs"
	"regexp"
	"strings"
	"testing"
)

// TestEveryTextIsUsedAndThere reads the templates: each key they name has an
// English text, and no text is left over.
func TestEveryTextIsUsedAndThere(t *testing.T) {
	raw, err := files.ReadFile("locales/en.json")
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	if err := json.Unmarshal(raw, &texts); err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{"refund.bad": true, "refund.not-now": true}
	for prefix, words := range map[string]string{
		"problem.": "rate fixed gone", "held.": "under over late again other unknown",
		"claim.": "linked counted resolved confirming foreign failed missing unread often",
	} {
		for word := range strings.FieldsSeq(words) {
			used[prefix+word] = true
		}
	}
	key := regexp.MustCompile(`\.T "([a-z.-]+)"`)
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil || len(names) == 0 {
		t.Fatalf("%q, %v", names, err)
	}
	bare := regexp.MustCompile(`>\s*([A-Za-z][a-z]+ [^<{]*)<`)
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range key.FindAllStringSubmatch(string(text), -1) {
			used[m[1]] = true
		}
		for _, m := range bare.FindAllStringSubmatch(string(text), -1) {
			t.Errorf("%s: %q stands outside the catalogue", name, m[1])
		}
	}
	for k := range used {
		if texts[k] == "" {
			t.Errorf("no text for %q", k)
		}
	}
	for k, text := range texts {
		if !used[k] {
			t.Errorf("nobody uses %q", k)
		}
		if strings.TrimSpace(text) != text || strings.Count(text, "{") != strings.Count(text, "}") {
			t.Errorf("%q: %q", k, text)
		}
	}
}
