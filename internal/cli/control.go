package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"cognate/internal/server"
)

// control carries out a request: by the server that has the embedded database open, or in
// this process.
func control(ctx context.Context, c *server.Config, in server.ControlRequest) (server.ControlResponse, error) {
	if c.Database == "" {
		out, err := sendControl(ctx, c.ControlSocket(), in)
		if !errors.Is(err, errNoServer) {
			return out, err
		}
	}
	return server.Control(ctx, c, in)
}

// errNoServer means that no server listens on the socket.
var errNoServer = errors.New("no server has this data folder")

// controlTimeout is long, because a rotation makes two RSA keys for each pool, and an erasure rewrites
// the database.
const controlTimeout = 30 * time.Minute

// sendControl sends a request to the server that holds the database.
func sendControl(ctx context.Context, socket string, in server.ControlRequest) (server.ControlResponse, error) {
	timeout := controlTimeout
	if in.Do == server.AskAudit {
		timeout = 0 // It reads all records. The operator can interrupt it.
	}
	client := &http.Client{
		Timeout: timeout,
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				conn, err := new(net.Dialer).DialContext(ctx, "unix", socket)
				if err != nil {
					return nil, errNoServer
				}
				return conn, nil
			},
		},
	}
	body, err := json.Marshal(in)
	if err != nil {
		return server.ControlResponse{}, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://operator/", bytes.NewReader(body))
	if err != nil {
		return server.ControlResponse{}, err
	}
	res, err := client.Do(r)
	if err != nil {
		return server.ControlResponse{}, err
	}
	defer res.Body.Close()
	var out server.ControlResponse
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		return server.ControlResponse{}, fmt.Errorf("the running server's answer: %w", err)
	}
	if out.Error != "" {
		return server.ControlResponse{}, errors.New(out.Error)
	}
	return out, nil
}
