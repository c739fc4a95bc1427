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

// maxDevicePage is the most that a list shows at once (Cognito: QueryLimitType).
const maxDevicePage = 60

// ofDevice is what an operation on devices is about. The user's own operations
// show less of a list.
type ofDevice struct {
	pool  *pool.Snapshot
	user  *user.User
	admin bool
}

// ownDevices is for the operations of the token's user.
func (s *Service) ownDevices(ctx context.Context, accessToken string) (ofDevice, error) {
	p, u, err := s.deps.Users.TokenUser(ctx, accessToken)
	if err != nil {
		return ofDevice{}, err
	}
	return ofDevice{pool: p.Pool, user: u}, untracked(p.Pool)
}

// devicesOf is for an administrator's operations.
func (s *Service) devicesOf(ctx context.Context, poolID, username string) (ofDevice, error) {
	sn, err := s.deps.Pools.Load(ctx, poolID)
	if err != nil {
		return ofDevice{}, err
	}
	if err := untracked(sn); err != nil {
		return ofDevice{}, err
	}
	u, err := s.deps.Users.ResolveAdmin(ctx, sn, username)
	return ofDevice{pool: sn, user: u, admin: true}, err
}

// undeclaredUser returns UserNotFoundException in the sense of operations that do
// not declare it.
func undeclaredUser(err error) error {
	if api.CodeOf(err) == idp.CodeUserNotFoundException {
		return idp.ResourceNotFoundException("User does not exist.").WithReason(api.ReasonUnknownUser).WithCause(err)
	}
	return err
}

// missingDevice returns what the store says of a device that is not there.
func missingDevice(err error) error {
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrText) {
		return noDevice()
	}
	return err
}

func (s *Service) get(ctx context.Context, of ofDevice, key string) (*idp.DeviceType, error) {
	rec, err := s.deps.Store.Device(ctx, of.pool.ID, of.user.ID(), key)
	if err != nil {
		return nil, missingDevice(err)
	}
	d, err := s.open(rec)
	if err != nil {
		return nil, err
	}
	return new(describeDevice(of, d, true)), nil
}

func (s *Service) forgetDevice(ctx context.Context, of ofDevice, key string) error {
	return missingDevice(s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		return s.forget(ctx, tx, store.Device{PoolID: of.pool.ID, UserID: of.user.ID(), ID: key})
	}, store.Retry))
}

func (s *Service) rememberDevice(ctx context.Context, of ofDevice, key string, status idp.DeviceRememberedStatusType) error {
	if status == "" {
		return idp.InvalidParameterException("Missing required parameter DeviceRememberedStatus")
	}
	return missingDevice(s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		return tx.RememberDevice(ctx, of.pool.ID, of.user.ID(), key, status == idp.DeviceRememberedStatusTypeRemembered, s.deps.Now())
	}, store.Retry))
}

// listDevices lists a user's devices, the oldest first. There are few.
func (s *Service) listDevices(ctx context.Context, op string, of ofDevice, limit *int32, page *string) ([]idp.DeviceType, *string, error) {
	bind := []string{of.pool.ID, of.user.ID()}
	cursor, err := s.deps.Users.OpenPage(op, bind, page)
	if err != nil {
		return nil, nil, err
	}
	recs, err := s.deps.Store.Devices(ctx, of.pool.ID, of.user.ID())
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
		list[i] = describeDevice(of, d, of.admin)
	}
	return list, next, nil
}

func compareDevices(a, b store.Device) int {
	return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
}

var errDeviceCursor = errors.New("devices: not a place in a list of devices")

// deviceCursor is a place in the list: creation, then key.
func deviceCursor(rec store.Device) []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(rec.CreatedAt.UnixMilli())), rec.ID...)
}

func parseDeviceCursor(b []byte) (store.Device, error) {
	if len(b) < 8 {
		return store.Device{}, errDeviceCursor
	}
	return store.Device{CreatedAt: time.UnixMilli(int64(binary.BigEndian.Uint64(b))).UTC(), ID: string(b[8:])}, nil
}

