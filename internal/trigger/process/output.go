package process

import (
	"bytes"
	"io"
	"sync"
)

// lineWriter takes the logs of all functions, line by line.
type lineWriter struct {
	mu  sync.Mutex
	out io.Writer
}

// maxLine is the length at which a line without an end is written.
const maxLine = 64 << 10

func (l *lineWriter) prefixed(name string) *prefixWriter {
	return &prefixWriter{lines: l, prefix: "[" + name + "] "}
}

// prefixWriter writes whole lines, each with the function's name.
type prefixWriter struct {
	lines  *lineWriter
	prefix string

	mu   sync.Mutex
	rest []byte
}

// Write implements io.Writer. It never fails: a function must not die because its log
// has no reader.
func (p *prefixWriter) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(b)
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			break
		}
		p.line(b[:i])
		b = b[i+1:]
	}
	if p.rest = append(p.rest, b...); len(p.rest) > maxLine {
		p.line(nil)
	}
	return n, nil
}

// line writes the rest of the earlier output, and b.
func (p *prefixWriter) line(b []byte) {
	text := make([]byte, 0, len(p.prefix)+len(p.rest)+len(b)+1)
	text = append(append(append(text, p.prefix...), p.rest...), bytes.TrimSuffix(b, []byte("\r"))...)
	p.rest = p.rest[:0]
	p.lines.mu.Lock()
	defer p.lines.mu.Unlock()
	_, _ = p.lines.out.Write(append(text, '\n'))
}

func (p *prefixWriter) flush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.rest) > 0 {
		p.line(nil)
	}
}
