package app

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// cellsFile is the table: what payers did and, side by side, what each dialect makes of it.
const cellsFile = "testdata/cells.txt"

// A price of 100 USD is 100 USDT, in base units.
const (
	whole uint64 = 100_000_000
	tenth        = whole / 10
)

// moment is when a payment is in a block.
type moment int

const (
	inTime     moment = iota
	afterwards        // in time, when what came before is confirmed
	atTheEnd          // in a block of the deadline's own second
	tooLate
)

var moments = [...]string{inTime: "in time", afterwards: "in time", atTheEnd: "at the deadline", tooLate: "too late"}

// paying is one payment of a story.
type paying struct {
	when  moment
	token string
	units uint64
}

// notListed stands for a token that calls itself USDT and that nobody lists.
const notListed = "a token nobody lists"

func usdt(when moment, units uint64) paying { return paying{when, "USDT", units} }
func usdc(when moment, units uint64) paying { return paying{when, "USDC", units} }

// story is a row of the table: what becomes of an order in each dialect, and whether its merchant asks when its
// time is over.
type story struct {
	class, title string
	over         bool
	pays         []paying
}

var stories = []story{
	{"nothing", "there is time", false, nil},
	{"nothing", "the time is over", true, nil},
	{"under", "less than half", false, []paying{usdt(inTime, 4*tenth)}},
	{"under", "half", false, []paying{usdt(inTime, 5*tenth)}},
	{"under", "more than half", false, []paying{usdt(inTime, 6*tenth)}},
	{"under", "one unit less than due", false, []paying{usdt(inTime, whole-1)}},
	{"under", "less than half, and the time is over", true, []paying{usdt(inTime, 4*tenth)}},
	{"under", "more than half, and the time is over", true, []paying{usdt(inTime, 6*tenth)}},
	{"exact", "at once", false, []paying{usdt(inTime, whole)}},
	{"exact", "in a block of the deadline", true, []paying{usdt(atTheEnd, whole)}},
	{"over", "by one unit", false, []paying{usdt(inTime, whole+1)}},
	{"over", "by a tenth", false, []paying{usdt(inTime, whole+tenth)}},
	{"over", "by a fifth", false, []paying{usdt(inTime, whole+2*tenth)}},
	{"over", "by more than a fifth", false, []paying{usdt(inTime, whole+2*tenth+1)}},
	{"over", "by more than a fifth, and the time is over", true, []paying{usdt(inTime, whole+2*tenth+1)}},
	{"split", "the larger part first", false, []paying{usdt(inTime, 6*tenth), usdt(afterwards, 4*tenth)}},
	{"split", "the smaller part first", false, []paying{usdt(inTime, 4*tenth), usdt(afterwards, 6*tenth)}},
	{"split", "one unit, then what is due", false, []paying{usdt(inTime, 1), usdt(afterwards, whole)}},
	{"split", "the second part too late", true, []paying{usdt(inTime, 6*tenth), usdt(tooLate, 4*tenth)}},
	{"late", "less than half", true, []paying{usdt(tooLate, 4*tenth)}},
	{"late", "more than half", true, []paying{usdt(tooLate, 6*tenth)}},
	{"late", "what is due", true, []paying{usdt(tooLate, whole)}},
	{"late", "more than is due", true, []paying{usdt(tooLate, whole+tenth)}},
	{"repeated", "all of it again", false, []paying{usdt(inTime, whole), usdt(afterwards, whole)}},
	{"repeated", "a little more", false, []paying{usdt(inTime, whole), usdt(afterwards, tenth)}},
	{"repeated", "all of it again, too late", true, []paying{usdt(inTime, whole), usdt(tooLate, whole)}},
	{"wrong token", "one that is listed", false, []paying{usdc(inTime, whole)}},
	{"wrong token", "one that is listed, and the time is over", true, []paying{usdc(inTime, whole)}},
	{"wrong token", "one that is listed, then the right one", false, []paying{usdc(inTime, whole), usdt(afterwards, whole)}},
	{"wrong token", "one that nobody lists", false, []paying{{inTime, notListed, whole}}},
}

func (s story) name() string { return s.class + ": " + s.title }

