package record

import (
	"strings"
	"time"
)

// A Managed is a managed policy of AWS, which every account has.
type Managed struct {
	Name, ID, Path, Document string
	Version                  int
	CreatedAt                time.Time
}

const (
	localRef = "local:"
	awsRef   = "aws:"
)

// Managed policies of AWS (AWS Managed Policy Reference Guide).
var managed = []Managed{
	{
		Name: "AdministratorAccess", ID: "ANPAIWMBCKSKIEE64ZLYK", Path: "/", Version: 1, CreatedAt: time.Date(2015, 2, 6, 18, 39, 46, 0, time.UTC),
		Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`,
	},
	{
		Name: "AmazonS3FullAccess", ID: "ANPAIFIR6V6BVTRAHWINE", Path: "/", Version: 2, CreatedAt: time.Date(2015, 2, 6, 18, 40, 58, 0, time.UTC),
		Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*","s3-object-lambda:*"],"Resource":"*"}]}`,
	},
	{
		Name: "AmazonS3ReadOnlyAccess", ID: "ANPAIZTJ4DXE7G6AGAE6M", Path: "/", Version: 3, CreatedAt: time.Date(2015, 2, 6, 18, 40, 59, 0, time.UTC),
		Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:Get*","s3:List*","s3:Describe*","s3-object-lambda:Get*","s3-object-lambda:List*"],"Resource":"*"}]}`,
	},
}

// AWSManaged returns the managed policies of AWS as entities.
func AWSManaged() []*Entity {
	list := make([]*Entity, len(managed))
	for i, m := range managed {
		e := &Entity{Kind: "policy", Key: Key(m.Name), ID: m.ID, Name: m.Name, Path: m.Path, CreatedAt: m.CreatedAt, oldKey: awsKey}
		e.Versions = []Version{{Number: m.Version, Document: m.Document, CreatedAt: m.CreatedAt}}
		e.Default, e.Latest, e.UpdatedAt = m.Version, m.Version, m.CreatedAt
		list[i] = e
	}
	return list
}

// AWSPolicy returns a managed policy of AWS by its name, or nil.
func AWSPolicy(name string) *Entity {
	for _, e := range AWSManaged() {
		if e.Name == name {
			return e
		}
	}
	return nil
}

// A PolicyRef names a managed policy in links: one of the account by its key, or one of AWS.
type PolicyRef string

// LocalPolicy returns the reference to a policy of the account.
func LocalPolicy(key string) PolicyRef { return PolicyRef(localRef + key) }

// Local returns the key of a policy of the account.
func (r PolicyRef) Local() (key string, ok bool) { return strings.CutPrefix(string(r), localRef) }

// AWS returns the name of a policy of AWS.
func (r PolicyRef) AWS() (name string, ok bool) { return strings.CutPrefix(string(r), awsRef) }

// RefOfPolicy returns the reference to the managed policy with an ARN. It returns false if the
// ARN is of another account, or not of a policy. Whether the policy exists is the caller's to
// check.
func RefOfPolicy(arn, account string) (PolicyRef, bool) {
	p, ok := ParseARN(arn)
	switch {
	case !ok || p.Kind != "policy":
		return "", false
	case p.Account == "aws":
		return PolicyRef(awsRef + p.Name), true
	case p.Account == account:
		return LocalPolicy(Key(p.Name)), true
	}
	return "", false
}

// IsAWS reports whether the entity is a managed policy of AWS.
func (e *Entity) IsAWS() bool { return e.Kind == "policy" && e.version == 0 && e.oldKey == awsKey }

// Ref returns the reference to a managed policy.
func (e *Entity) Ref() PolicyRef {
	if e.IsAWS() {
		return PolicyRef(awsRef + e.Name)
	}
	return LocalPolicy(e.Key)
}

// awsKey is the old key of policies of AWS, which no name can be.
const awsKey = " aws"
