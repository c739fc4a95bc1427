package user

import (
	"testing"

	"cognate/internal/api/idp"
	"cognate/test/lambdas"
	"cognate/test/services"
)

func triggers(c idp.LambdaConfigType) func(*idp.CreateUserPoolRequest) {
	return func(in *idp.CreateUserPoolRequest) { in.LambdaConfig = &c }
}

// TestPreSignUpOfAdministrator: the function may refuse, and says nothing else.
func TestPreSignUpOfAdministrator(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, triggers(idp.LambdaConfigType{PreSignUp: lambdas.ARN("pre"), PostConfirmation: lambdas.ARN("none")}))
		throws := ""
		r.Functions.On("pre", func(e *lambdas.Event) string {
			e.Response["autoConfirmUser"] = true
			return throws
		})
		in := &idp.AdminCreateUserRequest{UserPoolId: sn.ID, Username: "alice", MessageAction: "SUPPRESS"}
		out, err := r.AdminCreateUser(t.Context(), in)
		if err != nil || out.User.UserStatus != idp.UserStatusTypeForceChangePassword {
			t.Fatalf("%v, %v", out, err)
		}
		events := r.Functions.Events()
		if len(events) != 1 || events[0].TriggerSource != "PreSignUp_AdminCreateUser" || events[0].CallerContext["clientId"] != "CLIENT_ID_NOT_APPLICABLE" {
			t.Errorf("events: %v", events)
		}
		throws, in.Username = "no", "bob"
		_, err = r.AdminCreateUser(t.Context(), in)
		wantSays(t, err, "UserLambdaValidationException: PreSignUp failed with error no.")
		if _, err := r.Resolve(t.Context(), sn, "bob"); err == nil {
			t.Error("the user is stored")
		}
	})
}

// TestPreSignUpComesAfterTaken: the function is not asked about somebody who
// cannot come in, and is about an alias that would move.
func TestPreSignUpComesAfterTaken(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, func(in *idp.CreateUserPoolRequest) {
			services.WithAliases(in)
			in.LambdaConfig = &idp.LambdaConfigType{PreSignUp: lambdas.ARN("pre")}
		})
		r.Functions.On("pre", func(*lambdas.Event) string { return "" })
		r.have(t, sn, "bob", idp.UserStatusTypeConfirmed, verified("b@example.com"))
		proven := attributes("email", "b@example.com", "email_verified", "true")
		rows := []struct {
			name, user string
			attributes []idp.AttributeType
			force      bool
			want       string
			asked      int
		}{
			{"username", "bob", nil, false, "UsernameExistsException: User account already exists", 0},
			{"username, by force", "bob", nil, true, "UsernameExistsException: User account already exists", 0},
			{"alias", "carol", proven, false, "AliasExistsException: An account with the given email already exists.", 0},
			{"alias, by force", "dave", proven, true, "", 1},
			{"free", "erin", nil, false, "", 1},
		}
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				r.Functions.Events()
				_, err := r.AdminCreateUser(t.Context(), &idp.AdminCreateUserRequest{
					UserPoolId: sn.ID, Username: row.user, MessageAction: "SUPPRESS", UserAttributes: row.attributes, ForceAliasCreation: &row.force,
				})
				wantSays(t, err, row.want)
				if n := len(r.Functions.Events()); n != row.asked {
					t.Errorf("the function was asked %d times, not %d", n, row.asked)
				}
			})
		}
	})
}
