package operation

import (
	"net/http"
	"strings"
)

// copySource is the object that a copy reads.
type copySource struct {
	bucket, key string
	version     string
	versioned   bool
}

// readCopySource reads the header x-amz-copy-source, and writes it again in one
// unambiguous form for the backend.
func readCopySource(h http.Header, paths bool) (copySource, bool, *Error) {
	const name = "X-Amz-Copy-Source"
	values := h[name]
	if values == nil {
		return copySource{}, false, nil
	}
	refused := invalidArgument("Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
	text, version, versioned := strings.Cut(values[0], "?")
	if versioned {
		var ok bool
		if version, ok = strings.CutPrefix(version, "versionId="); !ok || version == "" || escape(version, false) != version {
			return copySource{}, true, invalidArgument("Unsupported copy source parameter.")
		}
	}
	// Encoded slashes may stand between bucket and key, too.
	decoded, ok := unescape(text, true)
	if !ok {
		return copySource{}, true, refused
	}
	bucket, key, ok := strings.Cut(strings.TrimPrefix(decoded, "/"), "/")
	if !ok || key == "" || !bucketName.MatchString(bucket) || strings.Contains(bucket, "..") {
		return copySource{}, true, refused
	}
	if err := checkKey(key, paths); err != nil {
		return copySource{}, true, err
	}
	s := copySource{bucket: bucket, key: key, version: version, versioned: versioned}
	clean := bucket + "/" + escape(key, true)
	if versioned {
		clean += "?versionId=" + version
	}
	h[name] = []string{clean}
	return s, true, nil
}

// addCopy adds the checks of the source, and of the tags that are copied with it.
func (o *S3Operation) addCopy(s copySource) {
	source := s3ARN(s.bucket, s.key)
	get, getTags := "s3:GetObject", "s3:GetObjectTagging"
	var keys []Key
	if s.versioned {
		get, getTags = "s3:GetObjectVersion", "s3:GetObjectVersionTagging"
		keys = []Key{{"s3:VersionId", []string{s.version}}}
	}
	o.Checks = append(o.Checks, Check{Action: get, Resource: source, Keys: keys})
	if o.Name != "CopyObject" {
		return
	}
	tags := []Check{
		{Action: getTags, Resource: source, Keys: keys},
		{Action: "s3:PutObjectTagging", Resource: o.resource()},
	}
	directive := o.Header.Get("X-Amz-Tagging-Directive")
	switch {
	case strings.EqualFold(directive, "COPY"):
		o.Checks = append(o.Checks, tags...)
	case directive == "":
		o.TagChecks = tags
	}
}
