package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"florin/bench/rig"
)

// world is what all scenarios share: a directory, the built programs and, once needed, a PostgreSQL cluster.
type world struct {
	options
	dir           string
	floor, florin string // binaries
	books         string // the same, once needed
	postgres      *rig.Postgres
	databases     int // made so far
}

func newWorld(ctx context.Context, o options) (*world, error) {
	dir, err := os.MkdirTemp(o.dir, "florin-bench-")
	if err != nil {
		return nil, err
	}
	w := &world{options: o, dir: dir}
	if w.floor, err = rig.Build(ctx, dir, "./bench/floor"); err != nil {
		w.close()
		return nil, err
	}
	if o.subject == "florin" {
		if w.florin, err = rig.Build(ctx, dir, "./cmd/florin"); err != nil {
			w.close()
			return nil, err
		}
	}
	return w, nil
}

func (w *world) close() {
	if w.postgres != nil {
		w.postgres.Stop()
	}
	os.RemoveAll(w.dir)
}

// database makes an empty one of a kind and returns its URL and a directory for what stands beside it.
func (w *world) database(ctx context.Context, kind string) (url, dir string, err error) {
	w.databases++
	name := fmt.Sprintf("bench%d", w.databases)
	dir = filepath.Join(w.dir, name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", "", err
	}
	switch kind {
	case "sqlite":
		return "sqlite:" + filepath.Join(dir, "bench.db"), dir, nil
	case "postgres":
		if w.postgres == nil {
			if w.postgres, err = rig.StartPostgres(ctx, w.dir); err != nil {
				return "", "", err
			}
		}
		url, err = w.postgres.Create(ctx, name)
		return url, dir, err
	}
	return "", "", fmt.Errorf("no database %q", kind)
}

// floorOn is the yardstick on a database of its own.
func (w *world) floorOn(ctx context.Context, kind string, args ...string) (rig.Program, error) {
	url, _, err := w.database(ctx, kind)
	if err != nil {
		return rig.Program{}, err
	}
	return rig.Floor(w.floor, url, args...)
}

// subjectOn is what is measured, on a database of its own.
func (w *world) subjectOn(ctx context.Context, kind string) (rig.Program, error) {
	if w.subject == "floor" {
		return w.floorOn(ctx, kind, w.subjectArgs...)
	}
	url, dir, err := w.database(ctx, kind)
	if err != nil {
		return rig.Program{}, err
	}
	return rig.Florin(ctx, w.florin, dir, url, w.subjectArgs...)
}
