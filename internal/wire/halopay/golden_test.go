package halopay

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
)

// always are the codes that every call may answer.
var always = []int{0, codeParams, codeAuth, codeTime, codeSign, codeTooFrequent}

// also are those that only some calls may.
var also = map[string][]int{
	"/api/entrust/pre-create":      {codeFailed, codeUnsupported},
	"/api/order/create":            {codeFailed, codeUnsupported},
	"/api/order/detail":            {codeNotFound},
	"/api/order/exchange-rates":    {codeFailed, codeUnsupported},
	"/api/payout/create":           {codeFailed, codeUnsupported},
	"/api/payout/detail":           {codeNotFound},
	"/api/account/balance":         {codeUnsupported},
	"/api/payment-qr-code/create":  {codeUnsupported},
	"/api/currency/token-list":     nil,
	"/api/currency/app-token-list": nil,
}

// shown reads the golden files: which codes each path answers there.
func shown(t *testing.T) map[string][]int {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]int{}
	either := regexp.MustCompile(`(?m)^POST (/\S+)$|^\{"code":(\d+),`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		path := ""
		for _, m := range either.FindAllSubmatch(text, -1) {
			if len(m[1]) > 0 {
				path = string(m[1])
				continue
			}
			code, err := strconv.Atoi(string(m[2]))
			if err != nil {
				t.Fatal(err)
			}
			found[path] = append(found[path], code)
		}
	}
	return found
}

// TestEveryCallShowsEachOfItsCodes: the golden files have every code that a call may answer, and no other.
func TestEveryCallShowsEachOfItsCodes(t *testing.T) {
	found := shown(t)
	for _, rt := range routes {
		more, listed := also[rt.path]
		if !listed {
			t.Errorf("%s: nobody says what it may answer", rt.path)
		}
		may := slices.Concat(always, more)
		for _, code := range may {
			if !slices.Contains(found[rt.path], code) {
				t.Errorf("%s: no golden answer with code %d", rt.path, code)
			}
		}
		for _, code := range found[rt.path] {
			if !slices.Contains(may, code) {
				t.Errorf("%s answers %d", rt.path, code)
			}
		}
		for _, prefix := range []string{"/v1", "/api/v1"} {
			if old := prefix + rt.old; rt.old != "" && !slices.Contains(found[old], 200) {
				t.Errorf("%s: no golden answer in the old manner", old)
			}
		}
	}
}
