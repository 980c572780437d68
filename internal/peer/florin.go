package peer

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Florin is an installation of the program itself, on SQLite: a folder with its configuration, database and key, and at
// most one serving process. The program is built from the tree, once for each test binary.
type Florin struct {
	Dir    string // florin.toml, florin.db and florin.key are there; commands run in it
	Listen string
	URL    string
	Env    []string // more of what commands and the serving process have in theirs, NAME=value

	t    testing.TB
	path string
	proc *process
}

// NewFlorin makes an installation with config as its florin.toml. It serves on the loopback alone.
func NewFlorin(t testing.TB, config string) *Florin {
	t.Helper()
	short(t)
	port, err := FreePort()
	if err != nil {
		t.Fatal(err)
	}
	listen := fmt.Sprintf("127.0.0.1:%d", port)
	f := &Florin{Dir: t.TempDir(), Listen: listen, URL: "http://" + listen, t: t, path: program.get(t)}
	f.Write("florin.toml", config)
	return f
}

// Write puts a file into the installation's folder.
func (f *Florin) Write(name, text string) {
	f.t.Helper()
	if err := os.WriteFile(filepath.Join(f.Dir, name), []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// Run runs a command in the installation and returns what it prints. A failure of it fails the test.
func (f *Florin) Run(args ...string) string {
	f.t.Helper()
	out, diagnostics, status := f.Try(args...)
	if status != 0 {
		f.t.Fatalf("florin %s: exit %d\n%s%s", strings.Join(args, " "), status, out, diagnostics)
	}
	return out
}

// Try is Run for commands that may fail.
func (f *Florin) Try(args ...string) (out, diagnostics string, status int) {
	f.t.Helper()
	cmd := f.command(args...)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if cmd.ProcessState == nil {
		f.t.Fatal(err)
	}
	return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
}

func (f *Florin) command(args ...string) *exec.Cmd {
	cmd := exec.Command(f.path, args...)
	cmd.Dir = f.Dir
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "FLORIN_") {
			cmd.Env = append(cmd.Env, entry)
		}
	}
	cmd.Env = append(cmd.Env, f.Env...)
	return cmd
}

// AddApp adds a merchant with one HaloPay app, which has these flags as well, and returns the app's credentials.
func (f *Florin) AddApp(flags ...string) (id, key string) {
	f.t.Helper()
	return f.AddAppOf("halopay", flags...)
}

// AddAppOf is AddApp for an app of any protocol.
func (f *Florin) AddAppOf(protocol string, flags ...string) (id, key string) {
	f.t.Helper()
	var merchant, app struct{ ID, Secret string }
	f.runJSON(&merchant, "merchant", "add", "--name", "Tea & Cake")
	f.runJSON(&app, append([]string{"app", "add", "--merchant", merchant.ID, "--protocol", protocol}, flags...)...)
	return app.ID, app.Secret
}

func (f *Florin) runJSON(into any, args ...string) {
	f.t.Helper()
	if err := json.Unmarshal([]byte(f.Run(append(args, "--json")...)), into); err != nil {
		f.t.Fatalf("florin %s: %v", strings.Join(args, " "), err)
	}
}

// Serve starts the serving process and returns once it is ready. It ends with the test.
func (f *Florin) Serve(flags ...string) {
	f.t.Helper()
	args := append([]string{"serve", "--listen", f.Listen}, flags...)
	proc, err := start(f.command(args...), f.logPath(), syscall.SIGKILL)
	if err != nil {
		f.t.Fatal(err)
	}
	f.proc = proc
	f.t.Cleanup(func() { proc.end(syscall.SIGKILL) })
	if err := proc.ready(Patience, f.ready); err != nil {
		f.t.Fatal(err)
	}
}

func (f *Florin) ready() error {
	reply, err := client.Get(f.URL + "/readyz")
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	if _, err := io.Copy(io.Discard, reply.Body); err != nil || reply.StatusCode != http.StatusOK {
		return fmt.Errorf("readyz: %s %w", reply.Status, err)
	}
	return nil
}

// Path is the program's file, which is called florin.
func (f *Florin) Path() string { return f.path }

// PID is the serving process.
func (f *Florin) PID() int { return f.proc.cmd.Process.Pid }

// Signal sends the serving process a signal and does not wait for what comes of it.
func (f *Florin) Signal(s syscall.Signal) {
	f.t.Helper()
	if err := f.proc.cmd.Process.Signal(s); err != nil {
		f.t.Fatal(err)
	}
}

// Ended waits for the serving process to end and returns its exit status, -1 if a signal ended it. It fails the test
// after limit.
func (f *Florin) Ended(limit time.Duration) int {
	f.t.Helper()
	over := time.NewTimer(limit)
	defer over.Stop()
	select {
	case <-f.proc.done:
		return f.proc.cmd.ProcessState.ExitCode()
	case <-over.C:
		f.t.Fatalf("it still runs after %v:\n%s", limit, f.proc.lastLines())
		return -1
	}
}

// Stop ends the serving process as an operator does, with SIGTERM.
func (f *Florin) Stop() {
	f.t.Helper()
	f.Signal(syscall.SIGTERM)
	if status := f.Ended(Patience); status != 0 {
		f.t.Errorf("it ended with status %d:\n%s", status, f.proc.lastLines())
	}
}

// Log is all that the serving processes have logged.
func (f *Florin) Log() string {
	f.t.Helper()
	text, err := os.ReadFile(f.logPath())
	if err != nil {
		f.t.Fatal(err)
	}
	return string(text)
}

func (f *Florin) logPath() string { return filepath.Join(f.Dir, "serve.log") }

// program is Florin's binary, shared by the tests of this test binary.
var program built

type built struct {
	once  sync.Once
	path  string
	err   error
	alive io.Closer // closed by the end of this process, which is what removes the file
}

func (b *built) get(t testing.TB) string {
	t.Helper()
	b.once.Do(func() {
		var dir string
		if dir, b.err = os.MkdirTemp("", "florin-binary-"); b.err != nil {
			return
		}
		if b.alive, b.err = removeAtExit(dir, "none"); b.err != nil {
			return
		}
		b.path = filepath.Join(dir, "florin")
		cmd := exec.Command("go", "build", "-o", b.path, "./cmd/florin")
		cmd.Dir = root(t)
		if out, err := cmd.CombinedOutput(); err != nil {
			b.err = fmt.Errorf("build florin: %w\n%s", err, out)
		}
	})
	if b.err != nil {
		t.Fatal(b.err)
	}
	return b.path
}
