package template

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"cognate/internal/document"
)

// ParseParameters reads values of parameters: NAME=VALUE, or @FILE with the values of a JSON file. A later
// value replaces an earlier one.
func ParseParameters(args []string) (map[string]string, error) {
	out := map[string]string{}
	for _, arg := range args {
		if file, ok := strings.CutPrefix(arg, "@"); ok {
			if err := readParameters(file, out); err != nil {
				return nil, err
			}
			continue
		}
		if err := addParameter(arg, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func addParameter(arg string, out map[string]string) error {
	name, value, ok := strings.Cut(arg, "=")
	if !ok || name == "" {
		return fmt.Errorf("%q is not NAME=VALUE and not @FILE", name) // The rest may be a secret.
	}
	out[name] = value
	return nil
}

// readParameters reads a file as the AWS CLI takes it: a list of ParameterKey and ParameterValue or of texts
// NAME=VALUE, or an object of names and values, as CodePipeline and Amplify write it.
func readParameters(file string, out map[string]string) error {
	text, err := document.ReadFile(file, "file of parameters", maxFile>>20)
	if err != nil {
		return err
	}
	bad := func(what string) error { return fmt.Errorf("%s: %s", file, what) }
	if text = bytes.TrimSpace(text); len(text) > 0 && text[0] == '[' {
		var list []json.RawMessage
		if err := json.Unmarshal(text, &list); err != nil {
			return bad(err.Error())
		}
		for i, item := range list {
			var pair struct{ ParameterKey, ParameterValue string }
			var arg string
			switch {
			case json.Unmarshal(item, &arg) == nil:
				if err := addParameter(arg, out); err != nil {
					return bad(err.Error())
				}
			case json.Unmarshal(item, &pair) == nil && pair.ParameterKey != "":
				out[pair.ParameterKey] = pair.ParameterValue
			default:
				return bad(fmt.Sprintf("item %d must have ParameterKey and ParameterValue, both texts", i))
			}
		}
		return nil
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(text, &values); err != nil {
		return bad("must be a JSON list or object: " + err.Error())
	}
	if inner, ok := values["Parameters"]; ok && len(bytes.TrimSpace(inner)) > 0 && bytes.TrimSpace(inner)[0] == '{' {
		values = nil
		if err := json.Unmarshal(inner, &values); err != nil {
			return bad(err.Error())
		}
	}
	for name, raw := range values {
		value, ok := parameterText(raw)
		if !ok {
			return bad(fmt.Sprintf("%s must be a text, a number, true, false or a list of texts", name))
		}
		out[name] = value
	}
	return nil
}

// parameterText returns a value as a text, a list with commas.
func parameterText(raw json.RawMessage) (string, bool) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return "", false
	}
	list, ok := v.([]any)
	if !ok {
		return textOf(v)
	}
	parts := make([]string, 0, len(list))
	for _, item := range list {
		text, ok := textOf(item)
		if !ok {
			return "", false
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ","), true
}
