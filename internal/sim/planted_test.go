//go:build florin_bugs

package sim_test

import (
	"errors"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"florin/internal/sim"
)

// enough is how many worlds may pass before the auditor must have found a bug.
const enough = 300

// TestEachBugIsFound plays worlds with one planted bug after the other. The control comes first:
// with none of them, the same program passes.
func TestEachBugIsFound(t *testing.T) {
	debug.SetGCPercent(400)
	folder := table(t)
	empty := template(t, folder)
	search := func(worlds uint64) *sim.Failure {
		var next atomic.Uint64
		var mu sync.Mutex
		var first *sim.Failure
		var playing sync.WaitGroup
		for range runtime.GOMAXPROCS(0) {
			playing.Go(func() {
				for seed := next.Add(1); seed <= worlds; seed = next.Add(1) {
					_, err := play(t.Context(), folder, empty, seed, nil)
					var failure *sim.Failure
					if err != nil && !errors.As(err, &failure) {
						t.Error(err)
					}
					if failure != nil {
						next.Add(worlds) // that will do
						mu.Lock()
						if first == nil || failure.Seed < first.Seed {
							first = failure
						}
						mu.Unlock()
					}
				}
			})
		}
		playing.Wait()
		return first
	}
	if failure := search(10); failure != nil {
		t.Fatalf("without a bug: %v", failure)
	}
	bugs, _ := plant(t)
	for _, b := range bugs {
		t.Run(b.name, func(t *testing.T) {
			t.Setenv("FLORIN_BUG", b.name)
			failure := search(enough)
			if failure == nil {
				t.Fatalf("%s: not found in %d worlds", b.what, enough)
			}
			t.Logf("%s: found by seed %d in step %d: %s", b.what, failure.Seed, failure.Step, strings.Join(failure.Found[:1], ""))
		})
	}
}
