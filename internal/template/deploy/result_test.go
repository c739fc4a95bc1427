package deploy

import (
	"bytes"
	"maps"
	"testing"

	"cognate/internal/template"
)

// TestPrint: texts of a template reach a terminal only as texts, each on its line.
func TestPrint(t *testing.T) {
	t.Parallel()
	r := &Result{
		StackName: "shop",
		Resources: []Resource{{Path: "Pool", Type: userPoolType, Ref: "us-east-1_a", Members: properties{"PoolName": "a\x1b[2Jb"}}},
		Outputs:   []template.Output{{Name: "Title", Value: "c\x1b]0;d\x07\n  user pool       e"}},
		Notes:     []string{"f\x9b\u202e"},
		Others:    map[string]int{"AWS::S3::Bucket\r": 1},
	}
	var out bytes.Buffer
	r.Print(&out)
	want := `  stack           shop: nothing has changed
  user pool       us-east-1_a (a\x1b[2Jb)
  output          Title = c\x1b]0;d\a\n  user pool       e
  note            f` + "\ufffd" + `\u202e
  left out        1 of AWS::S3::Bucket\r

`
	if got := out.String(); got != want {
		t.Errorf("printed:\n%q\nwant:\n%q", got, want)
	}
}

// TestLeftOut counts what was left out by service if there are many types.
func TestLeftOut(t *testing.T) {
	t.Parallel()
	const functions = "functions that no user pool calls and that cannot be run here"
	byType := map[string]int{functions: 2}
	for _, kind := range []string{"A", "B", "C", "D", "E", "F", "G", "H"} {
		byType["AWS::S3::"+kind] = 1
	}
	want := map[string]int{functions: 2, "AWS::S3::*": 8}
	if got := leftOut(byType); !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	few := map[string]int{"AWS::S3::Bucket": 3, functions: 1}
	if got := leftOut(few); !maps.Equal(got, few) {
		t.Errorf("%v, want %v", got, few)
	}
}
