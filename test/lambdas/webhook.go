package lambdas

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// WebhookServer runs the example that serves a folder of handlers as webhooks,
// and returns its address.
func WebhookServer(t testing.TB, server, dir, secret string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", server, dir)
	cmd.Env = append(os.Environ(), "PORT=0", "WEBHOOK_SECRET="+secret)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	r := bufio.NewReader(out)
	line, err := r.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, r) }()
	return strings.TrimSpace(strings.TrimPrefix(line, "listening on "))
}
