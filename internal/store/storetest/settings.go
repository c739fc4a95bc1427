package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"cognate/internal/store"
)

func testPools(t *testing.T, s *store.Store) {
	ctx := t.Context()
	p := store.Pool{ID: "r_1", Region: "r", Name: "one", Version: 1, CreatedAt: Now, ModifiedAt: Now, Doc: []byte("{}")}
	insert := func(tx *store.Tx) error { return tx.InsertPool(ctx, p) }
	update(t, s, insert)
	existing(t, s, "pool", insert)
	got, err := s.Pool(ctx, p.ID)
	same(t, p, got, err)
	got, err = s.Pool(ctx, "r_2")
	missing(t, got, err)

	changed := p
	changed.Name, changed.Doc, changed.ModifiedAt = "two", []byte(`{"x":2}`), Now.Add(time.Second)
	change := func(tx *store.Tx) error { return tx.UpdatePool(ctx, changed) }
	update(t, s, change)
	refused(t, s, store.ErrConflict, change) // the version has moved on
	changed.Version = 2
	got, err = s.Pool(ctx, p.ID)
	same(t, changed, got, err)
	version, err := s.PoolVersion(ctx, p.ID)
	same(t, 2, version, err)
	version, err = s.PoolVersion(ctx, "none")
	missing(t, version, err)
	gone := store.Pool{ID: "none", Version: 1}
	refused(t, s, store.ErrConflict, func(tx *store.Tx) error { return tx.UpdatePool(ctx, gone) })

	// Lists: by creation, then id; by region or all.
	for i, row := range []struct {
		region, id string
		at         time.Duration
	}{{"r", "r_3", 2}, {"q", "q_1", 1}, {"r", "r_2", 2}, {"r", "r_4", 1}} {
		update(t, s, func(tx *store.Tx) error {
			return tx.InsertPool(ctx, store.Pool{ID: row.id, Region: row.region, Name: fmt.Sprint(i), CreatedAt: Now.Add(row.at * time.Second)})
		})
	}
	walk := func(region string) (ids []string) {
		at := store.PoolCursor{}
		for {
			page, err := s.Pools(ctx, region, at, 2)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				return ids
			}
			for _, p := range page {
				ids = append(ids, p.ID)
				at = store.PoolCursor{CreatedAt: p.CreatedAt, ID: p.ID}
			}
		}
	}
	same(t, []string{"r_1", "r_4", "r_2", "r_3"}, walk("r"), nil)
	same(t, []string{"r_1", "q_1", "r_4", "r_2", "r_3"}, walk(""), nil)
	refused(t, s, store.ErrNotFound, func(tx *store.Tx) error { return tx.DeletePool(ctx, "none") })
}

func testClients(t *testing.T, s *store.Store) {
	ctx := t.Context()
	c := store.Client{PoolID: "p", ID: "c1", Name: "app", Version: 1, CreatedAt: Now, ModifiedAt: Now, Doc: []byte("{}")}
	update(t, s, func(tx *store.Tx) error { return tx.InsertClient(ctx, c) })
	other := c
	other.PoolID = "q"
	existing(t, s, "client", func(tx *store.Tx) error { return tx.InsertClient(ctx, other) })
	got, err := s.Client(ctx, "p", "c1")
	same(t, c, got, err)
	got, err = s.ClientByID(ctx, "c1")
	same(t, c, got, err)
	got, err = s.Client(ctx, "q", "c1")
	missing(t, got, err)
	changed := c
	changed.Name = "other"
	update(t, s, func(tx *store.Tx) error { return tx.UpdateClient(ctx, changed) })
	refused(t, s, store.ErrConflict, func(tx *store.Tx) error { return tx.UpdateClient(ctx, changed) })
	second := c
	second.ID = "c2"
	update(t, s, func(tx *store.Tx) error { return tx.InsertClient(ctx, second) })
	changed.Version = 2
	list, err := s.Clients(ctx, "p", "", 10)
	same(t, []store.Client{changed, second}, list, err)
	list, err = s.Clients(ctx, "p", "c1", 10)
	same(t, []store.Client{second}, list, err)
	update(t, s, func(tx *store.Tx) error { return tx.DeleteClient(ctx, "p", "c1") })
	refused(t, s, store.ErrNotFound, func(tx *store.Tx) error { return tx.DeleteClient(ctx, "p", "c1") })
	got, err = s.ClientByID(ctx, "c1")
	missing(t, got, err)
}

