package keys

import (
	"testing"
	"time"
)

// TestP08_VectorsOfTheRFC are those of RFC 6238 appendix B for SHA-1, cut to six digits.
func TestP08_VectorsOfTheRFC(t *testing.T) {
	seed := NewSecret([]byte("12345678901234567890"))
	for at, want := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		now := time.Unix(at, 0)
		if got := seed.TOTP(now); got != want {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
		for steps := int64(-3); steps <= 3; steps++ {
			if now.Unix()+30*steps < 0 {
				continue // before 1970
			}
			step, ok := seed.TOTPStep(want, now.Add(time.Duration(steps)*30*time.Second))
			if within := steps >= -1 && steps <= 1; ok != within || ok && step != at/30 {
				t.Errorf("the code of %d, %d steps later: step %d, %t", at, steps, step, ok)
			}
		}
	}
	for _, code := range []string{"", "28708", "2870822", "287 82", "２８７０８２", "287083"} {
		if _, ok := seed.TOTPStep(code, time.Unix(59, 0)); ok {
			t.Errorf("%q is taken", code)
		}
	}
}

func TestP11_MarksTellPartsApart(t *testing.T) {
	key := func(b byte) []byte { k := make([]byte, keySize); k[0] = b; return k }
	box, err := newBox([][]byte{key(1)})
	if err != nil {
		t.Fatal(err)
	}
	rotated, err := newBox([][]byte{key(2), key(1)})
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := newBox([][]byte{key(3)})
	if err != nil {
		t.Fatal(err)
	}
	mark := box.MAC("payout", []byte("ab"), []byte("c"))
	if !box.CheckMAC(mark[:], "payout", []byte("ab"), []byte("c")) || !rotated.CheckMAC(mark[:], "payout", []byte("ab"), []byte("c")) {
		t.Error("a mark is not known again")
	}
	for name, same := range map[string]bool{
		"other parts":      box.CheckMAC(mark[:], "payout", []byte("a"), []byte("bc")),
		"one part":         box.CheckMAC(mark[:], "payout", []byte("abc")),
		"another purpose":  box.CheckMAC(mark[:], "payouta", []byte("b"), []byte("c")),
		"another key":      stranger.CheckMAC(mark[:], "payout", []byte("ab"), []byte("c")),
		"no mark":          box.CheckMAC(nil, "payout", []byte("ab"), []byte("c")),
		"half of the mark": box.CheckMAC(mark[:16], "payout", []byte("ab"), []byte("c")),
	} {
		if same {
			t.Errorf("%s: the same mark", name)
		}
	}
}
