package chain_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"florin/internal/chain"
)

var (
	errCrash = errors.New("test: the process ended")
	errStale = errors.New("test: the cursor is elsewhere")
)

// sink keeps what a Follower tells, as a store would, and complains about what no store should be told.
type sink struct {
	own    map[string]bool
	blocks []chain.Block  // connected, oldest first
	below  chain.BlockRef // the cursor while there are no blocks, once there were
	begun  bool
	told   int             // words
	keys   map[string]bool // of every transfer ever told of
	wrong  []string

	// torn plants a bug: transfers are kept in one step, the blocks and the cursor in the next.
	torn bool
	kept []chain.Transfer

	// between, when set, is called before and after each call happens, and may make it fail.
	between func(call string) error
}

func newSink() *sink { return &sink{own: map[string]bool{}, keys: map[string]bool{}} }

// ownSet is what Own returns: the addresses of one moment.
type ownSet map[string]bool

func (o ownSet) Has(address string) bool { return o[address] }

func (s *sink) call(name string) error {
	if s.between == nil {
		return nil
	}
	return s.between(name)
}

func (s *sink) cursor() (chain.BlockRef, bool) {
	if len(s.blocks) > 0 {
		return s.blocks[len(s.blocks)-1].BlockRef, true
	}
	return s.below, s.begun
}

func (s *sink) Cursor(context.Context, string) (chain.BlockRef, bool, error) {
	ref, ok := s.cursor()
	return ref, ok, s.call("cursor")
}

func (s *sink) Own(context.Context, string) (chain.Set, error) {
	own := maps.Clone(s.own)
	return ownSet(own), s.call("own")
}

func (s *sink) Connect(_ context.Context, _ string, blocks []chain.Block) error {
	if err := s.call("connect"); err != nil {
		return err
	}
	if err := s.connect(blocks); err != nil {
		return err
	}
	return s.call("connected")
}

func (s *sink) connect(blocks []chain.Block) error {
	cursor, ok := s.cursor()
	for i, b := range blocks {
		linked := b.Height == cursor.Height+1 && (b.Parent == cursor.Hash || cursor.Hash == "")
		switch {
		case ok && !linked && i == 0:
			return fmt.Errorf("%w: connect %d upon %d", errStale, b.Height, cursor.Height)
		case ok && !linked:
			s.wrong = append(s.wrong, fmt.Sprintf("one Connect of %d after %d, not linked", b.Height, cursor.Height))
		}
		for _, t := range b.Transfers {
			s.keys[t.TxID+" "+t.Position] = true
			if !s.own[t.To] || t.Amount.IsZero() {
				s.wrong = append(s.wrong, fmt.Sprintf("told of %v to %s", t.Amount, t.To))
			}
		}
		cursor, ok = b.BlockRef, true
	}
	if s.torn {
		for _, b := range blocks {
			s.kept = append(s.kept, b.Transfers...)
		}
		if err := s.call("torn"); err != nil {
			return err
		}
	}
	s.blocks = append(s.blocks, blocks...)
	s.begun = true
	s.told++
	return nil
}

func (s *sink) Disconnect(_ context.Context, _ string, ref chain.BlockRef) error {
	if err := s.call("disconnect"); err != nil {
		return err
	}
	cursor, ok := s.cursor()
	switch {
	case !ok || cursor.Hash != ref.Hash || cursor.Height != ref.Height:
		return fmt.Errorf("%w: disconnect %d, the cursor is %d", errStale, ref.Height, cursor.Height)
	case len(s.blocks) > 0:
		last := len(s.blocks) - 1
		s.kept = slices.DeleteFunc(s.kept, func(t chain.Transfer) bool { return slices.Contains(s.blocks[last].Transfers, t) })
		s.blocks = s.blocks[:last]
	}
	s.below = chain.BlockRef{Height: ref.Height - 1, Hash: ref.Parent}
	s.told++
	return s.call("disconnected")
}

// transfers returns those of the connected blocks.
func (s *sink) transfers() []chain.Transfer {
	if s.torn {
		return s.kept
	}
	var all []chain.Transfer
	for _, b := range s.blocks {
		all = append(all, b.Transfers...)
	}
	return all
}

func (s *sink) hashes() []string {
	var all []string
	for _, b := range s.blocks {
		all = append(all, b.Hash)
	}
	return all
}
