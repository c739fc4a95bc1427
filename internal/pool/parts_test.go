package pool_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/api/idp"
)

func TestDomains(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, n *node) {
		id, other, lite := n.newPool(t, ""), n.newPool(t, ""), n.newPool(t, `"UserPoolTier":"LITE"`)
		create := func(pool, domain, more string) error {
			_, err := n.call(t.Context(), "CreateUserPoolDomain", object(`"UserPoolId":"`+pool+`","Domain":"`+domain+`"`, more))
			return err
		}
		unknown := tree(t, `{"DomainDescription":{}}`)
		if diff := cmp.Diff(unknown, n.do(t, "DescribeUserPoolDomain", `{"Domain":"shop"}`)); diff != "" {
			t.Errorf("unknown domain (-want +got):\n%s", diff)
		}
		for _, tt := range []struct{ pool, domain, more, want string }{
			{"us-east-1_unknown00", "shop", "", "ResourceNotFoundException: User pool us-east-1_unknown00 does not exist."},
			{id, "My-Shop", "", badDomainName},
			{id, "-shop", "", badDomainName},
			{id, "shop_1", "", badDomainName},
			{id, "my-aws-shop", "", "InvalidParameterException: Domain cannot contain reserved word: aws"},
			{id, "amazonas", "", "InvalidParameterException: Domain cannot contain reserved word: amazon"},
			{id, "cognito", "", "InvalidParameterException: Domain cannot contain reserved word: cognito"},
			{id, "shop", `"ManagedLoginVersion":3`, "InvalidParameterException: ManagedLoginVersion must be 1 or 2."},
			{lite, "shop", `"ManagedLoginVersion":2`, "FeatureUnavailableInTierException: Managed login is not available in your current tier."},
			{id, "shop", `"Routing":{}`, "InvalidParameterException: Failover of domains (Routing) is not available in this version."},
			{id, "shop", "", ""},
			{id, "shop", "", "InvalidParameterException: User pool already has a domain configured."},
			{id, "shop2", "", "InvalidParameterException: User pool already has a domain configured."},
			{other, "shop", "", "InvalidParameterException: Domain already associated with another user pool."},
			{lite, "lite", "", ""},
		} {
			wantError(t, "CreateUserPoolDomain", create(tt.pool, tt.domain, tt.more), tt.want)
		}
		if got := n.describe(t, id)["Domain"]; got != "shop" {
			t.Errorf("Domain = %v", got)
		}
		if sn, err := n.Load(t.Context(), id); err != nil || sn.Domain != "shop" {
			t.Errorf("snapshot's domain %+v, %v", sn, err)
		}
		if got := n.describe(t, other)["Domain"]; got != nil {
			t.Errorf("the other pool has %v", got)
		}

		n.clock.Pass(time.Second)
		if diff := cmp.Diff(tree(t, `{"ManagedLoginVersion":2}`), n.do(t, "UpdateUserPoolDomain", `{"UserPoolId":"`+id+`","Domain":"shop","ManagedLoginVersion":2}`)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		got := n.do(t, "DescribeUserPoolDomain", `{"Domain":"shop"}`)["DomainDescription"].(map[string]any)
		delete(got, "CustomDomainConfig")
		if diff := cmp.Diff(tree(t, `{"UserPoolId":"`+id+`","AWSAccountId":"123456789012","Domain":"shop","Status":"ACTIVE",
			"Version":"20261122100001","ManagedLoginVersion":2}`), got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		_, err := n.call(t.Context(), "UpdateUserPool", `{"UserPoolId":"`+id+`","UserPoolTier":"LITE"}`)
		wantError(t, "UpdateUserPool", err, "TierChangeNotAllowedException: Managed login must be turned off before the tier is changed to LITE.")
		_, err = n.call(t.Context(), "UpdateUserPoolDomain", `{"UserPoolId":"`+lite+`","Domain":"lite","ManagedLoginVersion":2}`)
		wantError(t, "UpdateUserPoolDomain", err, "FeatureUnavailableInTierException: Managed login is not available in your current tier.")
		if out, err := n.call(in(t, "eu-west-1"), "DescribeUserPoolDomain", `{"Domain":"shop"}`); err != nil || !cmp.Equal(tree(t, out), unknown) {
			t.Errorf("seen from another Region: %s, %v", out, err)
		}

		for _, body := range []string{
			`{"UserPoolId":"` + other + `","Domain":"shop"}`, `{"UserPoolId":"` + id + `","Domain":"unknown"}`, `{"UserPoolId":"us-east-1_unknown00","Domain":"shop"}`,
		} {
			_, err := n.call(t.Context(), "DeleteUserPoolDomain", body)
			wantError(t, "DeleteUserPoolDomain", err, "InvalidParameterException: No such domain or user pool exists.")
		}
		n.do(t, "DeleteUserPoolDomain", `{"UserPoolId":"`+id+`","Domain":"shop"}`)
		if got := n.describe(t, id)["Domain"]; got != nil {
			t.Errorf("Domain = %v after it was deleted", got)
		}
		wantError(t, "CreateUserPoolDomain", create(other, "shop", ""), "")
	})
}

