package pool

import (
	"context"
	"slices"
	"strconv"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/store"
)

// secretContext binds a sealed secret to its row, so that a copy elsewhere does not open.
func secretContext(poolID, clientID, secretID string) []byte {
	return []byte("clients\x00" + poolID + "\x00" + clientID + "/" + secretID)
}

// sealSecret seals a new secret of the client that already has others. Its id is
// <client id>--<time of creation>, in seconds, and so later by one or two where
// that second has a secret already.
func (s *Service) sealSecret(r *store.Client, others []sealedSecret, value string) sealedSecret {
	now := s.now()
	sealed := sealedSecret{CreatedAt: now}
	for at := now.Unix(); ; at++ {
		sealed.ID = r.ID + "--" + strconv.FormatInt(at, 10)
		if !slices.ContainsFunc(others, func(o sealedSecret) bool { return o.ID == sealed.ID }) {
			break
		}
	}
	sealed.Sealed = s.deps.Ring.Seal(keys.PurposeClientSecret, secretContext(r.PoolID, r.ID, sealed.ID), []byte(value))
	return sealed
}

// AddUserPoolClientSecret adds a second secret to a confidential client, so that the
// first secret can be replaced without an interruption.
func (s *Service) AddUserPoolClientSecret(ctx context.Context, in *idp.AddUserPoolClientSecretRequest) (*idp.AddUserPoolClientSecretResponse, error) {
	value := keys.NewClientSecret()
	if in.ClientSecret != nil {
		value = *in.ClientSecret
	}
	var added sealedSecret
	err := s.changeClient(ctx, in.UserPoolId, in.ClientId, func(_ *store.Tx, r *store.Client, d *clientSettings, _ *store.Pool, _ *settings) error {
		switch {
		case len(d.Secrets) == 0:
			return invalid("Client secrets can only be added to a client that has a secret.")
		case len(d.Secrets) >= maxSecrets:
			return idp.LimitExceededExceptionf("Client secrets cannot exceed limit of %d secrets.", maxSecrets).WithReason(api.ReasonQuota)
		}
		added = s.sealSecret(r, d.Secrets, value)
		d.Secrets = append(d.Secrets, added)
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := &idp.ClientSecretDescriptorType{ClientSecretId: &added.ID, ClientSecretCreateDate: added.CreatedAt}
	if in.ClientSecret == nil {
		out.ClientSecretValue = &value
	}
	return &idp.AddUserPoolClientSecretResponse{ClientSecretDescriptor: out}, nil
}

// ListUserPoolClientSecrets lists a client's secrets without their values.
func (s *Service) ListUserPoolClientSecrets(ctx context.Context, in *idp.ListUserPoolClientSecretsRequest) (*idp.ListUserPoolClientSecretsResponse, error) {
	_, d, err := s.readClient(ctx, in.UserPoolId, in.ClientId)
	if err != nil {
		return nil, err
	}
	if in.NextToken != nil {
		return nil, invalid("Invalid pagination token provided") // One page holds them all.
	}
	out := &idp.ListUserPoolClientSecretsResponse{ClientSecrets: []idp.ClientSecretDescriptorType{}}
	for _, secret := range d.Secrets {
		out.ClientSecrets = append(out.ClientSecrets, idp.ClientSecretDescriptorType{
			ClientSecretId: new(secret.ID), ClientSecretCreateDate: secret.CreatedAt,
		})
	}
	return out, nil
}

// DeleteUserPoolClientSecret deletes a secret. The last secret cannot be deleted.
func (s *Service) DeleteUserPoolClientSecret(ctx context.Context, in *idp.DeleteUserPoolClientSecretRequest) (*idp.DeleteUserPoolClientSecretResponse, error) {
	err := s.changeClient(ctx, in.UserPoolId, in.ClientId, func(_ *store.Tx, _ *store.Client, d *clientSettings, _ *store.Pool, _ *settings) error {
		i := slices.IndexFunc(d.Secrets, func(o sealedSecret) bool { return o.ID == in.ClientSecretId })
		switch {
		case i < 0:
			return idp.ResourceNotFoundException("Client secret " + in.ClientSecretId + " does not exist.").WithReason(api.ReasonNotFound)
		case len(d.Secrets) == 1:
			return invalid("The last client secret can not be deleted.")
		}
		d.Secrets = slices.Delete(d.Secrets, i, i+1)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &idp.DeleteUserPoolClientSecretResponse{}, nil
}
