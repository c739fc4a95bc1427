package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"unicode"
)

// model is an interface table.
type model struct {
	Service      string                `json:"service"`
	Protocol     string                `json:"protocol"`
	APIVersion   string                `json:"apiVersion"`
	TargetPrefix string                `json:"targetPrefix"`
	SigningName  string                `json:"signingName"`
	XMLNamespace any                   `json:"xmlNamespace"`
	Operations   map[string]*operation `json:"operations"`
	Shapes       map[string]*shape     `json:"shapes"`

	Package string `json:"-"`
	// inputs, outputs and structs are the structures reached from operations, sorted.
	inputs, outputs, structs []string
	// constrained are the structures whose members can break a constraint.
	constrained map[string]bool
	// secret are the structures that hold something sensitive, at any depth.
	secret map[string]bool
}

type operation struct {
	Name          string   `json:"-"`
	Auth          string   `json:"auth"`
	Input         string   `json:"input"`
	Output        string   `json:"output"`
	Errors        []string `json:"errors"`
	ResultWrapper string   `json:"resultWrapper"`
	Paginated     *struct {
		InputToken  string `json:"input_token"`
		OutputToken string `json:"output_token"`
		LimitKey    string `json:"limit_key"`
		ResultKey   string `json:"result_key"`
	} `json:"paginated"`
}

type shape struct {
	Name           string   `json:"-"`
	Type           string   `json:"type"`
	Members        members  `json:"members"`
	Required       []string `json:"required"`
	Member         string   `json:"member"`
	Key            string   `json:"key"`
	Value          string   `json:"value"`
	Min            *int64   `json:"min"`
	Max            *int64   `json:"max"`
	Pattern        string   `json:"pattern"`
	GoPattern      string   `json:"goPattern"`
	Enum           []string `json:"enum"`
	EnumDocumented []string `json:"enumDocumented"`
	Sensitive      bool     `json:"sensitive"`
	Exception      bool     `json:"exception"`
	Fault          bool     `json:"fault"`
	Document       bool     `json:"document"`
	Unconfirmed    bool     `json:"unconfirmed"`
	Error          *struct {
		Code   string `json:"code"`
		Status int    `json:"httpStatusCode"`
	} `json:"error"`
}

type member struct {
	Name        string // on the wire
	Index       int
	Required    bool
	Shape       string `json:"shape"`
	Unconfirmed bool   `json:"unconfirmed"`
}

// members keeps the model's order, which encoding/json's maps would lose.
type members []*member

func (m *members) UnmarshalJSON(b []byte) error {
	var byName map[string]*member
	if err := json.Unmarshal(b, &byName); err != nil {
		return err
	}
	dec := json.NewDecoder(strings.NewReader(string(b)))
	depth := 0
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch t := tok.(type) {
		case json.Delim:
			if t == '{' || t == '[' {
				depth++
			} else {
				depth--
			}
		case string:
			if depth == 1 {
				byName[t].Name, byName[t].Index = t, len(*m)
				*m = append(*m, byName[t])
			}
		}
	}
}

