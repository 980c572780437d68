package app

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"florin/internal/clock"
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
		if status := f.Ended(within); status != exitDone {
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

// TestReadme runs the commands of the README as they are printed, but for the port and the names that
// a reader puts in.
func TestReadme(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	f := peer.NewFlorin(t, "")
	names := strings.NewReplacer()
	m := &merchant{t: t, clock: clock.System{}}
	ran := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		command, ok := strings.CutPrefix(line, "bin/florin ")
		if !ok {
			continue
		}
		command, _, _ = strings.Cut(command, "#")
		args := words(names.Replace(command))
		what := strings.Join(args[:min(2, len(args))], " ")
		ran[what] = true
		switch what {
		case "serve --listen":
			f.Serve(args[3:]...) // --listen is the test's own
			number := m.order(f.URL, "A-1")
			names = strings.NewReplacer("NUMBER", number)
			peer.Eventually(t, within, func() error { // a reader takes a moment longer
				if page, _, err := get(f.URL + "/pay/" + number); err != nil || !strings.Contains(page, "USDT") {
					return errors.New("nothing is offered yet")
				}
				return nil
			})
		case "merchant add":
			names = strings.NewReplacer("mer_…", parse[map[string]string](t, f.Run(args...))["id"])
		case "app add":
			added := parse[appJSON](t, f.Run(args...))
			m.app, m.key = added.ID, added.Secret
		default:
			f.Run(args...)
		}
	}
	for _, want := range []string{"merchant add", "app add", "serve --listen", "sim pay", "ledger verify", "chain list", "doctor"} {
		if !ran[want] {
			t.Errorf("the README does not say %q", want)
		}
	}
}

// words splits a command as a shell does, as far as the README goes.
func words(command string) []string {
	var list []string
	for i, part := range strings.Split(command, `"`) {
		if i%2 == 1 {
			list = append(list, part)
		} else {
			list = append(list, strings.Fields(part)...)
		}
	}
	return list
}
