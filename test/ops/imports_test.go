package ops_test

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/bcrypt"

	"cognate/test/srpclient"
)

const importRole = "arn:aws:iam::123456789012:role/import-logs"

// csv makes a file of rows of "column=value".
func csv(header []string, rows ...[]string) string {
	var b strings.Builder
	b.WriteString(strings.Join(header, ",") + "\n")
	for _, row := range rows {
		list := make([]string, len(header))
		for _, pair := range row {
			name, value, _ := strings.Cut(pair, "=")
			list[slices.Index(header, name)] = strings.ReplaceAll(value, ",", `\,`)
		}
		b.WriteString(strings.Join(list, ",") + "\n")
	}
	return b.String()
}

// imported is a row that asks for nothing special.
func imported(name string, more ...string) []string {
	return append([]string{"cognito:username=" + name, "cognito:mfa_enabled=false", "email=" + name + "@example.com", "email_verified=true"}, more...)
}

func (r rig) csvHeader(t *testing.T, pool string) []string {
	t.Helper()
	return must[*cip.GetCSVHeaderOutput](t)(r.GetCSVHeader(t.Context(), &cip.GetCSVHeaderInput{UserPoolId: &pool})).CSVHeader
}

func (r rig) importJob(t *testing.T, pool string) *types.UserImportJobType {
	t.Helper()
	return must[*cip.CreateUserImportJobOutput](t)(r.CreateUserImportJob(t.Context(), &cip.CreateUserImportJobInput{
		UserPoolId: &pool, JobName: aws.String("people"), CloudWatchLogsRoleArn: aws.String(importRole),
	})).UserImportJob
}

// put uploads a file as AWS's documentation says.
func put(t *testing.T, address, file string, change ...func(*http.Request)) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, address, strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("x-amz-server-side-encryption", "aws:kms")
	for _, c := range change {
		c(req)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func (r rig) startImport(t *testing.T, pool string, job *string) error {
	t.Helper()
	_, err := r.StartUserImportJob(t.Context(), &cip.StartUserImportJobInput{UserPoolId: &pool, JobId: job})
	return err
}

func (r rig) describeImport(t *testing.T, pool string, job *string) *types.UserImportJobType {
	t.Helper()
	return must[*cip.DescribeUserImportJobOutput](t)(r.DescribeUserImportJob(t.Context(), &cip.DescribeUserImportJobInput{UserPoolId: &pool, JobId: job})).UserImportJob
}

// endImport waits for the end of a job.
func (r rig) endImport(t *testing.T, pool string, job *string) *types.UserImportJobType {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		j := r.describeImport(t, pool, job)
		switch j.Status {
		case types.UserImportJobStatusTypeSucceeded, types.UserImportJobStatusTypeFailed, types.UserImportJobStatusTypeStopped:
			return j
		}
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatalf("the job has not ended: %+v", j)
		}
	}
}

// importFile runs a whole import.
func (r rig) importFile(t *testing.T, pool, file string) *types.UserImportJobType {
	t.Helper()
	job := r.importJob(t, pool)
	if status, text := put(t, *job.PreSignedUrl, file); status != http.StatusOK {
		t.Fatalf("upload: %d %s", status, text)
	}
	if err := r.startImport(t, pool, job.JobId); err != nil {
		t.Fatal(err)
	}
	return r.endImport(t, pool, job.JobId)
}

func (r rig) importLog(t *testing.T, pool string, job *string) []string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+"/_cognate/imports/"+pool+"/"+*job+"/log", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%d %v %s", res.StatusCode, err, text)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

type counts struct{ Imported, Skipped, Failed int64 }

func countsOf(j *types.UserImportJobType) counts {
	return counts{j.ImportedUsers, j.SkippedUsers, j.FailedUsers}
}

