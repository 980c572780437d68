package sim_test

import (
	"context"
	"fmt"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"florin/internal/peer"
	"florin/internal/sim"
	"florin/internal/store"
)

// seeds is the last world that `go test` plays; FLORIN_SIM_SEEDS names another one, FLORIN_SIM_FIRST the first.
func seeds(t *testing.T) uint64 {
	t.Helper()
	switch n := number(t, "FLORIN_SIM_SEEDS"); {
	case n > 0:
		return n
	case racing || testing.Short():
		return 60 // the race detector makes each cost six times as much
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

// one is the seed that FLORIN_SIM_SEED asks for; the other tests then stand back.
func one(t *testing.T) uint64 { return number(t, "FLORIN_SIM_SEED") }

func alone(t *testing.T) {
	t.Helper()
	if n := one(t); n > 0 {
		t.Skipf("seed %d is asked for alone", n)
	}
}

// TestC06_C07_C08_C11_C29_M08_M11_M12_S06_I06_I11_I12_I15_Seeds plays many worlds; none may break any promise.
func TestC06_C07_C08_C11_C29_M08_M11_M12_S06_I06_I11_I12_I15_Seeds(t *testing.T) {
	debug.SetGCPercent(400) // worlds are small and many
	folder := table(t)
	empty := template(t, folder)
	if n := one(t); n > 0 {
		if _, err := play(t.Context(), folder, empty, n, func(line string) { t.Log(line) }); err != nil {
			t.Fatal(err)
		}
		return
	}
	var next, failed atomic.Uint64
	var mu sync.Mutex
	steps, seen := 0, map[string]int{}
	var playing sync.WaitGroup
	last, first := seeds(t), max(1, number(t, "FLORIN_SIM_FIRST"))
	next.Store(first - 1)
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
	t.Logf("seeds %d to %d, %d steps", first, last, steps)
	for _, what := range slices.Sorted(maps.Keys(seen)) {
		t.Logf("%8d %s", seen[what], what)
	}
	if last < first+499 || failed.Load() > 0 {
		return // few worlds reach what is rare by luck alone
	}
	for _, what := range reached {
		if seen[what] == 0 {
			t.Errorf("in %d worlds never: %s", last-first+1, what)
		}
	}
}

// reached is what a simulation that says something has to reach.
var reached = []string{
	"order paid", "order expired", "order paid with more than due", "order with a late payment", "order paid and then reversed",
	"transfer credited", "transfer credited again after a fork", "transfer in suspense: unlisted",
	"transfer in suspense: wrong_asset", "transfer in suspense: late", "transfer in suspense: internal",
	"transfer in suspense: over_range", "transfer in suspense: duplicate", "paid half", "paid less than half", "paid six fifths", "paid up to six fifths",
	"died before a commit", "died after a commit", "run twice", "answer lost", "commit failed", "power cut", "between",
	"deep fork", "node faults", "webhook PAID", "webhook TIME-OUT", "webhook TO-BE-PAID", "webhook unheard",
	"delivery delivered", "delivery superseded", "create answered 10003", "create unanswered", "choice refused: asset_frozen",
	"paid at the deadline and 0s", "paid at the deadline and 1s", "paid in a look-alike", "paid in a silent token",
	"paid in a transaction that fails", "static address paid", "static address closed", "deposit to a static address",
	"transfer in suspense: closed",
	"payout paid", "payout failed", "sweep paid", "stop", "resume", "approval", "broadcast again", "pool emptied", "fees move", "a payout waits for the day's fees",
	"transfer to the operator", "adjusted by hand", "payout answered 0", "payout answered 10003",
	"desk: attach", "desk: credit", "desk: write off", "desk cleared", "desk: refund", "refund paid", "claim: linked", "transfer at the desk: attached", "transfer at the desk: credited",
}

// TestI22_SameSeedSameLog plays seeds twice.
func TestI22_SameSeedSameLog(t *testing.T) {
	alone(t)
	folder := table(t)
	empty := template(t, folder)
	hashes := map[string]uint64{}
	last := max(2, min(8, seeds(t)/20))
	for seed := uint64(1); seed <= last; seed++ {
		var logs [2][]string
		for i := range logs {
			result, err := play(t.Context(), folder, empty, seed, func(line string) { logs[i] = append(logs[i], line) })
			if err != nil {
				t.Fatal(err)
			}
			if other, ok := hashes[result.Hash]; ok && other != seed {
				t.Errorf("seeds %d and %d have the same log", other, seed)
			}
			hashes[result.Hash] = seed
		}
		if diff := cmp.Diff(logs[0], logs[1]); diff != "" {
			t.Errorf("seed %d, first (-) and second (+) time:\n%s", seed, diff)
		}
	}
	if uint64(len(hashes)) != last {
		t.Errorf("%d seeds have %d logs", last, len(hashes))
	}
}

// TestI21_BothDatabasesTellTheSameStory plays seeds on PostgreSQL as well: not a line of the log is
// another one.
func TestI21_BothDatabasesTellTheSameStory(t *testing.T) {
	alone(t)
	folder := table(t)
	empty := template(t, folder)
	for seed := uint64(1); seed <= 3; seed++ {
		var here, there []string
		if _, err := play(t.Context(), folder, empty, seed, func(line string) { here = append(here, line) }); err != nil {
			t.Fatal(err)
		}
		_, err := sim.Play(t.Context(), sim.Options{
			Seed: seed, URL: peer.Postgres(t), Folder: t.TempDir(), Say: func(line string) { there = append(there, line) },
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(here, there); diff != "" {
			t.Errorf("seed %d on SQLite (-) and PostgreSQL (+):\n%s", seed, diff)
		}
	}
}

// TestAuditorSharesNoCode allows the auditor what the simulated networks say, and nothing else of
// ours.
func TestAuditorSharesNoCode(t *testing.T) {
	alone(t)
	files, err := filepath.Glob("audit*.go")
	if err != nil || len(files) < 5 {
		t.Fatalf("%v, %v", files, err)
	}
	allowed := []string{"florin/internal/chain", "florin/internal/chain/sim"}
	for _, name := range append(files, "truth.go") {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(imported, "florin/") && !slices.Contains(allowed, imported) {
				t.Errorf("%s imports %s", name, imported)
			}
		}
	}
}
