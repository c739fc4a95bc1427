package sigv4

import (
	"crypto/sha256"
	"net/http"
	"strings"
	"testing"
	"time"
)

const (
	testKey    = "AKIDEXAMPLE"
	testSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	testStamp  = "20150830T123600Z"
)

// TestVectors checks signatures that botocore computed.
func TestVectors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		path      string
		query     string
		method    string
		service   string
		signed    string
		header    http.Header
		body      string
		signature string
	}{
		{name: "plain", signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{name: "query sorted by value", query: "Param1=value2&Param1=Value1", signature: "eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1"},
		{name: "query sorted by name", query: "b=&a=2&a=1&c", signature: "410da475f03ffbc5ab1061b9fcbcbdf49eb2e68810a0ef95bdaee6b4e058af8a"},
		{name: "path encoded twice", path: "/documents%20and%20settings/a", signature: "fefaeeafe32187e719862b1f871a2ab448d4a1d9c50a5c5edfa3444c7eec259f"},
		{name: "path in UTF-8", path: "/%E1%88%B4", signature: "697b34846207a3f72246f99d74ae1ee4fe54f44bb06730c58a0d339eb079596d"},
		{name: "path normalised", path: "/example/..//x", signature: "55d1588ca3afc1b214110bfc9ec9c8b224fc9fcd08bef384fafca9f1e619b523"},
		{
			name: "blanks folded", signed: "host;my-header1;my-header2;x-amz-date",
			header:    http.Header{"My-Header1": {"  a   b   c  "}, "My-Header2": {`"a   b"`}},
			signature: "51e627a1ff87ea51972b25f41fe944b80f28c67d0992c19410f1bf259eed36cf",
		},
		{
			name: "session token", signed: "host;x-amz-date;x-amz-security-token",
			header:    http.Header{"X-Amz-Security-Token": {"TOK"}},
			signature: "1476663319ead566e67b5b736b750ee21b350819e5d07bdc20e5e5e96576a357",
		},
		{
			name: "form body", method: "POST", service: "sts", signed: "content-type;host;x-amz-date",
			header:    http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}},
			body:      "Action=GetCallerIdentity&Version=2011-06-15",
			signature: "650e2b8d7f08a2f752a985c427e0a3d3f4fd65137366a31875242ab0875057b5",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := Request{
				Method: orElse(tt.method, "GET"), Path: orElse(tt.path, "/"), Query: tt.query, Host: "example.amazonaws.com",
				Header: tt.header.Clone(), BodyHash: sha256.Sum256([]byte(tt.body)),
			}
			if r.Header == nil {
				r.Header = http.Header{}
			}
			service := orElse(tt.service, "service")
			r.Header.Set("X-Amz-Date", testStamp)
			authorize := func(signature string) {
				r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+testKey+"/20150830/us-east-1/"+service+
					"/aws4_request, SignedHeaders="+orElse(tt.signed, "host;x-amz-date")+", Signature="+signature)
			}
			authorize(tt.signature)
			s, err := Parse(r.Header)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Verify(r, testSecret); err != nil {
				t.Errorf("Verify: %v", err)
			}
			if err := s.Verify(r, testSecret+"x"); err == nil {
				t.Error("another secret was accepted")
			}
			authorize("00" + tt.signature[2:])
			if s, err = Parse(r.Header); err != nil {
				t.Fatal(err)
			}
			if err := s.Verify(r, testSecret); err == nil {
				t.Error("another signature was accepted")
			}
		})
	}
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	const good = "AWS4-HMAC-SHA256 Credential=AKID/20150830/us-east-1/s/aws4_request, SignedHeaders=host;x-amz-date, Signature="
	mac := strings.Repeat("0a", 32)
	tests := []struct {
		name   string
		auth   []string
		date   string
		kind   Kind
		prefix string
	}{
		{"none", nil, testStamp, Missing, "Missing Authentication Token"},
		{"empty", []string{" "}, testStamp, Missing, "Missing Authentication Token"},
		{"twice", []string{good + mac, good + mac}, testStamp, Incomplete, "Authorization header must be sent once."},
		{
			"bearer", []string{"Bearer abc"}, "", Incomplete,
			"Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. " +
				"Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. " +
				"(Hashed with SHA-256 and encoded with Base64) Authorization=",
		},
		{"version 4A", []string{"AWS4-ECDSA-P256-SHA256 Credential=a"}, testStamp, Incomplete, "Authorization header requires 'Credential' parameter. "},
		{"no signature", []string{strings.TrimSuffix(good, ", Signature=")}, testStamp, Incomplete, "Authorization header requires 'Signature' parameter. (Hashed"},
		{"signature twice", []string{good + mac + ", Signature=" + mac}, testStamp, Incomplete, "Authorization header requires 'Signature' parameter. (Hashed"},
		{"no date", []string{good + mac}, "", Incomplete, "Authorization header requires existence of either"},
		{"date malformed", []string{good + mac}, "2015-08-30", Incomplete, "Date must be in ISO-8601 'basic format'. Got '2015-08-30'."},
		{"scope of another day", []string{good + mac}, "20150831T000000Z", Invalid, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20150830' != '20150831', from '20150831T000000Z'."},
		{"four parts", []string{strings.Replace(good, "/s/", "/", 1) + mac}, testStamp, Incomplete, "Credential must have exactly 5 slash-delimited elements"},
		{"six parts", []string{strings.Replace(good, "/s/", "/s/t/", 1) + mac}, testStamp, Incomplete, "Credential must have exactly 5 slash-delimited elements"},
		{"terminator", []string{strings.Replace(good, "aws4_request", "aws4", 1) + mac}, testStamp, Invalid, "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws4'."},
		{"region", []string{strings.Replace(good, "us-east-1", "US EAST", 1) + mac}, testStamp, Invalid, "Credential should be scoped to a valid region."},
		{"unsorted headers", []string{strings.Replace(good, "host;x-amz-date", "x-amz-date;host", 1) + mac}, testStamp, Invalid, mismatch},
		{"upper-case headers", []string{strings.Replace(good, "host", "Host", 1) + mac}, testStamp, Invalid, mismatch},
		{"repeated headers", []string{strings.Replace(good, "host", "host;host", 1) + mac}, testStamp, Invalid, mismatch},
		{"short signature", []string{good + mac[2:]}, testStamp, Invalid, mismatch},
		{"signature no hex", []string{good + "zz" + mac[2:]}, testStamp, Invalid, mismatch},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := http.Header{"Authorization": tt.auth}
			if tt.date != "" {
				h.Set("X-Amz-Date", tt.date)
			}
			_, err := Parse(h)
			failed, ok := err.(*Error)
			if !ok {
				t.Fatalf("Parse = %v", err)
			}
			if failed.Kind != tt.kind || !strings.HasPrefix(failed.Message, tt.prefix) {
				t.Errorf("Parse = kind %d, %q", failed.Kind, failed.Message)
			}
		})
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	at := time.Date(2025, 1, 7, 9, 5, 3, 0, time.UTC)
	s := &Signature{Time: at}
	tests := []struct {
		name string
		now  time.Time
		want string
	}{
		{"same", at, ""},
		{"late enough", at.Add(Skew), ""},
		{"early enough", at.Add(-Skew), ""},
		{"too late", at.Add(Skew + time.Second), "Signature expired: 20250107T090503Z is now earlier than 20250107T090504Z (20250107T091004Z - 5 min.)"},
		{"too early", at.Add(-Skew - time.Second), "Signature not yet current: 20250107T090503Z is still later than 20250107T090502Z (20250107T090002Z + 5 min.)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := s.CheckClock(tt.now)
			if got := strings.TrimPrefix(errorText(err), "sigv4: "); got != tt.want {
				t.Errorf("CheckClock = %q, want %q", got, tt.want)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func FuzzParse(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=AKID/20150830/us-east-1/s/aws4_request, SignedHeaders=host;x-amz-date, Signature="+strings.Repeat("0a", 32), testStamp)
	f.Add("Bearer x", "")
	f.Add("AWS4-HMAC-SHA256 Credential=,=,Signature=;", "Sun, 30 Aug 2015 12:36:00 GMT")
	f.Fuzz(func(t *testing.T, auth, date string) {
		h := http.Header{"Authorization": {auth}, "X-Amz-Date": {date}}
		s, err := Parse(h)
		if err != nil {
			if failed := err.(*Error); failed.Message == "" {
				t.Error("no message")
			}
			return
		}
		if s.Verify(Request{Method: "POST", Path: "/", Host: "h", Header: h}, "secret") == nil {
			t.Error("verified")
		}
	})
}

func FuzzCanonical(f *testing.F) {
	f.Add("/a/../b//c%20d/", "a=1&b&a=%2f+x&&=")
	f.Fuzz(func(t *testing.T, path, query string) {
		p := appendPath(nil, path)
		if len(p) == 0 || p[0] != '/' {
			t.Errorf("path %q became %q", path, p)
		}
		once := string(appendPathOnce(nil, path))
		if again := string(appendPathOnce(nil, once)); again != once {
			t.Errorf("path %q became %q, then %q", path, once, again)
		}
		q := string(appendQuery(nil, query, false))
		if strings.ContainsAny(q, " +\n") {
			t.Errorf("query %q became %q", query, q)
		}
		if again := string(appendQuery(nil, q, false)); again != q {
			t.Errorf("query %q became %q, then %q", query, q, again)
		}
	})
}
