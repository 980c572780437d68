package rig

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Postgres is a cluster of our own with everything on that keeps data through a power cut.
type Postgres struct {
	addr   string
	server *exec.Cmd
	log    *tail
	exited chan struct{}
}

// settings are what a small production server would have. fsync, synchronous_commit and full_page_writes stay on, as
// they are by default.
var settings = []string{
	"shared_buffers=1GB", "max_wal_size=4GB", "checkpoint_timeout=15min", "wal_compression=on", "random_page_cost=1.1",
	"unix_socket_directories=",
}

// nobody runs the server when we are root, whom initdb and postgres refuse.
const nobody = 65534

// StartPostgres makes a cluster under dir and starts it. Every directory above dir must be open to user nobody when we
// are root.
func StartPostgres(ctx context.Context, dir string) (*Postgres, error) {
	bin, err := postgresBin()
	if err != nil {
		return nil, err
	}
	home := filepath.Join(dir, "postgres")
	if err := os.Mkdir(home, 0o755); err != nil {
		return nil, err
	}
	var attr *syscall.SysProcAttr
	if os.Geteuid() == 0 {
		attr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		if err := errors.Join(os.Chown(home, nobody, nobody), os.Chmod(dir, 0o755)); err != nil {
			return nil, err
		}
	}
	data := filepath.Join(home, "data")
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", data, "-U", "florin", "--auth=trust",
		"--encoding=UTF8", "--locale=C", "--no-sync")
	initdb.SysProcAttr, initdb.Dir = attr, home
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	addr, err := FreeAddr()
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	args := []string{"-D", data, "-h", host, "-p", port}
	for _, s := range settings {
		args = append(args, "-c", s)
	}
	p := &Postgres{addr: addr, log: &tail{}, exited: make(chan struct{})}
	p.server = exec.Command(filepath.Join(bin, "postgres"), args...)
	p.server.SysProcAttr, p.server.Dir = attr, home
	p.server.Stdout, p.server.Stderr = p.log, p.log
	if err := p.server.Start(); err != nil {
		return nil, fmt.Errorf("start postgres: %w", err)
	}
	go func() {
		p.server.Wait()
		close(p.exited)
	}()
	if err := p.ready(ctx); err != nil {
		p.Stop()
		return nil, fmt.Errorf("postgres does not answer: %w\n%s", err, p.log)
	}
	return p, nil
}

func (p *Postgres) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, p.URL("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-p.exited:
			return errors.New("it ended")
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}

// URL is where a database is reached.
func (p *Postgres) URL(database string) string {
	return "postgres://florin@" + p.addr + "/" + database + "?sslmode=disable"
}

// Create makes an empty database and returns its URL.
func (p *Postgres) Create(ctx context.Context, database string) (string, error) {
	conn, err := pgx.Connect(ctx, p.URL("postgres"))
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{database}.Sanitize()+" TEMPLATE template0"); err != nil {
		return "", fmt.Errorf("create database %s: %w", database, err)
	}
	return p.URL(database), nil
}

// CPU is the processor time that the cluster's living processes have used so far.
func (p *Postgres) CPU() (time.Duration, error) {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, err
	}
	parent := strconv.Itoa(p.server.Process.Pid)
	var sum time.Duration
	for _, d := range dirs {
		pid, err := strconv.Atoi(filepath.Base(d))
		if err != nil {
			return 0, err
		}
		fields, err := statFields(pid)
		if err != nil || fields[1] != parent {
			continue // it ended meanwhile, or is not ours
		}
		used, err := CPU(pid)
		if err == nil {
			sum += used
		}
	}
	return sum, nil
}

// Stop ends the cluster at once; its directory is thrown away, so nothing is written back.
func (p *Postgres) Stop() {
	p.server.Process.Signal(syscall.SIGQUIT)
	select {
	case <-p.exited:
	case <-time.After(10 * time.Second):
		p.server.Process.Kill()
		<-p.exited
	}
}

// postgresBin is the directory of the newest installed server: Debian keeps one per major version.
func postgresBin() (string, error) {
	dirs, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	dirs = slices.DeleteFunc(dirs, func(d string) bool {
		_, err := os.Stat(filepath.Join(d, "initdb"))
		return err != nil
	})
	if len(dirs) > 0 {
		return slices.MaxFunc(dirs, func(a, b string) int { return major(a) - major(b) }), nil
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	return "", errors.New("PostgreSQL is not installed: apt-get install postgresql")
}

func major(dir string) int {
	n, _ := strconv.Atoi(strings.Split(filepath.ToSlash(dir), "/")[4])
	return n
}
