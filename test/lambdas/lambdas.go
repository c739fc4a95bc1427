// Package lambdas is functions for tests: an HTTP server that speaks the Lambda
// Invoke API and runs Go functions. It is for tests alone.
package lambdas

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"cognate/internal/api"
	"cognate/internal/trigger"
	"cognate/test/patience"
)

// Says returns an exception as a client sees it, "" for none.
func Says(err error) string {
	if e, ok := errors.AsType[*api.Error](err); ok {
		return e.Code + ": " + e.Message
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// Event is what a function receives.
type Event struct {
	Version       string         `json:"version"`
	TriggerSource string         `json:"triggerSource"`
	Region        string         `json:"region"`
	UserPoolID    string         `json:"userPoolId"`
	UserName      string         `json:"userName"`
	CallerContext map[string]any `json:"callerContext"`
	Request       map[string]any `json:"request"`
	Response      map[string]any `json:"response,omitempty"`
}

// Function is one function's code. It changes the event, which is the answer.
// A text that is not "" is what it throws.
type Function func(e *Event) (throws string)

// Server runs functions.
type Server struct {
	URL string

	mu        sync.Mutex
	functions map[string]Function
	raw       map[string]string
	events    []Event
}

// New starts a server that ends with the test.
func New(t testing.TB) *Server {
	t.Helper()
	s := &Server{functions: map[string]Function{}, raw: map[string]string{}}
	h := httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(h.Close)
	s.URL = h.URL
	return s
}

// ARN is the name of a function of the server.
func ARN(name string) *string { return new("arn:aws:lambda:us-east-1:123456789012:function:" + name) }

// On sets a function's code and returns its ARN.
func (s *Server) On(name string, f Function) *string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.functions[name] = f
	delete(s.raw, name)
	return ARN(name)
}

// Answer sets the exact text that a function answers, whatever it is asked.
func (s *Server) Answer(name, text string) *string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.raw[name] = text
	return ARN(name)
}

// Events are those received since the last call.
func (s *Server) Events() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.events
	s.events = nil
	return out
}

// Sources are the triggerSources of the events since the last call, with a
// space between.
func (s *Server) Sources() string {
	var list []string
	for _, e := range s.Events() {
		list = append(list, e.TriggerSource)
	}
	return strings.Join(list, " ")
}

// Service calls the functions of the server.
func (s *Server) Service(keys *trigger.SenderKeys) *trigger.Service {
	l := trigger.NewLambda(trigger.LambdaOptions{
		Endpoint: s.URL,
		Load: func(context.Context, string) (aws.Config, error) {
			return aws.Config{Credentials: aws.AnonymousCredentials{}}, nil
		},
	})
	return trigger.New(trigger.Deps{Transport: l, Keys: keys, Timeout: patience.Limit, Now: time.Now})
}

// serve is POST /2015-03-31/functions/{name}/invocations.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	path, err := url.PathUnescape(r.URL.EscapedPath())
	name, ok := strings.CutSuffix(path, "/invocations")
	name = name[strings.LastIndexAny(name, ":/")+1:]
	body, readErr := io.ReadAll(r.Body)
	var e Event
	s.mu.Lock()
	f, code := s.functions[name], s.raw[name]
	known := err == nil && readErr == nil && ok && (f != nil || code != "") && json.Unmarshal(body, &e) == nil
	if known {
		var kept Event // The function changes e.
		_ = json.Unmarshal(body, &kept)
		s.events = append(s.events, kept)
	}
	s.mu.Unlock()
	switch {
	case !known:
		w.Header().Set("X-Amzn-Errortype", "ResourceNotFoundException")
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"Type":"User","Message":"Function not found"}`)
		return
	case r.Header.Get("X-Amz-Invocation-Type") == "Event":
		w.WriteHeader(http.StatusAccepted)
		if f != nil {
			f(&e)
		}
		return
	case code != "":
		_, _ = io.WriteString(w, code)
		return
	}
	if throws := f(&e); throws != "" {
		w.Header().Set("X-Amz-Function-Error", "Unhandled")
		_ = json.NewEncoder(w).Encode(map[string]string{"errorMessage": throws, "errorType": "Error"})
		return
	}
	_ = json.NewEncoder(w).Encode(e)
}

// Remove takes a function away.
func (s *Server) Remove(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.functions, name)
	delete(s.raw, name)
}
