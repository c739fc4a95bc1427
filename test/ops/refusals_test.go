package ops_test

import (
	"encoding/json"
	"slices"
	"sync"
)

// refusals reads the logs of all servers of these tests. Whatever they refuse
// must have a reason in the log; TestMain fails for a refusal without a reason.
var refusals refusalLog

type refusalLog struct {
	mu   sync.Mutex
	list []string
}

// Write takes one line: slog's handlers write each at once.
func (l *refusalLog) Write(p []byte) (int, error) {
	var line struct {
		Msg, Operation, Code, Reason string
		Status                       int
	}
	if err := json.Unmarshal(p, &line); err != nil {
		return len(p), nil // Not a line of a server.
	}
	const clientClosedRequest = 499 // the client went away: nothing was refused
	if line.Msg != "request" || line.Code == "" || line.Reason != "" ||
		line.Code == "InternalErrorException" || line.Status == clientClosedRequest {
		return len(p), nil
	}
	what := line.Operation + " " + line.Code
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Contains(l.list, what) {
		l.list = append(l.list, what)
	}
	return len(p), nil
}

// unexplained returns the refusals without a reason, sorted.
func (l *refusalLog) unexplained() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	slices.Sort(l.list)
	return l.list
}
