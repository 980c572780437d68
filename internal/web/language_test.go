package web

import (
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

// withPersian adds a right-to-left language to the package's own texts.
func withPersian(t *testing.T, texts string) (*Catalogue, error) {
	t.Helper()
	return NewCatalogue(fstest.MapFS{
		"locales/en.json": {Data: []byte(`{"pay":"Pay {amount} to {name}"}`)},
		"locales/fa.json": {Data: []byte(texts)},
	})
}

func persian() string {
	var all strings.Builder
	for key := range errorTextsForTest() {
		all.WriteString(`"` + key + `":"x",`)
	}
	return `{` + all.String() + `"number.point":"٫","number.group":"٬","pay":"{amount} به {name}"}`
}

// errorTextsForTest has the keys of this package's own texts.
func errorTextsForTest() map[string]bool {
	keys := map[string]bool{}
	for _, key := range errorTexts {
		keys[key+".title"], keys[key+".text"] = true, true
	}
	return keys
}

func TestLanguageOfTheRequest(t *testing.T) {
	c, err := withPersian(t, persian())
	if err != nil {
		t.Fatal(err)
	}
	for header, want := range map[string]string{
		"":                        "en ltr",
		"fa":                      "fa rtl",
		"fa-IR,en;q=0.5":          "fa rtl",
		"de,fa;q=0.1":             "fa rtl",
		"de":                      "en ltr",
		"en;q=0.1,fa;q=0.9":       "fa rtl",
		"nonsense;;;":             "en ltr",
		strings.Repeat("fa,", 99): "en ltr",
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept-Language", header)
		if l := c.Match(r); l.Tag+" "+l.Dir != want {
			t.Errorf("%q: %s %s, want %s", header, l.Tag, l.Dir, want)
		}
	}
}

func TestLanguageMustBeWhole(t *testing.T) {
	if _, err := withPersian(t, `{"pay":"x"}`); err == nil {
		t.Error("a language without all texts was taken")
	}
}

func TestTextsAndNumbers(t *testing.T) {
	c, err := withPersian(t, persian())
	if err != nil {
		t.Fatal(err)
	}
	en, fa := c.languages[0], c.languages[1]
	for _, test := range []struct {
		l    *Language
		name string
		want string
	}{
		{en, "Shop", "Pay 5 to Shop"},
		{en, "{amount}", "Pay 5 to {amount}"}, // a value is never read as a text
		{en, "دکان", "Pay 5 to \u2068دکان\u2069"},
		{fa, "Shop", "\u20685\u2069 به \u2068Shop\u2069"},
	} {
		if got, err := test.l.T("pay", "amount", 5, "name", test.name); err != nil || got != test.want {
			t.Errorf("%s: %q, %v; want %q", test.name, got, err, test.want)
		}
	}
	if _, err := en.T("nothing"); err == nil {
		t.Error("an unknown key is no error")
	}
	for in, want := range map[string]string{"0": "0", "49.00": "49.00", "1234.5": "1,234.5", "123456": "123,456", "1234567.891": "1,234,567.891"} {
		if got := en.Number(in); got != want {
			t.Errorf("Number(%s) = %s, want %s", in, got, want)
		}
	}
	if got := fa.Number("1234.5"); got != "1٬234٫5" {
		t.Errorf("Number in fa: %s", got)
	}
}
