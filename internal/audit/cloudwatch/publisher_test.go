package cloudwatch_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/fxamacker/cbor/v2"

	"cognate/internal/audit"
	"cognate/internal/audit/cloudwatch"
	"cognate/test/fresh"
)

// putMetricData is the request, by the names of the protocol (Smithy RPC v2 CBOR).
type putMetricData struct {
	Namespace  string
	MetricData []struct {
		MetricName string
		Dimensions []struct{ Name, Value string }
		Timestamp  time.Time
		Unit       string
		Values     struct{ SampleCount, Sum, Minimum, Maximum float64 } `cbor:"StatisticValues"`
	}
}

// endpoint is a stand-in for CloudWatch, which adds up what it gets.
type endpoint struct {
	*httptest.Server

	mu sync.Mutex
	// answer, if set, answers in the endpoint's place.
	answer http.HandlerFunc
	// got has "count sum minimum maximum" by namespace, time, metric and dimensions.
	got      map[string][4]float64
	requests []int // the data of each
}

func newEndpoint(t *testing.T) *endpoint {
	t.Helper()
	e := &endpoint{got: map[string][4]float64{}}
	e.Server = httptest.NewServer(e)
	t.Cleanup(e.Close)
	return e
}

func (e *endpoint) behave(f http.HandlerFunc) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answer = f
}

// ServeHTTP implements http.Handler.
func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := read(r)
	e.mu.Lock()
	answer := e.answer
	e.mu.Unlock()
	if answer != nil {
		answer(w, r)
		return
	}
	var in putMetricData
	if err == nil {
		err = cbor.Unmarshal(body, &in)
	}
	if err != nil || r.URL.Path != "/service/GraniteServiceVersion20100801/operation/PutMetricData" || !strings.Contains(r.Header.Get("Authorization"), "/eu-west-1/monitoring/") {
		http.Error(w, fmt.Sprint("not understood: ", err, r.URL, r.Header), http.StatusBadRequest)
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.requests = append(e.requests, len(in.MetricData))
	for _, d := range in.MetricData {
		key := in.Namespace + " " + d.Timestamp.UTC().Format("15:04:05") + " " + d.MetricName
		for _, x := range d.Dimensions {
			key += " " + x.Name + "=" + x.Value
		}
		s, v := e.got[key], d.Values
		e.got[key] = [4]float64{s[0] + v.SampleCount, s[1] + v.Sum, min(s[2], v.Minimum), max(s[3], v.Maximum)}
	}
	w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	w.Header().Set("Content-Type", "application/cbor")
	_, _ = w.Write([]byte{0xa0})
}

func read(r *http.Request) ([]byte, error) {
	if r.Header.Get("Content-Encoding") != "gzip" {
		return io.ReadAll(r.Body)
	}
	z, err := gzip.NewReader(r.Body)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// refuse is an endpoint's error.
func refuse(status int, code string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
		w.Header().Set("Content-Type", "application/cbor")
		w.WriteHeader(status)
		body, _ := cbor.Marshal(map[string]string{"__type": "com.amazonaws.cloudwatch#" + code, "message": "no"})
		_, _ = w.Write(body)
	}
}

type rig struct {
	*fresh.Clock
	*endpoint
	minutes   *audit.Minutes
	metrics   *audit.Metrics
	publisher *cloudwatch.Publisher
	log       bytes.Buffer
}

func newRig(t *testing.T, namespace string) *rig {
	t.Helper()
	r := &rig{Clock: fresh.NewClock(time.Date(2026, 11, 30, 12, 0, 30, 0, time.UTC)), endpoint: newEndpoint(t)}
	r.minutes, r.metrics = audit.NewMinutes(r.Now), audit.NewMetrics("v1")
	r.metrics.Gather(r.minutes)
	cfg := aws.Config{Region: "eu-west-1", BaseEndpoint: aws.String(r.URL), Credentials: credentials.NewStaticCredentialsProvider("AKIA", "secret", "")}
	r.publisher = cloudwatch.New(cloudwatch.Deps{
		Minutes: r.minutes, Client: cloudwatch.NewClient(t.Context(), cfg, false), Namespace: namespace, Now: r.Now, Log: slog.New(slog.NewTextHandler(&r.log, nil)),
	})
	return r
}

// throttle adds 1 to a metric of a client.
func (r *rig) throttle(client string) {
	r.metrics.Throttled(audit.Throttle{Category: "UserAuthentication", Kind: audit.SignIn, Pool: "p", Client: client})
}

