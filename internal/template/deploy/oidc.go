package deploy

import (
	"context"
	"reflect"
	"slices"
	"strings"

	"cognate/internal/api/iamapi"
	"cognate/internal/api/invoke"
)

// oidcProviderKind is an OpenID Connect provider of IAM, which identity pools and roles name.
func oidcProviderKind() *kind {
	return &kind{
		shape: shape{
			request: reflect.TypeFor[iamapi.CreateOpenIDConnectProviderRequest](), named: map[string]string{"ClientIdList": "ClientIDList"},
			more: map[string]reflect.Type{"Tags": reflect.TypeFor[[]tag]()},
		},
		required: []string{"Url"}, replaced: []string{"Url"}, op: "CreateOpenIDConnectProvider",
		ref: func(p *plan, m properties) string {
			return p.arn("oidc-provider", "/", strings.TrimSuffix(strings.TrimPrefix(text(m["Url"]), "https://"), "/"))
		},
		attributes: func(_ *Service, st *state) properties { return properties{"Arn": st.Ref} },
		create:     createOIDCProvider, update: updateOIDCProvider,
		remove: func(ctx context.Context, s *Service, st *state) error {
			return unlessMissing(s.deps.IAM.DeleteOpenIDConnectProvider(ctx, &iamapi.DeleteOpenIDConnectProviderRequest{OpenIDConnectProviderArn: st.Ref}))
		},
		exists: func(ctx context.Context, s *Service, st *state) (bool, error) {
			_, err := s.deps.IAM.GetOpenIDConnectProvider(ctx, &iamapi.GetOpenIDConnectProviderRequest{OpenIDConnectProviderArn: st.Ref})
			if invoke.IsMissing(err) {
				return false, nil
			}
			return err == nil, err
		},
	}
}

func createOIDCProvider(ctx context.Context, s *Service, st *state) error {
	_, err := s.deps.IAM.CreateOpenIDConnectProvider(ctx, &iamapi.CreateOpenIDConnectProviderRequest{
		Url: text(st.Members["Url"]), ClientIDList: texts(st.Members["ClientIDList"]), ThumbprintList: texts(st.Members["ThumbprintList"]), Tags: tags(st),
	})
	return err
}

func updateOIDCProvider(ctx context.Context, s *Service, st, old *state) error {
	iam := s.deps.IAM
	wanted, had := texts(st.Members["ClientIDList"]), texts(old.Members["ClientIDList"])
	for _, id := range wanted { // It is no error to add an id twice.
		if err := iam.AddClientIDToOpenIDConnectProvider(ctx, &iamapi.AddClientIDToOpenIDConnectProviderRequest{OpenIDConnectProviderArn: st.Ref, ClientID: id}); err != nil {
			return err
		}
	}
	for _, id := range had {
		if slices.Contains(wanted, id) {
			continue
		}
		if err := iam.RemoveClientIDFromOpenIDConnectProvider(ctx, &iamapi.RemoveClientIDFromOpenIDConnectProviderRequest{OpenIDConnectProviderArn: st.Ref, ClientID: id}); err != nil {
			return err
		}
	}
	if list := texts(st.Members["ThumbprintList"]); len(list) > 0 && !equal(st.Members["ThumbprintList"], old.Members["ThumbprintList"]) {
		if err := iam.UpdateOpenIDConnectProviderThumbprint(ctx, &iamapi.UpdateOpenIDConnectProviderThumbprintRequest{OpenIDConnectProviderArn: st.Ref, ThumbprintList: list}); err != nil {
			return err
		}
	}
	if equal(st.Members["Tags"], old.Members["Tags"]) {
		return nil
	}
	if keys := sortedKeys(tagMap(old.Members["Tags"])); len(keys) > 0 {
		if err := iam.UntagOpenIDConnectProvider(ctx, &iamapi.UntagOpenIDConnectProviderRequest{OpenIDConnectProviderArn: st.Ref, TagKeys: keys}); err != nil {
			return err
		}
	}
	if len(tags(st)) == 0 {
		return nil
	}
	return iam.TagOpenIDConnectProvider(ctx, &iamapi.TagOpenIDConnectProviderRequest{OpenIDConnectProviderArn: st.Ref, Tags: tags(st)})
}
