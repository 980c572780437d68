package notify

import (
	"fmt"
	"testing"
	"time"

	"florin/internal/engine"
)

var noon = time.Date(2026, 3, 17, 12, 0, 0, 0, time.UTC)

// waits adds n deliveries of app to host, named host/0, host/1, ….
func waits(q *queue, app, host string, n int) {
	for i := range n {
		q.add(engine.DueDelivery{ID: fmt.Sprintf("%s/%d", host, i), AppID: app, URL: "http://" + host + "/news"}, noon)
	}
}

// takes takes what there is room for and returns the names, in order.
func takes(q *queue) (taken []engine.DueDelivery) {
	for d, ok := q.next(); ok; d, ok = q.next() {
		taken = append(taken, d)
	}
	return taken
}

func TestAnEndpointEarnsItsPlaces(t *testing.T) {
	q := newQueue(Limits{})
	waits(q, "a", "shop", 100)
	for round, want := range []int{1, 2, 4, 8, 8} {
		taken := takes(q)
		if len(taken) != want {
			t.Errorf("round %d: %d in flight, want %d", round, len(taken), want)
		}
		for _, d := range taken {
			q.done(d, answered, 0, noon)
		}
	}
	for _, d := range takes(q) {
		q.done(d, failed, 0, noon)
	}
	if got := len(takes(q)); got != 1 {
		t.Errorf("%d in flight after failures, want 1", got)
	}
}

func TestEndpointsTakeTurns(t *testing.T) {
	q := newQueue(Limits{PerEndpoint: 1})
	waits(q, "a", "large", 50)
	waits(q, "b", "small", 2)
	var order []string
	for len(order) < 4 {
		for _, d := range takes(q) {
			order = append(order, d.ID)
			q.done(d, answered, 0, noon)
		}
	}
	if got := fmt.Sprint(order); got != "[large/0 small/0 large/1 small/1]" {
		t.Errorf("served %s", got)
	}
}

func TestOneAppDoesNotTakeAllPlaces(t *testing.T) {
	q := newQueue(Limits{PerApp: 5, Overall: 20})
	for i := range 50 {
		waits(q, "greedy", fmt.Sprintf("host%d", i), 1)
	}
	waits(q, "other", "shop", 1)
	count := map[string]int{}
	for _, d := range takes(q) {
		count[d.AppID]++
	}
	if count["greedy"] != 5 || count["other"] != 1 {
		t.Errorf("in flight: %v", count)
	}
}

func TestSlowEndpointsLeaveRoom(t *testing.T) {
	q := newQueue(Limits{Overall: 20})
	for i := range 100 {
		host := fmt.Sprintf("host%d", i)
		waits(q, host, host, 2)
	}
	for range 100 { // each is tried once, and hangs
		d, _ := q.next()
		q.done(d, failed, 10*time.Second, noon)
	}
	if got := len(takes(q)); got != 15 {
		t.Errorf("%d places are taken by slow endpoints, want 15 of 20", got)
	}
	waits(q, "good", "good", 1)
	if d, ok := q.next(); !ok || d.AppID != "good" {
		t.Errorf("next is %v, want the one that is not slow", d)
	}
}

func TestWhatDoesNotFitIsAskedForAgain(t *testing.T) {
	q := newQueue(Limits{Waiting: 3})
	waits(q, "a", "shop", 5)
	for i := range 3 {
		if q.starved() {
			t.Fatalf("starved with %d waiting", 3-i)
		}
		d, _ := q.next()
		q.done(d, answered, 0, noon)
	}
	if !q.starved() || q.starved() {
		t.Error("an empty queue that had dropped something says so once")
	}
}

func TestKnownDeliveriesAreNotAddedTwice(t *testing.T) {
	q := newQueue(Limits{})
	waits(q, "a", "shop", 1)
	waits(q, "a", "shop", 1)
	d, _ := q.next()
	waits(q, "a", "shop", 1) // in flight
	if _, ok := q.next(); ok {
		t.Error("one delivery is in flight twice")
	}
	q.done(d, faulty, 0, noon)
	waits(q, "a", "shop", 1)
	if _, ok := q.next(); ok {
		t.Error("a delivery that met a fault does not rest")
	}
	q.add(d, noon.Add(faultRest))
	if _, ok := q.next(); !ok {
		t.Error("a delivery rests for ever")
	}
}

func TestNothingIsRememberedOfWhatIsDone(t *testing.T) {
	q := newQueue(Limits{})
	for i := range 100 {
		host := fmt.Sprintf("host%d", i)
		waits(q, host, host, 1)
		d, _ := q.next()
		q.done(d, failed, 0, noon)
	}
	waits(q, "rested", "rested", 1)
	d, _ := q.next()
	q.done(d, faulty, 0, noon)
	q.forgive(noon.Add(faultRest))
	if n := len(q.endpoints) + len(q.known) + len(q.apps) + len(q.turns) + q.waiting + q.flying + q.slow; n != 0 {
		t.Errorf("kept: %+v", q)
	}
}
