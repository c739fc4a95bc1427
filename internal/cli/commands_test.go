package cli_test

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cognate/internal/keys"
	"cognate/internal/server"
	"cognate/test/patience"
	"cognate/test/serving"
)

func TestDoctor(t *testing.T) {
	t.Parallel()
	c := serving.Serve(t)
	args := func(more ...string) []string {
		return append([]string{
			"doctor", "--data", c.Data, "--kek-file", c.KEKFile, "--issuer-base", c.IssuerBase,
			"--listen", "127.0.0.1:0", "--private-listen", "127.0.0.1:0", "--plain-http",
		}, more...)
	}
	otherKEK := filepath.Join(t.TempDir(), "kek")
	if err := os.WriteFile(otherKEK, []byte(keys.GenerateKEK()), 0o600); err != nil {
		t.Fatal(err)
	}
	openKEK := filepath.Join(t.TempDir(), "kek")
	if err := os.WriteFile(openKEK, []byte(keys.GenerateKEK()), 0o644); err != nil {
		t.Fatal(err)
	}

	code, out, _ := serving.Command(t, nil, args()...)
	if code != 0 || !strings.Contains(out, "access keys    there are no access keys") || !strings.Contains(out, "no problems") {
		t.Errorf("before the first start: exit %d\n%s", code, out)
	}
	if r := serving.Start(t, c); true {
		code, out, _ = serving.Command(t, nil, args()...)
		if code != 0 || !strings.Contains(out, "a running server uses it") {
			t.Errorf("beside a running server: exit %d\n%s", code, out)
		}
		serving.NewKey(t, r, "alice", "admin")
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name, want string
		args       []string
		code       int
	}{
		{"all is there", "data keys      all", args(), 0},
		{"clock", "clock          agrees", args(), 0},
		{"one access key", "access keys    1", args(), 0},
		{"another key-encryption key", "configure the key-encryption key that this database was used with", args("--kek-file", otherKEK), 1},
		{"readable key-encryption key", "chmod 600", args("--kek-file", openKEK), 1},
		{"development setting", "allow-unsigned", args("--allow-unsigned"), 1},
		{"several problems at once", "account-id", args("--allow-unsigned", "--account-id", "x"), 1},
		{"no database", "cognate migrate", args("--data", filepath.Join(c.Data, "none")), 1},
		{"plain issuer", "issuer-base    is not https", args("--issuer-base", "http://id.example.com"), 0},
		{"development", "for cognate dev", []string{"doctor", "--for", "dev", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--private-listen", "off"}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, out, stderr := serving.Command(t, nil, tt.args...)
			if code != tt.code || !strings.Contains(out, tt.want) {
				t.Errorf("exit %d, want %d, with %q in\n%s%s", code, tt.code, tt.want, out, stderr)
			}
		})
	}
}

func TestAdminKeyRefusals(t *testing.T) {
	t.Parallel()
	c := serving.Serve(t)
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	bad := file("bad.json", `{"Statement":{"Effect":"Allow","Action":"*"}}`)
	action := file("action.json", `{"Statement":{"Effect":"Allow","Action":["cognito-idp:List*","cognito-idp:AdminGetUsers"],"Resource":"*"}}`)
	service := file("service.json", `{"Statement":{"Effect":"Deny","Action":"cognito-ipd:AdminGetUser","Resource":"*"}}`)
	elsewhere := file("elsewhere.json", `{"Statement":{"Effect":"Allow","Action":"ec2:RunInstances","Resource":"*"}}`)
	wild := file("wild.json", `{"Statement":{"Effect":"Allow","NotAction":"cognito-idp:Lsit*","Resource":"*"}}`)
	condition := file("condition.json", `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIP4":"10.0.0.0/8"}}}}`)
	syntax := file("syntax.json", "{\n  \"Statement\": [{\"Effect\": \"Allow\",}]\n}")
	base := []string{"admin", "keys", "create", "--data", c.Data, "--kek-file", c.KEKFile}
	for _, tt := range []struct {
		name, want string
		args       []string
	}{
		{"no policy and no user", "name one with --policy", append(base, "--name", "alice")},
		{"no name", "--name", append(base, "--policy", "admin")},
		{"policy file that is not there", "no such file", append(base, "--name", "alice", "--policy", bad+"x")},
		{"policy without a resource", "no Resource", append(base, "--name", "alice", "--policy", bad)},
		{"unknown action", `no action "cognito-idp:AdminGetUsers"; did you mean cognito-idp:AdminGetUser?`, append(base, "--name", "alice", "--policy", action)},
		{"unknown service", "did you mean cognito-idp:AdminGetUser?", append(base, "--name", "alice", "--policy", service)},
		{"action of another product", `no action "ec2:RunInstances"`, append(base, "--name", "alice", "--policy", elsewhere)},
		{"wildcard that means nothing", `no action "cognito-idp:Lsit*"`, append(base, "--name", "alice", "--policy", wild)},
		{"unknown condition key", `"aws:SourceIP4" is not supported; did you mean aws:SourceIp?`, append(base, "--name", "alice", "--policy", condition)},
		{"not JSON", "syntax.json: policy: line 2, column 36: not JSON", append(base, "--name", "alice", "--policy", syntax)},
		{"unknown key", "no such access key", []string{"admin", "keys", "revoke", "--data", c.Data, "--kek-file", c.KEKFile, "AKIAAAAAAAAAAAAAAAAA"}},
		{"retirement to the stolen key", "make another", []string{"keys", "retire", "--now", "--new-kek-file", c.KEKFile, "--data", c.Data, "--kek-file", c.KEKFile}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, _, stderr := serving.Command(t, nil, tt.args...)
			if code == 0 || !strings.Contains(stderr, tt.want) {
				t.Errorf("exit %d, %q; want %q in it", code, stderr, tt.want)
			}
		})
	}
}

