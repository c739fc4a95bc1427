package devices

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/internal/user"
)

// maxDevicePage is the largest page of a list (Cognito: QueryLimitType).
const maxDevicePage = 60

// deviceRequest is the pool and the user of an operation on devices. The user's own lists
// show less than an administrator's.
type deviceRequest struct {
	pool  *pool.Snapshot
	user  *user.User
	admin bool
}

// tokenRequest returns the request of the token's user.
func (s *Service) tokenRequest(ctx context.Context, accessToken string) (deviceRequest, error) {
	p, u, err := s.deps.Users.TokenUser(ctx, accessToken)
	if err != nil {
		return deviceRequest{}, err
	}
	return deviceRequest{pool: p.Pool, user: u}, checkTracked(p.Pool)
}

// adminRequest returns the request of an administrator.
func (s *Service) adminRequest(ctx context.Context, poolID, username string) (deviceRequest, error) {
	sn, err := s.deps.Pools.Load(ctx, poolID)
	if err != nil {
		return deviceRequest{}, err
	}
	if err := checkTracked(sn); err != nil {
		return deviceRequest{}, err
	}
	u, err := s.deps.Users.ResolveAdmin(ctx, sn, username)
	return deviceRequest{pool: sn, user: u, admin: true}, err
}

// asResourceNotFound turns UserNotFoundException into ResourceNotFoundException, for
// operations that do not declare it.
func asResourceNotFound(err error) error {
	if api.CodeOf(err) == idp.CodeUserNotFoundException {
		return idp.ResourceNotFoundException("User does not exist.").WithReason(api.ReasonUnknownUser).WithCause(err)
	}
	return err
}

// asDeviceNotFound turns the store's error for a missing device into the exception.
func asDeviceNotFound(err error) error {
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrText) {
		return deviceNotFound()
	}
	return err
}

func (s *Service) get(ctx context.Context, req deviceRequest, key string) (*idp.DeviceType, error) {
	rec, err := s.deps.Store.Device(ctx, req.pool.ID, req.user.ID(), key)
	if err != nil {
		return nil, asDeviceNotFound(err)
	}
	d, err := s.open(rec)
	if err != nil {
		return nil, err
	}
	return new(describeDevice(req, d, true)), nil
}

func (s *Service) forgetDevice(ctx context.Context, req deviceRequest, key string) error {
	return asDeviceNotFound(s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		return s.forget(ctx, tx, store.Device{PoolID: req.pool.ID, UserID: req.user.ID(), ID: key})
	}, store.Retry))
}

func (s *Service) rememberDevice(ctx context.Context, req deviceRequest, key string, status idp.DeviceRememberedStatusType) error {
	if status == "" {
		return idp.InvalidParameterException("Missing required parameter DeviceRememberedStatus")
	}
	return asDeviceNotFound(s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		return tx.RememberDevice(ctx, req.pool.ID, req.user.ID(), key, status == idp.DeviceRememberedStatusTypeRemembered, s.deps.Now())
	}, store.Retry))
}

// listDevices lists a user's devices, the oldest first. There are few.
func (s *Service) listDevices(ctx context.Context, op string, req deviceRequest, limit *int32, page *string) ([]idp.DeviceType, *string, error) {
	bind := []string{req.pool.ID, req.user.ID()}
	cursor, err := s.deps.Users.OpenPage(op, bind, page)
	if err != nil {
		return nil, nil, err
	}
	recs, err := s.deps.Store.Devices(ctx, req.pool.ID, req.user.ID())
	if err != nil {
		return nil, nil, err
	}
	slices.SortFunc(recs, compareDevices)
	if cursor != nil {
		after, err := parseDeviceCursor(cursor)
		if err != nil {
			return nil, nil, user.InvalidPage(err)
		}
		for len(recs) > 0 && compareDevices(recs[0], after) <= 0 {
			recs = recs[1:]
		}
	}
	size := maxDevicePage
	if n := int(api.Val(limit)); n > 0 {
		size = min(n, size)
	}
	var next *string
	if len(recs) > size {
		recs = recs[:size]
		next = s.deps.Users.NextPage(op, bind, deviceCursor(recs[size-1]))
	}
	list := make([]idp.DeviceType, len(recs))
	for i, rec := range recs {
		d, err := s.open(rec)
		if err != nil {
			return nil, nil, err
		}
		list[i] = describeDevice(req, d, req.admin)
	}
	return list, next, nil
}

func compareDevices(a, b store.Device) int {
	return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
}

var errDeviceCursor = errors.New("devices: not a place in a list of devices")

// deviceCursor returns a position in the list: creation, then key.
func deviceCursor(rec store.Device) []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(rec.CreatedAt.UnixMilli())), rec.ID...)
}

func parseDeviceCursor(b []byte) (store.Device, error) {
	if len(b) < 8 {
		return store.Device{}, errDeviceCursor
	}
	return store.Device{CreatedAt: time.UnixMilli(int64(binary.BigEndian.Uint64(b))).UTC(), ID: string(b[8:])}, nil
}

