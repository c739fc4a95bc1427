package userimport

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/internal/user"
	"cognate/test/fresh"
)

// rig is the service on a real store, whose worker the test runs.
type rig struct {
	*Service
	*fresh.Clock
	mux  *http.ServeMux
	pool string
	// records are the data keys that the ring began with.
	records []keys.WrappedKey
}

// engines runs a test on both databases, each of which runs every transaction's
// closure twice, as a retry would.
func engines(t *testing.T, test func(t *testing.T, r *rig)) {
	fresh.Engines(t, func(t *testing.T, o store.Options) {
		o.RunTwice = true
		test(t, newRig(t, o))
	})
}

func newRig(t *testing.T, o store.Options) *rig {
	t.Helper()
	clock := fresh.NewClock(time.Unix(1_800_000_000, 0))
	r := newRigAt(t, o, clock.Now)
	r.Clock = clock
	return r
}

func newRigAt(t *testing.T, o store.Options, now func() time.Time) *rig {
	t.Helper()
	st := fresh.Store(t, o, now)
	ring, records := fresh.Ring(t, now)
	pages, gate := fresh.PageTokens(), fresh.Gate()
	pools := pool.New(pool.Deps{Store: st, Ring: ring, Pages: pages, Now: now})
	sn := fresh.Pool(t, pools, func(in *idp.CreateUserPoolRequest) {
		in.AutoVerifiedAttributes = []idp.VerifiedAttributeType{"email"}
	})
	s := New(Deps{
		Store: st, Pools: pools, Users: user.New(user.Deps{Store: st, Pools: pools, Ring: ring, Gate: gate, Now: now}), Ring: ring, Pages: pages, Gate: gate,
		BaseURL: "http://localhost", KeepOpen: func(http.ResponseWriter) error { return nil }, Now: now,
	})
	mux := http.NewServeMux()
	s.Mount(mux)
	return &rig{Service: s, mux: mux, pool: sn.ID, records: records}
}

// another is a second worker on the same store.
func (r *rig) another() *Service { return New(r.deps) }

func (r *rig) create(t *testing.T) *idp.UserImportJobType {
	t.Helper()
	out, err := r.CreateUserImportJob(t.Context(), &idp.CreateUserImportJobRequest{
		UserPoolId: r.pool, JobName: "people", CloudWatchLogsRoleArn: "arn:aws:iam::123456789012:role/logs",
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.UserImportJob
}

func (r *rig) put(t *testing.T, job *idp.UserImportJobType, file string) int {
	t.Helper()
	u, err := url.Parse(*job.PreSignedUrl)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	r.mux.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPut, u.RequestURI(), strings.NewReader(file)))
	return w.Code
}

// begin makes a job, gives it the file and starts it.
func (r *rig) begin(t *testing.T, file string) string {
	t.Helper()
	job := r.create(t)
	if code := r.put(t, job, file); code != http.StatusOK {
		t.Fatalf("upload: %d", code)
	}
	if _, err := r.StartUserImportJob(t.Context(), &idp.StartUserImportJobRequest{UserPoolId: r.pool, JobId: *job.JobId}); err != nil {
		t.Fatal(err)
	}
	return *job.JobId
}

// rows are people in the pool's columns; every tenth line is blank.
func (r *rig) rows(t *testing.T, n int) string {
	t.Helper()
	out, err := r.GetCSVHeader(t.Context(), &idp.GetCSVHeaderRequest{UserPoolId: r.pool})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString(strings.Join(out.CSVHeader, ",") + "\r\n")
	for i := range n {
		if i%10 == 9 {
			b.WriteString("\r\n")
			continue
		}
		values := map[string]string{
			"cognito:username": fmt.Sprint("user", i), "cognito:mfa_enabled": "false", "email": fmt.Sprint(i, "@example.com"), "email_verified": "true",
		}
		for k, name := range out.CSVHeader {
			if k > 0 {
				b.WriteByte(',')
			}
			b.WriteString(values[name])
		}
		b.WriteString("\r\n")
	}
	return b.String()
}

// shows is a job as an administrator sees it.
type shows struct {
	Status                    idp.UserImportJobStatusType
	Imported, Skipped, Failed int64
	Message                   string
}

func (r *rig) job(t *testing.T, id string) shows {
	t.Helper()
	return r.Service.job(t, r.pool, id)
}

func (s *Service) job(t *testing.T, pool, id string) shows {
	t.Helper()
	out, err := s.DescribeUserImportJob(t.Context(), &idp.DescribeUserImportJobRequest{UserPoolId: pool, JobId: id})
	if err != nil {
		t.Fatal(err)
	}
	j := out.UserImportJob
	return shows{j.Status, *j.ImportedUsers, *j.SkippedUsers, *j.FailedUsers, api.Val(j.CompletionMessage)}
}

func (r *rig) want(t *testing.T, id string, want shows) {
	t.Helper()
	if d := cmp.Diff(want, r.job(t, id)); d != "" {
		t.Error(d)
	}
}

