package credentials_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/google/go-cmp/cmp"

	"cognate/test/serving"
)

const trustAccount = `{"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]}`

// who returns the ARN and the id of a caller.
func (r *rig) who(t *testing.T, c aws.CredentialsProvider) [2]string {
	t.Helper()
	out, err := r.sts(c).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	check(t, err)
	if *out.Account != account {
		t.Errorf("account %s", *out.Account)
	}
	return [2]string{*out.Arn, *out.UserId}
}

func TestAssumeRole(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		ada := r.user(t, "ada", allow("sts:AssumeRole"))
		r.role(t, "app", trustAccount, allow("cognito-idp:*"))
		out, err := r.sts(ada).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: new(roleARN + "app"), RoleSessionName: new("one")})
		check(t, err)
		if out.PackedPolicySize != nil || time.Until(*out.Credentials.Expiration) > time.Hour { //nolint:staticcheck // older clients read PackedPolicySize
			t.Errorf("answer %+v", out)
		}
		arn := "arn:aws:sts::" + account + ":assumed-role/app/one"
		if diff := cmp.Diff([2]string{arn, *out.AssumedRoleUser.AssumedRoleId}, r.who(t, of(out.Credentials))); diff != "" || *out.AssumedRoleUser.Arn != arn {
			t.Error(diff)
		}
		if code := r.pools(t, of(out.Credentials)); code != "" {
			t.Errorf("ListUserPools: %s", code)
		}
		limited, err := r.sts(ada).AssumeRole(ctx, &sts.AssumeRoleInput{
			RoleArn: new(roleARN + "app"), RoleSessionName: new("two"), Policy: document(allow("s3:*")), MinimumSessionTokenSize: aws.Int32(2000),
		})
		check(t, err)
		if code := r.pools(t, of(limited.Credentials)); code != "AccessDeniedException" || *limited.PackedPolicySize < 1 || *limited.SessionTokenSize < 2000 || *limited.SessionTokenUtilization < 49 { //nolint:staticcheck // older clients read PackedPolicySize
			t.Errorf("with a session policy: %s, %+v", code, limited)
		}
		// The role's policies count as they are now; a session ends with its role.
		_, err = r.iam.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: new("app"), PolicyName: new("p")})
		check(t, err)
		if code := r.pools(t, of(out.Credentials)); code != "AccessDeniedException" {
			t.Errorf("without the policy: %q", code)
		}
		_, err = r.iam.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: new("app")})
		check(t, err)
		if code := r.pools(t, of(out.Credentials)); code != "UnrecognizedClientException" {
			t.Errorf("without the role: %q", code)
		}
	})
}

