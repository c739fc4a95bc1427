package identities

import (
	"context"
	"maps"

	"cognate/internal/federation"
	"cognate/internal/trigger"
	"cognate/internal/user"
)

// This file calls the pool's functions on the way of a sign-in at a provider. None is called
// while a transaction is open.

// claims returns the person's claims, and the provider's tokens under their names.
func (a *Arrival) claims() map[string]any {
	claims := maps.Clone(a.Identity.Claims)
	if claims == nil {
		claims = map[string]any{}
	}
	tokens := texts(a.Identity.Response["tokenResponse"])
	for _, name := range []string{"access_token", "id_token"} {
		if value, ok := tokens[name]; ok {
			claims[name] = value
		}
	}
	return claims
}

// texts returns a part of a provider's answer as events show it; nil if there is none.
func texts(part any) map[string]string {
	switch m := part.(type) {
	case map[string]string:
		return m
	case map[string]any:
		return federation.Texts(m)
	}
	return nil
}

// inbound returns the claims to map. The function InboundFederation may replace them.
func (s *Service) inbound(ctx context.Context, a *Arrival) (map[string]any, error) {
	f := a.Pool.Triggers().InboundFederation
	if f == nil {
		return a.claims(), nil
	}
	response := a.Identity.Response
	answer, err := s.deps.Triggers.InboundFederation(ctx, f.LambdaArn, a.Pool.Event(trigger.SourceInboundFederation, a.username(), a.Client.ID), trigger.InboundFederationRequest{
		ProviderName: a.Provider.Name, ProviderType: a.Provider.Type,
		Attributes: trigger.FederatedAttributes{
			TokenResponse: texts(response["tokenResponse"]), IDToken: texts(response["idToken"]), UserInfo: texts(response["userInfo"]),
			SAMLResponse: texts(response["samlResponse"]),
		},
	})
	if err != nil {
		return nil, err
	}
	if len(answer) == 0 {
		return a.claims(), nil
	}
	claims := make(map[string]any, len(answer))
	for name, value := range answer {
		claims[name] = value
	}
	return claims, nil
}

// preSignUp asks the function PreSignUp whether the person may have a profile.
func (s *Service) preSignUp(ctx context.Context, a *Arrival, u *user.User) error {
	attributes := map[string]string{"cognito:email_alias": "", "cognito:phone_number_alias": ""}
	maps.Copy(attributes, u.Attributes)
	delete(attributes, "identities")
	answer, err := s.deps.Triggers.PreSignUp(ctx, *a.Pool.Triggers().PreSignUp, a.Pool.Event(trigger.SourceExternalProvider, u.Username(), a.Client.ID), trigger.PreSignUpRequest{
		UserAttributes: attributes, ValidationData: map[string]string{},
	})
	if err != nil {
		return err
	}
	if answer.AutoVerifyEmail && u.Attributes["email"] != "" {
		u.Attributes[flagOf("email")] = "true"
	}
	if answer.AutoVerifyPhone && u.Attributes["phone_number"] != "" {
		u.Attributes[flagOf("phone_number")] = "true"
	}
	return nil
}

// preAuthentication asks the pool's function whether the user may sign in.
func (s *Service) preAuthentication(ctx context.Context, a *Arrival, u *user.User) error {
	arn := a.Pool.Triggers().PreAuthentication
	if arn == nil {
		return nil
	}
	var notFound *bool
	if a.Client.PreventExistence {
		notFound = new(false)
	}
	return s.deps.Triggers.PreAuthentication(ctx, *arn, a.Pool.Event(trigger.SourcePreAuthentication, u.EventName(), a.Client.ID), trigger.PreAuthenticationRequest{
		UserAttributes: u.EventAttributes(a.Pool), UserNotFound: notFound,
	})
}

// postAuthentication tells the pool's function of a sign-in.
func (s *Service) postAuthentication(ctx context.Context, a *Arrival, u *user.User) error {
	arn := a.Pool.Triggers().PostAuthentication
	if arn == nil {
		return nil
	}
	return s.deps.Triggers.PostAuthentication(ctx, *arn, a.Pool.Event(trigger.SourcePostAuthentication, u.EventName(), a.Client.ID), trigger.PostAuthenticationRequest{
		UserAttributes: u.EventAttributes(a.Pool),
	})
}
