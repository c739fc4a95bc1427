package server_test

import (
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	cttypes "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"cognate/internal/outbound"
	"cognate/internal/server"
	"cognate/test/serving"
)

// audited runs a test on a server that records, with each database.
func audited(t *testing.T, f func(t *testing.T, r serving.Rig)) {
	engines(t, f, func(c *server.Config) { c.Audit = "on" })
}

// audit runs a command about the audit trail of a server.
func audit(t *testing.T, r serving.Rig, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	c := r.Config.WithDefaults()
	args = append([]string{"audit"}, args...)
	args = append(args, "--data", c.Data)
	if c.Database != "" {
		args = append(args, "--database", string(c.Database), "--kek-file", c.KEKFile)
	}
	return serving.Command(t, nil, args...)
}

// record is what the tests read of a record.
type record struct {
	EventName, EventSource, ErrorCode, ErrorMessage, RequestID, EventID, EventType string
	UserIdentity                                                                   struct{ Type, UserName, AccessKeyID string }
	AdditionalEventData                                                            struct{ Sub, UserPoolID string }
	RequestParameters, ResponseElements                                            map[string]any
	ReadOnly                                                                       bool
}

// records returns what a search prints, as text and read.
func records(t *testing.T, r serving.Rig, args ...string) (text string, list []record) {
	t.Helper()
	code, out, errs := audit(t, r, append([]string{"search", "--json", "--limit", "1000"}, args...)...)
	if code != 0 {
		t.Fatalf("search: %d %s", code, errs)
	}
	for line := range strings.Lines(out) {
		var e record
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		list = append(list, e)
	}
	return out, list
}

func settings(r serving.Rig) aws.Config {
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(r.URL()), HTTPClient: outbound.NewAWSClient(aws.Config{}), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("dev", "dev", ""),
	}
}

