package trigger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"time"
)

// A Router chooses the transport of each function, in this order:
//  1. a route for its ARN, for its ARN without alias, or for its name,
//  2. the folder of functions, if it has a function of that name,
//  3. the Lambda API.
type Router struct {
	routes map[string]Transport
	local  LocalFunctions
	lambda *Lambda
	client *http.Client
	closed []io.Closer
}

// LocalFunctions are functions in a folder, which run on this machine.
type LocalFunctions interface {
	Transport
	// Has reports whether there is a function of that name.
	Has(name string) bool
}

// RouterOptions are the settings of a router.
type RouterOptions struct {
	Routes map[string]Route
	// Local may be nil.
	Local LocalFunctions
	// Lambda is for functions without a route.
	Lambda LambdaOptions
	// Allowed are the addresses that webhooks may have in addition to public ones.
	Allowed []netip.Prefix
	// Now is the machine's own clock.
	Now func() time.Time
}

// NewRouter returns a router with the transports of all routes.
func NewRouter(o RouterOptions) (*Router, error) {
	r := &Router{
		routes: map[string]Transport{}, local: o.Local, lambda: NewLambda(o.Lambda), client: NewWebhookClient(o.Allowed),
	}
	r.closed = []io.Closer{r.lambda}
	for name, route := range o.Routes {
		t, err := r.transport(route, o)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		r.routes[name] = t
	}
	return r, nil
}

func (r *Router) transport(route Route, o RouterOptions) (Transport, error) {
	switch {
	case route.Webhook != "":
		return NewWebhook(WebhookOptions{URL: route.Webhook, Secret: route.Secret, Client: r.client, Now: o.Now})
	case route.Lambda != "":
		l := NewLambda(LambdaOptions{
			Endpoint: route.Lambda, Function: route.Function, Load: o.Lambda.Load,
			NoInstanceCredentials: o.Lambda.NoInstanceCredentials, Development: o.Lambda.Development,
		})
		r.closed = append(r.closed, l)
		return l, nil
	case r.local == nil:
		return nil, errors.New("runs in a folder of functions, and there is none")
	case !r.local.Has(route.Folder):
		return nil, fmt.Errorf("the folder of functions has no %q", route.Folder)
	}
	return folderRoute{r.local, route.Folder}, nil
}

// folderRoute runs a function of the folder under the name that a route sets.
type folderRoute struct {
	local  LocalFunctions
	folder string
}

// Invoke implements Transport.
func (f folderRoute) Invoke(ctx context.Context, in Invocation) (Result, error) {
	in.Folder = f.folder
	return f.local.Invoke(ctx, in)
}

// Invoke implements Transport.
func (r *Router) Invoke(ctx context.Context, in Invocation) (Result, error) {
	if t, ok := r.routes[in.ARN]; ok {
		return t.Invoke(ctx, in)
	}
	arn, err := ParseARN(in.ARN)
	if err != nil {
		return Result{}, &InvokeError{Name: NameNotFound, Err: err}
	}
	for _, name := range []string{arn.Unqualified(), arn.Name} {
		if t, ok := r.routes[name]; ok {
			return t.Invoke(ctx, in)
		}
	}
	if r.local != nil && r.local.Has(arn.Name) {
		in.Folder = arn.Name
		return r.local.Invoke(ctx, in)
	}
	return r.lambda.Invoke(ctx, in)
}

// Close drops idle connections. It does not close the local functions.
func (r *Router) Close() error {
	r.client.CloseIdleConnections()
	var errs []error
	for _, c := range r.closed {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}