func TestUserImport(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		pool := r.pool(t, func(in *cip.CreateUserPoolInput) {
			in.Schema = []types.SchemaAttributeType{{Name: aws.String("plan"), AttributeDataType: types.AttributeDataTypeString, Mutable: aws.Bool(true)}}
		})
		header := r.csvHeader(t, pool)
		if d := cmp.Diff([]string{
			"name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile", "picture", "website", "email",
			"email_verified", "gender", "birthdate", "zoneinfo", "locale", "phone_number", "phone_number_verified", "address", "updated_at",
			"custom:plan", "cognito:mfa_enabled", "cognito:username",
		}, header); d != "" {
			t.Error(d)
		}
		r.user(t, pool, "there", verified("there@example.com")...)
		slices.Reverse(header) // any order will do

		job := r.importJob(t, pool)
		if job.Status != types.UserImportJobStatusTypeCreated || *job.JobName != "people" || *job.CloudWatchLogsRoleArn != importRole {
			t.Errorf("created: %+v", job)
		}
		wantError(t, r.startImport(t, pool, job.JobId), &types.PreconditionNotMetException{Message: aws.String("No csv file was uploaded for " + *job.JobId)})
		if status, text := put(t, *job.PreSignedUrl, "name\n"); status != http.StatusOK {
			t.Fatalf("%d %s", status, text)
		}
		file := csv(header,
			imported("alice", "address=1 Main St, Springfield", "birthdate=02/28/1990", "updated_at=1600000000", "custom:plan=gold"),
			imported("there"),
			[]string{"cognito:username=bob", "cognito:mfa_enabled=false", "email=bob@example.com", "email_verified=false"},
			imported("carol", "cognito:mfa_enabled=maybe"),
		)
		if status, text := put(t, *job.PreSignedUrl, file); status != http.StatusOK { // takes the place of the first
			t.Fatalf("%d %s", status, text)
		}
		if err := r.startImport(t, pool, job.JobId); err != nil {
			t.Fatal(err)
		}
		done := r.endImport(t, pool, job.JobId)
		if done.Status != types.UserImportJobStatusTypeSucceeded || countsOf(done) != (counts{1, 1, 2}) || done.CompletionDate == nil || done.StartDate == nil || done.CompletionMessage == nil {
			t.Errorf("%+v %v", done, *done.CompletionMessage)
		}
		if d := cmp.Diff([]string{
			"[SUCCEEDED] Line Number 2 - The import succeeded.",
			"[SKIPPED] Line Number 3 - The user already exists.",
			"[FAILED] Line Number 4 - The User Record does not set any of the auto verified attributes to true. (Example: email_verified to true).",
			"[FAILED] Line Number 5 - The value of cognito:mfa_enabled must be true or false.",
		}, r.importLog(t, pool, job.JobId)); d != "" {
			t.Error(d)
		}
		alice := r.find(t, pool, "alice")
		values := valuesOf(alice.UserAttributes)
		delete(values, "sub")
		if d := cmp.Diff(map[string]string{
			"email": "alice@example.com", "email_verified": "true", "address": "1 Main St, Springfield", "birthdate": "02/28/1990",
			"updated_at": "1600000000", "custom:plan": "gold",
		}, values); d != "" {
			t.Error(d)
		}
		if alice.UserStatus != types.UserStatusTypeResetRequired || !alice.Enabled {
			t.Errorf("%+v", alice)
		}
		wantType[*types.PreconditionNotMetException](t, r.startImport(t, pool, job.JobId)) // it has ended

		// Whoever was imported without a hash sets a password by a code.
		client := r.client(t, pool)
		_, err := r.trySignIn(t, client, "alice", password)
		wantType[*types.PasswordResetRequiredException](t, err)
		_, err = r.trySignIn(t, r.client(t, pool, hiding), "alice", password)
		wantError(t, err, notAuthorized("Incorrect username or password."))
		must[*cip.ForgotPasswordOutput](t)(r.ForgotPassword(t.Context(), &cip.ForgotPasswordInput{ClientId: &client, Username: aws.String("alice")}))
		must[*cip.ConfirmForgotPasswordOutput](t)(r.ConfirmForgotPassword(t.Context(), &cip.ConfirmForgotPasswordInput{
			ClientId: &client, Username: aws.String("alice"), Password: aws.String(password), ConfirmationCode: aws.String(r.code(t, pool, "alice")),
		}))
		r.signIn(t, client, "alice")

		// Again, everybody is there.
		again := r.importFile(t, pool, csv(header, imported("alice"), imported("there")))
		if again.Status != types.UserImportJobStatusTypeFailed || countsOf(again) != (counts{0, 2, 0}) ||
			*again.CompletionMessage != "Too many users have failed or been skipped during the import." {
			t.Errorf("%+v", again)
		}
	})
}

