package keys

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"golang.org/x/crypto/scrypt"
	"golang.org/x/crypto/sha3"
)

// ErrPassphrase reports a keystore that does not open: the passphrase is another's, or the file is damaged.
var ErrPassphrase = errors.New("keys: wrong passphrase, or a damaged keystore")

// Keystore is one account of an EVM chain: it signs, and never shows its key. The file is Ethereum's Web3 Secret Storage,
// version 3 (https://ethereum.org/developers/docs/data-structures-and-encoding/web3-secret-storage), which geth, clef and
// cast write and read.
type Keystore struct {
	address [20]byte
	// A function, because package fmt reads unexported fields; it cannot look into this.
	key func() *secp256k1.PrivateKey
}

// web3 is the file.
type web3 struct {
	Address string     `json:"address"`
	Crypto  web3Crypto `json:"crypto"`
	ID      string     `json:"id"`
	Version int        `json:"version"`
}

type web3Crypto struct {
	Cipher       string       `json:"cipher"`
	CipherText   string       `json:"ciphertext"`
	CipherParams cipherParams `json:"cipherparams"`
	KDF          string       `json:"kdf"`
	KDFParams    kdfParams    `json:"kdfparams"`
	MAC          string       `json:"mac"`
}

type cipherParams struct {
	IV string `json:"iv"`
}

// kdfParams are scrypt's, or PBKDF2's (C and PRF).
type kdfParams struct {
	DKLen int    `json:"dklen"`
	N     int    `json:"n,omitempty"`
	P     int    `json:"p,omitempty"`
	R     int    `json:"r,omitempty"`
	C     int    `json:"c,omitempty"`
	PRF   string `json:"prf,omitempty"`
	Salt  string `json:"salt"`
}

// The work of a guess at the passphrase: geth's "standard", 256 MiB and about a second.
const (
	scryptN = 1 << 18
	scryptR = 8
	scryptP = 1
)

// OpenKeystore reads the account in the file at path, which nobody but its owner may read (mode 0600 or less). It fails
// with ErrPassphrase, and takes about a second.
func OpenKeystore(path string, passphrase Secret) (*Keystore, error) {
	text, err := readPrivate(path)
	if err != nil {
		return nil, err
	}
	k, err := decrypt(text, passphrase)
	if err != nil {
		return nil, fmt.Errorf("keystore %s: %w", path, err)
	}
	return k, nil
}

// NewKeystore makes a key and its file, mode 0600, durable on return. It replaces no file.
func NewKeystore(path string, passphrase Secret) (*Keystore, error) {
	key, err := secp256k1.GeneratePrivateKey() // from crypto/rand
	if err != nil {
		return nil, fmt.Errorf("keys: make a key: %w", err)
	}
	k := newKeystore(key)
	text, err := encrypt(k, passphrase)
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	if err := writeOnce(path, text); err != nil {
		return nil, fmt.Errorf("keys: write keystore: %w", err)
	}
	return k, nil
}

// ReadPassphrase reads a file of one line, which nobody but its owner may read. The line's end is no part of it.
func ReadPassphrase(path string) (Secret, error) {
	text, err := readPrivate(path)
	if err != nil {
		return Secret{}, err
	}
	line := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	if line == "" || strings.ContainsAny(line, "\r\n") {
		return Secret{}, fmt.Errorf("keys: %s is not one line with a passphrase", path)
	}
	return NewSecret([]byte(line)), nil
}

func newKeystore(key *secp256k1.PrivateKey) *Keystore {
	k := &Keystore{key: func() *secp256k1.PrivateKey { return key }}
	sum := keccak256(key.PubKey().SerializeUncompressed()[1:])
	copy(k.address[:], sum[12:])
	return k
}

// Address returns the account's: the last 20 bytes of the Keccak hash of its public key.
func (k *Keystore) Address() [20]byte { return k.address }

// SignDigest returns r ‖ s ‖ recovery id (0 or 1). The nonce is that of RFC 6979, so no two digests share one and a
// digest has one signature; s is the low one of the two.
func (k *Keystore) SignDigest(digest [32]byte) (signature [65]byte, err error) {
	const uncompressed = 27
	compact := ecdsa.SignCompact(k.key(), digest[:], false)
	id := compact[0] - uncompressed
	if id > 1 { // r beyond the group's order: a chance of 2^-128, and no chain takes it
		return signature, errors.New("keys: a signature that no chain takes")
	}
	copy(signature[:], compact[1:])
	signature[64] = id
	return signature, nil
}

// Format says [redacted] and the address to every verb of package fmt.
func (k *Keystore) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(k.String())) }

func (k *Keystore) String() string { return redacted + " of 0x" + hex.EncodeToString(k.address[:]) }

// MarshalText says what String does.
func (k *Keystore) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

