package trigger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/idp"
)

func nothing(members) error { return nil }

// PreSignUp asks whether a user may sign up, and what is confirmed of the user.
func (s *Service) PreSignUp(ctx context.Context, arn string, e Envelope, req PreSignUpRequest) (PreSignUpResponse, error) {
	req.UserAttributes = attributes(req.UserAttributes)
	var out PreSignUpResponse
	err := s.run(ctx, call{PreSignUp, arn, e, req, preSignUpResponse}, func(m members) error {
		out = PreSignUpResponse{m.bool("autoConfirmUser"), m.bool("autoVerifyEmail"), m.bool("autoVerifyPhone")}
		if e.Source == SourceAdminCreateUser {
			out = PreSignUpResponse{}
		}
		if out.AutoVerifyEmail && req.UserAttributes["email"] == "" {
			return errors.New("autoVerifyEmail without an email")
		}
		if out.AutoVerifyPhone && req.UserAttributes["phone_number"] == "" {
			return errors.New("autoVerifyPhone without a phone_number")
		}
		return nil
	})
	return zeroOnError(out, err)
}

// zeroOnError returns the zero answer with an error, never half an answer.
func zeroOnError[T any](out T, err error) (T, error) {
	if err != nil {
		var zero T
		return zero, err
	}
	return out, nil
}

// PostConfirmation tells the function that a user is confirmed, or has reset a
// password.
func (s *Service) PostConfirmation(ctx context.Context, arn string, e Envelope, req PostConfirmationRequest) error {
	req.UserAttributes = attributes(req.UserAttributes)
	return s.run(ctx, call{PostConfirmation, arn, e, req, emptyResponse}, nothing)
}

// PreAuthentication asks whether a user may sign in, before the password is checked.
func (s *Service) PreAuthentication(ctx context.Context, arn string, e Envelope, req PreAuthenticationRequest) error {
	req.UserAttributes = attributes(req.UserAttributes)
	return s.run(ctx, call{PreAuthentication, arn, e, req, emptyResponse}, nothing)
}

// PostAuthentication tells the function that a user has signed in, before tokens
// are made.
func (s *Service) PostAuthentication(ctx context.Context, arn string, e Envelope, req PostAuthenticationRequest) error {
	req.UserAttributes = attributes(req.UserAttributes)
	return s.run(ctx, call{PostAuthentication, arn, e, req, emptyResponse}, nothing)
}

// maxTokenChanges is the largest number of changes that an answer may make in tokens.
const maxTokenChanges = 5000

// PreTokenGeneration asks for changes of the tokens. version is that of the event:
// V1_0, V2_0 or V3_0.
func (s *Service) PreTokenGeneration(ctx context.Context, arn string, version idp.PreTokenGenerationLambdaVersionType, e Envelope, req PreTokenGenerationRequest) (PreTokenGenerationResponse, error) {
	req.UserAttributes = attributes(req.UserAttributes)
	if g := req.GroupConfiguration; g != nil {
		req.GroupConfiguration = &GroupConfiguration{list(g.GroupsToOverride), list(g.IAMRolesToOverride), g.PreferredRole}
	}
	c := call{PreTokenGeneration, arn, e, req, preTokenV2Response}
	read := readTokenV2
	switch version {
	case "", idp.PreTokenGenerationLambdaVersionTypeV10:
		req.Scopes = nil
		c.envelope.Version, c.request, c.response, read = "1", req, preTokenV1Response, readTokenV1
	case idp.PreTokenGenerationLambdaVersionTypeV20, idp.PreTokenGenerationLambdaVersionTypeV30:
		req.Scopes = list(req.Scopes)
		c.envelope.Version, c.request = "2", req
		if version == idp.PreTokenGenerationLambdaVersionTypeV30 {
			c.envelope.Version = "3"
		}
	default:
		return PreTokenGenerationResponse{}, fmt.Errorf("trigger: PreTokenGeneration has no version %q", version)
	}
	var out PreTokenGenerationResponse
	err := s.run(ctx, c, func(m members) (err error) {
		out, err = read(m)
		return err
	})
	return zeroOnError(out, err)
}

