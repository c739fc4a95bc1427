package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sort"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// ParseJSON reads JSON into the same tree as YAML. A parser of YAML would refuse some JSON, such as
// indentation by tabs.
func ParseJSON(text []byte) (*yaml.Node, error) {
	p := &jsonParser{dec: json.NewDecoder(bytes.NewReader(text))}
	p.dec.UseNumber()
	for i, b := range text {
		if b == '\n' {
			p.lines = append(p.lines, i)
		}
	}
	n, err := p.value()
	if err == nil {
		if _, err = p.dec.Token(); errors.Is(err, io.EOF) {
			return n, nil
		}
		err = errors.Join(err, errors.New("there is more after the end of the document"))
	}
	return nil, fmt.Errorf("line %d: %w", p.line(), err)
}

type jsonParser struct {
	dec   *json.Decoder
	lines []int // where lines end
	depth int
}

// maxDepth limits how deep values may be nested.
const maxDepth = 1000

// line returns the line of the last token.
func (p *jsonParser) line() int { return 1 + sort.SearchInts(p.lines, int(p.dec.InputOffset())) }

func (p *jsonParser) value() (*yaml.Node, error) {
	t, err := p.dec.Token()
	if err != nil {
		return nil, err
	}
	if p.depth++; p.depth > maxDepth {
		return nil, errors.New("values are nested too deep")
	}
	defer func() { p.depth-- }()
	n := &yaml.Node{Kind: yaml.ScalarNode, Line: p.line()}
	switch t := t.(type) {
	case nil:
		n.Tag = "!!null"
	case bool:
		n.Tag, n.Value = "!!bool", strconv.FormatBool(t)
	case json.Number:
		n.Tag, n.Value = "!!float", t.String()
		if _, err := t.Int64(); err == nil {
			n.Tag = "!!int"
		}
	case string:
		n.Tag, n.Value = "!!str", t
	case json.Delim:
		n.Kind, n.Tag = yaml.MappingNode, "!!map"
		if t == '[' {
			n.Kind, n.Tag = yaml.SequenceNode, "!!seq"
		}
		for p.dec.More() {
			e, err := p.value() // a key, too
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, e)
		}
		_, err := p.dec.Token()
		return n, err
	}
	return n, nil
}
