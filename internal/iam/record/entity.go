package record

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"cognate/internal/store"
)

// A Tag is a tag of an entity. Keys compare without case.
type Tag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// An Inline is a policy that is a part of a user, a group or a role.
type Inline struct {
	Name     string `json:"name"`
	Document string `json:"document"`
}

// A Version is a version of a managed policy.
type Version struct {
	Number    int       `json:"number"`
	Document  string    `json:"document"`
	CreatedAt time.Time `json:"createdAt"`
}

// ID returns the version's name: "v1".
func (v Version) ID() string { return fmt.Sprintf("v%d", v.Number) }

// A Document is the stored document of an entity. Each kind uses some of the members.
type Document struct {
	Format int `json:"format"`
	// Partition is that of the entity's ARN; "" is aws.
	Partition   string   `json:"partition,omitempty"`
	Description *string  `json:"description,omitempty"`
	Tags        []Tag    `json:"tags,omitempty"`
	Inline      []Inline `json:"inline,omitempty"` // users, groups, roles

	// Roles.
	Trust              string `json:"trust,omitempty"`
	MaxSessionDuration int32  `json:"maxSessionDuration,omitempty"`

	// Managed policies.
	Versions  []Version `json:"versions,omitempty"`
	Default   int       `json:"default,omitempty"`
	Latest    int       `json:"latest,omitempty"` // the highest number that a version had
	UpdatedAt time.Time `json:"updatedAt,omitzero"`

	// OIDC providers.
	ClientIDs   []string `json:"clientIds,omitempty"`
	Thumbprints []string `json:"thumbprints,omitempty"`

	// SAML providers. The metadata is a row of its own.
	ValidUntil time.Time `json:"validUntil,omitzero"`
}

// format is the form of documents that this version reads and writes.
const format = 1

// An Entity is a user, a group, a role, a managed policy or a provider.
type Entity struct {
	Kind, Key, ID, Name, Path string
	CreatedAt                 time.Time
	Document

	version int64
	oldKey  string
}

// prefixes of unique ids (IAM User Guide: "IAM identifiers").
var prefixes = map[string]string{store.IAMUser: "AIDA", store.IAMGroup: "AGPA", store.IAMRole: "AROA", store.IAMPolicy: "ANPA", store.IAMOIDCProvider: "OIDC", store.IAMSAMLProvider: "SAML"}

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

// New returns a new entity with a unique id.
func New(kind, name, path, partition string, now time.Time, random io.Reader) (*Entity, error) {
	tail := make([]byte, 17)
	if _, err := io.ReadFull(random, tail); err != nil {
		return nil, err
	}
	for i := range tail {
		tail[i] = letters[tail[i]%32] // 32 divides 256: all letters are equally likely.
	}
	e := &Entity{Kind: kind, Key: Key(name), ID: prefixes[kind] + string(tail), Name: name, Path: path, CreatedAt: now.Truncate(time.Millisecond)}
	e.Format = format
	if partition != "aws" {
		e.Partition = partition
	}
	return e, nil
}

// Key returns the key of a name. IAM's names differ by more than case.
func Key(name string) string { return strings.ToLower(name) }

// Read reads a row.
func Read(row store.IAMEntity) (*Entity, error) {
	e := &Entity{Kind: row.Kind, Key: row.Key, ID: row.ID, Name: row.Name, Path: row.Path, CreatedAt: row.CreatedAt, version: row.Version, oldKey: row.Key}
	e.Format = format
	if len(row.Doc) > 0 { // Users from before the migration have no document.
		if err := json.Unmarshal(row.Doc, &e.Document); err != nil {
			return nil, fmt.Errorf("iam: %s %s: %w", row.Kind, row.Key, err)
		}
	}
	if e.Format != format {
		return nil, fmt.Errorf("iam: %s %s has a document of format %d; this version reads %d", row.Kind, row.Key, e.Format, format)
	}
	return e, nil
}

// Row returns the entity as a row.
func (e *Entity) Row() (store.IAMEntity, error) {
	doc, err := json.Marshal(e.Document)
	return store.IAMEntity{Kind: e.Kind, Key: e.Key, ID: e.ID, Name: e.Name, Path: e.Path, Version: e.version, CreatedAt: e.CreatedAt, Doc: doc}, err
}

// OldKey returns the key that the entity had when it was read.
func (e *Entity) OldKey() string { return e.oldKey }

// ARN returns the entity's ARN.
func (e *Entity) ARN(account string) string {
	partition := e.Partition
	if partition == "" {
		partition = "aws"
	}
	return ARN(partition, account, e.Kind, e.Path, e.Name)
}

// ARN returns the ARN of an entity. Providers have no path.
func ARN(partition, account, kind, path, name string) string {
	if path == "" {
		path = "/"
	}
	return "arn:" + partition + ":iam::" + account + ":" + kind + path + name
}

// DefaultVersion returns the default version of a managed policy, or nil.
func (e *Entity) DefaultVersion() *Version { return e.Version(fmt.Sprintf("v%d", e.Default)) }

// Version returns a version of a managed policy by its name, or nil.
func (e *Entity) Version(id string) *Version {
	for i := range e.Versions {
		if e.Versions[i].ID() == id {
			return &e.Versions[i]
		}
	}
	return nil
}

// InlinePolicy returns the place of an inline policy, or -1. The names of policies differ by
// case.
func (e *Entity) InlinePolicy(name string) int {
	for i := range e.Inline {
		if e.Inline[i].Name == name {
			return i
		}
	}
	return -1
}

// A Parsed is the parts of an entity's ARN.
type Parsed struct{ Partition, Account, Kind, Path, Name string }

// ParseARN reads the ARN of an entity. It returns false for other texts.
func ParseARN(arn string) (Parsed, bool) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "iam" || parts[3] != "" {
		return Parsed{}, false
	}
	kind, rest, ok := strings.Cut(parts[5], "/")
	p := Parsed{Partition: parts[1], Account: parts[4], Kind: kind, Path: "/", Name: rest}
	if !ok || rest == "" {
		return Parsed{}, false
	}
	if kind == store.IAMOIDCProvider || kind == store.IAMSAMLProvider {
		p.Path = ""
		return p, true
	}
	if i := strings.LastIndexByte(rest, '/'); i >= 0 {
		p.Path, p.Name = "/"+rest[:i+1], rest[i+1:]
	}
	return p, p.Name != ""
}
