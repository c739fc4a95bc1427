package cli_test

import (
	"os"
	"testing"

	"cognate/test/leaks"
)

func TestMain(m *testing.M) {
	os.Exit(leaks.Run(m, leaks.IdleConnections()...))
}