// describeDevice shows a device; whole shows what a user's own list leaves out.
func describeDevice(of ofDevice, d *Device, whole bool) idp.DeviceType {
	attributes := []idp.AttributeType{{Name: "device_status", Value: new("valid")}}
	add := func(name, value string) {
		if value != "" {
			attributes = append(attributes, idp.AttributeType{Name: name, Value: &value})
		}
	}
	add("device_name", d.Name)
	if whole {
		owner := of.user.Username() + "." + of.pool.ID
		remembered := idp.DeviceRememberedStatusTypeNotRemembered
		if d.Remembered {
			remembered = idp.DeviceRememberedStatusTypeRemembered
		}
		add("dev:device_arn", "arn:aws:cognito-idp:"+of.pool.Region+":"+of.pool.AccountID+":owner/"+owner+"/device/"+d.Key)
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
	of, err := s.ownDevices(ctx, token)
	if err != nil {
		return nil, err
	}
	d, err := s.get(ctx, of, in.DeviceKey)
	if err != nil {
		return nil, err
	}
	return &idp.GetDeviceResponse{Device: d}, nil
}

// AdminGetDevice shows a device of a user.
func (s *Service) AdminGetDevice(ctx context.Context, in *idp.AdminGetDeviceRequest) (*idp.AdminGetDeviceResponse, error) {
	of, err := s.devicesOf(ctx, in.UserPoolId, in.Username)
	if err != nil {
		return nil, undeclaredUser(err)
	}
	d, err := s.get(ctx, of, in.DeviceKey)
	if err != nil {
		return nil, err
	}
	return &idp.AdminGetDeviceResponse{Device: d}, nil
}

// ListDevices lists the devices of the token's user.
func (s *Service) ListDevices(ctx context.Context, in *idp.ListDevicesRequest) (*idp.ListDevicesResponse, error) {
	of, err := s.ownDevices(ctx, in.AccessToken)
	if err != nil {
		return nil, err
	}
	list, next, err := s.listDevices(ctx, "ListDevices", of, in.Limit, in.PaginationToken)
	if err != nil {
		return nil, err
	}
	return &idp.ListDevicesResponse{Devices: list, PaginationToken: next}, nil
}

// AdminListDevices lists the devices of a user.
func (s *Service) AdminListDevices(ctx context.Context, in *idp.AdminListDevicesRequest) (*idp.AdminListDevicesResponse, error) {
	of, err := s.devicesOf(ctx, in.UserPoolId, in.Username)
	if err != nil {
		return nil, undeclaredUser(err)
	}
	list, next, err := s.listDevices(ctx, "AdminListDevices", of, in.Limit, in.PaginationToken)
	if err != nil {
		return nil, err
	}
	return &idp.AdminListDevicesResponse{Devices: list, PaginationToken: next}, nil
}

// UpdateDeviceStatus says whether a device of the token's user is remembered.
func (s *Service) UpdateDeviceStatus(ctx context.Context, in *idp.UpdateDeviceStatusRequest) (*idp.UpdateDeviceStatusResponse, error) {
	of, err := s.ownDevices(ctx, in.AccessToken)
	if err != nil {
		return nil, err
	}
	if err := s.rememberDevice(ctx, of, in.DeviceKey, in.DeviceRememberedStatus); err != nil {
		return nil, err
	}
	return &idp.UpdateDeviceStatusResponse{}, nil
}

// AdminUpdateDeviceStatus says whether a device of a user is remembered.
func (s *Service) AdminUpdateDeviceStatus(ctx context.Context, in *idp.AdminUpdateDeviceStatusRequest) (*idp.AdminUpdateDeviceStatusResponse, error) {
	of, err := s.devicesOf(ctx, in.UserPoolId, in.Username)
	if err != nil {
		return nil, err
	}
	if err := s.rememberDevice(ctx, of, in.DeviceKey, in.DeviceRememberedStatus); err != nil {
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
	of, err := s.ownDevices(ctx, token)
	if err != nil {
		return err
	}
	return s.forgetDevice(ctx, of, in.DeviceKey)
}

// AdminForgetDevice removes a device of a user.
func (s *Service) AdminForgetDevice(ctx context.Context, in *idp.AdminForgetDeviceRequest) error {
	of, err := s.devicesOf(ctx, in.UserPoolId, in.Username)
	if err != nil {
		return err
	}
	return s.forgetDevice(ctx, of, in.DeviceKey)
}

// tokenOf returns an access token that the model calls optional.
func tokenOf(accessToken *string) (string, error) {
	if api.Val(accessToken) == "" {
		return "", idp.NotAuthorizedException("Access Token is required").WithReason(api.ReasonBadAccessToken)
	}
	return *accessToken, nil
}
