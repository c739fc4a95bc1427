package provision

import (
	"context"
	"maps"
	"slices"

	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/pool/schema"
	"cognate/internal/user"
)

// Describe returns a user as a person. Without secrets it leaves out the hash of another program
// and the authenticator app. A plain password is not known.
func (s *Service) Describe(ctx context.Context, sn *pool.Snapshot, username string, secrets bool) (*Person, error) {
	u, err := s.deps.Users.ResolveAdmin(ctx, sn, username)
	if err != nil {
		return nil, err
	}
	p := &Person{
		Username: u.Username(), Sub: u.ID(), Attributes: maps.Clone(u.Attributes), Status: u.Status(), Enabled: new(u.Rec.Enabled),
		MFA: orderedFactors(u),
	}
	delete(p.Attributes, "identities")
	for _, kind := range []string{schema.Email, schema.PhoneNumber} {
		if address := u.Attributes[kind]; sn.UsernameAttributes.Has(kind) && address != "" && p.Username == u.ID() {
			p.Username = address
			break
		}
	}
	of, err := s.deps.Groups.Groups(ctx, u)
	if err != nil {
		return nil, err
	}
	for _, g := range of {
		p.Groups = append(p.Groups, g.Name)
	}
	if !secrets {
		p.MFA = slices.DeleteFunc(p.MFA, func(f string) bool { return f == user.FactorTOTP })
		return p, nil
	}
	c, err := s.deps.Users.Credential(u)
	if err != nil {
		return nil, err
	}
	p.Hash = keys.Secret(c.PHC)
	p.TOTP, err = s.deps.Factors.Secret(u)
	return p, err
}

// orderedFactors returns the second factors of a user, the preferred first.
func orderedFactors(u *user.User) []string {
	list := slices.Clone(u.MFA.Enabled)
	if i := slices.Index(list, u.MFA.Preferred); i > 0 {
		list = slices.Concat(list[i:i+1], list[:i], list[i+1:])
	}
	return list
}
