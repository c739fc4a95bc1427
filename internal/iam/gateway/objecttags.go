package gateway

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strings"

	"cognate/internal/iam/gateway/operation"
	"cognate/internal/iam/policy"
)

// existingTag begins the condition keys of the tags that an object has.
const existingTag = "s3:existingobjecttag/"

// maxTagAnswer is the longest answer of the store about the tags of an object, which has
// at most ten.
const maxTagAnswer = 64 << 10

// taggedActions are the actions that can depend on an object's tags (Service Authorization
// Reference: "Actions defined by Amazon S3").
const taggedActions = " s3:GetObject s3:GetObjectAcl s3:GetObjectAttributes s3:GetObjectTagging s3:GetObjectVersion s3:GetObjectVersionAcl " +
	"s3:GetObjectVersionAttributes s3:GetObjectVersionTagging s3:PutObjectAcl s3:PutObjectTagging s3:PutObjectVersionAcl " +
	"s3:PutObjectVersionTagging s3:DeleteObjectTagging s3:DeleteObjectVersionTagging "

// NamesObjectTags reports whether policies ask for the tags of objects. It is for
// [Caller.ObjectTags].
func NamesObjectTags(l policy.Layers) bool {
	for _, layer := range [][]*policy.Document{l.Identity, l.Boundary, l.Session, l.Resource} {
		for _, d := range layer {
			if d == nil {
				continue
			}
			for _, key := range d.ContextKeys() {
				if strings.HasPrefix(strings.ToLower(key), existingTag) {
					return true
				}
			}
		}
	}
	return false
}

// checkKeys returns the condition keys of one check, with the tags of its object if the
// policies ask for them.
func (x *exchange) checkKeys(c *operation.Check) ([]operation.Key, error) {
	if !x.caller.ObjectTags || !strings.Contains(taggedActions, " "+c.Action+" ") {
		return c.Keys, nil
	}
	bucket, key, _ := strings.Cut(strings.TrimPrefix(c.Resource, "arn:aws:s3:::"), "/")
	version := ""
	keys := c.Keys
	if bucket == x.operation.Bucket && key == x.operation.Key && c.Keys == nil {
		keys = x.operation.Keys
	}
	for _, k := range keys {
		if k.Name == "s3:VersionId" {
			version = k.Values[0]
		}
	}
	tags, err := x.objectTags(bucket, key, version)
	if err != nil {
		return nil, err
	}
	return append(tags, c.Keys...), nil
}

// objectTags asks the store for the tags of an object. An object that is missing has no
// tags.
func (x *exchange) objectTags(bucket, key, version string) ([]operation.Key, error) {
	o := &operation.S3Operation{Bucket: bucket, Key: key, Query: []operation.Param{{Name: "tagging"}}, Header: http.Header{}}
	if version != "" {
		o.Query = append(o.Query, operation.Param{Name: "versionId", Value: version})
	}
	req := x.backendRequest(http.MethodGet, o)
	x.sign(req, hashOf(nil))
	res, err := x.roundTrip(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	switch res.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return nil, nil
	default:
		return nil, internalError(errors.New("gateway: the store's answer about the tags of an object is " + res.Status))
	}
	var answer struct {
		Tags []struct{ Key, Value string } `xml:"TagSet>Tag"`
	}
	if err := xml.NewDecoder(io.LimitReader(res.Body, maxTagAnswer)).Decode(&answer); err != nil {
		return nil, internalError(err)
	}
	var keys []operation.Key
	for _, t := range answer.Tags {
		keys = append(keys, operation.Key{Name: existingTag + t.Key, Values: []string{t.Value}})
	}
	return keys, nil
}
