// Command gen makes the SQLite schema from the PostgreSQL one, so that a table is written once.
//
//	go run ./internal/store/schema/gen internal/store/schema      (or: make generate)
//
// reads postgres/*.sql and writes sqlite/*.sql beside it. A table is written in four types, TEXT, BIGINT, BOOLEAN and
// BYTEA, which become TEXT, INTEGER, INTEGER and BLOB; COLLATE "C" goes, for it is SQLite's own order; each CREATE TABLE
// becomes STRICT. Everything else, comments and goose annotations included, is kept to the byte, so it has to mean the
// same on both. What cannot is refused: other types, casts with ::, dollar quotes.
//
// Files named *_triggers.sql are written by hand, one in each folder, because the two trigger languages share nothing.
// A file in sqlite/ that has neither origin is removed. The test of this package fails while the folders disagree.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	flag.Usage = func() { fmt.Fprintln(os.Stderr, "usage: gen internal/store/schema") }
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	if err := write(flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

// write brings schema/sqlite up to date with schema/postgres.
func write(schema string) error {
	want, err := generate(schema)
	if err != nil {
		return err
	}
	folder := filepath.Join(schema, "sqlite")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	present, err := sqlFiles(folder)
	if err != nil {
		return err
	}
	for name := range present {
		if _, generated := want[name]; !generated && !byHand(name) {
			if err := os.Remove(filepath.Join(folder, name)); err != nil {
				return err
			}
		}
	}
	for name, text := range want {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// generate returns the text of each generated SQLite file by its name.
func generate(schema string) (map[string]string, error) {
	sources, err := sqlFiles(filepath.Join(schema, "postgres"))
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for name, text := range sources {
		if byHand(name) {
			continue
		}
		converted, err := convert(text)
		if err != nil {
			return nil, fmt.Errorf("postgres/%s: %w", name, err)
		}
		out[name] = "-- Code generated from postgres/" + name + " by schema/gen; DO NOT EDIT.\n" + converted
	}
	return out, nil
}

// disagreements lists what a run of gen, or a hand, has still to mend in schema.
func disagreements(schema string) ([]string, error) {
	want, err := generate(schema)
	if err != nil {
		return nil, err
	}
	sources, err := sqlFiles(filepath.Join(schema, "postgres"))
	if err != nil {
		return nil, err
	}
	present, err := sqlFiles(filepath.Join(schema, "sqlite"))
	if err != nil {
		return nil, err
	}
	var found []string
	for name := range sources {
		switch text, ok := present[name]; {
		case !ok:
			found = append(found, "sqlite/"+name+" is missing")
		case !byHand(name) && text != want[name]:
			found = append(found, "sqlite/"+name+" is stale")
		}
	}
	for name := range present {
		if _, ok := sources[name]; !ok {
			found = append(found, "sqlite/"+name+" has no file in postgres/")
		}
	}
	return found, nil
}

func byHand(name string) bool { return strings.HasSuffix(name, "_triggers.sql") }

func sqlFiles(folder string) (map[string]string, error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*.sql"))
	if err != nil {
		return nil, err
	}
	files := make(map[string]string, len(paths))
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		files[filepath.Base(path)] = string(text)
	}
	return files, nil
}
