package clients_test

import (
	"strings"
	"testing"
)

// TestAuditCLI reads the audit trail by the AWS CLI.
func TestAuditCLI(t *testing.T) {
	t.Parallel()
	endpoint := startServer(t, "--audit", "on")
	dir := t.TempDir()
	linkTool(t, dir, "aws", awsProgram())
	const script = `export AWS_ACCESS_KEY_ID=dev AWS_SECRET_ACCESS_KEY=dev AWS_DEFAULT_REGION=us-east-1
AWS="aws --endpoint-url ENDPOINT"
$AWS cognito-idp create-user-pool --pool-name audited >/dev/null
$AWS cloudtrail lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue=CreateUserPool \
  --query 'Events[].[EventName,EventSource,ReadOnly]' --output text
$AWS cloudtrail lookup-events --lookup-attributes AttributeKey=Colour,AttributeValue=red && exit 1 || echo refused`
	out := run(t, dir, []string{"PATH=" + dir + ":/usr/bin:/bin", "AWS_PAGER="}, "bash", "-euo", "pipefail", "-c", strings.ReplaceAll(script, "ENDPOINT", endpoint))
	for _, want := range []string{"CreateUserPool\tcognito-idp.amazonaws.com\tfalse", "refused"} {
		if !strings.Contains(out, want) {
			t.Errorf("the output lacks %q:\n%s", want, out)
		}
	}
}
