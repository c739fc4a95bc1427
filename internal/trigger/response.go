package trigger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// The answers of the triggers. Members that a function leaves out, or sets to
// null, are zero.
type (
	// PreSignUpResponse is the answer of PreSignUp. It is empty for
	// AdminCreateUser, where Cognito ignores it.
	PreSignUpResponse struct {
		AutoConfirmUser, AutoVerifyEmail, AutoVerifyPhone bool
	}

	// PreTokenGenerationResponse is the answer of PreTokenGeneration. The issuer of
	// the tokens decides which claims may be changed.
	PreTokenGenerationResponse struct {
		IDToken     TokenOverride
		AccessToken TokenOverride // V2_0 and V3_0 only
		// Groups replaces groups and roles in both tokens. Nil leaves them; an empty
		// configuration removes them.
		Groups *GroupConfiguration
	}

	// TokenOverride holds the changes of one token.
	TokenOverride struct {
		// Claims to add or override, as JSON. In V1_0 they can only be strings.
		Claims   map[string]json.RawMessage
		Suppress []string

		ScopesToAdd, ScopesToSuppress []string // access token only
	}

	// DefineAuthChallengeResponse is the answer of DefineAuthChallenge. Exactly
	// one of the three is set.
	DefineAuthChallengeResponse struct {
		ChallengeName      string
		IssueTokens        bool
		FailAuthentication bool
	}

	// CreateAuthChallengeResponse is the answer of CreateAuthChallenge.
	CreateAuthChallengeResponse struct {
		PublicChallengeParameters  map[string]string
		PrivateChallengeParameters map[string]string
		ChallengeMetadata          *string
	}

	// UserMigrationResponse is the answer of UserMigration.
	UserMigrationResponse struct {
		// UserAttributes is empty if the function knows no such user.
		UserAttributes map[string]string
		// FinalUserStatus is CONFIRMED or RESET_REQUIRED.
		FinalUserStatus string
		// Suppress is true if no welcome message is sent.
		Suppress bool
		// DesiredDeliveryMediums is never empty: it is SMS unless the function names
		// others.
		DesiredDeliveryMediums []string
		ForceAliasCreation     bool
		EnableSMSMFA           bool
	}

	// CustomMessageResponse is the answer of CustomMessage. An empty text stands for
	// the pool's template.
	CustomMessageResponse struct {
		SMSMessage, EmailMessage, EmailSubject string
	}
)

// The pre-filled answers, which the function finds in its event.
const (
	emptyResponse         = `{}`
	preSignUpResponse     = `{"autoConfirmUser":false,"autoVerifyEmail":false,"autoVerifyPhone":false}`
	preTokenV1Response    = `{"claimsOverrideDetails":null}`
	preTokenV2Response    = `{"claimsAndScopeOverrideDetails":null}`
	defineResponse        = `{"challengeName":null,"issueTokens":null,"failAuthentication":null}`
	createResponse        = `{"publicChallengeParameters":null,"privateChallengeParameters":null,"challengeMetadata":null}`
	verifyResponse        = `{"answerCorrect":null}`
	userMigrationResponse = `{"userAttributes":null,"forceAliasCreation":null,"enableSMSMFA":null,"finalUserStatus":null,"messageAction":null,"desiredDeliveryMediums":null}`
	customMessageResponse = `{"smsMessage":null,"emailMessage":null,"emailSubject":null}`
	inboundResponse       = `{"userAttributesToMap":{}}`
)

// errNotJSON means that an answer is null or not JSON.
var errNotJSON = errors.New("the answer is null or not JSON")

// members is one object of an answer. Its methods read a member by its exact name;
// an absent or null member is zero. err holds the first member of a wrong type.
type members struct {
	of  map[string]json.RawMessage
	err *error
}

// readAnswer returns the "response" member of a function's answer. It also reports
// whether the answer still has the envelope of the event.
func readAnswer(payload []byte) (response members, whole bool, err error) {
	payload = bytes.TrimSpace(payload)
	if len(payload) == 0 || string(payload) == "null" || !json.Valid(payload) {
		return members{}, false, errNotJSON
	}
	var failed error
	top := members{err: &failed}
	if top.of, err = object(payload); err != nil {
		return members{}, false, fmt.Errorf("the answer: %w", err)
	}
	whole = true
	for _, name := range []string{"version", "region", "userPoolId", "userName", "callerContext"} {
		if top.absent(name) {
			whole = false
		}
	}
	response = top.object("response")
	return response, whole, failed
}

func object(raw json.RawMessage) (map[string]json.RawMessage, error) {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, errors.New("is not an object")
	}
	return m, nil
}

func (m members) absent(name string) bool {
	raw, ok := m.of[name]
	return !ok || string(raw) == "null"
}

func (m members) fail(name string, err error) {
	if *m.err == nil {
		*m.err = fmt.Errorf("%s: %w", name, err)
	}
}

func (m members) object(name string) members {
	in := members{err: m.err}
	if m.absent(name) {
		return in
	}
	of, err := object(m.of[name])
	if err != nil {
		m.fail(name, err)
	}
	in.of = of
	return in
}

// read decodes a member whose type encoding/json checks strictly.
func read[T any](m members, name, want string) T {
	var v T
	if m.absent(name) {
		return v
	}
	if err := json.Unmarshal(m.of[name], &v); err != nil {
		var zero T
		m.fail(name, errors.New("is not "+want))
		return zero
	}
	return v
}

func (m members) bool(name string) bool     { return read[bool](m, name, "a boolean") }
func (m members) string(name string) string { return read[string](m, name, "a string") }

func (m members) claims(name string) map[string]json.RawMessage {
	return read[map[string]json.RawMessage](m, name, "an object")
}

// strings reads an array of strings. It rejects null elements, which encoding/json
// reads as "".
func (m members) strings(name string) []string {
	var out []string
	for _, s := range read[[]*string](m, name, "an array of strings") {
		if s == nil {
			m.fail(name, errors.New("has an element that is null"))
			return nil
		}
		out = append(out, *s)
	}
	return out
}

// stringMap reads an object of strings, without the members that are null.
func (m members) stringMap(name string) map[string]string {
	in := read[map[string]*string](m, name, "an object of strings")
	if in == nil {
		return nil
	}
	out := make(map[string]string, len(in))
	for k, v := range in {
		if v != nil {
			out[k] = *v
		}
	}
	return out
}
