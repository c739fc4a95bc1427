package clients_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestReadyScript runs a script as LocalStack runs those of its folder ready.d, unchanged and twice.
// Then people and machines sign in with the ids that the script names.
func TestReadyScript(t *testing.T) {
	eachEngine(t, func(t *testing.T, endpoint string) {
		dir := switchingFolder(t)
		script := strings.NewReplacer("SERVER", endpoint).Replace(`
export AWS_ENDPOINT_URL=SERVER
bash ready.d/cognito.sh
test "$(bash ready.d/cognito.sh)" = "the user pool exists"
awslocal cognito-idp initiate-auth --client-id shop-web-local --auth-flow USER_PASSWORD_AUTH \
  --auth-parameters USERNAME=admin@example.com,PASSWORD=Developer1
awslocal cognito-idp admin-list-groups-for-user --user-pool-id us-east-1_shoplocal --username admin@example.com
SECRET=$(awslocal cognito-idp describe-user-pool-client --user-pool-id us-east-1_shoplocal --client-id shop-batch-local \
  --query UserPoolClient.ClientSecret --output text)
curl -sf -H "Host: shop.auth.localhost" -u "shop-batch-local:$SECRET" -d "grant_type=client_credentials" SERVER/oauth2/token >/dev/null
curl -sf -d "grant_type=client_credentials&client_id=shop-batch-local&client_secret=$SECRET" SERVER/_aws/cognito-idp/oauth2/token >/dev/null
curl -sf -u "shop-batch-local:$SECRET" -d "grant_type=client_credentials" SERVER/_aws/cognito-idp/oauth2/token
`)
		out := run(t, dir, switchingEnvironment(dir), "bash", "-euo", "pipefail", "-c", script)
		for _, want := range []string{"the user pool is made", `"TokenType": "Bearer"`, `"GroupName": "admins"`, `"token_type":"Bearer"`} {
			if !strings.Contains(out, want) {
				t.Errorf("the output lacks %s:\n%s", want, out)
			}
		}
	})
}

// switchingPages are the pages for people who come from elsewhere, with what must exist before their
// commands run, what follows them, and texts of the output.
var switchingPages = []struct {
	name, before, after string
	wants               []string
}{
	{"coming-from-cognito-local.md", "", "", []string{`"TokenType": "Bearer"`, `"ok": true`}},
	{"coming-from-moto.md", "", "", []string{"Ran 1 test", `"offset":"30s"`}},
	{"coming-from-localstack.md", "", "", []string{"the user pool is made", `"ClientId": "myclient123"`, `"token_type":"Bearer"`}},
	{"coming-from-amazon-cognito.md", `
export AWS_ACCESS_KEY_ID=dev AWS_SECRET_ACCESS_KEY=dev AWS_DEFAULT_REGION=us-east-1 OLD_ENDPOINT=http://localhost:9229
old() { aws --endpoint-url "$OLD_ENDPOINT" cognito-idp "$@"; }
OLD_POOL=$(old create-user-pool --pool-name old --query UserPool.Id --output text)
for name in alice bob; do
  old admin-create-user --user-pool-id "$OLD_POOL" --username "$name" --message-action SUPPRESS --user-attributes \
    Name=email,Value="$name@example.com" Name=email_verified,Value=true Name=birthdate,Value=2000-12-31 'Name=address,Value="1, Main Street"'
done
`, `
while STATUS=$(cognito describe-user-import-job --user-pool-id us-east-1_aB3dE6gH9 --job-id "$JOB" --query UserImportJob.Status --output text); do
  case "$STATUS" in Succeeded) break ;; Failed | Stopped | Expired) exit 1 ;; esac
done
cognito admin-get-user --user-pool-id us-east-1_aB3dE6gH9 --username bob
`, []string{`"ClientId": "1h57kf5cpq17m0eml12EXAMPLE"`, `"UserStatus": "RESET_REQUIRED"`, `"Value": "1, Main Street"`, `"Value": "2000-12-31"`}},
}

