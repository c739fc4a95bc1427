package logs

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit/sink"
	"cognate/internal/outbound"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/test/fresh"
)

const account = "123456789012"

// ARNs of destinations.
const (
	groupARN  = "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/vendedlogs/people"
	bucketARN = "arn:aws:s3:::people-logs"
	streamARN = "arn:aws:firehose:us-west-2:123456789012:deliverystream/people"
)

// Log configurations, as requests have them.
const (
	notifyGroup  = `{"LogLevel":"ERROR","EventSource":"userNotification","CloudWatchLogsConfiguration":{"LogGroupArn":"` + groupARN + `"}}`
	eventsGroup  = `{"LogLevel":"INFO","EventSource":"userAuthEvents","CloudWatchLogsConfiguration":{"LogGroupArn":"` + groupARN + `"}}`
	eventsBucket = `{"LogLevel":"INFO","EventSource":"userAuthEvents","S3Configuration":{"BucketArn":"` + bucketARN + `"}}`
	eventsStream = `{"LogLevel":"INFO","EventSource":"userAuthEvents","FirehoseConfiguration":{"StreamArn":"` + streamARN + `"}}`
)

// rig is the service on a real database.
type rig struct {
	*Service

	pools pool.Deps
	clock *fresh.Clock
}

func engines(t *testing.T, test func(t *testing.T, r *rig)) {
	fresh.Engines(t, func(t *testing.T, o store.Options) { test(t, newRig(t, o)) })
}

func newRig(t *testing.T, o store.Options) *rig {
	t.Helper()
	c := fresh.NewClock(time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC))
	db := fresh.Store(t, o, c.Now)
	ring, _ := fresh.Ring(t, c.Now)
	r := &rig{pools: pool.Deps{Store: db, Ring: ring, Pages: fresh.PageTokens(), Now: c.Now}, clock: c}
	return r.with(Targets{CloudWatchLogs: {}, S3: {}, Firehose: {}})
}

// with returns a server on the same database, with its own targets.
func (r *rig) with(targets Targets, changes ...func(*Deps)) *rig {
	d := Deps{
		Store: r.pools.Store, Pools: pool.New(r.pools), Targets: targets, AccountID: account, Owner: fmt.Sprint("process ", time.Now().UnixNano()), Now: r.clock.Now,
		Sinks: sink.Options{Now: r.clock.Now, AWS: func(_ context.Context, region string) (aws.Config, error) {
			return aws.Config{Region: region, Credentials: outbound.Dummy()}, nil
		}},
	}
	for _, change := range changes {
		change(&d)
	}
	return &rig{New(d), r.pools, r.clock}
}

// plus returns a pool of the plan that includes logs of events.
func (r *rig) plus(t *testing.T) *pool.Snapshot {
	return fresh.Pool(t, r.deps.Pools, func(in *idp.CreateUserPoolRequest) { in.UserPoolTier = idp.UserPoolTierTypePlus })
}

// others stands for the operations that other packages do.
type others struct{ idp.Service }

type whole struct {
	*Service
	others
}

// call runs an operation on the body of a request, and returns the body of the answer.
func (r *rig) call(ctx context.Context, op, body string) (string, error) {
	for _, b := range idp.Bind(whole{Service: r.Service}) {
		if b.Name != op {
			continue
		}
		input, err := b.Decode([]byte(body))
		if err != nil {
			return "", err
		}
		answer, err := b.Call(ctx, input)
		if err != nil {
			return "", err
		}
		return string(b.Encode(nil, answer)), nil
	}
	panic("no operation " + op)
}

func (r *rig) set(t *testing.T, poolID string, configs ...string) {
	t.Helper()
	if _, err := r.call(t.Context(), "SetLogDeliveryConfiguration", request(poolID, configs...)); err != nil {
		t.Fatal(err)
	}
	r.clock.Pass(2 * time.Second) // Other servers see the change.
}

func request(poolID string, configs ...string) string {
	return `{"UserPoolId":"` + poolID + `","LogConfigurations":[` + strings.Join(configs, ",") + `]}`
}

