package server_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"cognate/internal/iam/sigv4"
	"cognate/internal/outbound"
	"cognate/internal/server"
	"cognate/test/patience"
	"cognate/test/pgtest"
	"cognate/test/serving"
	"cognate/test/stores"
)

var buildVersity = sync.OnceValues(func() (string, error) {
	return stores.BuildVersity(context.Background(), filepath.Join("..", ".."))
})

// startStore starts an S3 store with the bucket "data".
func startStore(t *testing.T) *stores.Store {
	t.Helper()
	program, err := buildVersity()
	if err != nil {
		t.Fatal(err)
	}
	s, err := stores.Versity(t.Context(), program, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := os.Mkdir(filepath.Join(s.Dir, "data"), 0o750); err != nil {
		t.Fatal(err)
	}
	return s
}

// before adds a gateway before a store to a configuration.
func before(c server.Config, store string) server.Config {
	c.GatewayListen, c.GatewayStore = "127.0.0.1:0", store
	c.GatewayAccessKey, c.GatewaySecretKey = stores.AccessKey, stores.SecretKey
	if c.GatewayTimeout == 0 {
		c.GatewayTimeout = patience.Limit
	}
	return c
}

func s3Client(r serving.Rig, id, secret string) *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint: aws.String("http://" + r.GatewayAddr()), Region: "eu-west-1", UsePathStyle: true, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, ""),
	})
}

func iamClient(r serving.Rig, id, secret string) *awsiam.Client {
	return awsiam.New(awsiam.Options{
		BaseEndpoint: aws.String(r.URL()), Region: "us-east-1", HTTPClient: outbound.NewAWSClient(aws.Config{}), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, ""),
	})
}

// ownFolder lets users work in a folder of the bucket "data" that has their name.
const ownFolder = `{"Version":"2012-10-17","Statement":[
	{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::data","Condition":{"StringLike":{"s3:prefix":"people/${aws:username}/*"}}},
	{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject","s3:DeleteObject"],"Resource":"arn:aws:s3:::data/people/${aws:username}/*"}]}`

func put(t *testing.T, c *s3.Client, key, body string) error {
	t.Helper()
	_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("data"), Key: &key, Body: strings.NewReader(body)})
	return err
}

func get(t *testing.T, c *s3.Client, key string) (string, error) {
	t.Helper()
	out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("data"), Key: &key})
	if err != nil {
		return "", err
	}
	defer out.Body.Close()
	body, err := io.ReadAll(out.Body)
	return string(body), err
}

// within repeats a call until it answers a code. Changes are effective within a second.
func within(t *testing.T, want string, call func() error) {
	t.Helper()
	began := time.Now()
	for {
		err := call()
		if serving.Code(err) == want {
			return
		}
		if time.Since(began) > patience.Limit {
			t.Fatalf("got %v for %s, want %s", err, patience.Limit, want)
		}
	}
}

