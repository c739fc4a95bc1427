package clients_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"cognate/internal/iam/sigv4"
	"cognate/internal/keys"
	"cognate/test/patience"
	"cognate/test/proxies"
	"cognate/test/stores"
)

// ann may work in a folder of a bucket. The last statement is for rclone, which sends the
// ACL "private" with every upload.
const ann = `{"Version":"2012-10-17","Statement":[
	{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::data","Condition":{"StringLike":{"s3:prefix":"people/ann/*"}}},
	{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject","s3:DeleteObject","s3:AbortMultipartUpload","s3:ListMultipartUploadParts"],
	 "Resource":"arn:aws:s3:::data/people/ann/*"},
	{"Effect":"Allow","Action":"s3:PutObjectAcl","Resource":"arn:aws:s3:::data/people/ann/*","Condition":{"StringEquals":{"s3:x-amz-acl":"private"}}}]}`

// An s3Gateway is the gateway of a server before a store with the bucket "data".
type s3Gateway struct {
	url, private string
	store        *stores.Store
	// key and secret are of the user ann.
	key, secret string
}

// buildVersity builds the store once.
var buildVersity = sync.OnceValues(func() (string, error) {
	return stores.BuildVersity(context.Background(), filepath.Join("..", ".."))
})

func startVersity(t *testing.T) *stores.Store {
	t.Helper()
	path, err := buildVersity()
	if err != nil {
		t.Fatal(err)
	}
	store, err := stores.Versity(t.Context(), path, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// startGateway runs cognate serve with a gateway before a store of its own.
func startGateway(t *testing.T, engine []string, more ...string) *s3Gateway {
	t.Helper()
	store := startVersity(t)
	if err := os.Mkdir(filepath.Join(store.Dir, "data"), 0o750); err != nil {
		t.Fatal(err)
	}
	g := gatewayBefore(t, store.URL, engine, more...)
	g.store = store
	return g
}

// gatewayBefore runs cognate serve with a gateway before a store.
func gatewayBefore(t *testing.T, store string, engine []string, more ...string) *s3Gateway {
	t.Helper()
	dir := t.TempDir()
	if engine == nil {
		engine = []string{"--data", filepath.Join(dir, "data")}
	}
	kek, policy := filepath.Join(dir, "kek"), filepath.Join(dir, "folder.json")
	if err := errors.Join(os.WriteFile(kek, []byte(keys.GenerateKEK()+"\n"), 0o600), os.WriteFile(policy, []byte(ann), 0o600)); err != nil {
		t.Fatal(err)
	}
	settings := append(slices.Clip(engine), "--kek-file", kek)
	cognate(t, append([]string{"migrate"}, settings...)...)
	g := &s3Gateway{}
	g.key, g.secret = createKey(t, append(slices.Clip(settings), "--name", "ann", "--policy", policy))
	args := append([]string{"serve"}, settings...)
	args = append(args, "--listen", "127.0.0.1:0", "--private-listen", "127.0.0.1:0", "--plain-http", "--issuer-base", "https://id.example.com",
		"--gateway-listen", "127.0.0.1:0", "--gateway-store", store, "--gateway-access-key", stores.AccessKey)
	addresses := launchUntil(t, regexp.MustCompile(`"msg":"listening",(.*)`), []string{"COGNATE_GATEWAY_SECRET_KEY=" + stores.SecretKey}, append(args, more...)...)
	var at struct{ Private, Gateway string }
	if err := json.Unmarshal([]byte("{"+addresses), &at); err != nil {
		t.Fatalf("%s: %v", addresses, err)
	}
	g.url, g.private = "http://"+at.Gateway, "http://"+at.Private
	return g
}

// An s3Program is a program with its environment.
type s3Program struct {
	dir string
	env []string
}

// run returns what a command printed, and whether it succeeded.
func (c *s3Program) run(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience.Limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = c.dir
	cmd.Env = append([]string{"PATH=/usr/bin:/bin", "HOME=" + c.dir, "LANG=C.UTF-8", "NO_PROXY=*", "PYTHONDONTWRITEBYTECODE=1"}, c.env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (c *s3Program) must(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := c.run(t, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

// refused runs a command that must fail.
func (c *s3Program) refused(t *testing.T, want, name string, args ...string) {
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

// awsCLI returns the AWS CLI with ann's key, and the arguments of its S3 commands.
func (g *s3Gateway) awsCLI(t *testing.T, url string, env ...string) (c *s3Program, s3 func(...string) []string) {
	t.Helper()
	return &s3Program{dir: t.TempDir(), env: append([]string{
		"AWS_ACCESS_KEY_ID=" + g.key, "AWS_SECRET_ACCESS_KEY=" + g.secret, "AWS_REGION=" + stores.Region, "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=",
	}, env...)}, func(args ...string) []string { return append([]string{"--endpoint-url", url, "s3"}, args...) }
}

// TestGatewayAWSCLI uploads 200 MiB in parts, synchronizes a folder and signs a URL.
func TestGatewayAWSCLI(t *testing.T) {
	t.Parallel()
	g := startGateway(t, nil)
	store, aws := g.store, awsProgram()
	c, s3 := g.awsCLI(t, g.url)

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

// TestGatewayRclone synchronizes a thousand small files and back, and a large one in parts.
func TestGatewayRclone(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			t.Parallel()
			rclone(t, startGateway(t, engine.args(t)))
		})
	}
}

func rclone(t *testing.T, g *s3Gateway) {
	t.Helper()
	store := g.store
	c := &s3Program{dir: t.TempDir(), env: []string{
		"RCLONE_CONFIG_S_TYPE=s3", "RCLONE_CONFIG_S_PROVIDER=Other", "RCLONE_CONFIG_S_ACCESS_KEY_ID=" + g.key,
		"RCLONE_CONFIG_S_SECRET_ACCESS_KEY=" + g.secret, "RCLONE_CONFIG_S_REGION=" + stores.Region,
		"RCLONE_CONFIG_S_ENDPOINT=" + g.url, "RCLONE_CONFIG_S_NO_CHECK_BUCKET=true",
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

func TestGatewayS3cmd(t *testing.T) {
	t.Parallel()
	g := startGateway(t, nil)
	store, host := g.store, strings.TrimPrefix(g.url, "http://")
	c := &s3Program{dir: t.TempDir()}
	s3cmd := func(args ...string) []string {
		return append([]string{
			"-c", "/dev/null", "--access_key=" + g.key, "--secret_key=" + g.secret, "--host=" + host, "--host-bucket=" + host,
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

// devBefore runs cognate dev with a gateway before a store, and returns the addresses of both.
func devBefore(t *testing.T, store *stores.Store, more ...string) (endpoint, gateway string) {
	t.Helper()
	line := launchUntil(t, regexp.MustCompile(`msg=listening main=(.*)`), []string{"COGNATE_GATEWAY_SECRET_KEY=" + stores.SecretKey}, append([]string{
		"dev", "--listen", "127.0.0.1:0", "--private-listen", "127.0.0.1:0", "--data", t.TempDir(),
		"--gateway-listen", "127.0.0.1:0", "--gateway-store", store.URL, "--gateway-access-key", stores.AccessKey,
	}, more...)...)
	at := regexp.MustCompile(`^(\S+) .* gateway=(\S+)`).FindStringSubmatch(line)
	if at == nil {
		t.Fatalf("no addresses in %s", line)
	}
	return strings.Replace("http://"+at[1], "127.0.0.1", "localhost", 1), "http://" + at[2]
}

// TestGatewayPage runs the commands of docs/gateway.md as they are printed, but for addresses.
func TestGatewayPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "gateway.md"))
	if err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	for _, block := range regexp.MustCompile("(?ms)^```sh\n(.*?)^```$").FindAllStringSubmatch(string(page), -1) {
		script.WriteString(block[1])
	}
	store := startVersity(t)
	endpoint, gateway := devBefore(t, store)
	dir := t.TempDir()
	linkTool(t, dir, "aws", awsProgram())
	lines := strings.NewReplacer("127.0.0.1:7070", strings.TrimPrefix(store.URL, "http://"), "http://localhost:9229", endpoint, "http://127.0.0.1:9232", gateway,
		"AWS_ACCESS_KEY_ID=store ", "AWS_ACCESS_KEY_ID="+stores.AccessKey+" ", "=store-secret ", "="+stores.SecretKey+" ").Replace(script.String())
	out := run(t, dir, []string{"PATH=" + dir + ":/usr/bin:/bin", "AWS_PAGER="}, "bash", "-euxo", "pipefail", "-c", lines)
	for _, want := range []string{"make_bucket: data", "6 hello.txt", "AccessDenied", "\nrefused\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("the output lacks %q:\n%s", want, out)
		}
	}
	if object, err := os.ReadFile(filepath.Join(store.Dir, "data", "people", "ann", "hello.txt")); string(object) != "hello\n" {
		t.Errorf("the object: %q, %v", object, err)
	}
}

// TestUploadsExample goes through the example of uploads in Chromium.
func TestUploadsExample(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	endpoint, gateway := devBefore(t, exampleStore(t), "--gateway-origin", "http://localhost:"+port)
	dir := t.TempDir()
	linkTool(t, dir, "aws", awsProgram())
	node(t, "uploads.test.mjs", "COGNATE_ENDPOINT="+endpoint, "COGNATE_GATEWAY="+gateway, "COGNATE_APPLICATION_PORT="+port, chromium(), "PATH="+dir+":/usr/bin:/bin")
}

// TestAPIExample calls the example of an API through the gateway by curl's own signatures.
func TestAPIExample(t *testing.T) {
	t.Parallel()
	example, err := filepath.Abs(filepath.Join("..", "..", "examples", "api"))
	if err != nil {
		t.Fatal(err)
	}
	const secret = "between-gateway-and-api"
	api := launchProgram(t, nodeProgram(t), listening, []string{"PORT=0", "GATEWAY_SECRET=" + secret}, filepath.Join(example, "server.mjs"))
	dir := t.TempDir()
	services := filepath.Join(dir, "services.yaml")
	if err := os.WriteFile(services, []byte("execute-api: {url: '"+api+"', api: notes, secret-key: "+secret+"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	endpoint, gateway := devBefore(t, startVersity(t), "--gateway-services", services)
	linkTool(t, dir, "aws", awsProgram())
	out := run(t, dir, []string{"PATH=" + dir + ":/usr/bin:/bin", "COGNATE_ENDPOINT=" + endpoint, "COGNATE_GATEWAY=" + gateway}, filepath.Join(example, "try.sh"))
	lines := strings.Split(strings.TrimSpace(out), "\n")
	want := []string{
		`^\{"caller":"(us-east-1:[\w-]+)"\}$`, `^\{"caller":"(us-east-1:[\w-]+)","notes":\["buy milk"\]\}$`,
		`is not authorized to perform: execute-api:Invoke on resource: arn:aws:execute-api:us-east-1:123456789012:notes/\$default/DELETE/notes `,
		`^\{"caller":"(us-east-1:[\w-]+)","notes":\[\]\}$`,
	}
	if len(lines) != len(want) {
		t.Fatalf("%d lines:\n%s", len(lines), out)
	}
	for i, w := range want {
		if !regexp.MustCompile(w).MatchString(lines[i]) {
			t.Errorf("%s does not match %s", lines[i], w)
		}
	}
}

// TestGatewayBehindNginx goes through nginx by docs/examples/nginx-gateway.conf.
func TestGatewayBehindNginx(t *testing.T) {
	t.Parallel()
	g := startGateway(t, nil, "--trusted-proxy", "127.0.0.1")
	dir := t.TempDir()
	front, err := proxies.NginxGateway(t.Context(), filepath.Join("..", "..", "docs", "examples"), dir, strings.TrimPrefix(g.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = front.Close() })
	c, s3 := g.awsCLI(t, front.URL, "AWS_CA_BUNDLE="+filepath.Join(dir, "cert.pem"))
	tree := filepath.Join(c.dir, "tree")
	writeTree(t, tree, 20)
	writeFile(t, filepath.Join(tree, "large.bin"), 20<<20)
	c.must(t, awsProgram(), s3("sync", "--only-show-errors", tree, "s3://data/people/ann/tree")...)
	c.must(t, awsProgram(), s3("sync", "--only-show-errors", "s3://data/people/ann/tree", tree+".back")...)
	sameTree(t, tree, tree+".back", 21)
	link := strings.TrimSpace(c.must(t, awsProgram(), s3("presign", "--expires-in", "60", "s3://data/people/ann/tree/large.bin")...))
	c.must(t, "curl", "-sSf", "--noproxy", "*", "--cacert", filepath.Join(dir, "cert.pem"), "-o", tree+".signed", link)
	sameFile(t, filepath.Join(tree, "large.bin"), tree+".signed")
	c.refused(t, "AccessDenied", awsProgram(), s3("ls", "s3://data/people/bob/")...)
}

// zeros is a source of bytes without memory of its own.
type zeros struct{ left int64 }

func (z *zeros) Read(p []byte) (int, error) {
	if z.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), z.left)
	clear(p[:n])
	z.left -= n
	return int(n), nil
}

// memory returns the resident memory of the server, in bytes.
func (g *s3Gateway) memory(t *testing.T) float64 {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.private+"/metrics", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^process_resident_memory_bytes (\S+)$`).FindSubmatch(body)
	if m == nil {
		t.Fatal("the metrics have no memory")
	}
	n, err := strconv.ParseFloat(string(m[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestGatewayMemory streams 2 GiB up and down. The store keeps nothing, so that no disk is filled.
func TestGatewayMemory(t *testing.T) {
	t.Parallel()
	const size, most = 2 << 30, 64 << 20
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			_, _ = io.Copy(io.Discard, r.Body)
			return
		}
		w.Header().Set("Content-Length", strconv.Itoa(size))
		_, _ = io.Copy(w, &zeros{size})
	}))
	t.Cleanup(store.Close)
	g := gatewayBefore(t, store.URL, nil)
	before := g.memory(t)
	highest := before
	look := func(block int) {
		t.Helper()
		if block%16 == 0 {
			highest = max(highest, g.memory(t))
		}
	}
	from, to := io.Pipe()
	transfer := func(method string, body io.Reader, length int64) *http.Response {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, g.url+"/data/people/ann/zeros", body)
		if err != nil {
			t.Error(err)
			return &http.Response{Body: http.NoBody}
		}
		req.ContentLength = length
		(&sigv4.Signer{AccessKeyID: g.key, Secret: g.secret, Region: stores.Region, Service: "s3"}).Sign(
			&sigv4.Request{Method: method, Path: req.URL.Path, Host: req.Host, Header: req.Header}, sigv4.UnsignedPayload, time.Now())
		res, err := http.DefaultTransport.RoundTrip(req)
		if err == nil && res.StatusCode != http.StatusOK {
			err = errors.Join(errors.New(res.Status), res.Body.Close())
		}
		if err != nil {
			_ = from.CloseWithError(err)
			t.Errorf("%s: %v", method, err)
			return &http.Response{Body: http.NoBody}
		}
		return res
	}
	const block = 4 << 20
	uploaded := make(chan struct{})
	go func() {
		defer close(uploaded)
		_ = transfer(http.MethodPut, from, size).Body.Close()
	}()
	for i := range size / block {
		if _, err := io.CopyN(to, &zeros{block}, block); err != nil {
			t.Fatal(err)
		}
		look(i)
	}
	_ = to.Close()
	<-uploaded
	res := transfer(http.MethodGet, http.NoBody, 0)
	defer res.Body.Close()
	for i := range size / block {
		if _, err := io.CopyN(io.Discard, res.Body, block); err != nil {
			t.Fatal(err)
		}
		look(i)
	}
	t.Logf("%.0f MiB at first, at most %.0f MiB", before/(1<<20), highest/(1<<20))
	if highest > before+most {
		t.Error("the server's memory grows with the object")
	}
}
