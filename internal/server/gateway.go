package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"runtime"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"cognate/internal/iam"
	"cognate/internal/iam/gateway"
	"cognate/internal/iam/gateway/operation"
	"cognate/internal/iam/sigv4"
	"cognate/internal/server/edge"
)

// GatewaySettings are the settings of the gateway to an S3 store and other services.
type GatewaySettings struct {
	GatewayListen      string        `group:"Gateway" placeholder:"ADDR" help:"Address of the gateway to an S3 store, such as :9232. It has the certificate and the trusted proxies of the main listener. Not opened by default. See docs/gateway.md."`
	GatewayStore       string        `group:"Gateway" placeholder:"URL" help:"The S3 store behind the gateway: http://host:port or https://host."`
	GatewayAccessKey   string        `group:"Gateway" placeholder:"ID" help:"Access key of the gateway at the store. Its owner may do there what the policies of all callers allow together."`
	GatewaySecretKey   Secret        `group:"Gateway" placeholder:"SECRET" help:"Secret of that access key."`
	GatewayRegion      string        `group:"Gateway" placeholder:"REGION" help:"Region that requests to the store are signed for. Default us-east-1. Clients of the gateway may sign for any Region."`
	GatewayHost        []string      `group:"Gateway" placeholder:"HOST" help:"Host names of the gateway, such as s3.example.com. Requests to BUCKET.s3.example.com name their bucket in the host. Requests to other hosts are refused. By default every host is accepted, and buckets are in the path."`
	GatewayOrigin      []string      `group:"Gateway" placeholder:"ORIGIN" help:"Web pages of this origin (https://app.example.com) may use the gateway; * stands for all. By default the store's own CORS rules decide."`
	GatewayLiteralKeys bool          `group:"Gateway" help:"The store takes every key literally, as Ceph and AWS do. Then keys with empty, . and .. parts are let through. Without this flag they are refused, since a store that keeps objects as files takes people/ann/../bob for people/bob."`
	GatewayNoTrailers  bool          `group:"Gateway" help:"The store does not know trailing checksums, as some older stores. The gateway still verifies those of clients."`
	GatewayServices    string        `group:"Gateway" placeholder:"FILE" help:"YAML file with other servers behind the gateway (sqs, sns, kms, secretsmanager, ssm, and execute-api for an HTTP API of your own), their addresses and keys. See docs/gateway.md."`
	GatewayTimeout     time.Duration `group:"Gateway" placeholder:"TIME" help:"The longest that a client of the gateway may neither send nor take a byte in the middle of a request. Default 1m. There is no limit on the time of a whole transfer."`
}

// A gatewayService is one service of the file that --gateway-services names.
type gatewayService struct {
	URL       string `yaml:"url"`
	Region    string `yaml:"region"`
	AccessKey string `yaml:"access-key"`
	SecretKey Secret `yaml:"secret-key"`
	// API and Stage are of execute-api.
	API   string `yaml:"api"`
	Stage string `yaml:"stage"`
}

// gatewayBackends are the servers of that file.
type gatewayBackends struct {
	services map[string]gateway.Backend
	api      *gateway.APIConfig // nil without execute-api
}

func (c *Config) checkGateway(add addProblem) {
	g := &c.GatewaySettings
	if g.GatewayListen == "" {
		if g.GatewayStore != "" || g.GatewayServices != "" {
			add("gateway-listen", "name the address of the gateway, such as :9232")
		}
		return
	}
	switch {
	case c.Mode == Dev && !c.Expose && !IsLoopback(g.GatewayListen):
		add("gateway-listen", "cognate dev lets everyone make access keys, so its gateway listens on loopback addresses only, such as 127.0.0.1:9232; use cognate serve for others, or --expose inside a container")
	case c.Mode == Serve && c.TLSCert == "" && len(c.TrustedProxy) == 0 && !IsLoopback(g.GatewayListen):
		add("gateway-listen", "with --plain-http the gateway must listen on a loopback address")
	}
	if g.GatewayStore == "" && g.GatewayServices == "" {
		add("gateway-store", "name what is behind the gateway: --gateway-store URL or --gateway-services FILE")
	}
	if g.GatewayStore != "" {
		if _, err := backendURL(g.GatewayStore); err != nil {
			add("gateway-store", "%v", err)
		}
		if g.GatewayAccessKey == "" || g.GatewaySecretKey == "" {
			add("gateway-access-key", "set the key of the gateway at the store: --gateway-access-key and --gateway-secret-key")
		}
	}
	for _, host := range g.GatewayHost {
		if host != strings.ToLower(host) || strings.ContainsAny(host, ":/* ") || strings.Trim(host, ".") != host || net.ParseIP(host) != nil {
			add("gateway-host", "%q is not a host name in lower case, without a port", host)
		}
	}
	for _, origin := range g.GatewayOrigin {
		if origin == "*" {
			continue
		}
		if err := edge.CheckOrigin(origin); err != nil {
			add("gateway-origin", "%v", err)
		}
	}
	if _, err := c.gatewayServices(); err != nil {
		add("gateway-services", "%v", err)
	}
	if g.GatewayTimeout < 0 {
		add("gateway-timeout", "must not be negative")
	}
}