// TestUserImportOfHashes signs people in by what another program hashed.
func TestUserImportOfHashes(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		pool := r.pool(t)
		client := r.client(t, pool)
		header := append(r.csvHeader(t, pool), "cognito:password_hash")
		hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		// The algorithm is newer than this SDK.
		res, text := r.post(t, "CreateUserImportJob", `{"UserPoolId":"`+pool+`","JobName":"people","CloudWatchLogsRoleArn":"`+importRole+`","PasswordHashingAlgorithm":"BCRYPT"}`)
		var out struct {
			UserImportJob struct{ JobId, PreSignedUrl, PasswordHashingAlgorithm string }
		}
		if err := json.Unmarshal([]byte(text), &out); err != nil || res.StatusCode != http.StatusOK || out.UserImportJob.PasswordHashingAlgorithm != "BCRYPT" {
			t.Fatalf("%v %s", err, text)
		}
		job := out.UserImportJob
		put(t, job.PreSignedUrl, csv(header,
			imported("alice", "cognito:password_hash="+string(hash)),
			imported("bob"),
			imported("carol", "cognito:password_hash=$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
			imported("dave", "cognito:password_hash=$2b$31$"+strings.Repeat("a", 53)),
		))
		if err := r.startImport(t, pool, &job.JobId); err != nil {
			t.Fatal(err)
		}
		if done := r.endImport(t, pool, &job.JobId); done.Status != types.UserImportJobStatusTypeSucceeded || countsOf(done) != (counts{2, 0, 2}) {
			t.Errorf("%+v", done)
		}
		if got := r.find(t, pool, "alice").UserStatus; got != types.UserStatusTypeConfirmed {
			t.Errorf("alice is %s", got)
		}
		if got := r.find(t, pool, "bob").UserStatus; got != types.UserStatusTypeResetRequired {
			t.Errorf("bob is %s", got)
		}
		_, err = r.trySignIn(t, client, "alice", otherPassword)
		wantError(t, err, notAuthorized("Incorrect username or password."))
		// SRP needs a verifier, which only the plain password can make.
		_, err = r.srp(t, client, pool, "alice", password)
		wantError(t, err, notAuthorized("Incorrect username or password."))
		before := r.find(t, pool, "alice").UserLastModifiedDate
		r.signIn(t, client, "alice")
		if set, err := r.srp(t, client, pool, "alice", password); err != nil || set == nil {
			t.Errorf("SRP after the upgrade: %v", err)
		}
		r.signIn(t, client, "alice")
		if after := r.find(t, pool, "alice").UserLastModifiedDate; !after.Equal(*before) {
			t.Errorf("the upgrade changed the user: %v, %v", before, after)
		}
	})
}

func TestUserImportUpload(t *testing.T) {
	alone(t, func(t *testing.T, r rig) {
		pool, other := r.pool(t), r.pool(t)
		job, second := r.importJob(t, pool), r.importJob(t, other)
		address := *job.PreSignedUrl
		file := csv(r.csvHeader(t, pool), imported("alice"))
		for _, test := range []struct {
			name, address, file string
			change              func(*http.Request)
			status              int
			code                string
		}{
			{"another job's signature", strings.Replace(address, *job.JobId, *second.JobId, 1), file, nil, 403, "SignatureDoesNotMatch"},
			{"another pool's", strings.Replace(*second.PreSignedUrl, other, pool, 1), file, nil, 403, "SignatureDoesNotMatch"},
			{"later", strings.Replace(address, "expires=", "expires=9", 1), file, nil, 403, "SignatureDoesNotMatch"},
			{"unsigned", strings.Split(address, "?")[0], file, nil, 403, "SignatureDoesNotMatch"},
			{"without length", address, file, func(req *http.Request) { req.ContentLength = -1 }, 411, "MissingContentLength"},
			{"empty", address, "", nil, 400, "InvalidRequest"},
			{"too large", address, strings.Repeat("x", 100<<20+1), nil, 413, "EntityTooLarge"},
		} {
			change := test.change
			if change == nil {
				change = func(*http.Request) {}
			}
			if status, text := put(t, test.address, test.file, change); status != test.status || !strings.Contains(text, "<Code>"+test.code+"</Code>") {
				t.Errorf("%s: %d %s", test.name, status, text)
			}
		}
		wantType[*types.PreconditionNotMetException](t, r.startImport(t, pool, job.JobId))
		if status, text := put(t, address, file); status != http.StatusOK {
			t.Fatalf("%d %s", status, text)
		}
		r.pass(15 * time.Minute)
		if status, text := put(t, address, file); status != http.StatusForbidden || !strings.Contains(text, "Request has expired") {
			t.Errorf("%d %s", status, text)
		}
		// The job itself has more time, but not for ever.
		r.pass(24*time.Hour - 15*time.Minute)
		if got := r.describeImport(t, pool, job.JobId).Status; got != types.UserImportJobStatusTypeExpired {
			t.Errorf("after a day the job is %s", got)
		}
		wantType[*types.PreconditionNotMetException](t, r.startImport(t, pool, job.JobId))
	})
}