// TestSwitchingPages runs the commands of the pages.
func TestSwitchingPages(t *testing.T) {
	for _, page := range switchingPages {
		t.Run(page.name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(filepath.Join("..", "..", "docs", page.name))
			if err != nil {
				t.Fatal(err)
			}
			out := runSwitchingPage(t, string(text), page.before, page.after)
			for _, want := range page.wants {
				if !strings.Contains(out, want) {
					t.Errorf("the output lacks %s:\n%s", want, out)
				}
			}
		})
	}
}

var (
	// pageBlock is a block of code with its language.
	pageBlock = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")
	// fileComment is the first line of a block that is a file.
	fileComment = regexp.MustCompile(`^(?:#|//) (\S+\.\w+)\n`)
)

// runSwitchingPage runs the shell blocks of a page in their order and returns the output. A line with
// `cognate dev` starts a server, for the lines after it. Other blocks that begin with a comment of a
// file's name become this file.
func runSwitchingPage(t *testing.T, page, before, after string) string {
	t.Helper()
	dir := switchingFolder(t)
	var out, lines strings.Builder
	endpoint := ""
	finish := func() {
		script := strings.NewReplacer("http://localhost:9229", endpoint, "http://localhost:4566", endpoint).Replace(before + lines.String() + after)
		env := append(switchingEnvironment(dir), "AWS_ENDPOINT_URL="+endpoint)
		out.WriteString(run(t, dir, env, "bash", "-euo", "pipefail", "-c", script))
		lines.Reset()
	}
	for _, block := range pageBlock.FindAllStringSubmatch(page, -1) {
		if block[1] != "sh" {
			if name := fileComment.FindStringSubmatch(block[2]); name != nil {
				writePageFile(t, filepath.Join(dir, name[1]), block[2])
			}
			continue
		}
		for line := range strings.Lines(block[2]) {
			flags, ok := strings.CutPrefix(line, "cognate dev")
			if !ok {
				lines.WriteString(line)
				continue
			}
			if endpoint != "" {
				finish()
			}
			endpoint = startServer(t, pageArgs(dir, flags)...)
		}
	}
	if endpoint == "" {
		t.Fatal("the page starts no server")
	}
	finish()
	return out.String()
}

// pageArgs returns the arguments of a line of a page for a server of a test: files are in the folder of
// the page, and the port is another.
func pageArgs(dir, flags string) []string {
	flags, _, _ = strings.Cut(flags, "#")
	args := strings.Fields(flags)
	for i, arg := range args {
		if _, err := os.Stat(filepath.Join(dir, arg)); err == nil {
			args[i] = filepath.Join(dir, arg)
		}
	}
	if i := slices.Index(args, "--listen"); i >= 0 {
		args = slices.Delete(args, i, i+2)
	}
	return args
}

// switchingFolder returns a folder with what the pages and the scripts expect: awslocal, scripts in
// ready.d, and a folder of cognito-local.
func switchingFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	bin := filepath.Join(dir, "bin")
	if err := os.Mkdir(bin, 0o700); err != nil {
		t.Fatal(err)
	}
	linkTool(t, bin, "aws", awsProgram())
	for name, source := range map[string]string{
		"bin/awslocal": "testdata/awslocal", "ready.d": "testdata/ready.d", ".cognito": "../../internal/seed/testdata/cognito-local-5",
	} {
		target, err := filepath.Abs(source)
		if err != nil {
			t.Fatal(err)
		}
		linkTool(t, dir, name, target)
	}
	return dir
}

// switchingEnvironment returns the variables of scripts in a folder.
func switchingEnvironment(dir string) []string {
	return []string{"PATH=" + filepath.Join(dir, "bin") + ":/usr/bin:/bin", "AWS_PAGER="}
}

func writePageFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