const badDomainName = "InvalidParameterException: The domain name contains an invalid character. Domain names can only contain lower-case letters, numbers, and hyphens. " +
	`Please enter a different name that follows this format: ^[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?$`

// TestCustomDomains calls the methods themselves: what a domain's name may look
// like on the wire is the decoder's affair.
func TestCustomDomains(t *testing.T) {
	t.Parallel()
	n := onSQLite(t)
	certificate := &idp.CustomDomainConfigType{CertificateArn: "arn:aws:acm:us-east-1:123456789012:certificate/c"}
	create := func(pool, domain string, c *idp.CustomDomainConfigType) (*idp.CreateUserPoolDomainResponse, error) {
		return n.CreateUserPoolDomain(t.Context(), &idp.CreateUserPoolDomainRequest{UserPoolId: pool, Domain: domain, CustomDomainConfig: c})
	}
	id := n.newPool(t, "")
	n.do(t, "CreateUserPoolDomain", `{"UserPoolId":"`+id+`","Domain":"both"}`)
	out, err := create(id, "login.example.org", certificate)
	if err != nil {
		t.Fatal(err)
	}
	if out.CloudFrontDomain == nil || *out.CloudFrontDomain != "login.example.com" {
		t.Errorf("%+v, want the target that the operator named", out)
	}
	if p := n.describe(t, id); p["Domain"] != "both" || p["CustomDomain"] != "login.example.org" {
		t.Errorf("domains %v, %v", p["Domain"], p["CustomDomain"])
	}
	d, err := n.DescribeUserPoolDomain(t.Context(), &idp.DescribeUserPoolDomainRequest{Domain: "login.example.org"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(certificate, d.DomainDescription.CustomDomainConfig); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	other := n.newPool(t, "")
	_, err = create(other, "login.example.org", certificate)
	wantError(t, "CreateUserPoolDomain", err, "InvalidParameterException: Domain already associated with another user pool.")
	_, err = create(other, "login.example.net", nil)
	wantError(t, "CreateUserPoolDomain", err, badDomainName)
	_, err = create(other, "-.example.net", certificate)
	wantError(t, "CreateUserPoolDomain", err, "InvalidParameterException: Custom domain is not a valid subdomain: -.example.net is not a fully qualified domain name.")
	for i := range 3 {
		if _, err := create(n.newPool(t, ""), fmt.Sprintf("l%d.example.net", i), certificate); err != nil {
			t.Fatal(err)
		}
	}
	_, err = create(other, "l4.example.net", certificate)
	wantError(t, "CreateUserPoolDomain", err, "LimitExceededException: Custom domains cannot exceed limit of 4 in an account.")
}

func TestResourceServers(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, n *node) {
		id := n.newPool(t, "")
		const api = "https://api.example.com"
		body := `"UserPoolId":"` + id + `","Identifier":"` + api + `"`
		server := tree(t, `{"ResourceServer":{`+body+`,"Name":"a","Scopes":[{"ScopeName":"read","ScopeDescription":"Read"}]}}`)
		create := "{" + body + `,"Name":"a","Scopes":[{"ScopeName":"read","ScopeDescription":"Read"}]}`
		if diff := cmp.Diff(server, n.do(t, "CreateResourceServer", create)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		_, err := n.call(t.Context(), "CreateResourceServer", create)
		wantError(t, "CreateResourceServer", err, "InvalidParameterException: "+api+" already exists in user pool "+id+".")
		_, err = n.call(t.Context(), "CreateResourceServer", strings.Replace(create, api, "aws.cognito.x", 1))
		wantError(t, "CreateResourceServer", err, "InvalidParameterException: The identifier aws.cognito.x is reserved.")
		if diff := cmp.Diff(server, n.do(t, "DescribeResourceServer", "{"+body+"}")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		client := n.newClient(t, id, `"AllowedOAuthScopes":["`+api+`/read"]`)

		updated := tree(t, `{"ResourceServer":{`+body+`,"Name":"b"}}`)
		if diff := cmp.Diff(updated, n.do(t, "UpdateResourceServer", "{"+body+`,"Name":"b"}`)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(updated, n.do(t, "DescribeResourceServer", "{"+body+"}")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		// The client keeps a scope that is gone.
		if got := at(n.do(t, "DescribeUserPoolClient", `{"UserPoolId":"`+id+`","ClientId":"`+client+`"}`), "UserPoolClient", "AllowedOAuthScopes"); !cmp.Equal(got, []any{api + "/read"}) {
			t.Errorf("scopes %v", got)
		}
		n.do(t, "DeleteResourceServer", "{"+body+"}")
		for _, op := range []string{"DescribeResourceServer", "DeleteResourceServer", "UpdateResourceServer"} {
			_, err := n.call(t.Context(), op, "{"+body+`,"Name":"b"}`)
			wantError(t, op, err, "ResourceNotFoundException: Resource server "+api+" does not exist.")
		}

		var want []any
		for i := range 25 {
			n.do(t, "CreateResourceServer", fmt.Sprintf(`{"UserPoolId":"%s","Identifier":"s%02d","Name":"n"}`, id, i))
			want = append(want, fmt.Sprintf("s%02d", i))
		}
		_, err = n.call(t.Context(), "CreateResourceServer", create)
		wantError(t, "CreateResourceServer", err, "LimitExceededException: Resource servers cannot exceed limit of 25 in a user pool.")
		var got []any
		for next := ""; ; {
			page := n.do(t, "ListResourceServers", object(`"UserPoolId":"`+id+`","MaxResults":10`, next))
			for _, s := range page["ResourceServers"].([]any) {
				got = append(got, s.(map[string]any)["Identifier"])
			}
			token, ok := page["NextToken"].(string)
			if !ok {
				break
			}
			next = `"NextToken":"` + token + `"`
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestTags(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, n *node) {
		id := n.newPool(t, `"UserPoolTags":{"a":"1","b":"2"}`)
		arn := `"ResourceArn":"arn:aws:cognito-idp:us-east-1:123456789012:userpool/` + id + `"`
		list := func() any { t.Helper(); return n.do(t, "ListTagsForResource", "{"+arn+"}")["Tags"] }
		n.do(t, "TagResource", "{"+arn+`,"Tags":{"b":"3","c":""}}`)
		if diff := cmp.Diff(any(tree(t, `{"a":"1","b":"3","c":""}`)), list()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		n.do(t, "UntagResource", "{"+arn+`,"TagKeys":["a","missing","c"]}`)
		if diff := cmp.Diff(any(tree(t, `{"b":"3"}`)), list()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(list(), n.describe(t, id)["UserPoolTags"]); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		for _, tt := range []struct{ op, body, want string }{
			{"TagResource", "{" + arn + `,"Tags":{"aws:x":"y"}}`, "InvalidParameterException: Tag keys can not begin with aws:, which is reserved: aws:x"},
			{"TagResource", "{" + arn + `,"Tags":` + manyTags(50) + `}`, "InvalidParameterException: A user pool can not have more than 50 tags."},
			{"TagResource", `{"ResourceArn":"arn:aws:s3:us-east-1:123456789012:bucket","Tags":{}}`, "InvalidParameterException: Invalid ResourceArn: arn:aws:s3:us-east-1:123456789012:bucket"},
			{"UntagResource", `{"ResourceArn":"arn:aws:cognito-idp:us-east-1:123456789012:group/x","TagKeys":[]}`, "InvalidParameterException: Invalid ResourceArn: arn:aws:cognito-idp:us-east-1:123456789012:group/x"},
			{"ListTagsForResource", strings.Replace("{"+arn+"}", "123456789012", "210987654321", 1), "ResourceNotFoundException: User pool " + id + " does not exist."},
			{"ListTagsForResource", strings.Replace("{"+arn+"}", "us-east-1:", "us-west-2:", 1), "ResourceNotFoundException: User pool " + id + " does not exist."},
			{"ListTagsForResource", `{"ResourceArn":"arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_unknown00"}`, "ResourceNotFoundException: User pool us-east-1_unknown00 does not exist."},
		} {
			_, err := n.call(t.Context(), tt.op, tt.body)
			wantError(t, tt.op, err, tt.want)
		}
	})
}

func TestMFA(t *testing.T) {
	t.Parallel()
	n := onSQLite(t)
	const (
		noSMS    = "InvalidParameterException: SMS configuration and Auto verification for phone_number are required when MFA is required/optional"
		together = "InvalidParameterException: Invalid MFA configuration given, can't turn off MFA and configure an MFA together."
		noFactor = "InvalidParameterException: Invalid MFA Configuration given. SMS MFA, Email MFA, or Software Token MFA must be enabled."
		totp     = `"SoftwareTokenMfaConfiguration":{"Enabled":true}`
		mail     = `"EmailMfaConfiguration":{"Subject":"s","Message":"m {####}"}`
	)
	tests := []struct {
		// got is what GetUserPoolMfaConfig shows afterwards.
		name, pool, set, want, got string
	}{
		{"off", "", `"MfaConfiguration":"OFF"`, "", `{"MfaConfiguration":"OFF"}`},
		{"nothing is off", "", ``, "", `{"MfaConfiguration":"OFF"}`},
		{"software token", "", `"MfaConfiguration":"OPTIONAL",` + totp, "", `{"MfaConfiguration":"OPTIONAL",` + totp + `}`},
		{"required", "", `"MfaConfiguration":"ON",` + totp, "", `{"MfaConfiguration":"ON",` + totp + `}`},
		{"off with software token", "", `"MfaConfiguration":"OFF","SoftwareTokenMfaConfiguration":{"Enabled":false}`, together, ""},
		{"left out with software token", "", totp, together, ""},
		{"off with mail, before its sender", "", `"MfaConfiguration":"OFF",` + mail, together, ""},
		{"no factor", "", `"MfaConfiguration":"ON"`, noFactor, ""},
		{"factor off", "", `"MfaConfiguration":"OPTIONAL","SoftwareTokenMfaConfiguration":{"Enabled":false}`, noFactor, ""},
		{"SMS without sender", "", `"MfaConfiguration":"ON","SmsMfaConfiguration":{}`, noSMS, ""},
		{"SMS with the pool's sender", sms, `"MfaConfiguration":"ON","SmsMfaConfiguration":{"SmsAuthenticationMessage":"a {####}"}`, "",
			`{"MfaConfiguration":"ON","SmsMfaConfiguration":{"SmsAuthenticationMessage":"a {####}",` + sms + `}}`},
		{"SMS with its own sender", "", `"MfaConfiguration":"ON","SmsMfaConfiguration":{` + sms + `}`, "", `{"MfaConfiguration":"ON","SmsMfaConfiguration":{` + sms + `}}`},
		{"mail without sender", "", `"MfaConfiguration":"ON",` + mail,
			"InvalidParameterException: Cannot set EmailMfaConfiguration when user pool EmailConfiguration contains an EmailSendingAccount of COGNITO_DEFAULT", ""},
		{"mail", ses, `"MfaConfiguration":"ON",` + mail, "", `{"MfaConfiguration":"ON",` + mail + `}`},
		{"mail in LITE", `"UserPoolTier":"LITE",` + ses, `"MfaConfiguration":"ON",` + mail, "FeatureUnavailableInTierException: Email MFA is not available in your current tier.", ""},
		{"mail as second factor and only recovery", `"AccountRecoverySetting":{"RecoveryMechanisms":[{"Priority":1,"Name":"verified_email"}]},` + ses, `"MfaConfiguration":"ON",` + mail,
			"InvalidParameterException: Cannot set EmailMfaConfiguration when verified_email is the only account recovery mechanism", ""},
		{"passkeys with off", "", `"MfaConfiguration":"OFF","WebAuthnConfiguration":{"RelyingPartyId":"example.com","UserVerification":"required"}`, "",
			`{"MfaConfiguration":"OFF","WebAuthnConfiguration":{"RelyingPartyId":"example.com","UserVerification":"required"}}`},
		{"a URL as relying party", "", `"WebAuthnConfiguration":{"RelyingPartyId":"https://example.com"}`, "InvalidParameterException: RelyingPartyId must be a domain name without scheme and port.", ""},
		{"one label", "", `"WebAuthnConfiguration":{"RelyingPartyId":"com"}`, "InvalidParameterException: RelyingPartyId must be a domain name without scheme and port.", ""},
		{"an address", "", `"WebAuthnConfiguration":{"RelyingPartyId":"127.0.0.1"}`, "InvalidParameterException: RelyingPartyId must be a domain name without scheme and port.", ""},
		{"capitals", "", `"WebAuthnConfiguration":{"RelyingPartyId":"Example.com"}`, "InvalidParameterException: RelyingPartyId must be a domain name without scheme and port.", ""},
		{"this machine as relying party", "", `"WebAuthnConfiguration":{"RelyingPartyId":"localhost"}`, "", `{"MfaConfiguration":"OFF","WebAuthnConfiguration":{"RelyingPartyId":"localhost"}}`},
		{"two-factor passkeys in LITE", `"UserPoolTier":"LITE"`, `"WebAuthnConfiguration":{"FactorConfiguration":"MULTI_FACTOR_WITH_USER_VERIFICATION"}`,
			"FeatureUnavailableInTierException: Multi-factor passkey authentication is not available in your current tier.", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			id := n.newPool(t, tt.pool)
			body := `"UserPoolId":"` + id + `"`
			out, err := n.call(t.Context(), "SetUserPoolMfaConfig", object(body, tt.set))
			wantError(t, "SetUserPoolMfaConfig", err, tt.want)
			got := n.do(t, "GetUserPoolMfaConfig", "{"+body+"}")
			want := tree(t, `{"MfaConfiguration":"OFF"}`)
			if tt.want == "" {
				want = tree(t, tt.got)
				if diff := cmp.Diff(want, tree(t, out)); diff != "" {
					t.Errorf("answer (-want +got):\n%s", diff)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestMFAOverTime follows one pool: factors are replaced as a whole, the mode can
// be changed by UpdateUserPool once a factor is on.
func TestMFAOverTime(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, n *node) {
		id := n.newPool(t, sms)
		body := `"UserPoolId":"` + id + `"`
		shown := func(want string) {
			t.Helper()
			if diff := cmp.Diff(tree(t, want), n.do(t, "GetUserPoolMfaConfig", "{"+body+"}")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
		n.do(t, "SetUserPoolMfaConfig", "{"+body+`,"MfaConfiguration":"OPTIONAL","SmsMfaConfiguration":{},"SoftwareTokenMfaConfiguration":{"Enabled":true}}`)
		sn, err := n.Load(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if m := sn.MFA; m.Mode != "OPTIONAL" || !m.SMS || !m.SoftwareToken || m.Email {
			t.Errorf("snapshot %+v", m)
		}
		n.do(t, "SetUserPoolMfaConfig", "{"+body+`,"MfaConfiguration":"OPTIONAL","SoftwareTokenMfaConfiguration":{"Enabled":true}}`)
		shown(`{"MfaConfiguration":"OPTIONAL","SoftwareTokenMfaConfiguration":{"Enabled":true}}`)
		if got := n.describe(t, id)["SmsConfiguration"]; got == nil {
			t.Error("the pool's SmsConfiguration went with the factor")
		}
		n.do(t, "UpdateUserPool", "{"+body+`,"MfaConfiguration":"ON"}`)
		shown(`{"MfaConfiguration":"ON","SoftwareTokenMfaConfiguration":{"Enabled":true}}`)
		n.do(t, "UpdateUserPool", "{"+body+`,"MfaConfiguration":"OFF"}`)
		shown(`{"MfaConfiguration":"OFF"}`)
		_, err = n.call(t.Context(), "UpdateUserPool", "{"+body+`,"MfaConfiguration":"ON"}`)
		wantError(t, "UpdateUserPool", err, "InvalidParameterException: Cannot turn MFA functionality ON, once the user pool has been created.")
	})
}

func TestMessages(t *testing.T) {
	t.Parallel()
	n := onSQLite(t)
	plain, err := n.Load(t.Context(), n.newPool(t, ""))
	if err != nil {
		t.Fatal(err)
	}
	id := n.newPool(t, ses+","+sms+`,"SmsVerificationMessage":"vs {####}","EmailVerificationMessage":"vm {####}","EmailVerificationSubject":"v",
		"SmsAuthenticationMessage":"as {####}","AdminCreateUserConfig":{"InviteMessageTemplate":{"SMSMessage":"is {username} {####}","EmailMessage":"im {username} {####}","EmailSubject":"i"}}`)
	n.do(t, "SetUserPoolMfaConfig", `{"UserPoolId":"`+id+`","MfaConfiguration":"OPTIONAL","EmailMfaConfiguration":{"Message":"am {####}","Subject":"a"}}`)
	set, err := n.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	type message struct{ Subject, Body string }
	one := func(subject, body string) message { return message{subject, body} }
	tests := []struct {
		name      string
		got, want message
	}{
		{"verification mail", one(plain.VerificationMessage("EMAIL")), message{"Your verification code", "Your verification code is {####}. "}},
		{"verification SMS", one(plain.VerificationMessage("SMS")), message{"", "Your verification code is {####}. "}},
		{"invitation mail", one(plain.InviteMessage("EMAIL")), message{"Your temporary password", "Your username is {username} and temporary password is {####}. "}},
		{"invitation SMS", one(plain.InviteMessage("SMS")), message{"", "Your username is {username} and temporary password is {####}. "}},
		{"authentication mail", one(plain.AuthenticationMessage("EMAIL")), message{"Your authentication code", "Your authentication code is {####}. "}},
		{"authentication SMS", one(plain.AuthenticationMessage("SMS")), message{"", "Your authentication code is {####}. "}},
		{"set verification mail", one(set.VerificationMessage("EMAIL")), message{"v", "vm {####}"}},
		{"set verification SMS", one(set.VerificationMessage("SMS")), message{"", "vs {####}"}},
		{"set invitation mail", one(set.InviteMessage("EMAIL")), message{"i", "im {username} {####}"}},
		{"set invitation SMS", one(set.InviteMessage("SMS")), message{"", "is {username} {####}"}},
		{"set authentication mail", one(set.AuthenticationMessage("EMAIL")), message{"a", "am {####}"}},
		{"set authentication SMS", one(set.AuthenticationMessage("SMS")), message{"", "as {####}"}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, tt.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
