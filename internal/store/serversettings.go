package store

import "context"

// ServerSettings are the settings of a PostgreSQL server that decide whether commits survive a crash, and how many
// connections there are.
type ServerSettings struct {
	Fsync, SynchronousCommit string
	MaxConnections, Reserved int // Reserved: for superusers alone
}

var serverSettings = prepare("SELECT current_setting('fsync'), current_setting('synchronous_commit')," +
	" CAST(current_setting('max_connections') AS bigint), CAST(current_setting('superuser_reserved_connections') AS bigint)")

// ServerSettings asks PostgreSQL for its settings, as this program's sessions have them.
func (s *Store) ServerSettings(ctx context.Context) (ServerSettings, error) {
	var set ServerSettings
	var most, reserved int64
	err := s.one(ctx, serverSettings, nil, &set.Fsync, &set.SynchronousCommit, &most, &reserved)
	set.MaxConnections, set.Reserved = int(most), int(reserved)
	return set, err
}