func readTokenV1(m members) (PreTokenGenerationResponse, error) {
	d := m.object("claimsOverrideDetails")
	out := PreTokenGenerationResponse{
		IDToken: TokenOverride{Suppress: d.strings("claimsToSuppress")},
		Groups:  d.groups("groupOverrideDetails"),
	}
	if claims := d.stringMap("claimsToAddOrOverride"); claims != nil {
		out.IDToken.Claims = make(map[string]json.RawMessage, len(claims))
		for k, v := range claims {
			text, err := json.Marshal(v)
			if err != nil {
				return out, err
			}
			out.IDToken.Claims[k] = text
		}
	}
	return out, out.check()
}

func readTokenV2(m members) (PreTokenGenerationResponse, error) {
	d := m.object("claimsAndScopeOverrideDetails")
	id, access := d.object("idTokenGeneration"), d.object("accessTokenGeneration")
	out := PreTokenGenerationResponse{
		IDToken: TokenOverride{Claims: id.claims("claimsToAddOrOverride"), Suppress: id.strings("claimsToSuppress")},
		AccessToken: TokenOverride{
			Claims: access.claims("claimsToAddOrOverride"), Suppress: access.strings("claimsToSuppress"),
			ScopesToAdd: access.strings("scopesToAdd"), ScopesToSuppress: access.strings("scopesToSuppress"),
		},
		Groups: d.groups("groupOverrideDetails"),
	}
	for _, claims := range []map[string]json.RawMessage{out.IDToken.Claims, out.AccessToken.Claims} {
		for name, value := range claims {
			if string(value) == "null" { // No value to add.
				delete(claims, name)
			}
		}
	}
	return out, out.check()
}

func (r PreTokenGenerationResponse) check() error {
	n := 0
	for _, t := range []TokenOverride{r.IDToken, r.AccessToken} {
		n += len(t.Claims) + len(t.Suppress) + len(t.ScopesToAdd) + len(t.ScopesToSuppress)
	}
	if n > maxTokenChanges {
		return fmt.Errorf("%d changes of tokens are more than %d", n, maxTokenChanges)
	}
	for _, scope := range r.AccessToken.ScopesToAdd {
		// RFC 6749 §3.3: printable ASCII without space, quote and backslash.
		if scope == "" || strings.ContainsFunc(scope, func(c rune) bool { return c <= ' ' || c == '"' || c == '\\' || c > '~' }) {
			return fmt.Errorf("scopesToAdd: %q is not a scope", scope)
		}
	}
	return nil
}

// groups reads an override of groups. A present member is an override, even null.
func (m members) groups(name string) *GroupConfiguration {
	if _, ok := m.of[name]; !ok {
		return nil
	}
	d := m.object(name)
	g := &GroupConfiguration{GroupsToOverride: list(d.strings("groupsToOverride")), IAMRolesToOverride: list(d.strings("iamRolesToOverride"))}
	if role := d.string("preferredRole"); role != "" {
		g.PreferredRole = &role
	}
	return g
}

// definableChallenges are the challenges that DefineAuthChallenge may ask for.
var definableChallenges = []string{
	CustomChallenge, "SRP_A", "PASSWORD_VERIFIER", "SMS_MFA", "EMAIL_OTP", "SOFTWARE_TOKEN_MFA",
	"DEVICE_SRP_AUTH", "DEVICE_PASSWORD_VERIFIER", "ADMIN_NO_SRP_AUTH", "NEW_PASSWORD_REQUIRED",
}

// DefineAuthChallenge asks for the next step of a custom sign-in. An answer that
// both grants and refuses is a refusal.
func (s *Service) DefineAuthChallenge(ctx context.Context, arn string, e Envelope, req DefineAuthChallengeRequest) (DefineAuthChallengeResponse, error) {
	req.UserAttributes, req.Session = attributes(req.UserAttributes), list(req.Session)
	var out DefineAuthChallengeResponse
	err := s.run(ctx, call{DefineAuthChallenge, arn, e, req, defineResponse}, func(m members) error {
		name := m.string("challengeName")
		issue, fail := m.bool("issueTokens"), m.bool("failAuthentication")
		switch {
		case fail:
			out = DefineAuthChallengeResponse{FailAuthentication: true}
		case issue:
			out = DefineAuthChallengeResponse{IssueTokens: true}
		case slices.Contains(definableChallenges, name):
			out = DefineAuthChallengeResponse{ChallengeName: name}
		default:
			return fmt.Errorf("neither issueTokens nor failAuthentication, and challengeName is %q", truncate(name, 64))
		}
		return nil
	})
	return zeroOnError(out, err)
}

