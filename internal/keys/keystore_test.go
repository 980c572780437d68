package keys

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"github.com/google/go-cmp/cmp"

	"florin/internal/peer"
)

// The test vectors of the Web3 Secret Storage definition, both of the same key.
const (
	vectorKey        = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d"
	vectorAddress    = "008aeeda4d805471df9b2a5b0f38a0c3bcba786b"
	vectorPassphrase = "testpassword"
	vectorScrypt     = `{"crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"83dbcc02d8ccb40e466191a123791e0e"},
		"ciphertext":"d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c","kdf":"scrypt",
		"kdfparams":{"dklen":32,"n":262144,"p":8,"r":1,"salt":"ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19"},
		"mac":"2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097"},
		"id":"3198bc9c-6672-5ab3-d995-4942343ae5b6","version":3}`
	vectorPBKDF2 = `{"crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"6087dab2f9fdbbfaddc31a909735c1e6"},
		"ciphertext":"5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46","kdf":"pbkdf2",
		"kdfparams":{"c":262144,"dklen":32,"prf":"hmac-sha256","salt":"ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd"},
		"mac":"517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2"},
		"id":"3198bc9c-6672-5ab3-d995-4942343ae5b6","version":3}`
)

func private(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func passphrase(s string) Secret { return NewSecret([]byte(s)) }

func TestKeystoreVectors(t *testing.T) {
	for name, text := range map[string]string{"scrypt": vectorScrypt, "pbkdf2": vectorPBKDF2} {
		k, err := OpenKeystore(private(t, "key.json", text), passphrase(vectorPassphrase))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		held := k.key().Key.Bytes()
		if hex.EncodeToString(held[:]) != vectorKey || fmt.Sprintf("%x", k.Address()) != vectorAddress {
			t.Errorf("%s: another key, of %x", name, k.Address())
		}
	}
}

func TestNewKeystoreOpensAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hot.json")
	made, err := NewKeystore(path, passphrase("correct horse"))
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("made with mode %v, %v", info.Mode(), err)
	}
	again, err := OpenKeystore(path, passphrase("correct horse"))
	if err != nil || again.Address() != made.Address() {
		t.Fatalf("opened again: %v, %v", again, err)
	}
	digest := keccak256([]byte("a digest"))
	first, err := made.SignDigest(digest)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := again.SignDigest(digest); err != nil || first != second {
		t.Errorf("one digest, two signatures: %x, %x, %v", first, second, err)
	}
	if _, err := OpenKeystore(path, passphrase("correct horsE")); !errors.Is(err, ErrPassphrase) {
		t.Errorf("another passphrase: %v", err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewKeystore(path, passphrase("x")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("made where there is one: %v", err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the old file was touched, %v", err)
	}
	if _, err := NewKeystore(filepath.Join(t.TempDir(), "k"), Secret{}); err == nil {
		t.Error("made without a passphrase")
	}
}

// What cast writes we read, and what we write cast reads.
func TestKeystoreAndCastReadEachOther(t *testing.T) {
	node := peer.Anvil(t)
	account := node.Accounts[1]
	folder := t.TempDir()
	node.Cast("wallet", "import", "theirs", "--keystore-dir", folder, "--private-key", account.Key, "--unsafe-password", "pass")
	theirs := filepath.Join(folder, "theirs")
	if err := os.Chmod(theirs, 0o600); err != nil {
		t.Fatal(err)
	}
	k, err := OpenKeystore(theirs, passphrase("pass"))
	if err != nil || !strings.EqualFold(fmt.Sprintf("0x%x", k.Address()), account.Address) {
		t.Errorf("cast's file: %v, %v", k, err)
	}

	ours := filepath.Join(folder, "ours")
	made, err := NewKeystore(ours, passphrase("pass"))
	if err != nil {
		t.Fatal(err)
	}
	if said := node.Cast("wallet", "address", "--keystore", ours, "--password", "pass"); !strings.EqualFold(said, fmt.Sprintf("0x%x", made.Address())) {
		t.Errorf("our file: cast says %s, we %v", said, made)
	}
}

// P20: nonces by RFC 6979, low S, and a recovery id that leads back.
func TestP20_SignaturesAreLowAndLeadBack(t *testing.T) {
	k, err := OpenKeystore(private(t, "key.json", vectorPBKDF2), passphrase(vectorPassphrase))
	if err != nil {
		t.Fatal(err)
	}
	rounds := 200
	if os.Getenv("FLORIN_SOAK") != "" {
		rounds = 100_000
	}
	nonces := map[[32]byte]bool{}
	for n := range rounds {
		digest := keccak256(fmt.Append(nil, n))
		s, err := k.SignDigest(digest)
		if err != nil {
			t.Fatal(err)
		}
		var high secp256k1.ModNScalar
		if high.SetByteSlice(s[32:64]); high.IsOverHalfOrder() {
			t.Errorf("%d: high S", n)
		}
		key, _, err := ecdsa.RecoverCompact(append([]byte{27 + s[64]}, s[:64]...), digest[:])
		if err != nil || newAddress(key) != k.Address() {
			t.Errorf("%d: leads to %v, %v", n, key, err)
		}
		if r := [32]byte(s[:32]); nonces[r] {
			t.Errorf("%d: a nonce used twice", n)
		} else {
			nonces[r] = true
		}
	}
}

func newAddress(key *secp256k1.PublicKey) (a [20]byte) {
	sum := keccak256(key.SerializeUncompressed()[1:])
	copy(a[:], sum[12:])
	return a
}

func TestP13_KeystoreDoesNotPrintItsKey(t *testing.T) {
	path := private(t, "key.json", vectorPBKDF2)
	k, err := OpenKeystore(path, passphrase(vectorPassphrase))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := hex.DecodeString(vectorKey)
	if err != nil {
		t.Fatal(err)
	}
	marshalled, err := json.Marshal(k)
	if err != nil {
		t.Fatal(err)
	}
	_, wrong := OpenKeystore(path, passphrase(vectorPassphrase+"x"))
	printed := map[string]string{"json": string(marshalled), "an error": fmt.Sprint(wrong)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		printed[verb] = fmt.Sprintf(verb, k) + fmt.Sprintf(verb, *k) + fmt.Sprintf(verb, []any{k})
	}
	for how, text := range printed {
		for _, form := range []string{vectorKey, strings.ToUpper(vectorKey), strings.Trim(fmt.Sprint(raw), "[]"),
			strings.TrimPrefix(fmt.Sprintf("%#v", raw), "[]byte"), vectorPassphrase} {
			if strings.Contains(text, form) {
				t.Errorf("%s shows the key or its passphrase: %s", how, text)
			}
		}
	}
	// The control: the forms do find a key that is printed.
	if text := fmt.Sprintf("%x %v", raw, raw); !strings.Contains(text, vectorKey) || !strings.Contains(text, strings.Trim(fmt.Sprint(raw), "[]")) {
		t.Error("the search finds nothing")
	}
}

func TestP13_KeyFilesOpenToOthersAreRefused(t *testing.T) {
	keystore, words := private(t, "key.json", vectorPBKDF2), private(t, "pass", vectorPassphrase+"\n")
	for _, mode := range []os.FileMode{0o600, 0o400, 0o640, 0o604, 0o660, 0o644, 0o601} {
		for _, path := range []string{keystore, words} {
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
		}
		p, err := ReadPassphrase(words)
		if private := mode&0o077 == 0; private != (err == nil) {
			t.Errorf("passphrase of mode %04o: %v", mode, err)
		} else if private && string(p.Reveal()) != vectorPassphrase {
			t.Errorf("passphrase %q", p.Reveal())
		}
		_, err = OpenKeystore(keystore, passphrase(vectorPassphrase))
		if private := mode&0o077 == 0; private != (err == nil) {
			t.Errorf("keystore of mode %04o: %v", mode, err)
		}
	}
}

func TestPassphraseFiles(t *testing.T) {
	for text, want := range map[string]string{"a b\n": "a b", "a\r\n": "a", " a ": " a ", "": "", "\n": "", "a\nb\n": "", "a\rb": ""} {
		got, err := ReadPassphrase(private(t, "pass", text))
		if diff := cmp.Diff(want, string(got.Reveal())); diff != "" || (err == nil) != (want != "") {
			t.Errorf("%q: %v %s", text, err, diff)
		}
	}
}

func TestKeystoreRefusesStrangeFiles(t *testing.T) {
	change := func(old, new string) string {
		t.Helper()
		if !strings.Contains(vectorPBKDF2, old) {
			t.Fatalf("the vector has no %s", old)
		}
		return strings.Replace(vectorPBKDF2, old, new, 1)
	}
	for name, text := range map[string]string{
		"no JSON":              "{",
		"version 1":            change(`"version":3`, `"version":1`),
		"another cipher":       change("aes-128-ctr", "aes-128-cbc"),
		"another kdf":          change(`"kdf":"pbkdf2"`, `"kdf":"argon2"`),
		"another prf":          change("hmac-sha256", "hmac-md5"),
		"endless rounds":       change(`"c":262144`, `"c":26214400000`),
		"no rounds":            change(`"c":262144`, `"c":0`),
		"a short key":          change(`"dklen":32`, `"dklen":16`),
		"a short iv":           change("6087dab2f9fdbbfaddc31a909735c1e6", "6087"),
		"a changed mac":        change("517ead92", "517ead93"),
		"a changed ciphertext": change("5318b4d5", "5318b4d4"),
		"another's address":    change(`"version":3`, `"version":3,"address":"`+strings.Repeat("11", 20)+`"`),
		"scrypt of 4 TiB":      strings.Replace(vectorScrypt, `"n":262144`, `"n":34359738368`, 1),
		"scrypt of nothing":    strings.Replace(vectorScrypt, `"n":262144`, `"n":0`, 1),
		"scrypt of p 2^30":     strings.Replace(vectorScrypt, `"p":8`, `"p":1073741824`, 1),
	} {
		if k, err := OpenKeystore(private(t, "key.json", text), passphrase(vectorPassphrase)); err == nil {
			t.Errorf("%s: opened as %v", name, k)
		}
	}
}
