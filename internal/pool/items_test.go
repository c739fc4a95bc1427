package pool_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/store"
)

type theme struct{ Colour string }

// themes is a kind of document that no operation has: what a new kind can count on.
var themes = pool.Kind{
	Name: store.KindBranding, Most: 3, ListOp: "ListThemes",
	NotFound: func(key string) error { return idp.ResourceNotFoundException("no " + key) },
	Exists:   func(poolID, key string) error { return idp.InvalidParameterException(key + " exists in " + poolID) },
	FullText: "%d themes at most",
}

func TestItems(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, n *node) {
		ctx, id := t.Context(), n.newPool(t, "")
		items := pool.NewItems[theme](n.Service, themes)
		create := func(key string) error {
			return n.deps.Store.Update(ctx, func(tx *store.Tx) error {
				if err := n.Hold(ctx, tx, id); err != nil {
					return err
				}
				_, err := items.Create(ctx, tx, id, key, theme{"red"})
				return err
			})
		}
		for _, key := range []string{"b", "a"} {
			if err := create(key); err != nil {
				t.Fatal(err)
			}
		}
		wantError(t, "CreateResourceServer", create("a"), "InvalidParameterException: a exists in "+id)
		if err := create("c"); err != nil {
			t.Fatal(err)
		}
		wantError(t, "CreateResourceServer", create("d"), "LimitExceededException: 3 themes at most")
		_, err := items.Get(ctx, id, "z")
		wantError(t, "CreateResourceServer", err, "ResourceNotFoundException: no z")

		created := n.clock.Now()
		n.clock.Pass(time.Minute)
		stop := errors.New("stop")
		for _, fails := range []error{stop, nil} {
			err := n.deps.Store.Update(ctx, func(tx *store.Tx) error {
				_, err := items.Change(ctx, tx, id, "a", func(d *theme) error {
					d.Colour += "dish"
					return fails
				})
				return err
			})
			if !errors.Is(err, fails) {
				t.Fatal(err)
			}
		}
		got, err := items.Get(ctx, id, "a")
		want := &pool.Item[theme]{PoolID: id, Key: "a", Version: 2, CreatedAt: created, ModifiedAt: n.clock.Now(), Doc: theme{"reddish"}}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v, -want +got:\n%s", err, diff)
		}
		for _, want := range []string{"", "ResourceNotFoundException: no b"} {
			err := n.deps.Store.Update(ctx, func(tx *store.Tx) error { return items.Delete(ctx, tx, id, "b") })
			wantError(t, "CreateResourceServer", err, want)
		}
	})
}

// TestItemPages: the tokens of a kind go on where the list ended, and keep the form that clients hold.
func TestItemPages(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		raw    bool
		cursor string
	}{
		{"JSON", false, `"b"`},
		{"raw", true, `b`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n := onSQLite(t)
			ctx, id := t.Context(), n.newPool(t, "")
			kind := themes
			kind.RawCursor = tt.raw
			items := pool.NewItems[theme](n.Service, kind)
			err := n.deps.Store.Update(ctx, func(tx *store.Tx) error {
				for i, key := range []string{"c", "a", "b"} {
					if _, err := items.Create(ctx, tx, id, key, theme{fmt.Sprint(i)}); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			list, token, err := items.Page(ctx, id, nil, 2)
			if err != nil || token == nil {
				t.Fatal(token, err)
			}
			cursor, err := n.deps.Pages.Decode("ListThemes", []string{id}, *token, n.clock.Now())
			if err != nil || string(cursor) != tt.cursor {
				t.Errorf("the token holds %s, %v", cursor, err)
			}
			rest, last, err := items.Page(ctx, id, token, 2)
			if err != nil || last != nil {
				t.Error(last, err)
			}
			var colours []string
			for _, i := range append(list, rest...) {
				colours = append(colours, i.Doc.Colour)
			}
			if diff := cmp.Diff([]string{"1", "2", "0"}, colours); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			_, _, err = items.Page(ctx, id, new("x"), 2)
			wantError(t, "CreateResourceServer", err, "InvalidParameterException: Invalid pagination token provided")
		})
	}
}
