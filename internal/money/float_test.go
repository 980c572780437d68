package money_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// floats returns a line for each use of floating point in a Go file: types, literals, and the calls
// of the standard library that give or take one. (JSON into any makes floats of numbers.)
func floats(set *token.FileSet, file *ast.File) []string {
	var found []string
	report := func(n ast.Node, what string) { found = append(found, set.Position(n.Pos()).String()+": "+what) }
	readsJSON := false
	for _, spec := range file.Imports {
		switch strings.Trim(spec.Path.Value, "`\"") {
		case "math", "math/cmplx":
			report(spec, "import of "+spec.Path.Value)
		case "encoding/json":
			readsJSON = true
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			if n.Kind == token.FLOAT || n.Kind == token.IMAG {
				report(n, "literal "+n.Value)
			}
		case *ast.Ident:
			switch {
			case banned[n.Name]:
				report(n, n.Name)
			case n.Name == "any" && readsJSON:
				report(n, "any beside encoding/json")
			}
		case *ast.InterfaceType:
			if readsJSON && n.Methods.NumFields() == 0 {
				report(n, "interface{} beside encoding/json")
			}
		}
		return true
	})
	return found
}

var banned = map[string]bool{
	"float32": true, "float64": true, "complex64": true, "complex128": true,
	"ParseFloat": true, "FormatFloat": true, "AppendFloat": true, "ParseComplex": true,
	"Float": true, "NewFloat": true, "ParseRat": true, "Float32": true, "Float64": true, "SetFloat64": true, "SetFloat": true,
	"FloatString": true, "Seconds": true, "Minutes": true, "Hours": true,
}

func TestM01_NoFloatInMoneyPackages(t *testing.T) {
	for _, dir := range []string{".", "../rates"} {
		files := must(filepath.Glob(filepath.Join(dir, "*.go")))
		read := 0
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			read++
			for _, use := range floats(set, file) {
				t.Errorf("floating point: %s", use)
			}
		}
		if read == 0 {
			t.Errorf("no file in %s", dir)
		}
	}
}

// The control: each kind of use is found.
func TestM01_TheAnalyserFindsFloats(t *testing.T) {
	for _, body := range []string{
		"var x float64",
		"var x float32",
		"func f(x complex128) {}",
		"type price struct{ usd float64 }",
		"var x map[string][]float64",
		"const x = 0.03",
		"var x int = 1e3",
		"var x = 0x1p-2",
		"var x = 1i",
		`var x, _ = strconv.ParseFloat("1", 64)`,
		`var parse = strconv.ParseFloat`,
		"var x, _ = rat.Float64()",
		"var x = new(big.Float)",
		"var x = big.NewFloat(y)",
		"var x = rat.SetFloat64(y)",
		"var x = time.Since(y).Seconds()",
		"import \"math\"\nvar x = math.Pow(10, 2)",
		"import \"encoding/json\"\nvar x any",
		"import \"encoding/json\"\nvar x map[string]interface{}",
	} {
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, "planted.go", "package planted\n"+body, 0)
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		if len(floats(set, file)) == 0 {
			t.Errorf("not found: %s", body)
		}
	}
}
