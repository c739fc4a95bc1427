package passwords

import (
	"bufio"
	"context"
	"crypto/sha1" //nolint:gosec // the API has these hashes
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/maypok86/otter/v2"

	"cognate/internal/outbound"
)

// Limits of the range API.
const (
	rangeTimeout = time.Second
	maxAnswer    = 1 << 20
	maxCalls     = 32
	cachedRanges = 2048
	rangeAge     = 6 * time.Hour
	// After so many failures in a row the API is left alone for a while: otherwise each
	// sign-up would wait for an API that is down.
	maxFailures  = 3
	failurePause = 30 * time.Second
)

// Outcomes of a call, for metrics.
const (
	OutcomeOK     = "ok"
	OutcomeFailed = "failed"
	// OutcomeSkipped means that no call was made: too many are under way, or the last ones
	// have failed.
	OutcomeSkipped = "skipped"
)

var errSkipped = errors.New("passwords: the range API is not asked now")

// rangeClient asks the range API of Pwned Passwords. It sends the first five digits of a hash and
// gets all hashes that begin with them.
type rangeClient struct {
	base     string
	minCount uint64
	http     *http.Client
	now      func() time.Time
	observe  func(outcome string)
	places   chan struct{}
	cache    *otter.Cache[string, cachedRange]

	mu       sync.Mutex
	failures int
	resume   time.Time
}

// cachedRange has the rests of a prefix's hashes, sorted, in capitals and without separators.
type cachedRange struct {
	rests   []string
	expires time.Time
}

func newRangeClient(base string, minCount uint64, timeout time.Duration, now func() time.Time, observe func(string)) *rangeClient {
	return &rangeClient{
		base: strings.TrimRight(base, "/"), minCount: max(minCount, 1), now: now, observe: observe,
		places: make(chan struct{}, maxCalls),
		cache:  otter.Must(&otter.Options[string, cachedRange]{MaximumSize: cachedRanges}),
		http: &http.Client{
			Timeout: timeout,
			Transport: &http.Transport{
				Proxy:                  http.ProxyFromEnvironment,
				DialContext:            (&net.Dialer{Timeout: timeout}).DialContext,
				ForceAttemptHTTP2:      true,
				MaxIdleConnsPerHost:    maxCalls,
				IdleConnTimeout:        time.Minute,
				MaxResponseHeaderBytes: 64 << 10,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

func (c *rangeClient) close() { c.http.CloseIdleConnections() }

// contains reports whether the API knows the hash.
func (c *rangeClient) contains(ctx context.Context, sum [sha1.Size]byte) (bool, error) {
	digits := fmt.Sprintf("%X", sum)
	prefix, rest := digits[:prefixDigits], digits[prefixDigits:]
	hashes, err := c.get(ctx, prefix)
	if err != nil {
		return false, err
	}
	_, found := slices.BinarySearch(hashes, rest)
	return found, nil
}

func (c *rangeClient) get(ctx context.Context, prefix string) ([]string, error) {
	now := c.now()
	if cached, ok := c.cache.GetIfPresent(prefix); ok && now.Before(cached.expires) {
		return cached.rests, nil
	}
	if !c.begin(now) {
		c.observe(OutcomeSkipped)
		return nil, errSkipped
	}
	defer func() { <-c.places }()
	rests, err := c.fetch(ctx, prefix)
	// A caller that went away says nothing about the API.
	if err == nil || ctx.Err() == nil {
		c.end(err == nil)
	}
	if err != nil {
		c.observe(OutcomeFailed)
		return nil, outbound.Clean(err, c.base)
	}
	c.observe(OutcomeOK)
	c.cache.Set(prefix, cachedRange{rests, now.Add(rangeAge)})
	return rests, nil
}

// begin takes a place for a call. It reports whether there is one.
func (c *rangeClient) begin(now time.Time) bool {
	c.mu.Lock()
	paused := now.Before(c.resume)
	c.mu.Unlock()
	if paused {
		return false
	}
	select {
	case c.places <- struct{}{}:
		return true
	default:
		return false
	}
}

func (c *rangeClient) end(ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ok {
		c.failures = 0
		return
	}
	if c.failures++; c.failures >= maxFailures {
		c.resume = c.now().Add(failurePause)
	}
}

func (c *rangeClient) fetch(ctx context.Context, prefix string) ([]string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/range/"+prefix, nil)
	if err != nil {
		return nil, err
	}
	// Without padding, the length of an answer reveals its prefix to those who see the traffic.
	request.Header.Set("Add-Padding", "true")
	request.Header.Set("User-Agent", "Cognate")
	answer, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("passwords: the range API answers with status %d", answer.StatusCode)
	}
	return parseRange(io.LimitReader(answer.Body, maxAnswer+1), c.minCount)
}

// parseRange reads lines of REST:COUNT. Lines with a count of 0 are padding.
func parseRange(r io.Reader, minCount uint64) ([]string, error) {
	var rests []string
	read := 0
	scanner := bufio.NewScanner(r)
	scanner.Buffer(make([]byte, 0, maxListLine), maxListLine)
	for scanner.Scan() {
		line := scanner.Text()
		if read += len(line) + 1; read > maxAnswer {
			return nil, errors.New("passwords: the range API's answer is too long")
		}
		rest, digits, ok := strings.Cut(line, ":")
		count, isNumber := parseCount([]byte(digits))
		if !ok || !isNumber || len(rest) != sha1Digits-prefixDigits {
			return nil, errors.New("passwords: the range API's answer has another form")
		}
		if count >= minCount {
			rests = append(rests, strings.ToUpper(rest))
		}
	}
	if err := scanner.Err(); err != nil {
		return nil, err
	}
	slices.Sort(rests)
	return rests, nil
}
