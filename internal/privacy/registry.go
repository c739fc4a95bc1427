package privacy

// Erasure is how the data of a person leaves a table.
type Erasure string

// The kinds of erasure.
const (
	// Deleted rows go in the transaction that deletes the user, by every way to delete a user.
	Deleted Erasure = "deleted"
	// Pseudonymised rows stay without what names a person. Only an erasure does that: a deletion of the
	// user leaves them.
	Pseudonymised Erasure = "pseudonymised"
	// Expiring rows cannot be found by a person, because they hold hashes and sealed values only. They
	// go by themselves.
	Expiring Erasure = "expires"
	// Nothing of a person of a user pool is in the table.
	Nothing Erasure = "holds nothing of a person"
)

// A Table is what the registry knows of a table of the database.
type Table struct {
	Name string
	// Section is the section of the export that has the person's rows. It is empty for a table in
	// which no row can be found by a person.
	Section string
	// Holds says what of a person is in the table.
	Holds string
	// Key is by which value the rows of a person are found.
	Key     string
	Erasure Erasure
	// Life is when a row goes by itself; empty if it does not.
	Life string
}

// Sections of the export.
const (
	SectionProfile       = "profile"
	SectionGroups        = "groups"
	SectionIdentities    = "linkedIdentities"
	SectionDevices       = "devices"
	SectionPasskeys      = "passkeys"
	SectionFactors       = "passwordAndSecondFactors"
	SectionSessions      = "sessions"
	SectionAddresses     = "knownAddresses"
	SectionCodes         = "pendingCodesAndSignIns"
	SectionMessages      = "messages"
	SectionLockouts      = "lockOuts"
	SectionCounters      = "counters"
	SectionDirectories   = "directoryResources"
	SectionIdentityPools = "identityPools"
	SectionActivity      = "monthlyActivity"
	SectionAudit         = "auditRecords"
	SectionEvents        = "signInEvents"
	SectionHistory       = "signInHistory"
	SectionLogs          = "recordsForLogs"
)

const (
	byUser     = "pool and sub"
	quarter    = "15 minutes after its time"
	hashedOnly = "keyed hashes or sealed values; no row can be assigned to a person without the value that the client has"
)

