package operation

import "strings"

// level is what the path names.
type level uint8

const (
	serviceLevel level = iota
	bucketLevel
	objectLevel
)

// A rule is an operation of Amazon S3. It fits a request whose query has all required
// parameters, and no others than those and the optional ones.
type rule struct {
	methods  string // separated by blanks
	level    level
	required string // parameters; "name=value" wants the value
	optional string
	copy     bool // with the header x-amz-copy-source
	name     string
	// actions are required together. versioned takes their place with versionId.
	actions   string
	versioned string
	// listing fills the condition keys of listings.
	listing bool
	// writes marks operations whose headers can set ACL, tags and locks of an object.
	writes bool
}

const (
	listParams     = "prefix delimiter max-keys encoding-type"
	responseParams = "response-cache-control response-content-disposition response-content-encoding response-content-language response-content-type response-expires"
)

// rules are the operations of the API reference of Amazon S3. No request fits two rules.
var rules = []rule{
	{methods: "GET", level: serviceLevel, optional: "max-buckets continuation-token prefix bucket-region", name: "ListBuckets", actions: "s3:ListAllMyBuckets"},

	{methods: "PUT", level: bucketLevel, name: "CreateBucket", actions: "s3:CreateBucket"},
	{methods: "HEAD", level: bucketLevel, name: "HeadBucket", actions: "s3:ListBucket"},
	{methods: "DELETE", level: bucketLevel, name: "DeleteBucket", actions: "s3:DeleteBucket"},
	{methods: "GET", level: bucketLevel, optional: listParams + " marker", name: "ListObjects", actions: "s3:ListBucket", listing: true},
	{methods: "GET", level: bucketLevel, required: "list-type=2", optional: listParams + " continuation-token start-after fetch-owner", name: "ListObjectsV2", actions: "s3:ListBucket", listing: true},
	{methods: "GET", level: bucketLevel, required: "versions", optional: listParams + " key-marker version-id-marker", name: "ListObjectVersions", actions: "s3:ListBucketVersions", listing: true},
	{methods: "GET", level: bucketLevel, required: "uploads", optional: "prefix delimiter encoding-type max-uploads key-marker upload-id-marker", name: "ListMultipartUploads", actions: "s3:ListBucketMultipartUploads", listing: true},
	{methods: "GET", level: bucketLevel, required: "location", name: "GetBucketLocation", actions: "s3:GetBucketLocation"},
	{methods: "POST", level: bucketLevel, required: "delete", name: "DeleteObjects"},
	{methods: "GET", level: bucketLevel, required: "policyStatus", name: "GetBucketPolicyStatus", actions: "s3:GetBucketPolicyStatus"},

	{methods: "GET HEAD", level: objectLevel, optional: "versionId partNumber " + responseParams, name: "GetObject", actions: "s3:GetObject", versioned: "s3:GetObjectVersion"},
	{methods: "GET", level: objectLevel, required: "attributes", optional: "versionId max-parts part-number-marker", name: "GetObjectAttributes", actions: "s3:GetObject s3:GetObjectAttributes", versioned: "s3:GetObjectVersion s3:GetObjectVersionAttributes"},
	{methods: "PUT", level: objectLevel, name: "PutObject", actions: "s3:PutObject", writes: true},
	{methods: "PUT", level: objectLevel, copy: true, name: "CopyObject", actions: "s3:PutObject", writes: true},
	{methods: "DELETE", level: objectLevel, optional: "versionId", name: "DeleteObject", actions: "s3:DeleteObject", versioned: "s3:DeleteObjectVersion"},
	{methods: "GET", level: objectLevel, required: "acl", optional: "versionId", name: "GetObjectAcl", actions: "s3:GetObjectAcl", versioned: "s3:GetObjectVersionAcl"},
	{methods: "PUT", level: objectLevel, required: "acl", optional: "versionId", name: "PutObjectAcl", actions: "s3:PutObjectAcl", versioned: "s3:PutObjectVersionAcl"},
	{methods: "GET", level: objectLevel, required: "tagging", optional: "versionId", name: "GetObjectTagging", actions: "s3:GetObjectTagging", versioned: "s3:GetObjectVersionTagging"},
	{methods: "PUT", level: objectLevel, required: "tagging", optional: "versionId", name: "PutObjectTagging", actions: "s3:PutObjectTagging", versioned: "s3:PutObjectVersionTagging"},
	{methods: "DELETE", level: objectLevel, required: "tagging", optional: "versionId", name: "DeleteObjectTagging", actions: "s3:DeleteObjectTagging", versioned: "s3:DeleteObjectVersionTagging"},
	{methods: "GET", level: objectLevel, required: "retention", optional: "versionId", name: "GetObjectRetention", actions: "s3:GetObjectRetention"},
	{methods: "PUT", level: objectLevel, required: "retention", optional: "versionId", name: "PutObjectRetention", actions: "s3:PutObjectRetention"},
	{methods: "GET", level: objectLevel, required: "legal-hold", optional: "versionId", name: "GetObjectLegalHold", actions: "s3:GetObjectLegalHold"},
	{methods: "PUT", level: objectLevel, required: "legal-hold", optional: "versionId", name: "PutObjectLegalHold", actions: "s3:PutObjectLegalHold"},
	{methods: "POST", level: objectLevel, required: "uploads", name: "CreateMultipartUpload", actions: "s3:PutObject", writes: true},
	{methods: "PUT", level: objectLevel, required: "partNumber uploadId", name: "UploadPart", actions: "s3:PutObject"},
	{methods: "PUT", level: objectLevel, required: "partNumber uploadId", copy: true, name: "UploadPartCopy", actions: "s3:PutObject"},
	{methods: "POST", level: objectLevel, required: "uploadId", name: "CompleteMultipartUpload", actions: "s3:PutObject"},
	{methods: "DELETE", level: objectLevel, required: "uploadId", name: "AbortMultipartUpload", actions: "s3:AbortMultipartUpload"},
	{methods: "GET", level: objectLevel, required: "uploadId", optional: "max-parts part-number-marker encoding-type", name: "ListParts", actions: "s3:ListMultipartUploadParts"},
	{methods: "POST", level: objectLevel, required: "restore", optional: "versionId", name: "RestoreObject", actions: "s3:RestoreObject"},
	{methods: "POST", level: objectLevel, required: "select select-type=2", name: "SelectObjectContent", actions: "s3:GetObject"},
	{methods: "GET", level: objectLevel, required: "torrent", name: "GetObjectTorrent", actions: "s3:GetObjectTorrent"},
}

