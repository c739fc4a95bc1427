package branding

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"strings"

	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/store"
)

const (
	maxTerms     = 40 // of a pool (Cognito: quotas in user pools)
	maxTermsPage = 60
)

// Names of terms documents.
const (
	termsOfUse    = "terms-of-use"
	privacyPolicy = "privacy-policy"
)

// terms is the stored document of terms. Its key is the app client with the name of the terms.
type terms struct {
	ID          string
	ClientID    string
	Name        string
	Source      idp.TermsSourceType
	Enforcement idp.TermsEnforcementType
	Links       map[string]string
}

var termsKind = pool.Kind{
	Name: store.KindTerms, Most: maxTerms, ListOp: "ListTerms",
	NotFound: noTerms,
	Exists: func(_, key string) error {
		_, name, _ := strings.Cut(key, "/")
		return idp.TermsExistsException("Terms " + name + " already exist for the app client.")
	},
	FullText: "Terms cannot exceed limit of %d in a user pool.",
}

func noTerms(id string) error { return notFound("Terms " + id + " do not exist.") }

func termsShape(i *pool.Item[terms]) *idp.TermsType {
	t := &i.Doc
	return &idp.TermsType{
		TermsId: t.ID, UserPoolId: i.PoolID, ClientId: t.ClientID, TermsName: t.Name, TermsSource: t.Source, Enforcement: t.Enforcement,
		Links: t.Links, CreationDate: i.CreatedAt, LastModifiedDate: i.ModifiedAt,
	}
}

