package credentials_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"cognate/test/serving"
)

// TestAuthorizationMessage wants a refusal to carry a message that only a caller with the
// permission can read.
func TestAuthorizationMessage(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		ada := r.user(t, "ada", `{"Sid":"NoPools","Effect":"Deny","Action":"cognito-idp:ListUserPools","Resource":"*"},`+allow("*"))
		bob := r.user(t, "bob", "")
		encoded := func(c aws.CredentialsProvider, reason string) string {
			_, err := cip.NewFromConfig(r.settings(c)).ListUserPools(ctx, &cip.ListUserPoolsInput{MaxResults: aws.Int32(1)})
			serving.Want(t, err, "AccessDeniedException")
			_, message, ok := strings.Cut(err.Error(), reason+". Encoded authorization failure message: ")
			if !ok {
				t.Fatalf("no message: %v", err)
			}
			return message
		}
		var m struct {
			Allowed, ExplicitDeny bool
			MatchedStatements     struct {
				Items []struct{ StatementID, Effect, Policy string }
			}
			Failures struct {
				Items []struct{ Reason string }
			}
			Context struct {
				Principal        struct{ ID, Name, ARN string }
				Action, Resource string
				Conditions       struct {
					Items []struct {
						Key    string
						Values struct{ Items []struct{ Value string } }
					}
				}
			}
		}
		decode := func(message string) {
			t.Helper()
			out, err := r.sts(ada).DecodeAuthorizationMessage(ctx, &sts.DecodeAuthorizationMessageInput{EncodedMessage: &message})
			check(t, err)
			check(t, json.Unmarshal([]byte(*out.DecodedMessage), &m))
		}
		denied := encoded(ada, "with an explicit deny in an identity-based policy")
		decode(denied)
		if !m.ExplicitDeny || m.Allowed || len(m.MatchedStatements.Items) != 1 || m.MatchedStatements.Items[0].StatementID != "NoPools" || m.MatchedStatements.Items[0].Policy != "p" ||
			m.Context.Action != "cognito-idp:ListUserPools" || m.Context.Principal.ARN != "arn:aws:iam::"+account+":user/ada" || len(m.Context.Conditions.Items) < 8 {
			t.Errorf("message %+v", m)
		}
		decode(encoded(bob, "because no identity-based policy allows the cognito-idp:ListUserPools action"))
		if m.ExplicitDeny || len(m.Failures.Items) != 1 || m.Context.Principal.Name != "bob" {
			t.Errorf("message %+v", m)
		}
		_, err := r.sts(bob).DecodeAuthorizationMessage(ctx, &sts.DecodeAuthorizationMessageInput{EncodedMessage: &denied})
		want(t, err, "AccessDenied", "User: arn:aws:iam::"+account+":user/bob is not authorized to perform: sts:DecodeAuthorizationMessage on resource: * …")
		for _, bad := range []string{"x", denied[:20] + "AAAAAAAA" + denied[28:], denied + "A", strings.Repeat("A", 10240)} {
			_, err := r.root().DecodeAuthorizationMessage(ctx, &sts.DecodeAuthorizationMessageInput{EncodedMessage: &bad})
			want(t, err, "InvalidAuthorizationMessageException", "")
		}
		r.ahead.Store(int64(24 * time.Hour))
		_, err = r.root().DecodeAuthorizationMessage(ctx, &sts.DecodeAuthorizationMessageInput{EncodedMessage: &denied})
		want(t, err, "InvalidAuthorizationMessageException", "")
	})
}