// backendURL reads the address of a server behind the gateway.
func backendURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("must be an http or https URL with a host alone")
	}
	return u, nil
}

// store returns the S3 store behind the gateway.
func (g *GatewaySettings) store() (gateway.Backend, error) {
	u, err := backendURL(g.GatewayStore)
	return gateway.Backend{
		URL: u, Region: g.GatewayRegion, AccessKeyID: g.GatewayAccessKey, Secret: g.GatewaySecretKey,
		PathKeys: !g.GatewayLiteralKeys, NoTrailers: g.GatewayNoTrailers,
	}, err
}

// gatewayServices reads the file of --gateway-services.
func (c *Config) gatewayServices() (gatewayBackends, error) {
	out := gatewayBackends{services: map[string]gateway.Backend{}}
	path := c.GatewayServices
	if path == "" {
		return out, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return out, err
	}
	if info, err := os.Stat(path); err == nil && runtime.GOOS != "windows" && info.Mode()&0o007 != 0 {
		return out, fmt.Errorf("%s holds secrets, and every user of this machine may read it: chmod o= %[1]s", path)
	}
	var services map[string]gatewayService
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&services); err != nil {
		return out, fmt.Errorf("%s: %w", path, err)
	}
	if err := dec.Decode(new(any)); !errors.Is(err, io.EOF) {
		return out, fmt.Errorf("%s: must hold one document", path)
	}
	for name, s := range services {
		if err := out.add(name, s); err != nil {
			return out, fmt.Errorf("%s: %s: %w", path, name, err)
		}
	}
	return out, nil
}

var apiNames = regexp.MustCompile(`^[\w$-]{0,128}$`)

// add checks and adds an entry of the file.
func (g *gatewayBackends) add(name string, s gatewayService) error {
	u, err := backendURL(s.URL)
	if err != nil {
		return fmt.Errorf("url: %w", err)
	}
	if name == gateway.ServiceAPI {
		switch {
		case s.AccessKey != "" || s.Region != "":
			return errors.New("has no access-key and no region: requests are not signed again")
		case len(s.SecretKey) < leastAPISecret:
			return fmt.Errorf("secret-key is required, with at least %d characters: the API knows the gateway by it", leastAPISecret)
		case !apiNames.MatchString(s.API) || !apiNames.MatchString(s.Stage):
			return errors.New("api and stage have letters, digits, $, - and _")
		}
		g.api = &gateway.APIConfig{URL: u, Secret: s.SecretKey, Name: s.API, Stage: s.Stage}
		return nil
	}
	switch {
	case !operation.KnownService(name):
		return fmt.Errorf("is not known; known are %s and %s", gateway.ServiceAPI, strings.Join(operation.KnownServices(), ", "))
	case s.AccessKey == "" || s.SecretKey == "":
		return errors.New("access-key and secret-key are required")
	case s.API != "" || s.Stage != "":
		return errors.New("has no api and no stage")
	}
	g.services[name] = gateway.Backend{URL: u, Region: s.Region, AccessKeyID: s.AccessKey, Secret: s.SecretKey}
	return nil
}

// leastAPISecret is how long the secret of an API must be: strangers may guess it.
const leastAPISecret = 16

// A gatewayAuthority knows the callers of the gateway: the owners of access keys.
type gatewayAuthority struct{ iam *iam.Service }

// Caller implements gateway.Authority.
func (a gatewayAuthority) Caller(ctx context.Context, accessKeyID, sessionToken string) (*gateway.Caller, error) {
	p, err := a.iam.Lookup(ctx, accessKeyID, sessionToken)
	switch {
	case errors.Is(err, iam.ErrExpiredToken):
		return nil, gateway.ErrExpiredToken
	case errors.Is(err, iam.ErrUnknownKey) && sessionToken != "":
		return nil, gateway.ErrInvalidToken
	case errors.Is(err, iam.ErrUnknownKey):
		return nil, gateway.ErrUnknownKey
	case err != nil:
		return nil, err
	}
	c := a.iam.Caller(p)
	out := &gateway.Caller{Secret: p.Secret, Principal: c.Principal, Layers: c.Layers, ObjectTags: gateway.NamesObjectTags(c.Layers)}
	for name, values := range c.Conditions {
		out.Keys = append(out.Keys, operation.Key{Name: name, Values: values})
	}
	return out, nil
}

