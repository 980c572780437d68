package wire

import (
	"time"

	"florin/internal/clock"
)

// Numbers returns what makes the numbers that a dialect shows: the time in zone to the second, and
// what random draws.
func Numbers(c clock.Clock, zone *time.Location, random func() string) func() string {
	return func() string { return c.Now().In(zone).Format("20060102150405") + random() }
}

// UTC8 is the zone of the vendors.
var UTC8 = time.FixedZone("UTC+8", 8*60*60)