func decrypt(text []byte, passphrase Secret) (*Keystore, error) {
	var file web3
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, errors.New("not the JSON of a keystore") // the cause would quote it
	}
	if file.Version != 3 || file.Crypto.Cipher != "aes-128-ctr" {
		return nil, fmt.Errorf("version %d with %.40q; want 3 with aes-128-ctr", file.Version, file.Crypto.Cipher)
	}
	var sealed, iv, mac []byte
	for _, part := range []struct {
		to   *[]byte
		text string
		size int
	}{{&sealed, file.Crypto.CipherText, keySize}, {&iv, file.Crypto.CipherParams.IV, aes.BlockSize}, {&mac, file.Crypto.MAC, 32}} {
		var err error
		if *part.to, err = hex.DecodeString(part.text); err != nil || len(*part.to) != part.size {
			return nil, errors.New("ciphertext, iv or mac is not hex of the right length")
		}
	}
	derived, err := file.Crypto.derive(passphrase)
	if err != nil {
		return nil, err
	}
	sum := keccak256(derived[16:32], sealed)
	if subtle.ConstantTimeCompare(sum[:], mac) != 1 {
		return nil, ErrPassphrase
	}
	plain, err := ctr(derived[:16], iv, sealed)
	if err != nil {
		return nil, err
	}
	var scalar secp256k1.ModNScalar
	if overflow := scalar.SetByteSlice(plain); overflow || scalar.IsZero() {
		return nil, errors.New("what is in it is no private key")
	}
	k := newKeystore(secp256k1.NewPrivateKey(&scalar))
	named := strings.ToLower(strings.TrimPrefix(file.Address, "0x"))
	if named != "" && named != hex.EncodeToString(k.address[:]) {
		return nil, fmt.Errorf("it is named %.60q, and holds the key of 0x%x", file.Address, k.address)
	}
	return k, nil
}

// derive bounds what a file may ask of memory and time: 1 GiB and 10 million rounds.
func (c *web3Crypto) derive(passphrase Secret) ([]byte, error) {
	p := c.KDFParams
	salt, err := hex.DecodeString(p.Salt)
	if err != nil || p.DKLen != keySize {
		return nil, errors.New("salt or dklen")
	}
	switch c.KDF {
	case "scrypt":
		if p.N < 2 || p.R < 1 || p.P < 1 || p.R > 64 || p.P > 64 || p.N > (1<<30)/128/p.R {
			return nil, fmt.Errorf("scrypt with n %d, r %d, p %d", p.N, p.R, p.P)
		}
		return scrypt.Key(passphrase.bytes(), salt, p.N, p.R, p.P, p.DKLen)
	case "pbkdf2":
		if p.PRF != "hmac-sha256" || p.C < 1 || p.C > 10_000_000 {
			return nil, fmt.Errorf("pbkdf2 with %.40q and %d rounds", p.PRF, p.C)
		}
		return pbkdf2.Key(sha256.New, string(passphrase.bytes()), salt, p.C, p.DKLen)
	}
	return nil, fmt.Errorf("unknown kdf %.40q", c.KDF)
}

func encrypt(k *Keystore, passphrase Secret) ([]byte, error) {
	if passphrase.IsZero() {
		return nil, errors.New("a keystore without a passphrase")
	}
	random := make([]byte, 32+aes.BlockSize+16) // salt, iv, id
	_, _ = rand.Read(random)                    // never fails: it ends the program instead
	salt, iv, id := random[:32], random[32:32+aes.BlockSize], random[32+aes.BlockSize:]
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80 // a random UUID (RFC 9562)
	c := web3Crypto{Cipher: "aes-128-ctr", CipherParams: cipherParams{hex.EncodeToString(iv)}, KDF: "scrypt",
		KDFParams: kdfParams{DKLen: keySize, N: scryptN, P: scryptP, R: scryptR, Salt: hex.EncodeToString(salt)}}
	derived, err := c.derive(passphrase)
	if err != nil {
		return nil, err
	}
	key := k.key().Key.Bytes()
	sealed, err := ctr(derived[:16], iv, key[:])
	if err != nil {
		return nil, err
	}
	sum := keccak256(derived[16:32], sealed)
	c.CipherText, c.MAC = hex.EncodeToString(sealed), hex.EncodeToString(sum[:])
	return json.Marshal(web3{Address: hex.EncodeToString(k.address[:]), Crypto: c, Version: 3,
		ID: fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])})
}

// ctr encrypts, and decrypts, with AES-128 in counter mode.
func ctr(key, iv, text []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	out := make([]byte, len(text))
	cipher.NewCTR(block, iv).XORKeyStream(out, text)
	return out, nil
}

func keccak256(parts ...[]byte) (sum [32]byte) {
	h := sha3.NewLegacyKeccak256()
	for _, p := range parts {
		h.Write(p)
	}
	h.Sum(sum[:0])
	return sum
}
