package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"cognate/internal/trigger"
)

// Options says what to run.
type Options struct {
	// Dir has a folder for each function. It may be empty: there are only declared functions then.
	Dir string
	// Env is added to the environment of functions where it has no such variable.
	Env map[string]string
	// Environ is the environment to begin with; variables of Cognate itself,
	// which may hold secrets, are left out.
	Environ []string
	// Output gets the functions' logs, each line with the function's name.
	Output io.Writer
	// Processes is the most that one function has; 0 is 4.
	Processes int
	// InitTimeout is how long a process has until it asks for its first event; 0 is Lambda's
	// 10 seconds.
	InitTimeout time.Duration
	Log         *slog.Logger
}

const (
	defaultProcesses   = 4
	defaultInitTimeout = 10 * time.Second
	// buildTimeout is the limit for the build of a Go function. A caller does not
	// wait longer for it than for an answer.
	buildTimeout = 2 * time.Minute
	// maxRun is how long a function runs at most (Lambda quotas: 15 minutes).
	maxRun = 15 * time.Minute
)

// Folder is the functions of one folder. It is a [trigger.LocalFunctions].
type Folder struct {
	options Options
	api     *runtimeAPI
	output  *lineWriter
	// ctx ends with Close. Builds run under it, not under the context of their first
	// caller.
	ctx  context.Context
	stop context.CancelFunc
	wg   sync.WaitGroup
	// building keeps builds to one at a time: each uses all processors.
	building sync.Mutex

	mu        sync.Mutex
	functions map[string]*function
	declared  map[string]Function
	closed    bool
	binDir    string // of built functions; empty until a function is built
}

var functionName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,140}$`)

// Open reads the folder and starts to build its Go functions. Functions may be added
// later.
func Open(o Options) (_ *Folder, err error) {
	var entries []os.DirEntry
	if o.Dir != "" {
		if o.Dir, err = filepath.Abs(o.Dir); err != nil {
			return nil, err
		}
		if entries, err = os.ReadDir(o.Dir); err != nil {
			return nil, err
		}
	}
	if o.Processes == 0 {
		o.Processes = defaultProcesses
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Output == nil {
		o.Output = io.Discard
	}
	f := &Folder{options: o, output: &lineWriter{out: o.Output}, functions: map[string]*function{}}
	if f.api, err = newRuntimeAPI(); err != nil {
		return nil, err
	}
	f.ctx, f.stop = context.WithCancel(context.Background())
	for _, e := range entries {
		name := e.Name()
		if !f.Has(name) {
			continue
		}
		if source, err := find(f.path(name)); err != nil {
			o.Log.Warn("a function cannot be run", slog.String("function", name), slog.Any("error", err))
		} else if source.kind == goModule {
			f.wg.Go(func() { f.warm(name) })
		}
	}
	return f, nil
}

// warm builds a Go function before it is first called.
func (f *Folder) warm(name string) {
	ctx, cancel := context.WithTimeout(f.ctx, buildTimeout)
	defer cancel()
	if fn, err := f.function(name); err == nil {
		_, _ = fn.generation(ctx) // The function's caller gets the error.
	}
}

func (f *Folder) path(name string) string { return filepath.Join(f.options.Dir, name) }

// Has reports whether there is a folder of that name, or a declared function.
func (f *Folder) Has(name string) bool {
	if !functionName.MatchString(name) {
		return false
	}
	f.mu.Lock()
	_, declared := f.declared[name]
	f.mu.Unlock()
	if declared || f.options.Dir == "" {
		return declared
	}
	info, err := os.Stat(f.path(name))
	return err == nil && info.IsDir()
}

// Names lists the functions of the folder.
func (f *Folder) Names() []string {
	if f.options.Dir == "" {
		return nil
	}
	entries, _ := os.ReadDir(f.options.Dir)
	var names []string
	for _, e := range entries {
		if f.Has(e.Name()) {
			if _, err := find(f.path(e.Name())); err == nil {
				names = append(names, e.Name())
			}
		}
	}
	return names
}

var errClosed = errors.New("the functions are stopped")

func (f *Folder) function(name string) (*function, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, errClosed
	}
	fn := f.functions[name]
	if fn == nil {
		fn = &function{folder: f, name: name, dir: f.path(name)}
		if d, ok := f.declared[name]; ok {
			fn.dir, fn.declared = d.Dir, &d
		}
		f.functions[name] = fn
	}
	return fn, nil
}

// Invoke implements trigger.Transport.
func (f *Folder) Invoke(ctx context.Context, in trigger.Invocation) (trigger.Result, error) {
	name := in.Folder
	if name == "" {
		arn, err := trigger.ParseARN(in.ARN)
		if err != nil {
			return trigger.Result{}, &trigger.InvokeError{Name: trigger.NameNotFound, Err: err}
		}
		name = arn.Name
	}
	if !f.Has(name) {
		return trigger.Result{}, &trigger.InvokeError{Name: trigger.NameNotFound, Err: fmt.Errorf("no folder %s", f.path(name))}
	}
	if _, ok := ctx.Deadline(); !ok { // Runtimes want one.
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, maxRun)
		defer cancel()
	}
	for {
		fn, err := f.function(name)
		if err != nil {
			return trigger.Result{}, &trigger.InvokeError{Name: trigger.NameService, Err: err}
		}
		result, err := fn.invoke(ctx, in)
		if !errors.Is(err, errClosed) { // else it was declared again in this moment
			return result, err
		}
	}
}

// Close kills all processes and waits for their end.
func (f *Folder) Close() error {
	f.mu.Lock()
	f.closed = true
	functions := f.functions
	f.mu.Unlock()
	f.stop()
	for _, fn := range functions {
		fn.close()
	}
	err := f.api.close()
	f.wg.Wait()
	f.building.Lock() // A build of an earlier state of a function may not have ended.
	defer f.building.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.binDir != "" {
		err = errors.Join(err, os.RemoveAll(f.binDir))
	}
	return err
}

// binaries returns the folder for built functions, which it makes at the first call. Most servers build none.
func (f *Folder) binaries() (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return "", errClosed
	}
	if f.binDir == "" {
		dir, err := os.MkdirTemp("", "cognate-functions-")
		if err != nil {
			return "", err
		}
		f.binDir = dir
	}
	return f.binDir, nil
}
