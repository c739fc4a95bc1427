package privacy

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"cognate/internal/audit/trail"
	"cognate/internal/identitypool"
	"cognate/internal/protection"
	"cognate/internal/store"
	"cognate/internal/user"
	"cognate/internal/user/devices"
	"cognate/internal/user/groups"
	"cognate/internal/user/identities"
	"cognate/internal/user/passkeys"
)

// A sectionReader reads one section of the export.
type sectionReader struct {
	name, about string
	read        func(ctx context.Context, s *Service, r *store.Reader, p *person) (reading, error)
}

// sections are all sections of the export.
var sections = []sectionReader{
	{SectionProfile, "The account: names, attributes and status.", readProfile},
	{SectionGroups, "Groups of the user pool that the user is in.", readGroups},
	{SectionIdentities, "Identities at other providers by which the user signs in. What a provider sent is among the attributes of the profile.", readIdentities},
	{SectionDevices, "Devices that the user signed in from and registered, and keys of devices that were forgotten.", readDevices},
	{SectionPasskeys, "Passkeys, and registrations of passkeys under way. Public facts only.", readPasskeys},
	{SectionFactors, "Whether there is a password, and which second factors there are. No secret is part of the export.", readFactors},
	{SectionSessions, "Sessions, and sessions that were ended.", readSessions},
	{SectionAddresses, "Addresses that the user signed in from. Only keyed hashes are stored, so the addresses themselves are not known.", readAddresses},
	{SectionCodes, "Codes that were sent and not used, and sign-ins under way. Codes are stored as keyed hashes, and sign-ins are sealed.", readCodes},
	{SectionMessages, "Mail and SMS to the user that are queued or were sent a short time ago. Codes, temporary passwords and links are left out.", readMessages},
	{SectionLockouts, "Failed sign-ins since the last success.", readLockouts},
	{SectionCounters, "Counts of requests and attempts that are limited.", readCounters},
	{SectionDirectories, "The user as directories have sent it by SCIM.", readDirectories},
	{SectionIdentityPools, "Identities of identity pools to which the user's sign-in leads, with all logins of each.", readIdentityPools},
	{SectionActivity, "Months in which the user was counted as active. Older months have numbers of users only.", readActivity},
	{SectionAudit, "Records of the audit trail about requests of the user, and of administrators about the user, in CloudTrail's form.", readAudit},
	{SectionEvents, "Sign-ins and other events that threat protection has judged.", readEvents},
	{SectionHistory, "What threat protection has learned from earlier sign-ins: keyed hashes of devices, networks and addresses, countries, network operators, and counts. The values behind the hashes are not known.", readHistory},
	{SectionLogs, "Records for the logs of the user pool that wait to be delivered to the administrator's log group, bucket or stream.", readLogs},
}

type profileRecord struct {
	Sub        string            `json:"sub"`
	Username   string            `json:"username"`
	Status     string            `json:"status"`
	Enabled    bool              `json:"enabled"`
	CreatedAt  time.Time         `json:"createdAt"`
	ModifiedAt time.Time         `json:"modifiedAt"`
	SignedOut  *time.Time        `json:"signedOutEverywhereAt,omitempty"`
	Names      []signInName      `json:"signInNames"`
	Attributes map[string]string `json:"attributes"`
	Pending    map[string]string `json:"newValuesThatWaitForACode,omitempty"`
}

type signInName struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

// known returns a time, or nil for the zero time.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func readProfile(_ context.Context, _ *Service, _ *store.Reader, p *person) (o reading, err error) {
	u := p.user
	if u == nil {
		return o, nil
	}
	names := []signInName{{store.NameUsername, u.Username()}}
	for _, n := range user.SignInNames(p.pool, u) {
		names = append(names, signInName{n.Kind, n.Value})
	}
	o.add("users", profileRecord{
		Sub: u.ID(), Username: u.Username(), Status: string(u.Status()), Enabled: u.Rec.Enabled, CreatedAt: u.Rec.CreatedAt, ModifiedAt: u.Rec.ModifiedAt,
		SignedOut: known(u.Rec.TokensValidAfter), Names: names, Attributes: u.Attributes, Pending: u.Pending,
	})
	return o, nil
}

