package trigger

import "context"

// Router chooses the transport of each function.
type Router struct{}

// Invoke implements Transport.
func (r *Router) Invoke(ctx context.Context, in Invocation) (Result, error) {
	return Result{}, &InvokeError{Name: NameNotFound}
}