func TestAssumeRoleRefuses(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	ada, bob := r.user(t, "ada", allow("sts:AssumeRole")), r.user(t, "bob", "")
	const external = `{"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"agreed"}}}`
	r.role(t, "open", trustAccount, allow("s3:*"))
	r.role(t, "external", external, allow("s3:*"))
	r.role(t, "bobs", `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::`+account+`:user/bob"},"Action":"sts:AssumeRole"}`, allow("s3:*"))
	in := func(role string, change func(in *sts.AssumeRoleInput)) *sts.AssumeRoleInput {
		in := &sts.AssumeRoleInput{RoleArn: new(roleARN + role), RoleSessionName: new("one")}
		if change != nil {
			change(in)
		}
		return in
	}
	denied := func(user, action, role string) string {
		return "User: arn:aws:iam::" + account + ":user/" + user + " is not authorized to perform: " + action + " on resource: " + roleARN + role
	}
	tests := []struct {
		name       string
		caller     aws.CredentialsProvider
		in         *sts.AssumeRoleInput
		code, text string // "" if it is allowed
	}{
		{"trusted by name, without a policy", bob, in("bobs", nil), "", ""},
		{"not trusted", ada, in("bobs", nil), "AccessDenied", denied("ada", "sts:AssumeRole", "bobs. Encoded authorization failure message: …")},
		{"trusted account, without a policy", bob, in("open", nil), "AccessDenied", denied("bob", "sts:AssumeRole", "open…")},
		{"no role", ada, in("none", nil), "AccessDenied", denied("ada", "sts:AssumeRole", "none. Encoded authorization failure message: …")},
		{"agreed external id", ada, in("external", func(in *sts.AssumeRoleInput) { in.ExternalId = new("agreed") }), "", ""},
		{"another external id", ada, in("external", func(in *sts.AssumeRoleInput) { in.ExternalId = new("other") }), "AccessDenied", denied("ada", "sts:AssumeRole", "external…")},
		{"no external id", ada, in("external", nil), "AccessDenied", denied("ada", "sts:AssumeRole", "external…")},
		{"tags without the permission", ada, in("open", func(in *sts.AssumeRoleInput) { in.Tags = tags("team", "red") }), "AccessDenied", denied("ada", "sts:TagSession", "open…")},
		{"tags that differ by case", ada, in("open", func(in *sts.AssumeRoleInput) { in.Tags = tags("team", "red", "Team", "blue") }), "ValidationError", ""},
		{"transitive key without a tag", ada, in("open", func(in *sts.AssumeRoleInput) { in.TransitiveTagKeys = []string{"team"} }), "ValidationError", ""},
		{"too long", ada, in("open", func(in *sts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(3601) }), "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."},
		{"too short", ada, in("open", func(in *sts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(899) }), "ValidationError", ""},
		{"policy that is none", ada, in("open", func(in *sts.AssumeRoleInput) { in.Policy = new("{}") }), "MalformedPolicyDocument", ""},
		{"long policy", ada, in("open", func(in *sts.AssumeRoleInput) { in.Policy = new(strings.Repeat("x", 2049)) }), "PackedPolicyTooLarge", "Packed policy consumes 101% of allotted space, please use smaller policy."},
		{"unknown managed policy", ada, in("open", func(in *sts.AssumeRoleInput) {
			in.PolicyArns = []ststypes.PolicyDescriptorType{{Arn: new("arn:aws:iam::aws:policy/None")}}
		}), "MalformedPolicyDocument", "The policy arn:aws:iam::aws:policy/None does not exist or is not attachable."},
		{"code of a device", ada, in("open", func(in *sts.AssumeRoleInput) {
			in.SerialNumber, in.TokenCode = new("arn:aws:iam::1:mfa/a"), new("123456")
		}), "AccessDenied", "MultiFactorAuthentication failed…"},
		{"nobody", aws.AnonymousCredentials{}, in("open", nil), "MissingAuthenticationToken", "Request is missing Authentication Token"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := r.sts(tt.caller).AssumeRole(t.Context(), tt.in)
			if tt.code == "" {
				check(t, err)
				return
			}
			want(t, err, tt.code, tt.text)
		})
	}
}

func tags(pairs ...string) []ststypes.Tag {
	var list []ststypes.Tag
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, ststypes.Tag{Key: &pairs[i], Value: &pairs[i+1]})
	}
	return list
}