// goName is a member's or shape's name as an exported Go identifier.
func goName(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// pathName is a member's name in the path of a violation.
func (m *member) pathName() string { return strings.ToLower(m.Name[:1]) + m.Name[1:] }

// loosePatterns are shapes whose published pattern the real service does not
// hold requests to. DomainType's has no dots, yet a custom domain is a whole
// host name: the service checks prefixes itself.
var loosePatterns = []string{"idp.DomainType"}

func load(file, pkg string) (*model, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	m := &model{Package: pkg, constrained: map[string]bool{}, secret: map[string]bool{}}
	if err := json.Unmarshal(raw, m); err != nil {
		return nil, err
	}
	for name, s := range m.Shapes {
		s.Name = name
		if slices.Contains(loosePatterns, pkg+"."+name) {
			s.Pattern = ""
		}
		if len(s.Members) > 64 {
			return nil, fmt.Errorf("%s has more members than a uint64 has bits", name)
		}
		for _, mem := range s.Members {
			mem.Required = slices.Contains(s.Required, mem.Name)
			if m.Shapes[mem.Shape] == nil {
				return nil, fmt.Errorf("%s.%s: no shape %s", name, mem.Name, mem.Shape)
			}
		}
	}
	for name, op := range m.Operations {
		op.Name = name
	}
	m.reach()
	return m, nil
}

// reach finds which structures are read, which are written and which exist.
func (m *model) reach() {
	in, out := map[string]bool{}, map[string]bool{}
	for _, op := range m.Operations {
		m.walk(op.Input, in)
		if op.Output != "" {
			m.walk(op.Output, out)
		}
	}
	all := maps.Clone(in)
	maps.Copy(all, out)
	m.inputs, m.outputs, m.structs = slices.Sorted(maps.Keys(in)), slices.Sorted(maps.Keys(out)), slices.Sorted(maps.Keys(all))
	for _, name := range m.structs {
		m.secret[name] = m.holdsSecret(name)
		for _, mem := range m.Shapes[name].Members {
			if mem.Required || m.checked(mem) {
				m.constrained[name] = true
			}
		}
	}
}

func (m *model) walk(name string, into map[string]bool) {
	s := m.Shapes[name]
	switch s.Type {
	case "structure":
		if s.Document || into[name] {
			return
		}
		into[name] = true
		for _, mem := range s.Members {
			m.walk(mem.Shape, into)
		}
	case "list":
		m.walk(s.Member, into)
	case "map":
		m.walk(s.Value, into)
	}
}

// providerDetails is the shape of maps with a client_secret or a private_key. The model does
// not mark it as sensitive.
const providerDetails = "ProviderDetailsType"

func (m *model) holdsSecret(name string) bool {
	s := m.Shapes[name]
	if s.Sensitive || name == providerDetails {
		return true
	}
	switch s.Type {
	case "structure":
		return slices.ContainsFunc(s.Members, func(mem *member) bool { return m.holdsSecret(mem.Shape) })
	case "list":
		return m.holdsSecret(s.Member)
	case "map":
		return m.holdsSecret(s.Key) || m.holdsSecret(s.Value)
	}
	return false
}

// ruled reports whether a shape by itself demands something of its values.
// Unconfirmed constraints are not enforced.
func (s *shape) ruled() bool {
	return !s.Unconfirmed && (s.Min != nil || s.Max != nil || s.Pattern != "" || s.Enum != nil)
}

// checked reports whether a member's value needs a check of its own.
func (m *model) checked(mem *member) bool {
	s := m.Shapes[mem.Shape]
	if mem.Unconfirmed {
		return false
	}
	switch s.Type {
	case "list":
		return s.ruled() || m.scalarRuled(s.Member)
	case "map":
		return s.ruled() || m.scalarRuled(s.Key) || m.scalarRuled(s.Value)
	case "structure":
		return false
	}
	return s.ruled()
}

func (m *model) scalarRuled(name string) bool {
	s := m.Shapes[name]
	return s.Type == "string" && s.ruled()
}

// enumConst is the name of an enum value's constant.
func enumConst(shape, value string) string {
	var b strings.Builder
	b.WriteString(goName(shape))
	for part := range strings.FieldsFuncSeq(value, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if part == strings.ToUpper(part) {
			part = strings.ToLower(part)
		}
		b.WriteString(goName(part))
	}
	return b.String()
}

// goType is the Go type of a shape where it stands in a list or a map.
func (m *model) goType(name string) string {
	s := m.Shapes[name]
	switch s.Type {
	case "string":
		if s.Enum != nil {
			return goName(name)
		}
		return "string"
	case "integer":
		return "int32"
	case "long":
		return "int64"
	case "boolean":
		return "bool"
	case "timestamp":
		return "time.Time"
	case "blob":
		return "[]byte"
	case "list":
		return "[]" + m.goType(s.Member)
	case "map":
		return "map[string]" + m.goType(s.Value)
	case "structure":
		if s.Document {
			return "json.RawMessage"
		}
		return goName(name)
	}
	panic("no Go type for " + name + " of type " + s.Type)
}

// fieldType is the Go type of a structure's field.
func (m *model) fieldType(mem *member) string {
	t := m.goType(mem.Shape)
	switch s := m.Shapes[mem.Shape]; s.Type {
	case "structure":
		if !s.Document {
			return "*" + t
		}
	case "string", "integer", "long", "boolean":
		if !mem.Required && s.Enum == nil {
			return "*" + t
		}
	}
	return t
}

func (m *model) sortedOperations() []*operation {
	return slices.SortedFunc(maps.Values(m.Operations), func(a, b *operation) int { return strings.Compare(a.Name, b.Name) })
}

func (m *model) exceptions() []*shape {
	var list []*shape
	for _, s := range m.Shapes {
		if s.Exception {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b *shape) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// code is an exception's name on the wire.
func (s *shape) code() string {
	if s.Error != nil && s.Error.Code != "" {
		return s.Error.Code
	}
	return s.Name
}
