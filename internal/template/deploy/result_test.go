package deploy

import (
	"maps"
	"testing"
)

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
