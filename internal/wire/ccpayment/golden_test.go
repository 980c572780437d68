package ccpayment

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// always are the codes that every call may answer.
var always = []int{codeParams, codeHeader, codeTooFrequent, codeSign, codeTime, codeApp}

// also are those that only some calls may.
var also = map[string][]int{
	"/concise/url/get":         {codeSuccess, codeTaken, codeTooLong, codeToken, codePrice},
	"/bill/create":             {codeSuccess, codeTaken, codeTooLong, codeToken, codePrice, codeNotEnabled, codeDecimals},
	"/bill/info":               {codeSuccess, codeTooMany},
	"/payment/address/get":     {codeSuccess, codeChain, codeQuota},
	"/withdraw":                {codeSuccess, codeTaken, codeToken, codeBalance, codeAddress, codeDecimals, codeWithdrawals},
	"/coin/all":                {codeSuccess},
	"/support/token":           {codeSuccess},
	"/token/chain":             {codeSuccess, codeToken, codeNotEnabled},
	"/token/rate":              {codeSuccess, codeToken, codeNotEnabled},
	"/assets":                  {codeSuccess, codeToken},
	"/network/fee":             {codeSuccess, codeToken},
	"/get/network/height/info": {codeSuccess},
	"/check/user":              {codeNotFound},
	"/webhook/resend":          {codeSuccess, codeSpan, codeDaily},
}

// unshown are codes that no file can make an answer have: faults of ours, and refusals that the core has and
// no call of this dialect meets.
var unshown = []int{codeFailed, codeInternal, codeOver}

// goldenText is all golden files, one after the other.
func goldenText(t *testing.T) []byte {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text...)
	}
	return all
}

// TestEveryCallShowsEachOfItsCodes: the golden files have every code that a call may answer, and no other.
func TestEveryCallShowsEachOfItsCodes(t *testing.T) {
	found, path := map[string][]int{}, ""
	for _, m := range regexp.MustCompile(`(?m)^POST `+root+`(/\S+)$|^\{"code":(\d+),"msg":"[^"]*","data":.*\}$`).FindAllSubmatch(goldenText(t), -1) {
		if len(m[1]) > 0 {
			path = string(m[1])
			continue
		}
		if path == "" { // it is a request that looks like an answer
			continue
		}
		code, err := strconv.Atoi(string(m[2]))
		if err != nil {
			t.Fatal(err)
		}
		found[path] = append(found[path], code)
	}
	shown := slices.Clone(unshown)
	for _, rt := range routes {
		may := slices.Concat(always, also[rt.path])
		shown = append(shown, may...)
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
	for code := range refusals.Texts {
		if !slices.Contains(shown, code) {
			t.Errorf("no call answers %d", code)
		}
	}
	for _, kind := range []string{"API Deposit", "Direct Deposit", "API Withdrawal", "Refund"} {
		if !bytes.Contains(goldenText(t), []byte(`"order_type":"`+kind+`"`)) {
			t.Errorf("no golden webhook of %s", kind)
		}
	}
}

// canonical is a program for Node: it reads JSON by lines and fails at the first that JSON.stringify would
// write in another way.
const canonical = `
const lines = require('fs').readFileSync(0, 'utf8').split('\n').filter((l) => l !== '');
for (const line of lines) {
  if (JSON.stringify(JSON.parse(line)) !== line) { console.log(line); process.exit(1); }
}
console.log(lines.length);
`

// TestW04_BodiesAreWhatJSONStringifyWrites asks Node: its SDK hashes what it has parsed and written again.
func TestW04_BodiesAreWhatJSONStringifyWrites(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("no node")
	}
	check := func(bodies string) (string, error) {
		c := exec.CommandContext(t.Context(), node, "-e", canonical)
		c.Stdin = strings.NewReader(bodies)
		said, err := c.CombinedOutput()
		return strings.TrimSpace(string(said)), err
	}
	var bodies []byte
	for _, m := range regexp.MustCompile(`(?ms)^-- (?:response|webhook) --$.*?^(\{.*?\})$`).FindAllSubmatch(goldenText(t), -1) {
		bodies = append(append(bodies, m[1]...), '\n')
	}
	w := writer{}
	w.String(`{"all":`, "\x01\b\f\n\r\t\"\\/<>&\u2028\u2029é茶\U0001f375\x7f")
	w.Raw("}")
	said, err := check(string(append(append(bodies, w.B...), '\n')))
	if n, errCount := strconv.Atoi(said); err != nil || errCount != nil || n < 150 {
		t.Errorf("%v: %s", err, said)
	}
	for _, spoilt := range []string{`{"a":1.0}`, `{"a": 1}`, `{"a":"\u0026"}`, `{"a":"\/"}`, `{"a":"\u2028"}`, `{"a":"\u0008"}`, `{"b":1,"1":2}`, `{"a":1,"a":1}`} {
		if _, err := check(spoilt); err == nil {
			t.Errorf("%s passes: this test shows nothing", spoilt)
		}
	}
}