type groupRecord struct {
	Name        string  `json:"name"`
	Description *string `json:"description,omitempty"`
}

func readGroups(ctx context.Context, _ *Service, r *store.Reader, p *person) (o reading, err error) {
	list, err := groups.OfUser(ctx, r, p.pool.ID, p.id)
	for _, g := range list {
		o.add("members", groupRecord{*g.GroupName, g.Description})
	}
	return o, err
}

func readIdentities(ctx context.Context, _ *Service, r *store.Reader, p *person) (o reading, err error) {
	if p.user != nil {
		list, err := identities.OfUser(p.user)
		if err != nil {
			return o, err
		}
		for _, l := range list {
			o.records = append(o.records, l)
		}
	}
	hashes, err := r.IdentityHashesOf(ctx, p.pool.ID, p.id)
	o.count("identities", len(hashes))
	return o, err
}

type deviceRecord struct {
	Key        string     `json:"key"`
	Name       string     `json:"name,omitempty"`
	Remembered bool       `json:"remembered"`
	CreatedAt  time.Time  `json:"createdAt"`
	ModifiedAt time.Time  `json:"modifiedAt"`
	LastUsedAt *time.Time `json:"lastSignInAt,omitempty"`
	LastIP     string     `json:"lastAddress,omitempty"`
}

type forgottenRecord struct {
	Key       string    `json:"forgottenKey"`
	ExpiresAt time.Time `json:"deletedAfter"`
}

func readDevices(ctx context.Context, _ *Service, r *store.Reader, p *person) (o reading, err error) {
	list, err := r.Devices(ctx, p.pool.ID, p.id)
	if err != nil {
		return o, err
	}
	slices.SortFunc(list, func(a, b store.Device) int { return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID)) })
	for _, d := range list {
		name, err := devices.NameOf(d)
		if err != nil {
			return o, err
		}
		o.add("devices", deviceRecord{d.ID, name, d.Remembered, d.CreatedAt, d.ModifiedAt, known(d.AuthenticatedAt), d.LastIP})
	}
	forgotten, err := r.ForgottenDevicesOf(ctx, p.pool.ID, p.id)
	for _, f := range forgotten {
		o.add("forgotten_devices", forgottenRecord{f.ID, f.ExpiresAt})
	}
	return o, err
}

type passkeyRecord struct {
	ID           string    `json:"credentialId"`
	Name         string    `json:"kind"`
	RelyingParty string    `json:"relyingParty"`
	Attachment   *string   `json:"attachment,omitempty"`
	Transports   []string  `json:"transports"`
	CreatedAt    time.Time `json:"createdAt"`
}

type challengeRecord struct {
	Client    string    `json:"registrationWithAppClient"`
	ExpiresAt time.Time `json:"expiresAt"`
}

func readPasskeys(ctx context.Context, _ *Service, r *store.Reader, p *person) (o reading, err error) {
	list, err := passkeys.OfUser(ctx, r, p.pool.ID, p.id)
	if err != nil {
		return o, err
	}
	for _, k := range list {
		o.add("passkeys", passkeyRecord{k.CredentialId, k.FriendlyCredentialName, k.RelyingPartyId, k.AuthenticatorAttachment, k.AuthenticatorTransports, k.CreatedAt})
	}
	challenges, err := r.PasskeyChallenges(ctx, p.pool.ID, p.id)
	for _, c := range challenges {
		o.add("passkey_challenges", challengeRecord{c.ClientID, c.ExpiresAt})
	}
	return o, err
}

