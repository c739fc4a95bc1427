package faults_test

import (
	"os"
	"testing"

	"cognate/test/leaks"
)

// TestMain wants every goroutine of every server to be gone in the end.
func TestMain(m *testing.M) {
	code := leaks.Run(m)
	removeProgram()
	os.Exit(code)
}
