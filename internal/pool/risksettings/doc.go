// Package risksettings keeps the risk configurations of threat protection: of user pools, and of single app clients.
//
// It may import package pool and what pool may import; pool must not import it. For returns what applies to a sign-in: the
// mode of threat protection and the configuration with its defaults.
package risksettings
