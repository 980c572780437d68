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
	for name, page := range sheets() {
		t.Run(name, func(t *testing.T) {
			want := http.StatusOK
			if name == "refund-bad" {
				want = http.StatusUnprocessableEntity
			}
			got := page.open(page.bench(t))
			compareGolden(t, name+".html", got.Code, want, got.Body.String())
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
