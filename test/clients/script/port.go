package script

import (
	"fmt"
	"net"
	"os"
	"sync/atomic"
)

// Ports from firstPort on are below those that outgoing connections get from the kernel: a port that is free stays so.
const (
	firstPort = 20_000
	ports     = 12_000
)

var given atomic.Uint32

// FreePort returns a port of the loopback where nobody listens, for a program that has to be told one. It gives none twice.
func FreePort() (int, error) {
	for range ports {
		// Test binaries that run side by side begin at different places.
		port := firstPort + (os.Getpid()*37+int(given.Add(1)))%ports
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		return port, l.Close()
	}
	return 0, fmt.Errorf("no port is free from %d to %d", firstPort, firstPort+ports-1)
}
