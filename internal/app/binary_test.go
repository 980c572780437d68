package app

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"florin/internal/peer"
)

// TestTheBinary is the command line as scripts see it: a process, its streams and its exit status.
func TestTheBinary(t *testing.T) {
	t.Parallel()
	f := peer.NewFlorin(t, "")
	for _, c := range []struct {
		args   string
		status int
		out    string // what stdout begins with
		err    string // what stderr holds
	}{
		{"ledger verify", exitRefused, "", "florin: there is no database at florin.db"},
		{"frobnicate", exitUsage, "", "florin: unexpected argument"},
		{"--help", exitDone, "Usage: florin", ""},
		{"merchant add --name A --json", exitDone, `{"id":"mer_`, ""},
		{"app add --merchant mer_x --protocol halopay --json", exitRefused, "", "florin: no such merchant\n"},
		{"ledger verify --json", exitDone, `{"entries":0,`, ""},
	} {
		out, diagnostics, status := f.Try(strings.Fields(c.args)...)
		if status != c.status || !strings.HasPrefix(out, c.out) || (c.out == "") != (out == "") || !strings.Contains(diagnostics, c.err) || (c.err == "") != (diagnostics == "") {
			t.Errorf("florin %s: exit %d, stdout %q, stderr %q", c.args, status, out, diagnostics)
		}
	}
	info, err := os.Stat(filepath.Join(f.Dir, "florin.key"))
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("the key file: %v, %v", info, err)
	}
}

func TestS16_SignalsEndTheBinary(t *testing.T) {
	t.Parallel()
	f := peer.NewFlorin(t, "")
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		f.Serve()
		if _, _, err := get(f.URL + "/healthz"); err != nil { // leaves an idle connection open
			t.Fatal(err)
		}
		f.Signal(signal)
		if status := f.Ended(stopWithin + 5*time.Second); status != exitDone {
			t.Errorf("%v: exit %d\n%s", signal, status, f.Log())
		}
	}
	if log := f.Log(); strings.Count(log, "msg=serving") != 2 || strings.Count(log, "msg=stopping") != 2 {
		t.Errorf("%s", log)
	}
}

// TestKilledBinaryLeavesNoLock: what locks there are go with the process.
func TestKilledBinaryLeavesNoLock(t *testing.T) {
	t.Parallel()
	f := peer.NewFlorin(t, "")
	f.Serve()
	f.Signal(syscall.SIGKILL)
	f.Ended(within)
	f.Serve()
	f.Run("merchant", "add", "--name", "A")
	f.Stop()
}
