package wire

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"florin/internal/clock"
)

func TestW07_SignaturesOpenOneCall(t *testing.T) {
	c := clock.NewManual(time.Unix(1_773_750_074, 0))
	s := NewSignatures(c, 240*time.Second)
	const a, b = "aa0000000000000000000000000000000000000000000000000000000000000a", "bb0000000000000000000000000000000000000000000000000000000000000b"
	steps := []struct {
		name, signature, call string
		changes, want         bool
		pass                  time.Duration
	}{
		{"a change", a, "/pay", true, true, 0},
		{"the same change again", a, "/pay", true, true, 0},
		{"another change", a, "/order", true, false, 0},
		{"a read", a, "/balance", false, false, 0},
		{"a read with a signature of its own", b, "/balance", false, true, 0},
		{"another read", b, "/list", false, true, 0},
		{"a change with a read's signature", b, "/pay", true, false, 0},
		{"at the end of its life", a, "/order", true, false, 240 * time.Second},
		{"as long again", a, "/order", true, true, 240 * time.Second},
		{"too short", "aa00", "/pay", true, false, 0},
		{"no hex", "zz0000000000000000000000000000000000000000000000000000000000000a", "/pay", true, false, 0},
	}
	for _, step := range steps {
		c.Advance(step.pass)
		if got := s.Admit(step.signature, step.call, step.changes); got != step.want {
			t.Errorf("%s: %t, want %t", step.name, got, step.want)
		}
	}
}

// TestW07_SignaturesAreBounded sends more than are kept: memory holds two generations, and the latest are known.
func TestW07_SignaturesAreBounded(t *testing.T) {
	s := NewSignatures(clock.NewManual(time.Unix(1_773_750_074, 0)), time.Hour)
	made := func(n int) string { return fmt.Sprintf("%032x%032x", n, 0) }
	const sent = 2*maxSeen + 10
	for n := range sent {
		if !s.Admit(made(n), "/pay", true) {
			t.Fatalf("signature %d is new", n)
		}
	}
	if held := len(s.young) + len(s.old); held > 2*maxSeen {
		t.Errorf("%d are held, at most %d", held, 2*maxSeen)
	}
	if s.Admit(made(sent-maxSeen), "/order", true) {
		t.Error("one of the latest was forgotten")
	}
	if !s.Admit(made(0), "/order", true) {
		t.Error("the first is held still: nothing is ever forgotten")
	}
}

// TestW07_OneOfTwoAtOnce: of two calls with one signature at the same moment one is refused.
func TestW07_OneOfTwoAtOnce(t *testing.T) {
	s := NewSignatures(clock.NewManual(time.Unix(1_773_750_074, 0)), time.Hour)
	for n := range 500 {
		var wg sync.WaitGroup
		admitted := make([]bool, 2)
		for i, call := range []string{"/pay", "/order"} {
			wg.Go(func() { admitted[i] = s.Admit(fmt.Sprintf("%032x%032x", n, 0), call, true) })
		}
		wg.Wait()
		if admitted[0] == admitted[1] {
			t.Fatalf("signature %d: admitted %v, want one", n, admitted)
		}
	}
}
