package server_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/internal/server"
	"cognate/internal/server/usage"
	"cognate/test/patience"
	"cognate/test/serving"
)

// TestMetricsOfPeople: sign-ups, sign-ins and refreshes are counted by pool and app client,
// and `cognate usage` shows the active users of the month.
func TestMetricsOfPeople(t *testing.T) {
	t.Parallel()
	began := time.Now() // The clock stands still, so that no month ends in the middle of the test.
	month := began.UTC().Format("2006-01")
	engines(t, func(t *testing.T, r serving.Rig) {
		ctx, pool := t.Context(), serving.NewPool(t, r)
		client := newClient(t, r, pool)
		newUser(t, r, pool, "alice")
		newUser(t, r, pool, "bob")
		_, err := r.Dev().SignUp(ctx, &cip.SignUpInput{
			ClientId: &client, Username: aws.String("carol"), Password: aws.String(password),
			UserAttributes: []types.AttributeType{{Name: aws.String("email"), Value: aws.String("carol@example.com")}},
		})
		serving.Want(t, err, "")
		_, err = r.Dev().SignUp(ctx, &cip.SignUpInput{ClientId: &client, Username: aws.String("carol"), Password: aws.String("too-simple")})
		serving.Want(t, err, "InvalidPasswordException")
		out, err := signIn(t, r, client, "alice", password)
		serving.Want(t, err, "")
		_, err = signIn(t, r, client, "alice", "Wrong-password-1")
		serving.Want(t, err, "NotAuthorizedException")
		_, err = signIn(t, r, strings.Repeat("a", 26), "alice", password)
		serving.Want(t, err, "ResourceNotFoundException")
		_, err = r.Dev().AdminInitiateAuth(ctx, &cip.AdminInitiateAuthInput{
			ClientId: &client, UserPoolId: &pool, AuthFlow: types.AuthFlowTypeAdminUserPasswordAuth,
			AuthParameters: map[string]string{"USERNAME": "alice", "PASSWORD": password},
		})
		serving.Want(t, err, "")
		_, err = r.Dev().AdminInitiateAuth(ctx, &cip.AdminInitiateAuthInput{
			ClientId: &client, UserPoolId: aws.String("us-east-1_NoSuchPol"), AuthFlow: types.AuthFlowTypeAdminUserPasswordAuth,
			AuthParameters: map[string]string{"USERNAME": "alice", "PASSWORD": password},
		})
		serving.Want(t, err, "ResourceNotFoundException")
		for _, token := range []string{*out.AuthenticationResult.RefreshToken, "none of ours"} {
			_, err = r.Dev().InitiateAuth(ctx, &cip.InitiateAuthInput{
				ClientId: &client, AuthFlow: types.AuthFlowTypeRefreshTokenAuth, AuthParameters: map[string]string{"REFRESH_TOKEN": token},
			})
			serving.Want(t, err, map[bool]string{true: "NotAuthorizedException"}[token == "none of ours"])
		}
		_, err = r.Dev().AdminDeleteUser(ctx, &cip.AdminDeleteUserInput{UserPoolId: &pool, Username: aws.String("bob")})
		serving.Want(t, err, "")

		_, metrics := serving.Get(t, "http://"+r.PrivateAddr()+"/metrics")
		of := func(name, client, result string, n string) string {
			return name + `{client="` + client + `",pool="` + pool + `",result="` + result + `"} ` + n
		}
		for _, line := range []string{
			of("cognate_sign_ups_total", "Admin", "success", "2"), of("cognate_sign_ups_total", client, "success", "1"), of("cognate_sign_ups_total", client, "failure", "1"),
			of("cognate_sign_ins_total", client, "success", "1"), of("cognate_sign_ins_total", client, "failure", "1"), of("cognate_sign_ins_total", "Admin", "success", "1"),
			`cognate_sign_ins_total{client="Invalid",pool="Invalid",result="failure"} 1`, `cognate_sign_ins_total{client="Admin",pool="Invalid",result="failure"} 1`,
			of("cognate_token_refreshes_total", client, "success", "1"), of("cognate_token_refreshes_total", client, "failure", "1"),
			`cognate_crypto_refused_total 0`, `cognate_cache_hits_total{cache="pools"} `, `cognate_cache_misses_total{cache="access_tokens"} `,
			`cognate_database_duration_seconds_count{kind="update",result="ok"} `, `cognate_database_duration_seconds_count{kind="read",result="ok"} `,
			`cognate_active_users_dropped_total 0`,
		} {
			wantMetric(t, metrics, line)
		}

		// alice and bob were made, alice signed in by the client, carol signed up there, and
		// bob was deleted.
		want := map[string]int64{"": 3, client: 2}
		if d := usageOf(t, r, "--month", month, "--pool", pool); len(d) != 2 || d[0].Users != want[d[0].Client] || d[1].Users != want[d[1].Client] {
			t.Errorf("%+v", d)
		}
		table, _ := serving.Run(t, nil, append([]string{"usage", "--months", "2"}, where(r)...)...)
		if !strings.Contains(table, "MONTH") || !strings.Contains(table, pool) || !strings.Contains(table, "(all)") {
			t.Error(table)
		}
		// The pool is deleted, and its month stays.
		_, err = r.Dev().DeleteUserPool(ctx, &cip.DeleteUserPoolInput{UserPoolId: &pool})
		serving.Want(t, err, "")
		if d := usageOf(t, r, "--month", month, "--pool", pool); len(d) != 2 {
			t.Errorf("after the pool's deletion: %+v", d)
		}
		for _, args := range [][]string{{"--month", "November"}, {"--pool", "us-east-1_NoSuchPol"}, {"--months", "1000"}} {
			if code, _, _ := serving.Command(t, nil, append(append([]string{"usage"}, args...), where(r)...)...); code == 0 {
				t.Errorf("%v is accepted", args)
			}
		}
	}, func(c *server.Config) { c.Now = func() time.Time { return began } })
}

// where returns the flags by which a command finds the rig's database.
func where(r serving.Rig) []string {
	if r.Config.Database != "" {
		return []string{"--database", string(r.Config.Database), "--kek-file", r.Config.Data + "/kek"}
	}
	return []string{"--data", r.Config.Data}
}

// usageOf runs `cognate usage` once the server has written what it gathered.
func usageOf(t *testing.T, r serving.Rig, args ...string) []usage.Count {
	t.Helper()
	if r.Config.Database != "" { // The command runs beside the server.
		patience.Until(t, "the server has written the active users", func() bool {
			_, metrics := serving.Get(t, "http://"+r.PrivateAddr()+"/metrics")
			return strings.Contains(metrics, "\ncognate_active_users_waiting 0\n")
		})
	}
	out, _ := serving.Run(t, nil, append(append([]string{"usage", "--json"}, args...), where(r)...)...)
	var list []usage.Count
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatal(err, out)
	}
	return list
}

// wantMetric wants a line of the metrics.
func wantMetric(t *testing.T, metrics, line string) {
	t.Helper()
	if !strings.Contains(metrics, "\n"+line) {
		t.Errorf("the metrics have no %s", line)
	}
}
