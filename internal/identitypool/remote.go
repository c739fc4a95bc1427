package identitypool

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"cognate/internal/api"
	"cognate/internal/api/identity"
	"cognate/internal/iam"
	"cognate/internal/iam/session"
	"cognate/internal/keys"
	"cognate/internal/outbound"
)

// AWSEndpoint is the endpoint of a RemoteSTS that means AWS's own STS in the pool's Region.
const AWSEndpoint = "aws"

// remoteTimeout bounds a call of another STS, with its second try.
const remoteTimeout = 10 * time.Second

// A RemoteSTS is another STS, such as AWS's, that exchanges the OpenID tokens of identities for its
// credentials (AssumeRoleWithWebIdentity). It must trust the issuer of the tokens.
type RemoteSTS struct {
	endpoint string
	http     *http.Client
}

// NewRemoteSTS returns the STS at a URL, or AWS's own for [AWSEndpoint].
func NewRemoteSTS(endpoint string) (*RemoteSTS, error) {
	if u, err := url.Parse(endpoint); endpoint != AWSEndpoint && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "") {
		return nil, errors.New("neither " + AWSEndpoint + " nor an http or https URL")
	}
	return &RemoteSTS{endpoint: endpoint, http: outbound.NewAWSClient(aws.Config{})}, nil
}

// refusals are the codes by which STS says that the role, its trust policy, or the provider in
// the account is not as it should be. Some are of MinIO.
var refusals = []string{
	"AccessDenied", "ExpiredToken", "ExpiredTokenException", "IDPRejectedClaim", "InvalidIdentityToken", "InvalidParameterValue",
	"MalformedPolicyDocument", "PackedPolicyTooLarge", "RegionDisabledException", "ValidationError",
}

// assume exchanges the token of an identity for credentials.
func (r *RemoteSTS) assume(ctx context.Context, region, token string, a *iam.Assumption) (*session.Credentials, error) {
	ctx, cancel := context.WithTimeout(ctx, remoteTimeout)
	defer cancel()
	o := sts.Options{Region: region, Credentials: aws.AnonymousCredentials{}, HTTPClient: r.http, RetryMaxAttempts: 2}
	if r.endpoint != AWSEndpoint {
		o.BaseEndpoint = &r.endpoint
	}
	in := &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: &a.Role, RoleSessionName: &a.SessionName, WebIdentityToken: &token, DurationSeconds: aws.Int32(int32(a.Duration / time.Second)),
	}
	if a.Policy != "" {
		in.Policy = &a.Policy
	}
	out, err := sts.New(o).AssumeRoleWithWebIdentity(ctx, in)
	if e, ok := errors.AsType[smithy.APIError](err); ok && slices.Contains(refusals, e.ErrorCode()) {
		return nil, badRoles(outbound.Clean(err))
	}
	if err == nil && (out.Credentials == nil || out.Credentials.Expiration == nil) {
		err = errors.New("identitypool: STS has answered without credentials")
	}
	if err != nil {
		return nil, identity.ExternalServiceException(textExternal).
			WithReason(api.ReasonProvider).WithCause(outbound.Clean(err))
	}
	c := out.Credentials
	return &session.Credentials{
		AccessKeyID: api.Val(c.AccessKeyId), Secret: keys.Secret(api.Val(c.SecretAccessKey)), Token: api.Val(c.SessionToken), Expires: *c.Expiration,
	}, nil
}