// CreateAuthChallenge asks for a challenge's question and its secret answer.
func (s *Service) CreateAuthChallenge(ctx context.Context, arn string, e Envelope, req CreateAuthChallengeRequest) (CreateAuthChallengeResponse, error) {
	req.UserAttributes, req.Session = attributes(req.UserAttributes), list(req.Session)
	if req.ChallengeName == "" {
		req.ChallengeName = CustomChallenge
	}
	var out CreateAuthChallengeResponse
	err := s.run(ctx, call{CreateAuthChallenge, arn, e, req, createResponse}, func(m members) error {
		out.PublicChallengeParameters = m.stringMap("publicChallengeParameters")
		out.PrivateChallengeParameters = m.stringMap("privateChallengeParameters")
		if metadata := m.string("challengeMetadata"); metadata != "" {
			out.ChallengeMetadata = &metadata
		}
		return nil
	})
	return zeroOnError(out, err)
}

// VerifyAuthChallengeResponse asks whether the answer to a challenge is correct.
func (s *Service) VerifyAuthChallengeResponse(ctx context.Context, arn string, e Envelope, req VerifyAuthChallengeResponseRequest) (correct bool, err error) {
	req.UserAttributes, req.PrivateChallengeParameters = attributes(req.UserAttributes), attributes(req.PrivateChallengeParameters)
	err = s.run(ctx, call{VerifyAuthChallengeResponse, arn, e, req, verifyResponse}, func(m members) error {
		correct = m.bool("answerCorrect")
		return nil
	})
	return zeroOnError(correct, err)
}

// UserMigration asks for a user that the pool does not know. An answer without
// attributes means that the function does not know the user either. If the
// function fails, UserMigration returns UserNotFoundException. Callers that hide
// whether users exist replace that error.
func (s *Service) UserMigration(ctx context.Context, arn string, e Envelope, req UserMigrationRequest) (UserMigrationResponse, error) {
	var out UserMigrationResponse
	err := s.run(ctx, call{UserMigration, arn, e, req, userMigrationResponse}, func(m members) error {
		out = UserMigrationResponse{
			UserAttributes: m.stringMap("userAttributes"), FinalUserStatus: m.string("finalUserStatus"),
			DesiredDeliveryMediums: m.strings("desiredDeliveryMediums"),
			ForceAliasCreation:     m.bool("forceAliasCreation"), EnableSMSMFA: m.bool("enableSMSMFA"),
		}
		return out.complete(m.string("messageAction"))
	})
	if api.CodeOf(err) == idp.CodeUserLambdaValidationException {
		return UserMigrationResponse{}, idp.UserNotFoundExceptionf("Exception migrating user in app client %s", e.ClientID).WithCause(err)
	}
	return zeroOnError(out, err)
}

// complete checks the members that have a fixed set of values, and sets the absent
// ones.
func (r *UserMigrationResponse) complete(action string) error {
	switch r.FinalUserStatus {
	case "":
		r.FinalUserStatus = "RESET_REQUIRED"
	case "CONFIRMED", "RESET_REQUIRED":
	default:
		return fmt.Errorf("finalUserStatus %q is neither CONFIRMED nor RESET_REQUIRED", truncate(r.FinalUserStatus, 64))
	}
	switch action {
	case "SUPPRESS":
		r.Suppress = true
	case "", "RESEND": // Messages are sent.
	default:
		return fmt.Errorf("messageAction %q is not SUPPRESS", truncate(action, 64))
	}
	for _, medium := range r.DesiredDeliveryMediums {
		if medium != "EMAIL" && medium != "SMS" {
			return fmt.Errorf("desiredDeliveryMediums has %q", truncate(medium, 64))
		}
	}
	if len(r.DesiredDeliveryMediums) == 0 {
		r.DesiredDeliveryMediums = []string{"SMS"}
	}
	return nil
}

// InboundFederation asks which of a provider's attributes are mapped. An empty
// answer maps all attributes, unchanged.
func (s *Service) InboundFederation(ctx context.Context, arn string, e Envelope, req InboundFederationRequest) (map[string]string, error) {
	var out map[string]string
	err := s.run(ctx, call{InboundFederation, arn, e, req, inboundResponse}, func(m members) error {
		out = m.stringMap("userAttributesToMap")
		return nil
	})
	return zeroOnError(out, err)
}
