package signin

import (
	"context"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/signin/refresh"
	"cognate/internal/token"
)

// startRefresh is REFRESH_TOKEN_AUTH. It never asks a challenge.
func (s *Service) startRefresh(ctx context.Context, c *call) (*outcome, error) {
	set, err := s.refreshes.Exchange(ctx, &refresh.Request{
		Pool: c.pool, Client: c.client, Token: c.params["REFRESH_TOKEN"], DeviceKey: c.params[paramDeviceKey],
		Metadata: c.metadata, ClientContext: c.device.Context,
		Check: func(r *token.Refresh) error {
			// The hash is over the stored username, which the token knows.
			if len(c.client.Secrets) > 0 && !c.client.SecretHashMatches(r.Username, c.params["SECRET_HASH"]) {
				return idp.NotAuthorizedException("SecretHash does not match for the client: " + c.client.ID).WithReason(api.ReasonBadSecretHash)
			}
			return nil
		},
	})
	if err != nil {
		return nil, err
	}
	return &outcome{answer: &answer{result: set.Result(), params: map[string]string{}}}, nil
}
