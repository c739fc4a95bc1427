package faults_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"cognate/test/patience"
	"cognate/test/pgtest"
)

const importRows = 20_000

// peopleFile is a file of so many lines. Each tenth line is no valid user.
func peopleFile(header []string, rows int) string {
	var b strings.Builder
	b.WriteString(strings.Join(header, ",") + "\n")
	line := make([]string, len(header))
	set := func(name, value string) { line[slices.Index(header, name)] = value }
	for i := range rows {
		set("cognito:username", fmt.Sprintf("user%d", i))
		set("cognito:mfa_enabled", "false")
		set("email", fmt.Sprintf("user%d@example.com", i))
		set("email_verified", fmt.Sprint(i%10 != 3))
		b.WriteString(strings.Join(line, ",") + "\n")
	}
	return b.String()
}

// startImport makes a job with a file and starts it.
func (c client) startImport(t *testing.T, pool string, rows int) (job string) {
	t.Helper()
	var header []string
	for _, name := range c.must(t, "GetCSVHeader", object{"UserPoolId": pool}).Body["CSVHeader"].([]any) {
		header = append(header, name.(string))
	}
	a := c.must(t, "CreateUserImportJob", object{"UserPoolId": pool, "JobName": "people", "CloudWatchLogsRoleArn": "arn:aws:iam::123456789012:role/logs"})
	job = a.text("UserImportJob", "JobId")
	_, query, _ := strings.Cut(a.text("UserImportJob", "PreSignedUrl"), "/_cognate/")
	c.putFile(t, "/_cognate/"+query, strings.NewReader(peopleFile(header, rows)), http.StatusOK)
	c.must(t, "StartUserImportJob", object{"UserPoolId": pool, "JobId": job})
	return job
}

func (c client) putFile(t *testing.T, path string, file io.Reader, want int) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, c.url+path, file)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if text, _ := io.ReadAll(res.Body); res.StatusCode != want {
		t.Fatalf("upload: %d %s", res.StatusCode, text)
	}
}

// importCounts are a job's status and its users: imported, skipped, failed.
type importCounts struct {
	Status string
	Users  [3]int
}

func (c client) imported(t *testing.T, pool, job string) importCounts {
	t.Helper()
	j := c.must(t, "DescribeUserImportJob", object{"UserPoolId": pool, "JobId": job}).Body["UserImportJob"].(object)
	count := func(name string) int { return int(j[name].(float64)) }
	return importCounts{j["Status"].(string), [3]int{count("ImportedUsers"), count("SkippedUsers"), count("FailedUsers")}}
}

// awaitImport waits for the end, and holds the counts and the users to the file.
func (c client) awaitImport(t *testing.T, pool, job string, rows int) {
	t.Helper()
	var got importCounts
	patience.Until(t, "the import's end", func() bool {
		got = c.imported(t, pool, job)
		return got.Status != "InProgress" && got.Status != "Pending"
	})
	if want := (importCounts{"Succeeded", [3]int{rows - rows/10, 0, rows / 10}}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, i := range []int{0, 1, rows / 2, rows - 1} {
		if a := c.call(t, "AdminGetUser", object{"UserPoolId": pool, "Username": fmt.Sprintf("user%d", i)}); a.text("UserStatus") != "RESET_REQUIRED" {
			t.Errorf("user%d: %v", i, a)
		}
	}
}

// TestKillDuringImport kills the process while people are imported. The next one
// goes on, and in the end each line counted once.
func TestKillDuringImport(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		engine string
		kills  int
	}{{"sqlite", 3}, {"postgres", 1}} { // there, others wait for the lease of who died
		t.Run(test.engine, func(t *testing.T) {
			t.Parallel()
			args := []string{"dev", "--listen", "127.0.0.1:0", "--private-listen", "off", "--allow-unsigned", "--data", t.TempDir()}
			if test.engine == "postgres" {
				args = append(args, "--database", pgtest.Database(t))
			}
			p := launch(t, "", args...)
			pool := p.newPool(t)
			job := p.startImport(t, pool, importRows)
			for kill := 1; kill <= test.kills; kill++ {
				patience.Until(t, "some lines are read", func() bool {
					now := p.imported(t, pool, job)
					return now.Status == "Succeeded" || now.Users[0] >= kill*importRows/8
				})
				p.kill(t)
				p.noPanic(t)
				p = launch(t, "", args...)
			}
			p.awaitImport(t, pool, job, importRows)
			p.noPanic(t)
		})
	}
}