// describeDevice returns a device as the operations show it. whole adds what a user's own
// list leaves out.
func describeDevice(req deviceRequest, d *Device, whole bool) idp.DeviceType {
	attributes := []idp.AttributeType{{Name: "device_status", Value: new("valid")}}
	add := func(name, value string) {
		if value != "" {
			attributes = append(attributes, idp.AttributeType{Name: name, Value: &value})
		}
	}
	add("device_name", d.Name)
	if whole {
		owner := req.user.Username() + "." + req.pool.ID
		remembered := idp.DeviceRememberedStatusTypeNotRemembered
		if d.Remembered {
			remembered = idp.DeviceRememberedStatusTypeRemembered
		}
		add("dev:device_arn", "arn:aws:cognito-idp:"+req.pool.Region+":"+req.pool.AccountID+":owner/"+owner+"/device/"+d.Key)
		add("dev:device_owner", owner)
		add("dev:device_remembered_status", string(remembered))
		add("dev:device_sdk", "aws-sdk")
	}
	add("last_ip_used", d.rec.LastIP)
	return idp.DeviceType{
		DeviceKey: new(d.Key), DeviceAttributes: attributes, DeviceCreateDate: d.rec.CreatedAt,
		DeviceLastModifiedDate: d.rec.ModifiedAt, DeviceLastAuthenticatedDate: d.rec.AuthenticatedAt.Truncate(time.Second),
	}
}

// GetDevice shows a device of the token's user.
func (s *Service) GetDevice(ctx context.Context, in *idp.GetDeviceRequest) (*idp.GetDeviceResponse, error) {
	token, err := tokenOf(in.AccessToken)
	if err != nil {
		return nil, err
	}
	req, err := s.tokenRequest(ctx, token)
	if err != nil {
		return nil, err
	}
	d, err := s.get(ctx, req, in.DeviceKey)
	if err != nil {
		return nil, err
	}
	return &idp.GetDeviceResponse{Device: d}, nil
}

// AdminGetDevice shows a device of a user.
func (s *Service) AdminGetDevice(ctx context.Context, in *idp.AdminGetDeviceRequest) (*idp.AdminGetDeviceResponse, error) {
	req, err := s.adminRequest(ctx, in.UserPoolId, in.Username)
	if err != nil {
		return nil, asResourceNotFound(err)
	}
	d, err := s.get(ctx, req, in.DeviceKey)
	if err != nil {
		return nil, err
	}
	return &idp.AdminGetDeviceResponse{Device: d}, nil
}

// ListDevices lists the devices of the token's user.
func (s *Service) ListDevices(ctx context.Context, in *idp.ListDevicesRequest) (*idp.ListDevicesResponse, error) {
	req, err := s.tokenRequest(ctx, in.AccessToken)
	if err != nil {
		return nil, err
	}
	list, next, err := s.listDevices(ctx, "ListDevices", req, in.Limit, in.PaginationToken)
	if err != nil {
		return nil, err
	}
	return &idp.ListDevicesResponse{Devices: list, PaginationToken: next}, nil
}

// AdminListDevices lists the devices of a user.
func (s *Service) AdminListDevices(ctx context.Context, in *idp.AdminListDevicesRequest) (*idp.AdminListDevicesResponse, error) {
	req, err := s.adminRequest(ctx, in.UserPoolId, in.Username)
	if err != nil {
		return nil, asResourceNotFound(err)
	}
	list, next, err := s.listDevices(ctx, "AdminListDevices", req, in.Limit, in.PaginationToken)
	if err != nil {
		return nil, err
	}
	return &idp.AdminListDevicesResponse{Devices: list, PaginationToken: next}, nil
}

// UpdateDeviceStatus sets whether a device of the token's user is remembered.
func (s *Service) UpdateDeviceStatus(ctx context.Context, in *idp.UpdateDeviceStatusRequest) (*idp.UpdateDeviceStatusResponse, error) {
	req, err := s.tokenRequest(ctx, in.AccessToken)
	if err != nil {
		return nil, err
	}
	if err := s.rememberDevice(ctx, req, in.DeviceKey, in.DeviceRememberedStatus); err != nil {
		return nil, err
	}
	return &idp.UpdateDeviceStatusResponse{}, nil
}

// AdminUpdateDeviceStatus sets whether a device of a user is remembered.
func (s *Service) AdminUpdateDeviceStatus(ctx context.Context, in *idp.AdminUpdateDeviceStatusRequest) (*idp.AdminUpdateDeviceStatusResponse, error) {
	req, err := s.adminRequest(ctx, in.UserPoolId, in.Username)
	if err != nil {
		return nil, err
	}
	if err := s.rememberDevice(ctx, req, in.DeviceKey, in.DeviceRememberedStatus); err != nil {
		return nil, err
	}
	return &idp.AdminUpdateDeviceStatusResponse{}, nil
}

// ForgetDevice removes a device of the token's user.
func (s *Service) ForgetDevice(ctx context.Context, in *idp.ForgetDeviceRequest) error {
	token, err := tokenOf(in.AccessToken)
	if err != nil {
		return err
	}
	req, err := s.tokenRequest(ctx, token)
	if err != nil {
		return err
	}
	return s.forgetDevice(ctx, req, in.DeviceKey)
}

// AdminForgetDevice removes a device of a user.
func (s *Service) AdminForgetDevice(ctx context.Context, in *idp.AdminForgetDeviceRequest) error {
	req, err := s.adminRequest(ctx, in.UserPoolId, in.Username)
	if err != nil {
		return err
	}
	return s.forgetDevice(ctx, req, in.DeviceKey)
}

// tokenOf returns the access token of a request whose model makes it optional.
func tokenOf(accessToken *string) (string, error) {
	if api.Val(accessToken) == "" {
		return "", idp.NotAuthorizedException("Access Token is required").WithReason(api.ReasonBadAccessToken)
	}
	return *accessToken, nil
}
