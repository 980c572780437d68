//go:build !race

package store

import "time"

// groupLimit bounds how long one group may take once it has begun (rulings G4).
const groupLimit = 5 * time.Second
