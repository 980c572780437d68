package sim_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"florin/internal/sim"
	"florin/internal/store"
)

// seeds is how many worlds `go test` plays; FLORIN_SIM_SEEDS plays another number.
func seeds(t *testing.T) uint64 {
	t.Helper()
	if n := number(t, "FLORIN_SIM_SEEDS"); n > 0 {
		return n
	}
	if racing {
		return 60 // one thread at a time: the race detector finds little here, and costs ten times as much
	}
	return 500
}

func number(t *testing.T, name string) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return 0
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// table is where the worlds' databases lie: in memory where there is such a folder, for what a
// power failure leaves is not asked here.
func table(t *testing.T) string {
	t.Helper()
	const memory = "/dev/shm"
	if info, err := os.Stat(memory); err != nil || !info.IsDir() {
		return t.TempDir()
	}
	folder, err := os.MkdirTemp(memory, "florin-sim-*")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	return folder
}

// template is an empty database with the schema, so that not every world makes its own.
func template(t *testing.T, folder string) []byte {
	t.Helper()
	path := filepath.Join(folder, "template.db")
	db, err := store.Open(t.Context(), "sqlite:"+path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	empty, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return empty
}

// play plays one seed on a SQLite database of its own.
func play(ctx context.Context, folder string, empty []byte, seed uint64, say func(string)) (sim.Result, error) {
	own := filepath.Join(folder, fmt.Sprintf("seed%d", seed))
	if err := os.MkdirAll(own, 0o700); err != nil {
		return sim.Result{}, err
	}
	defer os.RemoveAll(own)
	path := filepath.Join(own, "florin.db")
	if err := os.WriteFile(path, empty, 0o600); err != nil {
		return sim.Result{}, err
	}
	return sim.Play(ctx, sim.Options{Seed: seed, URL: "sqlite:" + path, Folder: own, Say: say})
}

// TestSeeds plays many worlds; none may break any promise.
func TestSeeds(t *testing.T) {
	folder := table(t)
	empty := template(t, folder)
	if one := number(t, "FLORIN_SIM_SEED"); one > 0 {
		if _, err := play(t.Context(), folder, empty, one, func(line string) { t.Log(line) }); err != nil {
			t.Fatal(err)
		}
		return
	}
	var next, failed atomic.Uint64
	var mu sync.Mutex
	steps, seen := 0, map[string]int{}
	var playing sync.WaitGroup
	last := seeds(t)
	for range runtime.GOMAXPROCS(0) {
		playing.Go(func() {
			for seed := next.Add(1); seed <= last && failed.Load() < 5; seed = next.Add(1) {
				result, err := play(t.Context(), folder, empty, seed, nil)
				if err != nil {
					failed.Add(1)
					t.Error(err)
				}
				mu.Lock()
				steps += result.Steps
				for what, n := range result.Seen {
					seen[what] += n
				}
				mu.Unlock()
			}
		})
	}
	playing.Wait()
	t.Logf("%d seeds, %d steps", last, steps)
	for _, what := range slices.Sorted(maps.Keys(seen)) {
		t.Logf("%8d %s", seen[what], what)
	}
}

var _ = errors.Is
