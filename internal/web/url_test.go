package web

import (
	"errors"
	"net/url"
	"strings"
	"testing"
)

// refusedURLs are refused also where http is allowed.
var refusedURLs = []string{
	"", " ", "/", "//", "//shop.example", "///shop.example", "shop.example", "shop.example/x", "www.shop.example:443/",
	"?x=1", "#x", "../x", "./x", "\\", "\\\\shop.example", "/\\shop.example",
	"javascript:alert(1)", "JavaScript:alert(1)", "java\tscript:alert(1)", "java\nscript:alert(1)", " javascript:alert(1)",
	"\x01javascript:alert(1)", "javascript://shop.example/%0aalert(1)", "javascript:https://shop.example/", "&#106;avascript:alert(1)",
	"vbscript:msgbox(1)", "livescript:x", "data:text/html,<script>alert(1)</script>", "DATA:text/html;base64,PHN2Zz4=",
	"data:image/svg+xml,<svg onload=alert(1)>", "blob:https://shop.example/1", "filesystem:https://shop.example/x", "file:///etc/passwd",
	"file://shop.example/x", "ftp://shop.example/", "gopher://shop.example/", "ws://shop.example/", "wss://shop.example/", "about:blank",
	"mailto:a@shop.example", "tel:+100", "sms:+100", "intent://shop.example#Intent;end", "market://details", "chrome://settings",
	"view-source:https://shop.example/", "jar:https://shop.example!/", "feed:https://shop.example/", "ethereum:0x00", "bitcoin:x",
	"https:", "https:/", "https://", "https:///", "https:///shop.example", "https:shop.example", "https:/shop.example", "https://?x", "https://#x",
	"https:\\\\shop.example", "https:/\\shop.example", "https://\\shop.example", "https://shop.example\\@evil.example", "https://shop.example\\.evil.example",
	"https://user@shop.example/", "https://user:pass@shop.example/", "https://@shop.example/", "https://:@shop.example/",
	"https://shop.example@evil.example/", "https://shop.example%40evil.example/", "https://shop.example%2f@evil.example/",
	"https://shop.example:", "https://shop.example:/", "https://shop.example:0/", "https://shop.example:65536/", "https://shop.example:-1/",
	"https://shop.example:443x/", "https://shop.example:4 4/", "https://shop.example:443:443/", "https://:443/", "https://[::1", "https://::1/",
	"https://[::1]x/", "https://[fe80::1%25eth0]/", "https://[v1.a]/", "https://shop example/", "https://shop.example /", "https://shop.example/a b",
	"https://shop.example/\ta", "https://shop.example/\na", "https://shop.example/\r\nSet-Cookie:a=b", "https://shop.example/\x00", "https://shop.example/\x7f",
	"https://shop\u0000.example/", "https://shop.example\u202e/", "https://shop.example/\u202egpj.exe", "https://shop.example/\u200b", "https://shop.example/\u2028",
	"https://shop.example/\u00a0", "https://shop.example/\ufeff", "https://shop.example/\u0085", "https://shop.example/\xff\xfe", "https://shop.example/%zz",
	"https://shop.example/%", "https://%73hop.example/", "https://sh%6fp.example/", "https://shop.example;evil/", "https://shop.example,evil/",
	"https://shop.example'/", "https://shop.example\"/", "https://shop.example</", "https://shop.example>/", "https://*.example/", "https://a;script-src.example/",
	"https://.shop.example/", "https://shop..example/", "https://shop.example./", "https://-shop.example/", "https://shop-.example/",
	"https://münchen.example/", "https://ѕhop.example/", "https://shop。example/", "https://shop.example/" + strings.Repeat("a", MaxURL),
	"https://" + strings.Repeat("a", 64) + ".example/", "https://" + strings.Repeat("abcdefg.", 32) + "example/",
}

