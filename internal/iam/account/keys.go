package account

import (
	"context"
	"errors"

	"cognate/internal/api/iamapi"
	"cognate/internal/iam"
	"cognate/internal/store"
)

// CreateAccessKey makes an access key for a user, the caller by default. The answer is the only
// one that has the secret.
func (s *Service) CreateAccessKey(ctx context.Context, in *iamapi.CreateAccessKeyRequest) (*iamapi.CreateAccessKeyResponse, error) {
	name, err := userName(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	var out iamapi.AccessKey
	err = s.write(ctx, func(tx *store.Tx) error {
		user, err := find(ctx, &tx.Reader, store.IAMUser, name)
		if err != nil {
			return err
		}
		list, err := tx.AccessKeysOf(ctx, user.Key, maxKeysPerUser)
		if err != nil {
			return err
		}
		if len(list) >= maxKeysPerUser {
			return iamapi.LimitExceededExceptionf("Cannot exceed quota for AccessKeysPerUser: %d", maxKeysPerUser)
		}
		row, secret, err := s.deps.IAM.MakeAccessKey(user)
		if err != nil {
			return err
		}
		out = iamapi.AccessKey{UserName: user.Name, AccessKeyId: row.ID, Status: iamapi.StatusTypeActive, SecretAccessKey: string(secret), CreateDate: row.CreatedAt}
		return tx.InsertAccessKey(ctx, row)
	})
	if err != nil {
		return nil, err
	}
	return &iamapi.CreateAccessKeyResponse{AccessKey: &out}, nil
}

// maxListedKeys bounds the list of a user's keys. The operator's command makes keys beyond the
// quota.
const maxListedKeys = 1000

// ListAccessKeys lists the access keys of a user, the caller by default.
func (s *Service) ListAccessKeys(ctx context.Context, in *iamapi.ListAccessKeysRequest) (*iamapi.ListAccessKeysResponse, error) {
	name, err := userName(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	user, err := find(ctx, &s.deps.Store.Reader, store.IAMUser, name)
	if err != nil {
		return nil, err
	}
	rows, err := s.deps.Store.AccessKeysOf(ctx, user.Key, maxListedKeys)
	if err != nil {
		return nil, err
	}
	rows, next, err := page(s, place{op: "ListAccessKeys", bind: []string{user.ID}, marker: in.Marker, max: in.MaxItems}, rows, func(k store.AccessKey) string { return k.ID })
	out := &iamapi.ListAccessKeysResponse{AccessKeyMetadata: []iamapi.AccessKeyMetadata{}, IsTruncated: new(next != nil), Marker: next}
	for _, row := range rows {
		active, err := iam.IsActive(row)
		if err != nil {
			return nil, err
		}
		status := iamapi.StatusTypeActive
		if !active {
			status = iamapi.StatusTypeInactive
		}
		out.AccessKeyMetadata = append(out.AccessKeyMetadata, iamapi.AccessKeyMetadata{UserName: &user.Name, AccessKeyId: &row.ID, Status: status, CreateDate: row.CreatedAt})
	}
	return out, err
}

// keyOf runs a change of an access key of a user.
func (s *Service) keyOf(ctx context.Context, userParam *string, id string, change func(tx *store.Tx, row store.AccessKey) error) error {
	name, err := userName(ctx, userParam)
	if err != nil {
		return err
	}
	return s.write(ctx, func(tx *store.Tx) error {
		user, err := find(ctx, &tx.Reader, store.IAMUser, name)
		if err != nil {
			return err
		}
		row, err := tx.AccessKey(ctx, id)
		if errors.Is(err, store.ErrNotFound) || err == nil && row.UserKey != user.Key {
			return iamapi.NoSuchEntityExceptionf("The Access Key with id %s cannot be found.", id)
		}
		if err != nil {
			return err
		}
		return change(tx, row)
	})
}

// UpdateAccessKey switches an access key on or off.
func (s *Service) UpdateAccessKey(ctx context.Context, in *iamapi.UpdateAccessKeyRequest) error {
	return s.keyOf(ctx, in.UserName, in.AccessKeyId, func(tx *store.Tx, row store.AccessKey) error {
		if err := iam.SetActive(&row, in.Status == iamapi.StatusTypeActive); err != nil {
			return err
		}
		return tx.UpdateAccessKey(ctx, row)
	})
}

// DeleteAccessKey revokes an access key.
func (s *Service) DeleteAccessKey(ctx context.Context, in *iamapi.DeleteAccessKeyRequest) error {
	return s.keyOf(ctx, in.UserName, in.AccessKeyId, func(tx *store.Tx, row store.AccessKey) error { return tx.DeleteAccessKey(ctx, row.ID) })
}

// notAvailable is what AWS answers for a key that was never used. The server keeps no times of
// use.
const notAvailable = "N/A"

// GetAccessKeyLastUsed answers whose a key is.
func (s *Service) GetAccessKeyLastUsed(ctx context.Context, in *iamapi.GetAccessKeyLastUsedRequest) (*iamapi.GetAccessKeyLastUsedResponse, error) {
	row, err := s.deps.Store.AccessKey(ctx, in.AccessKeyId)
	if errors.Is(err, store.ErrNotFound) {
		return nil, invalid("The Access Key with id " + in.AccessKeyId + " cannot be found.")
	}
	return &iamapi.GetAccessKeyLastUsedResponse{
		UserName: &row.Name, AccessKeyLastUsed: &iamapi.AccessKeyLastUsed{ServiceName: notAvailable, Region: notAvailable},
	}, err
}
