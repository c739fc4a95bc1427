package faults_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"cognate/internal/server"
	"cognate/test/patience"
	"cognate/test/pgtest"
)

// halting is a template whose function, which is called in the middle of the deployment, does not answer
// as long as there is a file halt.
const halting = `
Resources:
  Halt:
    Type: AWS::Lambda::Function
    Properties:
      Runtime: python3.13
      Handler: index.handler
      Code:
        ZipFile: |
          import os, time
          def handler(event, context):
              while os.path.exists(os.environ["HALT"]):
                  open(os.environ["CALLED"], "w").close()
                  time.sleep(0.01)
              return event
      Environment: {Variables: {HALT: FOLDER/halt, CALLED: FOLDER/called}}
  Pool:
    Type: AWS::Cognito::UserPool
    Properties: {UserPoolName: halting, LambdaConfig: {PreSignUp: !GetAtt Halt.Arn}}
  Early:
    Type: AWS::Cognito::UserPoolGroup
    Properties: {UserPoolId: !Ref Pool, GroupName: early}
  Alice:
    Type: AWS::Cognito::UserPoolUser
    DependsOn: Early
    Properties: {UserPoolId: !Ref Pool, Username: alice, MessageAction: SUPPRESS}
`

// TestCrashDuringTemplate kills the program while it applies a template. The next start takes back what
// the template had made, and can apply it.
func TestCrashDuringTemplate(t *testing.T) {
	t.Parallel()
	for _, postgres := range []bool{false, true} {
		t.Run(fmt.Sprintf("postgres %v", postgres), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			c := server.Config{Data: t.TempDir()}
			if postgres {
				c.Database = server.Secret(pgtest.Database(t))
			}
			file := func(name, text string) string {
				path := filepath.Join(dir, name)
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				return path
			}
			whole, empty := file("whole.yaml", strings.ReplaceAll(halting, "FOLDER", dir)), file("empty.yaml", "Resources: {Queue: {Type: 'AWS::SQS::Queue'}}")
			args := func(template string) []string {
				return append(programArgs(c), "--stack-name", "shop", "--request-timeout", "20m", "--trigger-timeout", "19m", "--template", template)
			}

			path, err := program()
			if err != nil {
				t.Fatal(err)
			}
			halt := file("halt", "")
			cmd := exec.Command(path, args(whole)...)
			cmd.Dir = dir
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			patience.Until(t, "the function is called", func() bool {
				_, err := os.Stat(filepath.Join(dir, "called"))
				return err == nil
			})
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			if err := os.Remove(halt); err != nil {
				t.Fatal(err)
			}

			p := launch(t, "", args(empty)...)
			if a := p.must(t, "ListUserPools", object{"MaxResults": 9}); strings.Contains(a.Text, "halting") {
				t.Errorf("what the killed server had made is there still: %s", a.Text)
			}
			p.stop(t)
			p = launch(t, "", args(whole)...)
			if a := p.must(t, "ListUserPools", object{"MaxResults": 9}); strings.Count(a.Text, "halting") != 1 {
				t.Errorf("the template was not applied: %s", a.Text)
			}
			p.stop(t)
		})
	}
}
