package server

import (
	"crypto/tls"
	"fmt"
	"net"
	"path/filepath"
	"regexp"

	"cognate/internal/server/development"
)

// HTTPSSettings are the settings of the TLS listener of cognate dev.
type HTTPSSettings struct {
	HTTPS       bool     `name:"https" group:"Development" help:"Let dev serve TLS too, on a listener of its own. Its certificate is good for localhost, *.auth.localhost and --https-name. An authority in the data folder signs it; clients must trust its file, whose name is printed."`
	HTTPSListen string   `name:"https-listen" group:"Development" placeholder:"ADDR" help:"Address of the listener of --https. Default 127.0.0.1:9443."`
	HTTPSName   []string `name:"https-name" group:"Development" placeholder:"NAME" help:"Further host name for which the certificate of --https is good, such as host.docker.internal."`
}

const defaultHTTPSListen = "127.0.0.1:9443"

func (h *HTTPSSettings) checkHTTPS(mode Mode, add addProblem) {
	switch {
	case mode != Dev && (h.HTTPS || h.HTTPSListen != "" || len(h.HTTPSName) > 0):
		add("https", "is only for cognate dev; cognate serve has --tls-cert and --tls-key")
	case !h.HTTPS && (h.HTTPSListen != "" || len(h.HTTPSName) > 0):
		add("https", "set it, too: --https-listen and --https-name are for it")
	}
	for _, name := range h.HTTPSName {
		if !hostName.MatchString(name) || net.ParseIP(name) != nil {
			add("https-name", "%q is not a host name", name)
		}
	}
}

// hostName is a name in lower case without a dot at its end (RFC 952).
var hostName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// openHTTPS makes the certificate of the TLS listener.
func (s *Server) openHTTPS() error {
	cert, file, err := development.Certificate(s.config.Data, s.config.HTTPSName, s.config.machineNow()())
	if err != nil {
		return fmt.Errorf("https: %w", err)
	}
	s.devTLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{*cert}, NextProtos: []string{"h2", "http/1.1"}}
	s.authorityFile, err = filepath.Abs(file)
	return err
}
