package checkout_test

import (
	"flag"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"florin/internal/checkout"
	"florin/internal/web"
)

// TestB04_AddressPage compares the page with those that were looked at: empty, with an address that fits,
// with one that does not, and with each field wrong. What somebody typed stays text (threats B04).
func TestB04_AddressPage(t *testing.T) {
	s := newShop(t)
	site, err := web.NewSite(web.Options{Log: slog.New(slog.DiscardHandler)})
	s.must(err)
	page, err := checkout.NewAddressPage(site, s.engine)
	s.must(err)
	mux := http.NewServeMux()
	page.Mount(mux)
	handler := site.Wrap(mux)
	const (
		salt        = "0x657faff79490a0c7a7d798d23d6b119e5eacc8f850f99a44e32b0a6cf9da6b11"
		destination = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
	)
	recipe, err := s.engine.Recipe("sim-ethereum", salt, destination)
	s.must(err)
	style := regexp.MustCompile(`(?s)<style>.*?</style>`)
	asset := regexp.MustCompile(`/static/(\w+)\.[0-9a-f]{12}\.(\w+)`)
	for name, fields := range map[string]map[string]string{
		"empty":             nil,
		"computed":          {"chain": "sim-ethereum", "salt": salt[2:], "destination": destination},
		"same":              {"chain": "sim-ethereum", "salt": salt, "destination": destination, "address": strings.ToLower(recipe.Address)},
		"other":             {"chain": "sim-ethereum", "salt": salt, "destination": destination, "address": destination},
		"wrong-chain":       {"chain": "nowhere", "salt": salt, "destination": destination},
		"wrong-salt":        {"chain": "sim-ethereum", "salt": `"><script>alert(1)</script>`, "destination": destination},
		"wrong-destination": {"chain": "sim-ethereum", "salt": salt, "destination": "0x0000000000000000000000000000000000000000"},
	} {
		query := url.Values{}
		for field, value := range fields {
			query.Set(field, value)
		}
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/address?"+query.Encode(), nil))
		got := asset.ReplaceAllString(style.ReplaceAllString(answer.Body.String(), "<style></style>"), "/static/$1.HASH.$2")
		if answer.Code != http.StatusOK || strings.Contains(got, "<script") {
			t.Errorf("%s: %d %s", name, answer.Code, got)
		}
		file := filepath.Join("testdata", "address-"+name+".html")
		if flag.Lookup("update").Value.String() == "true" {
			s.must(os.WriteFile(file, []byte(got), 0o644))
		}
		want, err := os.ReadFile(file)
		s.must(err)
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s differs (-want +got):\n%s", name, diff)
		}
	}
}
