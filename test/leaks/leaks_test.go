package leaks

import (
	"errors"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"cognate/test/patience"
)

func stay(end chan struct{}) { <-end }

// TestWait finds a goroutine that stays, and waits for one that ends late. It is not parallel: other tests have goroutines, too.
func TestWait(t *testing.T) {
	others, end := goleak.IgnoreCurrent(), make(chan struct{})
	find := func() error { return goleak.Find(others) }
	go stay(end)
	if err := wait(time.Millisecond, find); err == nil || !strings.Contains(err.Error(), "leaks.stay") {
		t.Errorf("a goroutine that stays: %v", err)
	}
	looks := 0
	if err := wait(patience.Limit, func() error {
		err := find()
		if looks++; looks == 2 {
			close(end)
		}
		return err
	}); err != nil || looks < 3 {
		t.Errorf("a goroutine that ends after two looks: %v after %d looks", err, looks)
	}
	left := errors.New("left")
	if err := wait(0, func() error { return left }); !errors.Is(err, left) {
		t.Errorf("got %v", err)
	}
}
