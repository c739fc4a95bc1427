package sink

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"cognate/internal/outbound"
)

// A Remote is a service of AWS in one Region, or one that is compatible. Its sinks share connections and credentials. The SDK signs
// the requests; its service clients, which would add 10 MiB to the program for a few operations, are not used.
type Remote struct {
	service  string // in signatures
	region   string
	endpoint *url.URL
	client   *http.Client
	signer   *v4.Signer
	provider aws.CredentialsProvider
	now      func() time.Time
}

// newRemote reads the Region and the endpoint of an address.
func newRemote(ctx context.Context, u *url.URL, o Options, service string) (*Remote, error) {
	q := u.Query()
	return Connect(ctx, service, q.Get("region"), q.Get("endpoint"), o)
}

// Services of AWS, as [Connect] takes them.
const (
	ServiceS3       = "s3"
	ServiceLogs     = "logs"
	ServiceFirehose = "firehose"
)

// Connect returns a service in a Region. An empty Region is the SDK's own, and an empty endpoint is AWS itself. It connects to
// nothing yet.
func Connect(ctx context.Context, service, region, endpoint string, o Options) (*Remote, error) {
	cfg, err := o.AWS(ctx, region)
	if err != nil {
		return nil, outbound.Clean(err, endpoint)
	}
	if cfg.Region == "" {
		return nil, errors.New("the address needs ?region=REGION")
	}
	if endpoint == "" {
		endpoint = "https://" + service + "." + cfg.Region + "." + domainOf(cfg.Region)
	}
	e, err := url.Parse(endpoint)
	if err != nil || e.Host == "" || e.Scheme != "http" && e.Scheme != "https" {
		return nil, errors.New("the endpoint must be an http or https URL")
	}
	if o.Development && !outbound.IsAWS(endpoint) && !outbound.HasCredentials(ctx, cfg) {
		cfg.Credentials = outbound.Dummy()
	}
	return &Remote{
		service: service, region: cfg.Region, endpoint: e, client: outbound.NewAWSClient(cfg), provider: cfg.Credentials, now: o.Now,
		signer: v4.NewSigner(func(s *v4.SignerOptions) { s.DisableURIPathEscaping = service == ServiceS3 }),
	}, nil
}

// domainOf returns the parent domain of a Region's services.
func domainOf(region string) string {
	if strings.HasPrefix(region, "cn-") {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}

// send signs and sends a request, and returns the status and the body of the answer.
func (r *Remote) send(ctx context.Context, method string, u *url.URL, header http.Header, body []byte) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return 0, nil, outbound.Clean(err, u.String())
	}
	req.Header = header
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	if r.service == ServiceS3 {
		req.Header.Set("X-Amz-Content-Sha256", hash)
	}
	if r.provider == nil {
		return 0, nil, errors.New("the AWS SDK finds no credentials")
	}
	credentials, err := r.provider.Retrieve(ctx)
	if err != nil {
		return 0, nil, outbound.Clean(err)
	}
	if err := r.signer.SignHTTP(ctx, credentials, req, hash, r.service, r.region, r.now()); err != nil {
		return 0, nil, outbound.Clean(err)
	}
	res, err := r.client.Do(req)
	if err != nil {
		return 0, nil, outbound.Clean(err, u.String())
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	return res.StatusCode, answer, outbound.Clean(err, u.String())
}

// A bucket takes records as compressed objects.
type bucket struct {
	*Remote
	base   *url.URL // of the bucket's objects
	layout ObjectLayout
	wait   time.Duration
}

// An ObjectLayout is how records become an object.
type ObjectLayout struct {
	// Key returns the key of an object by its first record and by the digest of all. Neither changes when the records are sent
	// again.
	Key func(first Record, digest string) string
	// Lines says that the object has a line for each record. Otherwise it is {"Records":[…]}, as CloudTrail writes.
	Lines bool
}