// TestRoleChaining wants transitive tags and the source identity to stay, and sessions to be short.
func TestRoleChaining(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	ctx := t.Context()
	ada := r.user(t, "ada", allow("sts:*"))
	r.role(t, "first", trustAccount, allow("sts:*"))
	r.role(t, "second", strings.Replace(trustAccount, `"Action"`, `"Condition":{"StringEquals":{"aws:PrincipalTag/team":"red","aws:RequestTag/team":"red","sts:SourceIdentity":"ada"}},"Action"`, 1),
		`{"Effect":"Allow","Action":"cognito-idp:*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"red","aws:SourceIdentity":"ada"},"Null":{"aws:PrincipalTag/stage":"true"}}}`)
	for _, role := range []string{"first", "second"} {
		_, err := r.iam.UpdateRole(ctx, &iam.UpdateRoleInput{RoleName: &role, MaxSessionDuration: aws.Int32(7200)})
		check(t, err)
	}
	first, err := r.sts(ada).AssumeRole(ctx, &sts.AssumeRoleInput{
		RoleArn: new(roleARN + "first"), RoleSessionName: new("one"), DurationSeconds: aws.Int32(7200),
		Tags: tags("team", "red", "stage", "test"), TransitiveTagKeys: []string{"team"}, SourceIdentity: new("ada"),
	})
	check(t, err)
	chained := r.sts(of(first.Credentials))
	next := sts.AssumeRoleInput{RoleArn: new(roleARN + "second"), RoleSessionName: new("two")}
	second, err := chained.AssumeRole(ctx, &next)
	check(t, err)
	if aws.ToString(second.SourceIdentity) != "ada" {
		t.Errorf("source identity %q", aws.ToString(second.SourceIdentity))
	}
	if code := r.pools(t, of(second.Credentials)); code != "" {
		t.Errorf("ListUserPools: %s", code)
	}
	long := next
	long.DurationSeconds = aws.Int32(3601)
	_, err = chained.AssumeRole(ctx, &long)
	want(t, err, "ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
	tagged := next
	tagged.Tags = tags("Team", "blue")
	_, err = chained.AssumeRole(ctx, &tagged)
	want(t, err, "ValidationError", "")
	renamed := next
	renamed.SourceIdentity = new("bob")
	_, err = chained.AssumeRole(ctx, &renamed)
	want(t, err, "AccessDenied", "User: arn:aws:sts::"+account+":assumed-role/first/one is not authorized to perform: sts:SetSourceIdentity on resource: "+roleARN+"second")
}

// TestSessionToken wants a session of a user to have the user's permissions, but for IAM and most
// of STS, and to end with the user's access key.
func TestSessionToken(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		ada := r.user(t, "ada", allow("*"))
		made, err := r.sts(ada).GetSessionToken(ctx, &sts.GetSessionTokenInput{DurationSeconds: aws.Int32(900)})
		check(t, err)
		session := of(made.Credentials)
		if diff := cmp.Diff(r.who(t, ada), r.who(t, session)); diff != "" {
			t.Error(diff)
		}
		if code := r.pools(t, session); code != "" {
			t.Errorf("ListUserPools: %s", code)
		}
		_, err = iam.NewFromConfig(r.settings(session)).ListUsers(ctx, &iam.ListUsersInput{})
		want(t, err, "AccessDenied", "User: arn:aws:iam::"+account+":user/ada is not authorized to perform: iam:ListUsers on resource: * because no session policy allows the iam:ListUsers action")
		_, err = r.sts(session).GetSessionToken(ctx, &sts.GetSessionTokenInput{})
		want(t, err, "AccessDenied", "Cannot call GetSessionToken with session credentials")
		_, err = r.sts(session).GetFederationToken(ctx, &sts.GetFederationTokenInput{Name: new("dora")})
		want(t, err, "AccessDenied", "Cannot call GetFederationToken with session credentials")
		r.role(t, "app", trustAccount, allow("s3:*"))
		_, err = r.sts(session).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: new(roleARN + "app"), RoleSessionName: new("one")})
		check(t, err)
		_, err = r.sts(ada).GetSessionToken(ctx, &sts.GetSessionTokenInput{SerialNumber: new("GAHT12345678"), TokenCode: new("123456")})
		want(t, err, "AccessDenied", "MultiFactorAuthentication failed…")
		key, err := ada.Retrieve(ctx)
		check(t, err)
		_, err = r.iam.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{UserName: new("ada"), AccessKeyId: &key.AccessKeyID, Status: "Inactive"})
		check(t, err)
		if code := r.pools(t, session); code != "UnrecognizedClientException" {
			t.Errorf("after its key was switched off: %q", code)
		}
		r.ahead.Store(int64(time.Hour))
		if code := r.pools(t, session); code != "ExpiredTokenException" {
			t.Errorf("after its end: %q", code)
		}
	})
}

