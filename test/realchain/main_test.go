package realchain

import (
	"flag"
	"os"
	"runtime"
	"strconv"
	"testing"
)

// TestMain lets all tests run side by side unless told otherwise: what they do is wait, for blocks, deadlines and leases.
func TestMain(m *testing.M) {
	flag.Parse()
	if at := flag.Lookup("test.parallel").Value; at.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		if err := at.Set("8"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}
