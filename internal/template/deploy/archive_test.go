package deploy_test

import (
	"archive/zip"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"cognate/internal/server"
	"cognate/test/patience"
	"cognate/test/serving"
)

const archived = `
Transform: AWS::Serverless-2016-10-31
Resources:
  Refuse:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: code.zip, Handler: src/app.handler, Runtime: python3.13}
  Pool:
    Type: AWS::Cognito::UserPool
    Properties: {UserPoolName: shop, LambdaConfig: {PreSignUp: !GetAtt Refuse.Arn}}
  Web:
    Type: AWS::Cognito::UserPoolClient
    Properties: {ClientName: web, UserPoolId: !Ref Pool}
`

// archive writes the archive of a function. Names that end with a slash are folders, and those that begin
// with > are links.
func archive(t *testing.T, file string, entries map[string]string) {
	t.Helper()
	out, err := os.Create(file + ".new")
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(out)
	for name, text := range entries {
		h := &zip.FileHeader{Name: strings.TrimPrefix(name, ">")}
		if h.SetMode(0o600); strings.HasPrefix(name, ">") {
			h.SetMode(fs.ModeSymlink | 0o777)
		}
		w, err := z.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

func refusing(text string) map[string]string {
	return map[string]string{"src/app.py": "def handler(event, context):\n    raise Exception('" + text + "')\n"}
}

// TestArchive runs a function of an archive, and its successor when the archive has changed.
func TestArchive(t *testing.T) {
	t.Parallel()
	c := serving.Dev(t)
	c.Template = templateFile(t, archived)
	code := filepath.Join(filepath.Dir(c.Template), "code.zip")
	archive(t, code, refusing("the first"))
	r := start(t, c)
	web := client(t, r.sdk, pool(t, r.sdk, "shop"), "web")
	up := func(want string) {
		t.Helper()
		_, err := r.sdk.SignUp(t.Context(), &cip.SignUpInput{ClientId: web.ClientId, Username: aws.String("alice"), Password: aws.String("Correct-horse-1")})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the function answers %v, want %q", err, want)
		}
	}
	up("the first")
	r.change(strings.Replace(archived, "CodeUri", "CodeUrl", 1), kept)
	up("the first")
	r.change(archived, applied)
	archive(t, code, refusing("the second one"))
	r.await(applied)
	up("the second one")
	patience.Until(t, "only the code of the second archive is left", func() bool {
		r.change(archived, applied) // A change removes code in which no process runs any more.
		folders, err := os.ReadDir(filepath.Join(c.Data, "template"))
		if err != nil {
			t.Fatal(err)
		}
		return len(folders) == 1
	})
	up("the second one")
}

// TestOldCode: a start removes the code that no function uses, and nothing else.
func TestOldCode(t *testing.T) {
	t.Parallel()
	c := serving.Dev(t)
	c.Template = templateFile(t, archived)
	archive(t, filepath.Join(filepath.Dir(c.Template), "code.zip"), refusing("the first"))
	folder := filepath.Join(c.Data, "template")
	names := func() []string {
		t.Helper()
		entries, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, e := range entries {
			out = append(out, e.Name())
		}
		return out
	}
	if err := start(t, c).Close(); err != nil {
		t.Fatal(err)
	}
	used := names()
	for _, name := range []string{"Refuse-0123456789abcdef/src", "unpacking-123", "mine"} {
		if err := os.MkdirAll(filepath.Join(folder, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(folder, "Note-0123456789abcdef"), "a file")
	start(t, c)
	want := append(used, "mine", "Note-0123456789abcdef")
	slices.Sort(want)
	if got := names(); len(used) != 1 || !slices.Equal(got, want) {
		t.Errorf("the folder of code has %v, want %v", got, want)
	}
}

// TestHostileArchive: no file of an archive lies outside of its folder.
func TestHostileArchive(t *testing.T) {
	t.Parallel()
	for name, entries := range map[string]map[string]string{
		"parent": {"../outside.py": "x"}, "absolute": {"/tmp/outside.py": "x"}, "deep": {"src/../../outside.py": "x"}, "link": {">src": "/tmp", "src/app.py": "x"},
	} {
		c := serving.Dev(t)
		c.Template = templateFile(t, archived)
		archive(t, filepath.Join(filepath.Dir(c.Template), "code.zip"), entries)
		s, err := server.Start(t.Context(), c)
		if err == nil {
			_ = s.Close()
			t.Errorf("%s: the archive was accepted", name)
		} else if !strings.Contains(err.Error(), "lies outside of the folder") && !strings.Contains(err.Error(), "is not a regular file") {
			t.Errorf("%s: %v", name, err)
		}
		if found, _ := filepath.Glob(filepath.Join(c.Data, "**", "outside.py")); len(found) > 0 {
			t.Errorf("%s: %v", name, found)
		}
	}
}
