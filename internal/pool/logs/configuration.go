package logs

import (
	"context"
	"slices"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/store"
)

// configuration is the stored document of an event source, which is its key.
type configuration struct {
	// Place is where the configuration stood in the request.
	Place  int                      `json:"place"`
	Config idp.LogConfigurationType `json:"config"`
}

// sources are the event sources.
var sources = []idp.EventSourceName{idp.EventSourceNameUserNotification, idp.EventSourceNameUserAuthEvents}

var configurationKind = pool.Kind{
	Name: store.KindLogDelivery, Most: len(sources),
	NotFound: func(string) error { return invalid("The log configuration does not exist.") },
	Exists:   func(string, string) error { return invalid("The log configuration exists already.") },
	FullText: "Log configurations cannot exceed limit of %d in a user pool.",
}

// SetLogDeliveryConfiguration replaces the log configurations of a pool. An empty list removes them.
func (s *Service) SetLogDeliveryConfiguration(ctx context.Context, in *idp.SetLogDeliveryConfigurationRequest) (*idp.SetLogDeliveryConfigurationResponse, error) {
	list := in.LogConfigurations
	for i := range list {
		if err := s.check(&list[i]); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(list[:i], func(c idp.LogConfigurationType) bool { return c.EventSource == list[i].EventSource }) {
			return nil, invalid("The event source " + string(list[i].EventSource) + " is there more than once.")
		}
	}
	err := s.deps.Pools.Change(ctx, in.UserPoolId, func(tx *store.Tx, sn *pool.Snapshot) error {
		for _, source := range sources {
			i := slices.IndexFunc(list, func(c idp.LogConfigurationType) bool { return c.EventSource == source })
			if i >= 0 && source == idp.EventSourceNameUserAuthEvents && sn.Config.UserPoolTier != idp.UserPoolTierTypePlus {
				return idp.FeatureUnavailableInTierException("Log delivery of userAuthEvents is not available in your current tier.")
			}
			if err := s.replace(ctx, tx, sn.ID, source, i, list); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &idp.SetLogDeliveryConfigurationResponse{LogDeliveryConfiguration: shape(in.UserPoolId, list)}, nil
}

// replace stores the configuration of a source: that at a place of the list, or none if the place is negative.
func (s *Service) replace(ctx context.Context, tx *store.Tx, poolID string, source idp.EventSourceName, place int, list []idp.LogConfigurationType) error {
	old, err := stored(ctx, &tx.Reader, poolID, source)
	switch {
	case err != nil || old == nil && place < 0:
		return err
	case place < 0:
		return s.configurations.Delete(ctx, tx, poolID, string(source))
	}
	doc := configuration{Place: place, Config: list[place]}
	if old == nil {
		_, err = s.configurations.Create(ctx, tx, poolID, string(source), doc)
		return err
	}
	_, err = s.configurations.Change(ctx, tx, poolID, string(source), func(c *configuration) error {
		*c = doc
		return nil
	})
	return err
}

// GetLogDeliveryConfiguration returns the log configurations of a pool, as they were sent.
func (s *Service) GetLogDeliveryConfiguration(ctx context.Context, in *idp.GetLogDeliveryConfigurationRequest) (*idp.GetLogDeliveryConfigurationResponse, error) {
	sn, err := s.deps.Pools.Read(ctx, in.UserPoolId)
	if err != nil {
		return nil, err
	}
	items, err := list(ctx, &s.deps.Store.Reader, sn.ID)
	if err != nil {
		return nil, err
	}
	configs := make([]idp.LogConfigurationType, len(items))
	for i, item := range items {
		configs[i] = item.Doc.Config
	}
	return &idp.GetLogDeliveryConfigurationResponse{LogDeliveryConfiguration: shape(sn.ID, configs)}, nil
}

// shape returns configurations as administrators see them. An empty list is there, too.
func shape(poolID string, list []idp.LogConfigurationType) *idp.LogDeliveryConfigurationType {
	if list == nil {
		list = []idp.LogConfigurationType{}
	}
	return &idp.LogDeliveryConfigurationType{UserPoolId: poolID, LogConfigurations: list}
}

// check rejects a configuration that Cognito would reject, and one to which this server cannot deliver (Cognito:
// LogConfigurationType).
func (s *Service) check(c *idp.LogConfigurationType) error {
	d, err := parseDestination(c)
	if err != nil {
		return err
	}
	if c.EventSource == idp.EventSourceNameUserNotification {
		if c.LogLevel != idp.LogLevelError {
			return invalid("The log level of userNotification must be ERROR.")
		}
		if d.kind != CloudWatchLogs {
			return invalid("Logs of userNotification can only be sent to a CloudWatch log group.")
		}
	} else if c.LogLevel != idp.LogLevelInfo {
		return invalid("The log level of userAuthEvents must be INFO.")
	}
	t := s.deps.Targets[d.kind]
	if t == nil {
		return invalid("This server does not send logs to " + d.kind.name() + ". Its operator can change that by the setting " + d.kind.Setting() + ".")
	}
	if t.Folder == "" && d.account != "" && d.account != s.deps.AccountID {
		return invalid("The destination must be in the account " + s.deps.AccountID + " of the user pool.")
	}
	return nil
}

// stored returns the configuration of a source, or nil.
func stored(ctx context.Context, r *store.Reader, poolID string, source idp.EventSourceName) (*pool.Item[configuration], error) {
	items, err := list(ctx, r, poolID)
	if err != nil {
		return nil, err
	}
	for _, item := range items {
		if item.Key == string(source) {
			return item, nil
		}
	}
	return nil, nil
}

// list returns the configurations of a pool in the order in which they were sent.
func list(ctx context.Context, r *store.Reader, poolID string) ([]*pool.Item[configuration], error) {
	records, err := r.Items(ctx, poolID, store.KindLogDelivery, "", len(sources))
	if err != nil {
		return nil, err
	}
	items, err := pool.DecodeItems[configuration](records)
	slices.SortFunc(items, func(a, b *pool.Item[configuration]) int { return a.Doc.Place - b.Doc.Place })
	return items, err
}

func invalid(message string) error { return idp.InvalidParameterException(message) }
