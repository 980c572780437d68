package main

import (
	"context"
	"path/filepath"
	"time"

	"florin/bench/crash"
	"florin/bench/rig"
)

// crashLine is the result of the scenario crash on one database.
type crashLine struct {
	Scenario string `json:"scenario"`
	DB       string `json:"db"`
	crash.Report
	LoadAverage float64 `json:"load_average"`
}

// crashes kills the subject under load and looks for what it forgot.
func crashes(ctx context.Context, w *world, db string, out printer) error {
	subject, err := w.subjectOn(ctx, db)
	if err != nil {
		return err
	}
	report, err := crash.Kill(ctx, crash.Config{
		Server: subject, Kills: w.kills, Clients: 16, Load: 300 * time.Millisecond,
		Log: filepath.Join(w.dir, "acknowledged."+db), Seed: w.seed,
	})
	if err != nil {
		return err
	}
	load, err := rig.LoadAverage()
	if err != nil {
		return err
	}
	if err := out.Encode(crashLine{Scenario: "crash", DB: db, Report: report, LoadAverage: load}); err != nil {
		return err
	}
	return report.Err()
}
