package gateway_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"cognate/internal/iam/gateway"
	"cognate/internal/iam/gateway/operation"
	"cognate/internal/iam/policy"
	"cognate/internal/keys"
	"cognate/test/stores"
)

// The store is built once for all tests.
var buildStore = sync.OnceValues(func() (string, error) {
	return stores.BuildVersity(context.Background(), filepath.Join("..", "..", ".."))
})

const account = "123456789012"

// callers are the callers of the tests, by access key.
type callers map[string]*gateway.Caller

func (c callers) Caller(_ context.Context, key, token string) (*gateway.Caller, error) {
	caller := c[key]
	switch {
	case caller == nil:
		return nil, gateway.ErrUnknownKey
	case token == "expired":
		return nil, gateway.ErrExpiredToken
	case strings.HasPrefix(key, "ASIA") != (token == "token"):
		return nil, gateway.ErrInvalidToken
	}
	return caller, nil
}

func identity(tb testing.TB, text string) policy.Layers {
	tb.Helper()
	d, err := policy.Parse(policy.Identity, []byte(text), policy.Options{Name: "test"})
	if err != nil {
		tb.Fatal(err)
	}
	return policy.Layers{Identity: []*policy.Document{d}}
}

const (
	adminKey  = "AKIAADMIN00000000000"
	annKey    = "ASIAANN0000000000000"
	testToken = "token"
	secret    = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
)

// annPolicy lets people work in a folder named after them, as AWS's documentation
// recommends for identity pools.
const annPolicy = `{"Version":"2012-10-17","Statement":[
	{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::data","Condition":{"StringLike":{"s3:prefix":["people/${cognito-identity.amazonaws.com:sub}/*"]}}},
	{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject","s3:DeleteObject","s3:AbortMultipartUpload","s3:ListMultipartUploadParts"],
	 "Resource":"arn:aws:s3:::data/people/${cognito-identity.amazonaws.com:sub}/*"},
	{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::data/public/*"},
	{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::data/people/ann/locked/*"}]}`

