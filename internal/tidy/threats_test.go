package tidy

import (
	"fmt"
	"go/ast"
	"go/token"
	"regexp"
	"strings"
	"testing"
)

var (
	threatID = regexp.MustCompile(`^[A-Z][0-9]{2}$`)
	inName   = regexp.MustCompile(`^(?:Test|Fuzz|Benchmark)((?:[A-Z][0-9]{2}_)+)`)
	inCase   = regexp.MustCompile(`^"([A-Z][0-9]{2})[ _:]`)
)

// threats reads threats.txt: the ids whose tests must exist, and those that wait.
func threats(list string) (due, pending []string, err error) {
	seen := map[string]bool{}
	into := &due
	for line := range strings.Lines(list) {
		if strings.TrimSpace(line) == "# pending" {
			into = &pending
		}
		if strings.HasPrefix(line, "#") {
			continue
		}
		for _, id := range strings.Fields(line) {
			if !threatID.MatchString(id) || seen[id] {
				return nil, nil, fmt.Errorf("threats.txt: %q is no id, or stands there twice", id)
			}
			seen[id] = true
			*into = append(*into, id)
		}
	}
	return due, pending, nil
}

// testedThreats has each id that stands in the name of a test, or of a case: a literal given to Run, or an element of a
// table.
func testedThreats(files tree) (map[string]bool, error) {
	parsed, err := files.goFiles()
	if err != nil {
		return nil, err
	}
	tested := map[string]bool{}
	for _, f := range parsed {
		if !f.test {
			continue
		}
		ast.Inspect(f.syntax, func(node ast.Node) bool {
			switch n := node.(type) {
			case *ast.FuncDecl:
				if m := inName.FindStringSubmatch(n.Name.Name); m != nil {
					for id := range strings.SplitSeq(strings.TrimSuffix(m[1], "_"), "_") {
						tested[id] = true
					}
				}
			case *ast.CallExpr:
				if method, ok := n.Fun.(*ast.SelectorExpr); ok && method.Sel.Name == "Run" && len(n.Args) > 0 {
					markCase(tested, n.Args[0])
				}
			case *ast.CompositeLit:
				for _, element := range n.Elts {
					markCase(tested, element)
				}
			case *ast.KeyValueExpr:
				markCase(tested, n.Key)
				markCase(tested, n.Value)
			}
			return true
		})
	}
	return tested, nil
}

func markCase(tested map[string]bool, name ast.Expr) {
	if literal, ok := name.(*ast.BasicLit); ok && literal.Kind == token.STRING {
		if m := inCase.FindStringSubmatch(literal.Value); m != nil {
			tested[m[1]] = true
		}
	}
}

// untested lists the due ids of internal/tidy/threats.txt in files that no test of files names.
func untested(files tree) ([]string, error) {
	due, _, err := threats(files["internal/tidy/threats.txt"])
	if err != nil {
		return nil, err
	}
	tested, err := testedThreats(files)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, id := range due {
		if !tested[id] {
			found = append(found, "threat "+id+" has no test that bears its name")
		}
	}
	return found, nil
}

func TestEachDueThreatHasATest(t *testing.T) {
	files := theTree(t)
	found, err := untested(files)
	report(t, found, err)

	due, pending, err := threats(files["internal/tidy/threats.txt"])
	if err != nil {
		t.Fatal(err)
	}
	if len(due) == 0 {
		t.Error("threats.txt asks for nothing")
	}
	tested, err := testedThreats(files)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range pending {
		if tested[id] {
			t.Logf("%s has a test: move it above # pending", id)
		} else {
			t.Logf("%s waits for its test", id)
		}
	}
}

func TestUntestedThreatsAreFound(t *testing.T) {
	const list = "internal/tidy/threats.txt"
	with := func(path, text string) tree {
		return tree{list: "# due\nM02\n# pending\nM03\n", path: "package p\n" + text}
	}
	for _, files := range []tree{
		with("internal/money/amount_test.go", ""),
		with("internal/money/amount_test.go", "func TestM03_Exponents(t *testing.T) {}"),
		with("internal/money/amount_test.go", "// TestM02_HostileAmounts is not written yet."),
		with("internal/money/amount_test.go", "var what = `M02`"),
		with("internal/money/amount_test.go", "func f() { t.Log(\"M02 is for later\") }"),
		with("internal/money/amount.go", "func TestM02_HostileAmounts(t *testing.T) {}"),
	} {
		planted(t, untested, files, "M02")
	}
	for _, files := range []tree{
		with("internal/money/amount_test.go", "func TestM02_HostileAmounts(t *testing.T) {}"),
		with("internal/money/amount_test.go", "func FuzzM01_M02_Amounts(f *testing.F) {}"),
		with("internal/store/storetest/run.go", "func Run() { t.Run(\"M02 ten decimals: refused\", nil) }"),
		with("internal/wire/sign_test.go", "var cases = map[string]int{\"M02 ten decimals: refused\": 1}"),
		with("internal/wire/sign_test.go", "var cases = []c{{\"M02: refused\", 1}, {name: \"W02: refused\"}}"),
	} {
		passes(t, untested, files)
	}
	for _, bad := range []string{"M2\n", "M02\nM02\n", "M02\n# pending\nM02\n"} {
		if _, _, err := threats(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
