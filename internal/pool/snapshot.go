package pool

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool/acr"
	"cognate/internal/pool/passwordpolicy"
	"cognate/internal/pool/schema"
	"cognate/internal/store"
)

// PasswordPolicy is what a pool asks of new passwords.
type PasswordPolicy = passwordpolicy.Policy

// Snapshot is a pool's settings at one moment. It never changes: callers must not change
// the values that it points to.
type Snapshot struct {
	ID        string
	Region    string
	AccountID string
	ARN       string
	Name      string
	// SRPName is the part of the id after its first underscore, which takes the
	// place of the pool in SRP's arithmetic.
	SRPName    string
	Version    int64
	CreatedAt  time.Time
	ModifiedAt time.Time

	// Config is the pool as DescribeUserPool shows it, but for the number of users.
	Config idp.UserPoolType

	CaseSensitive      bool
	UsernameAttributes AttributeSet
	AliasAttributes    AttributeSet
	AutoVerified       AttributeSet
	// VerifyBeforeUpdate are attributes whose old value stays until the new one is verified.
	VerifyBeforeUpdate AttributeSet

	Schema                    *schema.Schema
	PasswordPolicy            PasswordPolicy
	TemporaryPasswordValidity time.Duration
	// AdminCreateOnly is true if only administrators create users.
	AdminCreateOnly bool
	// Recovery lists the ways to recover an account, the preferred one first.
	Recovery []idp.RecoveryOptionNameType
	MFA      MFA
	Tracking Tracking
	Devices  Devices
	Tier     idp.UserPoolTierType

	// Domain is the prefix of the pool's domain, CustomDomain a whole host name; "" if none.
	Domain       string
	CustomDomain string

	mfa     mfaSettings
	service *Service
}

// AttributeSet is a set of attribute names.
type AttributeSet map[string]bool

// Has reports whether name is in the set.
func (s AttributeSet) Has(name string) bool { return s[name] }

func attributeSet[T ~string](names []T) AttributeSet {
	s := make(AttributeSet, len(names))
	for _, n := range names {
		s[string(n)] = true
	}
	return s
}

// MFA is a pool's multi-factor setting.
type MFA struct {
	Mode idp.UserPoolMfaType
	// SMS, SoftwareToken and Email are the factors that people may use.
	SMS           bool
	SoftwareToken bool
	Email         bool
	// WebAuthn is nil if it was never set.
	WebAuthn *idp.WebAuthnConfigurationType
}

// settings is the stored document of a pool.
type settings struct {
	// Config leaves out what the record's columns hold and what is computed:
	// id, ARN, name, dates and the number of users.
	Config idp.UserPoolType
	MFA    mfaSettings
	// TemporaryDaysSet is true if TemporaryPasswordValidityDays was set. Then its retired
	// predecessor is rejected.
	TemporaryDaysSet bool `json:",omitempty"`
	// Sessions is nil if tracking was never set.
	Sessions *sessionSettings `json:",omitempty"`
}

// mfaSettings are the factors that SetUserPoolMfaConfig turned on. The mode and
// the texts and senders that it shares with the pool are in the pool's Config.
type mfaSettings struct {
	SMS           bool
	SoftwareToken *bool
	Email         *idp.EmailMfaConfigType
	WebAuthn      *idp.WebAuthnConfigurationType
}

// any reports whether a second factor is on.
func (m *mfaSettings) any() bool { return m.SMS || m.Email != nil || api.Val(m.SoftwareToken) }

func decodeSettings(p *store.Pool) (*settings, error) {
	var s settings
	if err := json.Unmarshal(p.Doc, &s); err != nil {
		return nil, fmt.Errorf("pool: settings of %s: %w", p.ID, err)
	}
	return &s, nil
}

// snapshot reads a record.
func (s *Service) snapshot(p *store.Pool) (*Snapshot, error) {
	doc, err := decodeSettings(p)
	if err != nil {
		return nil, err
	}
	return s.snapshotOf(p, doc), nil
}

