package store

import "florin/internal/store/query"

// SeenFrom reads stored transfers.
func SeenFrom(rows []query.Transfer) ([]Seen, error) { return appendSeen(nil, rows) }
