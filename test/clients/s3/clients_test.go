// Package s3_test runs S3 clients in other languages through the gateway.
package s3_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cognate/internal/iam/gateway"
	"cognate/internal/iam/policy"
	"cognate/test/patience"
	"cognate/test/stores"
)

const (
	key    = "ASIAANN0000000000000"
	secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	token  = "session-token//+=="
)

// ann may work in a folder of a bucket. The last statement is for rclone, which sends the
// ACL "private" with every upload.
const ann = `{"Version":"2012-10-17","Statement":[
	{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::data","Condition":{"StringLike":{"s3:prefix":"people/ann/*"}}},
	{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject","s3:DeleteObject","s3:AbortMultipartUpload","s3:ListMultipartUploadParts"],
	 "Resource":"arn:aws:s3:::data/people/ann/*"},
	{"Effect":"Allow","Action":"s3:PutObjectAcl","Resource":"arn:aws:s3:::data/people/ann/*","Condition":{"StringEquals":{"s3:x-amz-acl":"private"}}}]}`

// caller is the only caller of the gateway.
type caller struct{ identity *gateway.Caller }

func (c *caller) Caller(_ context.Context, id, session string) (*gateway.Caller, error) {
	switch {
	case id != key:
		return nil, gateway.ErrUnknownKey
	case session != token:
		return nil, gateway.ErrInvalidToken
	}
	return c.identity, nil
}

