package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"cognate/internal/iam/sigv4"
	"cognate/test/bench/floor"
	"cognate/test/stores"
)

// The gateway before an S3 store. Store, gateway and client share the machine's processors, so each
// transfer is measured through a bare proxy, too.
const (
	lineSmallGet = "gateway: a small GET adds"
	lineMemory   = "gateway: memory of a stream of 10 GiB, "

	gatewayBucket  = "data"
	smallGets      = 1000
	largeObject    = 64 << 20
	transfersATurn = 4
	streamLength   = 10 << 30
	// mostMemory is the target for the resident memory of the gateway's process.
	mostMemory = 64 << 20
	// leastRate is the target for a transfer's part of the store's own rate.
	leastRate = 0.8
)

// A transfer is a request with or for a large object.
type transfer struct {
	name, method string
	header       map[string]string
	payload      string // what the signature has for the body
	body         [][]byte
}

// An endpoint is where transfers go, with the key that signs them.
type endpoint struct {
	addr string
	key  aws.Credentials
}

func transfers() []transfer {
	data := make([]byte, largeObject)
	_, _ = rand.Read(data)
	sum := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(data))
	put := func(name, payload string) transfer {
		return transfer{name: "gateway: " + name, method: http.MethodPut, payload: payload, body: [][]byte{data}}
	}
	hash := sha256.Sum256(data)
	trailing := put("upload, trailing checksum", sigv4.UnsignedTrailer)
	trailing.header = map[string]string{
		"Content-Encoding": "aws-chunked", "X-Amz-Trailer": "x-amz-checksum-crc32", "X-Amz-Decoded-Content-Length": strconv.Itoa(largeObject),
	}
	trailing.body = [][]byte{
		[]byte(strconv.FormatInt(largeObject, 16) + "\r\n"), data,
		[]byte("\r\n0\r\nx-amz-checksum-crc32:" + base64.StdEncoding.EncodeToString(sum) + "\r\n\r\n"),
	}
	return []transfer{
		put("upload, signed", hex.EncodeToString(hash[:])), put("upload, UNSIGNED-PAYLOAD", sigv4.UnsignedPayload), trailing,
		{name: "gateway: download", method: http.MethodGet, payload: hashOfNothing},
	}
}

// hashOfNothing is the SHA-256 of an empty body.
const hashOfNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// request returns the signed request. A body that is not nil takes the place of the transfer's.
func (t *transfer) request(ctx context.Context, at endpoint, object string, body io.Reader, length int64) (*http.Request, error) {
	if body == nil {
		var parts []io.Reader
		for _, p := range t.body {
			parts = append(parts, bytes.NewReader(p))
			length += int64(len(p))
		}
		body = io.MultiReader(parts...)
	}
	if length == 0 {
		body = http.NoBody
	}
	r, err := http.NewRequestWithContext(ctx, t.method, "http://"+at.addr+"/"+gatewayBucket+"/"+object, body)
	if err != nil {
		return nil, err
	}
	r.ContentLength = length
	for name, value := range t.header {
		r.Header.Set(name, value)
	}
	r.Header.Set("X-Amz-Content-Sha256", t.payload)
	err = v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }).SignHTTP(ctx, at.key, r, t.payload, "s3", region, time.Now())
	return r, err
}

// send sends a request and returns the length of the answer's body.
func send(r *http.Request) (int64, error) {
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 4<<10))
		return 0, fmt.Errorf("%s %s: %d %s", r.Method, r.URL, res.StatusCode, text)
	}
	return io.Copy(io.Discard, res.Body)
}

// took returns the time of so many transfers.
func (t *transfer) took(ctx context.Context, at endpoint, times int) (time.Duration, error) {
	began := time.Now()
	for range times {
		r, err := t.request(ctx, at, "large", nil, 0)
		if err != nil {
			return 0, err
		}
		if n, err := send(r); err != nil || t.method == http.MethodGet && n != largeObject {
			return 0, errors.Join(fmt.Errorf("%s: %d bytes", t.name, n), err)
		}
	}
	return time.Since(began), nil
}