func wantError(t *testing.T, op string, err error, want string) {
	t.Helper()
	e, ok := errors.AsType[*api.Error](err)
	if !ok {
		t.Fatalf("%s: %v, want %s", op, err, want)
	}
	if got := e.Code + ": " + e.Message; got != want || !idp.Operations[op].Declares(e.Code) {
		t.Errorf("%s:\n got %q\nwant %q", op, got, want)
	}
}

// note writes a record of a message that was not delivered.
func (r *rig) note(t *testing.T, poolID, details string) {
	t.Helper()
	write, err := r.FailedMessage(t.Context(), r.clock.Now(), poolID, "", details)
	if err != nil || write == nil {
		t.Fatalf("no record is wanted: %v", err)
	}
	if err := r.deps.Store.Update(t.Context(), func(tx *store.Tx) error { return write(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
}

// event writes the record of a sign-in.
func (r *rig) event(t *testing.T, poolID, eventID string) {
	t.Helper()
	err := r.deps.Store.Update(t.Context(), func(tx *store.Tx) error {
		return r.PutAuthEvent(t.Context(), tx, r.clock.Now(), &AuthEvent{EventID: eventID, UserPoolID: poolID})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (r *rig) turn(t *testing.T, list []Delivery) {
	t.Helper()
	for _, d := range list {
		if err := d.Turn(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// waiting returns how many records wait for a source of a pool.
func (r *rig) waiting(t *testing.T, poolID string, source idp.EventSourceName) int {
	t.Helper()
	rows, err := r.deps.Store.LogRecords(t.Context(), poolID, string(source), 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	return len(rows)
}

// standIn stands for CloudWatch Logs, S3 and Firehose. It remembers the records by place, in the order of their arrival.
type standIn struct {
	*httptest.Server

	mu       sync.Mutex
	away     bool
	requests int
	streams  map[string]bool
	got      map[string][]string
}

func newStandIn(t *testing.T) *standIn {
	s := &standIn{streams: map[string]bool{}, got: map[string][]string{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.requests++
		if s.away {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		if err := s.take(w, r); err != nil {
			t.Error(err)
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *standIn) take(w http.ResponseWriter, r *http.Request) error {
	if r.Method == http.MethodPut {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			return err
		}
		text, err := io.ReadAll(z)
		s.got[r.URL.Path] = strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
		return err
	}
	var in struct {
		LogGroupName, LogStreamName, DeliveryStreamName string
		LogEvents                                       []struct{ Message string }
		Records                                         []struct{ Data []byte }
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return err
	}
	place := in.LogGroupName + ":" + in.LogStreamName
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	switch {
	case operation == "CreateLogStream":
		s.streams[place] = true
	case operation == "PutLogEvents" && !s.streams[place]:
		w.WriteHeader(http.StatusBadRequest)
		_, err := io.WriteString(w, `{"__type":"ResourceNotFoundException"}`)
		return err
	case operation == "PutLogEvents":
		for _, e := range in.LogEvents {
			s.got[place] = append(s.got[place], e.Message)
		}
	case operation == "PutRecordBatch":
		for _, e := range in.Records {
			s.got[in.DeliveryStreamName] = append(s.got[in.DeliveryStreamName], string(e.Data))
		}
	default:
		return fmt.Errorf("operation %q", operation)
	}
	_, err := io.WriteString(w, "{}")
	return err
}

func (s *standIn) setAway(away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = away
}

// records returns a member of the messages at the places with a prefix, of those that have it.
func (s *standIn) records(t *testing.T, prefix, member string) []string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var list, places []string
	for place := range s.got {
		if strings.HasPrefix(place, prefix) {
			places = append(places, place)
		}
	}
	slices.Sort(places)
	for _, place := range places {
		for _, text := range s.got[place] {
			var in struct{ Message map[string]any }
			if err := json.Unmarshal([]byte(text), &in); err != nil {
				t.Fatalf("%v in %s", err, text)
			}
			if value, ok := in.Message[member]; ok {
				list = append(list, fmt.Sprint(value))
			}
		}
	}
	return list
}