// startGateway runs a gateway before a store with the bucket "data".
func startGateway(t *testing.T) (*httptest.Server, *stores.Store) {
	t.Helper()
	program, err := stores.BuildVersity(t.Context(), filepath.Join("..", "..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	store, err := stores.Versity(t.Context(), program, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	if err := os.Mkdir(filepath.Join(store.Dir, "data"), 0o750); err != nil {
		t.Fatal(err)
	}
	document, err := policy.Parse(policy.Identity, []byte(ann), policy.Options{Name: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	backend, err := url.Parse(store.URL)
	if err != nil {
		t.Fatal(err)
	}
	const account = "123456789012"
	g, err := gateway.New(gateway.Config{
		Backend: gateway.Backend{URL: backend, Region: stores.Region, AccessKeyID: stores.AccessKey, Secret: stores.SecretKey, PathKeys: true},
		Authority: &caller{&gateway.Caller{
			Secret:    secret,
			Principal: policy.Principal{Account: account, ARN: "arn:aws:iam::" + account + ":role/people", Session: "arn:aws:sts::" + account + ":assumed-role/people/ann"},
			Layers:    policy.Layers{Identity: []*policy.Document{document}},
		}},
		Now: time.Now,
		Observe: func(_ context.Context, e *gateway.Event) {
			if e.Code != "" {
				t.Logf("%s %s: %d %s", e.Operation, e.Key, e.Status, e.Code)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	return server, store
}

// A client is a program with its environment.
type client struct {
	dir string
	env []string
}

// run returns what a command printed, and whether it succeeded.
func (c *client) run(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience.Limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = c.dir
	cmd.Env = append([]string{"PATH=/usr/bin:/bin", "HOME=" + c.dir, "LANG=C.UTF-8", "NO_PROXY=*", "PYTHONDONTWRITEBYTECODE=1"}, c.env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (c *client) must(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := c.run(t, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

// refused runs a command that must fail.
func (c *client) refused(t *testing.T, want, name string, args ...string) {
	t.Helper()
	out, err := c.run(t, name, args...)
	if err == nil || !strings.Contains(out, want) {
		t.Errorf("%s %s: %v, want %q:\n%s", name, strings.Join(args, " "), err, want, out)
	}
}

// writeFile makes a file of random bytes.
func writeFile(t *testing.T, path string, size int) {
	t.Helper()
	data := make([]byte, size)
	r := rand.NewChaCha8([32]byte{byte(size), byte(size >> 8), byte(size >> 16)})
	_, _ = r.Read(data) // It has no errors.
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// writeTree makes small files with names that clients encode.
func writeTree(t *testing.T, dir string, files int) {
	t.Helper()
	names := []string{"plain", "with blank", "plus+sign", "per%cent", "Ärger", "a&b=c", "quote'", "semi;colon", "(x)!", "~tilde"}
	for i := range files {
		path := filepath.Join(dir, fmt.Sprintf("dir %d", i%7), fmt.Sprintf("%s-%d.txt", names[i%len(names)], i))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		writeFile(t, path, 100+i)
	}
}

func sameFile(t *testing.T, a, b string) {
	t.Helper()
	x, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := os.ReadFile(b)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(x, y) {
		t.Errorf("%s (%d bytes) and %s (%d bytes) differ", a, len(x), b, len(y))
	}
}

// sameTree compares two folders.
func sameTree(t *testing.T, a, b string, files int) {
	t.Helper()
	seen := 0
	err := filepath.WalkDir(a, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		seen++
		rest, err := filepath.Rel(a, path)
		if err == nil {
			sameFile(t, path, filepath.Join(b, rest))
		}
		return err
	})
	if err != nil || seen != files {
		t.Errorf("%d files, want %d: %v", seen, files, err)
	}
}

func TestAWSCLI(t *testing.T) {
	t.Parallel()
	server, store := startGateway(t)
	c := &client{dir: t.TempDir(), env: []string{
		"AWS_ACCESS_KEY_ID=" + key, "AWS_SECRET_ACCESS_KEY=" + secret, "AWS_SESSION_TOKEN=" + token, "AWS_REGION=" + stores.Region,
		"AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=",
	}}
	aws := cmp.Or(os.Getenv("COGNATE_TEST_AWS"), "/usr/bin/aws")
	s3 := func(args ...string) []string { return append([]string{"--endpoint-url", server.URL, "s3"}, args...) }

	large := filepath.Join(c.dir, "large.bin")
	writeFile(t, large, 200<<20)
	c.must(t, aws, s3("cp", "--only-show-errors", large, "s3://data/people/ann/large.bin")...)
	sameFile(t, large, filepath.Join(store.Dir, "data/people/ann/large.bin"))
	c.must(t, aws, s3("cp", "--only-show-errors", "s3://data/people/ann/large.bin", large+".back")...)
	sameFile(t, large, large+".back")
	c.must(t, aws, s3("cp", "--only-show-errors", "s3://data/people/ann/large.bin", "s3://data/people/ann/copied.bin", "--copy-props", "none")...)
	sameFile(t, large, filepath.Join(store.Dir, "data/people/ann/copied.bin"))

	tree := filepath.Join(c.dir, "tree")
	writeTree(t, tree, 40)
	c.must(t, aws, s3("sync", "--only-show-errors", tree, "s3://data/people/ann/tree")...)
	c.must(t, aws, s3("sync", "--only-show-errors", "s3://data/people/ann/tree", tree+".back")...)
	sameTree(t, tree, tree+".back", 40)
	c.must(t, aws, s3("rm", "--only-show-errors", "--recursive", "s3://data/people/ann/tree")...)
	if out := c.must(t, aws, s3("ls", "--recursive", "s3://data/people/ann/")...); strings.Contains(out, "tree") || !strings.Contains(out, "large.bin") {
		t.Errorf("after the deletion:\n%s", out)
	}

	link := strings.TrimSpace(c.must(t, aws, s3("presign", "--expires-in", "60", "s3://data/people/ann/large.bin")...))
	c.must(t, "curl", "-sSf", "--noproxy", "*", "-o", large+".signed", link)
	sameFile(t, large, large+".signed")

	c.refused(t, "AccessDenied", aws, s3("cp", large+".signed", "s3://data/people/bob/large.bin")...)
	c.refused(t, "AccessDenied", aws, s3("ls", "s3://data/people/bob/")...)
	if _, err := os.Stat(filepath.Join(store.Dir, "data/people/bob/large.bin")); err == nil {
		t.Error("a neighbour's object appeared")
	}
}

// TestRclone synchronizes a thousand small files and back, and a large one in parts.
func TestRclone(t *testing.T) {
	t.Parallel()
	server, store := startGateway(t)
	c := &client{dir: t.TempDir(), env: []string{
		"RCLONE_CONFIG_S_TYPE=s3", "RCLONE_CONFIG_S_PROVIDER=Other", "RCLONE_CONFIG_S_ACCESS_KEY_ID=" + key,
		"RCLONE_CONFIG_S_SECRET_ACCESS_KEY=" + secret, "RCLONE_CONFIG_S_SESSION_TOKEN=" + token, "RCLONE_CONFIG_S_REGION=" + stores.Region,
		"RCLONE_CONFIG_S_ENDPOINT=" + server.URL, "RCLONE_CONFIG_S_NO_CHECK_BUCKET=true",
	}}
	tree := filepath.Join(c.dir, "tree")
	writeTree(t, tree, 1000)
	c.must(t, "rclone", "sync", "--transfers", "16", tree, "S:data/people/ann/tree")
	c.must(t, "rclone", "check", "--checkers", "16", tree, "S:data/people/ann/tree")
	c.must(t, "rclone", "sync", "--transfers", "16", "S:data/people/ann/tree", tree+".back")
	sameTree(t, tree, tree+".back", 1000)

	large := filepath.Join(c.dir, "large.bin")
	writeFile(t, large, 24<<20)
	c.must(t, "rclone", "copyto", "--s3-upload-cutoff", "10M", "--s3-chunk-size", "5M", large, "S:data/people/ann/large.bin")
	sameFile(t, large, filepath.Join(store.Dir, "data/people/ann/large.bin"))
	c.must(t, "rclone", "purge", "S:data/people/ann/tree")
	c.refused(t, "status code: 403", "rclone", "copyto", "--retries", "1", "--low-level-retries", "1", large, "S:data/people/bob/large.bin")
}

func TestS3cmd(t *testing.T) {
	t.Parallel()
	server, store := startGateway(t)
	host := strings.TrimPrefix(server.URL, "http://")
	c := &client{dir: t.TempDir()}
	s3cmd := func(args ...string) []string {
		return append([]string{
			"-c", "/dev/null", "--access_key=" + key, "--secret_key=" + secret, "--access_token=" + token, "--host=" + host, "--host-bucket=" + host,
			"--no-ssl", "--region=" + stores.Region, "--no-progress",
		}, args...)
	}
	large := filepath.Join(c.dir, "large file+.bin")
	writeFile(t, large, 17<<20)
	c.must(t, "s3cmd", s3cmd("put", "--multipart-chunk-size-mb=5", large, "s3://data/people/ann/large file+.bin")...)
	sameFile(t, large, filepath.Join(store.Dir, "data/people/ann/large file+.bin"))
	c.must(t, "s3cmd", s3cmd("get", "s3://data/people/ann/large file+.bin", large+".back")...)
	sameFile(t, large, large+".back")
	tree := filepath.Join(c.dir, "tree")
	writeTree(t, tree, 20)
	c.must(t, "s3cmd", s3cmd("sync", tree+"/", "s3://data/people/ann/tree/")...)
	c.must(t, "s3cmd", s3cmd("sync", "s3://data/people/ann/tree/", tree+".back/")...)
	sameTree(t, tree, tree+".back", 20)
	c.must(t, "s3cmd", s3cmd("del", "--recursive", "--force", "s3://data/people/ann/tree/")...)
	c.refused(t, "AccessDenied", "s3cmd", s3cmd("put", large+".back", "s3://data/people/bob/b.bin")...)
}
