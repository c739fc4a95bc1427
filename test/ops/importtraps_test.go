package ops_test

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"

	"cognate/test/patience"
)

// TestUserImportFiles: files as programs write them, and as they must not be.
func TestUserImportFiles(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		pool := r.pool(t, func(in *cip.CreateUserPoolInput) {
			in.AliasAttributes = []types.AliasAttributeType{types.AliasAttributeTypeEmail}
		})
		header := r.csvHeader(t, pool)
		head := strings.TrimSpace(csv(header))
		row := func(name string, more ...string) string {
			return strings.TrimSpace(strings.TrimPrefix(csv(header, imported(name, more...)), csv(header)))
		}
		const (
			succeeded = "[SUCCEEDED] Line Number %d - The import succeeded."
			skipped   = "[SKIPPED] Line Number %d - The user already exists."
			failed    = "[FAILED] Line Number %d - "
		)
		columns := failed + "The line does not have as many values as the header has columns."
		lines := []struct{ text, want string }{
			{row("alice", "address=1 Main St, Springfield"), succeeded},
			{"", ""},
			{row("alice"), skipped},
			{row("bob", "email=alice@example.com"), failed + "An account with the given email already exists."},
			{row("carol", `name="Carol"`), succeeded},
			{strings.Replace(row("dave"), ",", `,"a,b",`, 1), columns},
			{row("erin", "name=<b>x</b>&amp;"), succeeded},
			{row("frank", "name=a\x00b"), failed + "The line is not UTF-8 text."},
			{row("grace", "name=\xff"), failed + "The line is not UTF-8 text."},
			{row("heidi", "name="+strings.Repeat("n", 16_001)), failed + "The line is longer than 16000 characters."},
			{row("ivan", "name="+strings.Repeat("n", 5<<20)), failed + "The line is longer than 16000 characters."},
			{row("judy", "name="+strings.Repeat("n", 2049)), failed + "Attributes did not conform to the schema: name: String must be no longer than 2048 characters"},
			{row("mallory", "name="+strings.Repeat("ü", 2048)), succeeded},
			{"   ", columns},
			{row("niaj") + ",", columns},
			{head, failed + "The value of birthdate must have the form mm/dd/yyyy."},
			{row("=cmd|' /C calc'!A0"), failed + "The value of cognito:username is not a valid username."},
			{row("olivia@example.com", "email=olivia@example.com"), failed + "Username cannot be of email format, since user pool is configured for email alias."},
			{row("peggy", "name=a\rb"), succeeded},
			{row("rupert"), succeeded},
		}
		for _, ending := range []string{"\n", "\r\n"} {
			pool, file := pool, "\ufeff"+head+ending
			if ending == "\r\n" {
				pool = r.pool(t, func(in *cip.CreateUserPoolInput) {
					in.AliasAttributes = []types.AliasAttributeType{types.AliasAttributeTypeEmail}
				})
			}
			var want []string
			for i, l := range lines {
				file += l.text
				if i < len(lines)-1 { // the last line needs no end
					file += ending
				}
				if l.want != "" {
					want = append(want, fmt.Sprintf(l.want, i+2))
				}
			}
			done := r.importFile(t, pool, file)
			if d := cmp.Diff(want, r.importLog(t, pool, done.JobId)); d != "" {
				t.Errorf("%q: %s", ending, d)
			}
			if got := valuesOf(r.find(t, pool, "carol").UserAttributes)["name"]; got != `"Carol"` {
				t.Errorf("carol's name is %s", got)
			}
		}
	})
}

// TestUserImportHeaders: a header that is not the pool's ends the job, as the
// schema is when it starts.
func TestUserImportHeaders(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		ctx := t.Context()
		pool := r.pool(t)
		header := r.csvHeader(t, pool)
		for _, test := range []struct{ name, file string }{
			{"a column twice", strings.Join(append(header, "email"), ",") + "\n"},
			{"one twice in the place of another", strings.Replace(csv(header), "nickname", "email", 1)},
			{"one is missing", strings.Replace(csv(header), "nickname,", "", 1)},
			{"hashes without an algorithm", strings.Join(append(header, "cognito:password_hash"), ",") + "\n"},
			{"only ends of lines", "\n\n\n"},
			{"an empty line before", "\n" + csv(header, imported("alice"))},
			{"two marks", "\ufeff\ufeff" + csv(header)},
			{"UTF-16", "\xff\xfen\x00a\x00m\x00e\x00"},
		} {
			if done := r.importFile(t, pool, test.file); done.Status != types.UserImportJobStatusTypeFailed || countsOf(done) != (counts{}) {
				t.Errorf("%s: %+v", test.name, done)
			}
		}
		if done := r.importFile(t, pool, strings.TrimSpace(csv(header))); done.Status != types.UserImportJobStatusTypeSucceeded || countsOf(done) != (counts{}) {
			t.Errorf("nothing but the header: %+v", done)
		}

		job := r.importJob(t, pool)
		if status, text := put(t, *job.PreSignedUrl, csv(header, imported("alice"))); status != http.StatusOK {
			t.Fatal(status, text)
		}
		must[*cip.AddCustomAttributesOutput](t)(r.AddCustomAttributes(ctx, &cip.AddCustomAttributesInput{UserPoolId: &pool, CustomAttributes: []types.SchemaAttributeType{
			{Name: aws.String("plan"), AttributeDataType: types.AttributeDataTypeString},
		}}))
		if err := r.startImport(t, pool, job.JobId); err != nil {
			t.Fatal(err)
		}
		if done := r.endImport(t, pool, job.JobId); done.Status != types.UserImportJobStatusTypeFailed || countsOf(done) != (counts{}) {
			t.Errorf("a schema of later: %+v", done)
		}
	})
}

