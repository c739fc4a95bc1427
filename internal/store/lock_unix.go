//go:build unix

package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// lockFile takes the right to write a SQLite file for as long as the answered file is open. The system gives it back
// when the process ends, however that happens.
//
// A lock that is held is waited for a moment: a server that ends has yet to be reaped, and a process that is being
// started from one shares its open files until it has become another program.
func lockFile(ctx context.Context, path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	deadline := time.NewTimer(lockWait)
	defer deadline.Stop()
	if err := flock(ctx, f, deadline.C); err != nil {
		holder := make([]byte, 32)
		n, _ := f.ReadAt(holder, 0)
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w: %s is held by process %s; stop it, or use another data folder, or PostgreSQL for several servers",
				ErrBusy, path, strings.TrimSpace(string(holder[:n])))
		}
		return nil, fmt.Errorf("%w: lock %s: %w", ErrUnavailable, path, err)
	}
	// For the message above only; the lock does not depend on it.
	if f.Truncate(0) == nil {
		_, _ = fmt.Fprintf(f, "%d\n", os.Getpid())
	}
	return f, nil
}

const (
	lockWait  = time.Second
	lockPause = 20 * time.Millisecond
)

// flock tries until enough fires.
func flock(ctx context.Context, f *os.File, enough <-chan time.Time) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return err
		}
		select {
		case <-time.After(lockPause):
		case <-enough:
			return err
		case <-ctx.Done():
			return err
		}
	}
}
