package sink_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"cognate/internal/audit/sink"
	"cognate/internal/outbound"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

var secret = base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("k"), 32))

// records returns n records, the first of which has the number first.
func records(first, n int) []sink.Record {
	out := make([]sink.Record, n)
	for i := range out {
		at := start.Add(time.Duration(first+i) * time.Second)
		out[i] = sink.Record{ID: fmt.Sprint("r", first+i), At: at, Body: fmt.Appendf(nil, `{"n":%d}`, first+i)}
	}
	return out
}

func want(first, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "{\"n\":%d}\n", first+i)
	}
	return b.String()
}

func open(t *testing.T, address string) sink.Sink {
	t.Helper()
	s, err := sink.Open(t.Context(), address, options(nil))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func options(now func() time.Time) sink.Options {
	if now == nil {
		now = func() time.Time { return start }
	}
	return sink.Options{
		Account: "123456789012", WebhookSecret: secret, Now: now,
		AWS: func(_ context.Context, region string) (aws.Config, error) {
			return aws.Config{Region: region, Credentials: outbound.Dummy(), Retryer: func() aws.Retryer { return aws.NopRetryer{} }}, nil
		},
	}
}

func send(t *testing.T, s sink.Sink, r []sink.Record) {
	t.Helper()
	if err := s.Send(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

// TestAddresses: what is wrong with an address is said, and no secret of it is shown.
func TestAddresses(t *testing.T) {
	for _, tt := range []struct{ address, want string }{
		{"gopher://x", "kinds are"},
		{"file:", "file:PATH"},
		{"file:/tmp/a?max-mib=0", "max-mib"},
		{"file:/tmp/a?size=3", `"size"`},
		{"file:/tmp/a?keep=1&keep=2", "more than once"},
		{"stdout:/x", "stdout:"},
		{"syslog+tcp://host", "HOST:PORT"},
		{"syslog+udp://host:514?facility=24", "facility"},
		{"syslog+tls://host:6514?ca=/does/not/exist", "no such file"},
		{"syslog+unix://host/x", "PATH"},
		{"http://hook.example.com/x", "https"},
		{"https://user:pass-word-1@hook.example.com/", "has a user"},
		{"s3:///prefix", "BUCKET"},
		{"s3://bucket?wait=2h", "wait"},
		{"s3://bucket?path-style=yes", "path-style"},
		{"s3://bucket?region=eu-west-1&endpoint=nowhere", "endpoint"},
		{"s3://bucket", "region"},
		{"cloudwatch-logs:", "GROUP"},
	} {
		_, err := sink.Open(t.Context(), tt.address, options(nil))
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "pass-word-1") {
			t.Errorf("%s: %v, want %q", tt.address, err, tt.want)
		}
	}
	for address, want := range map[string]string{
		"https://user:pw@hook.example.com/secret?key=1": "https://hook.example.com",
		"s3://bucket/logs?endpoint=http://x":            "s3://bucket/logs",
	} {
		if got := sink.Name(address); got != want {
			t.Errorf("Name(%s) = %s", address, got)
		}
	}
}

// TestFile: a full file is set aside, the oldest are removed, and a file that somebody has
// moved is begun again.
func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a[1]udit.jsonl") // a name that is a pattern, too
	now := start
	s, err := sink.Open(t.Context(), "file:"+path+"?max-mib=1&keep=2", options(func() time.Time { now = now.Add(time.Second); return now }))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	big := sink.Record{ID: "big", At: start, Body: bytes.Repeat([]byte("x"), 700<<10)}
	for range 5 {
		send(t, s, []sink.Record{big})
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 3 {
		t.Fatalf("%d files, %v; want the current one and two old ones", len(entries), err)
	}
	if err := os.Rename(path, path+".moved"); err != nil {
		t.Fatal(err)
	}
	send(t, s, records(1, 2))
	if got, err := os.ReadFile(path); err != nil || string(got) != want(1, 2) {
		t.Errorf("after the move: %q, %v", got, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// TestFileFails: a folder that is missing, or a disk that is full, is an error each time, and
// the records go to the file once it is mended.
func TestFileFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "later")
	s := open(t, "file:"+filepath.Join(dir, "audit.jsonl"))
	if err := s.Send(t.Context(), records(1, 1)); err == nil {
		t.Fatal("sent to a folder that is missing")
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	send(t, s, records(1, 1))
	if got, _ := os.ReadFile(filepath.Join(dir, "audit.jsonl")); string(got) != want(1, 1) {
		t.Errorf("%q", got)
	}
	if _, err := os.Stat("/dev/full"); err == nil {
		full := open(t, "file:/dev/full")
		for range 2 {
			if err := full.Send(t.Context(), records(1, 1)); err == nil {
				t.Error("sent to a full disk")
			}
		}
	}
}

// receiver is a syslog server: it collects what arrives by TCP.
func receiver(t *testing.T, l net.Listener) <-chan string {
	t.Helper()
	out := make(chan string, 100)
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				in := bufio.NewReader(conn)
				for {
					var n int
					if _, err := fmt.Fscanf(in, "%d ", &n); err != nil {
						return
					}
					message := make([]byte, n)
					if _, err := io.ReadFull(in, message); err != nil {
						return
					}
					out <- string(message)
				}
			})
		}
	})
	t.Cleanup(func() { _ = l.Close(); serving.Wait() })
	return out
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestSyslogTCP(t *testing.T) {
	l := listen(t)
	got := receiver(t, l)
	s := open(t, "syslog+tcp://"+l.Addr().String())
	defer s.Close()
	send(t, s, records(1, 2))
	for i := range 2 {
		m := <-got
		if !strings.HasPrefix(m, fmt.Sprintf("<110>1 2026-03-01T12:00:%02d.000Z ", i+1)) || !strings.HasSuffix(m, fmt.Sprintf(` audit - {"n":%d}`, i+1)) {
			t.Errorf("message %q", m)
		}
	}
}

