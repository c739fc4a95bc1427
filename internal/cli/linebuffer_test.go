package cli

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestLineBuffer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		b := newLineBuffer(&out)
		write := func(line string) {
			if n, err := b.Write([]byte(line)); n != len(line) || err != nil {
				t.Fatalf("Write: %d, %v", n, err)
			}
		}
		written := func() string {
			synctest.Wait()
			b.mu.Lock()
			defer b.mu.Unlock()
			return out.String()
		}
		write("one\n")
		time.Sleep(lineBufferDelay / 2)
		write("two\n")
		if got := written(); got != "" {
			t.Errorf("%q is written before its time", got)
		}
		time.Sleep(lineBufferDelay)
		if got := written(); got != "one\ntwo\n" {
			t.Errorf("after the delay %q is written", got)
		}
		long := strings.Repeat("x", lineBufferSize) + "\n"
		write(long)
		if got := written(); got != "one\ntwo\n"+long {
			t.Errorf("a full buffer was not written: %d bytes", len(got))
		}
		write("last\n")
		b.flush()
		if got := written(); !strings.HasSuffix(got, "\nlast\n") {
			t.Error("flush leaves a line behind")
		}
	})
}
