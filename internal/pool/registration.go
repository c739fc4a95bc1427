package pool

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/pool/registration"
	"cognate/internal/pool/schema"
	"cognate/internal/store"
)

// Limits of open registration, which anyone can call. The reserve is the part of the
// quota of app clients that strangers cannot use up.
const (
	openPerAddress = 20  // in an hour
	openPerPool    = 100 // in an hour
	openReserve    = 100 // of maxClients
	openWindow     = time.Hour
	openCounter    = "register-client"
)

// registration returns the pool's DcrConfiguration; nil while it registers no clients.
func (d *settings) registration() *idp.DcrConfigurationType { return registrationOf(&d.Config) }

func registrationOf(c *idp.UserPoolType) *idp.DcrConfigurationType {
	d := c.DcrConfiguration
	if d == nil || d.EnableStatus == idp.StatusTypeDisabled || !includes(c.UserPoolTier, featureDCR) {
		return nil
	}
	return d
}

// Registers reports whether the pool registers app clients for callers that hold
// registration.Scope, and whether it does so for every caller.
func (sn *Snapshot) Registers() (on, open bool) {
	d := registrationOf(&sn.Config)
	return d != nil, d != nil && api.Val(d.OpenDcrEnabled)
}

// Registered reports whether the client registered itself.
func (c *Client) Registered() bool { return c.Config.ClientType == idp.ClientTypeTypeDcr }

// Register adds an app client that asks to be registered, and returns it with its secret,
// "" for a public client. It returns a registration.Error for metadata that the pool does
// not accept. One transaction reads the pool's settings and adds the client.
func (s *Service) Register(ctx context.Context, poolID string, in *registration.Request) (*Client, string, error) {
	if err := registration.CheckURLs(in, isRedirectURL); err != nil {
		return nil, "", err
	}
	now := s.now()
	r := store.Client{PoolID: poolID, ID: keys.NewClientID(), Version: 1, CreatedAt: now, ModifiedAt: now}
	r.Name = registration.Name(in.Name, r.ID)
	var d clientSettings
	var secret string
	if in.Confidential {
		secret = keys.NewClientSecret()
		d.Secrets = []sealedSecret{s.sealSecret(&r, nil, secret)}
	}
	if in.Open {
		if err := s.countOpen(ctx, poolID, in.Address, now); err != nil {
			return nil, "", err
		}
	}
	err := s.update(ctx, poolID, func(tx *store.Tx) error {
		p, doc, err := s.holdPoolRecord(ctx, tx, poolID)
		if err != nil {
			return err
		}
		if err := checkRegistrationQuota(ctx, tx, poolID, in.Open); err != nil {
			return err
		}
		if d.Config, err = registeredConfig(ctx, tx, p, doc, in); err != nil {
			return err
		}
		k := clientCheck{tx: tx, pool: p, settings: doc, confidential: in.Confidential, verb: "creating"}
		if err := k.check(ctx, &d.Config); err != nil {
			return err
		}
		if r.Doc, err = json.Marshal(d); err != nil {
			return fmt.Errorf("pool: settings of a registered client: %w", err)
		}
		return tx.InsertClient(ctx, r)
	})
	if err != nil {
		return nil, "", registrationFault(err)
	}
	c, err := s.clientOf(&r, &d)
	return c, secret, err
}

// registrationFault turns an exception about the client's settings into a
// registration.Error, since the settings come from the caller's metadata.
func registrationFault(err error) error {
	switch api.CodeOf(err) {
	case idp.CodeInvalidParameterException, idp.CodeInvalidOAuthFlowException, idp.CodeScopeDoesNotExistException, idp.CodeLimitExceededException:
		if e, ok := errors.AsType[*api.Error](err); ok {
			return &registration.Error{Text: e.Message}
		}
	}
	return err
}

