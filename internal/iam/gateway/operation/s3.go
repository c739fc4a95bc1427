package operation

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"cognate/internal/iam/sigv4"
)

// A Request is the part of a request of Amazon S3 that says what it does.
type Request struct {
	Method string
	// Path and Query are as in the request line, not decoded.
	Path, Query string
	Header      http.Header
	// Bucket is the bucket that the host names. It is "" for path-style requests.
	Bucket string
	// PathKeys reports whether the backend stores a key as a file's path. Keys that such
	// a backend could take for another key are refused: with ".", ".." or an empty name
	// between slashes.
	PathKeys bool
}

// An S3Operation is what a request of Amazon S3 does.
type S3Operation struct {
	Name        string // "GetObject"
	Bucket, Key string // decoded
	// Checks must all be allowed. The checks of DeleteObjects come from its body: see
	// [S3Operation.DeleteChecks].
	Checks []Check
	// TagChecks decide whether a copy may take the tags of its source along.
	TagChecks []Check
	// Keys are the condition keys of every check.
	Keys []Key
	// Query and Header are what the backend needs of the request. They are without a
	// signature, in one unambiguous form.
	Query  []Param
	Header http.Header
}

// bucketName has the form of every bucket's name, with the older ones.
var bucketName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]$`)

// reservedBuckets are no buckets: stores have their own administration at these paths, and would
// take a request that the gateway signs for one of their administrator's.
var reservedBuckets = []string{"minio", "rustfs"}

// S3 returns what a request does, or the error to answer.
func S3(r *Request) (*S3Operation, *Error) {
	o := &S3Operation{}
	if err := o.readPath(r); err != nil {
		return nil, err
	}
	query, err := parseQuery(r.Query)
	if err != nil {
		return nil, err
	}
	query = slices.DeleteFunc(query, func(p Param) bool { return p.Name == "x-id" || sigv4.IsPresignParameter(p.Name) })
	if o.Header, query, err = headersOf(r.Header, query); err != nil {
		return nil, err
	}
	o.Query = query
	source, copies, err := readCopySource(o.Header, r.PathKeys)
	if err != nil {
		return nil, err
	}
	l := serviceLevel
	switch {
	case o.Key != "":
		l = objectLevel
	case o.Bucket != "":
		l = bucketLevel
	}
	rule := ruleFor(r.Method, l, query, copies)
	if rule == nil {
		return nil, unknownOperation(r.Method, query)
	}
	o.Name = rule.name
	if r.Method == http.MethodHead && o.Name == "GetObject" {
		o.Name = "HeadObject"
	}
	if rule.listing && r.PathKeys {
		if prefix, _ := query.get("prefix"); !plainPath(prefix) {
			return nil, badKey("The prefix has a name that the store cannot keep apart.")
		}
	}
	o.addKeys(rule, query)
	if err := o.addTags(); err != nil {
		return nil, err
	}
	o.addChecks(rule, query)
	if copies {
		o.addCopy(source)
	}
	return o, nil
}

// unknownOperation refuses a request that is no known operation.
func unknownOperation(method string, query params) *Error {
	if method != "GET" && method != "HEAD" && method != "PUT" && method != "POST" && method != "DELETE" {
		return &Error{405, "MethodNotAllowed", "The specified method is not allowed against this resource."}
	}
	if len(query) == 0 {
		return &Error{405, "MethodNotAllowed", "The specified method is not allowed against this resource."}
	}
	names := make([]string, 0, len(query))
	for _, p := range query[:min(len(query), 8)] {
		names = append(names, printable(p.Name))
	}
	return &Error{501, "NotImplemented", "The query implies functionality that is not implemented: " + strings.Join(names, ", ")}
}

// readPath splits the path, which is decoded once, into bucket and key.
func (o *S3Operation) readPath(r *Request) *Error {
	rest, ok := strings.CutPrefix(r.Path, "/")
	if !ok && r.Path != "" {
		return &Error{400, "InvalidURI", "Couldn't parse the specified URI."}
	}
	bucket := r.Bucket
	if bucket == "" {
		if rest == "" {
			return nil
		}
		var raw string
		raw, rest, _ = strings.Cut(rest, "/")
		if bucket, ok = unescape(raw, false); !ok {
			return &Error{400, "InvalidURI", "Couldn't parse the specified URI."}
		}
	}
	if !bucketName.MatchString(bucket) || strings.Contains(bucket, "..") || slices.Contains(reservedBuckets, bucket) {
		return &Error{400, "InvalidBucketName", "The specified bucket is not valid."}
	}
	key, ok := unescape(rest, false)
	if !ok {
		return &Error{400, "InvalidURI", "Couldn't parse the specified URI."}
	}
	o.Bucket, o.Key = bucket, key
	if key == "" {
		return nil
	}
	return checkKey(key, r.PathKeys)
}

// checkKey refuses keys that no store can have, and keys that a store of paths could take
// for others.
func checkKey(key string, paths bool) *Error {
	switch {
	case len(key) > 1024:
		return &Error{400, "KeyTooLongError", "Your key is too long"}
	case !utf8.ValidString(key) || strings.ContainsRune(key, 0):
		return badKey("The key is not UTF-8 without a NUL character.")
	case paths && !plainPath(key):
		return badKey("The key has a name that the store cannot keep apart.")
	}
	return nil
}

func badKey(message string) *Error { return &Error{400, "InvalidArgument", message} }

// plainPath reports whether a key, as a path, has no name that a file system would drop. A
// slash at the end belongs to the keys of folders.
func plainPath(key string) bool {
	if key == "" {
		return true
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(key, "/"), "/") {
		if name == "" || name == "." || name == ".." {
			return false
		}
	}
	return true
}

// BackendPath returns the path of the request in path style, with every byte of the key
// and one way of encoding.
func (o *S3Operation) BackendPath() string {
	if o.Bucket == "" {
		return "/"
	}
	if o.Key == "" {
		return "/" + o.Bucket
	}
	return "/" + o.Bucket + "/" + escape(o.Key, true)
}

func (o *S3Operation) resource() string {
	if o.Bucket == "" {
		return "*"
	}
	return s3ARN(o.Bucket, o.Key)
}

// s3ARN returns the ARN of a bucket, or of an object in it.
func s3ARN(bucket, key string) string {
	if key == "" {
		return "arn:aws:s3:::" + bucket
	}
	return "arn:aws:s3:::" + bucket + "/" + key
}

func (o *S3Operation) addCheck(action string) {
	o.Checks = append(o.Checks, Check{Action: action, Resource: o.resource()})
}

// addChecks adds the actions of the rule and those that headers ask for.
func (o *S3Operation) addChecks(r *rule, query params) {
	actions := r.actions
	if r.versioned != "" && query.has("versionId") {
		actions = r.versioned
	}
	for action := range strings.FieldsSeq(actions) {
		o.addCheck(action)
	}
	has := func(name string) bool { return o.Header[name] != nil }
	grants := has("X-Amz-Acl") || has("X-Amz-Grant-Full-Control") || has("X-Amz-Grant-Read") || has("X-Amz-Grant-Read-Acp") ||
		has("X-Amz-Grant-Write") || has("X-Amz-Grant-Write-Acp")
	switch {
	case r.name == "CreateBucket":
		if grants {
			o.addCheck("s3:PutBucketAcl")
		}
		if has("X-Amz-Bucket-Object-Lock-Enabled") {
			o.addCheck("s3:PutBucketObjectLockConfiguration")
			o.addCheck("s3:PutBucketVersioning")
		}
		if has("X-Amz-Object-Ownership") {
			o.addCheck("s3:PutBucketOwnershipControls")
		}
	case r.writes:
		if grants {
			o.addCheck("s3:PutObjectAcl")
		}
		if has("X-Amz-Tagging") {
			o.addCheck("s3:PutObjectTagging")
		}
		if has("X-Amz-Object-Lock-Mode") || has("X-Amz-Object-Lock-Retain-Until-Date") {
			o.addCheck("s3:PutObjectRetention")
		}
		if has("X-Amz-Object-Lock-Legal-Hold") {
			o.addCheck("s3:PutObjectLegalHold")
		}
	}
	if o.Bypasses() && (r.name == "DeleteObject" || r.name == "PutObjectRetention") {
		o.addCheck("s3:BypassGovernanceRetention")
	}
}

// Bypasses reports whether the request asks to bypass governance retention.
func (o *S3Operation) Bypasses() bool { return o.Header["X-Amz-Bypass-Governance-Retention"] != nil }
