package rates

import (
	"log/slog"
	"slices"
	"time"
)

// state is how one source does.
type state struct {
	answered time.Time // when it last told a price; zero before
	err      error     // of the last time it was asked
}

// note notes what came of asking, and logs when that changed.
func (s *state) note(log *slog.Logger, name string, answer map[string]Reading, err error, at time.Time) {
	if len(answer) > 0 {
		s.answered = at
	} else if err == nil {
		return // it was too soon to ask
	}
	switch {
	case err != nil && s.err == nil:
		log.Warn("a source of prices fails", "source", name, "err", err)
	case err == nil && s.err != nil:
		log.Info("a source of prices is well again", "source", name)
	}
	s.err = err
}

// SourceStatus is how a source does, for the doctor.
type SourceStatus struct {
	Name     string
	Answered time.Time     // when it last told a price; zero before
	Prices   int           // how many it has told that are not too old to count
	Age      time.Duration // of the youngest of them
	Missing  []string      // what it lists and was asked for, and has not told in time
	Err      error         // of the last time it was asked
}

// Sources returns how each source does, in the order of Config.
func (b *Book) Sources() []SourceStatus {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := make([]SourceStatus, len(b.sources))
	for i, source := range b.sources {
		status := SourceStatus{Name: source.Name(), Answered: b.state[i].answered, Err: b.state[i].err}
		lister, lists := source.(interface{ Lists(symbol string) bool })
		for _, symbol := range b.symbols {
			h, told := b.said[i][symbol]
			age := h.age
			if told {
				age += b.clock.Since(h.read)
			}
			maxAge := b.limits.MaxAgeFiat
			if b.tokens[symbol] {
				maxAge = b.limits.MaxAge
			}
			switch {
			case told && age <= maxAge:
				if status.Prices == 0 || age < status.Age {
					status.Age = age
				}
				status.Prices++
			case lists && lister.Lists(symbol):
				status.Missing = append(status.Missing, symbol)
			}
		}
		slices.Sort(status.Missing)
		list[i] = status
	}
	return list
}
