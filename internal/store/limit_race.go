//go:build race

package store

import "time"

// groupLimit is longer under the race detector, which makes SQLite more than ten times slower: floods that take a
// second otherwise would meet the limit on a busy machine.
const groupLimit = 20 * time.Second
