package rig

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// sleeper is a program that never listens.
func sleeper(t *testing.T, addr string) Program {
	t.Helper()
	path, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	return Program{Name: "sleeper", Binary: path, Args: []string{"60"}, Addr: addr}
}

// Another's florin at our address is healthy, and says Auth error to our app.
func TestAnothersServerIsNotTakenForOurs(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer other.Close()
	s, err := sleeper(t, other.Listener.Addr().String()).Start(t.Context())
	if err == nil {
		s.Kill()
		t.Fatalf("somebody else's answer counts, after %s", s.ReadyAfter)
	}
	if !strings.Contains(err.Error(), "somebody else") {
		t.Errorf("it says %v", err)
	}
}

func TestAnswersAfterItsEndAreNotItsOwn(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer other.Close()
	s := &Process{Program: Program{Name: "ended", Addr: other.Listener.Addr().String()}, exited: make(chan struct{})}
	close(s.exited)
	if err := s.answer(t.Context(), time.Now()); err == nil {
		t.Error("it has ended, and counts as ready")
	}
}

// The control: what does listen there is ours.
func TestAServerIsReadyOnceItAnswers(t *testing.T) {
	dir := t.TempDir()
	binary, err := Build(t.Context(), dir, "./bench/floor")
	if err != nil {
		t.Fatal(err)
	}
	p, err := Floor(binary, "sqlite:"+dir+"/floor.db")
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		s, err := p.Start(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	}
}

func TestNoTwoProgramsShareAnAddress(t *testing.T) {
	seen := map[string]bool{}
	for range 2000 { // 14,000 ports of one host would give two of them to the same twice, some 140 times
		addr, err := FreeAddr()
		if err != nil {
			t.Fatal(err)
		}
		if seen[addr] {
			t.Fatalf("%s is given twice", addr)
		}
		seen[addr] = true
	}
}
