package payprotocol

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
)

// always are the codes that every call may answer.
var always = []int{codeSuccess, codeUnauthorized, codeTooFrequent}

// also are those that only some calls may.
var also = map[string][]int{
	"payment/createPaymentOrder": {codeInvalid, codeForbidden, codeConflict},
	"payment/detail":             {codeInvalid, codeNotFound},
	"payment/list":               {codeInvalid, codeForbidden},
	"payment/payInfo":            {codeInvalid, codeNotFound},
	"payment/payInfo/update":     {codeInvalid, codeForbidden, codeNotFound, codeConflict},
	"payment/notify":             {codeInvalid, codeNotFound, codeConflict},
	"conf/list/chain":            nil,
	"conf/list/currency":         {codeInvalid, codeForbidden},
	"refund/createRefundOrder":   {codeInvalid, codeForbidden, codeNotFound, codeConflict},
	"refund/list":                {codeInvalid, codeNotFound},
	"refund/detail":              {codeInvalid, codeNotFound},
	"refund/notify":              {codeInvalid, codeNotFound, codeConflict},
	"user/create":                {codeInvalid},
	"user/detail":                {codeInvalid, codeForbidden, codeNotFound},
	"user/list":                  {codeInvalid, codeForbidden},
	"user/tag":                   {codeInvalid},
	"recharge/list":              {codeInvalid, codeForbidden},
	"recharge/detail":            {codeInvalid, codeNotFound},
	"recharge/notify":            {codeInvalid, codeNotFound},
	"withdraw/apply":             {codeInvalid, codeForbidden, codeConflict},
	"withdraw/detail":            {codeInvalid, codeNotFound},
	"abnormalOrder/list":         {codeInvalid},
	"abnormalOrder/detail":       {codeInvalid, codeNotFound},
	"abnormalOrder/update":       {codeInvalid, codeNotFound, codeConflict},
	"abnormalOrder/notify":       {codeInvalid, codeNotFound},
}

// shown reads the golden files: which codes each call answers there.
func shown(t *testing.T) map[string][]int {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]int{}
	either := regexp.MustCompile(`(?m)^(?:GET|POST) /api/mer/([^?\n]+)|^\{"code":(\d+),`)
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
	}
}