// TestGateway uses a store with a user's access key, on both engines.
func TestGateway(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			store := startStore(t)
			c := before(serving.Serve(t), store.URL)
			if engine == "postgres" {
				c.Data, c.Database = "", server.Secret(pgtest.Database(t))
				serving.Run(t, nil, "migrate", "--database", string(c.Database), "--kek-file", c.KEKFile)
			}
			r := serving.Start(t, c)
			file := filepath.Join(t.TempDir(), "own-folder.json")
			if err := os.WriteFile(file, []byte(ownFolder), 0o600); err != nil {
				t.Fatal(err)
			}
			opsID, opsSecret := serving.NewKey(t, r, "ops", "admin")
			annID, annSecret := serving.NewKey(t, r, "ann", file)
			ops, ann := iamClient(r, opsID, opsSecret), s3Client(r, annID, annSecret)

			if err := put(t, ann, "people/ann/a.txt", "hello"); err != nil {
				t.Fatal(err)
			}
			if body, err := get(t, ann, "people/ann/a.txt"); err != nil || body != "hello" {
				t.Errorf("get: %q, %v", body, err)
			}
			list, err := ann.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("data"), Prefix: aws.String("people/ann/")})
			if err != nil || len(list.Contents) != 1 {
				t.Errorf("list: %v, %v", list, err)
			}
			serving.Want(t, put(t, ann, "people/bob/a.txt", "x"), "AccessDenied")
			_, err = get(t, ann, "people/ann/../bob/a.txt")
			serving.Want(t, err, "InvalidArgument")
			serving.Want(t, put(t, s3Client(r, annID, opsSecret), "people/ann/b.txt", "x"), "SignatureDoesNotMatch")
			serving.Want(t, put(t, s3Client(r, "AKIA2222222222222222", annSecret), "people/ann/b.txt", "x"), "InvalidAccessKeyId")
			// Administrators of the server have no rights at the store.
			serving.Want(t, put(t, s3Client(r, opsID, opsSecret), "people/ann/b.txt", "x"), "AccessDenied")

			log := r.Log.String()
			for _, want := range []string{
				`"operation":"PutObject","code":"","accessKey":"` + annID + `","principal":"arn:aws:iam::123456789012:user/ann","bucket":"data","path":"/data/people/ann/a.txt"`,
				`"operation":"PutObject","code":"AccessDenied"`, `"denied":"s3:PutObject on arn:aws:s3:::data/people/bob/a.txt"`,
				`"code":"InvalidAccessKeyId","claimedAccessKey":"AKIA2222222222222222"`,
			} {
				if !strings.Contains(log, want) {
					t.Errorf("the log lacks %s", want)
				}
			}
			for _, secret := range []string{annSecret, stores.SecretKey} {
				if strings.Contains(log, secret) {
					t.Error("the log has a secret")
				}
			}
			_, metrics := serving.Get(t, "http://"+r.PrivateAddr()+"/metrics")
			if want := `cognate_requests_total{code="AccessDenied",operation="PutObject"} 2`; !strings.Contains(metrics, want) {
				t.Errorf("the metrics lack %s", want)
			}

			_, err = ops.DeleteUserPolicy(t.Context(), &awsiam.DeleteUserPolicyInput{UserName: aws.String("ann"), PolicyName: aws.String("own-folder")})
			if err != nil {
				t.Fatal(err)
			}
			within(t, "AccessDenied", func() error { return put(t, ann, "people/ann/a.txt", "x") })
			_, err = ops.PutUserPolicy(t.Context(), &awsiam.PutUserPolicyInput{UserName: aws.String("ann"), PolicyName: aws.String("own"), PolicyDocument: aws.String(ownFolder)})
			if err != nil {
				t.Fatal(err)
			}
			within(t, "", func() error { return put(t, ann, "people/ann/a.txt", "x") })
			if _, err := ops.DeleteAccessKey(t.Context(), &awsiam.DeleteAccessKeyInput{UserName: aws.String("ann"), AccessKeyId: &annID}); err != nil {
				t.Fatal(err)
			}
			within(t, "InvalidAccessKeyId", func() error { return put(t, ann, "people/ann/a.txt", "x") })
		})
	}
}

// TestGatewayOfDev verifies keys at the gateway of a development server, too.
func TestGatewayOfDev(t *testing.T) {
	t.Parallel()
	store := startStore(t)
	r := serving.Start(t, before(serving.Dev(t), store.URL))
	serving.Want(t, put(t, s3Client(r, "dev", "dev"), "a.txt", "x"), "InvalidAccessKeyId")
	dev := iamClient(r, "dev", "dev")
	ctx, user := t.Context(), aws.String("ann")
	if _, err := dev.CreateUser(ctx, &awsiam.CreateUserInput{UserName: user}); err != nil {
		t.Fatal(err)
	}
	key, err := dev.CreateAccessKey(ctx, &awsiam.CreateAccessKeyInput{UserName: user})
	if err != nil {
		t.Fatal(err)
	}
	ann := s3Client(r, *key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey)
	serving.Want(t, put(t, ann, "a.txt", "x"), "AccessDenied")
	_, err = dev.AttachUserPolicy(ctx, &awsiam.AttachUserPolicyInput{UserName: user, PolicyArn: aws.String("arn:aws:iam::aws:policy/AmazonS3FullAccess")})
	if err != nil {
		t.Fatal(err)
	}
	within(t, "", func() error { return put(t, ann, "a.txt", "x") })
}

