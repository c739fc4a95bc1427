package scim

import (
	"context"
	"net/http"
	"slices"

	"cognate/internal/audit"
	"cognate/internal/scim/resource"
)

// bulk carries out the operations of a request one after the other (RFC 7644 §3.7). Each is a
// transaction of its own.
func (s *Service) bulk(ctx context.Context, c *call) (*answer, error) {
	b, err := resource.ParseBulk(c.body)
	if err != nil {
		return nil, err
	}
	results := make([]*resource.BulkResult, len(b.Operations))
	created := map[string]string{}
	failures := 0
	for _, i := range b.Order() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		results[i] = s.operate(ctx, c, b.Operations[i], created)
		if results[i].Error != nil {
			failures++
		}
		if b.FailOnErrors > 0 && failures >= b.FailOnErrors {
			break
		}
	}
	done := make([]resource.BulkResult, 0, len(results))
	for _, r := range results {
		if r != nil {
			done = append(done, *r)
		}
	}
	return &answer{status: http.StatusOK, body: resource.BulkResponse(slices.Clip(done))}, nil
}

// operate carries out one operation. created has the ids of resources by their bulkId.
func (s *Service) operate(ctx context.Context, c *call, op resource.Operation, created map[string]string) *resource.BulkResult {
	result := &resource.BulkResult{Operation: op}
	target, err := op.Resolve(created)
	if err != nil {
		return fail(ctx, result, err)
	}
	if target.ID != "" {
		result.Location = c.locationOf(target.Type, target.ID)
	}
	part := *c
	part.method, part.path, part.body, part.query = op.Method, target.Type.Endpoint(), target.Body, nil
	if target.ID != "" {
		part.path += "/" + target.ID
	}
	part.header = http.Header{}
	if op.Version != "" {
		part.header.Set("If-Match", op.Version)
	}
	a, err := s.dispatch(ctx, &part)
	if err != nil {
		return fail(ctx, result, err)
	}
	result.Status, result.Version = a.status, a.version
	if a.location != "" {
		result.Location = a.location
		created[op.BulkID] = a.id
	}
	return result
}

// fail puts an error into the result of an operation. The log line of the whole request has the
// cause if the server failed.
func fail(ctx context.Context, result *resource.BulkResult, err error) *resource.BulkResult {
	result.Error, _ = asError(err)
	result.Status = result.Error.Status
	if result.Status >= http.StatusInternalServerError {
		audit.From(ctx).SetCause(err)
	}
	return result
}
