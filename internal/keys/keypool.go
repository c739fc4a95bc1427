package keys

import (
	"context"
	"errors"
	"sync"
)

// A SigningKeyPool keeps a few signing keys ready, since it takes long to make one. A new
// user pool needs two keys.
type SigningKeyPool struct {
	ready chan *SigningKey
	stop  chan struct{}
	once  sync.Once
	done  chan struct{}
	fail  chan error
}

// ErrClosed means that a pool of keys was closed.
var ErrClosed = errors.New("keys: pool of signing keys is closed")

// NewSigningKeyPool starts to fill a pool of that many keys in the background,
// one at a time.
func NewSigningKeyPool(size int) *SigningKeyPool {
	p := &SigningKeyPool{
		ready: make(chan *SigningKey, size),
		stop:  make(chan struct{}),
		done:  make(chan struct{}),
		fail:  make(chan error),
	}
	go p.fill()
	return p
}

func (p *SigningKeyPool) fill() {
	defer close(p.done)
	for {
		key, err := GenerateSigningKey()
		if err != nil {
			select {
			case p.fail <- err: // to a caller who waits; then try again
				continue
			case <-p.stop:
				return
			}
		}
		select {
		case p.ready <- key:
		case <-p.stop:
			return
		}
	}
}

// Get returns a key that no other caller gets. It waits if no key is ready.
func (p *SigningKeyPool) Get(ctx context.Context) (*SigningKey, error) {
	select {
	case <-p.stop:
		return nil, ErrClosed
	default:
	}
	select {
	case key := <-p.ready:
		return key, nil
	case err := <-p.fail:
		return nil, err
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.stop:
		return nil, ErrClosed
	}
}

// Close stops the background work and waits until it has ended.
func (p *SigningKeyPool) Close() {
	p.once.Do(func() { close(p.stop) })
	<-p.done
}
