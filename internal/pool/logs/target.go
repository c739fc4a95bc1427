package logs

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"time"
)

// A Target is where the operator has the records of one kind of destination go: AWS, a compatible endpoint, or files in a
// folder.
type Target struct {
	// Folder has a file for each pool and source. If it is set, nothing else is.
	Folder string
	// Endpoint is empty for AWS itself.
	Endpoint string
	// Region is that of buckets; empty: the Region of the user pool.
	Region string
	// PathStyle puts the name of a bucket into the path.
	PathStyle bool
	// Wait is how long records wait for others before they become an object.
	Wait time.Duration
}

// Targets are the targets of the kinds that this server can deliver to.
type Targets map[Kind]*Target

// ParseTarget reads an address: "aws", an http or https URL, or file:FOLDER. For buckets, "aws" and URLs can have the parameters
// region, path-style and wait. The error never shows the address, which may hold a password.
func ParseTarget(kind Kind, address string) (*Target, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("the address does not parse")
	}
	if u.Scheme == "file" {
		folder := u.Path
		if folder == "" {
			folder = u.Opaque
		}
		if u.Host != "" || folder == "" || u.RawQuery != "" {
			return nil, errors.New("the address must be file:FOLDER")
		}
		folder, err = filepath.Abs(folder)
		return &Target{Folder: folder}, err
	}
	isAWS := u.Scheme == "" && u.Host == "" && u.Path == "aws"
	if !isAWS && (u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return nil, errors.New(`the address must be "aws", an http or https URL, or file:FOLDER`)
	}
	t := &Target{}
	if kind == S3 {
		t.Wait = time.Minute
	}
	if err := t.readParameters(kind, u.Query()); err != nil {
		return nil, err
	}
	if !isAWS {
		u.RawQuery, u.Fragment = "", ""
		t.Endpoint = u.String()
	}
	return t, nil
}

func (t *Target) readParameters(kind Kind, q url.Values) (err error) {
	for name, values := range q {
		if kind != S3 || !slices.Contains([]string{"region", "path-style", "wait"}, name) || len(values) != 1 {
			return fmt.Errorf("the parameter %q is unknown or is there more than once", name)
		}
		switch value := values[0]; name {
		case "region":
			if !arnRegion.MatchString(value) {
				return errors.New("region must be the name of a Region")
			}
			t.Region = value
		case "path-style":
			if value != "true" && value != "false" {
				return errors.New("path-style must be true or false")
			}
			t.PathStyle = value == "true"
		case "wait":
			if t.Wait, err = time.ParseDuration(value); err != nil || t.Wait < 0 || t.Wait > time.Hour {
				return errors.New("wait must be a time of at most 1h")
			}
		}
	}
	return nil
}
