package document

import (
	"fmt"
	"slices"
	"strings"
)

// A Problem is one fault of a file. It quotes no secret.
type Problem struct {
	File string
	Line int // 0 if it is not known
	// Field is the path of the field, such as userPools[0].users[3].sub.
	Field string
	Text  string
}

// String returns the problem as one line that a terminal can show.
func (p Problem) String() string {
	text := p.File
	if p.Line > 0 {
		text += fmt.Sprintf(":%d", p.Line)
	}
	if p.Field != "" {
		text += ": " + p.Field
	}
	return Printable(text + ": " + p.Text)
}

const (
	// shown is how many problems an error shows, and maxProblems how many are kept to choose the first from.
	shown       = 20
	maxProblems = 1000
	// longest is the longest text of a problem: it may quote a value of the file.
	longest = 500
)

// Problems collects the faults of files. The zero value has no problem.
type Problems struct {
	// Mask removes secrets from a text. It may be nil.
	Mask func(string) string

	list []Problem
	seen map[Problem]bool
	more int // problems that are not in the list
}

// Add adds a problem, unless it is there.
func (p *Problems) Add(problem Problem) {
	if p.Mask != nil { // before a secret loses its end
		problem.Text, problem.Field = p.Mask(problem.Text), p.Mask(problem.Field)
	}
	problem.Text = shorten(problem.Text, longest)
	problem.Field = shorten(problem.Field, longest)
	if p.seen[problem] {
		return
	}
	if len(p.list) >= maxProblems {
		p.more++
		return
	}
	if p.seen == nil {
		p.seen = map[Problem]bool{}
	}
	p.seen[problem] = true
	p.list = append(p.list, problem)
}

// Addf adds a problem.
func (p *Problems) Addf(file string, line int, field, format string, args ...any) {
	p.Add(Problem{File: file, Line: line, Field: field, Text: fmt.Sprintf(format, args...)})
}

func shorten(text string, most int) string {
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// Len returns how many problems there are.
func (p *Problems) Len() int { return len(p.list) + p.more }

// List returns the problems as they came. It does not return those above the limit.
func (p *Problems) List() []Problem { return p.list }

// Err returns the problems as an *Error; nil if there is no problem.
func (p *Problems) Err() error {
	if len(p.list) == 0 {
		return nil
	}
	var files []string // in the order of their first problem
	for _, problem := range p.list {
		if !slices.Contains(files, problem.File) {
			files = append(files, problem.File)
		}
	}
	list := slices.Clone(p.list)
	slices.SortStableFunc(list, func(a, b Problem) int {
		if a.File != b.File {
			return slices.Index(files, a.File) - slices.Index(files, b.File)
		}
		return a.Line - b.Line
	})
	return &Error{Problems: list, more: p.more}
}

// An Error has the problems of files: by file, and by line within a file.
type Error struct {
	Problems []Problem
	more     int
}

// Error shows the first problems, each on its line.
func (e *Error) Error() string {
	lines := make([]string, 0, shown+1)
	for i, problem := range e.Problems {
		if i == shown {
			lines = append(lines, fmt.Sprintf("and %d more", len(e.Problems)-shown+e.more))
			break
		}
		lines = append(lines, problem.String())
	}
	return strings.Join(lines, "\n")
}