// Bucket returns a bucket as a sink. pathStyle puts the bucket into the path, not into the host.
func (r *Remote) Bucket(name string, pathStyle bool, wait time.Duration, layout ObjectLayout) Sink {
	base := *r.endpoint
	if pathStyle {
		base.Path = path.Join("/", base.Path, name)
	} else {
		base.Host = name + "." + base.Host
	}
	return &bucket{Remote: r, base: &base, layout: layout, wait: wait}
}

// trailLayout is CloudTrail's (CloudTrail: log file name format).
func trailLayout(prefix, account, region string) ObjectLayout {
	return ObjectLayout{Key: func(first Record, digest string) string {
		at := first.At.UTC()
		return path.Join(prefix, "AWSLogs", account, "CloudTrail", region, at.Format("2006/01/02"),
			fmt.Sprintf("%s_CloudTrail_%s_%s_%s.json.gz", account, region, at.Format("20060102T1504Z"), digest))
	}}
}

// openS3 reads s3://BUCKET/PREFIX?region=REGION&endpoint=URL&path-style=true&wait=1m.
func openS3(ctx context.Context, u *url.URL, o Options) (Sink, error) {
	if u.Host == "" || u.User != nil || u.Port() != "" {
		return nil, errors.New("the address must be s3://BUCKET/PREFIX")
	}
	wait := time.Minute
	if text := u.Query().Get("wait"); text != "" {
		var err error
		if wait, err = time.ParseDuration(text); err != nil || wait < 0 || wait > time.Hour {
			return nil, errors.New("wait must be a time of at most 1h")
		}
	}
	style := u.Query().Get("path-style")
	if !slices.Contains([]string{"", "true", "false"}, style) {
		return nil, errors.New("path-style must be true or false")
	}
	r, err := newRemote(ctx, u, o, ServiceS3)
	if err != nil {
		return nil, err
	}
	return r.Bucket(u.Host, style == "true", wait, trailLayout(strings.Trim(u.Path, "/"), o.Account, r.region)), nil
}

// Batch implements Sink.
func (b *bucket) Batch() Batch { return Batch{Records: 10_000, Bytes: 8 << 20, Wait: b.wait} }

// Send implements Sink. The same records have the same key, so that a second attempt replaces
// the object of the first one.
func (b *bucket) Send(ctx context.Context, records []Record) error {
	var body bytes.Buffer
	z := gzip.NewWriter(&body)
	var err error
	if b.layout.Lines {
		_, err = z.Write(lines(records))
	} else {
		err = json.NewEncoder(z).Encode(map[string]any{"Records": bodies(records)})
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		return err
	}
	u := *b.base
	u.Path = path.Join("/", u.Path, b.layout.Key(records[0], digest(records)[:16]))
	header := http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}}
	status, _, err := b.send(ctx, http.MethodPut, &u, header, body.Bytes())
	if err == nil && status/100 != 2 {
		err = fmt.Errorf("the bucket answered %d %s", status, http.StatusText(status))
	}
	return err
}

// Close implements Sink.
func (b *bucket) Close() error {
	b.client.CloseIdleConnections()
	return nil
}

// Limits of PutLogEvents (CloudWatch Logs: PutLogEvents).
const (
	maxLogEvents   = 10_000
	maxLogBytes    = 1_048_576
	logEventExtra  = 26
	maxLogPeriod   = 24 * time.Hour
	oldestLogEvent = 14 * 24 * time.Hour
)

// A logGroup takes each record as an event of a log stream.
type logGroup struct {
	*Remote
	group, stream string
}

// A logEvent is an event as PutLogEvents takes it. Its timestamp is in milliseconds.
type logEvent struct {
	Message   string `json:"message"`
	Timestamp int64  `json:"timestamp"`
}

// openLogs reads cloudwatch-logs:GROUP?region=REGION&endpoint=URL&stream=NAME.
func openLogs(ctx context.Context, u *url.URL, o Options) (Sink, error) {
	group := u.Opaque
	if group == "" {
		group = u.Path
	}
	if u.Host != "" || group == "" {
		return nil, errors.New("the address must be cloudwatch-logs:GROUP")
	}
	r, err := newRemote(ctx, u, o, ServiceLogs)
	if err != nil {
		return nil, err
	}
	stream := u.Query().Get("stream")
	if stream == "" {
		stream = "cognate"
	}
	return r.LogGroup(group, stream), nil
}