// TestFederationToken wants a federated user to have what both the user and the session policy
// allow, and nothing without a session policy.
func TestFederationToken(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		ada, bob := r.user(t, "ada", allow("*")), r.user(t, "bob", allow("cognito-idp:*"))
		made, err := r.sts(ada).GetFederationToken(ctx, &sts.GetFederationTokenInput{Name: new("dora"), Policy: document(allow("*")), Tags: tags("team", "red")})
		check(t, err)
		dora := of(made.Credentials)
		name := [2]string{"arn:aws:sts::" + account + ":federated-user/dora", account + ":dora"}
		if diff := cmp.Diff(name, r.who(t, dora)); diff != "" || *made.FederatedUser.Arn != name[0] || *made.FederatedUser.FederatedUserId != name[1] || *made.PackedPolicySize < 1 { //nolint:staticcheck // older clients read PackedPolicySize
			t.Errorf("%+v %s", made, diff)
		}
		if code := r.pools(t, dora); code != "" {
			t.Errorf("ListUserPools: %s", code)
		}
		_, err = iam.NewFromConfig(r.settings(dora)).ListUsers(ctx, &iam.ListUsersInput{})
		serving.Want(t, err, "AccessDenied")
		r.role(t, "app", trustAccount, allow("s3:*"))
		_, err = r.sts(dora).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: new(roleARN + "app"), RoleSessionName: new("one")})
		want(t, err, "AccessDenied", "User: "+name[0]+" is not authorized to perform: sts:AssumeRole on resource: "+roleARN+"app")
		none, err := r.sts(ada).GetFederationToken(ctx, &sts.GetFederationTokenInput{Name: new("dora")})
		check(t, err)
		if code := r.pools(t, of(none.Credentials)); code != "AccessDeniedException" {
			t.Errorf("without a session policy: %q", code)
		}
		_, err = r.sts(bob).GetFederationToken(ctx, &sts.GetFederationTokenInput{Name: new("dora")})
		want(t, err, "AccessDenied", "User: arn:aws:iam::"+account+":user/bob is not authorized to perform: sts:GetFederationToken on resource: "+name[0]+" because no identity-based policy allows the sts:GetFederationToken action…")
		// The root user of a development server.
		for _, policy := range []*string{document(allow("cognito-idp:*"))} {
			made, err := r.root().GetFederationToken(ctx, &sts.GetFederationTokenInput{Name: new("eve"), Policy: policy})
			check(t, err)
			if code := r.pools(t, of(made.Credentials)); code != "" {
				t.Errorf("federated by the root user: %s", code)
			}
		}
		_, err = r.iam.DeleteUserPolicy(ctx, &iam.DeleteUserPolicyInput{UserName: new("ada"), PolicyName: new("p")})
		check(t, err)
		if code := r.pools(t, dora); code != "AccessDeniedException" {
			t.Errorf("after the user lost the policy: %q", code)
		}
	})
}

func TestCallers(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	ctx := t.Context()
	root := "arn:aws:iam::" + account + ":root"
	if diff := cmp.Diff([2]string{root, account}, r.who(t, credentials.NewStaticCredentialsProvider("test", "test", "test"))); diff != "" {
		t.Error(diff)
	}
	made, err := r.root().GetSessionToken(ctx, &sts.GetSessionTokenInput{})
	check(t, err)
	if diff := cmp.Diff([2]string{root, account}, r.who(t, of(made.Credentials))); diff != "" || time.Until(*made.Credentials.Expiration) > time.Hour {
		t.Errorf("%s until %s", diff, made.Credentials.Expiration)
	}
	for key, known := range map[string]bool{*made.Credentials.AccessKeyId: true, "AKIAAAAAAAAAAAAAAAAA": false, "ASIAAAAAAAAAAAAAAAAA": false} {
		out, err := r.root().GetAccessKeyInfo(ctx, &sts.GetAccessKeyInfoInput{AccessKeyId: &key})
		if known && (err != nil || *out.Account != account) || !known && serving.Code(err) != "ValidationError" {
			t.Errorf("%s: %v", key, err)
		}
	}
	_, err = r.root().AssumeRoot(ctx, &sts.AssumeRootInput{TargetPrincipal: new("210987654321"), TaskPolicyArn: &ststypes.PolicyDescriptorType{Arn: new("arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials")}})
	want(t, err, "AccessDenied", "User: "+root+" is not authorized to perform: sts:AssumeRoot on resource: 210987654321")
	_, err = r.root().GetDelegatedAccessToken(ctx, &sts.GetDelegatedAccessTokenInput{TradeInToken: new("token")})
	want(t, err, "AccessDenied", "")
}
