package credentials

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/sts"
	"cognate/internal/iam"
	"cognate/internal/keys"
	"cognate/internal/token"
)

const (
	defaultCallerToken = 5 * time.Minute
	// maxCallerClaims is the most bytes of the claims of a token (STS: JWTPayloadSizeExceededException).
	maxCallerClaims = 8 << 10
)

// callerClaims are the claims of a token for a user or a role (IAM User Guide: "Understanding token
// claims" of outbound identity federation).
type callerClaims struct {
	Issuer   string      `json:"iss"`
	Subject  string      `json:"sub"`
	Audience any         `json:"aud"` // a text, or a list of several
	IssuedAt int64       `json:"iat"`
	Expires  int64       `json:"exp"`
	ID       string      `json:"jti"`
	STS      callerFacts `json:"https://sts.amazonaws.com/"`
}

type callerFacts struct {
	Account       string            `json:"aws_account"`
	Region        string            `json:"source_region,omitempty"`
	Principal     string            `json:"principal_id"`
	PrincipalTags map[string]string `json:"principal_tags,omitempty"`
	RequestTags   map[string]string `json:"request_tags,omitempty"`
	SessionEnd    string            `json:"original_session_exp,omitempty"`
	Provider      string            `json:"federated_provider,omitempty"`
}

// GetWebIdentityToken returns a signed token about the caller, for services elsewhere.
func (s *Service) GetWebIdentityToken(ctx context.Context, in *sts.GetWebIdentityTokenRequest) (*sts.GetWebIdentityTokenResponse, error) {
	if s.deps.Issuer == "" {
		return nil, sts.OutboundWebIdentityFederationDisabledException("Outbound web identity federation is not available while the server has AWS's issuers.").WithReason(api.ReasonNotConfigured)
	}
	sign := s.deps.Tokens.SignIdentity
	switch in.SigningAlgorithm {
	case "RS256":
	case "ES384":
		sign = s.deps.Tokens.SignCaller
	default:
		return nil, invalid("The signing algorithm must be RS256 or ES384.")
	}
	life := defaultCallerToken
	if in.DurationSeconds != nil {
		life = seconds(in.DurationSeconds)
	}
	p := iam.PrincipalFrom(ctx)
	err := s.authorize(ctx, p, "sts:GetWebIdentityToken", "*", in.Tags, map[string][]string{
		"sts:IdentityTokenAudience": in.Audience, "sts:SigningAlgorithm": {in.SigningAlgorithm}, "sts:DurationSeconds": {strconv.Itoa(int(life.Seconds()))},
	})
	if err != nil {
		return nil, err
	}
	now := s.deps.Now().Truncate(time.Second)
	expires := now.Add(life)
	if p.Session != nil && expires.After(p.Session.Expires) {
		return nil, sts.SessionDurationEscalationException("The token would be valid for longer than the credentials of the caller.").WithReason(api.ReasonInvalidRequest)
	}
	claims, err := s.callerClaims(ctx, p, in)
	if err != nil {
		return nil, sessionError(err, nil)
	}
	claims.IssuedAt, claims.Expires = now.Unix(), expires.Unix()
	text, err := json.Marshal(claims)
	if err != nil {
		return nil, err
	}
	if len(text) > maxCallerClaims {
		return nil, sts.JWTPayloadSizeExceededException("The tags are too long for a token.").WithReason(api.ReasonQuota)
	}
	signed, err := sign(ctx, text)
	return &sts.GetWebIdentityTokenResponse{WebIdentityToken: &signed, Expiration: expires}, err
}

// callerClaims returns what a token says about a caller, without the times.
func (s *Service) callerClaims(ctx context.Context, p *iam.Principal, in *sts.GetWebIdentityTokenRequest) (*callerClaims, error) {
	arn := p.ARN
	if d := p.Session; d != nil && d.Role != "" {
		arn = d.Role
	}
	c := &callerClaims{Issuer: s.deps.Issuer, Subject: arn, Audience: in.Audience, ID: keys.NewUUID()}
	if len(in.Audience) == 1 {
		c.Audience = in.Audience[0]
	}
	requested, err := tagMap(in.Tags)
	if err == nil {
		err = iam.CheckTags(requested, nil)
	}
	c.STS = callerFacts{Account: s.deps.AccountID, Region: api.RequestFrom(ctx).Region, Principal: arn, PrincipalTags: p.Tags, RequestTags: requested}
	if d := p.Session; d != nil {
		c.STS.SessionEnd = d.Expires.UTC().Format(time.RFC3339)
		if d.Login != nil {
			c.STS.Provider = d.Login.Provider
		}
	}
	return c, err
}

// Mount adds the public documents of the issuer at a path.
func (s *Service) Mount(mux *http.ServeMux, path string) {
	mux.HandleFunc("GET "+path+"/.well-known/openid-configuration", token.Publish(func(context.Context) ([]byte, error) {
		return json.Marshal(map[string]any{
			"issuer": s.deps.Issuer, "jwks_uri": s.deps.Issuer + "/.well-known/jwks.json", "response_types_supported": []string{"id_token"},
			"subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"RS256", "ES384"},
		})
	}))
	mux.HandleFunc("GET "+path+"/.well-known/jwks.json", token.Publish(s.deps.Tokens.CallerJWKS))
}
