package pgcluster

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// ErrNotInstalled says that the machine has no PostgreSQL server to start.
var ErrNotInstalled = errors.New("the PostgreSQL server programs (initdb, pg_ctl) are not installed: `make deps` installs them")

// binDir finds the folder of initdb, pg_ctl and postgres. Debian keeps each
// version in a folder of its own that is not in PATH.
func binDir() (string, error) {
	if dir := os.Getenv("COGNATE_TEST_PGBIN"); dir != "" {
		return dir, nil
	}
	preferred := []string{"/usr/lib/postgresql/15/bin"}
	others, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	for _, dir := range append(preferred, others...) {
		if _, err := os.Stat(filepath.Join(dir, "initdb")); err == nil {
			return dir, nil
		}
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	return "", ErrNotInstalled
}

// account is the user that the server's processes run as. A nil credential
// means: whoever runs this program.
type account struct {
	name       string
	uid, gid   int
	credential *syscall.Credential
}

// serverAccount picks an ordinary account, since initdb and postgres refuse to
// run as root: the caller's own, or for root the one that the package made.
func serverAccount() (account, error) {
	if os.Getuid() != 0 {
		return account{uid: os.Getuid(), gid: os.Getgid()}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return account{}, fmt.Errorf("account %s: %w", name, err)
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return account{}, fmt.Errorf("account %s: %w", name, err)
		}
		return account{
			name: name, uid: int(uid), gid: int(gid),
			credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)},
		}, nil
	}
	return account{}, errors.New("PostgreSQL refuses to run as root, and there is neither a postgres nor a nobody account")
}
