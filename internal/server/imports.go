package server

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"cognate/internal/server/edge"
)

// publicURL returns the URL by which clients reach this server, for the addresses that
// it hands out.
func publicURL(c *Config) string {
	switch {
	case c.PublicURL != "":
		return strings.TrimRight(c.PublicURL, "/")
	case c.IssuerBase != "" && c.IssuerBase != edge.AWSIssuer:
		return c.IssuerBase
	}
	return c.url
}

const (
	// importTime is the longest that an upload may take in total, and importPause the
	// longest pause within it.
	importTime  = time.Hour
	importPause = 30 * time.Second
)

// keepOpen extends the deadlines of an upload's connection for its next piece.
func keepOpen(w http.ResponseWriter) error {
	control := http.NewResponseController(w)
	until := time.Now().Add(importPause)
	err := errors.Join(control.SetReadDeadline(until), control.SetWriteDeadline(until.Add(importPause)))
	if errors.Is(err, http.ErrNotSupported) {
		return nil
	}
	return err
}

// readImport returns some lines of an import's log.
func (o *operator) readImport(ctx context.Context, in ControlRequest) (ControlResponse, error) {
	lines, next, done, err := o.services.imports.Log(ctx, in.ID, in.Name, in.After)
	if done {
		next = 0
	}
	return ControlResponse{Lines: lines, Next: next}, err
}
