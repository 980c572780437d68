package app

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestKeyFileIsMadeWithTheDatabase(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.run("db", "migrate")
	for _, name := range []string{"florin.key", "florin.db"} {
		info, err := os.Stat(p.path(name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	made := p.read("florin.key")
	p.run("db", "migrate")
	if p.read("florin.key") != made {
		t.Error("the second start has changed the key file")
	}
}

func (p *place) read(name string) string {
	p.t.Helper()
	text, err := os.ReadFile(p.path(name))
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text)
}

// keyFaults are what may be wrong with the key beside a database, and what is said about it.
func keyFaults(t *testing.T, p *place) {
	m := p.app()
	good := p.read("florin.key")
	other := newPlace(t)
	other.run("db", "migrate")
	for _, c := range []struct {
		name, want string
		spoil      func() error
	}{
		{"none", "no key file", func() error { return os.Remove(p.path("florin.key")) }},
		{"another database's", "not the one this database was made with", func() error {
			return os.WriteFile(p.path("florin.key"), []byte(other.read("florin.key")), 0o600)
		}},
		{"open to others", "chmod 600", func() error { return os.Chmod(p.path("florin.key"), 0o644) }},
		{"empty", "no key in it", func() error { return os.WriteFile(p.path("florin.key"), nil, 0o600) }},
	} {
		if err := c.spoil(); err != nil {
			t.Fatal(err)
		}
		for _, command := range [][]string{{"app", "list"}, {"merchant", "add", "--name", "B"}, {"db", "migrate"}, {"serve", "--listen", "127.0.0.1:0"}} {
			p.refused(exitRefused, c.want, command...)
		}
		if c.name == "none" && p.has("florin.key") {
			t.Error("a new key file is left behind")
		}
		if err := os.WriteFile(p.path("florin.key"), []byte(good), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(p.path("florin.key"), 0o600); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(p.run("app", "list"), m.app) { // negative control
			t.Errorf("after %q, with the good key: the app is gone", c.name)
		}
	}
}

func TestKeyFaults(t *testing.T) {
	t.Parallel()
	keyFaults(t, newPlace(t))
}

func TestKeyFaultsOnPostgres(t *testing.T) {
	t.Parallel()
	p := onPostgres(t)
	p.refused(exitRefused, "there is no database", "app", "list")
	if p.has("florin.key") {
		t.Fatal("a command that reads has made a key file")
	}
	keyFaults(t, p)
}

// TestNodesThatBeginTogether: of two nodes with key files of their own, one gets the database and
// the other keeps no key.
func TestNodesThatBeginTogether(t *testing.T) {
	t.Parallel()
	first := onPostgres(t)
	second := newPlace(t)
	second.db = first.db
	var starting sync.WaitGroup
	for _, p := range []*place{first, second} {
		starting.Go(func() { p.try("db", "migrate") })
	}
	starting.Wait()
	if first.has("florin.key") == second.has("florin.key") {
		t.Fatalf("first node has a key: %v, second: %v", first.has("florin.key"), second.has("florin.key"))
	}
	winner, loser := first, second
	if second.has("florin.key") {
		winner, loser = second, first
	}
	winner.run("merchant", "add", "--name", "A")
	loser.refused(exitRefused, "no key file", "merchant", "add", "--name", "B")
}

func TestKeyWithoutDatabase(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.run("db", "migrate")
	key := p.read("florin.key")
	for _, name := range []string{"florin.db", "florin.db-wal", "florin.db-shm"} {
		_ = os.Remove(filepath.Join(p.dir, name))
	}
	p.run("db", "migrate")
	if p.read("florin.key") != key {
		t.Error("a key that was there is replaced")
	}
}
