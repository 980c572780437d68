package script

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// shell runs lines of a shell, which is there wherever the tests run.
func shell(text string, do func(string, json.RawMessage) (any, error)) Program {
	return Program{
		Interpreter: "sh", Args: []string{"run.sh"}, Files: fstest.MapFS{"run.sh": {Data: []byte(text)}}, Env: map[string]string{"SHOP": "tea"},
		Do: func(_ context.Context, ask string, with json.RawMessage) (any, error) { return do(ask, with) },
	}
}

func TestRun(t *testing.T) {
	var end struct{ Shop, Answer string }
	steps, err := shell(`
echo '{"step":"first","facts":{"n":1}}'
echo '{"ask":"pay","with":{"amount":"2"}}'
read -r answer
echo '{"step":"second"}'
echo "{\"end\":{\"shop\":\"$SHOP\",\"answer\":\"$(echo "$answer" | tr -d '"')\"}}"
`, func(ask string, with json.RawMessage) (any, error) {
		return map[string]int{ask: len(with)}, nil
	}).Run(t.Context(), &end)
	if err != nil {
		t.Fatal(err)
	}
	if len(steps) != 2 || steps[0].Name != "first" || string(steps[0].Facts) != `{"n":1}` || steps[1].Name != "second" {
		t.Errorf("steps %+v", steps)
	}
	if end.Shop != "tea" || end.Answer != `{answer:{pay:14}}` {
		t.Errorf("end %+v", end)
	}
}

func TestRunFails(t *testing.T) {
	for _, c := range []struct{ name, text, says string }{
		{"it says that it failed", `echo '{"failed":"no money"}'; echo why >&2`, "no money"},
		{"it ends without an end", `echo '{"step":"first"}'`, "sh ended early"},
		{"it says what is no JSON", `echo hello`, `says "hello"`},
		{"the world cannot do it", `echo '{"ask":"pay"}'; read -r answer; echo "{\"failed\":\"$(echo "$answer" | tr -d '"{}')\"}"`, "error:no coins"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := shell(c.text, func(string, json.RawMessage) (any, error) { return nil, errors.New("no coins") }).Run(t.Context(), &struct{}{})
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v", err)
			}
		})
	}
	if _, err := (Program{Interpreter: "no-such-interpreter"}).Run(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "make setup") {
		t.Errorf("%v", err)
	}
}

// Whoever waits for a program that hangs is let go by the context, and what the program has started is gone.
func TestRunEndsWithTheContext(t *testing.T) {
	ctx, stop := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer stop()
	began := time.Now()
	_, err := shell("sleep 60 & sleep 60", nil).Run(ctx, nil)
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 30*time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
	}
}