func TestUserImportJobs(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		ctx := t.Context()
		pool, other := r.pool(t), r.pool(t)
		unknown := aws.String("import-0000000000")
		create := &cip.CreateUserImportJobInput{UserPoolId: &pool, JobName: aws.String("people"), CloudWatchLogsRoleArn: aws.String("arn:aws:s3:us-east-1:123456789012:bucket")}
		_, err := r.CreateUserImportJob(ctx, create)
		wantType[*types.InvalidParameterException](t, err)
		create.UserPoolId, create.CloudWatchLogsRoleArn = aws.String(unknownPool), aws.String(importRole)
		_, err = r.CreateUserImportJob(ctx, create)
		wantError(t, err, noPool(unknownPool))
		_, err = r.GetCSVHeader(ctx, &cip.GetCSVHeaderInput{UserPoolId: aws.String(unknownPool)})
		wantError(t, err, noPool(unknownPool))

		var ids []string
		for range 5 {
			ids = append([]string{*r.importJob(t, pool).JobId}, ids...)
		}
		for _, missing := range []struct {
			pool string
			job  *string
		}{{pool, unknown}, {other, &ids[0]}} {
			_, err = r.DescribeUserImportJob(ctx, &cip.DescribeUserImportJobInput{UserPoolId: &missing.pool, JobId: missing.job})
			wantType[*types.ResourceNotFoundException](t, err)
			wantType[*types.ResourceNotFoundException](t, r.startImport(t, missing.pool, missing.job))
			_, err = r.StopUserImportJob(ctx, &cip.StopUserImportJobInput{UserPoolId: &missing.pool, JobId: missing.job})
			wantType[*types.ResourceNotFoundException](t, err)
		}
		_, err = r.StopUserImportJob(ctx, &cip.StopUserImportJobInput{UserPoolId: &pool, JobId: &ids[0]})
		wantType[*types.PreconditionNotMetException](t, err) // not started

		var listed []string
		in := &cip.ListUserImportJobsInput{UserPoolId: &pool, MaxResults: aws.Int32(2)}
		for {
			page := must[*cip.ListUserImportJobsOutput](t)(r.ListUserImportJobs(ctx, in))
			for _, j := range page.UserImportJobs {
				listed = append(listed, *j.JobId)
			}
			if page.PaginationToken == nil {
				break
			}
			in.PaginationToken = page.PaginationToken
			_, err := r.ListUserImportJobs(ctx, &cip.ListUserImportJobsInput{UserPoolId: &other, MaxResults: aws.Int32(2), PaginationToken: page.PaginationToken})
			wantError(t, err, badPage())
		}
		if len(listed) != len(ids) {
			t.Errorf("listed %v of %v", listed, ids)
		}
		slices.Sort(listed)
		slices.Sort(ids)
		if d := cmp.Diff(ids, listed); d != "" {
			t.Error(d)
		}

		// A file whose columns are not the pool's, and a pool that verifies nothing.
		if done := r.importFile(t, pool, "name,email\nalice,alice@example.com\n"); done.Status != types.UserImportJobStatusTypeFailed || countsOf(done) != (counts{}) {
			t.Errorf("%+v", done)
		}
		blind := r.pool(t, func(in *cip.CreateUserPoolInput) { in.AutoVerifiedAttributes = nil })
		if done := r.importFile(t, blind, csv(r.csvHeader(t, blind), imported("alice"))); done.Status != types.UserImportJobStatusTypeFailed {
			t.Errorf("%+v", done)
		}
	})
}