// TestAuditTrail drives each kind of operation and page with secrets and names that are easy to
// find, and wants a record of each request, and none of those texts in any record.
func TestAuditTrail(t *testing.T) {
	t.Parallel()
	audited(t, func(t *testing.T, r serving.Rig) {
		const name, secret, address = "marked-name", "Marked-Secret-1", "marked-address@example.com"
		ctx, sdk := t.Context(), r.Dev()
		made, err := sdk.CreateUserPool(ctx, &cip.CreateUserPoolInput{PoolName: aws.String("people")})
		pool := *serving.Must(t, made, err).UserPool.Id
		client := newClient(t, r, pool)
		_, err = sdk.CreateUserPoolDomain(ctx, &cip.CreateUserPoolDomainInput{UserPoolId: &pool, Domain: aws.String("audited")})
		serving.Want(t, err, "")
		user, err := sdk.AdminCreateUser(ctx, &cip.AdminCreateUserInput{
			UserPoolId: &pool, Username: aws.String(name), TemporaryPassword: aws.String(secret), MessageAction: types.MessageActionTypeSuppress,
			UserAttributes: []types.AttributeType{{Name: aws.String("email"), Value: aws.String(address)}},
			ClientMetadata: map[string]string{"key": secret},
		})
		sub := ""
		for _, a := range serving.Must(t, user, err).User.Attributes {
			if *a.Name == "sub" {
				sub = *a.Value
			}
		}
		_, err = sdk.AdminSetUserPassword(ctx, &cip.AdminSetUserPasswordInput{UserPoolId: &pool, Username: aws.String(name), Password: aws.String(secret), Permanent: true})
		serving.Want(t, err, "")
		_, err = sdk.AdminGetUser(ctx, &cip.AdminGetUserInput{UserPoolId: &pool, Username: aws.String(name + "-unknown")})
		serving.Want(t, err, "UserNotFoundException")
		_, err = sdk.ListUsers(ctx, &cip.ListUsersInput{UserPoolId: &pool, Filter: aws.String(`email = "` + address + `"`)})
		serving.Want(t, err, "")
		_, err = signIn(t, r, client, name, secret+"-wrong")
		serving.Want(t, err, "NotAuthorizedException")
		in, err := signIn(t, r, client, name, secret)
		tokens := serving.Must(t, in, err).AuthenticationResult
		_, err = sdk.GetUser(ctx, &cip.GetUserInput{AccessToken: tokens.AccessToken})
		serving.Want(t, err, "")
		_, err = sdk.SignUp(ctx, &cip.SignUpInput{ClientId: &client, Username: aws.String(name + "-2"), Password: aws.String(secret)})
		serving.Want(t, err, "")
		_, err = sdk.ConfirmSignUp(ctx, &cip.ConfirmSignUpInput{ClientId: &client, Username: aws.String(name + "-2"), ConfirmationCode: aws.String("000000")})
		if err == nil {
			t.Error("a wrong code is accepted")
		}
		// A constraint is broken: its message repeats the value.
		status, _ := call(t, r, "SignUp", `{"ClientId":"`+client+`","Username":"`+name+` '  at 'x","Password":"`+secret+`","UserAttributes":[{"Name":"`+strings.Repeat("a", 40)+`"}]}`, nil)
		if status != http.StatusBadRequest {
			t.Errorf("status %d", status)
		}

		identities := ci.NewFromConfig(settings(r))
		idPool, err := identities.CreateIdentityPool(ctx, &ci.CreateIdentityPoolInput{IdentityPoolName: aws.String("guests"), AllowUnauthenticatedIdentities: true, DeveloperProviderName: aws.String("own")})
		serving.Must(t, idPool, err)
		guest, err := identities.GetId(ctx, &ci.GetIdInput{IdentityPoolId: idPool.IdentityPoolId})
		serving.Must(t, guest, err)
		_, err = identities.GetOpenIdTokenForDeveloperIdentity(ctx, &ci.GetOpenIdTokenForDeveloperIdentityInput{IdentityPoolId: idPool.IdentityPoolId, Logins: map[string]string{"own": name}})
		serving.Want(t, err, "")

		admin := iam.NewFromConfig(settings(r))
		_, err = admin.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("operator")})
		serving.Want(t, err, "")
		key, err := admin.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String("operator")})
		serving.Must(t, key, err)
		_, err = sts.NewFromConfig(settings(r)).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		serving.Want(t, err, "")
		_, err = r.Client(*key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey).DeleteUserPool(ctx, &cip.DeleteUserPoolInput{UserPoolId: &pool})
		serving.Want(t, err, "AccessDeniedException")

		visitPages(t, r, client, name, secret)
		_, _ = serving.Run(t, nil, append([]string{"admin", "keys", "create", "--name", "second", "--policy", "admin"}, operatorArgs(r)...)...)

		text, list := records(t, r)
		for _, hidden := range []string{name, secret, address, *tokens.AccessToken, *tokens.RefreshToken, *tokens.IdToken, *key.AccessKey.SecretAccessKey, "Marked", "marked"} {
			if i := strings.Index(text, hidden); i >= 0 {
				t.Errorf("a record shows %q: %s", hidden, text[max(0, i-300):min(len(text), i+100)])
			}
		}
		for _, want := range []struct{ name, code string }{
			{"CreateUserPool", ""}, {"AdminCreateUser", ""}, {"AdminSetUserPassword", ""}, {"AdminGetUser", "UserNotFoundException"}, {"ListUsers", ""},
			{"InitiateAuth", "NotAuthorizedException"}, {"InitiateAuth", ""}, {"GetUser", ""}, {"SignUp", ""}, {"SignUp", "InvalidParameterException"},
			{"CreateIdentityPool", ""}, {"GetId", ""}, {"GetOpenIdTokenForDeveloperIdentity", ""}, {"CreateUser", ""}, {"CreateAccessKey", ""},
			{"GetCallerIdentity", ""}, {"DeleteUserPool", "AccessDeniedException"}, {"Login_GET", ""}, {"CognitoAuthentication", "NotAuthorizedException"},
			{"CognitoAuthentication", ""}, {"Token_POST", "invalid_grant"}, {"AuditTrailStart", ""},
		} {
			if !slices.ContainsFunc(list, func(e record) bool { return e.EventName == want.name && e.ErrorCode == want.code }) {
				t.Errorf("no record of %s with error %q", want.name, want.code)
			}
		}
		checkRecords(t, list, sub, *key.AccessKey.AccessKeyId)
		for flag, value := range map[string]string{"--sub": sub, "--access-key": *key.AccessKey.AccessKeyId, "--error": "AccessDeniedException", "--event": "GetId", "--user": "operator"} {
			if _, found := records(t, r, flag, value); len(found) == 0 {
				t.Errorf("search %s %s finds nothing", flag, value)
			}
		}
		verifyAudit(t, r)
	})
}

