package cli_test

import (
	"crypto/sha1"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cognate/test/serving"
)

func TestPasswordsCommands(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var lines []string
	for i := range 100 {
		lines = append(lines, fmt.Sprintf("%X:%d", sha1.Sum(fmt.Append(nil, "breached ", i)), i+1))
	}
	slices.Sort(lines)
	list := filepath.Join(dir, "pwned.txt")
	if err := os.WriteFile(list, []byte(strings.Join(lines, "\r\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	filter := filepath.Join(dir, "pwned.filter")
	stdout, stderr := serving.Run(t, nil, "passwords", "build", list, "--min-count", "41")
	if !strings.HasPrefix(stdout, filter+": 60 passwords that were seen at least 41 times, ") || !strings.Contains(stderr, "100 %  60 passwords\n") {
		t.Errorf("build: %q, %q", stdout, stderr)
	}
	if again, _ := serving.Run(t, nil, "passwords", "verify", filter); again != stdout {
		t.Errorf("verify: %q, want %q", again, stdout)
	}
	if stdout, _ := serving.Run(t, nil, "passwords", "build", list, "--bits", "16", "--output", filter+"2"); !strings.HasPrefix(stdout, filter+"2: 100 passwords") {
		t.Errorf("16 bits: %q", stdout)
	}
	data, err := os.ReadFile(filter)
	if err != nil {
		t.Fatal(err)
	}
	data[170] ^= 1
	if err := os.WriteFile(filter, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := serving.Command(t, nil, "passwords", "verify", filter); code != 1 || !strings.Contains(stderr, "the checksum is wrong") {
		t.Errorf("a damaged file: %d, %q", code, stderr)
	}
	if err := os.WriteFile(list, []byte(lines[1]+"\n"+lines[0]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := serving.Command(t, nil, "passwords", "build", list); code != 1 || !strings.Contains(stderr, list+": line 2: the hashes are not in ascending order") {
		t.Errorf("a list in another order: %d, %q", code, stderr)
	}
}

// TestDoctorOnRiskFiles: a file of threat protection that cannot be used is a warning, because the
// server starts without it.
func TestDoctorOnRiskFiles(t *testing.T) {
	t.Parallel()
	c := serving.Serve(t)
	dir := t.TempDir()
	list := filepath.Join(dir, "tor")
	if err := os.WriteFile(list, []byte("192.0.2.1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := doctorOf(t, nil, "--kek-file", c.KEKFile, "--data", c.Data, "--tor-list", list, "--geo-city", filepath.Join(dir, "none.mmdb"), "--password-api", "http://example.com")
	for _, want := range []string{"Tor list", list + " can be used", "none.mmdb: the file cannot be used: ", "FAIL  configuration  --password-api: must be an https URL"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}
