// Package peer starts the real programs that tests run against: PostgreSQL, EVM nodes, a browser, the compiler.
//
// Only test files import it. A program that is missing fails the test and names the command that installs it: a test
// that skips proves nothing. The exception is `go test -short` (make test-quick), which is for a quick look and leaves
// everything of this package out. What is started listens on the loopback alone, on ports of its own, and ends with the
// test, or with the test binary however that dies.
package peer

import (
	"crypto/sha256"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"
)

// Chromium returns the path of a Chromium that can run headless.
func Chromium(t testing.TB) string {
	t.Helper()
	short(t)
	path, err := exec.LookPath("chromium")
	if err != nil {
		missing(t, "chromium")
	}
	return path
}

// Sqlc returns the path of the pinned sqlc.
func Sqlc(t testing.TB) string {
	t.Helper()
	short(t)
	return tool(t, "sqlc", "github.com/sqlc-dev/sqlc", "tools/go.mod")
}

// Node returns the path of a node_modules folder with the pinned npm packages, and of the node that runs them.
// The Solidity compiler is solc in it.
func Node(t testing.TB) (modules, node string) {
	t.Helper()
	short(t)
	modules = nodeModules(t)
	node, err := exec.LookPath("node")
	if err != nil {
		missing(t, "node")
	}
	return modules, node
}

// Patience is how long tests wait for what comes in a moment on a quiet machine: long, for a slow and busy one. Who waits
// that long has failed, so it costs nothing where all is well.
const Patience = 5 * time.Minute

// Eventually asks ok until it answers nil, and fails the test with its last answer after limit. It is for conditions of
// the world outside; what runs on an injected clock is stepped instead.
func Eventually(t testing.TB, limit time.Duration, ok func() error) {
	t.Helper()
	if err := poll(limit, ok); err != nil {
		t.Fatalf("after %v: %v", limit, err)
	}
}

func poll(limit time.Duration, ok func() error) error {
	over := time.NewTimer(limit)
	defer over.Stop()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		err := ok()
		if err == nil {
			return nil
		}
		select {
		case <-over.C:
			return err
		case <-again.C:
		}
	}
}

func short(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a real peer, which -short leaves out")
	}
}

func missing(t testing.TB, what string) {
	t.Helper()
	t.Fatalf("%s is missing: make setup", what)
}

// tool returns the path of a program the Makefile built: <cache>/<name>-<version>/<name>.
func tool(t testing.TB, name, module, modFile string) string {
	t.Helper()
	path := filepath.Join(cache(t), name+"-"+pinned(t, module, modFile), name)
	if _, err := os.Stat(path); err != nil {
		missing(t, path)
	}
	return path
}

// nodeModules returns the folder the Makefile had npm fill, which is named by the hash of the lock file.
func nodeModules(t testing.TB) string {
	t.Helper()
	lock, err := os.ReadFile(filepath.Join(root(t), "tools/node/package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(cache(t), fmt.Sprintf("node-%x", sha256.Sum256(lock))[:len("node-")+12], "node_modules")
	if _, err := os.Stat(path); err != nil {
		missing(t, path)
	}
	return path
}

// cache is the Makefile's FLORIN_CACHE.
func cache(t testing.TB) string {
	t.Helper()
	if folder := os.Getenv("FLORIN_CACHE"); folder != "" {
		return folder
	}
	folder, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(folder, "florin")
}

// pinned returns the version of module in modFile, a path from the root of the tree.
func pinned(t testing.TB, module, modFile string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), modFile))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^\s*` + regexp.QuoteMeta(module) + ` (v\S+)`).FindSubmatch(text)
	if found == nil {
		t.Fatalf("%s does not name %s", modFile, module)
	}
	return string(found[1])
}

// root is the folder of the product's go.mod: a test runs in its package's folder, somewhere below.
func root(t testing.TB) string {
	t.Helper()
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; folder != "/"; folder = filepath.Dir(folder) {
		if _, err := os.Stat(filepath.Join(folder, "tools/go.mod")); err == nil {
			return folder
		}
	}
	t.Fatal("no tools/go.mod above the test's folder")
	return ""
}

// Ports from firstPort on are below those that the kernel gives to outgoing connections, which would take one that is
// free at this moment.
const (
	firstPort = 10_000
	ports     = 10_000
)

var given struct {
	mu       sync.Mutex
	count    int
	reserved []net.Listener // names that show other test binaries which ports are this one's, as long as it lives
}

// FreePort returns a port nobody listens on, which it gives to nobody else. Whoever is no test may still take it before
// it is used: who uses it tries again.
func FreePort() (int, error) {
	given.mu.Lock()
	defer given.mu.Unlock()
	for range ports {
		// Test binaries that run side by side begin at different places.
		port := firstPort + (os.Getpid()*37+given.count)%ports
		given.count++
		name, err := net.Listen("unix", fmt.Sprintf("@florin-test-port-%d", port))
		if err != nil {
			continue
		}
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			name.Close()
			continue
		}
		given.reserved = append(given.reserved, name)
		return port, l.Close()
	}
	return 0, fmt.Errorf("no port is free from %d to %d", firstPort, firstPort+ports-1)
}
