package crash

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"florin/bench/merchant"
	"florin/bench/rig"
)

// TestS01_KillNine kills the real binary 50 times under load on each database.
func TestS01_KillNine(t *testing.T) {
	binary, err := rig.Build(t.Context(), dir, "./cmd/florin")
	if err != nil {
		t.Fatal(err)
	}
	for _, db := range []string{"sqlite", "postgres"} {
		t.Run(db, func(t *testing.T) {
			home := filepath.Join(dir, "florin-"+db)
			if err := os.Mkdir(home, 0o755); err != nil {
				t.Fatal(err)
			}
			server, err := rig.Florin(t.Context(), binary, home, database(t, db, "florin"))
			if err != nil {
				t.Fatal(err)
			}
			report, err := Kill(t.Context(), config(t, server, 50))
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%+v", report)
			if err := report.Err(); err != nil {
				t.Error(err)
			}
			if report.Acknowledged < 50 {
				t.Errorf("only %d orders were acknowledged: this proves nothing", report.Acknowledged)
			}
		})
	}
}

// TestKill runs the scenario against the floor program: honest it is clean, and each planted defect is found.
func TestKill(t *testing.T) {
	floor, err := rig.Build(t.Context(), dir, "./bench/floor")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, db, fault string
		found           func(Report) int
	}{
		{"honest", "sqlite", "", nil},
		{"honest", "postgres", "", nil},
		{"acknowledged before the commit: lost", "sqlite", "ack-early", func(r Report) int { return r.Lost }},
		{"acknowledged before the commit: lost", "postgres", "ack-early", func(r Report) int { return r.Lost }},
		{"a new number for a repeat: doubled", "sqlite", "forget-reference", func(r Report) int { return r.Doubled }},
	} {
		t.Run(c.db+" "+c.name, func(t *testing.T) {
			server, err := rig.Floor(floor, database(t, c.db, "floor"+c.fault), "-fault", c.fault)
			if err != nil {
				t.Fatal(err)
			}
			report, err := Kill(t.Context(), config(t, server, 3))
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%+v", report)
			if report.Kills != 3 || report.Acknowledged == 0 {
				t.Errorf("%d kills, %d acknowledged", report.Kills, report.Acknowledged)
			}
			if c.found == nil {
				if err := report.Err(); err != nil {
					t.Error(err)
				}
			} else if c.found(report) == 0 || report.Err() == nil {
				t.Errorf("the defect was not found: %+v", report)
			}
		})
	}
}

// A detail that is not what was asked for is half an order, whatever is wrong with it.
func TestMissing(t *testing.T) {
	asked := merchant.Order{Reference: "A-1", Cents: 1550}
	whole := detail{TradeNo: "1", OutTradeNo: "A-1", FiatName: "USD", FiatAmount: "15.5", Status: "TO-BE-PAID", TimeExpire: 1}
	if got := whole.missing(asked); got != "" {
		t.Errorf("whole: %s", got)
	}
	for name, spoil := range map[string]func(*detail){
		"another reference": func(d *detail) { d.OutTradeNo = "A-2" },
		"no number":         func(d *detail) { d.TradeNo = "" },
		"no currency":       func(d *detail) { d.FiatName = "" },
		"ten times as much": func(d *detail) { d.FiatAmount = "155" },
		"paid by nobody":    func(d *detail) { d.Status = "PAID" },
		"no deadline":       func(d *detail) { d.TimeExpire = 0 },
	} {
		d := whole
		spoil(&d)
		if d.missing(asked) == "" {
			t.Errorf("%s: taken for whole", name)
		}
	}
}

func TestPlain(t *testing.T) {
	for in, want := range map[string]string{"15.50": "15.5", "15.00": "15", "150": "150", "0.10": "0.1"} {
		if got := plain(in); got != want {
			t.Errorf("plain(%q) = %q, want %q", in, got, want)
		}
	}
}

func config(t *testing.T, server rig.Program, kills int) Config {
	return Config{
		Server: server, Kills: kills, Clients: 16, Load: 300 * time.Millisecond,
		Log: filepath.Join(t.TempDir(), "acknowledged"), Seed: 1,
	}
}

// dir holds binaries and databases. Not t.TempDir: the database server runs as another user, who may not enter that.
var dir string

// cluster is started by the first test that needs it.
var cluster *rig.Postgres

var startCluster = sync.OnceValue(func() (err error) {
	cluster, err = rig.StartPostgres(context.Background(), dir)
	return err
})

func database(t *testing.T, kind, name string) string {
	if kind == "sqlite" {
		return "sqlite:" + filepath.Join(t.TempDir(), "test.db")
	}
	if err := startCluster(); err != nil {
		t.Fatal(err)
	}
	url, err := cluster.Create(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return url
}

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if dir, err = os.MkdirTemp("", "florin-crash-"); err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		defer func() {
			if cluster != nil {
				cluster.Stop()
			}
		}()
		return m.Run()
	}())
}