func testCallers(tb testing.TB) callers {
	tb.Helper()
	return callers{
		adminKey: {
			Secret: secret, Principal: policy.Principal{Account: account, ARN: "arn:aws:iam::" + account + ":user/admin"},
			Layers: identity(tb, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`),
		},
		annKey: {
			Secret: keys.Secret(secret + "ann"),
			Principal: policy.Principal{
				Account: account, ARN: "arn:aws:iam::" + account + ":role/people", Session: "arn:aws:sts::" + account + ":assumed-role/people/ann",
			},
			Layers: identity(tb, annPolicy),
			Keys:   []operation.Key{{Name: "cognito-identity.amazonaws.com:sub", Values: []string{"ann"}}},
		},
	}
}

// A fixture is a gateway before a store.
type fixture struct {
	store  *stores.Store
	server *httptest.Server
	admin  *s3.Client // through the gateway
	direct *s3.Client // at the store
	clock  time.Duration

	mu     sync.Mutex
	events []*gateway.Event
}

// start runs a gateway before a store with the bucket "data".
func start(tb testing.TB, change ...func(*gateway.Config)) *fixture {
	tb.Helper()
	program, err := buildStore()
	if err != nil {
		tb.Fatal(err)
	}
	f := &fixture{}
	if f.store, err = stores.Versity(tb.Context(), program, tb.TempDir()); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = f.store.Close() })
	backend, err := url.Parse(f.store.URL)
	if err != nil {
		tb.Fatal(err)
	}
	config := gateway.Config{
		Backend: gateway.Backend{
			URL: backend, Region: stores.Region, AccessKeyID: stores.AccessKey, Secret: stores.SecretKey, PathKeys: true,
		},
		Authority: testCallers(tb), Now: func() time.Time { return time.Now().Add(f.clock) },
		Observe: func(_ context.Context, e *gateway.Event) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.events = append(f.events, e)
		},
	}
	for _, c := range change {
		c(&config)
	}
	g, err := gateway.New(config)
	if err != nil {
		tb.Fatal(err)
	}
	f.server = httptest.NewServer(g)
	tb.Cleanup(f.server.Close)
	f.admin = f.client(adminKey, secret, "")
	f.direct = client(f.store.URL, stores.AccessKey, stores.SecretKey, "")
	if _, err := f.admin.CreateBucket(tb.Context(), &s3.CreateBucketInput{Bucket: aws.String("data")}); err != nil {
		tb.Fatal(err)
	}
	return f
}

func (f *fixture) client(key, secret, token string, options ...func(*s3.Options)) *s3.Client {
	return client(f.server.URL, key, secret, token, options...)
}

func (f *fixture) ann(options ...func(*s3.Options)) *s3.Client {
	return f.client(annKey, secret+"ann", testToken, options...)
}

func client(endpoint, key, secret, token string, options ...func(*s3.Options)) *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint: aws.String(endpoint), Region: stores.Region, UsePathStyle: true, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, token),
	}, options...)
}

func (f *fixture) lastEvent() gateway.Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	return *f.events[len(f.events)-1]
}

// put stores an object as the administrator.
func (f *fixture) put(tb testing.TB, key, body string) {
	tb.Helper()
	_, err := f.admin.PutObject(tb.Context(), &s3.PutObjectInput{Bucket: aws.String("data"), Key: aws.String(key), Body: strings.NewReader(body)})
	if err != nil {
		tb.Fatal(err)
	}
}

// stored returns an object of the store, or "" and the error's code.
func (f *fixture) stored(tb testing.TB, key string) (string, string) {
	tb.Helper()
	out, err := f.direct.GetObject(tb.Context(), &s3.GetObjectInput{Bucket: aws.String("data"), Key: aws.String(key)})
	if err != nil {
		return "", code(err)
	}
	defer out.Body.Close()
	body, err := io.ReadAll(out.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return string(body), ""
}

// code returns the code of an error of the SDK.
func code(err error) string {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return err.Error()
}

func TestObjects(t *testing.T) {
	t.Parallel()
	f := start(t)
	ann := f.ann()
	ctx := t.Context()
	bucket := aws.String("data")
	for _, key := range []string{"people/ann/a.txt", "people/ann/Ärger + plus &=%2F ~.txt", "people/ann/dir/b.txt"} {
		body := "the body of " + key
		if _, err := ann.PutObject(ctx, &s3.PutObjectInput{
			Bucket: bucket, Key: aws.String(key), Body: strings.NewReader(body), ContentType: aws.String("text/x-test"), Metadata: map[string]string{"color": "blue"},
		}); err != nil {
			t.Fatalf("put %s: %v", key, err)
		}
		out, err := ann.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String(key)})
		if err != nil {
			t.Fatalf("get %s: %v", key, err)
		}
		got, err := io.ReadAll(out.Body)
		if err != nil || string(got) != body || aws.ToString(out.ContentType) != "text/x-test" || out.Metadata["color"] != "blue" {
			t.Errorf("get %s: %q, %v, %v", key, got, err, out)
		}
		if direct, failed := f.stored(t, key); direct != body {
			t.Errorf("stored %s: %q, %s", key, direct, failed)
		}
	}
	list, err := ann.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: bucket, Prefix: aws.String("people/ann/"), Delimiter: aws.String("/")})
	if err != nil || len(list.Contents) != 2 || len(list.CommonPrefixes) != 1 {
		t.Errorf("list: %v, %v", list, err)
	}
	if _, err := ann.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: aws.String("people/ann/a.txt")}); err != nil {
		t.Errorf("head: %v", err)
	}
	_, err = ann.CopyObject(ctx, &s3.CopyObjectInput{Bucket: bucket, Key: aws.String("people/ann/copy.txt"), CopySource: aws.String("data/people/ann/a.txt")})
	if err != nil {
		t.Errorf("copy: %v", err)
	}
	if body, _ := f.stored(t, "people/ann/copy.txt"); body != "the body of people/ann/a.txt" {
		t.Errorf("the copy: %q", body)
	}
	if _, err := ann.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: aws.String("people/ann/a.txt")}); err != nil {
		t.Errorf("delete: %v", err)
	}
	if _, failed := f.stored(t, "people/ann/a.txt"); failed != "NoSuchKey" {
		t.Errorf("after the deletion: %s", failed)
	}
	_, err = ann.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String("people/ann/a.txt")})
	if code(err) != "NoSuchKey" {
		t.Errorf("get after the deletion: %v", err)
	}
	if e := f.lastEvent(); e.Operation != "GetObject" || e.Key != "people/ann/a.txt" || e.Principal == "" || e.Status != 404 || len(e.Decisions) != 2 {
		t.Errorf("event: %+v", e)
	}
}

func TestDenied(t *testing.T) {
	t.Parallel()
	f := start(t)
	ctx := t.Context()
	ann := f.ann()
	bucket := aws.String("data")
	for _, key := range []string{"people/bob/b.txt", "people/ann/locked/l.txt", "people/ann/a.txt", "public/p.txt"} {
		f.put(t, key, "secret")
	}
	list := func(prefix *string) error {
		_, err := ann.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: bucket, Prefix: prefix})
		return err
	}
	copies := func(from, to string) error {
		_, err := ann.CopyObject(ctx, &s3.CopyObjectInput{Bucket: bucket, Key: aws.String(to), CopySource: aws.String("data/" + from)})
		return err
	}
	get := func(key string) error {
		_, err := ann.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String(key)})
		return err
	}
	put := func(key string, change func(*s3.PutObjectInput)) error {
		in := &s3.PutObjectInput{Bucket: bucket, Key: aws.String(key), Body: strings.NewReader("x")}
		change(in)
		_, err := ann.PutObject(ctx, in)
		return err
	}
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"a neighbour's object", get("people/bob/b.txt"), "AccessDenied"},
		{"an explicit denial", get("people/ann/locked/l.txt"), "AccessDenied"},
		{"a public object", get("public/p.txt"), ""},
		{"an object that is missing, in a list", get("people/ann/missing.txt"), "NoSuchKey"},
		{"an object that is missing, in no list", get("public/missing.txt"), "AccessDenied"},
		{"an upload to a neighbour", put("people/bob/n.txt", func(*s3.PutObjectInput) {}), "AccessDenied"},
		{"an ACL", put("people/ann/n.txt", func(in *s3.PutObjectInput) { in.ACL = types.ObjectCannedACLPublicRead }), "AccessDenied"},
		{"tags", put("people/ann/n.txt", func(in *s3.PutObjectInput) { in.Tagging = aws.String("a=b") }), "AccessDenied"},
		{"all of the bucket", list(nil), "AccessDenied"},
		{"a neighbour's folder", list(aws.String("people/bob/")), "AccessDenied"},
		{"the own folder", list(aws.String("people/ann/")), ""},
		{"a copy of a neighbour's object", copies("people/bob/b.txt", "people/ann/stolen.txt"), "AccessDenied"},
		{"a copy to a neighbour", copies("people/ann/a.txt", "people/bob/given.txt"), "AccessDenied"},
		{"a folder's parent", get("people/ann/../bob/b.txt"), "InvalidArgument"},
		{"a double slash", get("people/ann//locked/l.txt"), "InvalidArgument"},
		{"all buckets", func() error { _, err := ann.ListBuckets(ctx, &s3.ListBucketsInput{}); return err }(), "AccessDenied"},
		{"the policy", func() error {
			_, err := ann.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: bucket, Policy: aws.String("{}")})
			return err
		}(), "AccessDenied"},
	}
	for _, tt := range tests {
		if got := code(tt.err); got != tt.want {
			t.Errorf("%s: %v, want %q", tt.name, tt.err, tt.want)
		}
	}
	for _, key := range []string{"people/bob/n.txt", "people/ann/n.txt", "people/ann/stolen.txt", "people/bob/given.txt"} {
		if _, failed := f.stored(t, key); failed != "NoSuchKey" {
			t.Errorf("%s appeared: %s", key, failed)
		}
	}
	want := "User: arn:aws:sts::123456789012:assumed-role/people/ann is not authorized to perform: s3:GetObject on resource: " +
		`"arn:aws:s3:::data/people/bob/b.txt" because no identity-based policy allows the s3:GetObject action`
	if err := get("people/bob/b.txt"); !strings.Contains(err.Error(), want) {
		t.Errorf("message: %v", err)
	}
	_, err := ann.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: aws.String("people/bob/b.txt")})
	if code(err) != "Forbidden" {
		t.Errorf("head: %v", err)
	}
}

// TestObjectTags lets policies depend on the tags that an object has, and denies by them.
func TestObjectTags(t *testing.T) {
	t.Parallel()
	all := testCallers(t)
	all[annKey].Layers = identity(t, `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::data/open/*"},
		{"Effect":"Deny","Action":"s3:GetObject","Resource":"*","Condition":{"StringEquals":{"s3:ExistingObjectTag/secret":"yes"}}},
		{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::data/teams/*","Condition":{"StringEquals":{"s3:ExistingObjectTag/team":"blue"}}}]}`)
	all[annKey].ObjectTags = gateway.NamesObjectTags(all[annKey].Layers)
	f := start(t, func(c *gateway.Config) { c.Authority = all })
	for key, tags := range map[string]string{"open/plain": "", "open/secret": "secret=yes", "teams/blue": "team=blue", "teams/red": "team=red", "teams/none": ""} {
		in := &s3.PutObjectInput{Bucket: aws.String("data"), Key: aws.String(key), Body: strings.NewReader("x")}
		if tags != "" {
			in.Tagging = aws.String(tags)
		}
		if _, err := f.admin.PutObject(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	for key, want := range map[string]string{
		"open/plain": "", "open/secret": "AccessDenied", "teams/blue": "", "teams/red": "AccessDenied", "teams/none": "AccessDenied", "teams/missing": "AccessDenied",
	} {
		_, err := f.ann().GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("data"), Key: aws.String(key)})
		if got := code(err); got != want {
			t.Errorf("get %s: %v, want %q", key, err, want)
		}
	}
	_, err := f.ann().CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: aws.String("data"), Key: aws.String("open/copy"), CopySource: aws.String("data/open/secret")})
	if code(err) != "AccessDenied" {
		t.Errorf("copy: %v", err)
	}
	if gateway.NamesObjectTags(identity(t, annPolicy)) {
		t.Error("NamesObjectTags is true for a policy without tags")
	}
}

func TestDeleteObjects(t *testing.T) {
	t.Parallel()
	f := start(t)
	ann := f.ann()
	for _, key := range []string{"people/ann/1.txt", "people/ann/2 &<.txt", "people/bob/1.txt"} {
		f.put(t, key, "x")
	}
	remove := func(keys ...string) *s3.DeleteObjectsOutput {
		in := &s3.DeleteObjectsInput{Bucket: aws.String("data"), Delete: &types.Delete{}}
		for _, key := range keys {
			in.Delete.Objects = append(in.Delete.Objects, types.ObjectIdentifier{Key: aws.String(key)})
		}
		out, err := ann.DeleteObjects(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	out := remove("people/bob/1.txt")
	if len(out.Deleted) != 0 || len(out.Errors) != 1 || aws.ToString(out.Errors[0].Code) != "AccessDenied" {
		t.Errorf("a neighbour's object: %+v", out)
	}
	out = remove("people/ann/1.txt", "people/bob/1.txt", "people/ann/2 &<.txt")
	if len(out.Deleted) != 2 || len(out.Errors) != 1 || aws.ToString(out.Errors[0].Key) != "people/bob/1.txt" {
		t.Errorf("a mixture: %+v", out)
	}
	for key, want := range map[string]string{"people/ann/1.txt": "NoSuchKey", "people/ann/2 &<.txt": "NoSuchKey", "people/bob/1.txt": ""} {
		if _, failed := f.stored(t, key); failed != want {
			t.Errorf("%s: %q, want %q", key, failed, want)
		}
	}
}

// TestMultipart uploads 200 MiB in parts of the SDK's default form, with trailing checksums.
func TestMultipart(t *testing.T) {
	t.Parallel()
	f := start(t)
	ann := f.ann()
	ctx := t.Context()
	bucket, key := aws.String("data"), aws.String("people/ann/large.bin")
	const parts, size = 5, 40 << 20
	created, err := ann.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: bucket, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	done := &types.CompletedMultipartUpload{}
	for n := range int32(parts) {
		out, err := ann.UploadPart(ctx, &s3.UploadPartInput{
			Bucket: bucket, Key: key, UploadId: created.UploadId, PartNumber: aws.Int32(n + 1), Body: bytes.NewReader(pattern(int(n), size)),
		})
		if err != nil {
			t.Fatalf("part %d: %v", n+1, err)
		}
		done.Parts = append(done.Parts, types.CompletedPart{
			ETag: out.ETag, PartNumber: aws.Int32(n + 1), ChecksumCRC32: out.ChecksumCRC32, ChecksumCRC64NVME: out.ChecksumCRC64NVME,
		})
	}
	completed, err := ann.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: bucket, Key: key, UploadId: created.UploadId, MultipartUpload: done})
	if err != nil {
		t.Fatal(err)
	}
	if want := f.server.URL + "/data/people/ann/large.bin"; aws.ToString(completed.Location) != want {
		t.Errorf("location %q, want %q", aws.ToString(completed.Location), want)
	}
	out, err := ann.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	for n := range parts {
		got := make([]byte, size)
		if _, err := io.ReadFull(out.Body, got); err != nil || !bytes.Equal(got, pattern(n, size)) {
			t.Fatalf("part %d differs, %v", n+1, err)
		}
	}
	if rest, err := io.ReadAll(out.Body); err != nil || len(rest) > 0 {
		t.Errorf("%d bytes more, %v", len(rest), err)
	}
}

// pattern returns bytes that differ in every block.
func pattern(seed, size int) []byte {
	b := make([]byte, size)
	x := uint64(seed)*0x9e3779b97f4a7c15 + 1
	for i := range b {
		if i%8 == 0 {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
		}
		b[i] = byte(x >> (i % 8 * 8))
	}
	return b
}

func TestPresigned(t *testing.T) {
	t.Parallel()
	f := start(t)
	signer := s3.NewPresignClient(f.ann(), s3.WithPresignExpires(time.Minute))
	bucket, key := aws.String("data"), aws.String("people/ann/pre signed+.txt")
	put, err := signer.PresignPutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: key, ContentType: aws.String("text/plain")})
	if err != nil {
		t.Fatal(err)
	}
	if status, body := do(t, put.Method, put.URL, put.SignedHeader, "presigned"); status != 200 {
		t.Fatalf("put: %d %s", status, body)
	}
	get, err := signer.PresignGetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	if status, body := do(t, "GET", get.URL, nil, ""); status != 200 || body != "presigned" {
		t.Errorf("get: %d %s", status, body)
	}
	for name, target := range map[string]string{
		"another key":          strings.Replace(get.URL, "pre%20signed", "pre", 1),
		"another life":         strings.Replace(get.URL, "X-Amz-Expires=60", "X-Amz-Expires=600", 1),
		"another sub-resource": get.URL + "&acl",
	} {
		if status, body := do(t, "GET", target, nil, ""); status != 403 || !strings.Contains(body, "<Code>SignatureDoesNotMatch</Code>") {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	f.clock = 2 * time.Minute
	if status, body := do(t, "GET", get.URL, nil, ""); status != 403 || !strings.Contains(body, "Request has expired") {
		t.Errorf("after its time: %d %s", status, body)
	}
}

// do sends a request and returns its status and body.
func do(tb testing.TB, method, target string, header http.Header, body string) (int, string) {
	tb.Helper()
	r, err := http.NewRequestWithContext(tb.Context(), method, target, strings.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	for name, values := range header {
		if name != "Host" {
			r.Header[name] = values
		}
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		tb.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return res.StatusCode, string(got)
}
