package tidy

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// clockCalls read or spend real time. Production code takes its time from a clock.Clock.
var clockCalls = []string{"time.Now", "time.Since", "time.Until", "time.After", "time.Tick", "time.Sleep"}

// openHTTP is net/http's own client: no limit of time, and it dials whatever a merchant's URL names.
var openHTTP = []string{"net/http.DefaultClient", "net/http.Get", "net/http.Head", "net/http.Post", "net/http.PostForm"}

// bannedCalls lists uses of what is not used here. Only the kind of package named beside each rule is free of it.
func bannedCalls(files tree) ([]string, error) {
	parsed, err := files.goFiles()
	if err != nil {
		return nil, err
	}
	var found []string
	for _, f := range parsed {
		say := func(node ast.Node, what, instead string) {
			found = append(found, fmt.Sprintf("%s: %s: %s", f.at(node), what, instead))
		}
		measures := f.pkg == "bench" || strings.HasPrefix(f.pkg, "bench/")
		for _, spec := range f.syntax.Imports {
			isRand := spec.Path.Value == `"math/rand"` || spec.Path.Value == `"math/rand/v2"`
			if isRand && !f.test && !measures && f.pkg != "sim" && f.pkg != "chain/sim" {
				say(spec, "math/rand", "what can be guessed is taken: crypto/rand")
			}
		}
		ast.Inspect(f.syntax, func(node ast.Node) bool {
			switch used := f.selects(node); {
			case used == "time.Sleep" && f.test:
				say(node, used, "wait for a condition: peer.Eventually")
			case slices.Contains(clockCalls, used) && !f.test && !measures && f.pkg != "clock":
				say(node, used, "take the time from a clock.Clock")
			case slices.Contains(openHTTP, used) && !f.test:
				say(node, used, "use a client with limits")
			}
			return true
		})
		if !f.test {
			for _, p := range panics(f) {
				if _, granted := mayPanic[p.in]; !granted {
					say(p.call, "panic in "+p.in, "return an error, or name the function Must…")
				}
			}
		}
	}
	return found, nil
}

// mayPanic has the functions and variables whose panics were weighed, and why they stand. None may be in the path of
// money: there an error stops the worker that met it.
var mayPanic = map[string]string{
	"clock.advance":         "time that goes back is a mistake in a test",
	"id.Alphanumeric":       "a wrong radix is a mistake in the calling code",
	"id.fill":               "without randomness the next secret could be guessed (threat P14)",
	"keys.HMACSHA256":       "under an empty key anybody could sign",
	"keys.SHA256":           "under an empty key anybody could sign",
	"chain/evm.transferSum": "the topic is a constant",
	"web.packers":           "the compression level is a constant",
	"web.write":             "the error page itself is broken; contain catches it",
	"web.contain":           "net/http asks for ErrAbortHandler where half an answer was sent",
}

// panicking is a call of panic and the declaration it stands in, as "pkg.Name".
type panicking struct {
	call ast.Node
	in   string
}

// panics lists the calls of panic outside of functions named Must….
func panics(f goFile) []panicking {
	var found []panicking
	inspect := func(name string, declared ast.Node) {
		ast.Inspect(declared, func(node ast.Node) bool {
			if call, ok := node.(*ast.CallExpr); ok {
				if called, ok := call.Fun.(*ast.Ident); ok && called.Name == "panic" {
					found = append(found, panicking{call, f.pkg + "." + name})
				}
			}
			return true
		})
	}
	for _, declared := range f.syntax.Decls {
		switch d := declared.(type) {
		case *ast.FuncDecl:
			if !strings.HasPrefix(strings.ToLower(d.Name.Name), "must") {
				inspect(d.Name.Name, d)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if value, ok := spec.(*ast.ValueSpec); ok {
					inspect(value.Names[0].Name, value)
				}
			}
		}
	}
	return found
}

// moneyPackages hold amounts, prices and rates: whole numbers and exact fractions, never floats.
var moneyPackages = []string{"money", "payment", "ledger", "engine", "rates", "store", "store/query"}

var (
	floatTypes = []string{"float32", "float64", "complex64", "complex128"}
	floatNames = []string{"Float", "Float32", "Float64", "NewFloat", "ParseFloat", "FormatFloat", "AppendFloat",
		"SetFloat64", "Float32bits", "Float64bits", "Float32frombits", "Float64frombits"}
)

