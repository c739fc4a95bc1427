package user

import (
	"context"
	"slices"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/store"
)

// ListUsers lists the pool's users, or those that match a filter, sorted by the attribute
// of the filter.
func (s *Service) ListUsers(ctx context.Context, in *idp.ListUsersRequest) (*idp.ListUsersResponse, error) {
	const op = "ListUsers"
	sn, err := s.deps.Pools.Load(ctx, in.UserPoolId)
	if err != nil {
		return nil, err
	}
	f, err := parseFilter(api.Val(in.Filter))
	if err != nil {
		return nil, err
	}
	show, err := attributesToGet(sn, in.AttributesToGet)
	if err != nil {
		return nil, err
	}
	bind := []string{sn.ID, f.attr, f.op, f.value, strings.Join(in.AttributesToGet, ",")}
	cursor, err := s.OpenPage(op, bind, in.PaginationToken)
	if err != nil {
		return nil, err
	}
	q := f.query(sn)
	if cursor != nil {
		if q.After, err = store.ParseUserCursor(cursor); err != nil {
			return nil, InvalidPage(err)
		}
	}
	limit := PageSize(in.Limit)
	q.Limit = limit + 1
	recs, err := s.deps.Store.ListUsers(ctx, sn.ID, q)
	if err != nil {
		return nil, err
	}
	out := &idp.ListUsersResponse{}
	if len(recs) > limit {
		recs = recs[:limit]
		out.PaginationToken = s.NextPage(op, bind, q.Cursor(recs[limit-1]).Bytes())
	}
	out.Users, err = Describe(sn, recs, show)
	return out, err
}

// attributesToGet returns which attributes a list shows. Nil shows all.
func attributesToGet(sn *pool.Snapshot, names []string) (func(string) bool, error) {
	if names == nil {
		return nil, nil
	}
	for _, name := range names {
		if _, known := sn.Schema.Attribute(name); !known {
			return nil, idp.InvalidParameterException("One or more requested attributes do not exist.")
		}
	}
	return func(name string) bool { return slices.Contains(names, name) }, nil
}

// Describe returns users as lists show them. If show is set, sub too is shown only if show
// accepts it.
func Describe(sn *pool.Snapshot, recs []store.User, show func(string) bool) ([]idp.UserType, error) {
	list := make([]idp.UserType, 0, len(recs))
	for _, rec := range recs {
		u, err := FromRecord(sn, rec)
		if err != nil {
			return nil, err
		}
		t := u.userType()
		if show != nil {
			t.Attributes = slices.DeleteFunc(t.Attributes, func(a idp.AttributeType) bool { return !show(a.Name) })
		}
		list = append(list, t)
	}
	return list, nil
}

// userType returns the user as lists and AdminCreateUser show it.
func (u *User) userType() idp.UserType {
	t := idp.UserType{
		Username: new(u.Username()), Attributes: u.AttributeList(nil), Enabled: new(u.Rec.Enabled),
		UserStatus: u.Status(), UserCreateDate: u.Rec.CreatedAt, UserLastModifiedDate: u.Rec.ModifiedAt,
	}
	t.MFAOptions, _, _ = u.MFASettings()
	return t
}