// Tables is the registry: every table of the database.
var Tables = []Table{
	{"users", SectionProfile, "profile, attributes, sign-in names, second factors, the sealed password", byUser, Deleted, ""},
	{"members", SectionGroups, "membership of groups", byUser, Deleted, ""},
	{"identities", SectionIdentities, "hashes of the identities at other providers", byUser, Deleted, ""},
	{"devices", SectionDevices, "devices: key, name, last use and address; a sealed verifier", byUser, Deleted, ""},
	{"forgotten_devices", SectionDevices, "keys of devices that were forgotten", byUser, Deleted, "when no refresh token of the device can be left"},
	{"passkeys", SectionPasskeys, "passkeys: id, public key, kind of authenticator", byUser, Deleted, ""},
	{"passkey_challenges", SectionPasskeys, "registrations of passkeys under way, by keyed hash", byUser, Deleted, quarter},
	{"user_sessions", SectionSessions, "sessions: app client, device, address, times", byUser, Deleted, quarter},
	{"families", SectionSessions, "sessions that were revoked", byUser, Deleted, quarter},
	{"known_addresses", SectionAddresses, "keyed hashes of addresses of sign-ins", byUser, Deleted, "90 days after the last sign-in from the address"},
	{"codes", SectionCodes, "pending codes by keyed hash, and the new value that a code proves", byUser, Deleted, quarter},
	{"sign_in_states", SectionCodes, "sign-ins under way, sealed", byUser, Deleted, quarter},
	{"messages", SectionMessages, "mail and SMS: recipient, name; the text is sealed", byUser, Deleted, quarter},
	{"lockouts", SectionLockouts, "failed sign-ins", byUser, Deleted, "a day after the last failure"},
	{"counters", SectionCounters, "requests and attempts in an hour or a day", byUser, Deleted, quarter},
	{"directory_resources", SectionDirectories, "the user as a SCIM directory has sent it", "sub as target", Deleted, ""},
	{"identity_logins", SectionIdentityPools, "logins that lead to identities of identity pools: hashes, and names of developers' own users", "hash of user pool and sub", Deleted, ""},
	{"pool_identities", SectionIdentityPools, "identities of identity pools: id and times", "login of the user", Deleted, ""},

	{"active_users", SectionActivity, "that the user was active in a month, by app client", byUser, Deleted, "three days after the month"},

	{"auth_events", SectionEvents, "events of threat protection: time, result, address, device, place, risk", byUser, Deleted, "keep-events after the event, two years by default"},
	{"sign_in_histories", SectionHistory, "what was learned from sign-ins: keyed hashes of devices, networks and addresses, countries, network operators, counts", byUser, Deleted, ""},
	{"log_records", SectionLogs, "records of the user pool's logs that wait to be delivered: sign-ins with address, device and place; messages that could not be sent", byUser, Deleted, "when it is delivered; log-delivery-keep after the event, 7 days by default"},
	{"audit_events", SectionAudit, "records of requests: sub, address, user agent, names of sessions", "pool and sub, identity pool and identity", Pseudonymised, "audit-retention, 90 days by default"},

	{"turns", "", "a hash of a sign-in name or sub that has just changed", "", Expiring, "75 minutes after the change"},
	{"rate_reports", "", "keyed hashes of addresses that sent many requests in the last seconds; " + hashedOnly, "", Expiring, "a quarter of an hour after the last of them"},
	{"spent", "", hashedOnly, "", Expiring, quarter},
	{"rotated", "", "random ids of refresh tokens; " + hashedOnly, "", Expiring, quarter},
	{"authorization_codes", "", hashedOnly, "", Expiring, quarter},
	{"import_chunks", "", "files of imports, sealed; a file may name the person until its import ends", "", Expiring, "when the import ends; a day after its creation if it is not started"},
	{"import_uploads", "", "ids of such files", "", Expiring, "with the file"},
	{"template_resources", "", "properties of users in a template of cognate dev, sealed", "", Expiring, "when the template has the user no more"},

	{"audit_chains", "", "", "", Nothing, ""},
	{"audit_checkpoints", "", "", "", Nothing, ""},
	{"meta", "", "", "", Nothing, ""},
	{"provisioned_limits", "", "", "", Nothing, ""},
	{"pools", "", "", "", Nothing, ""},
	{"doomed", "", "", "", Nothing, ""},
	{"clients", "", "", "", Nothing, ""},
	{"items", "", "settings: groups, providers, branding", "", Nothing, ""},
	{"domains", "", "", "", Nothing, ""},
	{"access_keys", "", "keys of administrators (IAM)", "", Nothing, ""},
	{"iam_entities", "", "administrators and roles (IAM)", "", Nothing, ""},
	{"iam_links", "", "administrators and roles (IAM)", "", Nothing, ""},
	{"data_keys", "", "", "", Nothing, ""},
	{"signing_keys", "", "", "", Nothing, ""},
	{"login_images", "", "", "", Nothing, ""},
	{"active_counts", "", "numbers of users", "", Nothing, ""},
	{"active_months", "", "", "", Nothing, ""},
	{"audit_chains", "", "", "", Nothing, ""},
	{"audit_checkpoints", "", "", "", Nothing, ""},
	{"deliveries", "", "how far the audit trail and the logs of user pools have gone to other systems", "", Nothing, ""},
	{"rate_reports", "", "keyed hashes of busy addresses and names, for some seconds", "", Nothing, ""},
	{"directories", "", "", "", Nothing, ""},
	{"directory_tokens", "", "", "", Nothing, ""},
	{"identity_pools", "", "", "", Nothing, ""},
	{"import_jobs", "", "counts and times of imports", "", Nothing, ""},
	{"import_beats", "", "", "", Nothing, ""},
	{"import_log", "", "line numbers of files, without values of the lines", "", Nothing, ""},
	{"template_stacks", "", "", "", Nothing, ""},
	{"schema_migrations", "", "", "", Nothing, ""},
}

// tablesOf returns the tables of a section.
func tablesOf(section string) []Table {
	var list []Table
	for _, t := range Tables {
		if t.Section == section {
			list = append(list, t)
		}
	}
	return list
}
