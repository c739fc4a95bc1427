package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

// importName is what -only takes for imports: they are not measured with the
// rest, for they take minutes.
const importName = "import"

// signInsMeanwhile is how many password sign-ins a second go on during an import.
const signInsMeanwhile = 50

// imports measures an import of many rows whose server is killed half-way, and
// sign-ins while it goes on.
func (b *bench) imports(ctx context.Context) error {
	for name := range strings.SplitSeq(b.engines, ",") {
		e, err := b.engine(ctx, name)
		if err != nil || e == nil {
			return err
		}
		err = b.measureImport(ctx, e)
		e.close()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// importRun is one import.
type importRun struct {
	*target
	sdk  *cip.Client
	pool string
	job  string
}

func (r *importRun) connect() {
	r.sdk = cip.New(cip.Options{
		Region: region, BaseEndpoint: aws.String("http://" + r.addr),
		Credentials: credentials.StaticCredentialsProvider{Value: r.key},
	})
}

func (b *bench) measureImport(ctx context.Context, e *engine) (err error) {
	t, err := b.newTarget(ctx, e, "import-"+e.name, b.few)
	if err != nil {
		return err
	}
	r := &importRun{target: t}
	defer func() { err = errors.Join(err, r.close()) }()
	r.connect()
	alone, err := r.latency(ctx, b.seconds)
	if err != nil {
		return err
	}
	b.report.measured("p99 at 50 sign-ins a second, without an import", e.name, milliseconds(float64(alone))+" ms", "–", true)
	file := filepath.Join(b.dir, "people.csv")
	if err := r.prepare(ctx, file, b.rows); err != nil {
		return err
	}
	began := time.Now()
	if err := r.upload(ctx, file); err != nil {
		return err
	}
	fmt.Fprintf(b.progress, "%s: uploaded in %v\n", e.name, time.Since(began).Round(time.Millisecond))
	if _, err := r.sdk.StartUserImportJob(ctx, &cip.StartUserImportJobInput{UserPoolId: &r.pool, JobId: &r.job}); err != nil {
		return err
	}
	if err := b.follow(ctx, e, r); err != nil {
		return err
	}
	return b.counted(ctx, e, r)
}

// follow watches the import: a third undisturbed, a third with sign-ins, then
// the server is killed and the rest is for the next one.
func (b *bench) follow(ctx context.Context, e *engine, r *importRun) error {
	finish := b.startProfile(ctx, r.target, e.name+"-"+importName)
	first, err := r.stretch(ctx, int64(b.rows)/3)
	finish()
	if err != nil {
		return err
	}
	b.report.measured("rows a second", e.name, fmt.Sprintf("%.0f", first), "10000 on SQLite", e.name != "sqlite" || first >= 10_000)
	before, err := r.done(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	meanwhile, err := r.latency(ctx, b.seconds)
	if err != nil {
		return err
	}
	after, err := r.done(ctx)
	if err != nil {
		return err
	}
	b.report.measured("p99 at 50 sign-ins a second, during an import", e.name, milliseconds(float64(meanwhile))+" ms", "–", true)
	b.report.measured("rows a second beside those sign-ins", e.name, fmt.Sprintf("%.0f", float64(after-before)/time.Since(began).Seconds()), "–", true)
	if _, err := r.stretch(ctx, int64(b.rows)*2/3); err != nil {
		return err
	}
	if err := r.cmd.Process.Kill(); err != nil {
		return err
	}
	_ = r.cmd.Wait()
	r.clients.close()
	began = time.Now()
	if err := b.serve(ctx, r.target); err != nil {
		return err
	}
	r.connect()
	if _, err := r.stretch(ctx, int64(b.rows)); err != nil {
		return err
	}
	fmt.Fprintf(b.progress, "%s: ended %v after the kill\n", e.name, time.Since(began).Round(time.Millisecond))
	return nil
}

// counted holds the job's counts to the rows, and the pool's users as well.
func (b *bench) counted(ctx context.Context, e *engine, r *importRun) error {
	for {
		out, err := r.sdk.DescribeUserImportJob(ctx, &cip.DescribeUserImportJobInput{UserPoolId: &r.pool, JobId: &r.job})
		if err != nil {
			return err
		}
		j := out.UserImportJob
		if j.CompletionDate == nil {
			if err := pause(ctx, 200*time.Millisecond); err != nil {
				return err
			}
			continue
		}
		exact := j.Status == types.UserImportJobStatusTypeSucceeded && j.ImportedUsers == int64(b.rows) && j.SkippedUsers == 0 && j.FailedUsers == 0
		b.report.measured(fmt.Sprintf("%d rows, killed once: imported, skipped, failed", b.rows), e.name,
			fmt.Sprintf("%d, %d, %d", j.ImportedUsers, j.SkippedUsers, j.FailedUsers), fmt.Sprintf("%d, 0, 0", b.rows), exact)
		return nil
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// prepare makes a pool, a job and its file.
func (r *importRun) prepare(ctx context.Context, path string, rows int) error {
	pool, err := r.sdk.CreateUserPool(ctx, &cip.CreateUserPoolInput{
		PoolName: aws.String("imported"), AutoVerifiedAttributes: []types.VerifiedAttributeType{types.VerifiedAttributeTypeEmail},
	})
	if err != nil {
		return err
	}
	r.pool = *pool.UserPool.Id
	header, err := r.sdk.GetCSVHeader(ctx, &cip.GetCSVHeaderInput{UserPoolId: &r.pool})
	if err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	fmt.Fprintln(w, strings.Join(header.CSVHeader, ","))
	line := make([]string, len(header.CSVHeader))
	set := func(name, value string) { line[slices.Index(header.CSVHeader, name)] = value }
	for i := range rows {
		p := newPerson(i)
		set("cognito:username", p.username)
		set("cognito:mfa_enabled", "false")
		set("email", p.email)
		set("email_verified", "true")
		fmt.Fprintln(w, strings.Join(line, ","))
	}
	return errors.Join(w.Flush(), f.Close())
}

// upload makes the job and hands its file over, to the server's own address.
func (r *importRun) upload(ctx context.Context, path string) error {
	job, err := r.sdk.CreateUserImportJob(ctx, &cip.CreateUserImportJobInput{
		UserPoolId: &r.pool, JobName: aws.String("bench"), CloudWatchLogsRoleArn: aws.String("arn:aws:iam::123456789012:role/bench"),
	})
	if err != nil {
		return err
	}
	r.job = *job.UserImportJob.JobId
	to, err := url.Parse(*job.UserImportJob.PreSignedUrl)
	if err != nil {
		return err
	}
	to.Scheme, to.Host = "http", r.addr
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, to.String(), f)
	if err != nil {
		return err
	}
	req.ContentLength = info.Size()
	req.Header.Set("X-Amz-Server-Side-Encryption", "aws:kms")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(res.Body)
		return fmt.Errorf("upload of %d bytes: %d %s", info.Size(), res.StatusCode, text)
	}
	return nil
}

// done is how many rows were read.
func (r *importRun) done(ctx context.Context) (int64, error) {
	out, err := r.sdk.DescribeUserImportJob(ctx, &cip.DescribeUserImportJobInput{UserPoolId: &r.pool, JobId: &r.job})
	if err != nil {
		return 0, err
	}
	j := out.UserImportJob
	if j.Status == types.UserImportJobStatusTypeFailed {
		return 0, errors.New(*j.CompletionMessage)
	}
	return j.ImportedUsers + j.SkippedUsers + j.FailedUsers, nil
}

// stretch waits until so many rows were read, and returns the rate of those that
// it saw.
func (r *importRun) stretch(ctx context.Context, until int64) (float64, error) {
	began := time.Now()
	from, err := r.done(ctx)
	if err != nil {
		return 0, err
	}
	for {
		n, err := r.done(ctx)
		if err != nil {
			return 0, err
		}
		if n >= until {
			return float64(n-from) / time.Since(began).Seconds(), nil
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return 0, err
		}
	}
}

// latency is the p99 of password sign-ins at a steady pace.
func (r *importRun) latency(ctx context.Context, seconds int) (time.Duration, error) {
	took, err := openLoop(ctx, r.target, r.passwordRequests(signInsMeanwhile*seconds), time.Second/signInsMeanwhile)
	if err != nil {
		return 0, err
	}
	slices.Sort(took)
	return took[len(took)*99/100], nil
}
