package web

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

func TestLimiterPerAddress(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	l := NewLimiter(1, 3, 10, func() time.Time { return now })
	one, other := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	take := func(addr netip.Addr) bool { _, ok := l.Take(addr); return ok }
	for i := range 3 {
		if !take(one) {
			t.Fatalf("request %d of the burst was refused", i)
		}
	}
	if take(one) {
		t.Error("a fourth request passed")
	}
	if !take(other) {
		t.Error("another address paid for the first")
	}
	now = now.Add(time.Second)
	if !take(one) || take(one) {
		t.Error("after a second there should be one token")
	}
	now = now.Add(time.Second)
	for range 10 {
		giveBack, ok := l.Take(one)
		if !ok {
			t.Fatal("a token that was given back is gone")
		}
		giveBack()
	}
}

func TestLimiterCountsIPv6ByNetwork(t *testing.T) {
	l := NewLimiter(0, 1, 10, func() time.Time { return time.Unix(0, 0) })
	if _, ok := l.Take(netip.MustParseAddr("2001:db8::1")); !ok {
		t.Fatal("the first request was refused")
	}
	if _, ok := l.Take(netip.MustParseAddr("2001:db8::ffff")); ok {
		t.Error("the same /64 has a second bucket")
	}
	if _, ok := l.Take(netip.MustParseAddr("2001:db8:0:1::1")); !ok {
		t.Error("another /64 shares the bucket")
	}
}

func TestLimiterIsBounded(t *testing.T) {
	const max = 100
	l := NewLimiter(0, 1, max, func() time.Time { return time.Unix(0, 0) })
	busy := netip.MustParseAddr("198.51.100.1")
	l.Take(busy)
	for i := range 10_000 {
		l.Take(netip.MustParseAddr(fmt.Sprintf("10.0.%d.%d", i/256, i%256)))
		if _, ok := l.Take(busy); ok {
			t.Fatalf("after %d other addresses a busy one was forgotten", i)
		}
	}
	if n := len(l.young) + len(l.old); n > 2*max {
		t.Errorf("%d addresses are remembered, at most %d should be", n, 2*max)
	}
}
