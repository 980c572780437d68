package peer_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"florin/internal/peer"

	"github.com/jackc/pgx/v5"
)

// roleVar makes the test binary play another role than testing, in a process of its own.
const roleVar = "FLORIN_PEER_TEST_ROLE"

func TestPostgresDatabasesAreApart(t *testing.T) {
	t.Parallel()
	first, second := connect(t, peer.Postgres(t)), connect(t, peer.Postgres(t))
	exec1(t, first, "CREATE TABLE a (n BIGINT)")
	exec1(t, second, "CREATE TABLE a (n BIGINT)")
	var collation, encoding, fsync string
	row := first.QueryRow(t.Context(), `SELECT datcollate, pg_encoding_to_char(encoding), current_setting('fsync')
		FROM pg_database WHERE datname = current_database()`)
	if err := row.Scan(&collation, &encoding, &fsync); err != nil {
		t.Fatal(err)
	}
	if collation != "C" || encoding != "UTF8" || fsync != "off" {
		t.Errorf("collation %s, encoding %s, fsync %s", collation, encoding, fsync)
	}
}

func TestPostgresDurableSyncs(t *testing.T) {
	t.Parallel()
	if got := query(t, connect(t, peer.PostgresDurable(t)), "SHOW fsync"); got != "on" {
		t.Errorf("fsync is %s", got)
	}
}

func TestPostgresDatabaseGoesWithTheTest(t *testing.T) {
	t.Parallel()
	var dsn string
	t.Run("a test with a connection left open", func(t *testing.T) {
		dsn = peer.Postgres(t)
		conn, err := pgx.Connect(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		exec1(t, conn, "CREATE TABLE a (n BIGINT)")
	})
	if conn, err := pgx.Connect(t.Context(), dsn); err == nil {
		conn.Close(t.Context())
		t.Error("the database is still there")
	}
}

func TestPostgresElsewhere(t *testing.T) {
	server := peer.PostgresAt(t, t.TempDir())
	t.Setenv("FLORIN_TEST_POSTGRES", server.DSN)
	got, err := url.Parse(peer.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(server.DSN, got.Host) || got.Path == "/postgres" {
		t.Errorf("%v is not a database of its own on %s", got, server.DSN)
	}
}

func TestPostgresKeepsWhatItCommitted(t *testing.T) {
	t.Parallel()
	server := peer.PostgresAt(t, t.TempDir())
	conn := connect(t, server.DSN)
	exec1(t, conn, "CREATE TABLE a (n BIGINT)")
	exec1(t, conn, "INSERT INTO a VALUES (1)")

	server.Kill()
	if err := conn.Ping(t.Context()); err == nil {
		t.Error("the killed server answers")
	}
	server.Start()
	conn = connect(t, server.DSN)
	exec1(t, conn, "INSERT INTO a VALUES (2)")

	server.Stop()
	server.Start()
	if got := query(t, connect(t, server.DSN), "SELECT sum(n)::text FROM a"); got != "3" {
		t.Errorf("the sum is %s after a kill and a stop", got)
	}
}

func TestProgramsStart(t *testing.T) {
	t.Parallel()
	modules, node := peer.Node(t)
	for _, args := range [][]string{
		{peer.Chromium(t), "--version"},
		{peer.Sqlc(t), "version"},
		{node, modules + "/solc/solc.js", "--version"},
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
}

func TestEventuallyGivesUp(t *testing.T) {
	t.Parallel()
	fake := &failing{TB: t}
	peer.Eventually(fake, 50*time.Millisecond, func() error { return errors.New("no block") })
	if !strings.Contains(fake.said, "no block") {
		t.Errorf("it said %q", fake.said)
	}
}

func TestMissingPeerFails(t *testing.T) {
	t.Setenv("FLORIN_CACHE", t.TempDir())
	fake := &failing{TB: t}
	peer.Sqlc(fake)
	if !strings.Contains(fake.said, "make setup") {
		t.Errorf("it said %q", fake.said)
	}
}

// TestServersEndWithTheBinary kills a test binary that has started one of each: none may listen any longer, and the
// shared server's data must go.
func TestServersEndWithTheBinary(t *testing.T) {
	t.Parallel()
	peer.Sqlc(t) // -short
	cmd := exec.Command(os.Args[0], "-test.run=^TestRoleServers$", "-test.v")
	temp := t.TempDir()
	if err := os.Chmod(filepath.Dir(temp), 0o711); err != nil { // for nobody, who runs PostgreSQL
		t.Fatal(err)
	}
	cmd.Env = append(os.Environ(), roleVar+"=servers", "TMPDIR="+temp)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var hosts []string
	var seen strings.Builder
	for lines := bufio.NewScanner(out); len(hosts) < 3 && lines.Scan(); {
		seen.WriteString(lines.Text() + "\n")
		if host, ok := strings.CutPrefix(lines.Text(), "listens "); ok {
			hosts = append(hosts, host)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if len(hosts) != 3 {
		t.Fatalf("it started %v:\n%s", hosts, seen.String())
	}
	for _, host := range hosts {
		peer.Eventually(t, peer.Patience, func() error {
			conn, err := net.Dial("tcp", host)
			if err != nil {
				return nil
			}
			conn.Close()
			return fmt.Errorf("%s still listens", host)
		})
	}
	peer.Eventually(t, peer.Patience, func() error {
		left, err := filepath.Glob(temp + "/florin-postgres-*")
		if err == nil && len(left) > 0 {
			err = fmt.Errorf("%v is left", left)
		}
		return err
	})
}

// TestRoleServers is the child of TestServersEndWithTheBinary.
func TestRoleServers(t *testing.T) {
	if os.Getenv(roleVar) != "servers" {
		return
	}
	for _, address := range []string{peer.Postgres(t), peer.Anvil(t).URL, peer.Geth(t).URL} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println("listens " + u.Host)
	}
	select {} // until killed
}

// failing is a test that records its failure instead of failing.
type failing struct {
	testing.TB
	said string
}

func (f *failing) Fatalf(format string, args ...any) {
	f.said = fmt.Sprintf(format, args...)
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func exec1(t *testing.T, conn *pgx.Conn, statement string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func query(t *testing.T, conn *pgx.Conn, statement string) string {
	t.Helper()
	var text string
	if err := conn.QueryRow(t.Context(), statement).Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}
