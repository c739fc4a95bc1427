// Package container_test follows the Containerfile without a container engine: its steps make a folder, which becomes
// the root of a server.
package container_test

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"cognate/test/patience"
)

// image is what a Containerfile says, as far as ours says it.
type image struct {
	copies     [][2]string // from the stage before, to here
	env        []string
	user       string
	entrypoint []string
	health     []string
}

// follow runs the steps of the first stage below work, and reads the second. The paths /src and /out of the stage are
// folders of this machine.
func follow(t *testing.T, source, work string) image {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(source, "Containerfile"))
	if err != nil {
		t.Fatal(err)
	}
	var in image
	stage := 0
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		word, rest, _ := strings.Cut(line, " ")
		list := func(text string) (words []string) {
			if err := json.Unmarshal([]byte(text), &words); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			return words
		}
		switch {
		case line == "" || strings.HasPrefix(line, "#") || word == "WORKDIR" || word == "VOLUME" || word == "EXPOSE" || word == "CMD":
		case word == "FROM":
			stage++
		case stage == 1 && word == "COPY": // The source is here already.
		case stage == 1 && word == "RUN":
			cmd := exec.CommandContext(t.Context(), "sh", "-ec", strings.ReplaceAll(rest, "/out", work+"/out"))
			cmd.Dir = source
			if os.Getuid() != 0 {
				cmd.Args[2] = strings.ReplaceAll(cmd.Args[2], "chown 65532:65532", "ls -d")
			}
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", line, err, out)
			}
		case stage == 2 && word == "COPY":
			words := strings.Fields(rest)
			if len(words) != 3 || words[0] != "--from=build" {
				t.Fatalf("the test does not know %s", line)
			}
			in.copies = append(in.copies, [2]string(words[1:]))
		case stage == 2 && word == "ENV":
			in.env = append(in.env, rest)
		case stage == 2 && word == "USER":
			in.user = rest
		case stage == 2 && word == "ENTRYPOINT":
			in.entrypoint = list(rest)
		case stage == 2 && word == "HEALTHCHECK":
			_, cmd, _ := strings.Cut(rest, "CMD ")
			in.health = list(cmd)
		default:
			t.Fatalf("the test does not know %s", line)
		}
	}
	return in
}

// TestContainer runs the server in what the image holds, as the image's user, and asks it by the image's health check.
func TestContainer(t *testing.T) {
	t.Parallel()
	source, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	in := follow(t, source, work)
	root := filepath.Join(work, "root")
	for _, c := range in.copies {
		from := c[0]
		if strings.HasPrefix(from, "/out/") {
			from = work + from
		}
		to := filepath.Join(root, c[1])
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.CommandContext(t.Context(), "cp", "-a", "-L", from, to).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	if in.user != "65532:65532" {
		t.Fatalf("the image's user is %s", in.user)
	}

	main, private := freeAddress(t), freeAddress(t)
	env := slices.Concat(in.env, []string{
		"COGNATE_KEK=" + "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", "COGNATE_ISSUER_BASE=http://" + main,
		"COGNATE_LISTEN=" + main, "COGNATE_PRIVATE_LISTEN=" + private, "COGNATE_PLAIN_HTTP=true",
	})
	run := func(words ...string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), words[0], words[1:]...)
		cmd.Env, cmd.Dir = env, "/"
		if os.Getuid() == 0 {
			cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
		} else { // Only root may change the root.
			cmd.Path, cmd.Env = filepath.Join(root, words[0]), append(env, "COGNATE_DATA="+filepath.Join(root, "data"))
		}
		return cmd
	}
	for _, words := range [][]string{{"migrate"}, {"admin", "keys", "create", "--name", "ops", "--policy", "admin"}} {
		if out, err := run(append(in.entrypoint, words...)...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", words, err, out)
		}
	}
	var log strings.Builder
	server := run(append(in.entrypoint, "serve")...)
	server.Stdout, server.Stderr = &log, &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(patience.Limit); run(in.health...).Run() != nil; {
		if time.Now().After(end) || server.ProcessState != nil {
			t.Fatalf("the health check never succeeded:\n%s", log.String())
		}
	}
	res, err := http.Post("http://"+main+"/", "application/x-amz-json-1.1", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusBadRequest {
		t.Errorf("an empty request is answered %s", res.Status)
	}
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := server.Wait(); err != nil {
		t.Errorf("the server ended with %v:\n%s", err, log.String())
	}
	if out, err := run(in.health...).CombinedOutput(); err == nil {
		t.Errorf("the health check of a stopped server succeeds: %s", out)
	}
}

// freeAddress returns an address that nothing listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
