package web

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"sort"
	"strings"

	"golang.org/x/text/language"
)

// Catalogue holds every text of some pages in every language they speak.
type Catalogue struct {
	languages []*Language // English first: what is spoken when nothing matches
	matcher   language.Matcher
}

// Language is one language's texts and ways to write.
type Language struct {
	Tag   string // BCP 47, for lang=
	Dir   string // "ltr" or "rtl", for dir=
	texts map[string]string
}

// rightToLeft lists the scripts that run from right to left.
var rightToLeft = map[string]bool{"Arab": true, "Hebr": true, "Syrc": true, "Thaa": true, "Nkoo": true, "Adlm": true}

// NewCatalogue reads this package's texts and those of dirs, where each
// locales/<tag>.json is one flat object of key and text. A text names its
// values {so}. Every language must have every key that English has.
func NewCatalogue(dirs ...fs.FS) (*Catalogue, error) {
	byTag := map[string]map[string]string{}
	for _, dir := range append([]fs.FS{files}, dirs...) {
		names, err := fs.Glob(dir, "locales/*.json")
		if err != nil {
			return nil, fmt.Errorf("list locales: %w", err)
		}
		for _, name := range names {
			if err := readTexts(byTag, dir, name); err != nil {
				return nil, err
			}
		}
	}
	tags := make([]string, 0, len(byTag))
	for tag := range byTag {
		tags = append(tags, tag)
	}
	sort.Slice(tags, func(i, j int) bool { return tags[i] == "en" || tags[j] != "en" && tags[i] < tags[j] })
	c := &Catalogue{}
	var known []language.Tag
	for _, name := range tags {
		tag, err := language.Parse(name)
		if err != nil {
			return nil, fmt.Errorf("locale %q: %w", name, err)
		}
		for key := range byTag["en"] {
			if _, ok := byTag[name][key]; !ok {
				return nil, fmt.Errorf("locale %q: no text for %q", name, key)
			}
		}
		dir := "ltr"
		if script, _ := tag.Script(); rightToLeft[script.String()] {
			dir = "rtl"
		}
		known = append(known, tag)
		c.languages = append(c.languages, &Language{Tag: name, Dir: dir, texts: byTag[name]})
	}
	c.matcher = language.NewMatcher(known)
	return c, nil
}

func readTexts(byTag map[string]map[string]string, dir fs.FS, name string) error {
	b, err := fs.ReadFile(dir, name)
	if err != nil {
		return fmt.Errorf("read locale: %w", err)
	}
	texts := map[string]string{}
	if err := json.Unmarshal(b, &texts); err != nil {
		return fmt.Errorf("read locale %s: %w", name, err)
	}
	tag := strings.TrimSuffix(path.Base(name), ".json")
	if byTag[tag] == nil {
		byTag[tag] = map[string]string{}
	}
	for key, text := range texts {
		byTag[tag][key] = text
	}
	return nil
}

// maxAcceptLanguage bounds what is parsed of a header that nobody needs long.
const maxAcceptLanguage = 256

// Match returns the language that suits r's Accept-Language best.
func (c *Catalogue) Match(r *http.Request) *Language {
	header := r.Header.Get("Accept-Language")
	if len(c.languages) == 1 || header == "" || len(header) > maxAcceptLanguage {
		return c.languages[0]
	}
	wanted, _, err := language.ParseAcceptLanguage(header)
	if err != nil {
		return c.languages[0]
	}
	_, i, _ := c.matcher.Match(wanted...)
	return c.languages[i]
}

// T returns the text of key. args are names and values in turn; each value
// takes the place of its {name}.
func (l *Language) T(key string, args ...any) (string, error) {
	text, ok := l.texts[key]
	if !ok {
		return "", fmt.Errorf("no text %q in %s", key, l.Tag)
	}
	if len(args)%2 != 0 {
		return "", fmt.Errorf("text %q: a name without a value", key)
	}
	pairs := make([]string, 0, len(args))
	for i := 0; i < len(args); i += 2 {
		pairs = append(pairs, "{"+fmt.Sprint(args[i])+"}", l.isolate(fmt.Sprint(args[i+1])))
	}
	return strings.NewReplacer(pairs...).Replace(text), nil
}

// isolate keeps a value's direction from reordering the text around it
// (threats B16). ASCII inside a left-to-right text needs nothing.
func (l *Language) isolate(value string) string {
	if l.Dir == "ltr" && isASCII(value) {
		return value
	}
	const firstStrongIsolate, popIsolate = "\u2068", "\u2069"
	return firstStrongIsolate + value + popIsolate
}

// Number writes a plain decimal such as "1234.50" the way the language does.
// It is for reading; what is to be copied stays as it is.
func (l *Language) Number(decimal string) string {
	point, group := l.texts["number.point"], l.texts["number.group"]
	whole, rest, hasRest := strings.Cut(decimal, ".")
	var b strings.Builder
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteString(group)
		}
		b.WriteRune(digit)
	}
	if hasRest {
		b.WriteString(point + rest)
	}
	return b.String()
}
