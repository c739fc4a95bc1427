package operation

import (
	"bytes"
	"encoding/xml"
	"strings"
)

// MaxDeleteBody is the longest body of DeleteObjects.
const MaxDeleteBody = 1 << 20

// maxDeleteObjects is the most objects in one request (S3: DeleteObjects).
const maxDeleteObjects = 1000

// A Deletion is the body of DeleteObjects.
type Deletion struct {
	XMLName xml.Name        `xml:"http://s3.amazonaws.com/doc/2006-03-01/ Delete"`
	Quiet   bool            `xml:"Quiet,omitempty"`
	Objects []DeletedObject `xml:"Object"`
}

// A DeletedObject is one object of a [Deletion], with the conditions for it.
type DeletedObject struct {
	Key              string  `xml:"Key"`
	VersionID        *string `xml:"VersionId,omitempty"`
	ETag             *string `xml:"ETag,omitempty"`
	LastModifiedTime *string `xml:"LastModifiedTime,omitempty"`
	Size             *string `xml:"Size,omitempty"`
}

// deletionReader accepts every namespace, as S3 does, and notices unknown elements.
type deletionReader struct {
	XMLName xml.Name
	Quiet   []string        `xml:"Quiet"`
	Objects []deletedReader `xml:"Object"`
	Other   []struct{}      `xml:",any"`
}

type deletedReader struct {
	Key              []string   `xml:"Key"`
	VersionID        []string   `xml:"VersionId"`
	ETag             []string   `xml:"ETag"`
	LastModifiedTime []string   `xml:"LastModifiedTime"`
	Size             []string   `xml:"Size"`
	Other            []struct{} `xml:",any"`
}

func malformedXML() *Error {
	return &Error{400, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema"}
}

// ParseDeletion reads the body of DeleteObjects. It refuses elements that it does not know
// and elements that occur twice.
func ParseDeletion(body []byte, paths bool) (*Deletion, *Error) {
	d := xml.NewDecoder(bytes.NewReader(body))
	var in deletionReader
	if err := d.Decode(&in); err != nil || in.XMLName.Local != "Delete" || len(in.Other) > 0 || len(in.Quiet) > 1 {
		return nil, malformedXML()
	}
	if !onlySpace(body[d.InputOffset():]) {
		return nil, malformedXML()
	}
	if len(in.Objects) == 0 || len(in.Objects) > maxDeleteObjects {
		return nil, malformedXML()
	}
	out := &Deletion{Quiet: len(in.Quiet) == 1 && strings.TrimSpace(in.Quiet[0]) == "true"}
	for i := range in.Objects {
		o := &in.Objects[i]
		if len(o.Key) != 1 || o.Key[0] == "" || len(o.Other) > 0 {
			return nil, malformedXML()
		}
		if err := checkKey(o.Key[0], paths); err != nil {
			return nil, err
		}
		object := DeletedObject{Key: o.Key[0]}
		for _, f := range []struct {
			to   **string
			from []string
		}{{&object.VersionID, o.VersionID}, {&object.ETag, o.ETag}, {&object.LastModifiedTime, o.LastModifiedTime}, {&object.Size, o.Size}} {
			switch {
			case len(f.from) > 1:
				return nil, malformedXML()
			case len(f.from) == 1 && f.from[0] != "":
				*f.to = &f.from[0]
			}
		}
		out.Objects = append(out.Objects, object)
	}
	return out, nil
}

func onlySpace(b []byte) bool { return len(bytes.TrimSpace(b)) == 0 }

// DeleteChecks returns the checks for one object of DeleteObjects.
func (o *S3Operation) DeleteChecks(d *DeletedObject) []Check {
	resource := s3ARN(o.Bucket, d.Key)
	check := Check{Action: "s3:DeleteObject", Resource: resource}
	if d.VersionID != nil {
		check = Check{Action: "s3:DeleteObjectVersion", Resource: resource, Keys: []Key{{"s3:VersionId", []string{*d.VersionID}}}}
	}
	checks := []Check{check}
	if o.Bypasses() {
		checks = append(checks, Check{Action: "s3:BypassGovernanceRetention", Resource: resource})
	}
	return checks
}
