package cli

import (
	"io"
	"sync"
	"time"
)

const (
	lineBufferSize  = 32 << 10
	lineBufferDelay = 20 * time.Millisecond
)

// lineBuffer gathers log lines for a moment, so that a busy server does not make a system
// call for each. A line waits for lineBufferDelay at most. kill -9 loses at most the lines
// of that time.
type lineBuffer struct {
	mu    sync.Mutex
	to    io.Writer
	lines []byte
	timer *time.Timer
}

func newLineBuffer(to io.Writer) *lineBuffer {
	b := &lineBuffer{to: to, lines: make([]byte, 0, 2*lineBufferSize)}
	b.timer = time.AfterFunc(time.Hour, b.flush)
	b.timer.Stop()
	return b
}

// Write takes whole lines, as log/slog's handlers write them.
func (b *lineBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.lines) == 0 {
		b.timer.Reset(lineBufferDelay)
	}
	b.lines = append(b.lines, p...)
	if len(b.lines) >= lineBufferSize {
		return len(p), b.write()
	}
	return len(p), nil
}

func (b *lineBuffer) flush() {
	b.mu.Lock()
	defer b.mu.Unlock()
	_ = b.write() // There is nowhere to report an error.
}

// write is called with the lock held, so that lines keep their order.
func (b *lineBuffer) write() error {
	if len(b.lines) == 0 {
		return nil
	}
	_, err := b.to.Write(b.lines)
	b.lines = b.lines[:0]
	return err
}