// TestChangeOfKEK exchanges the key-encryption key: the new one opens all, the
// old one nothing.
func TestChangeOfKEK(t *testing.T) {
	t.Parallel()
	c := serving.Serve(t)
	r := serving.Start(t, c)
	id, secret := serving.NewKey(t, r, "alice", "admin")
	next := filepath.Join(t.TempDir(), "kek")
	if err := os.WriteFile(next, []byte(keys.GenerateKEK()), 0o600); err != nil {
		t.Fatal(err)
	}
	rotate := []string{"keys", "rotate", "--new-kek-file", next, "--data", c.Data, "--kek-file", c.KEKFile}
	if code, _, stderr := serving.Command(t, nil, rotate...); code == 0 || !strings.Contains(stderr, "stop the server first") {
		t.Errorf("beside a running server: exit %d, %s", code, stderr)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	serving.Run(t, nil, rotate...)
	if _, err := server.Start(t.Context(), c); err == nil || !strings.Contains(err.Error(), "another key-encryption key") {
		t.Errorf("with the old key: %v", err)
	}
	c.KEKFile = next
	serving.Want(t, serving.ListPools(t, serving.Start(t, c).Client(id, secret)), "")
}

func TestKeysRotate(t *testing.T) {
	t.Parallel()
	r := serving.Start(t, serving.Dev(t))
	if code, _, stderr := serving.Command(t, nil, "keys", "rotate", "--data", r.Config.Data); code == 0 || !strings.Contains(stderr, "say what to rotate") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	// A running server could not take up data keys that another key wraps.
	if code, _, stderr := serving.Command(t, nil, "keys", "rotate", "--data-keys", "--new-kek-file", "x", "--data", r.Config.Data); code == 0 || !strings.Contains(stderr, "rotate the data keys first") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	pool := serving.NewPool(t, r)
	_, before := serving.Get(t, r.URL()+"/"+pool+"/.well-known/jwks.json")
	serving.Run(t, nil, "keys", "rotate", "--signing", "--data", r.Config.Data)
	_, after := serving.Get(t, r.URL()+"/"+pool+"/.well-known/jwks.json")
	if n, m := strings.Count(before, `"kid"`), strings.Count(after, `"kid"`); n != 2 || m != 4 {
		t.Errorf("%d keys before, %d after; want 2 and 4", n, m)
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	if out, _ := serving.Run(t, nil, "version"); strings.TrimSpace(out) == "" {
		t.Error("no version")
	}
	if code, _, stderr := serving.Command(t, nil, "nonsense"); code != 2 || !strings.Contains(stderr, "--help") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	if out, _ := serving.Run(t, nil, "--help"); !strings.Contains(out, "doctor") {
		t.Error(out)
	}
}

func TestHealthcheck(t *testing.T) {
	t.Parallel()
	r := serving.Start(t, serving.Dev(t))
	patience.Until(t, "the health check succeeds", func() bool {
		code, _, _ := serving.Command(t, nil, "healthcheck", "--private-listen", r.PrivateAddr())
		return code == 0
	})
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if code, _, _ := serving.Command(t, nil, "healthcheck", "--private-listen", r.PrivateAddr()); code == 0 {
		t.Error("a server that has ended is ready")
	}
}

// TestAddressesStaySecret: commands that fail for an address print none of its
// secrets.
func TestAddressesStaySecret(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(nil)
	gone.Close()
	host := strings.TrimPrefix(gone.URL, "http://")
	kek := filepath.Join(t.TempDir(), "kek")
	if err := os.WriteFile(kek, []byte(keys.GenerateKEK()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, database := range []string{
		"postgres://u:s3cretpassword@" + host + "/x?sslmode=disable&sslpassword=s3cretquery",
		"postgres://u:s3cretpassword@" + host + "/x?sslmode=none&password=s3cretquery",
		"postgres://u:s3cret%zzpassword@" + host + "/x",
		"postgres://u:s3cret/password@" + host + "/x?connect_timeout=x&password=s3cretquery",
	} {
		for _, args := range [][]string{
			{"doctor"}, {"migrate"}, {"admin", "keys", "list"},
			{"serve", "--listen", "127.0.0.1:0", "--private-listen", "off", "--plain-http", "--issuer-base", "https://id.example.com", "--data", ""},
		} {
			args = append(args, "--database", database, "--kek-file", kek,
				"--smtp-url", "smtp://u:s3cretpassword@"+host, "--mail-from", "a@example.com", "--sms-webhook-url", "https://"+host+"/s3cretpath", "--sms-webhook-secret", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
			code, out, errs := serving.Command(t, nil, args...)
			if text := out + errs; code == 0 || strings.Contains(text, "s3cret") {
				t.Errorf("%v: exit %d\n%s", args[:1], code, text)
			}
		}
	}
	c := server.Config{
		Database:        "postgres://u:s3cret@h/x",
		MessageSettings: server.MessageSettings{SMTPURL: "smtp://u:s3cret@h", SMSWebhookURL: "https://h/s3cret", SMSWebhookSecret: "s3cret", SNSEndpoint: "https://h/s3cret"},
		TriggerSettings: server.TriggerSettings{TriggerEndpoint: "https://h/s3cret"},
	}
	if text := fmt.Sprintf("%v %+v %#v", c, c, c); strings.Contains(text, "s3cret") {
		t.Error(text)
	}
}