// countOpen counts a stranger's attempt to register against the limits of the caller's address
// and of the pool. Only a hash of the address is stored. It holds neither the pool's lock nor
// its row, and beyond a limit it only reads: a flood must not keep administrators from the pool.
func (s *Service) countOpen(ctx context.Context, poolID, address string, now time.Time) error {
	limits := []struct {
		subject string
		most    int
	}{{s.callerHash(poolID, address), openPerAddress}, {"", openPerPool}}
	for _, limit := range limits {
		n, err := s.deps.Store.Counter(ctx, poolID, limit.subject, openCounter, now)
		if err != nil {
			return err
		}
		if n >= limit.most {
			return tooManyRegistrations()
		}
	}
	return s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		for _, limit := range limits {
			n, _, err := tx.Count(ctx, poolID, limit.subject, openCounter, now, openWindow, 1)
			if err != nil {
				return err
			}
			if n > limit.most {
				return tooManyRegistrations()
			}
		}
		return nil
	})
}

func tooManyRegistrations() error {
	return idp.TooManyRequestsException("Too many requests").WithReason(api.ReasonQuota)
}

// registeringAddress labels the hashes of addresses that register clients.
const registeringAddress keys.Purpose = "registering-address"

// callerHash returns the hash under which a caller is counted.
func (s *Service) callerHash(poolID, address string) string {
	if network, ok := api.NetworkOf(address); ok {
		address = network
	}
	sum := s.deps.Ring.Hash(registeringAddress, []byte(poolID), []byte(address))
	return hex.EncodeToString(sum[:16])
}

// checkRegistrationQuota leaves a part of the quota to administrators and to holders of
// registration.Scope.
func checkRegistrationQuota(ctx context.Context, tx *store.Tx, poolID string, open bool) error {
	if !open {
		return checkClientQuota(ctx, tx, poolID)
	}
	n, err := tx.CountClients(ctx, poolID)
	return checkQuota(n, err, maxClients-openReserve, "Registered clients cannot exceed limit of %d clients in a user pool.")
}

// registeredConfig returns the settings of the client, with all identity providers of the
// pool if people sign in.
func registeredConfig(ctx context.Context, tx *store.Tx, p *store.Pool, doc *settings, in *registration.Request) (idp.UserPoolClientType, error) {
	update, err := registration.Settings(doc.registration(), in)
	if err != nil {
		return idp.UserPoolClientType{}, err
	}
	if in.Grant == idp.OAuthFlowTypeCode {
		providers, err := tx.Items(ctx, p.ID, store.KindIdentityProvider, "", maxRegisteredProviders)
		if err != nil {
			return idp.UserPoolClientType{}, err
		}
		update.SupportedIdentityProviders = []string{"COGNITO"}
		for i := range providers {
			update.SupportedIdentityProviders = append(update.SupportedIdentityProviders, providers[i].Key)
		}
	}
	update.ReadAttributes, update.WriteAttributes = registeredAttributes(schema.New(doc.Config.SchemaAttributes))
	return newClientConfig(update, &idp.UserPoolClientType{ClientType: idp.ClientTypeTypeDcr}), nil
}

// registeredAttributes returns the attributes that a registered client reads and writes: the
// standard ones. The others may decide what a user is allowed to do, and the client's owner
// could write them at a sign-up.
func registeredAttributes(s *schema.Schema) (read, write []string) {
	for _, name := range s.Names() {
		if a, _ := s.Attribute(name); a.Custom && !a.Required {
			continue
		}
		read = append(read, name)
		if !schema.IsServiceOnly(name) {
			write = append(write, name)
		}
	}
	return read, write
}

// maxRegisteredProviders is the most identity providers that a pool has (Cognito: quotas).
const maxRegisteredProviders = 1000

// isOfType reports whether the client belongs into a list of clients of this type; "" is
// every type.
func isOfType(r *store.Client, kind idp.ClientTypeType) (bool, error) {
	if kind == "" {
		return true, nil
	}
	d, err := decodeClient(r)
	if err != nil {
		return false, err
	}
	return (d.Config.ClientType == idp.ClientTypeTypeDcr) == (kind == idp.ClientTypeTypeDcr), nil
}
