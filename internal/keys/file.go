package keys

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ErrNoKeyFile reports that the key file is missing and may not be made: what the database holds
// sealed cannot be read without the old one.
var ErrNoKeyFile = errors.New("keys: no key file")

// maxFileSize is far more than a key file with its comments needs.
const maxFileSize = 16 << 10

const fileComment = "# Florin key file: opens the secrets in the database. Keep a copy, apart from the database's backups.\n" +
	"# The first key seals. To rotate, put a new line above it: the lines below still unseal.\n"

// Open reads the key file at path. If there is none and mayCreate is true (which is for the caller
// to say: there must be no database either) it makes one with a fresh key, mode 0600, durable on
// return; of two processes that do so at once, both get the same key. A file that others may read
// or write is refused.
//
// The file holds comment lines (#) and keys, one a line: 32 bytes in hex or base64.
func Open(path string, mayCreate bool) (*Box, error) {
	b, err := read(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return b, err
	}
	if !mayCreate {
		return nil, fmt.Errorf("%w at %s: restore it from its copy, for the database cannot be read without it", ErrNoKeyFile, path)
	}
	if err := create(path); err != nil {
		return nil, fmt.Errorf("keys: make key file: %w", err)
	}
	return read(path)
}

func read(path string) (*Box, error) {
	text, err := readPrivate(path)
	if err != nil {
		return nil, err
	}
	keys, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("keys: %s: %w", path, err)
	}
	b, err := newBox(keys)
	if err != nil {
		return nil, fmt.Errorf("keys: %s: %w", path, err)
	}
	return b, nil
}

// readPrivate reads a small file that only its owner may use.
func readPrivate(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("keys: open key file: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat() // of what is open, so that it cannot be exchanged in between
	if err != nil {
		return nil, fmt.Errorf("keys: look at key file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("keys: %s is no regular file", path)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("keys: %s has mode %04o, so others may use it: chmod 600 %[1]s", path, mode)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err != nil {
		return nil, fmt.Errorf("keys: read key file: %w", err)
	}
	if len(text) > maxFileSize {
		return nil, fmt.Errorf("keys: %s has more than %d bytes", path, maxFileSize)
	}
	return text, nil
}

// parse reads the keys of a key file. Its errors name lines, never what stands in them.
func parse(text []byte) (keys [][]byte, err error) {
	number := 0
	for line := range bytes.Lines(text) {
		number++
		entry := strings.TrimSpace(string(line))
		if entry == "" || entry[0] == '#' {
			continue
		}
		key, err := hex.DecodeString(entry)
		if err != nil {
			key, err = base64.StdEncoding.Strict().DecodeString(entry)
		}
		if err != nil || len(key) != keySize {
			return nil, fmt.Errorf("line %d is not %d bytes in hex or base64", number, keySize)
		}
		if bytes.Count(key, key[:1]) == keySize {
			return nil, fmt.Errorf("line %d is one byte over and over, not a random key", number)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.New("no key in it")
	}
	return keys, nil
}

// create writes a key file; if another process was first, its file stays.
func create(path string) error {
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // never fails: it ends the program instead
	err := writeOnce(path, []byte(fileComment+base64.StdEncoding.EncodeToString(key)+"\n"))
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// writeOnce writes a private file beside path and links it there, so that path is never half written and an existing
// file is never replaced: fs.ErrExist. It is durable on return, in both cases.
func writeOnce(path string, text []byte) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".florin-key-*") // made with mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	err = os.Link(f.Name(), path)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return errors.Join(err, syncDir(dir))
}

// syncDir makes the directory's new entry durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