// CreateTerms adds links to the terms of use or the privacy policy of an app client.
func (s *Service) CreateTerms(ctx context.Context, in *idp.CreateTermsRequest) (*idp.CreateTermsResponse, error) {
	doc := terms{
		ID: keys.NewUUID(), ClientID: in.ClientId, Name: in.TermsName, Source: in.TermsSource, Enforcement: in.Enforcement, Links: in.Links,
	}
	if doc.Links == nil {
		doc.Links = map[string]string{} // The answer must have them.
	}
	var item *pool.Item[terms]
	err := s.deps.Pools.Change(ctx, in.UserPoolId, func(tx *store.Tx, sn *pool.Snapshot) error {
		err := pool.CheckClient(ctx, &tx.Reader, sn.ID, in.ClientId)
		if err != nil {
			return err
		}
		item, err = s.terms.Create(ctx, tx, sn.ID, store.ClientItemKey(in.ClientId, in.TermsName), doc)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &idp.CreateTermsResponse{Terms: termsShape(item)}, nil
}

// termsByID finds terms among the few of a pool.
func termsByID(ctx context.Context, r *store.Reader, poolID, id string) (*pool.Item[terms], error) {
	records, err := r.Items(ctx, poolID, store.KindTerms, "", maxTerms)
	if err != nil {
		return nil, err
	}
	items, err := pool.DecodeItems[terms](records)
	if err != nil {
		return nil, err
	}
	for _, i := range items {
		if strings.EqualFold(i.Doc.ID, id) {
			return i, nil
		}
	}
	return nil, noTerms(id)
}

// DescribeTerms returns terms by their id.
func (s *Service) DescribeTerms(ctx context.Context, in *idp.DescribeTermsRequest) (*idp.DescribeTermsResponse, error) {
	sn, err := s.deps.Pools.Read(ctx, in.UserPoolId)
	if err != nil {
		return nil, err
	}
	item, err := termsByID(ctx, &s.deps.Store.Reader, sn.ID, in.TermsId)
	if err != nil {
		return nil, err
	}
	return &idp.DescribeTermsResponse{Terms: termsShape(item)}, nil
}

// DescribeTermsByClient returns the terms of an app client by their name.
func (s *Service) DescribeTermsByClient(ctx context.Context, in *idp.DescribeTermsByClientRequest) (*idp.DescribeTermsByClientResponse, error) {
	sn, err := s.readPool(ctx, in.UserPoolId, in.ClientId)
	if err != nil {
		return nil, err
	}
	item, err := storedTerms(ctx, &s.deps.Store.Reader, sn.ID, in.ClientId, in.TermsName)
	if err != nil {
		return nil, err
	}
	if item == nil {
		return nil, noTerms(in.TermsName)
	}
	return &idp.DescribeTermsByClientResponse{Terms: termsShape(item)}, nil
}

// storedTerms returns the terms of an app client, or nil if there are none.
func storedTerms(ctx context.Context, r *store.Reader, poolID, clientID, name string) (*pool.Item[terms], error) {
	record, err := r.Item(ctx, poolID, store.KindTerms, store.ClientItemKey(clientID, name))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return pool.DecodeItem[terms](record)
}

// UpdateTerms changes what the request names and keeps the rest. Links replace the stored ones as a whole.
func (s *Service) UpdateTerms(ctx context.Context, in *idp.UpdateTermsRequest) (*idp.UpdateTermsResponse, error) {
	var item *pool.Item[terms]
	err := s.deps.Pools.Change(ctx, in.UserPoolId, func(tx *store.Tx, sn *pool.Snapshot) error {
		old, err := termsByID(ctx, &tx.Reader, sn.ID, in.TermsId)
		if err != nil {
			return err
		}
		if in.TermsName != nil && *in.TermsName != old.Doc.Name {
			if err := rename(ctx, tx, old, *in.TermsName); err != nil {
				return err
			}
		}
		item, err = s.terms.Change(ctx, tx, sn.ID, old.Key, func(t *terms) error {
			if in.TermsName != nil {
				t.Name = *in.TermsName
			}
			t.Source = cmp.Or(in.TermsSource, t.Source)
			t.Enforcement = cmp.Or(in.Enforcement, t.Enforcement)
			if in.Links != nil {
				t.Links = in.Links
			}
			return nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return &idp.UpdateTermsResponse{Terms: termsShape(item)}, nil
}

// rename moves terms to the key of another name. The time of their creation stays.
func rename(ctx context.Context, tx *store.Tx, item *pool.Item[terms], name string) error {
	record, err := tx.Item(ctx, item.PoolID, store.KindTerms, item.Key)
	if err != nil {
		return err
	}
	item.Key = store.ClientItemKey(item.Doc.ClientID, name)
	if err := tx.DeleteItem(ctx, item.PoolID, store.KindTerms, record.Key); err != nil {
		return err
	}
	record.Key = item.Key
	err = tx.InsertItem(ctx, record)
	if errors.Is(err, store.ErrExists) {
		return termsKind.Exists(item.PoolID, item.Key)
	}
	return err
}

// DeleteTerms removes terms.
func (s *Service) DeleteTerms(ctx context.Context, in *idp.DeleteTermsRequest) error {
	return s.deps.Pools.Change(ctx, in.UserPoolId, func(tx *store.Tx, sn *pool.Snapshot) error {
		item, err := termsByID(ctx, &tx.Reader, sn.ID, in.TermsId)
		if err != nil {
			return err
		}
		return s.terms.Delete(ctx, tx, sn.ID, item.Key)
	})
}

// ListTerms lists a pool's terms without their links.
func (s *Service) ListTerms(ctx context.Context, in *idp.ListTermsRequest) (*idp.ListTermsResponse, error) {
	sn, err := s.deps.Pools.Read(ctx, in.UserPoolId)
	if err != nil {
		return nil, err
	}
	limit := maxTermsPage
	if in.MaxResults != nil {
		limit = int(*in.MaxResults)
	}
	items, next, err := s.terms.Page(ctx, sn.ID, in.NextToken, limit)
	if err != nil {
		return nil, err
	}
	out := &idp.ListTermsResponse{Terms: []idp.TermsDescriptionType{}, NextToken: next}
	for _, i := range items {
		out.Terms = append(out.Terms, idp.TermsDescriptionType{
			TermsId: i.Doc.ID, TermsName: i.Doc.Name, Enforcement: i.Doc.Enforcement, CreationDate: i.CreatedAt, LastModifiedDate: i.ModifiedAt,
		})
	}
	return out, nil
}

// linkKeys are the names of languages in the links of terms, by the language tags of managed login (Cognito: managed
// login localization).
var linkKeys = map[string]string{
	"de": "german", "en": "english", "es": "spanish", "fr": "french", "id": "bahasa-indonesia", "it": "italian", "ja": "japanese",
	"ko": "korean", "nl": "dutch", "pt-BR": "portuguese-brazil", "zh-CN": "chinese-simplified", "zh-TW": "chinese-traditional",
}

// linkFor returns the link of a language, or else the default one. It returns "" if there is neither, or if the link is
// not an address that a page may show.
func linkFor(links map[string]string, language string) string {
	link := links["cognito:"+linkKeys[language]]
	if link == "" {
		link = links["cognito:default"]
	}
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return ""
	}
	return link
}

// TermsLinks are the addresses of an app client's terms, for people who sign up.
type TermsLinks struct{ TermsOfUse, PrivacyPolicy string }

// TermsLinks returns the links for a page in a language, such as "pt-BR". Pages show both or none: it reports whether the
// app client has both.
func (a *Appearance) TermsLinks(language string) (links TermsLinks, ok bool) {
	links.TermsOfUse = linkFor(a.terms[termsOfUse], language)
	links.PrivacyPolicy = linkFor(a.terms[privacyPolicy], language)
	if links.TermsOfUse == "" || links.PrivacyPolicy == "" {
		return TermsLinks{}, false
	}
	return links, true
}

func (a *Appearance) loadTerms(ctx context.Context, r *store.Reader, poolID, clientID string) error {
	a.terms = map[string]map[string]string{}
	for _, name := range []string{termsOfUse, privacyPolicy} {
		item, err := storedTerms(ctx, r, poolID, clientID, name)
		if err != nil {
			return err
		}
		if item != nil {
			a.terms[name] = item.Doc.Links
		}
	}
	return nil
}