// operatorArgs are the settings of commands for a server.
func operatorArgs(r serving.Rig) []string {
	c := r.Config.WithDefaults()
	args := []string{"--data", c.Data, "--audit", "on"}
	if c.Database != "" {
		args = append(args, "--database", string(c.Database), "--kek-file", c.KEKFile)
	}
	return args
}

// visitPages signs in at the domain's pages, first with a wrong password, and calls an endpoint.
func visitPages(t *testing.T, r serving.Rig, client, name, secret string) {
	t.Helper()
	_, err := r.Dev().UpdateUserPoolClient(t.Context(), &cip.UpdateUserPoolClientInput{
		UserPoolId: poolOf(t, r), ClientId: &client, AllowedOAuthFlowsUserPoolClient: true, AllowedOAuthFlows: []types.OAuthFlowType{types.OAuthFlowTypeCode},
		AllowedOAuthScopes: []string{"openid"}, CallbackURLs: []string{"https://a.example/cb"}, SupportedIdentityProviders: []string{"COGNITO"},
	})
	serving.Want(t, err, "")
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	do := func(method, address string, form url.Values) string {
		req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		res, err := browser.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var b strings.Builder
		if err := res.Write(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	base := r.URL() + "/_domain/audited"
	page := base + "/login?" + url.Values{
		"client_id": {client}, "redirect_uri": {"https://a.example/cb"}, "response_type": {"code"}, "scope": {"openid"}, "state": {secret}, "login_hint": {name},
		"surprise": {secret}, secret: {"x"},
	}.Encode()
	for _, password := range []string{secret + "-wrong", secret} {
		body := do(http.MethodGet, page, nil)
		m := regexp.MustCompile(`name="_csrf" value="([^"]+)"`).FindStringSubmatch(body)
		if m == nil {
			t.Fatalf("no form: %s", body)
		}
		do(http.MethodPost, page, url.Values{"_csrf": {m[1]}, "username": {name}, "password": {password}})
	}
	do(http.MethodPost, base+"/oauth2/token", url.Values{"grant_type": {"authorization_code"}, "client_id": {client}, "code": {secret}, "redirect_uri": {"https://a.example/cb"}})
}

func poolOf(t *testing.T, r serving.Rig) *string {
	t.Helper()
	out, err := r.Dev().ListUserPools(t.Context(), &cip.ListUserPoolsInput{MaxResults: aws.Int32(1)})
	return serving.Must(t, out, err).UserPools[0].Id
}

// checkRecords looks at the members of some records.
func checkRecords(t *testing.T, list []record, sub, key string) {
	t.Helper()
	requests := map[string]bool{}
	for _, e := range list {
		if e.RequestID != "" && requests[e.RequestID] {
			t.Errorf("request %s has two records", e.RequestID)
		}
		requests[e.RequestID] = true
		switch {
		case e.EventName == "AdminSetUserPassword":
			if e.AdditionalEventData.Sub != sub || e.RequestParameters["password"] != "HIDDEN_DUE_TO_SECURITY_REASONS" || e.ReadOnly {
				t.Errorf("%+v", e)
			}
		case e.EventName == "InitiateAuth" && e.ErrorCode == "":
			if e.AdditionalEventData.Sub != sub || e.UserIdentity.Type != "Unknown" || e.RequestParameters["clientId"] == nil {
				t.Errorf("%+v", e)
			}
		case e.EventName == "DeleteUserPool":
			if e.UserIdentity.Type != "IAMUser" || e.UserIdentity.UserName != "operator" || e.UserIdentity.AccessKeyID != key || e.ErrorMessage == "" {
				t.Errorf("%+v", e)
			}
		case e.EventName == "CognitoAuthentication" && e.ErrorCode == "":
			if e.AdditionalEventData.Sub != sub || e.AdditionalEventData.UserPoolID == "" || e.EventType != "AwsServiceEvent" {
				t.Errorf("%+v", e)
			}
		}
	}
}

// verifyAudit verifies by the commands, with a checkpoint, and wants a changed checkpoint to be
// refused.
func verifyAudit(t *testing.T, r serving.Rig) {
	t.Helper()
	code, checkpoint, errs := audit(t, r, "checkpoint")
	if code != 0 {
		t.Fatalf("checkpoint: %s", errs)
	}
	file := filepath.Join(t.TempDir(), "checkpoint.json")
	if err := os.WriteFile(file, []byte(checkpoint), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := audit(t, r, "verify", "--checkpoint", file); code != 0 || !strings.Contains(out, "intact") {
		t.Errorf("verify: %d %s%s", code, out, errs)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(checkpoint, `"seq":`, `"seq":1`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, _ := audit(t, r, "verify", "--checkpoint", file); code == 0 {
		t.Error("a changed checkpoint is accepted")
	}
}

// TestLookupEvents reads the trail by CloudTrail's client.
func TestLookupEvents(t *testing.T) {
	t.Parallel()
	audited(t, func(t *testing.T, r serving.Rig) {
		ctx, ct := t.Context(), cloudtrail.NewFromConfig(settings(r))
		for _, name := range []string{"one", "two", "three"} {
			_, err := r.Dev().CreateUserPool(ctx, &cip.CreateUserPoolInput{PoolName: &name})
			serving.Want(t, err, "")
		}
		by := func(key cttypes.LookupAttributeKey, value string) *cloudtrail.LookupEventsInput {
			return &cloudtrail.LookupEventsInput{LookupAttributes: []cttypes.LookupAttribute{{AttributeKey: key, AttributeValue: &value}}}
		}
		// Pages of one event each, the newest first.
		in := by(cttypes.LookupAttributeKeyEventName, "CreateUserPool")
		in.MaxResults = aws.Int32(1)
		pages := cloudtrail.NewLookupEventsPaginator(ct, in)
		var events []cttypes.Event
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			events = append(events, page.Events...)
		}
		if len(events) != 3 {
			t.Fatalf("%d events", len(events))
		}
		for i, e := range events {
			if i > 0 && e.EventTime.After(*events[i-1].EventTime) {
				t.Errorf("event %d is newer than the one before", i)
			}
		}
		e := events[0]
		if *e.EventSource != "cognito-idp.amazonaws.com" || *e.ReadOnly != "false" || !strings.Contains(*e.CloudTrailEvent, `"poolName":"three"`) {
			t.Errorf("%s %s %s", *e.EventSource, *e.ReadOnly, *e.CloudTrailEvent)
		}
		for _, tt := range []struct {
			key   cttypes.LookupAttributeKey
			value string
			want  int
		}{
			{cttypes.LookupAttributeKeyEventId, *e.EventId, 1}, {cttypes.LookupAttributeKeyEventId, "x", 0},
			{cttypes.LookupAttributeKeyReadOnly, "false", 4}, {cttypes.LookupAttributeKeyEventSource, "cognito-idp.amazonaws.com", 3},
			{cttypes.LookupAttributeKeyAccessKeyId, "AKIAAAAAAAAAAAAAAAAA", 0}, {cttypes.LookupAttributeKeyResourceType, "AWS::IAM::Role", 0},
			{cttypes.LookupAttributeKeyUsername, "nobody", 0}, {cttypes.LookupAttributeKeyResourceName, "us-east-1_none", 0},
		} {
			out, err := ct.LookupEvents(ctx, by(tt.key, tt.value))
			if n := len(serving.Must(t, out, err).Events); n != tt.want {
				t.Errorf("%s %s: %d events, want %d", tt.key, tt.value, n, tt.want)
			}
		}
		past := time.Now().Add(-time.Hour)
		for code, in := range map[string]*cloudtrail.LookupEventsInput{
			"InvalidMaxResultsException":       {MaxResults: aws.Int32(51)},
			"InvalidTimeRangeException":        {StartTime: aws.Time(time.Now()), EndTime: &past},
			"InvalidNextTokenException":        {NextToken: aws.String("x")},
			"InvalidLookupAttributesException": by("Colour", "red"),
			"InvalidEventCategoryException":    {EventCategory: "other"},
		} {
			_, err := ct.LookupEvents(ctx, in)
			serving.Want(t, err, code)
		}
		admin := iam.NewFromConfig(settings(r))
		_, err := admin.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("nobody")})
		serving.Want(t, err, "")
		key, err := admin.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String("nobody")})
		serving.Must(t, key, err)
		s := settings(r)
		s.Credentials = credentials.NewStaticCredentialsProvider(*key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey, "")
		_, err = cloudtrail.NewFromConfig(s).LookupEvents(ctx, &cloudtrail.LookupEventsInput{})
		serving.Want(t, err, "AccessDeniedException")
	})
}
