package store

import (
	"strconv"
	"strings"
)

// A dialect holds the differences between the SQL of the two engines.
type dialect struct {
	name     string
	index    int               // of a statement's text
	numbered bool              // placeholders are $1, $2, ... instead of ?
	words    *strings.Replacer // the words in braces
}

var (
	dialectSQLite = &dialect{name: "sqlite", index: 0, words: strings.NewReplacer(
		"{text}", "TEXT", "{int}", "INTEGER", "{blob}", "BLOB",
		"{table}", " STRICT", "{clustered}", " STRICT, WITHOUT ROWID",
		"{for_update}", "", "{for_key_share}", "", "{skip_locked}", "",
		// SQLite looks at the value of a bare parameter here, and compiles the statement again for each other value.
		"{limit}", "(? + 0)",
		"{clock}", "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
	)}
	dialectPostgres = &dialect{name: "postgres", index: 1, numbered: true, words: strings.NewReplacer(
		"{text}", `TEXT COLLATE "C"`, "{int}", "BIGINT", "{blob}", "BYTEA",
		"{table}", "", "{clustered}", "",
		"{for_update}", " FOR UPDATE", "{for_key_share}", " FOR KEY SHARE", "{skip_locked}", " FOR UPDATE SKIP LOCKED",
		"{limit}", "?",
		"{clock}", "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
	)}
)

// sql returns the engine's text of a statement. No statement has a question mark in a literal.
func (d *dialect) sql(text string) string {
	text = d.words.Replace(text)
	if !d.numbered {
		return text
	}
	var b strings.Builder
	n := 0
	for part := range strings.SplitSeq(text, "?") {
		if n > 0 {
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(n))
		}
		b.WriteString(part)
		n++
	}
	return b.String()
}

// A statement is an SQL text with a number, by which each SQLite connection keeps its prepared form.
type statement struct {
	id    int
	text  string
	reads bool
	texts [2]string // by dialect
}

// unprepared is the id of a statement that is run once and not kept.
const unprepared = -1

// registry holds every statement; it is complete once the package's variables are initialized.
var registry []*statement

func prepare(text string) *statement {
	st := &statement{id: len(registry), text: text, reads: strings.HasPrefix(text, "SELECT")}
	for _, d := range []*dialect{dialectSQLite, dialectPostgres} {
		st.texts[d.index] = d.sql(text)
	}
	registry = append(registry, st)
	return st
}