func testItems(t *testing.T, s *store.Store) {
	ctx := t.Context()
	i := store.Item{PoolID: "p", Kind: store.KindResourceServer, Key: "https://api", Version: 1, CreatedAt: Now, ModifiedAt: Now, Doc: []byte("{}")}
	insert := func(tx *store.Tx) error { return tx.InsertItem(ctx, i) }
	update(t, s, insert)
	existing(t, s, "item", insert)
	got, err := s.Item(ctx, "p", i.Kind, i.Key)
	same(t, i, got, err)
	got, err = s.Item(ctx, "p", store.KindTerms, i.Key)
	missing(t, got, err)
	changed := i
	changed.Doc = []byte("{1}")
	update(t, s, func(tx *store.Tx) error {
		if _, err := tx.LockItem(ctx, "p", i.Kind, i.Key); err != nil {
			return err
		}
		return tx.UpdateItem(ctx, changed)
	})
	refused(t, s, store.ErrConflict, func(tx *store.Tx) error { return tx.UpdateItem(ctx, changed) })
	second := i
	second.Key = "https://b"
	update(t, s, func(tx *store.Tx) error { return tx.InsertItem(ctx, second) })
	n, err := s.CountItems(ctx, "p", i.Kind)
	same(t, 2, n, err)
	list, err := s.Items(ctx, "p", i.Kind, i.Key, 10)
	same(t, []store.Item{second}, list, err)
	update(t, s, func(tx *store.Tx) error { return tx.DeleteItem(ctx, "p", i.Kind, i.Key) })
	refused(t, s, store.ErrNotFound, func(tx *store.Tx) error { return tx.DeleteItem(ctx, "p", i.Kind, i.Key) })
	refused(t, s, store.ErrNotFound, func(tx *store.Tx) error { return tx.DeleteItem(ctx, "p", store.KindGroup, "none") })
}

