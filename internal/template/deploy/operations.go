package deploy

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"

	"cognate/internal/api/invoke"
)

// call calls an operation with those of the given members that its request has. It returns the answer
// as JSON has it; nil if there is none.
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

// pick returns those of the members that a request has.
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

// create makes a resource. Those members of the answer that the kind names become attributes of it.
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

// member returns a member of an answer, or of the object in it.
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

// calls returns how an operation changes a resource.
func calls[T any](operation string) func(context.Context, *Service, *state, *state) error {
	return func(ctx context.Context, s *Service, st, _ *state) error {
		_, err := s.call(ctx, operation, reflect.TypeFor[T](), st.all())
		return err
	}
}

// removal returns how an operation removes a resource, which may be gone already.
func removal[T any](operation string) func(context.Context, *Service, *state) error {
	return func(ctx context.Context, s *Service, st *state) error {
		_, err := s.call(ctx, operation, reflect.TypeFor[T](), st.all())
		return unlessMissing(err)
	}
}

// reset returns how a resource is removed that is a setting of another one: an operation sets it to what
// it is without a template. names are the members that say which setting it is.
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

// found returns how an operation reports whether a resource exists.
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

// decode checks members by the rules of the API's model.
func (s *Service) decode(operation string, request reflect.Type, given properties) (any, error) {
	body, err := json.Marshal(pick(given, request))
	if err != nil {
		return nil, err
	}
	return s.operations[operation].Decode(body)
}