// measureGateway measures the gateway before the Versity S3 Gateway.
func (b *bench) measureGateway(ctx context.Context) (err error) {
	list := transfers()
	wanted := slices.ContainsFunc(list, func(t transfer) bool { return b.wanted(t.name) })
	if wanted || b.wanted(lineSmallGet) {
		if err := b.measureTransfers(ctx, list); err != nil {
			return err
		}
	}
	if b.wanted(lineMemory) {
		return b.measureStream(ctx)
	}
	return nil
}

func (b *bench) measureTransfers(ctx context.Context, list []transfer) (err error) {
	program, err := stores.BuildVersity(ctx, ".")
	if err != nil {
		return err
	}
	dir := filepath.Join(b.dir, "store")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	store, err := stores.Versity(ctx, program, dir)
	defer func() { err = errors.Join(err, store.Close()) }()
	if err != nil {
		return err
	}
	key := aws.Credentials{AccessKeyID: stores.AccessKey, SecretAccessKey: stores.SecretKey}
	direct := endpoint{strings.TrimPrefix(store.URL, "http://"), key}
	sdk := s3.New(s3.Options{
		Region: stores.Region, BaseEndpoint: &store.URL, UsePathStyle: true, Credentials: credentials.StaticCredentialsProvider{Value: key},
	})
	if _, err := sdk.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(gatewayBucket)}); err != nil {
		return err
	}
	if _, err := sdk.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(gatewayBucket), Key: aws.String("small"), Body: strings.NewReader(strings.Repeat("x", 100))}); err != nil {
		return err
	}
	g, through, err := b.gatewayTarget(ctx, "gateway", store.URL)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.close()) }()
	if err := b.smallGets(ctx, g, through); err != nil {
		return err
	}
	proxy, err := floorProcess(ctx, os.Stderr, floor.Proxy, store.URL)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, proxy.stop()) }()
	for _, t := range list {
		if err := b.compareRates(ctx, g, &t, direct, through, proxy); err != nil {
			return err
		}
	}
	return nil
}

// gatewayTarget starts a server with a gateway before a store, and returns it with the
// gateway's endpoint.
func (b *bench) gatewayTarget(ctx context.Context, name, store string) (*target, endpoint, error) {
	addr, err := freeAddress()
	if err != nil {
		return nil, endpoint{}, err
	}
	t, err := b.newTarget(ctx, &engine{name: "sqlite"}, name, 1, "--gateway-listen", addr, "--gateway-store", store,
		"--gateway-access-key", stores.AccessKey, "--gateway-secret-key", stores.SecretKey)
	if err != nil {
		return nil, endpoint{}, err
	}
	key, err := t.accessKey(ctx)
	if err != nil {
		return nil, endpoint{}, errors.Join(err, t.close())
	}
	return t, endpoint{addr, key}, nil
}

