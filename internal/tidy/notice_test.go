package tidy

import (
	"regexp"
	"strings"
	"testing"
)

var (
	requirement = regexp.MustCompile(`(?m)^(?:require )?\s*([a-z0-9.-]+\.[a-z]+/\S+) v`)
	noticeLine  = regexp.MustCompile(`(?m)^([a-z0-9.-]+\.[a-z]+/\S+) {2,}\S`)
)

// noticeGaps lists the modules that go.mod and NOTICE do not both name.
func noticeGaps(files tree) ([]string, error) {
	required, noticed := modules(requirement, files["go.mod"]), modules(noticeLine, files["NOTICE"])
	var found []string
	for module := range required {
		if !noticed[module] {
			found = append(found, "NOTICE lacks the licence of "+module)
		}
	}
	for module := range noticed {
		if !required[module] {
			found = append(found, "NOTICE names "+module+", which go.mod does not")
		}
	}
	return found, nil
}

func modules(line *regexp.Regexp, text string) map[string]bool {
	found := map[string]bool{}
	for _, match := range line.FindAllStringSubmatch(text, -1) {
		found[match[1]] = true
	}
	return found
}

func TestNoticeNamesEachModule(t *testing.T) {
	files := theTree(t)
	if len(modules(requirement, files["go.mod"])) == 0 {
		t.Fatal("go.mod requires nothing")
	}
	found, err := noticeGaps(files)
	report(t, found, err)
	if !strings.Contains(files["LICENSE"], "Apache License\n                           Version 2.0") {
		t.Error("LICENSE is not the Apache License 2.0")
	}
}

func TestNoticeGapsAreFound(t *testing.T) {
	const (
		goMod  = "module florin\n\ngo 1.26.0\n\nrequire rsc.io/qr v0.2.0\n\nrequire (\n\tgithub.com/jackc/pgx/v5 v5.12.0 // indirect\n)\n"
		notice = "rsc.io/qr                BSD-3-Clause\n"
	)
	planted(t, noticeGaps, tree{"go.mod": goMod, "NOTICE": notice}, "github.com/jackc/pgx/v5")
	both := notice + "github.com/jackc/pgx/v5  MIT\n"
	passes(t, noticeGaps, tree{"go.mod": goMod, "NOTICE": both})
	planted(t, noticeGaps, tree{"go.mod": goMod, "NOTICE": both + "golang.org/x/net  BSD-3-Clause\n"}, "golang.org/x/net")
}
