package main

import (
	"fmt"
	"regexp"
	"strings"
)

// sqliteTypes has every column type a schema may use, and what it is in a STRICT table.
var sqliteTypes = map[string]string{"TEXT": "TEXT", "BIGINT": "INTEGER", "BOOLEAN": "INTEGER", "BYTEA": "BLOB"}

// otherTypes are refused: they do not exist in both engines, or they hold different things there.
var otherTypes = wordSet(`INT INTEGER SMALLINT INT2 INT4 INT8 SERIAL BIGSERIAL SMALLSERIAL NUMERIC DECIMAL REAL FLOAT
	FLOAT4 FLOAT8 DOUBLE MONEY BOOL CHAR CHARACTER VARCHAR CITEXT UUID JSON JSONB DATE TIME TIMETZ TIMESTAMP TIMESTAMPTZ
	INTERVAL INET CIDR BIT BLOB`)

// token splits SQL into the pieces that are left alone (comments, strings, white space) and those that are looked at
// (COLLATE "C", words, single signs).
var token = regexp.MustCompile(`--[^\n]*|'(?:[^']|'')*'|[ \t]*(?i:COLLATE)[ \t]+"C"|"[^"]*"|\n|[ \t\r]+|::|\$\$|[A-Za-z_][A-Za-z0-9_]*|.`)

// convert rewrites PostgreSQL statements for SQLite. It fails on what would not mean the same there.
func convert(postgres string) (string, error) {
	var out strings.Builder
	var table tableState
	line := 1
	for _, t := range token.FindAllString(postgres, -1) {
		upper := strings.ToUpper(t)
		switch {
		case isComment(t), t[0] == '\'', isCollate(upper), strings.TrimSpace(t) == "":
		case t == "::", t == "$$":
			return "", fmt.Errorf("line %d: %s is PostgreSQL's alone", line, t)
		case otherTypes[upper]:
			return "", fmt.Errorf("line %d: %s does not mean the same on both: write TEXT, BIGINT, BOOLEAN or BYTEA", line, t)
		}
		line += strings.Count(t, "\n")
		switch {
		case isCollate(upper):
			continue
		case sqliteTypes[upper] != "":
			out.WriteString(sqliteTypes[upper])
		default:
			out.WriteString(t)
		}
		if table.closedBy(upper) {
			out.WriteString(" STRICT")
		}
	}
	return out.String(), nil
}

// tableState follows one statement: is it a CREATE TABLE, and how deep in its parentheses are we?
type tableState struct {
	words []string // the first two words of the statement
	depth int
}

// closedBy reports whether t is the parenthesis that ends the column list of a CREATE TABLE.
func (s *tableState) closedBy(t string) bool {
	switch {
	case isComment(t), strings.TrimSpace(t) == "":
	case t == ";":
		*s = tableState{}
	case t == "(":
		s.depth++
	case t == ")":
		s.depth--
		return s.depth == 0 && len(s.words) == 2 && s.words[0] == "CREATE" && s.words[1] == "TABLE"
	case len(s.words) < 2:
		s.words = append(s.words, t)
	}
	return false
}

func isComment(t string) bool { return strings.HasPrefix(t, "--") }
func isCollate(upper string) bool {
	return strings.HasPrefix(strings.TrimSpace(upper), "COLLATE") && strings.HasSuffix(upper, `"C"`)
}

func wordSet(words string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(words) {
		set[w] = true
	}
	return set
}
