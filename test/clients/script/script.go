// Package script runs a merchant's program that is not written in Go and plays the world around it.
//
// The program says a JSON object a line on its standard output: {"step":NAME,"facts":…} when it has seen a promise kept,
// {"ask":NAME,"with":…} when the world has to do something, such as pay, and at last {"end":…} or {"failed":WHY}. To each
// ask it reads one line: {"answer":…} or {"error":WHY}. What it says on standard error is shown if it fails. So a person
// can run it as well, and play the world at the keyboard.
package script

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// Program is what to run.
type Program struct {
	Interpreter string   // "node", "php": looked up in PATH
	Args        []string // the file of Files to run, and what it is given
	Files       fs.FS
	Env         map[string]string // besides PATH, all there is
	// Do is the world: it does what is asked and answers what there is to know of it, or nil.
	Do func(ctx context.Context, ask string, with json.RawMessage) (any, error)
}

// Step is a promise that was kept.
type Step struct {
	Name  string          `json:"step"`
	Facts json.RawMessage `json:"facts"`
}

// line is what a program says.
type line struct {
	Step
	Ask    string          `json:"ask"`
	With   json.RawMessage `json:"with"`
	End    json.RawMessage `json:"end"`
	Failed string          `json:"failed"`
}

// Run runs the program to its end and reads the end into end. Whatever it has started is gone on return. The steps are
// those that were made, also beside an error.
func (p Program) Run(ctx context.Context, end any) (steps []Step, err error) {
	interpreter, err := exec.LookPath(p.Interpreter)
	if err != nil {
		return nil, fmt.Errorf("%s is missing: make setup", p.Interpreter)
	}
	folder, err := os.MkdirTemp("", "merchant")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	if err := os.CopyFS(folder, p.Files); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	cmd := exec.CommandContext(ctx, interpreter, p.Args...)
	cmd.Dir = folder
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	for name, value := range p.Env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	// A group of its own, so that servers which it has started end with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	steps, err = p.listen(ctx, out, in, end)
	stop()
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // a program that has ended has left its servers to us
	_ = cmd.Wait()                                      // how it ended was said, or is err
	if err != nil && stderr.Len() > 0 {
		err = fmt.Errorf("%w\n%s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	return steps, err
}

func (p Program) listen(ctx context.Context, from io.Reader, to io.Writer, end any) (steps []Step, err error) {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var said line
		if err := json.Unmarshal(lines.Bytes(), &said); err != nil {
			return steps, fmt.Errorf("%s says %q: %w", p.Interpreter, lines.Bytes(), err)
		}
		switch {
		case said.Failed != "":
			return steps, errors.New(said.Failed)
		case said.End != nil:
			return steps, json.Unmarshal(said.End, end)
		case said.Ask != "":
			if err := p.reply(ctx, to, said); err != nil {
				return steps, err
			}
		default:
			steps = append(steps, said.Step)
		}
	}
	return steps, errors.Join(fmt.Errorf("%s ended early", p.Interpreter), lines.Err(), ctx.Err())
}

// reply does what is asked. That it went wrong is for the program to say: it knows what the matter was for.
func (p Program) reply(ctx context.Context, to io.Writer, said line) error {
	answer, err := p.Do(ctx, said.Ask, said.With)
	reply := map[string]any{"answer": answer}
	if err != nil {
		reply = map[string]any{"error": err.Error()}
	}
	text, err := json.Marshal(reply)
	if err != nil {
		return err
	}
	_, err = to.Write(append(text, '\n'))
	return err
}
