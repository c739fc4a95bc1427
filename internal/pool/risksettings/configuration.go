package risksettings

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/risk/lists"
	"cognate/internal/store"
)

// wholePool is the key of the configuration of app clients without their own. A request may use it as a client id, too.
const wholePool = "ALL"

// configuration is the stored document of a risk configuration, as it was sent. Its key is an app client or wholePool.
type configuration struct {
	Compromised *idp.CompromisedCredentialsRiskConfigurationType `json:"compromised,omitempty"`
	Takeover    *idp.AccountTakeoverRiskConfigurationType        `json:"takeover,omitempty"`
	Exceptions  *idp.RiskExceptionConfigurationType              `json:"exceptions,omitempty"`
}

func (c *configuration) empty() bool { return *c == configuration{} }

var configurationKind = pool.Kind{
	Name: store.KindRisk, Most: 1001, // one for each app client and one for the pool
	NotFound: notFound,
	Exists:   func(string, string) error { return invalid("The risk configuration exists already.") },
	FullText: "Risk configurations cannot exceed limit of %d in a user pool.",
}

// SetRiskConfiguration replaces the configuration of a pool or of one app client. A request without any configuration
// removes it: the app client then has the configuration of its pool, and a pool the defaults.
func (s *Service) SetRiskConfiguration(ctx context.Context, in *idp.SetRiskConfigurationRequest) (*idp.SetRiskConfigurationResponse, error) {
	doc := configuration{
		Compromised: in.CompromisedCredentialsRiskConfiguration, Takeover: in.AccountTakeoverRiskConfiguration,
		Exceptions: in.RiskExceptionConfiguration,
	}
	if err := doc.complete(); err != nil {
		return nil, err
	}
	key := keyOf(in.ClientId)
	var item *pool.Item[configuration]
	err := s.deps.Pools.Change(ctx, in.UserPoolId, func(tx *store.Tx, sn *pool.Snapshot) error {
		item = nil
		if err := checkScope(ctx, &tx.Reader, sn.ID, key); err != nil {
			return err
		}
		old, err := stored(ctx, &tx.Reader, sn.ID, key)
		switch {
		case err != nil || old == nil && doc.empty():
			return err
		case doc.empty():
			return s.configurations.Delete(ctx, tx, sn.ID, key)
		case old == nil:
			item, err = s.configurations.Create(ctx, tx, sn.ID, key, doc)
			return err
		}
		item, err = s.configurations.Change(ctx, tx, sn.ID, key, func(c *configuration) error {
			*c = doc
			return nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return &idp.SetRiskConfigurationResponse{RiskConfiguration: shape(in.UserPoolId, key, item)}, nil
}

// DescribeRiskConfiguration returns the configuration of exactly the pool or the app client: what an app client has from
// its pool is not shown.
func (s *Service) DescribeRiskConfiguration(ctx context.Context, in *idp.DescribeRiskConfigurationRequest) (*idp.DescribeRiskConfigurationResponse, error) {
	sn, err := s.deps.Pools.Read(ctx, in.UserPoolId)
	if err != nil {
		return nil, err
	}
	key := keyOf(in.ClientId)
	if err := checkScope(ctx, &s.deps.Store.Reader, sn.ID, key); err != nil {
		return nil, err
	}
	item, err := stored(ctx, &s.deps.Store.Reader, sn.ID, key)
	if err != nil {
		return nil, err
	}
	return &idp.DescribeRiskConfigurationResponse{RiskConfiguration: shape(sn.ID, key, item)}, nil
}

func keyOf(clientID *string) string {
	if clientID == nil {
		return wholePool
	}
	return *clientID
}

func checkScope(ctx context.Context, r *store.Reader, poolID, key string) error {
	if key == wholePool {
		return nil
	}
	return pool.CheckClient(ctx, r, poolID, key)
}

// stored returns the document of a scope, or nil.
func stored(ctx context.Context, r *store.Reader, poolID, key string) (*pool.Item[configuration], error) {
	record, err := r.Item(ctx, poolID, store.KindRisk, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return pool.DecodeItem[configuration](record)
}

// shape returns a configuration as administrators see it. If nothing was set, it has only the names of its scope.
func shape(poolID, key string, item *pool.Item[configuration]) *idp.RiskConfigurationType {
	out := &idp.RiskConfigurationType{UserPoolId: &poolID, LastModifiedDate: time.Time{}}
	if key != wholePool {
		out.ClientId = &key
	}
	if item != nil {
		out.CompromisedCredentialsRiskConfiguration = item.Doc.Compromised
		out.AccountTakeoverRiskConfiguration = item.Doc.Takeover
		out.RiskExceptionConfiguration = item.Doc.Exceptions
		out.LastModifiedDate = item.ModifiedAt
	}
	return out
}

// complete checks a configuration and adds the defaults that an administrator reads back.
func (c *configuration) complete() error {
	if p := c.Compromised; p != nil && len(p.EventFilter) == 0 {
		p.EventFilter = []idp.EventFilterType{idp.EventFilterTypeSignIn, idp.EventFilterTypePasswordChange, idp.EventFilterTypeSignUp}
	}
	if e := c.Exceptions; e != nil {
		for _, text := range slices.Concat(e.BlockedIPRangeList, e.SkippedIPRangeList) {
			if err := checkRange(text); err != nil {
				return err
			}
		}
	}
	if c.Takeover == nil {
		return nil
	}
	return checkTakeover(c.Takeover)
}

// strictness orders the actions.
var strictness = map[idp.AccountTakeoverEventActionType]int{
	idp.AccountTakeoverEventActionTypeNoAction: 0, idp.AccountTakeoverEventActionTypeMfaIfConfigured: 1,
	idp.AccountTakeoverEventActionTypeMfaRequired: 2, idp.AccountTakeoverEventActionTypeBlock: 3,
}

func checkTakeover(t *idp.AccountTakeoverRiskConfigurationType) error {
	notify, strictest := false, 0
	for _, a := range []*idp.AccountTakeoverActionType{t.Actions.LowAction, t.Actions.MediumAction, t.Actions.HighAction} {
		if a == nil {
			continue
		}
		if strictness[a.EventAction] < strictest {
			return invalid("The action of a higher risk level cannot be less restrictive than that of a lower one.")
		}
		strictest = strictness[a.EventAction]
		notify = notify || a.Notify
	}
	if t.NotifyConfiguration == nil {
		if notify {
			return invalid("NotifyConfiguration is required when Notify is true.")
		}
		return nil
	}
	return checkNotify(t.NotifyConfiguration)
}

func checkNotify(n *idp.NotifyConfigurationType) error {
	if parts := strings.SplitN(n.SourceArn, ":", 6); len(parts) != 6 || parts[2] != "ses" || !strings.HasPrefix(parts[5], "identity/") {
		return invalid("SourceArn must be the ARN of an SES identity: " + n.SourceArn)
	}
	for _, address := range []*string{n.From, n.ReplyTo} {
		if strings.ContainsAny(api.Val(address), "\r\n") {
			return invalid("From and ReplyTo must be single lines.")
		}
	}
	return nil
}

// checkRange rejects all but CIDR ranges.
func checkRange(text string) error {
	if _, err := lists.ParsePrefix(text); err != nil || !strings.Contains(text, "/") {
		return idp.InvalidParameterException("Invalid CIDR range: " + text).WithCause(err)
	}
	return nil
}
