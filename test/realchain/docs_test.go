package realchain

import (
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"florin/internal/peer"
)

// fence is a block of code in a document: its language, the file it is to be written to, and what stands in it.
var fence = regexp.MustCompile("(?ms)^```(\\w+)(?: ([\\w.]+))?\n(.*?)^```$")

// TestDocumentedChain does what docs/chains.md says, from the first command to a paid order, and then what
// docs/operations.md says about moving the money on. Only the ports are its own.
func TestDocumentedChain(t *testing.T) {
	t.Parallel()
	modules, _ := peer.Node(t)
	installation := peer.NewFlorin(t, "")
	source, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	script.WriteString("set -euo pipefail\ntrap 'kill $(jobs -p)' EXIT\n")
	script.WriteString(section(t, "chains.md", "## A chain of your own"))
	script.WriteString(section(t, "operations.md", "## Moving the money on"))
	// What the documents promise is the case.
	script.WriteString(`
test "$(cast call $TOKEN 'balanceOf(address)(uint256)' 0x70997970C51812dc3A010C7d01b50e0d17dc79C8)" = '15000000 [1.5e7]'
test "$(cast call $TOKEN 'balanceOf(address)(uint256)' $ADDRESS)" = 0
echo the treasury has it
`)
	text := strings.NewReplacer("8545", freePort(t), "8080", freePort(t)).Replace(script.String())
	cmd := exec.Command("bash", "-c", text)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "SRC="+source, "HOME="+cmd.Dir, "PATH="+strings.Join([]string{
		filepath.Dir(installation.Path()), modules + "/@foundry-rs/anvil-linux-amd64/bin", modules + "/@foundry-rs/cast-linux-amd64/bin", os.Getenv("PATH"),
	}, ":"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	output, err := os.Create(filepath.Join(cmd.Dir, "output"))
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// The script ends what it started; if it is stuck, its whole group goes.
	stuck := time.AfterFunc(patience, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	defer stuck.Stop()
	err = cmd.Wait()
	said, _ := os.ReadFile(output.Name())
	if err != nil || !strings.Contains(string(said), "the treasury has it") {
		t.Fatalf("%v\n%s", err, said)
	}
}

// TestDocumentedQueries runs the SQL of docs/operations.md, and starts the program with the settings that stand there.
func TestDocumentedQueries(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	var settings string
	for _, m := range fence.FindAllStringSubmatch(string(text), -1) {
		if m[1] == "toml" {
			settings += m[3]
		}
	}
	if !strings.Contains(settings, "proxies") {
		t.Fatal("the settings for a proxy are gone")
	}
	f := peer.NewFlorin(t, settings)
	f.Run("db", "migrate")
	db, err := sql.Open("sqlite", "file:"+filepath.Join(f.Dir, "florin.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	queries := 0
	for _, m := range regexp.MustCompile(`sqlite3 (?:-readonly )?florin\.db "([^".][^"]*)"`).FindAllStringSubmatch(string(text), -1) {
		queries++
		if _, err := db.Exec(m[1]); err != nil {
			t.Errorf("%s: %v", m[1], err)
		}
	}
	if queries < 2 {
		t.Errorf("only %d queries were found", queries)
	}
}

// section turns the code under a heading of a document, up to the next heading of the same rank, into a script: files are
// written, commands run.
func section(t *testing.T, name, heading string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../docs", name))
	if err != nil {
		t.Fatal(err)
	}
	_, part, found := strings.Cut(string(text), "\n"+heading)
	if !found {
		t.Fatalf("docs/%s has no %q", name, heading)
	}
	part, _, _ = strings.Cut(part, "\n## ")
	var script strings.Builder
	for _, m := range fence.FindAllStringSubmatch(part, -1) {
		language, file, code := m[1], m[2], m[3]
		switch {
		case file != "":
			fmt.Fprintf(&script, "cat >%s <<'END_OF_FILE'\n%sEND_OF_FILE\n", file, code)
		case language == "sh":
			script.WriteString(code)
		}
	}
	if script.Len() == 0 {
		t.Fatalf("docs/%s: nothing to do under %q", name, heading)
	}
	return script.String()
}

// freePort returns a port that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	port, err := peer.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(port)
}
