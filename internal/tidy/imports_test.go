package tidy

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
)

// mayImport is the import table: a package and the packages of ours its production files may import. "wire/*" is each
// package right under wire. A package imports nothing of ours beyond its row, and has to have one.
var mayImport = map[string]string{
	"money": "", "clock": "", "id": "", "keys": "", "web": "", "contracts": "",

	"payment": "money",
	"ledger":  "money",

	"chain":         "money clock",
	"chain/*":       "money clock chain chain/evmaddr contracts",
	"chain/evmaddr": "chain",
	"acquirer":      "money clock",
	"acquirer/*":    "money clock acquirer",
	"rates":         "money clock",
	"due":           "money clock",

	"store":            "payment ledger chain money store/query store/schema",
	"store/query":      "",
	"store/schema":     "",
	"store/schema/gen": "",

	"engine": "payment ledger store store/query chain acquirer rates money clock id",

	"notify":   "engine payment due chain acquirer money clock",
	"treasury": "engine payment due chain acquirer money clock",
	"seal":     "store store/query clock",

	"wire":   "engine payment money clock",
	"wire/*": "wire engine payment money clock",

	"checkout":  "web engine payment money",
	"dashboard": "web engine payment money",

	// The sample shop is a merchant's own code.
	"shop": "",

	// "*" is everything but what is for tests alone; nobody but cmd/florin and tests imports app, nobody but tests sim.
	"app":        "*",
	"sim":        "*",
	"cmd/florin": "app",

	// The yardsticks drive the finished binary from outside.
	"bench":   "bench/*",
	"bench/*": "bench/*",
	// But for the ledger, which has no outside: what posts to it is compared with what the floor posts.
	"bench/books": "bench/* store ledger money",

	// A second opinion on the wire shares nothing with ours. script runs those that are not in Go.
	"test/clients/*": "test/clients/script",
}

// strayImports lists the imports that leave the table.
func strayImports(files tree) ([]string, error) {
	parsed, err := files.goFiles()
	if err != nil {
		return nil, err
	}
	var found []string
	for _, f := range parsed {
		if f.test {
			continue
		}
		row, listed := rowOf(f.pkg)
		if !listed {
			found = append(found, fmt.Sprintf("%s: package %s is not in the import table", f.path, f.pkg))
			continue
		}
		for _, imported := range f.imports {
			ours, is := strings.CutPrefix(imported, "florin/")
			ours = strings.TrimPrefix(ours, "internal/")
			if is && !allows(row, ours) {
				found = append(found, fmt.Sprintf("%s: %s may not import %s", f.path, f.pkg, ours))
			}
		}
	}
	return found, nil
}

func rowOf(pkg string) (row string, listed bool) {
	if row, listed = mayImport[pkg]; !listed {
		row, listed = mayImport[path.Dir(pkg)+"/*"]
	}
	return row, listed
}

func allows(row, imported string) bool {
	for _, word := range strings.Fields(row) {
		switch {
		case word == imported:
			return true
		case word == "*":
			return !forTests(imported) && !slices.Contains([]string{"app", "sim"}, imported)
		case strings.HasSuffix(word, "/*") && path.Dir(imported) == strings.TrimSuffix(word, "/*"):
			return true
		}
	}
	return false
}

func TestImportsStayInTheTable(t *testing.T) {
	found, err := strayImports(theTree(t))
	report(t, found, err)
}

func TestStrayImportsAreFound(t *testing.T) {
	file := func(imported string) string { return "package p\n\nimport _ \"florin/" + imported + "\"\n" }
	for place, imported := range map[string]string{
		"internal/payment/order.go":          "internal/store",
		"internal/money/amount.go":           "internal/clock",
		"internal/wire/halopay/routes.go":    "internal/ledger",
		"internal/checkout/page.go":          "internal/store",
		"internal/engine/order.go":           "internal/peer",
		"internal/app/app.go":                "internal/sim",
		"internal/app/serve.go":              "internal/store/storetest",
		"internal/notify/notify.go":          "internal/wire/halopay",
		"internal/chain/evm/client.go":       "internal/chain/sim",
		"internal/utils/utils.go":            "internal/money",
		"cmd/florin/main.go":                 "internal/engine",
		"internal/wire/halopay/v2/routes.go": "internal/wire",
	} {
		planted(t, strayImports, tree{place: file(imported)}, place)
	}
	for place, imported := range map[string]string{
		"internal/engine/order.go":        "internal/store",
		"internal/engine/order_test.go":   "internal/peer",
		"internal/store/storetest/run.go": "internal/peer",
		"internal/app/app.go":             "internal/wire/halopay",
		"internal/chain/evm/client.go":    "contracts",
		"bench/create.go":                 "bench/load",
	} {
		passes(t, strayImports, tree{place: file(imported)})
	}
}