// accessKey makes an IAM user who may do everything in the bucket, and returns the user's key.
func (t *target) accessKey(ctx context.Context) (aws.Credentials, error) {
	sdk := iam.New(iam.Options{Region: region, BaseEndpoint: aws.String("http://" + t.addr), Credentials: credentials.StaticCredentialsProvider{Value: t.key}})
	name := aws.String("gateway")
	if _, err := sdk.CreateUser(ctx, &iam.CreateUserInput{UserName: name}); err != nil {
		return aws.Credentials{}, err
	}
	_, err := sdk.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: name, PolicyName: name, PolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::` + gatewayBucket + `/*"}}`)})
	if err != nil {
		return aws.Credentials{}, err
	}
	out, err := sdk.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: name})
	if err != nil {
		return aws.Credentials{}, err
	}
	return aws.Credentials{AccessKeyID: *out.AccessKey.AccessKeyId, SecretAccessKey: *out.AccessKey.SecretAccessKey}, nil
}

// smallGets measures the CPU time of the gateway's process for a GET of 100 bytes.
func (b *bench) smallGets(ctx context.Context, g *target, through endpoint) error {
	if !b.wanted(lineSmallGet) {
		return nil
	}
	fmt.Fprintln(b.progress, lineSmallGet)
	get := &transfer{method: http.MethodGet, payload: hashOfNothing}
	c := clients{addr: through.addr}
	defer c.close()
	var costs []float64
	finish := func() {}
	for i := range b.rounds + 1 {
		r, err := get.request(ctx, through, "small", nil, 0)
		if err != nil {
			return err
		}
		var raw bytes.Buffer
		if err := r.Write(&raw); err != nil {
			return err
		}
		before := g.cpu()
		if _, err := c.send(slices.Repeat([][]byte{raw.Bytes()}, smallGets), b.clients); err != nil {
			return err
		}
		if i == 0 { // warm
			finish = b.startProfile(ctx, g, lineSmallGet)
			continue
		}
		costs = append(costs, float64((g.cpu()-before)/smallGets))
	}
	finish()
	value := median(costs, identity)
	b.report.measured(lineSmallGet, "", milliseconds(value)+" ms", "≤ 0.2 ms", value <= float64(200*time.Microsecond))
	return nil
}

// compareRates reports the rates of a transfer through the gateway and through a bare proxy, as
// parts of the store's own.
func (b *bench) compareRates(ctx context.Context, g *target, t *transfer, direct, through endpoint, proxy *process) error {
	if !b.wanted(t.name) {
		return nil
	}
	fmt.Fprintln(b.progress, t.name)
	var ours, bare, cost, bareCost []float64
	finish := func() {}
	for i := range b.rounds + 1 {
		alone, err := t.took(ctx, direct, transfersATurn)
		if err != nil {
			return err
		}
		before := g.cpu()
		long, err := t.took(ctx, through, transfersATurn)
		if err != nil {
			return err
		}
		used, before := g.cpu()-before, proxy.cpu()
		plain, err := t.took(ctx, endpoint{proxy.addr, direct.key}, transfersATurn)
		if err != nil {
			return err
		}
		if i == 0 { // warm
			finish = b.startProfile(ctx, g, t.name)
			continue
		}
		ours, bare = append(ours, float64(alone)/float64(long)), append(bare, float64(alone)/float64(plain))
		cost, bareCost = append(cost, float64(used/transfersATurn)), append(bareCost, float64((proxy.cpu()-before)/transfersATurn))
	}
	finish()
	value := median(ours, identity)
	b.report.lines = append(b.report.lines, line{
		operation: t.name + ", to the store's rate", cost: milliseconds(median(cost, identity)), floor: milliseconds(median(bareCost, identity)),
		value: fmt.Sprintf("%.2f", value), target: fmt.Sprintf("≥ %.1f", leastRate), judge: verdict(value >= leastRate),
	})
	b.report.measured(t.name+", by a bare proxy", "", fmt.Sprintf("%.2f", median(bare, identity)), "", true)
	return nil
}

// measureStream sends a stream through a gateway before a store that discards it, and one from
// there, and reports the most memory that the gateway's process has held.
func (b *bench) measureStream(ctx context.Context) (err error) {
	store, err := floorProcess(ctx, os.Stderr, floor.Discard, strconv.Itoa(streamLength))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.stop()) }()
	g, through, err := b.gatewayTarget(ctx, "stream", "http://"+store.addr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.close()) }()
	for _, t := range []transfer{
		{name: "upload", method: http.MethodPut, payload: sigv4.UnsignedPayload}, {name: "download", method: http.MethodGet, payload: hashOfNothing},
	} {
		fmt.Fprintln(b.progress, lineMemory+t.name)
		var body io.Reader
		var length int64
		if t.method == http.MethodPut {
			body, length = io.LimitReader(floor.Zeros{}, streamLength), streamLength
		}
		r, err := t.request(ctx, through, "large", body, length)
		if err != nil {
			return err
		}
		if err := g.forgetPeak(); err != nil {
			return err
		}
		if n, err := send(r); err != nil || t.method == http.MethodGet && n != streamLength {
			return errors.Join(fmt.Errorf("%s: %d bytes", t.name, n), err)
		}
		peak := g.peak()
		b.report.measured(lineMemory+t.name, "", mib(peak), "< "+mib(mostMemory), peak > 0 && peak < mostMemory)
	}
	return nil
}