// TestNodesImport lets two servers on one database take turns at two jobs, and
// ends one of the servers in the middle.
func TestNodesImport(t *testing.T) {
	t.Parallel()
	one, other := two(t)
	const rows = 6000
	first, second := one.newPool(t), one.newPool(t)
	jobs := [2]string{one.startImport(t, first, rows), other.startImport(t, second, rows)}
	patience.Until(t, "some lines are read", func() bool { return other.imported(t, first, jobs[0]).Users[0] > 500 })
	if err := one.Close(); err != nil {
		t.Error(err)
	}
	other.awaitImport(t, first, jobs[0], rows)
	other.awaitImport(t, second, jobs[1], rows)
	other.quiet(t)
}

// TestSkewedNodesImport: two servers whose clocks are 10 s apart work on two jobs
// and disturb no job of each other; either stops a job of the other at once.
func TestSkewedNodesImport(t *testing.T) {
	t.Parallel()
	behind, ahead := twoAt(t, -5*time.Second, 5*time.Second)
	const rows = 4000
	first, second, third := ahead.newPool(t), ahead.newPool(t), ahead.newPool(t)
	jobs := []string{behind.startImport(t, first, rows), ahead.startImport(t, second, rows)}
	behind.awaitImport(t, first, jobs[0], rows)
	behind.awaitImport(t, second, jobs[1], rows)
	jobs = append(jobs, behind.startImport(t, third, importRows))
	patience.Until(t, "some lines are read", func() bool { return ahead.imported(t, third, jobs[2]).Users[0] > 0 })
	ahead.must(t, "StopUserImportJob", object{"UserPoolId": third, "JobId": jobs[2]})
	var stopped importCounts
	patience.Until(t, "the job is stopped", func() bool {
		stopped = behind.imported(t, third, jobs[2])
		return stopped.Status == "Stopped"
	})
	if stopped.Users[0] >= importRows*9/10 {
		t.Errorf("stopped after all was done: %v", stopped)
	}
	if later := ahead.imported(t, third, jobs[2]); later != stopped {
		t.Errorf("after the stop %v, later %v", stopped, later)
	}
	behind.quiet(t)
	ahead.quiet(t)
}

// TestCutUpload: a file that did not come whole is none.
func TestCutUpload(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, n *node) {
		pool := n.newPool(t)
		a := n.must(t, "CreateUserImportJob", object{"UserPoolId": pool, "JobName": "people", "CloudWatchLogsRoleArn": "arn:aws:iam::123456789012:role/logs"})
		job := a.text("UserImportJob", "JobId")
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, a.text("UserImportJob", "PreSignedUrl"), &cutReader{left: 300 << 10})
		if err != nil {
			t.Fatal(err)
		}
		r.ContentLength = 1 << 20
		if res, err := n.http.Do(r); err == nil {
			res.Body.Close()
			t.Errorf("a cut upload answered %d", res.StatusCode)
		}
		n.refused(t, "PreconditionNotMetException", "StartUserImportJob", object{"UserPoolId": pool, "JobId": job})
	})
}

// cutReader ends with an error before all has been sent.
type cutReader struct{ left int }

func (c *cutReader) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, io.ErrClosedPipe
	}
	n := min(len(p), c.left)
	for i := range p[:n] {
		p[i] = 'x'
	}
	c.left -= n
	return n, nil
}

// TestImportLogCommand reads the log of an import beside the running server.
func TestImportLogCommand(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, n *node) {
		pool := n.newPool(t)
		const rows = 6000 // more than is read at a time
		job := n.startImport(t, pool, rows)
		n.awaitImport(t, pool, job, rows)
		args := []string{"import", "log", "--pool", pool, job, "--data", n.config.Data, "--kek-file", n.config.Data + "/kek"}
		if n.config.Database != "" {
			args = append(args[:len(args)-4], "--database", string(n.config.Database), "--kek-file", n.config.Data+"/kek")
		}
		lines := strings.Split(strings.TrimSpace(command(t, args...)), "\n")
		if len(lines) != rows || lines[0] != "[SUCCEEDED] Line Number 2 - The import succeeded." ||
			!strings.HasPrefix(lines[rows-7], "[FAILED] Line Number 5995 - The User Record does not set any") {
			t.Errorf("%d lines, %q … %q", len(lines), lines[0], lines[len(lines)-7])
		}
	})
}
