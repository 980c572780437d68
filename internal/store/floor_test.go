package store_test

//lint:file-ignore SA1019 the floor goes below database/sql, and statements without a context are the quickest way

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"florin/internal/peer"
	"florin/internal/store"
	"florin/internal/store/query"
)

// group is a bare group committer: whoever holds turn commits all that wait.
type group struct {
	mu      sync.Mutex
	waiting []*ticket // under mu
	turn    sync.Mutex
}

type ticket struct {
	n    int
	done bool // under turn
	err  error
}

func (g *group) do(n int, commit func([]*ticket) error) error {
	t := &ticket{n: n}
	g.mu.Lock()
	g.waiting = append(g.waiting, t)
	g.mu.Unlock()
	g.turn.Lock()
	defer g.turn.Unlock()
	if t.done {
		return t.err
	}
	g.mu.Lock()
	all := g.waiting
	g.waiting = nil
	g.mu.Unlock()
	err := commit(all)
	for _, t := range all {
		t.done, t.err = true, err
	}
	return err
}

// alone is one connection that runs statement after statement.
type alone struct {
	spent func() time.Duration
	exec  func(sql string, args ...any) error
	query *query.Queries
}

// savepoints is the plain way: a group in one transaction, each update in a savepoint, each statement on its own.
func savepoints(b *testing.B, conn alone) {
	ctx := context.Background()
	var g group
	race(b, conn.spent, func(n int) error {
		return g.do(n, func(all []*ticket) error {
			if err := conn.exec("BEGIN"); err != nil {
				return err
			}
			for _, t := range all {
				if err := conn.exec("SAVEPOINT member"); err != nil {
					return err
				}
				if err := createPlainly(ctx, conn.query, fmt.Sprintf("ord_%026d", t.n)); err != nil {
					return err
				}
				if err := conn.exec("RELEASE SAVEPOINT member"); err != nil {
					return err
				}
			}
			return conn.exec("COMMIT")
		})
	})
}

func floor(b *testing.B, spent func() time.Duration, commit func([]*ticket) error) {
	var g group
	race(b, spent, func(n int) error { return g.do(n, commit) })
}

