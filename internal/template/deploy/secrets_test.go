package deploy_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"cognate/internal/server"
	"cognate/test/serving"
)

// TestSecretsAreSealed: neither the database nor the log has the secrets of a template's resources.
func TestSecretsAreSealed(t *testing.T) {
	t.Parallel()
	const providerSecret = "correct-horse-battery-staple"
	c := serving.Dev(t)
	c.Template = wholeTemplate(t)
	text, err := os.ReadFile(c.Template)
	if err != nil {
		t.Fatal(err)
	}
	write(t, c.Template, string(bytes.Replace(text, []byte("client_secret: b\n"), []byte("client_secret: "+providerSecret+"\n"), 1)))
	r := serving.Start(t, c)
	machine := client(t, r.Dev(), wholePool, "whole-Machine-5V2VG4RXSWY2")
	if machine == nil || machine.ClientSecret == nil {
		t.Fatalf("the app client has no secret: %+v", machine)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	files := 0
	err = filepath.WalkDir(c.Data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		files++
		body, err := os.ReadFile(path)
		for _, secret := range []string{providerSecret, *machine.ClientSecret} {
			if bytes.Contains(body, []byte(secret)) {
				t.Errorf("%s has a secret", path)
			}
		}
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("%d files, %v", files, err)
	}
	for _, secret := range []string{providerSecret, *machine.ClientSecret} {
		if bytes.Contains([]byte(r.Log.String()), []byte(secret)) {
			t.Error("the log has a secret")
		}
	}
}

const unspoken = `
Parameters:
  Word: {Type: String, NoEcho: true}
Resources:
  Pool:
    Type: AWS::Cognito::UserPool
    Properties: {UserPoolName: shop}
  Web:
    Type: AWS::Cognito::UserPoolClient
    Properties: {UserPoolId: !Ref Pool, ClientName: !Sub "${Word} web"}
  Group:
    Type: AWS::Cognito::UserPoolGroup
    Properties: {UserPoolId: !Ref Pool, GroupName: GROUP}
Outputs:
  Spoken: {Value: !Sub "a ${Word}"}
`

// TestNoEcho: neither a printed line nor the log quotes the value of a parameter with NoEcho. The files for
// applications have it.
func TestNoEcho(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, c server.Config) {
		const word = "tell-nobody"
		c.Template = templateFile(t, strings.Replace(unspoken, "GROUP", "readers", 1))
		c.TemplateParameter = []string{"Word=" + word}
		c.EnvFile = filepath.Join(filepath.Dir(c.Template), ".env")
		r := start(t, c)
		id := pool(t, r.sdk, "shop")
		if client(t, r.sdk, id, word+" web") == nil {
			t.Error("the app client does not have the value of the parameter")
		}
		if text, err := os.ReadFile(c.EnvFile); err != nil || !bytes.Contains(text, []byte("SPOKEN='a "+word+"'")) {
			t.Errorf("the file of environment variables: %s, %v", text, err)
		}
		// A value that the API's model refuses, and a name that is taken.
		r.change(strings.Replace(unspoken, "GROUP", `!Sub "${Word}\t"`, 1), kept)
		if _, err := r.sdk.CreateGroup(t.Context(), &cip.CreateGroupInput{UserPoolId: &id, GroupName: aws.String(word)}); err != nil {
			t.Fatal(err)
		}
		printed := r.change(strings.Replace(unspoken, "GROUP", "!Ref Word", 1), kept)
		for _, want := range []string{"(**** web)", "output          Spoken = a ****", `Value '****\t' at 'groupName' failed`, "Resources.Group: **** exists already"} {
			if !strings.Contains(printed, want) {
				t.Errorf("%q is not printed:\n%s", want, printed)
			}
		}
		for _, text := range []string{printed, r.Log.String()} {
			if strings.Contains(text, word) {
				t.Errorf("the value is quoted:\n%s", text)
			}
		}
	})
}