// TestSyslogReceiverRestarts: records that are sent after the receiver closed the connection
// arrive by a new one.
func TestSyslogReceiverRestarts(t *testing.T) {
	l := listen(t)
	s := open(t, "syslog+tcp://"+l.Addr().String()+"?facility=16")
	conns := make(chan net.Conn)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conns <- conn
		}
	}()
	defer l.Close()
	sent := make(chan error)
	for i := range 3 {
		sink.AwaitGone(s)
		go func() { sent <- s.Send(context.Background(), records(i, 1)) }()
		conn := <-conns
		if err := <-sent; err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(conn).ReadString('}')
		if err != nil || !strings.Contains(line, fmt.Sprintf(`{"n":%d}`, i)) || !strings.Contains(line, "<134>1") {
			t.Errorf("%q, %v", line, err)
		}
		// A reset instead of a close: the next write would fail or be lost.
		_ = conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
	}
}

func TestSyslogUDP(t *testing.T) {
	conn, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s := open(t, "syslog+udp://"+conn.LocalAddr().String())
	send(t, s, records(7, 1))
	buf := make([]byte, 1500)
	n, _, err := conn.ReadFrom(buf)
	if err != nil || !bytes.HasSuffix(buf[:n], []byte(`{"n":7}`)) {
		t.Errorf("%q, %v", buf[:n], err)
	}
}

func TestSyslogTLS(t *testing.T) {
	srv := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate
	defer srv.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, certificatePEM(srv), 0o600); err != nil {
		t.Fatal(err)
	}
	address := srv.Listener.Addr().String()
	if err := open(t, "syslog+tls://"+address).Send(t.Context(), records(1, 1)); err == nil {
		t.Error("a certificate of an unknown authority was accepted")
	}
	send(t, open(t, "syslog+tls://"+address+"?ca="+ca), records(1, 1))
}

// TestHangingReceiver: a receiver that takes nothing holds a call until its context ends.
func TestHangingReceiver(t *testing.T) {
	l := listen(t)
	defer l.Close()
	s := open(t, "syslog+tcp://"+l.Addr().String())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		done <- s.Send(ctx, []sink.Record{{ID: "1", At: start, Body: bytes.Repeat([]byte("x"), 64<<20)}})
	}()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	cancel()
	if err := <-done; err == nil {
		t.Error("sent")
	}
}

func TestWebhook(t *testing.T) {
	status := http.StatusOK
	var ids []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		keys, _ := outbound.ParseWebhookKeys(secret)
		again := http.Header{}
		keys.Sign(again, r.Header.Get("Webhook-Id"), start, body)
		if got := r.Header.Get("Webhook-Signature"); got != again.Get("Webhook-Signature") {
			t.Errorf("signature %q", got)
		}
		var in struct {
			Type string
			Data struct{ Records []struct{ N int } }
		}
		if err := json.Unmarshal(body, &in); err != nil || in.Type != "audit" || len(in.Data.Records) != 2 || in.Data.Records[1].N != 4 {
			t.Errorf("%s, %v", body, err)
		}
		ids = append(ids, r.Header.Get("Webhook-Id"))
		if status == http.StatusFound {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(status)
	}))
	defer srv.Close()
	s := open(t, srv.URL+"/token-in-path")
	for _, bad := range []int{http.StatusFound, http.StatusForbidden, http.StatusInternalServerError} {
		status = bad
		err := s.Send(t.Context(), records(3, 2))
		if err == nil || strings.Contains(err.Error(), "token-in-path") {
			t.Errorf("status %d: %v", bad, err)
		}
	}
	status = http.StatusNoContent
	send(t, s, records(3, 2))
	for _, id := range ids {
		if id != ids[0] {
			t.Errorf("ids of one batch: %v", ids)
		}
	}
	if len(ids) != 4 {
		t.Errorf("%d requests", len(ids))
	}
}