func works(t *testing.T, s *Service) {
	t.Helper()
	if _, err := s.work(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestBatches(t *testing.T) {
	engines(t, func(t *testing.T, r *rig) {
		const n = 3*batchLines + 10
		id := r.begin(t, r.rows(t, n))
		r.want(t, id, shows{Status: "Pending"})
		works(t, r.Service)
		r.want(t, id, shows{"Succeeded", n * 9 / 10, 0, 0, messageSucceeded})
		lines, _, done, err := r.Log(t.Context(), r.pool, id, 0)
		if err != nil || !done || len(lines) != n*9/10 || lines[0] != "[SUCCEEDED] Line Number 2 - The import succeeded." {
			t.Errorf("%d lines, %v, %v", len(lines), done, err)
		}
		// The file is gone, the job and its log in a year.
		if _, err := r.deps.Store.Sweep(t.Context(), r.now(), 1000); err != nil {
			t.Fatal(err)
		}
		again := r.begin(t, r.rows(t, 5))
		works(t, r.Service)
		r.want(t, again, shows{"Failed", 0, 5, 0, messageTooMany})
		r.Pass(retention)
		works(t, r.Service)
		_, err = r.DescribeUserImportJob(t.Context(), &idp.DescribeUserImportJobRequest{UserPoolId: r.pool, JobId: id})
		if api.CodeOf(err) != "ResourceNotFoundException" {
			t.Errorf("after a year: %v", err)
		}
	})
}

// TestKeep deletes a job and its log after Deps.Keep.
func TestKeep(t *testing.T) {
	engines(t, func(t *testing.T, r *rig) {
		r.deps.Keep = 48 * time.Hour
		id := r.begin(t, r.rows(t, 5))
		works(t, r.Service)
		for _, step := range []struct {
			pass time.Duration
			want string
		}{{r.deps.Keep - time.Millisecond, ""}, {time.Millisecond, "ResourceNotFoundException"}} {
			r.Pass(step.pass)
			works(t, r.Service)
			_, err := r.DescribeUserImportJob(t.Context(), &idp.DescribeUserImportJobRequest{UserPoolId: r.pool, JobId: id})
			if api.CodeOf(err) != step.want {
				t.Errorf("%v, want %q", err, step.want)
			}
		}
	})
}

// TestFencing: who lost the lease stores nothing, and the other goes on from
// where the first one stopped.
func TestFencing(t *testing.T) {
	engines(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		const n = 4*batchLines + 100
		id := r.begin(t, r.rows(t, n))
		first, err := r.claim(ctx)
		if err != nil || first == nil {
			t.Fatal(first, err)
		}
		sn, err := r.deps.Pools.Load(ctx, r.pool)
		if err != nil {
			t.Fatal(err)
		}
		file := r.open(first)
		done, err := r.batch(ctx, sn, first, file, batchLines)
		if err != nil {
			t.Fatal(err)
		}
		first = done.job
		const stored = batchLines * 9 / 10
		r.want(t, id, shows{Status: "InProgress", Imported: stored})

		other := r.another()
		if j, err := other.claim(ctx); err != nil || j != nil {
			t.Fatalf("another worker got a leased job: %v %v", j, err)
		}
		r.Pass(lease - 1)
		if j, err := other.claim(ctx); err != nil || j != nil {
			t.Fatalf("another worker got a job too early: %v %v", j, err)
		}
		r.Pass(1)
		second, err := other.claim(ctx)
		if err != nil || second == nil || second.Offset != first.Offset {
			t.Fatalf("%+v %v", second, err)
		}
		if _, err := r.batch(ctx, sn, first, file, batchLines); !errors.Is(err, errLost) {
			t.Error("a worker without lease stored a batch")
		}
		r.want(t, id, shows{Status: "InProgress", Imported: stored})
		if err := other.runSlice(ctx, second); err != nil {
			t.Fatal(err)
		}
		r.want(t, id, shows{"Succeeded", n * 9 / 10, 0, 0, messageSucceeded})
	})
}

func TestStop(t *testing.T) {
	engines(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		id := r.begin(t, r.rows(t, 3*batchLines))
		j, err := r.claim(ctx)
		if err != nil {
			t.Fatal(err)
		}
		sn, err := r.deps.Pools.Load(ctx, r.pool)
		if err != nil {
			t.Fatal(err)
		}
		file := r.open(j)
		done, err := r.batch(ctx, sn, j, file, batchLines)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.StopUserImportJob(ctx, &idp.StopUserImportJobRequest{UserPoolId: r.pool, JobId: id}); err != nil {
			t.Fatal(err)
		}
		if _, err := r.batch(ctx, sn, done.job, file, batchLines); !errors.Is(err, errLost) {
			t.Error("a batch was stored after the stop")
		}
		works(t, r.Service)
		r.want(t, id, shows{"Stopped", batchLines * 9 / 10, 0, 0, messageStopped})
	})
}

