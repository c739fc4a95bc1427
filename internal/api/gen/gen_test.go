package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCurrent fails where the committed code is not what the tables give.
func TestCurrent(t *testing.T) {
	t.Parallel()
	for _, s := range services {
		t.Run(s.Package, func(t *testing.T) {
			t.Parallel()
			files, err := generate(filepath.Join("..", "tables", s.Table+".json"), s.Package)
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range files {
				got, err := os.ReadFile(filepath.Join("..", s.Package, name))
				if err != nil {
					t.Fatal(err)
				}
				if string(got) != string(want) {
					t.Errorf("%s/%s is out of date: run go generate ./internal/api", s.Package, name)
				}
			}
			entries, err := os.ReadDir(filepath.Join("..", s.Package))
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				if files[e.Name()] == nil && filepath.Ext(e.Name()) == ".go" && !isTest(e.Name()) {
					t.Errorf("%s/%s is not generated", s.Package, e.Name())
				}
			}
		})
	}
}

func isTest(name string) bool { return len(name) > 8 && name[len(name)-8:] == "_test.go" }

func TestCounts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		table      string
		operations int
	}{{"cognito-idp", 140}, {"cognito-identity", 23}, {"sts", 11}, {"iam", 94}, {"cloudtrail", 1}}
	for _, tt := range tests {
		t.Run(tt.table, func(t *testing.T) {
			t.Parallel()
			m, err := load(filepath.Join("..", "tables", tt.table+".json"), "p")
			if err != nil {
				t.Fatal(err)
			}
			if len(m.Operations) != tt.operations {
				t.Errorf("%d operations", len(m.Operations))
			}
		})
	}
}

func TestFromJava(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, java, want string }{
		{"white space in a class", `[\w\s]+`, `[\w\t-\r ]+`},
		{"white space", `\s`, `[\t-\r ]`},
		{"no white space", `[\S]+`, `[\x00-\x08\x0E-\x1F\x21-\x{10FFFF}]+`},
		{"dot", `.*\.`, `[^\n\r\x{85}\x{2028}\x{2029}]*\.`},
		{"dot in a class", `[.]`, `[.]`},
		{"any dot", `(?s).*`, `(?s).*`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, fromJava(tt.java)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEnumConst(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, shape, value, want string }{
		{"upper case", "UserStatusType", "FORCE_CHANGE_PASSWORD", "UserStatusTypeForceChangePassword"},
		{"lower case", "OAuthFlowType", "client_credentials", "OAuthFlowTypeClientCredentials"},
		{"mixed", "ProviderType", "SignInWithApple", "ProviderTypeSignInWithApple"},
		{"version", "VersionType", "V1_0", "VersionTypeV10"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := enumConst(tt.shape, tt.value); got != tt.want {
				t.Errorf("enumConst = %s, want %s", got, tt.want)
			}
		})
	}
}