// TestB05_RefusedURLs has what must never stand behind a link, an image or a
// webhook.
func TestB05_RefusedURLs(t *testing.T) {
	if len(refusedURLs) < 120 {
		t.Fatalf("only %d URLs", len(refusedURLs))
	}
	for _, raw := range refusedURLs {
		if got, err := ParsePublicURL(raw, true); !errors.Is(err, ErrURL) || got != "" {
			t.Errorf("ParsePublicURL(%q) = %q, %v; want a refusal", raw, got, err)
		}
	}
}

// TestB05_AcceptedURLs is the control: what shops really send passes, and comes
// back as it was understood.
func TestB05_AcceptedURLs(t *testing.T) {
	for raw, want := range map[string]string{
		"https://shop.example":                              "https://shop.example",
		"HTTPS://Shop.Example/Path?Q=1&b=%20#top":           "https://shop.example/Path?Q=1&b=%20#top",
		"https://shop.example:8443/a/../b":                  "https://shop.example:8443/a/../b",
		"https://xn--mnchen-3ya.example/":                   "https://xn--mnchen-3ya.example/",
		"https://127.0.0.1:8080/hook":                       "https://127.0.0.1:8080/hook",
		"https://[2001:db8::1]:8443/hook":                   "https://[2001:db8::1]:8443/hook",
		"https://my_shop.example/":                          "https://my_shop.example/",
		"https://shop.example/caf%C3%A9":                    "https://shop.example/caf%C3%A9",
		"https://shop.example/café":                         "https://shop.example/caf%C3%A9",
		"https://shop.example/?q=<script>":                  "https://shop.example/?q=<script>",
		"https://shop.example/<x>":                          "https://shop.example/%3Cx%3E",
		"https://shop.example/?to=javascript:alert(1)":      "https://shop.example/?to=javascript:alert(1)",
		"https://shop.example/" + strings.Repeat("a", 2000): "https://shop.example/" + strings.Repeat("a", 2000),
	} {
		got, err := ParsePublicURL(raw, false)
		if err != nil || got != want {
			t.Errorf("ParsePublicURL(%q) = %q, %v; want %q", raw, got, err, want)
		}
	}
}

func TestB05_HTTPOnlyWhereAllowed(t *testing.T) {
	const raw = "http://shop.example/"
	if _, err := ParsePublicURL(raw, false); !errors.Is(err, ErrURL) {
		t.Errorf("http was taken where only https is allowed: %v", err)
	}
	if got, err := ParsePublicURL(raw, true); err != nil || got != raw {
		t.Errorf("ParsePublicURL(%q, true) = %q, %v", raw, got, err)
	}
}

// FuzzB05_ParsePublicURL: whatever is accepted is absolute, has a plain host and
// no credentials, and is a fixed point.
func FuzzB05_ParsePublicURL(f *testing.F) {
	for _, raw := range refusedURLs {
		f.Add(raw)
	}
	f.Add("https://shop.example:8443/a?b=c#d")
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := ParsePublicURL(raw, true)
		if err != nil {
			return
		}
		u, err := url.Parse(got)
		if err != nil || u.User != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" {
			t.Fatalf("%q was taken as %q: %v", raw, got, err)
		}
		if again, err := ParsePublicURL(got, true); err != nil || again != got {
			t.Fatalf("%q became %q, then %q, %v", raw, got, again, err)
		}
	})
}

func TestImageOrigin(t *testing.T) {
	for link, want := range map[string]string{
		"https://cdn.example/a.png":        "https://cdn.example",
		"https://cdn.example:8443/a.png":   "https://cdn.example:8443",
		"http://cdn.example/a.png":         "",
		"https://a;script-src/a.png":       "",
		"https://a,b/a.png":                "",
		"https://my_cdn.example/a.png":     "", // a policy cannot name it
		"https://[2001:db8::1]/a.png":      "",
		"data:image/png;base64,AAAA":       "",
		"https://cdn.example 'unsafe-eval": "",
		"":                                 "",
	} {
		got, ok := ImageOrigin(link)
		if got != want || ok != (want != "") {
			t.Errorf("ImageOrigin(%q) = %q, %v; want %q", link, got, ok, want)
		}
	}
}
