package registration

import (
	"context"
	"testing"

	"cognate/internal/api/idp"
	"cognate/internal/store/storetest"
	"cognate/test/people"
)

// TestOverlappingNames returns one name to two users, to one as the username and to the other as preferred_username: only
// one of the two may have it, whichever way it is given.
func TestOverlappingNames(t *testing.T) {
	people.Overlapping(t, func(t *testing.T, p *people.Rig, i storetest.Interleaving) {
		r := newRig(p)
		sn := r.poolWith(t, func(in *idp.CreateUserPoolRequest) {
			in.AliasAttributes = []idp.AliasAttributeType{"email", "preferred_username"}
		})
		client := r.clientWith(t, sn, nil)
		usernames := map[string]func(ctx context.Context, name string) error{
			"SignUp": func(ctx context.Context, name string) error {
				_, err := r.SignUp(ctx, &idp.SignUpRequest{ClientId: client, Username: name, Password: new(people.Password)})
				return err
			},
			"AdminCreateUser": func(ctx context.Context, name string) error {
				_, err := r.AdminCreateUser(ctx, &idp.AdminCreateUserRequest{UserPoolId: sn.ID, Username: name, MessageAction: idp.MessageActionTypeSuppress})
				return err
			},
		}
		for kind, username := range usernames {
			for _, order := range []string{"username first", "name first"} {
				t.Run(kind+", "+order, func(t *testing.T) {
					name := "boss-" + order[:4] + kind
					u := r.Have(t, sn, "user-"+name, idp.UserStatusTypeConfirmed, nil)
					give := func(ctx context.Context) error { return username(ctx, name) }
					prefer := func(ctx context.Context) error {
						_, err := r.UpdateAttributes(ctx, sn, nil, u.ID(), []idp.AttributeType{{Name: "preferred_username", Value: &name}}, nil)
						return err
					}
					later, earlier := give, prefer
					if order == "username first" {
						later, earlier = prefer, give
					}
					laterErr, earlierErr := i.Run(t, 1, later, earlier)
					if (laterErr == nil) == (earlierErr == nil) {
						t.Errorf("the earlier was answered %v, the later %v: want one refusal", earlierErr, laterErr)
					}
				})
			}
		}
	})
}
