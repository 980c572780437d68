package store

// GroupLimit is for the test that waits for it.
const GroupLimit = groupLimit