type factorsRecord struct {
	Password           bool       `json:"password"`
	Imported           bool       `json:"passwordIsImportedHash"`
	Temporary          bool       `json:"passwordIsTemporary"`
	SetAt              *time.Time `json:"passwordSetAt,omitempty"`
	History            int        `json:"formerPasswordsKeptAsDigests"`
	SecondFactors      []string   `json:"secondFactors"`
	Preferred          string     `json:"preferredSecondFactor,omitempty"`
	AuthenticatorApp   bool       `json:"authenticatorApp"`
	AuthenticatorName  string     `json:"authenticatorAppName,omitempty"`
	PendingApp         bool       `json:"authenticatorAppNotConfirmed"`
	PasskeyIsTwoFactor bool       `json:"passkeyIsSecondFactor"`
}

// readFactors adds no row: the facts are in the row of the user.
func readFactors(_ context.Context, s *Service, _ *store.Reader, p *person) (o reading, err error) {
	if p.user == nil {
		return o, nil
	}
	c, err := s.deps.Users.Credential(p.user)
	if err != nil {
		return o, err
	}
	factors := p.user.MFA.Enabled
	if factors == nil {
		factors = []string{}
	}
	o.records = append(o.records, factorsRecord{
		Password: c.HasPassword(), Imported: c.PHC != "", Temporary: c.Temporary, SetAt: known(c.SetAt), History: len(c.History),
		SecondFactors: factors, Preferred: p.user.MFA.Preferred, AuthenticatorApp: p.user.HasSoftwareToken(),
		AuthenticatorName: p.user.SoftwareTokenName(), PendingApp: len(p.user.SoftwareToken.Pending) > 0, PasskeyIsTwoFactor: p.user.MFA.Passkey,
	})
	return o, nil
}

type sessionRecord struct {
	ID        string    `json:"id"`
	Kind      string    `json:"kind"`
	Client    string    `json:"appClient,omitempty"`
	Device    string    `json:"device,omitempty"`
	Address   string    `json:"address,omitempty"`
	CreatedAt time.Time `json:"createdAt"`
	ActiveAt  time.Time `json:"lastUsedAt"`
	ExpiresAt time.Time `json:"expiresAt"`
}

type endedSessionRecord struct {
	ID        string    `json:"endedSession"`
	ExpiresAt time.Time `json:"deletedAfter"`
}

