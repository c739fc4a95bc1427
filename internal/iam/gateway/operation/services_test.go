package operation

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// TestServices checks the cases of testdata/services.txt.
func TestServices(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/services.txt")
	if err != nil {
		t.Fatal(err)
	}
	for c := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n\n") {
		if strings.HasPrefix(c, "#") {
			continue
		}
		lines := strings.Split(c, "\n")
		t.Run(lines[0]+" "+lines[1], func(t *testing.T) {
			t.Parallel()
			service, target, _ := strings.Cut(lines[0], " ")
			o, failed := Service(&ServiceRequest{Service: service, Target: target, Body: []byte(lines[1]), Region: "eu-central-1", Account: "123456789012"})
			var got []string
			if failed != nil {
				got = []string{"! " + failed.Code}
			} else {
				for _, check := range o.Checks {
					got = append(got, check.Action+" "+check.Resource)
				}
			}
			if !slices.Equal(got, lines[2:]) {
				t.Errorf("got %q, want %q", got, lines[2:])
			}
		})
	}
}

// FuzzService wants every accepted request to have a check.
func FuzzService(f *testing.F) {
	f.Add("sqs", "AmazonSQS.SendMessage", []byte(`{"QueueUrl":"http://h/1/a"}`))
	f.Add("sns", "", []byte("Action=ListTopics"))
	f.Fuzz(func(t *testing.T, service, target string, body []byte) {
		o, failed := Service(&ServiceRequest{Service: service, Target: target, Body: body, Region: "r", Account: "1"})
		if failed == nil && len(o.Checks) == 0 {
			t.Error("no check")
		}
	})
}
