package deploy

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"

	"cognate/internal/api/invoke"
)

// call calls an operation with the given members that its request has. It returns the response as JSON
// values, or nil if the operation has no response.
func (s *Service) call(ctx context.Context, operation string, request reflect.Type, given properties) (properties, error) {
	op := s.operations[operation]
	body, err := json.Marshal(pick(given, request))
	if err != nil {
		return nil, err
	}
	in, err := op.Decode(body)
	if err != nil {
		return nil, err
	}
	var out any
	if err := invoke.Again(func() error { out, err = op.Call(ctx, in); return err }); err != nil || !op.HasOutput {
		return nil, err
	}
	var answer properties
	err = json.Unmarshal(op.Encode(nil, out), &answer)
	return answer, err
}

// pick returns the members that a request has.
func pick(given properties, request reflect.Type) properties {
	out := properties{}
	for name, value := range given {
		if _, ok := request.FieldByName(name); ok {
			out[name] = value
		}
	}
	return out
}

// all returns all members that requests about a resource may name.
func (st *state) all() properties {
	return union(st.Members, st.Made)
}

// create creates a resource. The members of the response that the kind names become attributes.
func (s *Service) create(ctx context.Context, k *kind, st *state) error {
	if k.create != nil {
		return k.create(ctx, s, st)
	}
	answer, err := s.call(ctx, k.op, k.request, st.all())
	if err != nil {
		return err
	}
	for _, name := range k.made {
		if value, ok := member(answer, name); ok {
			st.Made[name] = value
		}
	}
	if k.later != "" {
		st.Ref = fmt.Sprintf("%v|%v", st.Members[k.parent], st.Made[k.later])
	}
	return nil
}

// member returns a member of a response, or of an object in the response.
func member(answer properties, name string) (any, bool) {
	if value, ok := answer[name]; ok {
		return value, true
	}
	for _, value := range answer {
		if object, ok := value.(properties); ok && object[name] != nil {
			return object[name], true
		}
	}
	return nil, false
}

// calls returns a function that changes a resource by an operation.
func calls[T any](operation string) func(context.Context, *Service, *state, *state) error {
	return func(ctx context.Context, s *Service, st, _ *state) error {
		_, err := s.call(ctx, operation, reflect.TypeFor[T](), st.all())
		return err
	}
}

// removal returns a function that removes a resource by an operation. The resource may be gone already.
func removal[T any](operation string) func(context.Context, *Service, *state) error {
	return func(ctx context.Context, s *Service, st *state) error {
		_, err := s.call(ctx, operation, reflect.TypeFor[T](), st.all())
		return unlessMissing(err)
	}
}

// reset returns a function that removes a resource which is a setting of another resource: an operation sets
// it to its default values. names are the members that identify the setting.
func reset[T any](operation string, values properties, names ...string) func(context.Context, *Service, *state) error {
	return func(ctx context.Context, s *Service, st *state) error {
		in := properties{}
		for _, name := range names {
			if value, ok := st.Members[name]; ok {
				in[name] = value
			}
		}
		maps.Copy(in, values)
		_, err := s.call(ctx, operation, reflect.TypeFor[T](), in)
		return unlessMissing(err)
	}
}

// found returns a function that reports by an operation whether a resource exists.
func found[T any](operation string) func(context.Context, *Service, *state) (bool, error) {
	return func(ctx context.Context, s *Service, st *state) (bool, error) {
		_, err := s.call(ctx, operation, reflect.TypeFor[T](), st.all())
		if invoke.IsMissing(err) {
			return false, nil
		}
		return err == nil, err
	}
}

func unlessMissing(err error) error {
	if invoke.IsMissing(err) {
		return nil
	}
	return err
}

// decode returns members as a request of an operation, after a check by the API's model.
func (s *Service) decode(operation string, request reflect.Type, given properties) (any, error) {
	body, err := json.Marshal(pick(given, request))
	if err != nil {
		return nil, err
	}
	return s.operations[operation].Decode(body)
}
