package keys

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

const purpose = "app-secret app_01"

func key(t *testing.T) []byte {
	t.Helper()
	k := make([]byte, keySize)
	if _, err := rand.Read(k); err != nil {
		t.Fatal(err)
	}
	return k
}

func box(t *testing.T, keys ...[]byte) *Box {
	t.Helper()
	b, err := newBox(keys)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func seal(t *testing.T, b *Box, plain string) []byte {
	t.Helper()
	sealed, err := b.Seal(purpose, []byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestSealAndUnseal(t *testing.T) {
	b := box(t, key(t))
	for _, plain := range []string{"", "x", canary, strings.Repeat("long", 10_000)} {
		sealed := seal(t, b, plain)
		if len(plain) > 4 && bytes.Contains(sealed, []byte(plain)) { // one byte may well stand there by chance
			t.Errorf("%.10q stands in the sealed bytes", plain)
		}
		got, err := b.Unseal(purpose, sealed)
		if err != nil || string(got.Reveal()) != plain {
			t.Errorf("%.10q comes back as %.10q, %v", plain, got.Reveal(), err)
		}
	}
	if bytes.Equal(seal(t, b, canary), seal(t, b, canary)) {
		t.Error("sealed twice, the same bytes: the nonce is not random")
	}
	if _, err := b.Seal("", []byte(canary)); err == nil {
		t.Error("sealed without a purpose")
	}
}

func TestUnsealRefuses(t *testing.T) {
	k := key(t)
	b := box(t, k)
	sealed := seal(t, b, canary)
	other := box(t, key(t))
	for _, c := range []struct {
		name    string
		box     *Box
		purpose string
		sealed  []byte
		want    error
	}{
		{"another purpose", b, "app-secret app_02", sealed, ErrSealed},
		{"no purpose", b, "", sealed, ErrSealed},
		{"a longer purpose", b, purpose + "x", sealed, ErrSealed},
		{"another key", other, purpose, sealed, ErrUnknownKey},
		{"nothing", b, purpose, nil, ErrSealed},
		{"the header alone", b, purpose, sealed[:headerSize], ErrSealed},
		{"one byte more", b, purpose, append(bytes.Clone(sealed), 0), ErrSealed},
		{"plain text", b, purpose, []byte(canary), ErrSealed},
	} {
		if got, err := c.box.Unseal(c.purpose, c.sealed); !errors.Is(err, c.want) || !got.IsZero() {
			t.Errorf("%s: %q, %v, want %v", c.name, got.Reveal(), err, c.want)
		}
	}
	for n := range sealed {
		if got, err := b.Unseal(purpose, sealed[:n]); err == nil || !got.IsZero() {
			t.Fatalf("the first %d of %d bytes unseal", n, len(sealed))
		}
		changed := bytes.Clone(sealed)
		changed[n] ^= 0x01
		if got, err := b.Unseal(purpose, changed); err == nil || !got.IsZero() {
			t.Fatalf("a change at byte %d goes unseen", n)
		}
	}
	// The control: a second box with the same key does unseal what these refused.
	if got, err := box(t, k).Unseal(purpose, sealed); err != nil || string(got.Reveal()) != canary {
		t.Errorf("the same key gives %q, %v", got.Reveal(), err)
	}
}

func TestRotation(t *testing.T) {
	old, fresh := key(t), key(t)
	before, after := box(t, old), box(t, fresh, old)
	sealed := seal(t, before, canary)
	got, err := after.Unseal(purpose, sealed)
	if err != nil || string(got.Reveal()) != canary {
		t.Fatalf("after the rotation: %q, %v", got.Reveal(), err)
	}
	if before.Stale(sealed) || !after.Stale(sealed) {
		t.Error("what the old key sealed is stale after the rotation, not before")
	}
	again := seal(t, after, canary)
	if after.Stale(again) {
		t.Error("freshly sealed, yet stale")
	}
	if _, err := before.Unseal(purpose, again); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("the old key alone opens what the new one sealed: %v", err)
	}
	if got, err := box(t, fresh).Unseal(purpose, again); err != nil || string(got.Reveal()) != canary {
		t.Errorf("the old key is still needed: %q, %v", got.Reveal(), err)
	}
}

func TestO03_BoxDoesNotPrintKeys(t *testing.T) {
	k := key(t)
	b := box(t, k)
	for _, verb := range []string{"%v", "%+v", "%#v", "%x"} {
		text := fmt.Sprintf(verb, b) + fmt.Sprintf(verb, *b)
		for _, form := range []string{hex.EncodeToString(k), strings.Trim(fmt.Sprint(k), "[]"), strings.TrimPrefix(fmt.Sprintf("%#v", k), "[]byte")} {
			if strings.Contains(text, form) {
				t.Errorf("%s of a box shows its key", verb)
			}
		}
	}
}

func TestOpenMakesAKeyFileOnlyWhenItMay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "florin.key")
	if _, err := Open(path, false); !errors.Is(err, ErrNoKeyFile) {
		t.Fatalf("a missing file: %v", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Fatal("it was made all the same")
	}
	made, err := Open(path, true)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("made with mode %v, %v", info.Mode(), err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("left beside it: %v, %v", left, err)
	}
	sealed := seal(t, made, canary)
	for _, mayCreate := range []bool{true, false} {
		again, err := Open(path, mayCreate)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := again.Unseal(purpose, sealed); err != nil || string(got.Reveal()) != canary {
			t.Errorf("opened again: %q, %v", got.Reveal(), err)
		}
	}
	if _, err := Open(filepath.Join(t.TempDir(), "no", "such", "folder"), true); err == nil {
		t.Error("made in a folder that is not there")
	}
}

func TestOpenByManyAtOnceMakesOneKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "florin.key")
	boxes := make([]*Box, 16)
	var wg sync.WaitGroup
	for i := range boxes {
		wg.Go(func() {
			b, err := Open(path, true)
			if err != nil {
				t.Error(err)
				return
			}
			boxes[i] = b
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	for _, b := range boxes[1:] {
		if b.current != boxes[0].current {
			t.Error("two processes hold different keys")
		}
	}
}

func TestO07_KeyFileOpenToOthersIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "florin.key")
	if _, err := Open(path, true); err != nil {
		t.Fatal(err)
	}
	for mode := range os.FileMode(0o1000) {
		if mode&0o400 == 0 {
			continue // not readable by its owner: an error of another kind, none for root
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := Open(path, true)
		if private := mode&0o077 == 0; private != (err == nil) {
			t.Errorf("mode %04o: %v", mode, err)
		}
	}
}

func TestKeyFileForms(t *testing.T) {
	k := bytes.Repeat([]byte{0xfb, 0xff, 0x00, 0x7f}, 8)
	inHex, in64 := hex.EncodeToString(k), base64.StdEncoding.EncodeToString(k)
	other := hex.EncodeToString(key(t))
	for name, text := range map[string]string{
		"hex":                      inHex,
		"capital hex":              strings.ToUpper(inHex) + "\n",
		"base64":                   in64 + "\n",
		"comments and empty lines": "# one\n\n  # two\n" + in64 + "\r\n\n# three\n",
		"an old key below":         inHex + "\n" + other + "\n",
	} {
		b, err := openText(t, text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if b.current != box(t, k).current {
			t.Errorf("%s: another key was read", name)
		}
	}
	for name, text := range map[string]string{
		"nothing":              "",
		"comments alone":       "# one\n",
		"31 bytes in hex":      inHex[2:],
		"33 bytes in hex":      inHex + "00",
		"31 bytes in base64":   base64.StdEncoding.EncodeToString(k[:31]),
		"base64 not padded":    strings.TrimRight(in64, "="),
		"base64 of URLs":       base64.URLEncoding.EncodeToString(k),
		"base64 with bits set": in64[:42] + "/=",
		"a password":           canary,
		"zeros":                strings.Repeat("0", 64),
		"one byte repeated":    strings.Repeat("ab", 32),
		"the same key twice":   inHex + "\n" + in64 + "\n",
		"a bad second line":    inHex + "\nxyz\n",
		"two on a line":        inHex + " " + other,
		"too large a file":     strings.Repeat("# long\n", maxFileSize/7+1) + inHex,
	} {
		_, err := openText(t, text)
		if err == nil {
			t.Errorf("%s: taken", name)
			continue
		}
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); len(line) > 3 && strings.Contains(err.Error(), line) {
				t.Errorf("%s: the error quotes the file: %v", name, err)
			}
		}
	}
	if _, err := Open(t.TempDir(), true); err == nil {
		t.Error("a folder was taken for a key file")
	}
}

func openText(t *testing.T, text string) (*Box, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "florin.key")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Open(path, false)
}
