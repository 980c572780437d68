package script

import (
	"fmt"
	"net"
	"testing"
)

func TestFreePort(t *testing.T) {
	first, err := FreePort()
	if err != nil {
		t.Fatal(err)
	}
	next := firstPort + (first-firstPort+1)%ports
	taken, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", next))
	if err == nil {
		defer taken.Close()
	}
	second, err := FreePort()
	if err != nil || second == first || second == next {
		t.Errorf("after %d, with somebody at %d: %d, %v", first, next, second, err)
	}
}
