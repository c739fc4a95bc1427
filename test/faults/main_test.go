package faults_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain wants every goroutine of every server to be gone in the end.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		removeProgram()
		os.Exit(code)
	}))
}
