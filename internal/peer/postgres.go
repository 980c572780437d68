package peer

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Postgres returns the address of a new, empty database (UTF8, collation C) that goes when the test ends. Its server is
// shared by the tests of one binary and does not sync: it is for behaviour, not for durability. FLORIN_TEST_POSTGRES,
// the address of a server whose user may create databases, puts it there instead.
func Postgres(t testing.TB) string {
	t.Helper()
	short(t)
	if server := os.Getenv("FLORIN_TEST_POSTGRES"); server != "" {
		return newDatabase(t, server)
	}
	return newDatabase(t, quick.get(t))
}

// PostgresDurable is Postgres on a server that syncs each commit, for benchmarks and for the death of Florin itself.
func PostgresDurable(t testing.TB) string {
	t.Helper()
	short(t)
	return newDatabase(t, durable.get(t))
}

// PostgresServer is a server that a test stops, kills and starts as it likes. It syncs each commit.
type PostgresServer struct {
	DSN string // of the database postgres; the same after each Start

	t        testing.TB
	dir      string
	settings []string
	port     int
	proc     *process // nil while it is down
}

// PostgresAt starts a server on the data in dir, which it fills when it is empty. It ends with the test.
func PostgresAt(t testing.TB, dir string) *PostgresServer {
	t.Helper()
	short(t)
	s, err := postgresAt(t, dir, "-c", "fsync=on")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s.proc != nil {
			s.Kill()
		}
	})
	return s
}

// Start starts the server again and returns when it answers, recovery included. After Kill the last of the processes
// may take a moment to go, and the server refuses to start beside them.
func (s *PostgresServer) Start() {
	s.t.Helper()
	var failed error
	err := poll(Patience, func() error {
		failed = s.start()
		if failed != nil && strings.Contains(failed.Error(), "pre-existing shared memory block") {
			return failed
		}
		return nil
	})
	if err := cmp.Or(err, failed); err != nil {
		s.t.Fatal(err)
	}
}

// Stop ends the server in good order: open transactions are rolled back, a checkpoint is written.
func (s *PostgresServer) Stop() {
	s.proc.end(syscall.SIGINT)
	s.proc = nil
}

// Kill is kill -9 of the server and each of its processes. What was committed must be there after Start.
func (s *PostgresServer) Kill() {
	backends := s.proc.children()
	_ = s.proc.cmd.Process.Kill()
	for _, pid := range backends {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	<-s.proc.done
	s.proc = nil
}

// shared is a server for all tests of this binary, started by the first that asks.
type shared struct {
	settings []string
	once     sync.Once
	dsn      string
	err      error
	alive    io.Closer // closed by the end of this process, which is what removes the data
}

var (
	quick   = shared{settings: []string{"-c", "fsync=off", "-c", "full_page_writes=off"}}
	durable = shared{settings: []string{"-c", "fsync=on"}}
)

func (s *shared) get(t testing.TB) string {
	t.Helper()
	s.once.Do(func() {
		var dir string
		if dir, s.err = os.MkdirTemp("", "florin-postgres-"); s.err != nil {
			return
		}
		if s.alive, s.err = removeAtExit(dir, "data/postmaster.pid"); s.err != nil {
			return
		}
		var server *PostgresServer
		if server, s.err = postgresAt(t, filepath.Join(dir, "data"), s.settings...); s.err == nil {
			s.dsn = server.DSN
		}
	})
	if s.err != nil {
		t.Fatal(s.err)
	}
	return s.dsn
}

// postgresAt makes the data if dir has none and starts a server on it, on another port if one was taken meanwhile.
func postgresAt(t testing.TB, dir string, settings ...string) (*PostgresServer, error) {
	t.Helper()
	s := &PostgresServer{t: t, dir: dir, settings: settings}
	if err := s.init(); err != nil {
		return nil, err
	}
	var err error
	for range 3 {
		if s.port, err = FreePort(); err != nil {
			return nil, err
		}
		s.DSN = fmt.Sprintf("postgres://florin@127.0.0.1:%d/postgres?sslmode=disable", s.port)
		if err = s.start(); err == nil {
			return s, nil
		}
	}
	return nil, err
}

func (s *PostgresServer) init() error {
	if _, err := os.Stat(filepath.Join(s.dir, "PG_VERSION")); err == nil {
		return nil
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	if os.Getuid() == 0 { // PostgreSQL refuses to run as root
		if err := os.Chown(s.dir, nobody, nobody); err != nil {
			return err
		}
		if err := openPath(filepath.Dir(s.dir)); err != nil {
			return err
		}
	}
	cmd, err := s.command("initdb", "-D", s.dir, "-U", "florin", "--auth=trust", "--encoding=UTF8", "--locale=C",
		"--no-sync", "--no-instructions")
	if err != nil {
		return err
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return nil
}

func (s *PostgresServer) start() error {
	args := []string{"-D", s.dir, "-p", strconv.Itoa(s.port), "-c", "listen_addresses=127.0.0.1",
		"-c", "unix_socket_directories=", "-c", "max_connections=200", "-c", "shared_buffers=128MB"}
	cmd, err := s.command("postgres", append(args, s.settings...)...)
	if err != nil {
		return err
	}
	// SIGQUIT: it leaves at once and takes its processes and its shared memory with it.
	proc, err := start(cmd, s.dir+".log", syscall.SIGQUIT)
	if err != nil {
		return err
	}
	err = proc.ready(Patience, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		conn, err := pgx.Connect(ctx, s.DSN)
		if err != nil {
			return err
		}
		return conn.Close(ctx)
	})
	if err != nil {
		proc.end(syscall.SIGQUIT)
		return err
	}
	s.proc = proc
	return nil
}

const nobody = 65534

// command is one of PostgreSQL's programs, run as nobody where we are root.
func (s *PostgresServer) command(name string, args ...string) (*exec.Cmd, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if len(found) == 0 {
		return nil, errors.New("PostgreSQL's " + name + " is missing: make setup")
	}
	sort.Slice(found, func(i, j int) bool { return version(found[i]) < version(found[j]) })
	cmd := exec.Command(found[len(found)-1], args...)
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC")
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	return cmd, nil
}

// version is the number in /usr/lib/postgresql/15/bin/postgres.
func version(path string) int {
	n, _ := strconv.Atoi(strings.Split(path, "/")[4])
	return n
}

// openPath lets others pass through folder and the temporary folders above it: t.TempDir is closed to them.
func openPath(folder string) error {
	for ; strings.HasPrefix(folder, os.TempDir()+"/"); folder = filepath.Dir(folder) {
		info, err := os.Stat(folder)
		if err != nil {
			return err
		}
		if err := os.Chmod(folder, info.Mode().Perm()|0o111); err != nil {
			return err
		}
	}
	return nil
}

// newDatabase makes a database on server and returns its address.
func newDatabase(t testing.TB, server string) string {
	t.Helper()
	name := "florin_" + strings.ToLower(rand.Text())
	execute(t, server, "CREATE DATABASE "+name+" TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'")
	t.Cleanup(func() { execute(t, server, "DROP DATABASE "+name+" WITH (FORCE)") })
	dsn, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	dsn.Path = "/" + name
	return dsn.String()
}

func execute(t testing.TB, server, statement string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}
