package tidy

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// tree has the text of each file by its path from the root, with slashes.
type tree map[string]string

// theTree is this repository's: what git ignores is left out by name, and so is what is not text.
func theTree(t *testing.T) tree {
	t.Helper()
	const root = "../.."
	files := tree{}
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		below := filepath.ToSlash(strings.TrimPrefix(name, root+"/"))
		if slices.Contains([]string{".git", ".cache", "bin", "node_modules"}, below) {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if bytes.IndexByte(text, 0) < 0 {
			files[below] = string(text)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// goFile is one parsed file. What it belongs to is named as in the import table: "engine", "wire/halopay", "cmd/florin".
type goFile struct {
	path    string
	pkg     string
	test    bool // compiled into tests alone: a _test file, or a package only tests import
	imports map[string]string
	syntax  *ast.File
	set     *token.FileSet
}

// goFiles parses each Go file in order of its path.
func (files tree) goFiles() ([]goFile, error) {
	var parsed []goFile
	for _, name := range files.paths() {
		if !strings.HasSuffix(name, ".go") {
			continue
		}
		set := token.NewFileSet()
		syntax, err := parser.ParseFile(set, name, files[name], parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		f := goFile{path: name, pkg: strings.TrimPrefix(path.Dir(name), "internal/"), imports: map[string]string{}, syntax: syntax, set: set}
		f.test = strings.HasSuffix(name, "_test.go") || forTests(f.pkg)
		for _, spec := range syntax.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return nil, err
			}
			local := path.Base(imported)
			if versioned := local[0] == 'v' && strings.Trim(local[1:], "0123456789") == ""; versioned {
				local = path.Base(path.Dir(imported))
			}
			if spec.Name != nil {
				local = spec.Name.Name
			}
			f.imports[local] = imported
		}
		parsed = append(parsed, f)
	}
	return parsed, nil
}

func (files tree) paths() []string {
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// forTests reports whether only tests may import pkg: suites (storetest), peers, this package.
func forTests(pkg string) bool {
	return pkg == "peer" || pkg == "tidy" || strings.HasSuffix(pkg, "test")
}

// at is where node stands, for a message.
func (f goFile) at(node ast.Node) string {
	return fmt.Sprintf("%s:%d", f.path, f.set.Position(node.Pos()).Line)
}

// selects returns "import/path.Name" if node is a name of an imported package, else "".
func (f goFile) selects(node ast.Node) string {
	selector, ok := node.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	local, ok := selector.X.(*ast.Ident)
	if !ok || f.imports[local.Name] == "" {
		return ""
	}
	return f.imports[local.Name] + "." + selector.Sel.Name
}

// report fails the test with each finding.
func report(t *testing.T, found []string, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		t.Error(f)
	}
}

// planted checks that a rule finds exactly one thing in files, and that it names the place.
func planted(t *testing.T, rule func(tree) ([]string, error), files tree, place string) {
	t.Helper()
	found, err := rule(files)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 1 || !strings.Contains(found[0], place) {
		t.Errorf("want one finding at %s, got %q", place, found)
	}
}

// passes checks that a rule finds nothing in files.
func passes(t *testing.T, rule func(tree) ([]string, error), files tree) {
	t.Helper()
	found, err := rule(files)
	if err != nil || len(found) != 0 {
		t.Errorf("want no finding, got %q, %v", found, err)
	}
}