func TestS3(t *testing.T) {
	objects := map[string][]byte{}
	fail := true
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		objects[r.URL.Path] = body
		if fail {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer srv.Close()
	s := open(t, "s3://trail/logs?region=eu-west-1&path-style=true&endpoint="+srv.URL)
	if err := s.Send(t.Context(), records(1, 3)); err == nil {
		t.Error("503 counts as sent")
	}
	fail = false
	send(t, s, records(1, 3))
	send(t, s, records(4, 1))
	if len(objects) != 2 {
		t.Fatalf("%d objects: a second attempt must replace the first one's", len(objects))
	}
	for name, body := range objects {
		if !strings.HasPrefix(name, "/trail/logs/AWSLogs/123456789012/CloudTrail/eu-west-1/2026/03/01/123456789012_CloudTrail_eu-west-1_20260301T1200Z_") || !strings.HasSuffix(name, ".json.gz") {
			t.Errorf("key %s", name)
		}
		if i := bytes.Index(body, []byte{0x1f, 0x8b}); i > 0 { // behind the head of a chunk
			body = body[i:]
		}
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		var in struct{ Records []struct{ N int } }
		if err := json.NewDecoder(z).Decode(&in); err != nil || len(in.Records) == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestLogs: the stream is created when it is missing, batches keep the service's limits, and
// events that the service would never take are left out.
func TestLogs(t *testing.T) {
	var mu sync.Mutex
	streams := map[string]bool{}
	var batches [][]string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		var in struct {
			LogGroupName, LogStreamName string
			LogEvents                   []struct {
				Message   string
				Timestamp int64
			}
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		name := in.LogGroupName + "/" + in.LogStreamName
		switch {
		case operation == "CreateLogStream":
			streams[name] = true
		case !streams[name]:
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"__type":"ResourceNotFoundException","message":"The specified log stream does not exist."}`)
			return
		default:
			var batch []string
			last := int64(0)
			for _, e := range in.LogEvents {
				if e.Timestamp < last {
					t.Error("the events are not in order")
				}
				last = e.Timestamp
				batch = append(batch, e.Message)
			}
			batches = append(batches, batch)
		}
		fmt.Fprint(w, `{}`)
	}))
	defer srv.Close()
	s, err := sink.Open(t.Context(), "cloudwatch-logs:/aws/audit?region=eu-west-1&stream=a&endpoint="+srv.URL, options(func() time.Time { return start.Add(48 * time.Hour) }))
	if err != nil {
		t.Fatal(err)
	}
	in := records(1, 3)
	in[0].At = start.Add(-30 * 24 * time.Hour) // too old for the service
	in = append(in, sink.Record{ID: "late", At: start.Add(25 * time.Hour), Body: []byte(`{"n":4}`)})
	send(t, s, in)
	if len(batches) != 2 || len(batches[0]) != 2 || len(batches[1]) != 1 || !streams["/aws/audit/a"] {
		t.Errorf("batches %v, streams %v", batches, streams)
	}
}

// TestFirehose: the records that a stream refuses are sent again, and a batch of which some are refused for good has failed.
func TestFirehose(t *testing.T) {
	var mu sync.Mutex
	refused := 0 // how many requests refuse their last record
	var got []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		var in struct {
			DeliveryStreamName string
			Records            []struct{ Data []byte }
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.DeliveryStreamName != "people" || r.Header.Get("X-Amz-Target") != "Firehose_20150804.PutRecordBatch" ||
			!strings.Contains(r.Header.Get("Authorization"), "/eu-west-1/firehose/aws4_request") {
			t.Errorf("%+v, %v, %v", in, r.Header, err)
		}
		var out struct {
			FailedPutCount   int
			RequestResponses []map[string]string
		}
		for i, record := range in.Records {
			if refused > 0 && i == len(in.Records)-1 {
				refused--
				out.FailedPutCount++
				out.RequestResponses = append(out.RequestResponses, map[string]string{"ErrorCode": "ServiceUnavailableException"})
				continue
			}
			got = append(got, string(record.Data))
			out.RequestResponses = append(out.RequestResponses, map[string]string{"RecordId": "1"})
		}
		if err := json.NewEncoder(w).Encode(out); err != nil {
			t.Error(err)
		}
	}))
	defer srv.Close()
	remote, err := sink.Connect(t.Context(), sink.ServiceFirehose, "eu-west-1", srv.URL, options(func() time.Time { return start }))
	if err != nil {
		t.Fatal(err)
	}
	s := remote.DeliveryStream("people")
	refused = 1
	send(t, s, records(1, 3))
	if want := []string{"{\"n\":1}\n", "{\"n\":2}\n", "{\"n\":3}\n"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	refused = 100
	if err := s.Send(t.Context(), records(4, 1)); err == nil || !strings.Contains(err.Error(), "ServiceUnavailableException") {
		t.Errorf("a record that is refused for good: %v", err)
	}
}