// A setting is a sub-resource of a bucket that is read and written as a whole. With an
// empty action, the setting cannot be removed.
type setting struct{ param, optional, get, put, remove, name string }

var settings = []setting{
	{"accelerate", "", "GetAccelerateConfiguration", "PutAccelerateConfiguration", "", "BucketAccelerateConfiguration"},
	{"acl", "", "GetBucketAcl", "PutBucketAcl", "", "BucketAcl"},
	{"analytics", "id continuation-token", "GetAnalyticsConfiguration", "PutAnalyticsConfiguration", "PutAnalyticsConfiguration", "BucketAnalyticsConfiguration"},
	{"cors", "", "GetBucketCORS", "PutBucketCORS", "PutBucketCORS", "BucketCors"},
	{"encryption", "", "GetEncryptionConfiguration", "PutEncryptionConfiguration", "PutEncryptionConfiguration", "BucketEncryption"},
	{"intelligent-tiering", "id continuation-token", "GetIntelligentTieringConfiguration", "PutIntelligentTieringConfiguration", "PutIntelligentTieringConfiguration", "BucketIntelligentTieringConfiguration"},
	{"inventory", "id continuation-token", "GetInventoryConfiguration", "PutInventoryConfiguration", "PutInventoryConfiguration", "BucketInventoryConfiguration"},
	{"lifecycle", "", "GetLifecycleConfiguration", "PutLifecycleConfiguration", "PutLifecycleConfiguration", "BucketLifecycleConfiguration"},
	{"logging", "", "GetBucketLogging", "PutBucketLogging", "", "BucketLogging"},
	{"metrics", "id continuation-token", "GetMetricsConfiguration", "PutMetricsConfiguration", "PutMetricsConfiguration", "BucketMetricsConfiguration"},
	{"notification", "", "GetBucketNotification", "PutBucketNotification", "", "BucketNotificationConfiguration"},
	{"object-lock", "", "GetBucketObjectLockConfiguration", "PutBucketObjectLockConfiguration", "", "ObjectLockConfiguration"},
	{"ownershipControls", "", "GetBucketOwnershipControls", "PutBucketOwnershipControls", "PutBucketOwnershipControls", "BucketOwnershipControls"},
	{"policy", "", "GetBucketPolicy", "PutBucketPolicy", "DeleteBucketPolicy", "BucketPolicy"},
	{"publicAccessBlock", "", "GetBucketPublicAccessBlock", "PutBucketPublicAccessBlock", "PutBucketPublicAccessBlock", "PublicAccessBlock"},
	{"replication", "", "GetReplicationConfiguration", "PutReplicationConfiguration", "PutReplicationConfiguration", "BucketReplication"},
	{"requestPayment", "", "GetBucketRequestPayment", "PutBucketRequestPayment", "", "BucketRequestPayment"},
	{"tagging", "", "GetBucketTagging", "PutBucketTagging", "PutBucketTagging", "BucketTagging"},
	{"versioning", "", "GetBucketVersioning", "PutBucketVersioning", "", "BucketVersioning"},
	{"website", "", "GetBucketWebsite", "PutBucketWebsite", "DeleteBucketWebsite", "BucketWebsite"},
}

