// Package rig starts and ends what the benchmarks measure: a PostgreSQL cluster of its own, the floor program and the
// florin binary. Everything listens on loopback and lives in one directory that the caller removes.
package rig

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"florin/bench/merchant"
)

// Build compiles a command of this module into dir as it is shipped, stripped and without cgo, and returns its path.
func Build(ctx context.Context, dir, pkg string) (string, error) {
	root, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	binary := filepath.Join(dir, filepath.Base(pkg))
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, pkg)
	cmd.Dir = filepath.Dir(strings.TrimSpace(string(root)))
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return binary, nil
}

// Program is a server that can be started again and again on the same database.
type Program struct {
	Name     string
	Binary   string
	Args     []string
	DB       string // URL of its database
	Addr     string // host and port it listens on
	App      merchant.App
	Merchant string     // of florin's, who has the app
	Audits   [][]string // arguments of commands that must succeed on its database, running or not
	common   []string   // arguments of all its commands
}

// Process is a Program that runs.
type Process struct {
	Program
	ReadyAfter time.Duration // from exec to the first answer of /healthz
	ReadyCPU   time.Duration // processor time used until then
	cmd        *exec.Cmd
	log        *tail
	exited     chan struct{}
}

// startLimit bounds the wait for the first answer.
const startLimit = 30 * time.Second

// Start executes the program and returns once it answers. Nobody else may answer at its address: another's florin is
// healthy too, and does not know our app.
func (p Program) Start(ctx context.Context) (*Process, error) {
	if conn, err := net.Dial("tcp", p.Addr); err == nil {
		conn.Close()
		return nil, fmt.Errorf("start %s: somebody else listens on %s", p.Name, p.Addr)
	}
	s := &Process{Program: p, log: &tail{}, exited: make(chan struct{})}
	s.cmd = exec.Command(p.Binary, p.Args...)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", p.Name, err)
	}
	go func() {
		s.cmd.Wait()
		close(s.exited)
	}()
	err := s.answer(ctx, began)
	if err == nil {
		s.ReadyCPU, err = threadTime(s.cmd.Process.Pid)
	}
	if err != nil {
		s.Kill()
		return nil, fmt.Errorf("%s did not answer: %w\n%s", p.Name, err, s.log)
	}
	return s, nil
}

// Audit runs the program's own checks of its database.
func (p Program) Audit(ctx context.Context) error {
	for _, args := range p.Audits {
		if out, err := exec.CommandContext(ctx, p.Binary, args...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s %s: %w\n%s", p.Name, strings.Join(args[:2], " "), err, out)
		}
	}
	return nil
}

// answer polls /healthz every half millisecond until it says 200 while the process lives.
func (p *Process) answer(ctx context.Context, began time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	tick := time.NewTicker(500 * time.Microsecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.Addr+"/healthz", nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		took := time.Since(began)
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				err = fmt.Errorf("status %d", resp.StatusCode)
			}
		}
		select {
		case <-p.exited:
			return errors.New("it ended")
		case <-ctx.Done():
			return cmp.Or(err, ctx.Err())
		default:
		}
		if err == nil {
			p.ReadyAfter = took
			return nil
		}
		<-tick.C
	}
}

// Kill ends the process as a power cut would end its memory: kill -9, and waits until it is gone.
func (p *Process) Kill() {
	p.cmd.Process.Kill()
	<-p.exited
}

// Stop asks the process to end and kills it after 10 s.
func (p *Process) Stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.exited:
		return nil
	case <-time.After(10 * time.Second):
		p.Kill()
		return fmt.Errorf("%s did not stop within 10 s\n%s", p.Name, p.log)
	}
}

// Log is the end of what the process printed.
func (p *Process) Log() string { return p.log.String() }

// RSS is the resident memory in bytes.
func (p *Process) RSS() (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return kb * 1024, err
		}
	}
	return 0, errors.New("no VmRSS")
}

// CPU is the processor time used so far.
func (p *Process) CPU() (time.Duration, error) { return CPU(p.cmd.Process.Pid) }

// FreeAddr is a loopback address that nobody listens on. Its host is drawn, so that no other program of this machine is
// given the same port of it while ours is stopped: on 127.0.0.1 there are but 14,000 to draw from.
func FreeAddr() (string, error) {
	host := netip.AddrFrom4([4]byte{127, byte(1 + rand.N(254)), byte(rand.N(256)), byte(1 + rand.N(254))})
	l, err := net.Listen("tcp", netip.AddrPortFrom(host, 0).String())
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
