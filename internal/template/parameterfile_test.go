package template_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/template"
)

// TestParseParameters reads values of the command line, and files in each form that tools of AWS have.
func TestParseParameters(t *testing.T) {
	t.Parallel()
	want := map[string]string{"Stage": "prod", "Size": "3", "Hosts": "a,b", "Url": "http://x/?a=b"}
	for name, text := range map[string]string{
		"CLI":          `[{"ParameterKey": "Stage", "ParameterValue": "prod"}, {"ParameterKey": "Size", "ParameterValue": "3"}, {"ParameterKey": "Hosts", "ParameterValue": "a,b"}]`,
		"deploy":       `["Stage=prod", "Size=3", "Hosts=a,b"]`,
		"CodePipeline": `{"Parameters": {"Stage": "prod", "Size": "3", "Hosts": "a,b"}, "Tags": {"a": "b"}}`,
		"Amplify":      `{"Stage": "prod", "Size": 3, "Hosts": ["a", "b"]}`,
	} {
		got, err := template.ParseParameters([]string{"Stage=dev", "@" + write(t, "p.json", text), "Url=http://x/?a=b"})
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
	for arg, want := range map[string]string{
		"Stage": `"Stage" is not NAME=VALUE`, "=x": `"" is not NAME=VALUE`, "@gone.json": "gone.json",
		"@" + write(t, "p.json", `[1]`):         "item 0 must have ParameterKey",
		"@" + write(t, "p.json", `{"a": {}}`):   "a must be a text",
		"@" + write(t, "p.json", `{"a": null}`): "a must be a text",
		"@" + write(t, "p.json", `hello`):       "must be a JSON list or object",
	} {
		if _, err := template.ParseParameters([]string{arg}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", arg, err, want)
		}
	}
}