// A rawUpload is a signed request with a body that the test sends by hand.
type rawUpload struct {
	net.Conn
	r serving.Rig
}

// upload begins a PUT of a body of a length. It sends the head and the beginning of the body at once, as the
// gateway waits for a client only so long.
func upload(t *testing.T, r serving.Rig, id, secret, path string, length int, body string, change ...func(http.Header)) *rawUpload {
	t.Helper()
	h := http.Header{"X-Forwarded-Proto": {"https"}}
	(&sigv4.Signer{AccessKeyID: id, Secret: secret, Region: "us-east-1", Service: "s3"}).Sign(
		&sigv4.Request{Method: "PUT", Path: path, Host: "store.example.com", Header: h}, sigv4.UnsignedPayload, time.Now())
	for _, c := range change {
		c(h)
	}
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", r.GatewayAddr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	var b strings.Builder
	fmt.Fprintf(&b, "PUT %s HTTP/1.1\r\nHost: store.example.com\r\nContent-Length: %d\r\n", path, length)
	if err := h.Write(&b); err != nil {
		t.Fatal(err)
	}
	u := &rawUpload{conn, r}
	u.send(t, b.String()+"\r\n"+body)
	return u
}

func (u *rawUpload) send(t *testing.T, text string) {
	t.Helper()
	if _, err := io.WriteString(u, text); err != nil {
		t.Fatal(err)
	}
}

// logged waits for a line of the server's log.
func logged(t *testing.T, r serving.Rig, want string) {
	t.Helper()
	began := time.Now()
	for !strings.Contains(r.Log.String(), want) {
		if time.Since(began) > patience.Limit {
			t.Fatalf("the log lacks %s", want)
		}
		serving.Get(t, "http://"+r.PrivateAddr()+"/healthz") // takes a moment
	}
}

// A slowStore takes uploads, and answers downloads with a large object. It reports the ends of
// uploads.
type slowStore struct {
	*httptest.Server

	began chan struct{} // a byte of an upload has come
	ended chan error
}

func startSlowStore(t *testing.T) *slowStore {
	t.Helper()
	s := &slowStore{began: make(chan struct{}, 8), ended: make(chan error, 8)}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPut {
			w.Header().Set("Content-Length", fmt.Sprint(1<<30))
			block := make([]byte, 1<<20)
			for range 1 << 10 {
				if _, err := w.Write(block); err != nil {
					s.ended <- err
					return
				}
			}
			return
		}
		_, err := io.ReadFull(r.Body, make([]byte, 1))
		s.began <- struct{}{}
		if err == nil {
			_, err = io.Copy(io.Discard, r.Body)
		}
		s.ended <- err
	}))
	t.Cleanup(s.Close)
	return s
}

// s3Key makes a key that may do everything at the store.
func s3Key(t *testing.T, r serving.Rig) (id, secret string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "s3.json")
	if err := os.WriteFile(file, []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	return serving.NewKey(t, r, "store", file)
}

// awaitUpload waits until the store has a byte of an upload.
func (s *slowStore) awaitUpload(t *testing.T) {
	t.Helper()
	select {
	case <-s.began:
	case <-time.After(patience.Limit):
		t.Fatal("no upload came to the store")
	}
}

const large = 1 << 20

// begin is the beginning of a large object. The buffers of a connection have room for it.
var begin = strings.Repeat("x", 32<<10)

