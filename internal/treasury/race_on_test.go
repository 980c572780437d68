//go:build race

package treasury_test

// racing says that the race detector is on.
const racing = true
