// Package stores runs S3 stores that are independent of this project.
package stores

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"cognate/test/proxies"
)

// Region, AccessKey and SecretKey are those of every store.
const (
	Region    = "us-east-1"
	AccessKey = "store"
	SecretKey = "store-secret"
)

// A Store is a running store. It keeps the objects of a bucket as files below Dir.
type Store struct {
	*proxies.Proxy

	Dir string
}

// BuildVersity builds the Versity S3 Gateway, from its own module file below the folder
// tools of the repository, and returns the program's path. The program stays in the folder
// .cache for the next tests.
func BuildVersity(ctx context.Context, root string) (string, error) {
	module := filepath.Join(root, "tools", "versitygw")
	sums, err := os.ReadFile(filepath.Join(module, "go.sum"))
	if err != nil {
		return "", err
	}
	version := sha256.Sum256(sums)
	// The compiler runs in the module's folder, so that a relative path would lead elsewhere.
	cache, err := filepath.Abs(filepath.Join(root, ".cache"))
	if err != nil {
		return "", err
	}
	program := filepath.Join(cache, "versitygw-"+hex.EncodeToString(version[:6]))
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	if err := os.MkdirAll(cache, 0o750); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(cache, "build-")
	if err != nil {
		return "", err
	}
	built := filepath.Join(dir, "versitygw")
	build := exec.CommandContext(ctx, "go", "build", "-C", module, "-ldflags=-s -w", "-o", built, "github.com/versity/versitygw/cmd/versitygw")
	if out, err := build.CombinedOutput(); err != nil {
		return "", errors.Join(fmt.Errorf("build the Versity S3 Gateway: %w\n%s", err, out), os.RemoveAll(dir))
	}
	return program, errors.Join(os.Rename(built, program), os.RemoveAll(dir))
}

// Example runs examples/store.sh with a store that is built already. Root is the folder of the
// repository, dir an empty one.
func Example(ctx context.Context, root, path, dir string) (*Store, error) {
	port, err := proxies.FreePort(ctx)
	if err != nil {
		return nil, err
	}
	s := &Store{
		Proxy: &proxies.Proxy{URL: "http://127.0.0.1:" + port, Env: []string{"STORE_PORT=" + port, "STORE_FOLDER=" + dir, "STORE_PROGRAM=" + path}},
		Dir:   filepath.Join(dir, "objects"),
	}
	return s, s.Run(ctx, port, filepath.Join(root, "examples", "store.sh"))
}

// Versity starts the Versity S3 Gateway over a folder of its own. Path is the program.
func Versity(ctx context.Context, path, dir string) (*Store, error) {
	port, err := proxies.FreePort(ctx)
	if err != nil {
		return nil, err
	}
	s := &Store{
		Proxy: &proxies.Proxy{URL: "http://127.0.0.1:" + port, Env: []string{"ROOT_ACCESS_KEY=" + AccessKey, "ROOT_SECRET_KEY=" + SecretKey}},
		Dir:   filepath.Join(dir, "objects"),
	}
	// Attributes of objects are in files, because not every file system has attributes.
	side := filepath.Join(dir, "attributes")
	if err := errors.Join(os.Mkdir(s.Dir, 0o750), os.Mkdir(side, 0o750)); err != nil {
		return nil, err
	}
	return s, s.Run(ctx, port, path, "--port", "127.0.0.1:"+port, "--region", Region, "--quiet", "--keep-alive", "posix", "--sidecar", side, s.Dir)
}

// MinIO starts MinIO on a port of this machine, over a folder of its own. Path is the program, which takes the
// variables of env besides.
func MinIO(ctx context.Context, path, dir, port string, env ...string) (*Store, error) {
	s := &Store{
		Proxy: &proxies.Proxy{URL: "http://127.0.0.1:" + port, Env: append([]string{
			"MINIO_ROOT_USER=" + AccessKey, "MINIO_ROOT_PASSWORD=" + SecretKey, "MINIO_BROWSER=off", "MINIO_UPDATE=off", "HOME=" + dir,
		}, env...)},
		Dir: filepath.Join(dir, "objects"),
	}
	return s, s.Run(ctx, port, path, "server", "--address", "127.0.0.1:"+port, s.Dir)
}