// TestGatewaySlowClients cuts off clients that stop in the middle. The store never gets a
// whole object of them.
func TestGatewaySlowClients(t *testing.T) {
	t.Parallel()
	store := startSlowStore(t)
	c := before(serving.Serve(t), store.URL)
	c.GatewayTimeout = 2 * time.Second
	r := serving.Start(t, c)
	id, secret := s3Key(t, r)

	t.Run("upload", func(t *testing.T) {
		u := upload(t, r, id, secret, "/data/slow-upload", large, begin)
		store.awaitUpload(t)
		answer, err := io.ReadAll(u) // The server ends the connection.
		if err != nil || !strings.Contains(string(answer), "<Code>RequestTimeout</Code>") {
			t.Errorf("%s, %v", answer, err)
		}
		if err := <-store.ended; err == nil {
			t.Error("the store got a whole object")
		}
		logged(t, r, `"code":"RequestTimeout","accessKey":"`+id+`","principal":"arn:aws:iam::123456789012:user/store","bucket":"data","path":"/data/slow-upload"`)
	})
	t.Run("refused upload", func(t *testing.T) {
		for _, length := range []int{100, large} { // net/http reads the rest of short bodies.
			u := upload(t, r, id, "another secret", "/data/refused", length, "")
			answer, err := io.ReadAll(u)
			if err != nil || !strings.Contains(string(answer), "<Code>SignatureDoesNotMatch</Code>") {
				t.Errorf("%s, %v", answer, err)
			}
		}
	})
	t.Run("download", func(t *testing.T) {
		res := download(t, r, id, secret, "/data/slow-download")
		defer res.Body.Close()
		if _, err := io.ReadFull(res.Body, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		if err := <-store.ended; err == nil {
			t.Error("the store sent a whole object to a client that does not read")
		}
		logged(t, r, `"operation":"GetObject","code":"RequestTimeout"`)
	})
}

// download begins a GET of an object.
func download(t *testing.T, r serving.Rig, id, secret, path string) *http.Response {
	t.Helper()
	return signedGet(t, r, "s3", id, secret, path)
}

// signedGet begins a GET that is signed for a service.
func signedGet(t *testing.T, r serving.Rig, service, id, secret, path string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+r.GatewayAddr()+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	(&sigv4.Signer{AccessKeyID: id, Secret: secret, Region: "us-east-1", Service: service}).Sign(
		&sigv4.Request{Method: "GET", Path: path, Host: req.Host, Header: req.Header}, fmt.Sprintf("%x", sha256.Sum256(nil)), time.Now())
	transport := &http.Transport{DisableKeepAlives: true}
	res, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// TestGatewayClientsLeave ends transfers from the client's side.
func TestGatewayClientsLeave(t *testing.T) {
	t.Parallel()
	store := startSlowStore(t)
	r := serving.Start(t, before(serving.Serve(t), store.URL))
	id, secret := s3Key(t, r)
	u := upload(t, r, id, secret, "/data/left", large, begin)
	store.awaitUpload(t)
	_ = u.Close()
	if err := <-store.ended; err == nil {
		t.Error("the store got a whole object")
	}
	logged(t, r, `"operation":"PutObject","code":"ClientClosedRequest"`)
	res := download(t, r, id, secret, "/data/left")
	_ = res.Body.Close()
	if err := <-store.ended; err == nil {
		t.Error("the store sent the whole object")
	}
	logged(t, r, `"operation":"GetObject","code":"ClientClosedRequest"`)
	if strings.Contains(r.Log.String(), `"level":"ERROR"`) {
		t.Error("a client that leaves is not an error of the server")
	}
}

// TestGatewayStoreFails ends the store between requests and in the middle of one.
func TestGatewayStoreFails(t *testing.T) {
	t.Parallel()
	store := startSlowStore(t)
	r := serving.Start(t, before(serving.Serve(t), store.URL))
	id, secret := s3Key(t, r)
	res := download(t, r, id, secret, "/data/half")
	defer res.Body.Close()
	store.CloseClientConnections()
	if _, err := io.Copy(io.Discard, res.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("half of an object ended with %v", err)
	}
	logged(t, r, `"operation":"GetObject","code":"InternalError"`)
	<-store.ended
	store.Close()
	err := put(t, s3Client(r, id, secret), "a.txt", "x")
	serving.Want(t, err, "ServiceUnavailable")
	logged(t, r, `"operation":"PutObject","code":"ServiceUnavailable"`)
}

// TestGatewayShutdown lets a transfer end that is under way.
func TestGatewayShutdown(t *testing.T) {
	t.Parallel()
	store := startSlowStore(t)
	r := serving.Start(t, before(serving.Serve(t), store.URL))
	id, secret := s3Key(t, r)
	u := upload(t, r, id, secret, "/data/last", large, begin)
	store.awaitUpload(t)
	closed := make(chan error, 1)
	go func() { closed <- r.Close() }()
	waitClosed(t, r.GatewayAddr())
	u.send(t, strings.Repeat("x", large-len(begin)))
	answer, err := io.ReadAll(u)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200 ") {
		t.Errorf("%s, %v", answer, err)
	}
	if err := errors.Join(<-store.ended, <-closed); err != nil {
		t.Error(err)
	}
}

// TestGatewayBehindProxy takes the client's address and TLS from a trusted proxy alone.
func TestGatewayBehindProxy(t *testing.T) {
	t.Parallel()
	store := startSlowStore(t)
	c := before(serving.Serve(t), store.URL)
	c.PlainHTTP, c.TrustedProxy, c.DrainDelay = false, []string{"127.0.0.1"}, new(time.Duration)
	r := serving.Start(t, c)
	file := filepath.Join(t.TempDir(), "office.json")
	const office = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:PutObject","Resource":"*",
		"Condition":{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"},"Bool":{"aws:SecureTransport":"true"}}}}`
	if err := os.WriteFile(file, []byte(office), 0o600); err != nil {
		t.Fatal(err)
	}
	id, secret := serving.NewKey(t, r, "office", file)
	for _, tt := range []struct{ name, from, proto, want string }{
		{"from the office", "198.51.100.7, 203.0.113.9", "https", "HTTP/1.1 200 "},
		{"claimed by the client", "203.0.113.9, 198.51.100.7", "https", "HTTP/1.1 403 "},
		{"without TLS", "203.0.113.9", "http", "HTTP/1.1 403 "},
	} {
		u := upload(t, r, id, secret, "/data/a", 1, "x", func(h http.Header) {
			h.Set("X-Forwarded-For", tt.from)
			h.Set("X-Forwarded-Proto", tt.proto)
			h.Set("X-Forwarded-Host", "store.example.com")
			h.Set("Connection", "close")
		})
		if answer, err := io.ReadAll(u); err != nil || !strings.HasPrefix(string(answer), tt.want) {
			t.Errorf("%s: %s, %v", tt.name, answer, err)
		}
	}
}

// TestGatewayServices leads requests of other services to their own backends.
func TestGatewayServices(t *testing.T) {
	t.Parallel()
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if sig, err := sigv4.Parse(r.Header); err != nil || sig.AccessKeyID != "backend-key" || sig.Service != "kms" {
			t.Errorf("the backend's request: %v, %v", sig, err)
		}
		_, _ = io.WriteString(w, `{"KeyId":"k","CiphertextBlob":"eA=="}`)
	}))
	t.Cleanup(backend.Close)
	file := filepath.Join(t.TempDir(), "services.yaml")
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Header.Get("Authorization")+" "+r.Header.Get("X-Cognate-Username")+" "+r.URL.Path)
	}))
	t.Cleanup(api.Close)
	services := "kms:\n  url: " + backend.URL + "\n  access-key: backend-key\n  secret-key: backend-secret\n" +
		"execute-api:\n  url: " + api.URL + "\n  secret-key: secret-of-the-api\n  api: shop\n"
	if err := os.WriteFile(file, []byte(services), 0o600); err != nil {
		t.Fatal(err)
	}
	store := startStore(t)
	c := before(serving.Serve(t), store.URL)
	c.GatewayServices = file
	r := serving.Start(t, c)
	policy := filepath.Join(t.TempDir(), "policy.json")
	if err := os.WriteFile(policy, []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["kms:Encrypt","s3:PutObject","execute-api:Invoke"],
		"Resource":["arn:aws:kms:*:*:key/k","arn:aws:s3:::data/*","arn:aws:execute-api:*:*:shop/$default/GET/orders"]}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	id, secret := serving.NewKey(t, r, "app", policy)
	keys := kms.New(kms.Options{
		BaseEndpoint: aws.String("http://" + r.GatewayAddr()), Region: "us-east-1", HTTPClient: outbound.NewAWSClient(aws.Config{}), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, ""),
	})
	encrypt := func(key string) error {
		_, err := keys.Encrypt(t.Context(), &kms.EncryptInput{KeyId: &key, Plaintext: []byte("x")})
		return err
	}
	serving.Want(t, encrypt("k"), "")
	serving.Want(t, encrypt("other"), "AccessDeniedException")
	serving.Want(t, put(t, s3Client(r, id, secret), "a.txt", "x"), "")
	for path, want := range map[string]string{"/orders": "200 Bearer secret-of-the-api app /orders", "/admin": `403 {"message":"User: arn:aws:iam::123456789012:user/app`} {
		res := signedGet(t, r, "execute-api", id, secret, path)
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if got := strconv.Itoa(res.StatusCode) + " " + string(body); err != nil || !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s, %v", path, got, err)
		}
	}
	logged(t, r, `"operation":"Invoke","code":"AccessDeniedException"`)
}

