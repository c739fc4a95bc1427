package sink

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"cognate/internal/outbound"
)

// configure returns the configuration of the AWS SDK for an address with a Region and an
// endpoint.
func configure(ctx context.Context, u *url.URL, o Options) (aws.Config, error) {
	q := u.Query()
	cfg, err := o.AWS(ctx, q.Get("region"))
	if err != nil {
		return aws.Config{}, outbound.Clean(err, u.String())
	}
	if cfg.Region == "" {
		return aws.Config{}, errors.New("the address needs ?region=REGION")
	}
	if endpoint := q.Get("endpoint"); endpoint != "" {
		if e, err := url.Parse(endpoint); err != nil || e.Host == "" {
			return aws.Config{}, errors.New("the endpoint must be a URL")
		}
		cfg.BaseEndpoint = &endpoint
	}
	cfg.HTTPClient = outbound.NewAWSClient(cfg)
	if o.Development && !outbound.IsAWS(aws.ToString(cfg.BaseEndpoint)) && !outbound.HasCredentials(ctx, cfg) {
		cfg.Credentials = outbound.Dummy()
	}
	return cfg, nil
}

// A bucket takes records as objects in CloudTrail's form (CloudTrail: log file name format).
type bucket struct {
	client          *s3.Client
	name, prefix    string
	account, region string
	wait            time.Duration
	endpoint        string
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
	cfg, err := configure(ctx, u, o)
	if err != nil {
		return nil, err
	}
	client := s3.NewFromConfig(cfg, func(c *s3.Options) { c.UsePathStyle = style == "true" })
	return &bucket{
		client: client, name: u.Host, prefix: strings.Trim(u.Path, "/"), account: o.Account, region: cfg.Region,
		wait: wait, endpoint: aws.ToString(cfg.BaseEndpoint),
	}, nil
}

// Batch implements Sink.
func (b *bucket) Batch() Batch { return Batch{Records: 10_000, Bytes: 8 << 20, Wait: b.wait} }

// Send implements Sink. The same records have the same key, so that a second attempt replaces
// the object of the first one.
func (b *bucket) Send(ctx context.Context, records []Record) error {
	var body bytes.Buffer
	z := gzip.NewWriter(&body)
	err := json.NewEncoder(z).Encode(map[string]any{"Records": bodies(records)})
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		return err
	}
	at := records[0].At.UTC()
	key := path.Join(b.prefix, "AWSLogs", b.account, "CloudTrail", b.region, at.Format("2006/01/02"),
		fmt.Sprintf("%s_CloudTrail_%s_%s_%s.json.gz", b.account, b.region, at.Format("20060102T1504Z"), digest(records)[:16]))
	_, err = b.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &b.name, Key: &key, Body: bytes.NewReader(body.Bytes()),
		ContentType: aws.String("application/json"), ContentEncoding: aws.String("gzip"),
	})
	return outbound.Clean(err, b.endpoint)
}

// Close implements Sink.
func (b *bucket) Close() error { return nil }

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
	client        *cloudwatchlogs.Client
	group, stream string
	endpoint      string
	now           func() time.Time
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
	cfg, err := configure(ctx, u, o)
	if err != nil {
		return nil, err
	}
	stream := u.Query().Get("stream")
	if stream == "" {
		stream = "cognate"
	}
	return &logGroup{client: cloudwatchlogs.NewFromConfig(cfg), group: group, stream: stream, endpoint: aws.ToString(cfg.BaseEndpoint), now: o.Now}, nil
}

// Batch implements Sink.
func (l *logGroup) Batch() Batch {
	return Batch{Records: maxLogEvents, Bytes: maxLogBytes / 2, Wait: time.Second}
}

// Send implements Sink. Records that are too old for the service are left out: it would
// refuse them for ever.
func (l *logGroup) Send(ctx context.Context, records []Record) error {
	events := make([]logtypes.InputLogEvent, 0, len(records))
	oldest := l.now().Add(-oldestLogEvent + time.Hour)
	for _, r := range records {
		if r.At.After(oldest) {
			events = append(events, logtypes.InputLogEvent{Message: aws.String(string(r.Body)), Timestamp: aws.Int64(r.At.UnixMilli())})
		}
	}
	// The service wants the events of a batch by time.
	slices.SortStableFunc(events, func(a, b logtypes.InputLogEvent) int {
		return int(*a.Timestamp - *b.Timestamp)
	})
	for len(events) > 0 {
		n := fitting(events)
		if err := l.put(ctx, events[:n]); err != nil {
			return outbound.Clean(err, l.endpoint)
		}
		events = events[n:]
	}
	return nil
}

// fitting returns how many events one request may have.
func fitting(events []logtypes.InputLogEvent) int {
	size := 0
	for i, e := range events {
		size += len(*e.Message) + logEventExtra
		apart := time.Duration(*e.Timestamp-*events[0].Timestamp) * time.Millisecond
		if i > 0 && (i >= maxLogEvents || size > maxLogBytes || apart >= maxLogPeriod) {
			return i
		}
	}
	return len(events)
}

func (l *logGroup) put(ctx context.Context, events []logtypes.InputLogEvent) error {
	in := &cloudwatchlogs.PutLogEventsInput{LogGroupName: &l.group, LogStreamName: &l.stream, LogEvents: events}
	out, err := l.client.PutLogEvents(ctx, in)
	if _, missing := errors.AsType[*logtypes.ResourceNotFoundException](err); missing {
		_, err = l.client.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &l.group, LogStreamName: &l.stream})
		if _, exists := errors.AsType[*logtypes.ResourceAlreadyExistsException](err); err != nil && !exists {
			return err
		}
		out, err = l.client.PutLogEvents(ctx, in)
	}
	if err != nil {
		return err
	}
	if r := out.RejectedLogEventsInfo; r != nil && r.TooNewLogEventStartIndex != nil {
		return errors.New("CloudWatch Logs refused events as too new: compare the clocks")
	}
	return nil
}

// Close implements Sink.
func (l *logGroup) Close() error { return nil }