// LogGroup returns a log stream of a log group as a sink. The log stream is made if it is missing.
func (r *Remote) LogGroup(group, stream string) Sink {
	return &logGroup{Remote: r, group: group, stream: stream}
}

// Batch implements Sink.
func (l *logGroup) Batch() Batch {
	return Batch{Records: maxLogEvents, Bytes: maxLogBytes / 2, Wait: time.Second}
}

// Send implements Sink. Records that are too old for the service are left out: it would
// refuse them for ever.
func (l *logGroup) Send(ctx context.Context, records []Record) error {
	events := make([]logEvent, 0, len(records))
	oldest := l.now().Add(-oldestLogEvent + time.Hour)
	for _, r := range records {
		if r.At.After(oldest) {
			events = append(events, logEvent{string(r.Body), r.At.UnixMilli()})
		}
	}
	// The service wants the events of a batch by time.
	slices.SortStableFunc(events, func(a, b logEvent) int { return int(a.Timestamp - b.Timestamp) })
	for len(events) > 0 {
		n := fitting(events)
		if err := l.put(ctx, events[:n]); err != nil {
			return err
		}
		events = events[n:]
	}
	return nil
}

// fitting returns how many events one request may have.
func fitting(events []logEvent) int {
	size := 0
	for i, e := range events {
		size += len(e.Message) + logEventExtra
		apart := time.Duration(e.Timestamp-events[0].Timestamp) * time.Millisecond
		if i > 0 && (i >= maxLogEvents || size > maxLogBytes || apart >= maxLogPeriod) {
			return i
		}
	}
	return len(events)
}

// put sends one request. It makes the log stream if that is missing.
func (l *logGroup) put(ctx context.Context, events []logEvent) error {
	stream := map[string]any{"logGroupName": l.group, "logStreamName": l.stream}
	in := map[string]any{"logGroupName": l.group, "logStreamName": l.stream, "logEvents": events}
	code, err := l.write(ctx, in)
	if code != "ResourceNotFoundException" {
		return err
	}
	if code, err = l.call(ctx, "CloudWatch Logs", "Logs_20140328.CreateLogStream", stream, nil); err != nil && code != "ResourceAlreadyExistsException" {
		return err
	}
	_, err = l.write(ctx, in)
	return err
}

func (l *logGroup) write(ctx context.Context, in any) (code string, err error) {
	var out struct {
		Rejected struct {
			TooNew *int `json:"tooNewLogEventStartIndex"`
		} `json:"rejectedLogEventsInfo"`
	}
	code, err = l.call(ctx, "CloudWatch Logs", "Logs_20140328.PutLogEvents", in, &out)
	if err == nil && out.Rejected.TooNew != nil {
		err = errors.New("CloudWatch Logs refused events as too new: compare the clocks")
	}
	return code, err
}

// Close implements Sink.
func (l *logGroup) Close() error {
	l.client.CloseIdleConnections()
	return nil
}

// call does an operation by AWS's JSON protocol. It returns the code of an error of the service, too. An answer of another form
// leaves out as it is.
func (r *Remote) call(ctx context.Context, service, target string, in, out any) (code string, err error) {
	body, err := json.Marshal(in)
	if err != nil {
		return "", err
	}
	header := http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {target}}
	status, answer, err := r.send(ctx, http.MethodPost, r.endpoint, header, body)
	if err != nil {
		return "", err
	}
	if status/100 != 2 {
		var failure struct {
			Type string `json:"__type"`
		}
		_ = json.Unmarshal(answer, &failure) // An answer of another form has no code.
		code = failure.Type[strings.LastIndexByte(failure.Type, '#')+1:]
		return code, fmt.Errorf("%s answered %d %s %q", service, status, http.StatusText(status), code)
	}
	if out != nil {
		_ = json.Unmarshal(answer, out)
	}
	return "", nil
}
