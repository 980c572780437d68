package id

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/big"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"pgregory.net/rapid"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// reference writes the same 128 bits with math/big: 26 digits of base 32, most significant first.
func reference(ms uint64, random []byte) string {
	raw := binary.BigEndian.AppendUint64(nil, ms)[2:]
	n := new(big.Int).SetBytes(append(raw, random...))
	text := n.Text(32) // 0-9a-v
	text = strings.Repeat("0", 26-len(text)) + text
	return strings.Map(func(r rune) rune {
		return rune(digits[strings.IndexRune("0123456789abcdefghijklmnopqrstuv", r)])
	}, text)
}

func TestMakeIsTimeThenRandomInBase32(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ms := rapid.Int64Range(1, 1<<48-1).Draw(t, "ms")
		random := rapid.SliceOfN(rapid.Byte(), 10, 10).Draw(t, "random")
		got := New(bytes.NewReader(random)).Make("ord", time.UnixMilli(ms))
		if want := "ord_" + reference(uint64(ms), random); got != want {
			t.Fatalf("Make = %s, want %s", got, want)
		}
	})
}

func TestMakeGrowsWhateverTheClockDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := New(nil)
		last := ""
		for _, ms := range rapid.SliceOf(rapid.Int64Range(1, 5)).Draw(t, "times") {
			made := s.Make("evt", time.UnixMilli(ms))
			if made <= last {
				t.Fatalf("%s follows %s", made, last)
			}
			last = made
		}
	})
}

func TestFloorIsTheLeastOfItsTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ms := rapid.Int64Range(1, 1<<48-1).Draw(t, "ms")
		made := New(nil).Make("evt", time.UnixMilli(ms))
		if floor := Floor("evt", time.UnixMilli(ms)); made < floor || floor != "evt_"+reference(uint64(ms), make([]byte, 10)) {
			t.Fatalf("floor %s, made %s", floor, made)
		}
		if before := New(nil).Make("evt", time.UnixMilli(ms-1)); before >= Floor("evt", time.UnixMilli(ms)) {
			t.Fatalf("%s was made before", before)
		}
	})
}

func TestMakeSortsByTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ms := rapid.Int64Range(0, 1<<48-2).Draw(t, "ms")
		later := rapid.Int64Range(ms+1, 1<<48-1).Draw(t, "later")
		s := New(nil)
		a, b := s.Make("ord", time.UnixMilli(ms)), s.Make("ord", time.UnixMilli(later))
		if a >= b {
			t.Fatalf("%s of %d does not sort before %s of %d", a, ms, b, later)
		}
	})
}

func TestMakeIsDistinctInParallel(t *testing.T) {
	s := New(nil)
	var mu sync.Mutex
	seen := map[string]bool{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 2000 {
				made := s.Make("ord", noon)
				mu.Lock()
				seen[made] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(seen) != 16000 {
		t.Errorf("%d distinct ids of 16000", len(seen))
	}
}

func TestHex(t *testing.T) {
	if got := New(bytes.NewReader([]byte{0, 0xAB, 0xff})).Hex(3); got != "00abff" {
		t.Errorf("Hex = %s", got)
	}
}

func TestAlphanumericDrawsEachCharacterEvenly(t *testing.T) {
	// Each byte value once: a fair draw takes each character 256/radix times, rounded down, and
	// leaves out the values above the last whole multiple.
	var all [256]byte
	for i := range all {
		all[i] = byte(i)
	}
	for _, c := range []struct{ radix, n, each int }{{36, 252, 7}, {62, 248, 4}} {
		got := New(bytes.NewReader(all[:])).Alphanumeric(c.n, c.radix)
		count := map[rune]int{}
		for _, r := range got {
			count[r]++
		}
		if len(got) != c.n || len(count) != c.radix {
			t.Errorf("radix %d: %d characters, %d distinct", c.radix, len(got), len(count))
		}
		for r, n := range count {
			if n != c.each {
				t.Errorf("radix %d: %q drawn %d times, want %d", c.radix, r, n, c.each)
			}
		}
		if c.radix == 36 && got != strings.ToLower(got) {
			t.Errorf("radix 36 has capitals: %s", got)
		}
	}
}

func TestAlphanumericLengths(t *testing.T) {
	s := New(nil)
	for n := range 200 {
		if got := s.Alphanumeric(n, 62); len(got) != n {
			t.Errorf("Alphanumeric(%d) has %d characters", n, len(got))
		}
	}
}

func TestAlphanumericRefusesAnotherRadix(t *testing.T) {
	for _, radix := range []int{-1, 0, 1, 32, 64, 256} {
		if !panics(func() { New(nil).Alphanumeric(4, radix) }) {
			t.Errorf("radix %d: no panic", radix)
		}
	}
}

func TestP14_NoRandomnessIsFatal(t *testing.T) {
	for name, random := range map[string]io.Reader{
		"broken": iotest.ErrReader(errors.New("gone")),
		"short":  bytes.NewReader([]byte{1, 2, 3}),
	} {
		if !panics(func() { New(random).Make("ord", noon) }) {
			t.Errorf("%s: no panic", name)
		}
	}
	if panics(func() { New(bytes.NewReader(make([]byte, 10))).Make("ord", noon) }) { // the control
		t.Error("ten bytes are enough, yet it panicked")
	}
}

func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return false
}
