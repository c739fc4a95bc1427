package idp_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/api"
	"cognate/internal/api/idp"
)

// TestDecode reads inputs whose every kind of member is used.
func TestDecode(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, op, body string
		want           any
	}{
		{"empty body", "ListTagsForResource", ` {"ResourceArn":"arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_abc"} `, &idp.ListTagsForResourceRequest{
			ResourceArn: "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_abc",
		}},
		{"strings", "InitiateAuth", `{"AuthFlow":"USER_SRP_AUTH","ClientId":"abc","AuthParameters":{"USERNAME":"\u00e4\ud83d\ude00\n","SRP_A":""},"ClientMetadata":{},"Session":null}`, &idp.InitiateAuthRequest{
			AuthFlow: idp.AuthFlowTypeUserSrpAuth, ClientId: "abc", AuthParameters: map[string]string{"USERNAME": "ä😀\n", "SRP_A": ""}, ClientMetadata: map[string]string{},
		}},
		{"unknown members", "InitiateAuth", `{"authflow":{"a":[1,-2.5e+3,true,false,null,{"b":{}}]},"AuthFlow":"USER_AUTH","ClientId":"abc","Unknown":"\""}`, &idp.InitiateAuthRequest{
			AuthFlow: idp.AuthFlowTypeUserAuth, ClientId: "abc",
		}},
		{"null in a map", "InitiateAuth", `{"AuthFlow":"USER_AUTH","ClientId":"abc","AuthParameters":{"USERNAME":null}}`, &idp.InitiateAuthRequest{
			AuthFlow: idp.AuthFlowTypeUserAuth, ClientId: "abc", AuthParameters: map[string]string{},
		}},
		{"numbers", "ListUsers", `{"UserPoolId":"us-east-1_a","Limit":6.0e1,"AttributesToGet":[]}`, &idp.ListUsersRequest{
			UserPoolId: "us-east-1_a", Limit: new(int32(60)), AttributesToGet: []string{},
		}},
		{"structures", "AdminCreateUser", `{"UserPoolId":"us-east-1_a","Username":"alice","UserAttributes":[{"Name":"email","Value":"a@example.com"},{"Name":"name"}],"ForceAliasCreation":false,"DesiredDeliveryMediums":["EMAIL"],"MessageAction":"SUPPRESS"}`, &idp.AdminCreateUserRequest{
			UserPoolId: "us-east-1_a", Username: "alice", ForceAliasCreation: new(false), MessageAction: idp.MessageActionTypeSuppress,
			UserAttributes:         []idp.AttributeType{{Name: "email", Value: new("a@example.com")}, {Name: "name"}},
			DesiredDeliveryMediums: []idp.DeliveryMediumType{idp.DeliveryMediumTypeEmail},
		}},
		{"document and blob", "UpdateManagedLoginBranding", `{"UserPoolId":"us-east-1_a","Settings":{"b": [1, {"c":null}]},"Assets":[{"Category":"FORM_LOGO","ColorMode":"LIGHT","Extension":"PNG","Bytes":"AQID"}]}`, &idp.UpdateManagedLoginBrandingRequest{
			UserPoolId: new("us-east-1_a"), Settings: json.RawMessage(`{"b": [1, {"c":null}]}`),
			Assets: []idp.AssetType{{Category: "FORM_LOGO", ColorMode: "LIGHT", Extension: "PNG", Bytes: []byte{1, 2, 3}}},
		}},
		{"enum value beyond the model's list", "CreateUserPoolClient", `{"UserPoolId":"us-east-1_a","ClientName":"app","ExplicitAuthFlows":["ALLOW_CLIENT_TOKEN_AUTH"]}`, &idp.CreateUserPoolClientRequest{
			UserPoolId: "us-east-1_a", ClientName: "app", ExplicitAuthFlows: []idp.ExplicitAuthFlowsType{"ALLOW_CLIENT_TOKEN_AUTH"},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := idp.Operations[tt.op].Decode([]byte(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	deep := func(n int) string {
		return `{"ClientId":"a","AuthFlow":"USER_AUTH","x":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}`
	}
	document := func(n int) string {
		return `{"Settings":` + strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) + `}`
	}
	tests := []struct{ name, op, body, text string }{
		{"list", "InitiateAuth", `[]`, "Expected map or null"},
		{"string", "InitiateAuth", `"x"`, "Expected map or null"},
		{"garbage", "InitiateAuth", `x`, "Expected map or null"},
		{"open", "InitiateAuth", `{`, "Unexpected end of input"},
		{"open string", "InitiateAuth", `{"Cl`, "Unexpected end of input in a string"},
		{"no colon", "InitiateAuth", `{"ClientId" "a"}`, "Unexpected token at position 12"},
		{"no comma", "InitiateAuth", `{"ClientId":"a" "Session":"b"}`, "Unexpected token at position 16"},
		{"trailing comma", "InitiateAuth", `{"ClientId":"a",}`, "Unexpected token at position 16"},
		{"trailing comma in a list", "ListUsers", `{"AttributesToGet":["a",]}`, "Unexpected token at position 24"},
		{"second value", "InitiateAuth", `{} {}`, "Unexpected token at position 3"},
		{"null and more", "InitiateAuth", `null x`, "Unexpected token"},
		{"byte order mark", "InitiateAuth", "\ufeff{}", "Expected map or null"},
		{"comment", "InitiateAuth", `{/**/}`, "Unexpected token at position 1"},
		{"single quotes", "InitiateAuth", `{'ClientId':'a'}`, "Unexpected token at position 1"},
		{"number for a string", "InitiateAuth", `{"ClientId":1}`, "NUMBER_VALUE can not be converted to a String"},
		{"true for a string", "InitiateAuth", `{"ClientId":true}`, "TRUE_VALUE can not be converted to a String"},
		{"list for a string", "InitiateAuth", `{"ClientId":["a"]}`, "Start of list found where not expected"},
		{"map for a string", "InitiateAuth", `{"ClientId":{}}`, "Start of structure or map found where not expected."},
		{"string for a list", "SignUp", `{"UserAttributes":"x"}`, "STRING_VALUE can not be converted to a List"},
		{"map for a list", "SignUp", `{"UserAttributes":{}}`, "Start of structure or map found where not expected."},
		{"string for a map", "InitiateAuth", `{"AuthParameters":"x"}`, "Expected map or null"},
		{"string for a structure", "SignUp", `{"AnalyticsMetadata":"x"}`, "Expected map or null"},
		{"list for a structure", "SignUp", `{"UserAttributes":[[]]}`, "Expected map or null"},
		{"number in a map", "InitiateAuth", `{"AuthParameters":{"USERNAME":7}}`, "NUMBER_VALUE can not be converted to a String"},
		{"string for a boolean", "AdminCreateUser", `{"ForceAliasCreation":"true"}`, "STRING_VALUE can not be converted to a Boolean"},
		{"number for a boolean", "AdminCreateUser", `{"ForceAliasCreation":1}`, "NUMBER_VALUE can not be converted to a Boolean"},
		{"string for an integer", "ListUsers", `{"Limit":"5"}`, "STRING_VALUE can not be converted to an Integer"},
		{"fraction for an integer", "ListUsers", `{"Limit":1.5}`, "NUMBER_VALUE can not be converted to an Integer"},
		{"integer too large", "ListUsers", `{"Limit":2147483648}`, "NUMBER_VALUE can not be converted to an Integer"},
		{"integer too small", "ListUsers", `{"Limit":-2147483649}`, "NUMBER_VALUE can not be converted to an Integer"},
		{"integer far too large", "ListUsers", `{"Limit":1e400}`, "NUMBER_VALUE can not be converted to an Integer"},
		{"leading zero", "ListUsers", `{"Limit":01}`, "Unexpected token at position 10"},
		{"plus", "ListUsers", `{"Limit":+1}`, "Unexpected token at position 9"},
		{"bare point", "ListUsers", `{"Limit":1.}`, "Unexpected token at position 11"},
		{"NaN", "ListUsers", `{"Limit":NaN}`, "Unexpected token at position 9"},
		{"blob no base64", "SetUICustomization", `{"ImageFile":"%%"}`, "STRING_VALUE can not be converted to a ByteBuffer"},
		{"member twice", "InitiateAuth", `{"ClientId":"a","ClientId":"a"}`, `Duplicate field "ClientId"`},
		{"member twice, null first", "InitiateAuth", `{"ClientId":null,"ClientId":"a"}`, `Duplicate field "ClientId"`},
		{"member twice, once escaped", "InitiateAuth", `{"ClientId":"a","Client\u0049d":"b"}`, `Duplicate field "ClientId"`},
		{"key twice", "InitiateAuth", `{"AuthParameters":{"USERNAME":"a","USERNAME":"b"}}`, `Duplicate field "USERNAME"`},
		{"key twice, null first", "InitiateAuth", `{"AuthParameters":{"USERNAME":null,"USERNAME":"b"}}`, `Duplicate field "USERNAME"`},
		{"key twice in a document", "UpdateManagedLoginBranding", `{"Settings":{"a":1,"a":2}}`, `Duplicate field "a"`},
		{"invalid UTF-8", "InitiateAuth", "{\"ClientId\":\"\xff\"}", "Invalid UTF-8"},
		{"UTF-8 of a surrogate", "InitiateAuth", "{\"ClientId\":\"\xed\xa0\x80\"}", "Invalid UTF-8"},
		{"invalid UTF-8 in a name", "InitiateAuth", "{\"\xff\":\"\"}", "Invalid UTF-8"},
		{"invalid UTF-8 after an escape", "InitiateAuth", "{\"ClientId\":\"\\n\xff\"}", "Invalid UTF-8"},
		{"high surrogate alone", "InitiateAuth", `{"ClientId":"\ud83d"}`, "Unrecognized character escape"},
		{"low surrogate alone", "InitiateAuth", `{"ClientId":"\ude00"}`, "Unrecognized character escape"},
		{"surrogates in the wrong order", "InitiateAuth", `{"ClientId":"\ude00\ud83d"}`, "Unrecognized character escape"},
		{"NUL", "InitiateAuth", `{"ClientId":"\u0000"}`, "Unrecognized character escape"},
		{"unknown escape", "InitiateAuth", `{"ClientId":"\x41"}`, "Unrecognized character escape"},
		{"raw line end", "InitiateAuth", "{\"ClientId\":\"a\nb\"}", "Illegal unquoted character in a string (code 10)"},
		{"too many structures", "SignUp", `{"UserAttributes":[{}` + strings.Repeat(",{}", 4096) + `]}`, "Too many elements"},
		{"too many strings", "ListUsers", `{"AttributesToGet":[""` + strings.Repeat(`,""`, 4096) + `]}`, "Too many elements"},
		{"too deep", "InitiateAuth", deep(32), "Nesting is too deep"},
		{"document too deep", "UpdateManagedLoginBranding", document(100), "Nesting is too deep"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := idp.Operations[tt.op].Decode([]byte(tt.body))
			if api.CodeOf(err) != "SerializationException" || !strings.HasPrefix(err.Error(), "SerializationException: "+tt.text) {
				t.Errorf("error = %v, want %s", err, tt.text)
			}
		})
	}
	for _, body := range []string{deep(31), document(99)} {
		op := "InitiateAuth"
		if strings.Contains(body, "Settings") {
			op = "UpdateManagedLoginBranding"
		}
		if _, err := idp.Operations[op].Decode([]byte(body)); err != nil {
			t.Errorf("%s at the depth that is allowed: %v", op, err)
		}
	}
}

func TestValidation(t *testing.T) {
	t.Parallel()
	const item = " failed to satisfy constraint: "
	tests := []struct {
		name, op, body string
		items          []string
	}{
		{"required, sensitive and not", "SignUp", `{"UserAttributes":[{"Name":"a"},{"Value":"x"}]}`, []string{
			"Value at 'clientId'" + item + "Member must not be null",
			"Value at 'username'" + item + "Member must not be null",
			"Value null at 'userAttributes.2.member.name'" + item + "Member must not be null",
		}},
		{"no body", "GetUser", ``, []string{"Value at 'accessToken'" + item + "Member must not be null"}},
		{"null body", "GetUser", `null`, []string{"Value at 'accessToken'" + item + "Member must not be null"}},
		{"null member", "GetUser", `{"AccessToken":null}`, []string{"Value at 'accessToken'" + item + "Member must not be null"}},
		{"name in the wrong case", "GetUser", `{"accessToken":"a"}`, []string{"Value at 'accessToken'" + item + "Member must not be null"}},
		{"pattern", "DescribeUserPool", `{"UserPoolId":"abc"}`, []string{
			`Value 'abc' at 'userPoolId'` + item + `Member must satisfy regular expression pattern: [\w-]+_[0-9a-zA-Z]+`,
		}},
		{"empty", "ConfirmSignUp", `{"ClientId":"a","Username":"alice","ConfirmationCode":""}`, []string{
			`Value '' at 'confirmationCode'` + item + `Member must satisfy regular expression pattern: [\S]+`,
			`Value '' at 'confirmationCode'` + item + `Member must have length greater than or equal to 1`,
		}},
		{"sensitive", "VerifySoftwareToken", `{"UserCode":"Aaaa"}`, []string{
			`Value at 'userCode'` + item + `Member must satisfy regular expression pattern: [0-9]+`,
			`Value at 'userCode'` + item + `Member must have length greater than or equal to 6`,
		}},
		{"too long", "SignUp", `{"ClientId":"a","Username":"` + strings.Repeat("u", 129) + `"}`, []string{
			"Value at 'username'" + item + "Member must have length less than or equal to 128",
		}},
		{"longest in UTF-16", "SignUp", `{"ClientId":"a","Username":"` + strings.Repeat("😀", 64) + `"}`, nil},
		{"too long in UTF-16", "SignUp", `{"ClientId":"a","Username":"` + strings.Repeat("😀", 65) + `"}`, []string{
			"Value at 'username'" + item + "Member must have length less than or equal to 128",
		}},
		{"too short in UTF-16", "CreateUserPool", `{"PoolName":"p","AdminCreateUserConfig":{"InviteMessageTemplate":{"SMSMessage":"äöü"}}}`, []string{
			"Value 'äöü' at 'adminCreateUserConfig.inviteMessageTemplate.sMSMessage'" + item + "Member must have length greater than or equal to 6",
		}},
		{"within a sensitive structure", "SignUp", `{"ClientId":"a","Username":"alice","UserContextData":{"EncodedData":"` + strings.Repeat("x", 131073) + `"}}`, []string{
			"Value at 'userContextData.encodedData'" + item + "Member must have length less than or equal to 131072",
		}},
		{"numbers", "CreateUserPool", `{"PoolName":"p","Policies":{"PasswordPolicy":{"MinimumLength":5,"TemporaryPasswordValidityDays":366}}}`, []string{
			"Value '5' at 'policies.passwordPolicy.minimumLength'" + item + "Member must have value greater than or equal to 6",
			"Value '366' at 'policies.passwordPolicy.temporaryPasswordValidityDays'" + item + "Member must have value less than or equal to 365",
		}},
		{"enum", "InitiateAuth", `{"AuthFlow":"","ClientId":"a"}`, []string{
			"Value '' at 'authFlow'" + item + "Member must satisfy enum value set: [USER_SRP_AUTH, REFRESH_TOKEN_AUTH, REFRESH_TOKEN, CUSTOM_AUTH, ADMIN_NO_SRP_AUTH, USER_PASSWORD_AUTH, ADMIN_USER_PASSWORD_AUTH, USER_AUTH]",
		}},
		{"enums in a list", "AdminCreateUser", `{"UserPoolId":"us-east-1_a","Username":"alice","DesiredDeliveryMediums":["EMAIL","x","sms"]}`, []string{
			"Value '[EMAIL, x, sms]' at 'desiredDeliveryMediums'" + item + "Member must satisfy constraint: [Member must satisfy enum value set: [SMS, EMAIL]]",
		}},
		{"null in a list", "AdminCreateUser", `{"UserPoolId":"us-east-1_a","Username":"alice","DesiredDeliveryMediums":[null]}`, []string{
			"Value '[]' at 'desiredDeliveryMediums'" + item + "Member must satisfy constraint: [Member must not be null]",
		}},
		{"null among structures", "SignUp", `{"ClientId":"a","Username":"alice","UserAttributes":[null]}`, []string{
			"Value null at 'userAttributes.1.member'" + item + "Member must not be null",
		}},
		{"elements", "AdminDeleteUserAttributes", `{"UserPoolId":"us-east-1_a","Username":"alice","UserAttributeNames":["a",""]}`, []string{
			`Value '[a, ]' at 'userAttributeNames'` + item + `Member must satisfy constraint: [Member must have length less than or equal to 32, Member must have length greater than or equal to 1, ` +
				`Member must satisfy regular expression pattern: [\p{L}\p{M}\p{S}\p{N}\p{P}\t\n\r ]+]`,
		}},
		{"map", "TagResource", `{"ResourceArn":"arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_abc","Tags":{"b":"1","":"2"}}`, []string{
			`Value '{=2, b=1}' at 'tags'` + item + `Member must satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater than or equal to 1]`,
		}},
		{"list size", "AddCustomAttributes", `{"UserPoolId":"us-east-1_a","CustomAttributes":[]}`, []string{
			"Value '[]' at 'customAttributes'" + item + "Member must have length greater than or equal to 1",
		}},
		{"structures in a list", "CreateUserPool", `{"PoolName":"p","Schema":[{"Name":""},{"AttributeDataType":"x"}]}`, []string{
			`Value '' at 'schema.1.member.name'` + item + `Member must satisfy regular expression pattern: [\p{L}\p{M}\p{S}\p{N}\p{P}]+`,
			`Value '' at 'schema.1.member.name'` + item + `Member must have length greater than or equal to 1`,
			`Value 'x' at 'schema.2.member.attributeDataType'` + item + `Member must satisfy enum value set: [String, Number, DateTime, Boolean]`,
		}},
		{"many", "SignUp", `{"ClientId":"a","Username":"alice","UserAttributes":[{}` + strings.Repeat(",{}", 4000) + `]}`, func() (items []string) {
			for i := range 100 {
				items = append(items, fmt.Sprintf("Value null at 'userAttributes.%d.member.name'%sMember must not be null", i+1, item))
			}
			return items
		}()},
		{"the model's order", "CreateUserPool", `{"UserPoolTier":"x","MfaConfiguration":"y","PoolName":""}`, []string{
			`Value '' at 'poolName'` + item + `Member must satisfy regular expression pattern: [\w\s+=,.@-]+`,
			`Value '' at 'poolName'` + item + `Member must have length greater than or equal to 1`,
			`Value 'y' at 'mfaConfiguration'` + item + `Member must satisfy enum value set: [OFF, ON, OPTIONAL]`,
			`Value 'x' at 'userPoolTier'` + item + `Member must satisfy enum value set: [LITE, ESSENTIALS, PLUS]`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := idp.Operations[tt.op].Decode([]byte(tt.body))
			if tt.items == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			s := ""
			if len(tt.items) > 1 {
				s = "s"
			}
			want := fmt.Sprintf("InvalidParameterException: %d validation error%s detected: %s", len(tt.items), s, strings.Join(tt.items, "; "))
			if got := fmt.Sprint(err); got != want {
				t.Errorf("(-want +got):\n%s", cmp.Diff(want, got))
			}
		})
	}
}

// TestEncode: members in alphabetical order, absent ones left out, empty ones kept.
func TestEncode(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, op string
		out      any
		want     string
	}{
		{"no members", "ChangePassword", &idp.ChangePasswordResponse{}, `{}`},
		{"absent", "GetUser", &idp.GetUserResponse{}, `{}`},
		{"empty", "GetUser", &idp.GetUserResponse{Username: "alice", UserAttributes: []idp.AttributeType{}, UserMFASettingList: []string{}}, `{"UserAttributes":[],"UserMFASettingList":[],"Username":"alice"}`},
		{
			"kinds", "AdminGetUser", &idp.AdminGetUserResponse{
				Username: "<\"\\\x01\u2028\xff>", Enabled: new(false), UserCreateDate: time.UnixMilli(1594889658976), UserLastModifiedDate: time.UnixMilli(1594889658900),
				UserStatus: idp.UserStatusTypeUnconfirmed,
			},
			`{"Enabled":false,"UserCreateDate":1594889658.976,"UserLastModifiedDate":1594889658.9,"UserStatus":"UNCONFIRMED","Username":"<\"\\\u0001` + "\u2028\ufffd" + `>"}`,
		},
		{"maps", "ListTagsForResource", &idp.ListTagsForResourceResponse{Tags: map[string]string{"b": "2", "a": "1"}}, `{"Tags":{"a":"1","b":"2"}}`},
		{
			"document", "DescribeManagedLoginBranding", &idp.DescribeManagedLoginBrandingResponse{ManagedLoginBranding: &idp.ManagedLoginBrandingType{
				Settings: json.RawMessage(`{"a": 1}`), Assets: []idp.AssetType{{Category: "FORM_LOGO", Bytes: []byte("abc")}},
			}}, `{"ManagedLoginBranding":{"Assets":[{"Bytes":"YWJj","Category":"FORM_LOGO"}],"Settings":{"a": 1}}}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := string(idp.Operations[tt.op].Encode(nil, tt.out))
			if got != tt.want {
				t.Errorf("Encode = %s\nwant     %s", got, tt.want)
			}
			if !json.Valid([]byte(got)) {
				t.Error("no valid JSON")
			}
		})
	}
}

// TestEveryOperation: an empty input never gets past what is required, and errors are modelled.
func TestEveryOperation(t *testing.T) {
	t.Parallel()
	for _, name := range slices.Sorted(maps.Keys(idp.Operations)) {
		op := idp.Operations[name]
		if op.Name != name || op.Service != idp.Info || op.HasOutput != (op.Encode != nil) || !slices.IsSorted(op.Errors) {
			t.Errorf("%s: row = %+v", name, op)
		}
		_, err := op.Decode([]byte(`{}`))
		if err == nil {
			continue
		}
		if api.CodeOf(err) != "InvalidParameterException" || !op.Declares(api.CodeOf(err)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(idp.Bind(idp.Unimplemented{})); n != 140 {
		t.Errorf("%d operations are bound", n)
	}
}

// TestRedaction: neither logs nor printed text show what is sensitive.
func TestRedaction(t *testing.T) {
	t.Parallel()
	in := &idp.SignUpRequest{
		ClientId: "s3cret", SecretHash: new("s3cret"), Username: "s3cret", Password: new("s3cret"),
		UserAttributes:  []idp.AttributeType{{Name: "email", Value: new("s3cret")}},
		UserContextData: &idp.UserContextDataType{IpAddress: new("s3cret")}, ClientMetadata: map[string]string{"a": "shown"},
	}
	auth := &idp.RespondToAuthChallengeResponse{AuthenticationResult: &idp.AuthenticationResultType{AccessToken: new("s3cret"), TokenType: new("Bearer")}}
	var text strings.Builder
	for _, log := range []*slog.Logger{slog.New(slog.NewJSONHandler(&text, nil)), slog.New(slog.NewTextHandler(&text, nil))} {
		log.Info("in", "in", in, "value", *in, "auth", auth, "group", slog.GroupValue(slog.Any("in", in)))
	}
	fmt.Fprintf(&text, "%v %+v %s %v", in, in, *in, auth)
	if strings.Contains(text.String(), "s3cret") || !strings.Contains(text.String(), "shown") || !strings.Contains(text.String(), "Bearer") {
		t.Error(text.String())
	}
}

func TestResource(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_abc"
	tests := []struct {
		name, op   string
		in         any
		arn        string
		fromRegion string
	}{
		{"pool", "AdminGetUser", &idp.AdminGetUserRequest{UserPoolId: "eu-west-1_abc"}, arn, "eu-west-1"},
		{"pool that may be absent", "UpdateManagedLoginBranding", &idp.UpdateManagedLoginBrandingRequest{}, "*", ""},
		{"tags", "TagResource", &idp.TagResourceRequest{ResourceArn: arn}, arn, "eu-west-1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := idp.Operations[tt.op].Resource(tt.in)
			if got := r.ARN("cognito-idp", "eu-west-1", "123456789012"); got != tt.arn || r.Region() != tt.fromRegion {
				t.Errorf("ARN = %s, Region = %s", got, r.Region())
			}
		})
	}
	if idp.Operations["CreateUserPool"].Resource != nil {
		t.Error("CreateUserPool names a resource")
	}
}

func FuzzDecode(f *testing.F) {
	names := slices.Sorted(maps.Keys(idp.Operations))
	for i, body := range []string{
		`{"AuthFlow":"USER_SRP_AUTH","ClientId":"abc","AuthParameters":{"USERNAME":"\u00e4\ud83d\ude00","SRP_A":""}}`,
		`{"UserPoolId":"us-east-1_a","Limit":6.0e1,"AttributesToGet":[null,"a"]}`, `null`, ``, `{"a":[{"b":1}]}`,
		`{"PoolName":"p","Schema":[{"Name":""},null],"Policies":{"PasswordPolicy":{"MinimumLength":5}}}`,
		`{"Settings":{"a":[1,2,{}]},"Assets":[{"Bytes":"AQID"}]}`,
	} {
		f.Add(uint8(i*17), body)
	}
	f.Fuzz(func(t *testing.T, which uint8, body string) {
		op := idp.Operations[names[int(which)%len(names)]]
		_, err := op.Decode([]byte(body))
		switch code := api.CodeOf(err); {
		case err == nil || code == "InvalidParameterException":
			if strings.TrimLeft(body, " \t\r\n") != "" && !json.Valid([]byte(body)) {
				t.Errorf("%q was read, but is no JSON", body)
			}
		case code != "SerializationException":
			t.Error(err)
		}
	})
}

func BenchmarkDecodeInitiateAuth(b *testing.B) {
	body := []byte(`{"AuthFlow":"USER_PASSWORD_AUTH","ClientId":"1example23456789","AuthParameters":{"USERNAME":"alice@example.com","PASSWORD":"Correct-Horse-9","SECRET_HASH":"oT5ZkS8ctnrhYeeGsGTvOzPhoc/Jd1cO5fueBWFVmp8="},"ClientMetadata":{}}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := idp.Operations["InitiateAuth"].Decode(body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeInitiateAuth(b *testing.B) {
	token := strings.Repeat("a", 1000)
	out := &idp.InitiateAuthResponse{AuthenticationResult: &idp.AuthenticationResultType{
		AccessToken: &token, IdToken: &token, RefreshToken: &token, ExpiresIn: new(int32(3600)), TokenType: new("Bearer"),
	}, ChallengeParameters: map[string]string{}}
	buf := make([]byte, 0, 8192)
	b.ReportAllocs()
	for b.Loop() {
		buf = idp.Operations["InitiateAuth"].Encode(buf[:0], out)
	}
}

func BenchmarkDecodeGetUser(b *testing.B) {
	body := []byte(`{"AccessToken":"` + strings.Repeat("eyJ.", 250) + `"}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := idp.Operations["GetUser"].Decode(body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeGetUser(b *testing.B) {
	out := &idp.GetUserResponse{Username: "alice"}
	for _, name := range []string{"sub", "email", "email_verified", "name", "custom:department"} {
		out.UserAttributes = append(out.UserAttributes, idp.AttributeType{Name: name, Value: new("a value of some length")})
	}
	buf := make([]byte, 0, 8192)
	b.ReportAllocs()
	for b.Loop() {
		buf = idp.Operations["GetUser"].Encode(buf[:0], out)
	}
}