// TestM12_Cells plays every story in every dialect, on a simulated network and on anvil: what the three say, what
// they told, what waits at the exception desk and what the books hold is the one table of testdata/cells.txt.
func TestM12_Cells(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func(*testing.T) *cells{"sim": cellsOnSim, "anvil": cellsOnAnvil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := render(make(t).play(stories))
			if *update {
				if name == "sim" { // anvil is held against it the next time
					if err := os.WriteFile(cellsFile, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				return
			}
			if diff := cmp.Diff(golden(t), got); diff != "" {
				t.Errorf("the table is another (-want +got):\n%s", diff)
			}
		})
	}
}

// TestM12_CellsTellPaymentsApart is the negative control: a payment of one unit more or less is another row, and
// the row beside it is the same.
func TestM12_CellsTellPaymentsApart(t *testing.T) {
	t.Parallel()
	var played []story
	for _, s := range stories {
		switch s.name() {
		case "under: half", "exact: at once":
			s.pays = []paying{usdt(inTime, s.pays[0].units-1)}
			played = append(played, s)
		case "over: by a tenth":
			played = append(played, s)
		}
	}
	want := golden(t)
	for _, r := range cellsOnSim(t).play(played) {
		same := strings.Contains(want, r.block())
		if changed := r.story.class != "over"; same == changed {
			t.Errorf("%s: in the table is %v, want %v:\n%s", r.story.name(), same, !changed, r.block())
		}
	}
}

func golden(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(cellsFile)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// row is a story and what became of it in each dialect.
type row struct {
	story story
	views []view
}

// view is a cell: what one dialect makes of one story. Each part has any number of lines.
type view struct {
	says  []string // its query's status
	sums  []string // its query's amounts
	told  []string // its webhooks, as they came
	desk  []string // open rows of the exception desk
	books []string // what the accounts hold of it
}

const (
	labelWidth = 8
	cellWidth  = 43
)

// render writes the table.
func render(rows []row) string {
	var text strings.Builder
	fmt.Fprintf(&text, `What payers do, and what the dialects make of it: orders over 100 USD, which is 100 USDT, that end after half
an hour, at apps whose fee is 3 hundredths of a percent. Played on a simulated network and on anvil by
TestM12_Cells; -update writes it anew.

says    the status that the merchant reads
sums    the amounts beside it
told    the webhooks, in turn
desk    what waits at the exception desk, and why
books   what the accounts hold of it
`)
	for _, r := range rows {
		text.WriteString("\n" + r.block())
	}
	return text.String()
}

// block writes one row.
func (r row) block() string {
	var text strings.Builder
	paid := []string{"nothing"}
	if len(r.story.pays) > 0 {
		paid = nil
	}
	for i, p := range r.story.pays {
		paid = append(paid, fmt.Sprintf("%s %s %s (tx%d)", amountText(p.units, p.token), p.token, moments[p.when], i+1))
	}
	asked := "in time"
	if r.story.over {
		asked = "when the time is over"
	}
	fmt.Fprintf(&text, "%s: %s\npaid    %s; looked at %s\n", strings.ToUpper(r.story.class), r.story.title, strings.Join(paid, ", "), asked)
	var names []string
	for _, d := range dialects {
		names = append(names, d.title)
	}
	line(&text, "", names)
	parts := []struct {
		label string
		of    func(view) []string
	}{
		{"says", func(v view) []string { return v.says }},
		{"sums", func(v view) []string { return v.sums }},
		{"told", func(v view) []string { return v.told }},
		{"desk", func(v view) []string { return v.desk }},
		{"books", func(v view) []string { return v.books }},
	}
	for _, part := range parts {
		for n, label := 0, part.label; ; n, label = n+1, "" {
			cells, some := make([]string, len(r.views)), false
			for i, v := range r.views {
				if lines := part.of(v); n < len(lines) {
					cells[i], some = lines[n], true
				} else if n == 0 {
					cells[i] = "-"
				}
			}
			if !some && n > 0 {
				break
			}
			line(&text, label, cells)
		}
	}
	return text.String()
}

// line writes one line of a row: what it is about, and a cell for each dialect.
func line(text *strings.Builder, label string, cells []string) {
	out := fmt.Sprintf("%-*s", labelWidth, label)
	for _, cell := range cells {
		out += fmt.Sprintf("%-*s", cellWidth, cell)
	}
	text.WriteString(strings.TrimRight(out, " ") + "\n")
}

// amountText writes an amount as people read it. A token that nobody lists has units alone.
func amountText(units uint64, token string) string {
	if token == notListed {
		return fmt.Sprint(units)
	}
	text := fmt.Sprintf("%d.%06d", units/1_000_000, units%1_000_000)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}
