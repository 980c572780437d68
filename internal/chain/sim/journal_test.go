package sim_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"florin/internal/chain/sim"
	"florin/internal/clock"
)

// same compares all that can be seen of two networks.
func same(t *testing.T, a, b *sim.Network) {
	t.Helper()
	if diff := cmp.Diff(blocks(t, a), blocks(t, b), byValue); diff != "" {
		t.Errorf("blocks:\n%s", diff)
	}
	if diff := cmp.Diff(a.Facts(0), b.Facts(0), byValue); diff != "" {
		t.Errorf("facts:\n%s", diff)
	}
	if diff := cmp.Diff(a.Waiting(), b.Waiting()); diff != "" {
		t.Errorf("waiting:\n%s", diff)
	}
}

func TestRestart(t *testing.T) {
	straightClock, restartedClock := clock.NewManual(noon), clock.NewManual(noon)
	straight := open(t, sim.Config{Network: ethereum(t), Clock: straightClock, Seed: 5})
	config := sim.Config{Network: ethereum(t), Clock: restartedClock, Seed: 5, Journal: sim.NewMemory()}
	restarted := open(t, config)
	diceA, diceB := rand.New(rand.NewPCG(3, 3)), rand.New(rand.NewPCG(3, 3))
	for range 20 {
		act(t, straight, straightClock, diceA, 10)
		act(t, restarted, restartedClock, diceB, 10)
		config.Seed++ // the journal has its own
		restarted = open(t, config)
		same(t, straight, restarted)
	}
}

// unsteady is a journal whose Append may fail, before it happens or after.
type unsteady struct {
	*sim.Memory
	happens, heard bool
	before         func()
}

var errDisk = errors.New("test: the disk is full")

func (u *unsteady) Append(ctx context.Context, chainName string, from int64, records [][]byte) error {
	if u.before != nil {
		before := u.before
		u.before = nil
		before()
	}
	if u.happens {
		if err := u.Memory.Append(ctx, chainName, from, records); err != nil {
			return err
		}
	}
	if u.heard != u.happens || !u.happens {
		return errDisk
	}
	return nil
}

func TestJournalFaults(t *testing.T) {
	for _, c := range []struct {
		name           string
		happens, heard bool
		refused        bool
	}{
		{"it happens and we hear of it", true, true, false},
		{"it happens and we hear of an error", true, false, false},
		{"it does not happen", false, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			journal := &unsteady{Memory: sim.NewMemory(), happens: true, heard: true}
			config := sim.Config{Network: ethereum(t), Clock: clock.NewManual(noon), Journal: journal}
			n := open(t, config)
			journal.happens, journal.heard = c.happens, c.heard
			_, err := n.Pay(t.Context(), alice, units(usdt, 1))
			if c.refused != errors.Is(err, errDisk) {
				t.Errorf("Pay: %v", err)
			}
			journal.happens, journal.heard = true, true
			_, err = n.Pay(t.Context(), alice, units(usdt, 2))
			must(t, err)
			must(t, n.Mine(t.Context(), 1))
			want := 2
			if c.refused {
				want = 1
			}
			if got := len(n.Facts(0)); got != want {
				t.Errorf("%d payments, want %d", got, want)
			}
			same(t, n, open(t, config))
		})
	}
}

func TestTwoProcessesOnOneJournal(t *testing.T) {
	journal := &unsteady{Memory: sim.NewMemory(), happens: true, heard: true}
	config := sim.Config{Network: ethereum(t), Clock: clock.NewManual(noon), Journal: journal}
	a, b := open(t, config), open(t, config)
	for i := range uint64(10) {
		// b pays and mines while a is about to write.
		journal.before = func() {
			pay(t, b, sim.Move{To: bob, Amount: units(usdt, i+1)})
			must(t, b.Mine(t.Context(), 1))
		}
		pay(t, a, sim.Move{To: alice, Amount: units(usdt, i+1)})
	}
	must(t, a.Mine(t.Context(), 1))
	must(t, b.Refresh(t.Context()))
	same(t, a, b)
	if got := len(a.Facts(0)); got != 20 {
		t.Errorf("%d payments, want 20", got)
	}
}

func TestSpoiledJournalIsRefused(t *testing.T) {
	journal := sim.NewMemory()
	config := sim.Config{Network: ethereum(t), Clock: clock.NewManual(noon), Journal: journal}
	n := open(t, config)
	pay(t, n, sim.Move{To: alice, Amount: units(usdt, 1)})
	must(t, n.Mine(t.Context(), 1))
	must(t, n.Reorg(t.Context(), 1, 1, sim.Again))
	records, err := journal.Load(t.Context(), "sim-ethereum", 0)
	must(t, err)
	for name, spoil := range map[string]func([][]byte) [][]byte{
		"no first block":   func(r [][]byte) [][]byte { return r[1:] },
		"two first blocks": func(r [][]byte) [][]byte { return append(r[:1], r...) },
		"a payment lost":   func(r [][]byte) [][]byte { return slices.Delete(r, 1, 2) },
		"not JSON":         func(r [][]byte) [][]byte { r[2] = []byte("{"); return r },
		"bad units":        func(r [][]byte) [][]byte { r[1] = []byte(`{"send":{"id":"0x1","moves":[{"units":"-1"}]}}`); return r },
		"no such base":     func(r [][]byte) [][]byte { r[2] = []byte(`{"grow":{"base":9}}`); return r },
	} {
		config.Journal = sim.NewMemory()
		must(t, config.Journal.Append(t.Context(), "sim-ethereum", 0, spoil(slices.Clone(records))))
		if _, err := sim.Open(t.Context(), config); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
	config.Journal = sim.NewMemory() // the control
	must(t, config.Journal.Append(t.Context(), "sim-ethereum", 0, records))
	same(t, n, open(t, config))
}
