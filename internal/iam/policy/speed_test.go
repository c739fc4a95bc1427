package policy

import (
	"fmt"
	"strings"
	"testing"
)

// fifty returns a policy of 50 statements with variables in resources and conditions.
// Only the last statement allows the request.
func fifty(t testing.TB) (Layers, *Request) {
	t.Helper()
	var statements []string
	for i := range 49 {
		statements = append(statements, fmt.Sprintf(`{"Sid":"s%d","Effect":"Allow","Action":["s3:GetObject","s3:PutObject*"],
			"Resource":["arn:aws:s3:::bucket-%d/${aws:PrincipalTag/team}/*","arn:aws:s3:::amzn-s3-demo-bucket/${cognito-identity.amazonaws.com:sub}/%d/*"],
			"Condition":{"StringLike":{"s3:prefix":["${aws:username}/*","public/*"]},"IpAddress":{"aws:SourceIp":["10.0.0.0/8","203.0.113.0/24"]},
			"NumericLessThan":{"s3:max-keys":"100"},"DateGreaterThan":{"aws:CurrentTime":"2026-01-01T00:00:00Z"},"ForAllValues:StringEquals":{"aws:TagKeys":["a","b"]}}}`, i, i, i))
	}
	statements = append(statements, `{"Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::amzn-*/${cognito-identity.amazonaws.com:sub}/*.txt",
		"Condition":{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"},"Bool":{"aws:SecureTransport":"true"},"StringNotEqualsIgnoreCase":{"aws:UserAgent":["X","y-${aws:userid}"]}}}`)
	d := mustParse(t, Identity, `{"Version":"2012-10-17","Statement":[`+strings.Join(statements, ",")+`]}`)
	c := contextOf("aws:username", "alice", "aws:userid", "AROA:alice", "cognito-identity.amazonaws.com:sub", "eu-west-1:98765432-1234-1234-1243-123456790ab",
		"aws:PrincipalTag/team", "blue", "aws:PrincipalArn", "arn:aws:iam::111122223333:role/app/uploader", "aws:SecureTransport", "true",
		"aws:SourceIp", "203.0.113.9", "aws:CurrentTime", "2026-11-30T12:00:00Z", "aws:UserAgent", "Z", "aws:EpochTime", "1796040000", "aws:RequestedRegion", "eu-west-1",
		"s3:prefix", "public/x", "s3:max-keys", "10", "aws:TagKeys", "a", "aws:TagKeys", "b")
	return Layers{Identity: []*Document{d}}, &Request{Action: "s3:GetObject", Context: c,
		Resource: "arn:aws:s3:::amzn-s3-demo-bucket/eu-west-1:98765432-1234-1234-1243-123456790ab/7/photo.txt"}
}

// BenchmarkEvaluate decides by 50 statements; the bound is 10 µs and no allocation.
func BenchmarkEvaluate(b *testing.B) {
	l, r := fifty(b)
	b.ReportAllocs()
	for b.Loop() {
		if Evaluate(l, r).Decision != Allow {
			b.Fatal("denied")
		}
	}
}

func BenchmarkParse(b *testing.B) {
	l, _ := fifty(b)
	text := []byte(l.Identity[0].Text())
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := Parse(Identity, text, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

// TestFiftyStatementsAllocateNothing is not parallel, since others' allocations would
// count.
func TestFiftyStatementsAllocateNothing(t *testing.T) {
	l, r := fifty(t)
	l.Boundary, l.Session = l.Identity, l.Identity
	l.Resource = []*Document{mustParse(t, Resource, statementOf(`"Effect":"Deny","NotPrincipal":{"AWS":"444455556666"},"Action":"s3:*","NotResource":"arn:aws:s3:::*/${aws:username}"`))}
	r.Principal = Principal{Account: "111122223333", ARN: "arn:aws:iam::111122223333:role/app/uploader", Session: "arn:aws:sts::111122223333:assumed-role/uploader/s"}
	if n := testing.AllocsPerRun(20, func() { Evaluate(l, r) }); n != 0 {
		t.Errorf("Evaluate allocates %v times", n)
	}
}
