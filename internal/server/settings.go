package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// sources finds settings that the command line does not give: first in the
// environment, then in the configuration file. It is kong's resolver.
type sources struct {
	env  func(string) (string, bool)
	path string
	file map[string]any
}

// envPrefix begins the name of every variable.
const envPrefix = "COGNATE_"

// envName is the environment's name for a flag.
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
	if s.file, err = readConfigFile(text); err != nil {
		return nil, fmt.Errorf("configuration file %s: %w", s.path, err)
	}
	return s, nil
}

// configPath looks for --config before the arguments are parsed: the parser
// needs the file.
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

// readConfigFile reads one YAML mapping of scalars and lists of scalars. A key
// that is there twice is yaml's own error.
func readConfigFile(text []byte) (map[string]any, error) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var values map[string]any
	if err := dec.Decode(&values); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if err := dec.Decode(new(any)); !errors.Is(err, io.EOF) {
		return nil, errors.New("must hold one document")
	}
	for name, v := range values {
		s, err := settingText(v)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		values[name] = s
	}
	return values, nil
}

// settingText gives a value as the flag's text would be.
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

// Validate refuses names that are no setting, in the file and in the environment.
func (s *sources) Validate(app *kong.Application) error {
	known := map[string]bool{}
	for _, f := range app.Flags {
		known[f.Name] = true
	}
	delete(known, "help")
	var unknown []string
	for name := range s.file {
		if !known[name] || name == "config" {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		return fmt.Errorf("configuration file %s: no such setting: %s", s.path, strings.Join(unknown, ", "))
	}
	return nil
}

// Resolve gives a flag's text, or nil to leave its default.
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
