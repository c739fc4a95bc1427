package seed

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A Problem is one fault of a seed. It quotes no secret.
type Problem struct {
	File string
	Line int // 0 if it is not known
	// Field is the path of the field, such as userPools[0].users[3].sub.
	Field string
	Text  string
}

func (p Problem) String() string {
	text := p.File
	if p.Line > 0 {
		text += fmt.Sprintf(":%d", p.Line)
	}
	if p.Field != "" {
		text += ": " + p.Field
	}
	return text + ": " + p.Text
}

const (
	// shown is how many problems an error shows, and maxProblems how many are maxProblems to choose the first from.
	shown       = 20
	maxProblems = 1000
	// longest is the longest text of a problem: it may quote a value of the file.
	longest = 500
)

// problems collects the faults of a file.
type problems struct {
	source *source
	list   []Problem
	more   int // problems that are not in the list
}

// at adds a problem of the field at a path.
func (p *problems) at(path, format string, args ...any) {
	p.add(p.source.line(path), path, fmt.Sprintf(format, args...))
}

// on adds a problem of a node.
func (p *problems) on(n *yaml.Node, path, format string, args ...any) {
	p.add(n.Line, path, fmt.Sprintf(format, args...))
}

func (p *problems) add(line int, path, text string) {
	if len(p.list) >= maxProblems {
		p.more++
		return
	}
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "…"
	}
	p.list = append(p.list, Problem{File: p.source.name, Line: line, Field: path, Text: text})
}

// err returns the problems as one error, in the order of the file; nil if there are none.
func (p *problems) err() error {
	if len(p.list) == 0 {
		return nil
	}
	slices.SortStableFunc(p.list, func(a, b Problem) int { return a.Line - b.Line })
	lines := make([]string, 0, shown+1)
	for i, problem := range p.list {
		if i == shown {
			lines = append(lines, fmt.Sprintf("and %d more", len(p.list)-shown+p.more))
			break
		}
		lines = append(lines, problem.String())
	}
	return errors.New(strings.Join(lines, "\n"))
}