// TestUserImportUploadsAtOnce: of several files one is taken whole, and of
// several starts one.
func TestUserImportUploadsAtOnce(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		pool := r.pool(t)
		header := r.csvHeader(t, pool)
		job := r.importJob(t, pool)
		var files []string
		for i := range 6 {
			var rows [][]string
			for k := range 600 {
				rows = append(rows, imported(fmt.Sprintf("%c-%d", 'a'+i, k)))
			}
			files = append(files, csv(header, rows...))
		}
		var wg sync.WaitGroup
		for _, file := range files {
			wg.Go(func() {
				if status, text := put(t, *job.PreSignedUrl, file); status != http.StatusOK {
					t.Errorf("%d %s", status, text)
				}
			})
		}
		wg.Wait()
		started := make(chan error, 4)
		for range cap(started) {
			wg.Go(func() { started <- r.startImport(t, pool, job.JobId) })
		}
		wg.Wait()
		good := 0
		for range cap(started) {
			if err := <-started; err == nil {
				good++
			} else {
				wantType[*types.PreconditionNotMetException](t, err)
			}
		}
		if done := r.endImport(t, pool, job.JobId); good != 1 || countsOf(done) != (counts{600, 0, 0}) {
			t.Errorf("%d starts, %+v", good, done)
		}
	})
}

// TestUserImportBodies: a body that is not as long as it says.
func TestUserImportBodies(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		header := r.csvHeader(t, r.pool(t))
		file, other := csv(header, imported("alice")), csv(header, imported("bob"))
		for _, test := range []struct {
			name, headers, body string
			status              string
		}{
			{"chunks", "Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n", "HTTP/1.1 411"},
			{"shorter", "Content-Length: 1000\r\n", "abc", "HTTP/1.1 400"},
			{"two lengths", "Content-Length: 3\r\nContent-Length: 4\r\n", "abcd", "HTTP/1.1 400"},
			{"a negative length", "Content-Length: -3\r\n", "abc", "HTTP/1.1 400"},
			{"both", fmt.Sprintf("Transfer-Encoding: chunked\r\nContent-Length: %d\r\n", len(file)), "3\r\nabc\r\n0\r\n\r\n", "HTTP/1.1 4"},
			{"longer than any", "Content-Length: 104857601\r\nExpect: 100-continue\r\n", "", "HTTP/1.1 413"},
			{"waits to be asked", fmt.Sprintf("Content-Length: %d\r\nExpect: 100-continue\r\n", len(other)), other, "HTTP/1.1 100"},
			{"longer", fmt.Sprintf("Content-Length: %d\r\n", len(file)), file + "more,and,more\n", "HTTP/1.1 200"},
		} {
			pool := r.pool(t) // An upload that "waits to be asked" may have come, and its job may run for a while.
			job := r.importJob(t, pool)
			address, err := url.Parse(*job.PreSignedUrl)
			if err != nil {
				t.Fatal(err)
			}
			c, err := net.Dial("tcp", address.Host)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.SetDeadline(time.Now().Add(patience.Limit)); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(c, "PUT %s HTTP/1.1\r\nHost: %s\r\n%s\r\n%s", address.RequestURI(), address.Host, test.headers, test.body)
			if test.name == "shorter" {
				if err := c.(*net.TCPConn).CloseWrite(); err != nil {
					t.Fatal(err)
				}
			}
			b := make([]byte, 4096)
			n, _ := c.Read(b)
			if got := string(b[:n]); !strings.HasPrefix(got, test.status) {
				t.Errorf("%s: %q", test.name, got)
			}
			c.Close()
			if err := r.startImport(t, pool, job.JobId); test.name == "longer" {
				if err != nil {
					t.Fatalf("%s: %v", test.name, err)
				}
				if done := r.endImport(t, pool, job.JobId); countsOf(done) != (counts{1, 0, 0}) {
					t.Errorf("%s: %+v", test.name, done)
				}
			} else if test.name != "waits to be asked" {
				wantType[*types.PreconditionNotMetException](t, err)
			}
		}
	})
}
