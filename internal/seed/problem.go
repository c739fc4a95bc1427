package seed

import (
	"go.yaml.in/yaml/v3"

	"cognate/internal/document"
)

// A Problem is one fault of a seed. It quotes no secret.
type Problem = document.Problem

// problems collects the faults of a seed.
type problems struct {
	document.Problems
	source *source
}

// at adds a problem of the field at a path.
func (p *problems) at(path, format string, args ...any) {
	p.Addf(p.source.name, p.source.line(path), path, format, args...)
}

// on adds a problem of a node.
func (p *problems) on(n *yaml.Node, path, format string, args ...any) {
	p.Addf(p.source.name, n.Line, path, format, args...)
}
