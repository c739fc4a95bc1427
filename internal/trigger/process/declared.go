package process

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// A Function is a function that a template declares, beside those in the folder of functions.
type Function struct {
	// Dir is the folder with the code. Handler names the file and the function in it, as in Lambda.
	Dir, Handler string
	// Runtime is Lambda's name of the runtime, such as nodejs24.x.
	Runtime string
	// Env is added to the environment.
	Env map[string]string
}

// Supports reports whether functions with a runtime of Lambda can be run.
func Supports(name string) bool {
	return strings.HasPrefix(name, "nodejs") || strings.HasPrefix(name, "python3") || name == "provided" || strings.HasPrefix(name, "provided.")
}

// Check returns why a function cannot be run, or nil.
func (d Function) Check() error {
	_, err := d.source()
	return err
}

// source finds the file of the handler.
func (d Function) source() (source, error) {
	if strings.HasPrefix(d.Runtime, "provided") {
		s := source{executable, "bootstrap", d.Handler}
		info, err := os.Stat(filepath.Join(d.Dir, s.file))
		switch {
		case err != nil || !info.Mode().IsRegular():
			return source{}, fmt.Errorf("%s has no executable bootstrap", d.Dir)
		case runtime.GOOS != "windows" && info.Mode()&0o111 == 0:
			return source{}, errors.New("bootstrap is not executable")
		}
		return s, nil
	}
	kind, endings := nodeModule, []string{".mjs", ".js", ".cjs"}
	module, function, ok := cutLast(d.Handler)
	if !ok {
		return source{}, fmt.Errorf("the handler %q must name a file and a function, such as index.handler", d.Handler)
	}
	handler := d.Handler
	if strings.HasPrefix(d.Runtime, "python") {
		kind, endings = pythonModule, []string{".py", "/__init__.py"}
		module = strings.ReplaceAll(module, ".", "/")
		handler = strings.ReplaceAll(module, "/", ".") + "." + function
	}
	if !filepath.IsLocal(filepath.FromSlash(module)) {
		return source{}, fmt.Errorf("the file of the handler %q is outside of the code", d.Handler)
	}
	for _, ending := range endings {
		if file := filepath.FromSlash(module + ending); isFile(filepath.Join(d.Dir, file)) {
			return source{kind, file, handler}, nil
		}
	}
	hint := ""
	if kind == nodeModule && isFile(filepath.Join(d.Dir, filepath.FromSlash(module+".ts"))) {
		hint = ": it is written in TypeScript and must be built first"
	}
	return source{}, fmt.Errorf("%s has no file for the handler %q%s", d.Dir, d.Handler, hint)
}

// cutLast splits a handler at its last dot.
func cutLast(handler string) (module, function string, ok bool) {
	i := strings.LastIndexByte(handler, '.')
	if i <= 0 || i == len(handler)-1 {
		return "", "", false
	}
	return handler[:i], handler[i+1:], true
}

// Declared returns the functions of the last call of Declare.
func (f *Folder) Declared() map[string]Function {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.declared)
}

// Dirs returns the folders with the code of the declared functions, and those in which a process runs: a process
// may outlive the declaration of its function. No process starts in another folder than the folder of functions.
func (f *Folder) Dirs() []string {
	f.mu.Lock() // A process that is starting is among the workers after this.
	defer f.mu.Unlock()
	dirs := f.api.dirs()
	for _, d := range f.declared {
		dirs = append(dirs, d.Dir)
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// Declare replaces the declared functions. An event in flight ends in the old version of a function, and the
// next event runs the new version.
func (f *Folder) Declare(functions map[string]Function) {
	functions = maps.Clone(functions)
	for name, d := range functions {
		if dir, err := filepath.Abs(d.Dir); err == nil { // A process runs in its folder, where other paths would lead elsewhere.
			d.Dir = dir
			functions[name] = d
		}
	}
	f.mu.Lock()
	var changed []*function
	for name, fn := range f.functions {
		if fn.declared == nil {
			if _, hides := functions[name]; !hides {
				continue
			}
		} else if d, ok := functions[name]; ok && d.equal(*fn.declared) {
			continue
		}
		changed = append(changed, fn)
		delete(f.functions, name)
	}
	f.declared = functions
	f.mu.Unlock()
	for _, fn := range changed {
		fn.retire()
	}
}

func (d Function) equal(o Function) bool {
	return d.Dir == o.Dir && d.Handler == o.Handler && d.Runtime == o.Runtime && maps.Equal(d.Env, o.Env)
}

// retire lets the processes of a function end after their last answers.
func (fn *function) retire() {
	fn.mu.Lock()
	defer fn.mu.Unlock()
	fn.closed = true
	if fn.current != nil {
		close(fn.current.retired)
		fn.current = nil
	}
}

// read returns the source that runs the function, and the function's own environment.
func (fn *function) read() (source, map[string]string, error) {
	if fn.declared != nil {
		s, err := fn.declared.source()
		return s, fn.declared.Env, err
	}
	s, err := find(fn.dir)
	if err != nil {
		return source{}, nil, err
	}
	env, err := readEnv(fn.dir)
	return s, env, err
}
