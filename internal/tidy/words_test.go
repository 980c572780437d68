package tidy

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// machineWords are what a developer's machine leaves behind. They are put together here, so that this file has none.
var machineWords = regexp.MustCompile(strings.Join([]string{
	`/(?:home|root|work|Users)` + `/[A-Za-z0-9._-]+`, // a folder of somebody's
	`registry\.npm` + `js\.org`, `registry\.` + `yarnpkg\.com`, `proxy\.golang` + `\.org`, `sum\.golang` + `\.org`,
	`deb\.debian` + `\.org`,
	`"resolved":` + `\s*"http`, // npm's lock names the registry it asked
}, "|"))

// machineTraces lists the lines that name a folder of a developer's machine, or a registry.
func machineTraces(files tree) ([]string, error) {
	var found []string
	for _, name := range files.paths() {
		n := 0
		for line := range strings.Lines(files[name]) {
			n++
			if word := machineWords.FindString(line); word != "" {
				found = append(found, fmt.Sprintf("%s:%d: %s", name, n, word))
			}
		}
	}
	return found, nil
}

func TestNoTraceOfAMachine(t *testing.T) {
	found, err := machineTraces(theTree(t))
	report(t, found, err)
}

func TestMachineTracesAreFound(t *testing.T) {
	for _, line := range []string{
		"see /ho" + "me/alice/florin/notes.txt",
		`db = "/wo` + `rk/main/florin.db"`,
		"export GOPROXY=https://proxy.golang" + ".org",
		`"resolved": "htt` + `ps://npm.example/solc.tgz",`,
		`"resolved": "htt` + `ps://registry.npm` + `js.org/solc.tgz",`,
	} {
		planted(t, machineTraces, tree{"docs/operations.md": "# Operations\n" + line + "\n"}, "docs/operations.md:2")
	}
	passes(t, machineTraces, tree{"docs/operations.md": "$HOME/.cache, https://shop.example/home, roots/work in /var/lib/florin\n"})
}