func (s *Service) snapshotOf(p *store.Pool, doc *settings) *Snapshot {
	c := doc.Config
	c.Id, c.Name, c.Arn = new(p.ID), new(p.Name), new(s.arn(p.Region, p.ID))
	c.CreationDate, c.LastModifiedDate = p.CreatedAt, p.ModifiedAt
	c.AcrConfiguration = acr.Effective(c.AcrConfiguration)

	_, srpName, _ := strings.Cut(p.ID, "_")
	sn := &Snapshot{
		ID: p.ID, Region: p.Region, AccountID: s.deps.AccountID, ARN: *c.Arn, Name: p.Name,
		SRPName: srpName, Version: p.Version, CreatedAt: p.CreatedAt, ModifiedAt: p.ModifiedAt,
		Config:             c,
		CaseSensitive:      c.UsernameConfiguration == nil || c.UsernameConfiguration.CaseSensitive,
		UsernameAttributes: attributeSet(c.UsernameAttributes),
		AliasAttributes:    attributeSet(c.AliasAttributes),
		AutoVerified:       attributeSet(c.AutoVerifiedAttributes),
		Schema:             schema.New(c.SchemaAttributes),
		PasswordPolicy:     passwordpolicy.New(c.Policies.PasswordPolicy),
		AdminCreateOnly:    api.Val(c.AdminCreateUserConfig.AllowAdminCreateUserOnly),
		Recovery:           recovery(c.AccountRecoverySetting),
		Tier:               c.UserPoolTier,
		Tracking:           doc.tracking(),
		Devices:            devicesOf(c.DeviceConfiguration),
		Domain:             api.Val(c.Domain),
		CustomDomain:       api.Val(c.CustomDomain),
		MFA: MFA{
			Mode: c.MfaConfiguration, SMS: doc.MFA.SMS, SoftwareToken: api.Val(doc.MFA.SoftwareToken),
			Email: doc.MFA.Email != nil, WebAuthn: doc.MFA.WebAuthn,
		},
		mfa:     doc.MFA,
		service: s,
	}
	sn.TemporaryPasswordValidity = passwordpolicy.TemporaryValidity(c.Policies.PasswordPolicy)
	if u := c.UserAttributeUpdateSettings; u != nil {
		sn.VerifyBeforeUpdate = attributeSet(u.AttributesRequireVerificationBeforeUpdate)
	}
	return sn
}

// recovery returns the recovery mechanisms in the order of their priority.
func recovery(t *idp.AccountRecoverySettingType) []idp.RecoveryOptionNameType {
	if t == nil {
		return nil
	}
	options := slices.Clone(t.RecoveryMechanisms)
	slices.SortStableFunc(options, func(a, b idp.RecoveryOptionType) int { return int(a.Priority - b.Priority) })
	names := make([]idp.RecoveryOptionNameType, len(options))
	for i, o := range options {
		names[i] = o.Name
	}
	return names
}

// Client returns one of the pool's app clients. It returns ResourceNotFoundException for
// another pool's client too.
func (sn *Snapshot) Client(ctx context.Context, id string) (*Client, error) {
	c, err := sn.service.client(ctx, id)
	if err != nil {
		return nil, err
	}
	if c.PoolID != sn.ID {
		return nil, noClient(id)
	}
	return c, nil
}

// FoldUsername returns the form of a username that is compared: as it is in
// case-sensitive pools, else without differences of case.
func (sn *Snapshot) FoldUsername(s string) string {
	if sn.CaseSensitive {
		return s
	}
	return strings.ToLower(s)
}

// FoldAlias returns the form of a sign-in name of this kind ("email",
// "phone_number", "preferred_username") that is compared.
func (sn *Snapshot) FoldAlias(kind, s string) string {
	if sn.CaseSensitive || kind == "phone_number" {
		return s
	}
	return strings.ToLower(s)
}