func (r *rig) publish(t *testing.T) {
	t.Helper()
	if err := r.publisher.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// want compares the sums of a client's throttles, by minute.
func (r *rig) want(t *testing.T, client string, sums map[string]float64) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	got := map[string]float64{}
	for key, v := range r.got {
		if minute, ok := strings.CutSuffix(key, " SignInThrottles UserPool=p UserPoolClient="+client); ok {
			got[strings.TrimPrefix(minute, "AWS/Cognito ")] = v[1]
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(sums) {
		t.Errorf("%s: %v, want %v", client, got, sums)
	}
}

// TestStatistics: a finished minute arrives as statistic sets with Cognito's names.
func TestStatistics(t *testing.T) {
	t.Parallel()
	r := newRig(t, audit.NamespaceCognito)
	r.throttle("c")
	r.throttle("c")
	r.metrics.Called("UserRead")
	r.publish(t)
	if len(r.got) > 0 {
		t.Errorf("a minute that has not ended: %v", r.got)
	}
	r.Pass(time.Minute)
	r.throttle("c")
	r.publish(t)
	want := map[string][4]float64{
		"AWS/Cognito 12:00:00 SignInThrottles UserPool=p UserPoolClient=c":                                 {2, 2, 0, 1},
		"AWS/Usage 12:00:00 ThrottleCount Service=Cognito Type=API Resource=UserAuthentication Class=None": {2, 2, 0, 1},
		"AWS/Usage 12:00:00 CallCount Service=Cognito Type=API Resource=UserRead Class=None":               {1, 1, 0, 1},
	}
	if fmt.Sprint(r.got) != fmt.Sprint(want) {
		t.Errorf("got %v\nwant %v", r.got, want)
	}
	// The end of the server does not wait for the end of the minute.
	if err := r.publisher.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.want(t, "c", map[string]float64{"12:00:00": 2, "12:01:00": 1})
}

// TestNamespace: what is not AWS's own namespace has the metrics of AWS/Usage below it.
func TestNamespace(t *testing.T) {
	t.Parallel()
	r := newRig(t, "Identity")
	r.throttle("c")
	r.Pass(time.Minute)
	r.publish(t)
	var names []string
	for key := range r.got {
		name, _, _ := strings.Cut(key, " ")
		names = append(names, name)
	}
	slices.Sort(names)
	if fmt.Sprint(names) != "[Identity Identity/Usage]" {
		t.Error(names)
	}
}

// TestEndpointIsAway: while the endpoint fails or hangs, the statistics wait, and arrive with
// their own minutes afterwards. Between tries there is a pause.
func TestEndpointIsAway(t *testing.T) {
	t.Parallel()
	for name, failing := range map[string]http.HandlerFunc{
		"an error of the server": refuse(http.StatusInternalServerError, "InternalServiceFault"),
		"throttled":              refuse(http.StatusBadRequest, "Throttling"),
		"no rights":              refuse(http.StatusForbidden, "AccessDenied"),
		"the connection breaks":  func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, audit.NamespaceCognito)
			var tried atomic.Int32
			r.behave(func(w http.ResponseWriter, q *http.Request) { tried.Add(1); failing(w, q) })
			for range 30 { // five minutes, ten seconds each
				r.throttle("c")
				_ = r.publisher.Publish(t.Context())
				r.Pass(cloudwatch.Interval)
			}
			if tries := tried.Load(); tries < 2 || tries > 10 {
				t.Errorf("%d tries in five minutes", tries)
			}
			r.behave(nil)
			r.Pass(3 * time.Minute)
			r.publish(t)
			r.want(t, "c", map[string]float64{"12:00:00": 3, "12:01:00": 6, "12:02:00": 6, "12:03:00": 6, "12:04:00": 6, "12:05:00": 3})
			if waiting, dropped := r.minutes.Waiting(); waiting != 0 || dropped != 0 {
				t.Errorf("%d wait, %d dropped", waiting, dropped)
			}
		})
	}
	t.Run("it hangs", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, audit.NamespaceCognito)
		reached := make(chan struct{})
		r.behave(func(_ http.ResponseWriter, q *http.Request) { close(reached); <-q.Context().Done() })
		r.throttle("c")
		r.Pass(time.Minute)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-reached; cancel() }()
		if err := r.publisher.Publish(ctx); err == nil || strings.Contains(err.Error(), r.URL+"/service") {
			t.Errorf("the error is %v", err)
		}
		r.behave(nil)
		r.Pass(time.Hour)
		r.publish(t)
		r.want(t, "c", map[string]float64{"12:00:00": 1})
	})
}

// TestPartlySent: of a minute in several requests, what was sent before an error is not sent
// again.
func TestPartlySent(t *testing.T) {
	t.Parallel()
	r := newRig(t, audit.NamespaceCognito)
	for i := range 1200 {
		r.throttle(fmt.Sprint("c", i))
	}
	r.Pass(time.Minute)
	calls := 0
	r.behave(func(w http.ResponseWriter, q *http.Request) {
		calls++
		if calls == 2 {
			refuse(http.StatusInternalServerError, "InternalServiceFault")(w, q)
			r.behave(nil)
			return
		}
		refuse(http.StatusBadRequest, "InvalidParameterValue")(w, q) // This part is lost.
	})
	if err := r.publisher.Publish(t.Context()); err == nil {
		t.Fatal("no error")
	}
	r.Pass(time.Hour)
	r.publish(t)
	total := 0
	for _, n := range r.requests {
		if n > 500 {
			t.Errorf("a request of %d statistics", n)
		}
		total += n
	}
	// 1,200 of the clients and 1 of the category, less the refused part.
	if lost := 1201 - total; lost != 500 && lost != 1 || !strings.Contains(r.log.String(), "were refused") {
		t.Errorf("%d arrived: %v; log %s", total, r.requests, r.log.String())
	}
	for key, v := range r.got {
		if strings.Contains(key, "SignInThrottles") && v[0] != 1 {
			t.Errorf("%s: %v", key, v)
		}
	}
}
