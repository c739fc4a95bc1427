package sink

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A file takes records as lines. A full file is renamed to NAME-TIME.EXT, and the oldest of
// these are removed.
type file struct {
	path string
	most int64
	keep int
	now  func() time.Time
	open *os.File
	size int64
}

// openFile reads file:PATH?max-mib=100&keep=10.
func openFile(_ context.Context, u *url.URL, o Options) (Sink, error) {
	path := u.Path
	if path == "" {
		path = u.Opaque
	}
	if u.Host != "" || path == "" {
		return nil, errors.New("the address must be file:PATH")
	}
	mib, err := number(u, "max-mib", 100, 1, 1<<20)
	if err != nil {
		return nil, err
	}
	keep, err := number(u, "keep", 10, 0, 100_000)
	if err != nil {
		return nil, err
	}
	return &file{path: path, most: int64(mib) << 20, keep: keep, now: o.Now}, nil
}

// Batch implements Sink.
func (f *file) Batch() Batch { return Batch{Records: 5000, Bytes: 4 << 20} }

// Send implements Sink. The lines are on the disk when it returns. After a failure, a part of
// them may be there already.
func (f *file) Send(_ context.Context, records []Record) error {
	data := lines(records)
	if err := f.prepare(int64(len(data))); err != nil {
		return err
	}
	n, err := f.open.Write(data)
	f.size += int64(n)
	if err == nil {
		err = f.open.Sync()
	}
	if err != nil {
		// The next attempt begins on a line of its own.
		_ = f.open.Truncate(f.size - int64(n))
		_ = f.Close()
	}
	return err
}

// prepare opens the file, or begins a new one if the old one has no room. The file is opened
// again if somebody has moved it.
func (f *file) prepare(more int64) error {
	if f.open != nil && !f.inPlace() {
		_ = f.Close()
	}
	if f.open == nil {
		if err := f.begin(); err != nil {
			return err
		}
	}
	if f.size == 0 || f.size+more <= f.most {
		return nil
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := f.setAside(); err != nil {
		return err
	}
	return f.begin()
}

func (f *file) inPlace() bool {
	ours, err := f.open.Stat()
	if err != nil {
		return false
	}
	now, err := os.Stat(f.path)
	return err == nil && os.SameFile(ours, now)
}

func (f *file) begin() error {
	open, err := os.OpenFile(f.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	info, err := open.Stat()
	if err != nil {
		_ = open.Close()
		return err
	}
	f.open, f.size = open, info.Size()
	return nil
}

// setAside renames the full file and removes the oldest ones.
func (f *file) setAside() error {
	ext := filepath.Ext(f.path)
	base := strings.TrimSuffix(f.path, ext)
	stamp := f.now().UTC().Format("20060102T150405.000000000")
	name := base + "-" + stamp + ext
	// A link never takes the place of a file.
	if err := os.Link(f.path, name); err != nil {
		return fmt.Errorf("set the full file aside: %w", err)
	}
	if err := os.Remove(f.path); err != nil {
		return err
	}
	old, err := filepath.Glob(quoteGlob(base) + "-????????T??????.?????????" + quoteGlob(ext))
	if err != nil {
		return err
	}
	slices.Sort(old)
	for _, name := range old[:max(0, len(old)-f.keep)] {
		if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// quoteGlob returns a pattern that matches the text alone.
func quoteGlob(text string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(text)
}

// Close implements Sink.
func (f *file) Close() error {
	if f.open == nil {
		return nil
	}
	err := f.open.Close()
	f.open = nil
	return err
}

// stdout takes records as lines.
type stdout struct{}

func openStdout(_ context.Context, u *url.URL, _ Options) (Sink, error) {
	if u.Host != "" || u.Path != "" && u.Path != "/" || u.Opaque != "" {
		return nil, errors.New("the address must be stdout: without a path")
	}
	return stdout{}, nil
}

// Batch implements Sink.
func (stdout) Batch() Batch { return Batch{Records: 1000, Bytes: 1 << 20} }

// Send implements Sink.
func (stdout) Send(_ context.Context, records []Record) error {
	_, err := os.Stdout.Write(lines(records))
	return err
}

// Close implements Sink.
func (stdout) Close() error { return nil }
