package server

import "time"

// RetentionSettings are how long records are kept for which Cognito has no limit.
type RetentionSettings struct {
	KeepMessages  time.Duration `group:"Retention" placeholder:"TIME" help:"How long a mail or SMS is kept after it was sent or given up. By default until the code in it expires; for an invitation that is the life of the temporary password."`
	KeepImports   time.Duration `group:"Retention" default:"8760h" placeholder:"TIME" help:"How long an import of users and its log are kept after its end. A change applies to imports that end later."`
	KeepEvents    time.Duration `group:"Retention" default:"17520h" placeholder:"TIME" help:"How long an event of threat protection is kept. A change applies to later events."`
	KeepAddresses time.Duration `group:"Retention" default:"2160h" placeholder:"TIME" help:"How long the keyed hash of an address is kept after the user's last sign-in from it. Wrong passwords from elsewhere do not lock the user out there. At least 192h."`
}

// leastKeepAddresses is more than the time after which a sign-in notes a known address again.
const leastKeepAddresses = 8 * 24 * time.Hour

func (c *Config) checkRetention(add addProblem) {
	if c.KeepMessages < 0 {
		add("keep-messages", "must not be negative")
	}
	if c.KeepImports < 0 {
		add("keep-imports", "must not be negative")
	}
	if c.KeepEvents < 0 {
		add("keep-events", "must not be negative")
	}
	if c.KeepAddresses != 0 && c.KeepAddresses < leastKeepAddresses {
		add("keep-addresses", "must be at least %s", leastKeepAddresses)
	}
}
