package process

import (
	"bufio"
	"crypto/sha256"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// kind says how a function is run.
type kind uint8

const (
	executable kind = iota
	nodeModule
	pythonModule
	goModule
)

// source is what find found in a function's folder.
type source struct {
	kind    kind
	file    string // within the folder
	handler string // _HANDLER
}

//go:embed bootstrap.mjs
var nodeBootstrap string

//go:embed bootstrap.py
var pythonBootstrap string

// sources are the files that make a folder a function, in the order of the search.
var sources = []source{
	{executable, "bootstrap", "bootstrap"},
	{nodeModule, "index.mjs", "index.handler"},
	{nodeModule, "index.js", "index.handler"},
	{nodeModule, "index.cjs", "index.handler"},
	{pythonModule, "lambda_function.py", "lambda_function.lambda_handler"},
	{pythonModule, "app.py", "app.lambda_handler"},
	{goModule, "main.go", "bootstrap"},
}

var errNoSource = errors.New("has none of bootstrap, index.mjs, index.js, index.cjs, lambda_function.py, app.py and main.go")

// find looks for what runs a function.
func find(dir string) (source, error) {
	for _, s := range sources {
		info, err := os.Stat(filepath.Join(dir, s.file))
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		if s.kind == executable && runtime.GOOS != "windows" && info.Mode()&0o111 == 0 {
			return source{}, errors.New("bootstrap is not executable")
		}
		return s, nil
	}
	return source{}, fmt.Errorf("%s %w", dir, errNoSource)
}

// command returns the program that runs the function. binary is the built program of
// a Go module.
func (s source) command(dir, binary string) []string {
	switch s.kind {
	case nodeModule:
		return []string{"node", "--input-type=module", "--eval", nodeBootstrap}
	case pythonModule:
		python := "python3"
		if own := filepath.Join(dir, ".venv", "bin", "python"); isFile(own) {
			python = own
		}
		return []string{python, "-c", pythonBootstrap}
	case goModule:
		return []string{binary}
	}
	return []string{filepath.Join(dir, s.file)}
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

// maxFiles is the most files of a folder that are checked for changes.
const maxFiles = 2000

// fingerprint identifies a state of a folder's files by their names, sizes and times.
// Installed packages and hidden folders are left out.
func fingerprint(dir string) ([sha256.Size]byte, error) {
	h, n := sha256.New(), 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); path != dir && (name == "node_modules" || name == "__pycache__" || strings.HasPrefix(name, ".")) {
				return fs.SkipDir
			}
			return nil
		}
		if n++; n > maxFiles {
			return fs.SkipAll
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) { // An editor's temporary file.
			return nil
		}
		if err != nil {
			return err
		}
		var b []byte
		b = append(append(b, path...), 0)
		b = binary.BigEndian.AppendUint64(b, uint64(info.Size()))
		b = binary.BigEndian.AppendUint64(b, uint64(info.ModTime().UnixNano()))
		h.Write(b)
		return nil
	})
	return [sha256.Size]byte(h.Sum(nil)), err
}

// build builds a Go function, and returns the path of the program. name is the name of its file. The compiler's
// output goes to the log.
func (fn *function) build(name string) (string, error) {
	fn.folder.building.Lock()
	defer fn.folder.building.Unlock()
	dir, err := fn.folder.binaries()
	if err != nil {
		return "", err
	}
	out := filepath.Join(dir, name)
	fn.folder.options.Log.Info("building a function", "function", fn.name)
	cmd := exec.CommandContext(fn.folder.ctx, "go", "build", "-o", out, ".") //nolint:gosec // the path is ours
	cmd.Dir = fn.dir
	cmd.Env = fn.folder.environment(nil, nil)
	w := fn.folder.output.prefixed(fn.name)
	cmd.Stdout, cmd.Stderr = w, w
	cmd.WaitDelay = waitDelay
	contain(cmd)
	cmd.Cancel = func() error { return killGroup(cmd.Process) }
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("go build: %w", err)
	}
	return out, nil
}

// environment returns the environment of a function: the server's without its own
// settings, then the function's own variables, then the fixed ones.
func (f *Folder) environment(own, fixed map[string]string) []string {
	all := map[string]string{"AWS_ACCESS_KEY_ID": "dev", "AWS_SECRET_ACCESS_KEY": "dev"}
	maps.Copy(all, f.options.Env)
	for _, kv := range f.options.Environ {
		k, v, ok := strings.Cut(kv, "=")
		if !ok || k == "" || strings.HasPrefix(k, "COGNATE_") {
			continue
		}
		all[k] = v
	}
	for _, m := range []map[string]string{own, fixed} {
		maps.Copy(all, m)
	}
	out := make([]string, 0, len(all))
	for k, v := range all {
		out = append(out, k+"="+v)
	}
	return out
}

// readEnv reads a function's own .env: lines of NAME=value, with # for remarks.
func readEnv(dir string) (map[string]string, error) {
	file, err := os.Open(filepath.Join(dir, ".env"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	out := map[string]string{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		k, v, ok := strings.Cut(strings.TrimPrefix(line, "export "), "=")
		if !ok {
			return nil, fmt.Errorf(".env: %q is not NAME=value", line)
		}
		v = strings.TrimSpace(v)
		if len(v) >= 2 && (v[0] == '"' || v[0] == '\'') && v[len(v)-1] == v[0] {
			v = v[1 : len(v)-1]
		}
		out[strings.TrimSpace(k)] = v
	}
	return out, lines.Err()
}