// TestFileIsGone ends a job whose file cannot be read; nothing would mend that.
func TestFileIsGone(t *testing.T) {
	engines(t, func(t *testing.T, r *rig) {
		id := r.begin(t, r.rows(t, 10))
		j, err := read(t.Context(), &r.deps.Store.Reader, r.pool, id)
		if err != nil {
			t.Fatal(err)
		}
		err = r.deps.Store.Update(t.Context(), func(tx *store.Tx) error { return tx.ExpireImportUpload(t.Context(), r.pool, j.Upload, r.now()) })
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.deps.Store.Sweep(t.Context(), r.now(), 1000); err != nil {
			t.Fatal(err)
		}
		works(t, r.Service)
		r.want(t, id, shows{"Failed", 0, 0, 0, messageNoFile})
	})
}

func TestExpiry(t *testing.T) {
	engines(t, func(t *testing.T, r *rig) {
		job := r.create(t)
		if code := r.put(t, job, r.rows(t, 3)); code != http.StatusOK {
			t.Fatal(code)
		}
		r.Pass(startWithin)
		r.want(t, *job.JobId, shows{Status: "Expired"}) // noted or not
		works(t, r.Service)
		r.want(t, *job.JobId, shows{Status: "Expired"})
		_, err := r.StartUserImportJob(t.Context(), &idp.StartUserImportJobRequest{UserPoolId: r.pool, JobId: *job.JobId})
		if api.CodeOf(err) != "PreconditionNotMetException" {
			t.Errorf("started: %v", err)
		}
	})
}

// TestTooManyJobs: a pool has so many jobs at most. Of those that have ended the
// oldest makes room; those that can still be started stay.
func TestTooManyJobs(t *testing.T) {
	engines(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		insert := func(id string, age time.Duration, status idp.UserImportJobStatusType) {
			t.Helper()
			created := r.now().Add(-age)
			j := &job{rec: store.ImportJob{PoolID: r.pool, ID: id, CreatedAt: created, DueAt: created.Add(startWithin)}, document: document{Status: status}}
			rec, err := j.record()
			if err == nil {
				err = r.deps.Store.Update(ctx, func(tx *store.Tx) error {
					if status == idp.UserImportJobStatusTypeSucceeded {
						if err := tx.InsertImportLog(ctx, r.pool, id, store.ImportLog{Seq: 1, Body: []byte("{}")}); err != nil {
							return err
						}
					}
					return tx.InsertImportJob(ctx, rec)
				})
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		create := func() string {
			_, err := r.CreateUserImportJob(ctx, &idp.CreateUserImportJobRequest{
				UserPoolId: r.pool, JobName: "people", CloudWatchLogsRoleArn: "arn:aws:iam::123456789012:role/logs",
			})
			return api.CodeOf(err)
		}
		for i := range maxJobs - 3 {
			insert(fmt.Sprint("import-", i), time.Hour, idp.UserImportJobStatusTypeCreated)
		}
		insert("import-waits", 23*time.Hour, idp.UserImportJobStatusTypeCreated)
		insert("import-expired", 25*time.Hour, idp.UserImportJobStatusTypeCreated)
		insert("import-ended", 2*time.Hour, idp.UserImportJobStatusTypeSucceeded)
		for i, test := range []struct{ code, gone string }{{"", "import-expired"}, {"", "import-ended"}, {"LimitExceededException", ""}} {
			if got := create(); got != test.code {
				t.Fatalf("job %d: %q", i, got)
			}
			if test.gone == "" {
				continue
			}
			if _, err := r.deps.Store.ImportJob(ctx, r.pool, test.gone); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s: %v", test.gone, err)
			}
		}
		if n, err := r.deps.Store.CountImportJobs(ctx, r.pool, maxJobs+1); err != nil || n != maxJobs {
			t.Errorf("%d jobs, %v", n, err)
		}
		if list, err := r.deps.Store.ImportLogs(ctx, r.pool, "import-ended", 0, 1); err != nil || len(list) != 0 {
			t.Errorf("its log: %v %v", list, err)
		}
		if _, err := r.deps.Store.ImportJob(ctx, r.pool, "import-waits"); err != nil {
			t.Error(err)
		}
	})
}

// slowFile has a piece, and the rest of the file when much time has passed.
type slowFile struct {
	io.Reader
	left int
	late func()
}

func (f *slowFile) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p[:min(len(p), f.left)])
	if f.left -= n; f.left == 0 {
		f.late()
		f.left = 1 << 30
	}
	return n, err
}

// TestSlowUpload: a file that takes too long is refused before what came of it
// is swept away, and leaves nothing behind.
func TestSlowUpload(t *testing.T) {
	engines(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		job := r.create(t)
		u, err := url.Parse(*job.PreSignedUrl)
		if err != nil {
			t.Fatal(err)
		}
		file := r.rows(t, 5000)
		body := &slowFile{Reader: strings.NewReader(file), left: 2 * chunkSize, late: func() {
			r.Pass(2 * uploadWithin)
			if _, err := r.deps.Store.Sweep(ctx, r.now(), 1000); err != nil {
				t.Error(err)
			}
		}}
		req := httptest.NewRequestWithContext(ctx, http.MethodPut, u.RequestURI(), body)
		req.ContentLength = int64(len(file))
		w := httptest.NewRecorder()
		r.mux.ServeHTTP(w, req)
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "RequestTimeout") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}
