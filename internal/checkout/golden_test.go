package checkout

import (
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestB03_GoldenPages compares the page of every state with the one that was
// looked at. What is not in these files is not shown.
func TestB03_GoldenPages(t *testing.T) {
	pages := map[string]string{"choose-again": "waiting"}
	views := states()
	for name := range views {
		pages[name] = name
	}
	for name, state := range pages {
		t.Run(name, func(t *testing.T) {
			v := views[state]
			o := Options{Images: true}
			if v.Test {
				o.TestPay = func(number string) string { return "/demo/pay/" + number }
			}
			path := "/pay/" + v.Number
			if name == "choose-again" {
				path += "?choose=1&problem=rate"
			}
			got := newBench(t, o, v).get(path)
			compareGolden(t, name+".html", got.Code, http.StatusOK, got.Body.String())
		})
	}
	t.Run("unknown", func(t *testing.T) {
		got := newBench(t, Options{}).get("/pay/20261121000000000043")
		compareGolden(t, "unknown.html", got.Code, http.StatusNotFound, got.Body.String())
	})
}

var (
	inlineStyle = regexp.MustCompile(`(?s)<style>.*?</style>`)
	assetHash   = regexp.MustCompile(`/static/(\w+)\.[0-9a-f]{12}\.(\w+)`)
)

func compareGolden(t *testing.T, name string, status, wantStatus int, body string) {
	t.Helper()
	if status != wantStatus {
		t.Errorf("status %d, want %d", status, wantStatus)
	}
	// Styles and the hashes of assets change without a change of what is said.
	body = inlineStyle.ReplaceAllString(body, "<style></style>")
	body = assetHash.ReplaceAllString(body, "/static/$1.HASH.$2")
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), body); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", name, diff)
	}
}
