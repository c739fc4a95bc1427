// Package document reads files that people write, JSON or YAML, as trees whose nodes have
// lines. It collects the problems of such files, and shows the first of them.
package document

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Parse reads one document: JSON if it begins with a brace, else YAML. It returns nil if the text has no
// document. It does not follow aliases.
func Parse(text []byte) (*yaml.Node, error) {
	if !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0 {
		return nil, errors.New("the file is not a text of UTF-8")
	}
	if IsJSON(text) {
		return ParseJSON(text)
	}
	return parseYAML(text)
}

// IsJSON reports whether Parse reads a text as JSON.
func IsJSON(text []byte) bool {
	trimmed := bytes.TrimSpace(text)
	return len(trimmed) > 0 && trimmed[0] == '{'
}

func parseYAML(text []byte) (*yaml.Node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc, second yaml.Node
	err := dec.Decode(&doc)
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, errors.New("the file must have one document; delete the line --- and what follows it")
	}
	root := doc.Content[0]
	if line := tooDeep(root, 0); line > 0 {
		return nil, fmt.Errorf("line %d: values are nested too deep", line)
	}
	return root, nil
}

// tooDeep returns the line of a node that is nested too deep, or 0.
func tooDeep(n *yaml.Node, depth int) int {
	if depth > maxDepth {
		return n.Line
	}
	for _, e := range n.Content {
		if line := tooDeep(e, depth+1); line > 0 {
			return line
		}
	}
	return 0
}