// gatewayRoutes returns the handler of the gateway's listener. It calls the servers behind the
// gateway by the transport.
func (s *Server) gatewayRoutes(transport *http.Transport) (http.Handler, error) {
	c := &s.config
	authority := gatewayAuthority{s.services.iam}
	backends, err := c.gatewayServices()
	if err != nil {
		return nil, err
	}
	routes := gatewayTargets{backends: backends}
	if c.GatewayStore != "" {
		backend, err := c.store()
		if err != nil {
			return nil, err
		}
		backend.Transport = transport
		routes.store, err = gateway.New(gateway.Config{
			Backend: backend, Authority: authority, Hosts: c.GatewayHost, Origins: c.GatewayOrigin, Now: c.machineNow(),
			Secure: clientSecure, SourceIP: clientAddress, RequestID: requestID, Observe: observeGateway,
		})
		if err != nil {
			return nil, err
		}
	}
	if api := backends.api; api != nil {
		api.Transport, api.Origins, api.Authority, api.Now = transport, c.GatewayOrigin, authority, c.machineNow()
		api.Secure, api.SourceIP, api.RequestID, api.Observe = clientSecure, clientAddress, requestID, observeGateway
		if routes.api, err = gateway.NewAPI(*api); err != nil {
			return nil, err
		}
	}
	for name, b := range backends.services {
		b.Transport = transport
		backends.services[name] = b
	}
	routes.services, err = gateway.NewServices(gateway.ServicesConfig{
		Backends: backends.services, Authority: authority, Now: c.machineNow(),
		Secure: clientSecure, SourceIP: clientAddress, RequestID: requestID, Observe: observeGateway,
	})
	if err != nil {
		return nil, err
	}
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.ring.Usable() {
			// The secrets of keys that the server would accept may be known to a thief.
			refuseGateway(w, r)
			return
		}
		routes.handler(r).ServeHTTP(w, r)
	})
	trusted, err := c.trustedProxies()
	if err != nil {
		return nil, err
	}
	return edge.Wrap(edge.Paced(h, c.GatewayTimeout, time.Now), edge.Config{
		Proxies: trusted, RequireTLS: c.Mode == Serve && s.cert == nil, AllowLoopback: c.PlainHTTP, Development: c.Mode == Dev,
		Now: c.machineNow(), Log: s.log, Metrics: s.services.metrics,
	}), nil
}

// gatewayTargets are the handlers for what is behind the gateway. store and api may be nil.
type gatewayTargets struct {
	backends gatewayBackends
	store    *gateway.Gateway
	services *gateway.Services
	api      *gateway.API
}

// handler returns the handler of a request, by the service that its signature is for.
func (g *gatewayTargets) handler(r *http.Request) http.Handler {
	service := ""
	if sig, err := sigv4.Parse(r.Header); err == nil {
		service = sig.Service
	}
	_, known := g.backends.services[service]
	switch {
	case g.api != nil && service == gateway.ServiceAPI:
		return g.api
	case known, len(g.backends.services) > 0 && r.Method == http.MethodPost && r.Header.Get("X-Amz-Target") != "":
		return g.services
	case g.store != nil:
		return g.store
	case g.api != nil:
		return g.api
	}
	return g.services
}

// newGatewayServer returns the server of the gateway's listener. Transfers may take as long
// as they make progress: edge.Paced limits the time without it. S3 speaks HTTP/1.1.
func (s *Server) newGatewayServer(handler http.Handler, quiet *log.Logger) *http.Server {
	h := &http.Server{
		Handler: handler, ReadHeaderTimeout: readHeaderTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes, ErrorLog: quiet,
	}
	h.RegisterOnShutdown(s.gatewayTransport.CloseIdleConnections)
	if s.cert != nil {
		h.TLSConfig = s.cert.Config()
		h.TLSConfig.NextProtos = []string{"http/1.1"}
	}
	return h
}

// defaultGatewayTimeout is how long a client of the gateway may make no progress.
const defaultGatewayTimeout = time.Minute

// CheckGateway asks the store behind the gateway for its buckets, with the gateway's own key.
// It returns nil without a store.
func (c *Config) CheckGateway(ctx context.Context) error {
	if c.GatewayStore == "" {
		return nil
	}
	store, err := c.store()
	if err != nil {
		return err
	}
	return store.Probe(ctx, c.machineNow()())
}

// GatewayBackends returns the addresses of the services behind the gateway.
func (c *Config) GatewayBackends() (map[string]*url.URL, error) {
	backends, err := c.gatewayServices()
	out := map[string]*url.URL{}
	for name, b := range backends.services {
		out[name] = b.URL
	}
	if backends.api != nil {
		out[gateway.ServiceAPI] = backends.api.URL
	}
	return out, err
}
