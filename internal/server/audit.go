package server

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"cognate/internal/audit/intake"
	"cognate/internal/audit/trail"
	"cognate/internal/iam"
	"cognate/internal/keys"
	"cognate/internal/outbound"
	"cognate/internal/store"
)

// AuditSettings are the settings of the audit trail.
type AuditSettings struct {
	Audit          string        `group:"Audit trail" default:"auto" enum:"auto,on,off" placeholder:"MODE" help:"Record each operation and each page of the login domains: on, off, or auto: on in serve, off in dev. See docs/audit.md."`
	AuditRetention time.Duration `group:"Audit trail" default:"2160h" placeholder:"TIME" help:"How long records are kept, at least 24h. Also with --audit off, older records are removed."`
}

const (
	auditAuto = "auto"
	auditOn   = "on"
	auditOff  = "off"

	defaultAuditRetention = 90 * 24 * time.Hour
	minAuditRetention     = 24 * time.Hour
)

func (a AuditSettings) withDefaults() AuditSettings {
	if a.Audit == "" {
		a.Audit = auditAuto
	}
	if a.AuditRetention == 0 {
		a.AuditRetention = defaultAuditRetention
	}
	return a
}

func (c *Config) checkAudit(add addProblem) {
	switch c.Audit {
	case auditAuto, auditOn, auditOff:
	default:
		add("audit", "must be on, off or auto")
	}
	if c.AuditRetention < minAuditRetention {
		add("audit-retention", "must be at least %s", minAuditRetention)
	}
}

// records reports whether the server records requests.
func (c *Config) records() bool {
	return c.Audit == auditOn || c.Audit == auditAuto && c.Mode == Serve
}

// recordPatience returns the longest that an answer waits for its record.
func (c *Config) recordPatience() time.Duration { return min(2*c.DatabaseTimeout, c.RequestTimeout) }

// composeTrail builds the audit trail. Commands read it also if the server does not record.
func (v *services) composeTrail(c *Config, st *store.Store, ring *keys.Ring, log *slog.Logger) {
	v.intake = intake.New(st, "audit trail", log)
	v.trail = trail.New(trail.Deps{
		Store: st, Ring: ring, Intake: v.intake, AccountID: c.AccountID, Now: c.machineNow(),
		Patience: c.recordPatience(), Retention: c.AuditRetention, Log: log,
	})
	if c.records() {
		v.recorder = v.trail
	}
	v.trail.Register(v.metrics)
}

// maintainTrail does what is due: checkpoints and the removal of old records.
func (v *services) maintainTrail(ctx context.Context) error {
	if v.recorder == nil {
		return v.trail.Sweep(ctx)
	}
	return v.recorder.Maintain(ctx)
}

// onlyReads reports whether a request changes nothing.
func (in *ControlRequest) onlyReads() bool {
	switch in.Do {
	case ListAccessKeys, ListDirectories, ReadImportLog, ReadUsage, AskAudit, ExportSeed:
		return true
	case RetireKeys:
		return !in.Now
	}
	return false
}

// commandNames are the names of the records about an operator's commands.
var commandNames = map[string]string{
	CreateAccessKey: "CreateAccessKey", RevokeAccessKey: "DeleteAccessKey", RotateSigningKeys: "RotateSigningKeys",
	RotateDataKeys: "RotateDataKeys", RetireKeys: "RetireKeys", CreateDirectoryToken: "CreateDirectoryToken",
	RevokeDirectoryToken: "RevokeDirectoryToken", RemoveDirectory: "RemoveDirectory", ExportUser: "ExportUser",
	EraseUser: "EraseUser",
}

// record stores the record of a command that changes something.
func (o *operator) record(ctx context.Context, in *ControlRequest, out *ControlResponse, failure error) error {
	name, known := commandNames[in.Do]
	if !known || o.services.recorder == nil {
		return nil
	}
	c := &trail.Command{Name: name, At: o.now(), Facts: map[string]string{}}
	if failure != nil {
		c.Error = outbound.Clean(failure).Error()
		if in.Name != "" && in.Do != CreateAccessKey {
			c.Error = strings.ReplaceAll(c.Error, in.Name, trail.Hidden)
		}
	}
	for _, key := range out.Keys {
		c.Facts["accessKeyId"], c.Facts["principal"], c.Facts["policies"] = key.ID, key.PrincipalARN, strings.Join(key.PolicyNames(), ",")
	}
	switch in.Do {
	case RevokeAccessKey:
		c.Facts["accessKeyId"] = loggedID(in.ID, iam.IsAccessKeyID)
	case RotateSigningKeys:
		c.PoolID = in.ID
	case ExportUser, EraseUser: // in.Name is the name of a person.
		c.PoolID = in.Pool
	case RevokeDirectoryToken:
		c.PoolID, c.Facts["tokenId"] = in.Pool, loggedID(in.ID, keys.IsUUID)
	case CreateDirectoryToken, RemoveDirectory:
		c.PoolID, c.Facts["provider"] = in.directory()
	}
	return o.services.recorder.RecordCommand(ctx, c)
}
