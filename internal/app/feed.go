package app

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"florin/internal/checkout"
	"florin/internal/engine"
	"florin/internal/seal"
	"florin/internal/web"
	"florin/internal/wire"
	"florin/internal/wire/events"
)

// mountFeed adds what is no dialect's own: the event feed, and the page that computes addresses.
func (s *server) mountFeed(mux *http.ServeMux, site *web.Site, gate *wire.Gate, dialects []wire.Authenticator) error {
	s.feed = events.New(events.Config{Engine: s.engine, Gate: gate, Clock: s.clock, Dialects: dialects, Log: s.log})
	s.feed.Mount(mux)
	addresses, err := checkout.NewAddressPage(site, s.engine)
	if err != nil {
		return err
	}
	addresses.Mount(mux)
	return nil
}

// feedWorkers number what was committed, and tell the open streams.
func (s *server) feedWorkers() []worker {
	sealer, sealed := seal.New(s.db, s.clock, s.name), &bell{}
	return []worker{
		{"seal", sealEvery, nil, func(ctx context.Context) (int, error) {
			done, err := sealer.RunOnce(ctx)
			if done > 0 {
				sealed.ring()
			}
			return done, err
		}},
		{"feed", time.Second, sealed.next, func(ctx context.Context) (int, error) {
			_, err := s.feed.RunOnce(ctx) // how many streams are open is no work that is left
			return 0, err
		}},
	}
}

type appToken struct {
	Add    tokenAdd    `cmd:"" help:"Add a token; prints it, this once."`
	List   tokenList   `cmd:"" help:"List the tokens of an app."`
	Revoke tokenRevoke `cmd:"" help:"End a token: within a second nothing accepts it."`
}

type tokenAdd struct {
	App  string `required:"" help:"The app whose event feed it opens."`
	Name string `help:"What it is for."`
}

// tokenJSON is what --json prints of a token.
type tokenJSON struct {
	ID        string     `json:"id"`
	Token     string     `json:"token,omitempty"` // when it was added
	App       string     `json:"app"`
	Name      string     `json:"name,omitempty"`
	CreatedAt time.Time  `json:"created_at"`
	RevokedAt *time.Time `json:"revoked_at,omitempty"`
}

func describeToken(t engine.Token, text string) tokenJSON {
	j := tokenJSON{ID: t.ID, Token: text, App: t.AppID, Name: t.Name, CreatedAt: t.CreatedAt}
	if !t.RevokedAt.IsZero() {
		j.RevokedAt = &t.RevokedAt
	}
	return j
}

func (c *tokenAdd) Run(r *run) error {
	return withProgram(r, func(p *program) error {
		t, text, err := p.engine.AddToken(r, c.App, c.Name)
		if err != nil {
			return err
		}
		return r.print(describeToken(t, text), "id     %s\ntoken  %s  (shown this once)", t.ID, text)
	})
}

type tokenList struct {
	App string `required:"" help:"The app."`
}

func (c *tokenList) Run(r *run) error {
	return withProgram(r, func(p *program) error {
		if _, err := p.engine.App(r, c.App); err != nil {
			return err
		}
		tokens, err := p.engine.Tokens(r, c.App)
		if err != nil {
			return err
		}
		list := []tokenJSON{}
		var text strings.Builder
		for _, t := range tokens {
			list = append(list, describeToken(t, ""))
			state := "good"
			if !t.RevokedAt.IsZero() {
				state = "revoked"
			}
			fmt.Fprintf(&text, "%s  %s  %s  %s\n", t.ID, state, t.CreatedAt.Format(time.RFC3339), t.Name)
		}
		return r.print(list, "%s", strings.TrimSuffix(text.String(), "\n"))
	})
}

type tokenRevoke struct {
	App string `required:"" help:"The app."`
	ID  string `arg:"" help:"The token, tok_…"`
}

func (c *tokenRevoke) Run(r *run) error {
	return withProgram(r, func(p *program) error {
		if err := p.engine.RevokeToken(r, c.App, c.ID); err != nil {
			return err
		}
		return r.print(map[string]string{"id": c.ID, "status": "revoked"}, "%s is revoked", c.ID)
	})
}

type webhookResend struct {
	Event  string `help:"The event, evt_…"`
	App    string `help:"In its place, the events of an app in a range of time, in their order."`
	Since  string `help:"From when on: a time such as 2026-03-17T12:00:00Z, or how long ago, such as 6h." placeholder:"TIME"`
	Until  string `default:"0s" help:"Up to when; now unless told." placeholder:"TIME"`
	Failed bool   `help:"Only what never arrived."`
}

func (c *webhookResend) Run(r *run) error {
	if (c.Event == "") == (c.App == "") || (c.App == "") != (c.Since == "") || c.Event != "" && c.Failed {
		return usageError("give --event, or --app and --since")
	}
	if c.App != "" {
		return c.runRange(r)
	}
	return withProgram(r, func(p *program) error {
		delivery, err := p.engine.Resend(r, c.Event)
		if err != nil {
			return err
		}
		return r.print(map[string]string{"event": c.Event, "delivery": delivery}, "%s goes out as %s", c.Event, delivery)
	})
}

func (c *webhookResend) runRange(r *run) error {
	since, err := when(c.Since, r.clock.Now())
	if err != nil {
		return usageError("--since: " + err.Error())
	}
	until, err := when(c.Until, r.clock.Now())
	if err != nil {
		return usageError("--until: " + err.Error())
	}
	if !since.Before(until) {
		return usageError("--since is not before --until, which is now unless told")
	}
	return withProgram(r, func(p *program) error {
		n, err := p.engine.ResendRange(r, engine.ResendFilter{AppID: c.App, From: since, To: until, FailedOnly: c.Failed})
		if err != nil {
			return err
		}
		return r.print(map[string]any{"app": c.App, "since": since, "until": until, "events": n}, "%d events go out", n)
	})
}

// when reads a time, or how long before now it is.
func when(text string, now time.Time) (time.Time, error) {
	if ago, err := time.ParseDuration(text); err == nil {
		if ago < 0 {
			return time.Time{}, fmt.Errorf("%s is in the future", text)
		}
		return now.Add(-ago).UTC(), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is neither a time such as 2026-03-17T12:00:00Z nor a duration such as 6h", text)
	}
	return at.UTC(), nil
}
