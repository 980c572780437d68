package contracts_test

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"florin/internal/peer"
)

var update = flag.Bool("update", false, "write the artifacts anew from the sources")

// What is committed is what the sources say, byte for byte.
func TestArtifactsAreFresh(t *testing.T) {
	if *update {
		compile(t, ".", ".")
	}
	out := t.TempDir()
	compile(t, ".", out)
	for _, difference := range differences(t, ".", out) {
		t.Errorf("%s is stale: go test ./contracts -run Fresh -update", difference)
	}
}

// The control: one changed line of Solidity must show.
func TestStaleArtifactsAreFound(t *testing.T) {
	changed, out := t.TempDir(), t.TempDir()
	for _, pattern := range []string{"*.sol", "compile.js", "contractstest/*.sol"} {
		for _, path := range glob(t, ".", pattern) {
			write(t, filepath.Join(changed, path), read(t, path))
		}
	}
	source := read(t, "Forwarder.sol")
	spoiled := bytes.Replace(source, []byte("mstore(0x20, to)"), []byte("mstore(0x20, caller())"), 1)
	if bytes.Equal(source, spoiled) {
		t.Fatal("the line to change is gone from Forwarder.sol")
	}
	write(t, filepath.Join(changed, "Forwarder.sol"), spoiled)
	compile(t, changed, out)
	if found := differences(t, ".", out); len(found) != 3 { // the Forwarder, the Factory that holds its code, and the hash of the sources in the Sweeper
		t.Errorf("a changed Forwarder.sol shows in %v", found)
	}
}

// compile runs compile.js of the folder from, with the pinned compiler.
func compile(t *testing.T, from, out string) {
	t.Helper()
	modules, node := peer.Node(t)
	cmd := exec.Command(node, filepath.Join(from, "compile.js"), out)
	cmd.Env = append(os.Environ(), "NODE_PATH="+modules)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, text)
	}
}

// differences returns the artifacts that only one of the two folders has, or that differ.
func differences(t *testing.T, a, b string) (paths []string) {
	t.Helper()
	for _, pattern := range []string{"artifacts/*.json", "contractstest/artifacts/*.json"} {
		names := map[string]bool{}
		for _, folder := range []string{a, b} {
			for _, path := range glob(t, folder, pattern) {
				names[path] = true
			}
		}
		if len(names) == 0 {
			t.Fatalf("no %s at all", pattern)
		}
		for path := range names {
			left, errLeft := os.ReadFile(filepath.Join(a, path))
			right, errRight := os.ReadFile(filepath.Join(b, path))
			if errLeft != nil || errRight != nil || !bytes.Equal(left, right) {
				paths = append(paths, path)
			}
		}
	}
	return paths
}

// glob returns the paths below folder that match, relative to it.
func glob(t *testing.T, folder, pattern string) (paths []string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(folder, pattern))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range found {
		relative, err := filepath.Rel(folder, path)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, relative)
	}
	return paths
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
}
