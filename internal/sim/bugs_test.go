package sim_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// root is the repository, seen from this package's folder.
const root = "../.."

// bug is one mutation of the program.
type bug struct{ name, what string }

// plant reads testdata/bugs.diff and returns the bugs, and the mutated files by their path. A hunk
// whose lines do not stand in its file exactly once is an error: the program has moved on, and the
// bug with it.
func plant(t *testing.T) (bugs []bug, files map[string]string) {
	t.Helper()
	text, err := os.ReadFile("testdata/bugs.diff")
	if err != nil {
		t.Fatal(err)
	}
	files = map[string]string{}
	var name, before, after string
	apply := func() {
		if name == "" {
			return
		}
		if n := strings.Count(files[name], before); n != 1 || before == "" {
			t.Fatalf("bug %s: these lines stand %d times in %s:\n%s", bugs[len(bugs)-1].name, n, name, before)
		}
		files[name] = strings.Replace(files[name], before, after, 1)
		name, before, after = "", "", ""
	}
	for line := range strings.Lines(string(text)) {
		switch {
		case strings.HasPrefix(line, "bug "):
			apply()
			title, what, _ := strings.Cut(strings.TrimSpace(line[len("bug "):]), ": ")
			bugs = append(bugs, bug{title, what})
		case strings.HasPrefix(line, "file "):
			apply()
			name = strings.TrimSpace(line[len("file "):])
			if files[name] == "" {
				source, err := os.ReadFile(filepath.Join(root, name))
				if err != nil {
					t.Fatal(err)
				}
				files[name] = string(source)
			}
		case name == "" || line == "\n":
		case line[0] == ' ':
			before, after = before+line[1:], after+line[1:]
		case line[0] == '-':
			before += line[1:]
		case line[0] == '+':
			after += line[1:]
		}
	}
	apply()
	return bugs, files
}

// overlay writes the mutated files and what `go build -overlay` wants to know of them.
func overlay(t *testing.T, files map[string]string, folder string) string {
	t.Helper()
	replace := map[string]string{}
	add := func(name, text string) {
		absolute, err := filepath.Abs(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		to := replace[absolute]
		if to == "" {
			to = filepath.Join(folder, fmt.Sprintf("%d.go", len(replace)))
		}
		if err := os.WriteFile(to, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[absolute] = to
	}
	for name, text := range files {
		add(name, text)
		add(path.Join(path.Dir(name), "florin_bugs.go"), fmt.Sprintf(`//go:build florin_bugs

package %s

import "os"

// bug reports whether the planted bug of that name is to show itself.
func bug(name string) bool { return os.Getenv("FLORIN_BUG") == name }
`, path.Base(path.Dir(name))))
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(folder, "overlay.json")
	if err := os.WriteFile(to, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return to
}

// TestPlantedBugs compiles the program with every planted bug, behind the build tag florin_bugs,
// and lets the auditor find each of them (planted_test.go).
func TestPlantedBugs(t *testing.T) {
	alone(t)
	if testing.Short() {
		t.Skip("it compiles the program once more")
	}
	bugs, files := plant(t)
	if len(bugs) < 10 {
		t.Fatalf("only %d bugs", len(bugs))
	}
	folder := t.TempDir()
	binary := filepath.Join(folder, "sim.test")
	build := exec.Command("go", "test", "-c", "-vet=off", "-tags=florin_bugs", "-overlay="+overlay(t, files, folder), "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("compile the bugs: %v\n%s", err, out)
	}
	one := os.Getenv("FLORIN_SIM_BUG") // a pattern: these alone
	find := exec.Command(binary, "-test.run=^TestEachBugIsFound$/"+one, "-test.v")
	find.Env = append(os.Environ(), "FLORIN_BUG=")
	out, err := find.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
	for _, b := range bugs {
		if one == "" && !strings.Contains(string(out), "--- PASS: TestEachBugIsFound/"+b.name+" ") {
			t.Errorf("bug %s was not looked for", b.name)
		}
	}
}