// TestGatewaySettings rejects settings that do not fit together.
func TestGatewaySettings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(path, []byte(text), mode), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, tt := range []struct {
		name, want string
		change     func(*server.Config)
	}{
		{"no address", "gateway-listen: name the address", func(c *server.Config) { c.GatewayListen = "" }},
		{"nothing behind it", "gateway-store: name what is behind", func(c *server.Config) { c.GatewayStore = "" }},
		{"a path", "gateway-store: must be", func(c *server.Config) { c.GatewayStore = "https://store.example.com/bucket" }},
		{"a password", "gateway-store: must be", func(c *server.Config) { c.GatewayStore = "https://a:b@store.example.com" }},
		{"no secret", "gateway-access-key: set the key", func(c *server.Config) { c.GatewaySecretKey = "" }},
		{"a host with a port", "gateway-host: ", func(c *server.Config) { c.GatewayHost = []string{"s3.example.com:9232"} }},
		{"an origin with a path", "gateway-origin: ", func(c *server.Config) { c.GatewayOrigin = []string{"https://a.example.com/x"} }},
		{"dev on all addresses", "gateway-listen: cognate dev", func(c *server.Config) { c.Mode, c.GatewayListen = server.Dev, ":9232" }},
		{"plain HTTP on all addresses", "gateway-listen: with --plain-http", func(c *server.Config) { c.GatewayListen = ":9232" }},
		{"an unknown service", "dynamo: is not known; known are execute-api and kms, ", func(c *server.Config) {
			c.GatewayServices = file("dynamo", "dynamo: {url: 'http://a', access-key: a, secret-key: b}", 0o600)
		}},
		{"a service without a key", "access-key and secret-key are required", func(c *server.Config) { c.GatewayServices = file("nokey", "sqs: {url: 'http://a'}", 0o600) }},
		{"an API with a short secret", "secret-key is required, with at least 16 characters", func(c *server.Config) {
			c.GatewayServices = file("short", "execute-api: {url: 'http://a', secret-key: short}", 0o600)
		}},
		{"an API with a Region", "has no access-key and no region", func(c *server.Config) {
			c.GatewayServices = file("region", "execute-api: {url: 'http://a', secret-key: 0123456789abcdef, region: r}", 0o600)
		}},
		{"an API's name in another ARN", "api and stage have letters", func(c *server.Config) {
			c.GatewayServices = file("name", "execute-api: {url: 'http://a', secret-key: 0123456789abcdef, api: a/b}", 0o600)
		}},
		{"a stage of another service", "has no api and no stage", func(c *server.Config) {
			c.GatewayServices = file("stage", "sqs: {url: 'http://a', access-key: a, secret-key: b, stage: prod}", 0o600)
		}},
		{"an unknown member", "field secret not found", func(c *server.Config) {
			c.GatewayServices = file("member", "sqs: {url: 'http://a', access-key: a, secret: b}", 0o600)
		}},
		{"a file that all may read", "every user of this machine may read it", func(c *server.Config) {
			c.GatewayServices = file("open", "sqs: {url: 'http://a', access-key: a, secret-key: b}", 0o644)
		}},
	} {
		c := before(server.Config{
			Mode: server.Serve, Listen: "127.0.0.1:0", PlainHTTP: true, Data: dir, KEK: "x", IssuerBase: "https://id.example.com",
		}, "http://127.0.0.1:7070")
		tt.change(&c)
		c = c.WithDefaults()
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}
