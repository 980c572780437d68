// Package store keeps everything that must survive, in SQLite or PostgreSQL: one schema, one set
// of queries, one write door.
//
// DB.Update is the only way to write. It commits the waiting updates of many callers together,
// which is what makes "durable before we answer" cheap: one fsync serves a whole group. Reads run
// at once, beside the writers. See docs/decisions/0001-one-sql-two-engines.md.
package store

import (
	"context"
	"embed"
	"errors"
	"hash/fnv"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"

	"florin/internal/store/query"
)

//go:embed schema/postgres/*.sql schema/sqlite/*.sql
var schemas embed.FS

var (
	// ErrNotFound reports that a row which was asked for does not exist.
	ErrNotFound = pgx.ErrNoRows
	// ErrUnknown reports that the connection was lost while committing: the change is there as a
	// whole or not at all, and only its business key can tell (threats S06).
	ErrUnknown = errors.New("store: outcome of the commit unknown")
	// ErrServed reports that another process serves this SQLite file.
	ErrServed = errors.New("store: another process serves this database")
)

// errNotRead refuses a query that writes, outside of Update.
var errNotRead = errors.New("store: writes go through Update")

// Reader reads. The DB's own sees what is committed at each query's moment, a Snapshot's what was at
// one moment.
type Reader struct{ *query.Queries }

// DB is one database. It is safe for concurrent use.
type DB struct {
	Reader  // outside any update
	reads   readPool
	writers []*writer
	around  func(run func() error) error // Options.Around

	mu     sync.RWMutex
	closed bool // under mu
}

// readPool is what readers share.
type readPool interface {
	query.DBTX
	snapshot(ctx context.Context, read func(query.DBTX) error) error
	close()
}

// Options say how to open a database.
type Options struct {
	// Serve takes the lock that only one serving process of a SQLite file may hold.
	Serve bool
	// Writers is the number of PostgreSQL connections that write; 0 means 2. SQLite has one.
	Writers int
	// Around is where the simulation puts crashes and lost answers: it is called instead of each
	// update, which is durable once run returned nil, and may leave it out, repeat it, or hide what
	// it said. Nil in the program.
	Around func(run func() error) error
}

// Open opens the database at url, "sqlite:PATH" or "postgres://…", and brings its schema up to
// date. A schema younger than the program is refused.
func Open(ctx context.Context, url string, o Options) (*DB, error) {
	scheme, path, _ := strings.Cut(url, ":")
	var db *DB
	var err error
	switch scheme {
	case "sqlite":
		db, err = openSQLite(ctx, path, o)
	case "postgres", "postgresql":
		db, err = openPostgres(ctx, url, o)
	default:
		return nil, errors.New("store: the database's URL is neither sqlite:PATH nor postgres://…") // it may hold a password
	}
	if err != nil {
		return nil, err
	}
	db.around = o.Around
	return db, nil
}

// Update runs fn and returns once its writes are durable. An error of fn's own, or of one of its
// statements, means that nothing of it happened; ErrUnknown that nobody knows.
//
// Updates of one key run in the order they came, on one connection: give the merchant's id, so
// that its rows are never fought over (rulings G2). ctx bounds only the wait to begin: what has
// begun ends, within 5 seconds (rulings G4). fn may run twice and touches only tx.
func (db *DB) Update(ctx context.Context, key string, fn func(ctx context.Context, tx *Tx) error) error {
	db.mu.RLock()
	defer db.mu.RUnlock()
	if db.closed {
		return errClosed
	}
	w := db.writers[writerOf(key, len(db.writers))]
	if db.around == nil {
		return w.do(ctx, fn)
	}
	return db.around(func() error { return w.do(ctx, fn) })
}

// Snapshot runs read on the database as it is at one moment, whatever is written meanwhile: sums over
// several queries agree. What the writers leave behind is kept for it, so it should end in minutes. Its
// Reader is for one goroutine, and ends with it.
func (db *DB) Snapshot(ctx context.Context, read func(Reader) error) error {
	return db.reads.snapshot(ctx, func(at query.DBTX) error { return read(Reader{query.New(at)}) })
}

// Waiting is how many updates wait to enter a group.
func (db *DB) Waiting() int {
	n := 0
	for _, w := range db.writers {
		n += len(w.queue)
	}
	return n
}

func writerOf(key string, n int) int {
	if n == 1 {
		return 0
	}
	h := fnv.New32a()
	h.Write([]byte(key)) // never fails
	return int(h.Sum32() % uint32(n))
}

// Close waits for the updates that have begun or wait, and closes the connections.
func (db *DB) Close() {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.closed {
		return
	}
	db.closed = true
	db.reads.close() // before the writers: the last to leave a SQLite file tidies its log
	for _, w := range db.writers {
		close(w.queue)
		<-w.closed
	}
}
