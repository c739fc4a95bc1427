package template_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cognate/internal/template"
)

// TestToolTemplates reads templates as SAM's users write them, and as CDK and Amplify do.
func TestToolTemplates(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		file, stack string
		options     template.Options
		pool        string            // the path of the user pool
		triggers    map[string]string // the attribute of a function, for each trigger
		code        map[string]string // a file of the code of a function
		count       int               // of resources
		files       int               // that were read
	}{
		{
			file: "testdata/sam/template.yaml", stack: "sam", pool: "UserPool", count: 14, files: 1,
			triggers: map[string]string{"PreSignUp": "att-PreSignUp-Arn", "PreTokenGeneration": "att-Claims-Arn"},
			code:     map[string]string{"PreSignUp": "index.mjs", "Claims": "app.py"},
		},
		{
			file: "testdata/cdk/cdk.out", stack: "Shop", pool: "PoolD3F588B8", count: 17, files: 2,
			triggers: map[string]string{"PreSignUp": "att-PreSignUp1C2BA29E-Arn"},
			code:     map[string]string{"PreSignUp1C2BA29E": "index.mjs"},
		},
		{
			file: "testdata/amplify/cdk.out", stack: "amplify-shop-dev-sandbox-83ea8920a8", pool: "auth179371D7/amplifyAuthUserPool4BA7F805", count: 22, files: 5,
			triggers: map[string]string{"PreSignUp": "att-function1351588B/presignuplambda88F2702A-Arn"},
			code:     map[string]string{"function1351588B/presignuplambda88F2702A": "index.mjs"},
		},
	} {
		t.Run(test.stack, func(t *testing.T) {
			t.Parallel()
			tmpl, err := template.Read(test.file, test.options)
			if err != nil {
				t.Fatal(err)
			}
			if tmpl.StackName() != test.stack || len(tmpl.Resources()) != test.count || len(tmpl.Notes()) > 0 {
				t.Errorf("stack %s with %d resources, %v", tmpl.StackName(), len(tmpl.Resources()), tmpl.Notes())
			}
			if got := len(tmpl.Files()); got != test.files {
				t.Errorf("%d files were read: %v", got, tmpl.Files())
			}
			before := map[string]bool{}
			for _, r := range tmpl.Resources() {
				if properties(t, tmpl, r.Path) == nil {
					t.Errorf("%s has no properties", r.Path)
				}
				for _, used := range r.Uses {
					if !before[used] {
						t.Errorf("%s is before %s, which it uses", r.Path, used)
					}
				}
				before[r.Path] = true
			}
			config, _ := properties(t, tmpl, test.pool)["LambdaConfig"].(map[string]any)
			for trigger, want := range test.triggers {
				if config[trigger] != want {
					t.Errorf("trigger %s is %v, want %s", trigger, config[trigger], want)
				}
			}
			for path, name := range test.code {
				if _, err := os.Stat(filepath.Join(resource(t, tmpl, path).Asset, name)); err != nil {
					t.Error(err)
				}
			}
			outputs, err := tmpl.Outputs(made(tmpl))
			if err != nil {
				t.Error(err)
			}
			for _, o := range outputs {
				if strings.EqualFold(o.Name, "userPoolId") && o.Value != "ref-"+test.pool {
					t.Errorf("output %s is %s", o.Name, o.Value)
				}
			}
		})
	}
	prod, err := template.Read("testdata/sam/template.yaml", template.Options{Parameters: map[string]string{"Stage": "prod"}})
	if err != nil {
		t.Fatal(err)
	}
	if p := properties(t, prod, "UserPool"); p["MfaConfiguration"] != "OPTIONAL" || p["EnabledMfas"] == nil || p["UserPoolName"] != "shop-prod" {
		t.Errorf("with the stage prod: %v", p)
	}
}