func readSessions(ctx context.Context, _ *Service, r *store.Reader, p *person) (o reading, err error) {
	list, err := r.UserSessions(ctx, p.pool.ID, p.id)
	if err != nil {
		return o, err
	}
	slices.SortFunc(list, func(a, b store.UserSession) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	for _, s := range list {
		o.add("user_sessions", sessionRecord{s.ID, s.Kind, s.ClientID, s.Device, s.Address, s.CreatedAt, s.ActiveAt, s.ExpiresAt})
	}
	revoked, err := r.RevokedFamiliesOf(ctx, p.pool.ID, p.id)
	for _, f := range revoked {
		o.add("families", endedSessionRecord{f.ID, f.ExpiresAt})
	}
	return o, err
}

type addressRecord struct {
	Hash   string    `json:"keyedHash"`
	SeenAt time.Time `json:"notedAt"`
}

func readAddresses(ctx context.Context, _ *Service, r *store.Reader, p *person) (o reading, err error) {
	list, err := r.KnownAddressesOf(ctx, p.pool.ID, p.id)
	for _, a := range list {
		o.add("known_addresses", addressRecord{hex.EncodeToString(a.Hash[:]), a.SeenAt})
	}
	return o, err
}

type codeRecord struct {
	Purpose   string    `json:"purpose"`
	Target    string    `json:"attribute,omitempty"`
	Value     string    `json:"newValue,omitempty"`
	Attempts  int       `json:"wrongAnswers"`
	CreatedAt time.Time `json:"createdAt"`
	ExpiresAt time.Time `json:"expiresAt"`
}

type signInRecord struct {
	ExpiresAt time.Time `json:"signInUnderWayUntil"`
}

func readCodes(ctx context.Context, _ *Service, r *store.Reader, p *person) (o reading, err error) {
	show := func(c store.Code) codeRecord {
		return codeRecord{c.Purpose, c.Target, c.Value, c.Attempts, c.CreatedAt.UTC(), c.ExpiresAt.UTC()}
	}
	if p.user != nil && p.user.SignUpCode != nil { // It is part of the user's row.
		o.records = append(o.records, show(*p.user.SignUpCode))
	}
	list, err := r.CodesOfUser(ctx, p.pool.ID, p.id)
	if err != nil {
		return o, err
	}
	for _, c := range list {
		o.add("codes", show(c))
	}
	states, err := r.SignInStatesOf(ctx, p.pool.ID, p.id)
	for _, until := range states {
		o.add("sign_in_states", signInRecord{until})
	}
	return o, err
}

func readMessages(ctx context.Context, s *Service, r *store.Reader, p *person) (o reading, err error) {
	list, err := s.deps.Messages.OfUser(ctx, r, p.pool.ID, p.id)
	for _, m := range list {
		o.add("messages", m)
	}
	return o, err
}

type lockoutRecord struct {
	Place       string     `json:"knownPlace,omitempty"`
	Failures    int        `json:"failures"`
	LastAt      time.Time  `json:"lastFailureAt"`
	LockedUntil *time.Time `json:"lockedUntil,omitempty"`
}

func readLockouts(ctx context.Context, _ *Service, r *store.Reader, p *person) (o reading, err error) {
	list, err := r.LockoutsOfUser(ctx, p.pool.ID, p.id)
	for _, l := range list {
		_, place, _ := strings.Cut(l.UserID, "/")
		o.add("lockouts", lockoutRecord{place, l.Failures, l.LastAt, known(l.LockedUntil)})
	}
	return o, err
}

type counterRecord struct {
	Kind      string    `json:"kind"`
	Count     int       `json:"count"`
	ExpiresAt time.Time `json:"windowEndsAt"`
}

func readCounters(ctx context.Context, _ *Service, r *store.Reader, p *person) (o reading, err error) {
	list, err := r.CountersOfUser(ctx, p.pool.ID, p.id)
	for _, c := range list {
		o.add("counters", counterRecord{c.Kind, c.Count, c.ExpiresAt})
	}
	return o, err
}

type resourceRecord struct {
	Directory  string          `json:"directory"`
	ID         string          `json:"id"`
	ExternalID *string         `json:"externalId,omitempty"`
	CreatedAt  time.Time       `json:"createdAt"`
	ModifiedAt time.Time       `json:"modifiedAt"`
	Document   json.RawMessage `json:"document"`
}

func readDirectories(ctx context.Context, _ *Service, r *store.Reader, p *person) (o reading, err error) {
	list, err := r.ResourcesOfUser(ctx, p.pool.ID, p.id)
	for _, s := range list {
		o.add("directory_resources", resourceRecord{s.DirectoryID, s.ID, s.ExternalID, s.CreatedAt, s.ModifiedAt, s.Doc})
	}
	return o, err
}

type identityRecord struct {
	Pool       string        `json:"identityPool"`
	ID         string        `json:"identityId"`
	CreatedAt  time.Time     `json:"createdAt"`
	ModifiedAt time.Time     `json:"modifiedAt"`
	Merged     []string      `json:"mergedIdentityIds,omitempty"`
	Logins     []loginRecord `json:"logins"`
}

type loginRecord struct {
	Provider  string    `json:"provider"`
	Subject   string    `json:"developerUser,omitempty"`
	CreatedAt time.Time `json:"createdAt"`
}

func readIdentityPools(ctx context.Context, _ *Service, r *store.Reader, p *person) (o reading, err error) {
	list, err := identitypool.IdentitiesOfUser(ctx, r, p.pool, p.id)
	for _, i := range list {
		record := identityRecord{Pool: i.PoolID, ID: i.ID, CreatedAt: i.CreatedAt, ModifiedAt: i.ModifiedAt, Logins: []loginRecord{}}
		for _, l := range i.Logins {
			record.Logins = append(record.Logins, loginRecord{l.Provider, l.Subject, l.CreatedAt})
		}
		for _, m := range i.Merged {
			record.Merged = append(record.Merged, m.ID)
		}
		o.add("pool_identities", record)
		o.count("pool_identities", len(i.Merged))
		o.count("identity_logins", len(i.Logins))
	}
	return o, err
}

type activityRecord struct {
	Month     int    `json:"month"`
	Client    string `json:"appClient,omitempty"`
	Federated bool   `json:"atAnotherProvider"`
}

func readActivity(ctx context.Context, s *Service, r *store.Reader, p *person) (o reading, err error) {
	list, err := r.ActiveMonthsOf(ctx, p.pool.ID, p.id, s.deps.Now())
	for _, a := range list {
		o.add("active_users", activityRecord{int(a.Month), a.ClientID, a.Federated})
	}
	return o, err
}

func readEvents(ctx context.Context, _ *Service, r *store.Reader, p *person) (o reading, err error) {
	list, err := protection.EventsOfUser(ctx, r, p.pool.ID, p.id)
	for _, e := range list {
		o.add("auth_events", e)
	}
	return o, err
}

func readHistory(ctx context.Context, _ *Service, r *store.Reader, p *person) (o reading, err error) {
	row, err := r.SignInHistory(ctx, p.pool.ID, p.id)
	if errors.Is(err, store.ErrNotFound) {
		return o, nil
	}
	if err == nil {
		o.add("sign_in_histories", protection.NewHistoryRecord(row))
	}
	return o, err
}

// auditPage is how many records are read at a time.
const auditPage = 500

func readAudit(ctx context.Context, s *Service, r *store.Reader, p *person) (o reading, err error) {
	subjects, err := auditSubjects(ctx, r, p)
	if err != nil {
		return o, err
	}
	for _, subject := range subjects {
		place := store.AuditPlace{At: s.deps.Now().Add(trailAhead)}
		for {
			page, err := r.AuditEvents(ctx, store.AuditBySub, []string{subject.pool, subject.sub}, time.Time{}, place, auditPage)
			if err != nil {
				return o, err
			}
			for i := range page {
				record, err := trail.Render(&page[i])
				if err != nil {
					return o, err
				}
				o.add("audit_events", json.RawMessage(record))
				place = store.AuditPlace{At: page[i].At, Chain: page[i].Chain, Seq: page[i].Seq}
			}
			if len(page) < auditPage {
				break
			}
		}
	}
	return o, nil
}

// trailAhead is more than the clock of any server is ahead. The trail dates records by the machine's
// clock, which is not the clock of cognate dev.
const trailAhead = 100 * 365 * 24 * time.Hour

// An auditSubject is who a record is about: a user of a user pool, or an identity of an identity pool.
type auditSubject struct{ pool, sub string }

// auditSubjects returns the subjects of the records about a person: the user, and the identities to
// which no other login leads.
func auditSubjects(ctx context.Context, r *store.Reader, p *person) ([]auditSubject, error) {
	list := []auditSubject{{p.pool.ID, p.id}}
	own, err := identitypool.IdentitiesOfUser(ctx, r, p.pool, p.id)
	for _, i := range own {
		if len(i.Logins) > 1 {
			continue
		}
		list = append(list, auditSubject{i.PoolID, i.ID})
		for _, m := range i.Merged {
			list = append(list, auditSubject{i.PoolID, m.ID})
		}
	}
	return list, err
}

type waitingRecord struct {
	Source string          `json:"source"`
	At     time.Time       `json:"at"`
	Record json.RawMessage `json:"record"`
}

func readLogs(ctx context.Context, _ *Service, r *store.Reader, p *person) (o reading, err error) {
	list, err := r.LogRecordsOfUser(ctx, p.pool.ID, p.id)
	slices.SortFunc(list, func(a, b store.LogRecord) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	for _, l := range list {
		o.add("log_records", waitingRecord{l.Source, l.At, l.Body})
	}
	return o, err
}
