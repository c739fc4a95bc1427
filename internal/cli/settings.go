package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"

	"cognate/internal/spelling"
)

// sources is kong's resolver for settings that are not on the command line. It looks first
// in the environment, then in the configuration file.
type sources struct {
	env  func(string) (string, bool)
	path string
	file map[string]any
	line map[string]int // where the file has each name
}

// envPrefix begins the name of every variable.
const envPrefix = "COGNATE_"

// envName returns the name of a flag's variable.
func envName(flag string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// newSources reads the configuration file that args or the environment name, if any.
func newSources(args []string, env func(string) (string, bool)) (*sources, error) {
	s := &sources{env: env}
	s.path = configPath(args, env)
	if s.path == "" {
		return s, nil
	}
	text, err := os.ReadFile(s.path)
	if err != nil {
		return nil, fmt.Errorf("configuration file: %w", err)
	}
	if s.file, s.line, err = readConfigFile(text); err != nil {
		return nil, fmt.Errorf("configuration file %s: %w", s.path, err)
	}
	return s, nil
}

// configPath returns the configuration file. It reads --config before the arguments are
// parsed, since the parser needs the file.
func configPath(args []string, env func(string) (string, bool)) string {
	for i, a := range args {
		if a == "--" {
			break
		}
		if a == "--config" && i+1 < len(args) {
			return args[i+1]
		}
		if path, ok := strings.CutPrefix(a, "--config="); ok {
			return path
		}
	}
	path, _ := env(envName("config"))
	return path
}

// readConfigFile reads a YAML mapping of scalars and lists of scalars, with the line of each
// name. The parser itself rejects duplicate names.
func readConfigFile(text []byte) (values map[string]any, lines map[string]int, err error) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var document yaml.Node
	if err := dec.Decode(&document); errors.Is(err, io.EOF) {
		return nil, nil, nil
	} else if err != nil {
		return nil, nil, err
	}
	if err := dec.Decode(new(any)); !errors.Is(err, io.EOF) {
		return nil, nil, errors.New("must hold one document")
	}
	if err := document.Decode(&values); err != nil {
		return nil, nil, err
	}
	lines = map[string]int{}
	if mapping := document.Content[0]; mapping.Kind == yaml.MappingNode {
		for i := 0; i < len(mapping.Content); i += 2 {
			lines[mapping.Content[i].Value] = mapping.Content[i].Line
		}
	}
	for name, v := range values {
		s, err := settingText(v)
		if err != nil {
			return nil, nil, fmt.Errorf("line %d: %s: %w", lines[name], name, err)
		}
		values[name] = s
	}
	return values, lines, nil
}

// settingText returns a value as the text of a flag.
func settingText(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case bool, int, int64, uint64, float64:
		return fmt.Sprint(v), nil
	case []any:
		parts := make([]string, 0, len(v))
		for _, e := range v {
			s, ok := e.(string)
			if !ok {
				return "", errors.New("must be a list of strings")
			}
			parts = append(parts, s)
		}
		return strings.Join(parts, ","), nil
	}
	return "", errors.New("must be a scalar or a list of strings")
}

// Validate rejects unknown names in the file and in the environment.
func (s *sources) Validate(app *kong.Application) error {
	var known []string
	for _, f := range app.Flags {
		if f.Name != "help" && f.Name != "config" {
			known = append(known, f.Name)
		}
	}
	var unknown []error
	for _, name := range slices.SortedFunc(maps.Keys(s.file), func(a, b string) int { return s.line[a] - s.line[b] }) {
		if !slices.Contains(known, name) {
			unknown = append(unknown, fmt.Errorf("configuration file %s: line %d: no such setting: %s%s", s.path, s.line[name], name, spelling.Meant(name, known)))
		}
	}
	return errors.Join(unknown...)
}

// Resolve returns a flag's text, or nil to leave its default.
func (s *sources) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if flag.Name == "help" {
		return nil, nil
	}
	if v, ok := s.env(envName(flag.Name)); ok {
		return v, nil
	}
	if v, ok := s.file[flag.Name]; ok {
		return v, nil
	}
	return nil, nil
}