// otherActions are the actions that depend on more than the rule of a request: on its headers,
// or on its body.
const otherActions = "s3:DeleteObject s3:DeleteObjectVersion s3:BypassGovernanceRetention s3:PutBucketAcl s3:PutObjectAcl s3:PutObjectTagging " +
	"s3:PutObjectRetention s3:PutObjectLegalHold s3:PutBucketVersioning s3:PutBucketOwnershipControls s3:GetObjectTagging s3:GetObjectVersionTagging"

// Actions returns the actions that a gateway asks policies about, for checks of policies. It
// may repeat them.
func Actions() []string {
	all := append(strings.Fields(otherActions), actionInvoke)
	for _, r := range rules {
		all = append(all, strings.Fields(r.actions+" "+r.versioned)...)
	}
	for _, s := range settings {
		for _, name := range []string{s.get, s.put, s.remove} {
			if name != "" {
				all = append(all, "s3:"+name)
			}
		}
	}
	for _, s := range services {
		for name := range s.operations {
			if other := s.actions[name]; other != "" {
				name = other
			}
			all = append(all, s.prefix+name)
		}
	}
	return all
}

// ruleFor returns the rule that fits a request, or nil.
func ruleFor(method string, l level, query params, copies bool) *rule {
	for i := range rules {
		r := &rules[i]
		if r.level == l && r.copy == copies && hasWord(r.methods, method) && r.fits(query) {
			return r
		}
	}
	if l != bucketLevel || copies {
		return nil
	}
	return settingFor(method, query)
}

// fits reports whether the query has all required parameters and no unknown one.
func (r *rule) fits(query params) bool {
	rest := r.required
	count := 0
	for rest != "" {
		var word string
		word, rest, _ = strings.Cut(rest, " ")
		name, want, exact := strings.Cut(word, "=")
		value, ok := query.get(name)
		if !ok || exact && value != want {
			return false
		}
		count++
	}
	for _, p := range query {
		if hasWord(r.optional, p.Name) {
			count++
		}
	}
	return count == len(query)
}

func settingFor(method string, query params) *rule {
	for i := range settings {
		s := &settings[i]
		r := &rule{methods: method, level: bucketLevel, required: s.param, optional: s.optional}
		switch method {
		case "GET":
			r.name, r.actions = "Get"+s.name, "s3:"+s.get
		case "PUT":
			r.name, r.actions = "Put"+s.name, "s3:"+s.put
		case "DELETE":
			if s.remove == "" {
				continue
			}
			r.name, r.actions = "Delete"+s.name, "s3:"+s.remove
		default:
			return nil
		}
		if query.has(s.param) && r.fits(query) {
			return r
		}
	}
	return nil
}

// hasWord reports whether a list separated by blanks has the word.
func hasWord(list, word string) bool {
	for list != "" {
		var w string
		if w, list, _ = strings.Cut(list, " "); w == word {
			return true
		}
	}
	return false
}