// testClientItems: what belongs to an app client goes with it, and nothing else does.
func testClientItems(t *testing.T, s *store.Store) {
	ctx := t.Context()
	kinds := []string{store.KindBranding, store.KindTerms, store.KindUICustomization, store.KindResourceServer}
	owners := []string{"c", "c0", "c1", "b", "ALL"}
	update(t, s, func(tx *store.Tx) error {
		for _, owner := range owners {
			err := tx.InsertClient(ctx, store.Client{PoolID: "p", ID: owner, Version: 1, CreatedAt: Now, ModifiedAt: Now, Doc: []byte("{}")})
			for _, kind := range kinds {
				for _, name := range []string{"", "terms-of-use", "zz"} {
					key := store.ClientItemKey(owner, name)
					err = errors.Join(err, tx.InsertItem(ctx, store.Item{PoolID: "p", Kind: kind, Key: key, CreatedAt: Now, ModifiedAt: Now, Doc: []byte("{}")}))
				}
			}
			for _, id := range []string{"1", "2"} {
				err = errors.Join(err, tx.InsertLoginImage(ctx, store.LoginImage{PoolID: "p", Owner: owner, ID: id, Content: []byte(owner + id)}))
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	existing(t, s, "login image", func(tx *store.Tx) error {
		return tx.InsertLoginImage(ctx, store.LoginImage{PoolID: "p", Owner: "c", ID: "1"})
	})
	image, err := s.LoginImage(ctx, "p", "c", "2")
	same(t, store.LoginImage{PoolID: "p", Owner: "c", ID: "2", Content: []byte("c2")}, image, err)
	update(t, s, func(tx *store.Tx) error { return tx.DeleteLoginImage(ctx, "p", "b", "1") })
	update(t, s, func(tx *store.Tx) error { return tx.DeleteClient(ctx, "p", "c") })
	for _, kind := range kinds {
		n, err := s.CountItems(ctx, "p", kind)
		want := 3 * (len(owners) - 1)
		if kind == store.KindResourceServer {
			want = 3 * len(owners)
		}
		same(t, want, n, err)
	}
	for owner, want := range map[string]int{"c": 0, "c0": 2, "c1": 2, "b": 1, "ALL": 2} {
		images, err := s.LoginImages(ctx, "p", owner)
		same(t, want, len(images), err)
	}
	image, err = s.LoginImage(ctx, "p", "c", "2")
	missing(t, image, err)
}

func testDomains(t *testing.T, s *store.Store) {
	ctx := t.Context()
	d := store.Domain{Domain: "login", PoolID: "p", Version: 1, CreatedAt: Now, ModifiedAt: Now, Doc: []byte("{}")}
	update(t, s, func(tx *store.Tx) error { return tx.InsertDomain(ctx, d) })
	other := d
	other.PoolID = "q"
	existing(t, s, "domain", func(tx *store.Tx) error { return tx.InsertDomain(ctx, other) })
	got, err := s.Domain(ctx, "login")
	same(t, d, got, err)
	changed := d
	changed.Doc = []byte("[]")
	update(t, s, func(tx *store.Tx) error { return tx.UpdateDomain(ctx, changed) })
	refused(t, s, store.ErrConflict, func(tx *store.Tx) error { return tx.UpdateDomain(ctx, changed) })
	changed.Version = 2
	list, err := s.DomainsOf(ctx, "p")
	same(t, []store.Domain{changed}, list, err)
	update(t, s, func(tx *store.Tx) error { return tx.DeleteDomain(ctx, "login") })
	refused(t, s, store.ErrNotFound, func(tx *store.Tx) error { return tx.DeleteDomain(ctx, "login") })
	got, err = s.Domain(ctx, "login")
	missing(t, got, err)
}

func testAccessKeys(t *testing.T, s *store.Store) {
	ctx := t.Context()
	k := store.AccessKey{ID: "AKIA1", PrincipalARN: "arn:1", Name: "n", Version: 1, Secret: []byte{9}, Doc: []byte("{}"), CreatedAt: Now}
	insert := func(tx *store.Tx) error { return tx.InsertAccessKey(ctx, k) }
	update(t, s, insert)
	existing(t, s, "access-key", insert)
	got, err := s.AccessKey(ctx, k.ID)
	same(t, k, got, err)
	changed := k
	changed.Doc = []byte("{2}")
	update(t, s, func(tx *store.Tx) error { return tx.UpdateAccessKey(ctx, changed) })
	refused(t, s, store.ErrConflict, func(tx *store.Tx) error { return tx.UpdateAccessKey(ctx, changed) })
	changed.Version = 2
	list, err := s.AccessKeys(ctx)
	same(t, []store.AccessKey{changed}, list, err)
	update(t, s, func(tx *store.Tx) error { return tx.DeleteAccessKey(ctx, k.ID) })
	got, err = s.AccessKey(ctx, k.ID)
	missing(t, got, err)
}

func testDataKeys(t *testing.T, s *store.Store) {
	ctx := t.Context()
	k := store.DataKey{Purpose: "a", ID: "1", Wrapped: []byte{1}, CreatedAt: Now}
	insert := func(tx *store.Tx) error { return tx.InsertDataKey(ctx, k) }
	update(t, s, insert)
	existing(t, s, "data-key", insert)
	list := []store.DataKey{{Purpose: "a", ID: "1", Wrapped: []byte{2}, CreatedAt: Now, RetiredAt: Now.Add(time.Hour)}, {Purpose: "b", ID: "0", Wrapped: []byte{3}, CreatedAt: Now}}
	update(t, s, func(tx *store.Tx) error { return tx.ReplaceDataKeys(ctx, list) })
	got, err := s.DataKeys(ctx)
	same(t, list, got, err)
}

func testSigningKeys(t *testing.T, s *store.Store) {
	ctx := t.Context()
	k := store.SigningKey{PoolID: "p", KID: "k1", Use: "access", State: "active", Sealed: []byte{1}, Public: []byte{2}, CreatedAt: Now.Add(time.Second),
		ActivatesAt: Now, RetiresAt: Now.Add(time.Hour), Version: 1}
	insert := func(tx *store.Tx) error { return tx.InsertSigningKey(ctx, k) }
	update(t, s, insert)
	existing(t, s, "signing-key", insert)
	older := store.SigningKey{PoolID: "p", KID: "k2", Use: "id", State: "active", CreatedAt: Now, Version: 1}
	update(t, s, func(tx *store.Tx) error { return tx.InsertSigningKey(ctx, older) })
	changed := k
	changed.State, changed.DropsAt = "retired", Now.Add(2*time.Hour)
	update(t, s, func(tx *store.Tx) error { return tx.UpdateSigningKey(ctx, changed) })
	refused(t, s, store.ErrConflict, func(tx *store.Tx) error { return tx.UpdateSigningKey(ctx, changed) })
	changed.Version = 2
	list, err := s.SigningKeys(ctx, "p")
	same(t, []store.SigningKey{older, changed}, list, err)
	got, err := s.SigningKeyByKID(ctx, "p", "k1")
	same(t, changed, got, err)
	update(t, s, func(tx *store.Tx) error { return tx.DeleteSigningKey(ctx, "p", "k1") })
	got, err = s.SigningKeyByKID(ctx, "p", "k1")
	missing(t, got, err)
}

func testMeta(t *testing.T, s *store.Store) {
	ctx := t.Context()
	got, err := s.Meta(ctx, "x")
	missing(t, got, err)
	for _, v := range []string{"one", "two"} {
		update(t, s, func(tx *store.Tx) error { return tx.SetMeta(ctx, "x", []byte(v)) })
		got, err := s.Meta(ctx, "x")
		same(t, []byte(v), got, err)
	}
}