// made returns the address of a database that holds the schema.
func made(b *testing.B, url string) {
	b.Helper()
	db, err := store.Open(context.Background(), url, store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	db.Close()
}

// lone opens the file with one connection that syncs each commit.
func lone(b *testing.B, file string) *sql.Conn {
	b.Helper()
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	conn, err := db.Conn(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	return conn
}

func sqliteAlone(b *testing.B) alone {
	file := filepath.Join(b.TempDir(), "florin.db")
	made(b, "sqlite:"+file)
	q := prepared{lone(b, file), map[string]*sql.Stmt{}}
	return alone{own, func(text string, args ...any) error {
		_, err := q.Exec(context.Background(), text, args...)
		return err
	}, query.New(q)}
}

// prepared runs generated queries on a connection of database/sql, each prepared once.
type prepared struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

func (p prepared) Exec(ctx context.Context, text string, args ...any) (pgconn.CommandTag, error) {
	stmt := p.stmts[text]
	if stmt == nil {
		var err error
		if stmt, err = p.conn.PrepareContext(ctx, text); err != nil {
			return pgconn.CommandTag{}, err
		}
		p.stmts[text] = stmt
	}
	_, err := stmt.ExecContext(ctx, args...)
	return pgconn.CommandTag{}, err
}

func (p prepared) Query(context.Context, string, ...any) (pgx.Rows, error) {
	return nil, errors.ErrUnsupported
}
func (p prepared) QueryRow(context.Context, string, ...any) pgx.Row { return nil }

// sqliteFloor inserts one row of one table an update, at the driver's own level.
func sqliteFloor(b *testing.B) (func() time.Duration, func([]*ticket) error) {
	conn := lone(b, filepath.Join(b.TempDir(), "floor.db"))
	if _, err := conn.ExecContext(context.Background(), "CREATE TABLE floor (id TEXT PRIMARY KEY, doc TEXT NOT NULL) STRICT"); err != nil {
		b.Fatal(err)
	}
	var begin, insert, commit driver.Stmt
	err := conn.Raw(func(c any) error {
		var errs [3]error
		begin, errs[0] = c.(driver.Conn).Prepare("BEGIN IMMEDIATE")
		insert, errs[1] = c.(driver.Conn).Prepare("INSERT INTO floor (id, doc) VALUES (?, ?) ON CONFLICT DO NOTHING")
		commit, errs[2] = c.(driver.Conn).Prepare("COMMIT")
		return errors.Join(errs[:]...)
	})
	if err != nil {
		b.Fatal(err)
	}
	return own, func(all []*ticket) error {
		if _, err := begin.Exec(nil); err != nil { //nolint:staticcheck // nothing cancels a group
			return err
		}
		for _, t := range all {
			if _, err := insert.Exec([]driver.Value{fmt.Sprintf("ord_%026d", t.n), floorDoc}); err != nil { //nolint:staticcheck
				return err
			}
		}
		_, err := commit.Exec(nil) //nolint:staticcheck
		return err
	}
}

// floorDoc stands for what an order's one row would hold.
var floorDoc = strings.Repeat("florin ", 40)

func postgresAlone(b *testing.B) alone {
	ctx := context.Background()
	dsn := peer.PostgresDurable(b)
	made(b, dsn)
	conn := connect(b, dsn)
	return alone{processor(b, dsn), func(text string, args ...any) error {
		_, err := conn.Exec(ctx, text, args...)
		return err
	}, query.New(conn)}
}

// postgresFloor inserts one row of one table an update, a whole group in one statement.
func postgresFloor(b *testing.B) (func() time.Duration, func([]*ticket) error) {
	ctx := context.Background()
	dsn := peer.PostgresDurable(b)
	conn := connect(b, dsn)
	if _, err := conn.Exec(ctx, `CREATE TABLE floor (id TEXT COLLATE "C" PRIMARY KEY, doc TEXT NOT NULL)`); err != nil {
		b.Fatal(err)
	}
	return processor(b, dsn), func(all []*ticket) error {
		var ids, docs []string
		for _, t := range all {
			ids, docs = append(ids, fmt.Sprintf("ord_%026d", t.n)), append(docs, floorDoc)
		}
		_, err := conn.Exec(ctx, "INSERT INTO floor (id, doc) SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT DO NOTHING", ids, docs)
		return err
	}
}

func connect(b *testing.B, dsn string) *pgx.Conn {
	b.Helper()
	conn, err := pgx.Connect(context.Background(), dsn)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// own is the processor time of this process.
func own() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// processor returns the processor time of this process and of the server behind dsn, with what has ended below it.
func processor(b *testing.B, dsn string) func() time.Duration {
	b.Helper()
	var backend int
	if err := connect(b, dsn).QueryRow(context.Background(), "SELECT pg_backend_pid()").Scan(&backend); err != nil {
		b.Fatal(err)
	}
	server := stat(strconv.Itoa(backend))[1]
	return func() time.Duration {
		const tick = time.Second / 100 // proc(5): USER_HZ
		total := own()
		processes, _ := os.ReadDir("/proc")
		for _, p := range processes {
			s := stat(p.Name())
			switch {
			case len(s) < 15:
			case p.Name() == server:
				total += ticks(s[11:15]) * tick
			case s[1] == server:
				total += ticks(s[11:13]) * tick
			}
		}
		return total
	}
}

// stat reads the fields of /proc/PID/stat that follow the name: state, parent, …; nil for what is no process.
func stat(pid string) []string {
	text, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return nil
	}
	return strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
}

func ticks(fields []string) (sum time.Duration) {
	for _, f := range fields {
		n, _ := strconv.Atoi(f)
		sum += time.Duration(n)
	}
	return sum
}