// floats lists what makes or holds a binary fraction in the money packages.
func floats(files tree) ([]string, error) {
	parsed, err := files.goFiles()
	if err != nil {
		return nil, err
	}
	var found []string
	for _, f := range parsed {
		if f.test || !slices.Contains(moneyPackages, f.pkg) {
			continue
		}
		ast.Inspect(f.syntax, func(node ast.Node) bool {
			var what string
			switch n := node.(type) {
			case *ast.SelectorExpr:
				if slices.Contains(floatNames, n.Sel.Name) {
					what = n.Sel.Name
				}
			case *ast.Ident:
				if slices.Contains(floatTypes, n.Name) {
					what = n.Name
				}
			case *ast.BasicLit:
				if n.Kind == token.FLOAT || n.Kind == token.IMAG {
					what = n.Value
				}
			}
			if what != "" {
				found = append(found, fmt.Sprintf("%s: %s: money is never a float", f.at(node), what))
			}
			return true
		})
	}
	return found, nil
}

func TestNoBannedCalls(t *testing.T) {
	found, err := bannedCalls(theTree(t))
	report(t, found, err)
}

func TestBannedCallsAreFound(t *testing.T) {
	const (
		sleeps  = "package p\n\nimport \"time\"\n\nfunc f() { time.Sleep(1) }\n"
		now     = "package p\n\nimport \"time\"\n\nvar clock = time.Now\n"
		renamed = "package p\n\nimport wall \"time\"\n\nvar at = wall.Now()\n"
		random  = "package p\n\nimport \"math/rand/v2\"\n\nvar n = rand.Int()\n"
		open    = "package p\n\nimport \"net/http\"\n\nvar c = http.DefaultClient\n"
		panics  = "package p\n\nfunc New() {\n\tfunc() { panic(1) }()\n}\n"
		must    = "package p\n\nfunc MustNew() {\n\tfunc() { panic(1) }()\n}\n"
		inVar   = "package p\n\nvar f = func() { panic(1) }\n"
		other   = "package p\n\ntype clock struct{ Now int }\n\nvar time clock\nvar n = time.Now\n"
	)
	for place, text := range map[string]string{
		"internal/engine/order.go:5":      sleeps,
		"internal/engine/order_test.go:5": sleeps,
		"internal/store/storetest/a.go:5": sleeps,
		"internal/notify/notify.go:5":     now,
		"internal/sim/sim.go:5":           now,
		"internal/wire/wire.go:5":         renamed,
		"internal/id/id.go:3":             random,
		"internal/rates/live.go:5":        open,
		"internal/money/amount.go:4":      panics,
		"internal/web/page.go:3":          inVar,
	} {
		name, _, _ := strings.Cut(place, ":")
		planted(t, bannedCalls, tree{name: text}, place)
	}
	for name, text := range map[string]string{
		"internal/clock/clock.go":       sleeps + "\nvar now = time.Now\n",
		"internal/engine/order_test.go": now,
		"internal/peer/peer.go":         now,
		"bench/main.go":                 now,
		"internal/chain/sim/sim.go":     random,
		"internal/sim/seed.go":          random,
		"internal/id/id_test.go":        random,
		"internal/money/amount.go":      must,
		"internal/money/price.go":       other,
		"internal/id/id.go":             "package p\n\nfunc fill() { panic(1) }\n",
	} {
		passes(t, bannedCalls, tree{name: text})
	}
}

func TestM01_NoFloatsInMoney(t *testing.T) {
	found, err := floats(theTree(t))
	report(t, found, err)
}

func TestM01_FloatsAreFound(t *testing.T) {
	for _, text := range []string{
		"package p\n\nvar amount float64\n",
		"package p\n\nconst half = 0.5\n",
		"package p\n\nconst large = 1e18\n",
		"package p\n\nfunc f(r rat) any { v := r.Float64(); return v }\n",
		"package p; import \"math/big\"\n\nvar f big.Float\n",
		"package p\n\nvar f, err = strconv.ParseFloat(\"1\", 64)\n",
	} {
		planted(t, floats, tree{"internal/payment/order.go": text}, "internal/payment/order.go:3")
		passes(t, floats, tree{"internal/checkout/page.go": text})
	}
	passes(t, floats, tree{"internal/money/amount.go": "package p\n\n// 0.5 float64\nconst n, s = 10, \"0.5\"\n"})
}