// TestUserImportInProgress: what Cognito refuses while people are imported, and
// how a job is stopped.
func TestUserImportInProgress(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		ctx := t.Context()
		pool := r.pool(t)
		header := r.csvHeader(t, pool)
		var b strings.Builder
		b.WriteString(csv(header))
		line := strings.TrimPrefix(csv(header, imported("NAME")), csv(header))
		for i := range 60_000 {
			b.WriteString(strings.ReplaceAll(line, "NAME", "user"+string(rune('a'+i%26))+time.Duration(i).String()))
		}
		job, second := r.importJob(t, pool), r.importJob(t, pool)
		for _, j := range []*types.UserImportJobType{job, second} {
			if status, text := put(t, *j.PreSignedUrl, b.String()); status != http.StatusOK {
				t.Fatalf("%d %s", status, text)
			}
		}
		if err := r.startImport(t, pool, job.JobId); err != nil {
			t.Fatal(err)
		}
		wantType[*types.PreconditionNotMetException](t, r.startImport(t, pool, second.JobId))
		_, err := r.UpdateUserPool(ctx, &cip.UpdateUserPoolInput{UserPoolId: &pool})
		wantType[*types.UserImportInProgressException](t, err)
		_, err = r.DeleteUserPool(ctx, &cip.DeleteUserPoolInput{UserPoolId: &pool})
		wantType[*types.UserImportInProgressException](t, err)
		_, err = r.AddCustomAttributes(ctx, &cip.AddCustomAttributesInput{UserPoolId: &pool, CustomAttributes: []types.SchemaAttributeType{
			{Name: aws.String("plan"), AttributeDataType: types.AttributeDataTypeString},
		}})
		wantType[*types.UserImportInProgressException](t, err)
		if status, _ := put(t, *job.PreSignedUrl, "name\n"); status != http.StatusConflict {
			t.Errorf("an upload to a running job: %d", status)
		}

		out := must[*cip.StopUserImportJobOutput](t)(r.StopUserImportJob(ctx, &cip.StopUserImportJobInput{UserPoolId: &pool, JobId: job.JobId}))
		if out.UserImportJob.Status != types.UserImportJobStatusTypeStopping {
			t.Errorf("stopping: %s", out.UserImportJob.Status)
		}
		done := r.endImport(t, pool, job.JobId)
		if done.Status != types.UserImportJobStatusTypeStopped || *done.CompletionMessage != "The Import Job was stopped by the developer." || done.ImportedUsers >= 60_000 {
			t.Errorf("%+v", done)
		}
		wantType[*types.PreconditionNotMetException](t, r.startImport(t, pool, job.JobId))
		if log := r.importLog(t, pool, job.JobId); done.ImportedUsers > 0 && int64(len(log)) != done.ImportedUsers {
			t.Errorf("the log has %d lines, %d were imported", len(log), done.ImportedUsers)
		}
		must[*cip.DeleteUserPoolOutput](t)(r.DeleteUserPool(ctx, &cip.DeleteUserPoolInput{UserPoolId: &pool}))
	})
}

// srp signs in without sending the password.
func (r rig) srp(t *testing.T, client, pool, name, password string) (*types.AuthenticationResultType, error) {
	t.Helper()
	p := srpclient.New(pool)
	asked, err := r.InitiateAuth(t.Context(), &cip.InitiateAuthInput{
		ClientId: &client, AuthFlow: types.AuthFlowTypeUserSrpAuth, AuthParameters: map[string]string{"USERNAME": name, "SRP_A": p.Public()},
	})
	if err != nil {
		return nil, err
	}
	out, err := r.RespondToAuthChallenge(t.Context(), &cip.RespondToAuthChallengeInput{
		ClientId: &client, ChallengeName: asked.ChallengeName, ChallengeResponses: p.Prove(asked.ChallengeParameters, password, time.Now()),
	})
	if err != nil {
		return nil, err
	}
	return out.AuthenticationResult, nil
}
