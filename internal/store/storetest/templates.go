package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/store"
)

// testTemplates: one server has a stack, another one that takes it over ends its writes, and resources are
// those of their stack.
func testTemplates(t *testing.T, s *store.Store) {
	ctx := t.Context()
	free, err := s.TemplateStack(ctx, "shop")
	if err != nil || free.Owner != "" {
		t.Fatalf("a new stack: %+v, %v", free, err)
	}
	take := func(was store.TemplateStack, owner string) error {
		return s.Update(ctx, func(tx *store.Tx) error { return tx.TakeTemplateStack(ctx, was, owner) })
	}
	if err := take(free, "a"); err != nil {
		t.Fatal(err)
	}
	if err := take(free, "b"); !errors.Is(err, store.ErrConflict) {
		t.Errorf("a stack that another server has taken: %v", err)
	}
	write := func(owner string, f func(tx *store.Tx) error) error {
		return s.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error {
			if err := tx.BeatTemplateStack(ctx, "shop", owner); err != nil {
				return err
			}
			return f(tx)
		})
	}
	put := func(id, body string) func(*store.Tx) error {
		return func(tx *store.Tx) error {
			return tx.PutTemplateResource(ctx, store.TemplateResource{Stack: "shop", ID: id, Body: []byte(body)})
		}
	}
	for _, r := range [][2]string{{"2", "x"}, {"1", "x"}, {"1", "y"}} {
		if err := write("a", put(r[0], r[1])); err != nil {
			t.Fatal(err)
		}
	}
	held, err := s.TemplateStack(ctx, "shop")
	if err != nil || held.Owner != "a" || held.Beat == free.Beat {
		t.Errorf("the stack of a server: %+v, %v", held, err)
	}
	if err := take(held, "b"); err != nil {
		t.Fatal(err)
	}
	if err := write("a", put("3", "z")); !errors.Is(err, store.ErrConflict) {
		t.Errorf("a server that has lost its stack has written: %v", err)
	}
	update(t, s, func(tx *store.Tx) error { return tx.FreeTemplateStack(ctx, "shop", "a") })
	list := func(stack string, want ...store.TemplateResource) {
		t.Helper()
		got, err := s.TemplateResources(ctx, stack, 9)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	list("shop", store.TemplateResource{Stack: "shop", ID: "1", Body: []byte("y")}, store.TemplateResource{Stack: "shop", ID: "2", Body: []byte("x")})
	list("other")
	if err := write("b", func(tx *store.Tx) error { return tx.DeleteTemplateResource(ctx, "shop", "1") }); err != nil {
		t.Fatal(err)
	}
	list("shop", store.TemplateResource{Stack: "shop", ID: "2", Body: []byte("x")})
}
