package logs

import (
	"regexp"
	"slices"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/idp"
)

// A Kind is a kind of destination that a pool can name.
type Kind string

// The kinds of destinations.
const (
	CloudWatchLogs Kind = "cloudwatch-logs"
	S3             Kind = "s3"
	Firehose       Kind = "firehose"
)

// Kinds lists the kinds of destinations.
func Kinds() []Kind { return []Kind{CloudWatchLogs, S3, Firehose} }

// Setting returns the setting of the server that says where destinations of the kind are.
func (k Kind) Setting() string { return "log-delivery-" + string(k) }

func (k Kind) name() string {
	switch k {
	case S3:
		return "S3 buckets"
	case Firehose:
		return "Firehose streams"
	}
	return "CloudWatch log groups"
}

// A destination is what an ARN of a configuration names. The ARN of a bucket has neither Region nor account: they are empty.
type destination struct {
	kind            Kind
	region, account string
	// name is that of the log group, the bucket or the stream. prefix is where in a bucket the objects are.
	name, prefix string
}

// The parts of ARNs become parts of addresses and paths, so that nothing else may be in them.
var (
	arnRegion  = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]{2,10}){1,3}-[0-9]{1,2}$`)
	arnAccount = regexp.MustCompile(`^[0-9]{12}$`)
	logGroup   = regexp.MustCompile(`^[A-Za-z0-9_./#-]{1,512}$`)
	bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*)*$`)
	keyPrefix  = regexp.MustCompile(`^[A-Za-z0-9_./=+@,-]*$`)
	streamWord = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)
)

// parseDestination returns the one destination of a configuration.
func parseDestination(c *idp.LogConfigurationType) (*destination, error) {
	var found []*destination
	add := func(d *destination, what, arn string) error {
		if d == nil {
			return invalid("Invalid ARN of a " + what + ": " + arn)
		}
		found = append(found, d)
		return nil
	}
	var err error
	if l := c.CloudWatchLogsConfiguration; l != nil {
		err = add(parseLogGroup(api.Val(l.LogGroupArn)), "CloudWatch log group", api.Val(l.LogGroupArn))
	}
	if b := c.S3Configuration; b != nil && err == nil {
		err = add(parseBucket(api.Val(b.BucketArn)), "S3 bucket", api.Val(b.BucketArn))
	}
	if f := c.FirehoseConfiguration; f != nil && err == nil {
		err = add(parseStream(api.Val(f.StreamArn)), "Firehose stream", api.Val(f.StreamArn))
	}
	if err == nil && len(found) != 1 {
		err = invalid("A log configuration must have exactly one of CloudWatchLogsConfiguration, S3Configuration and FirehoseConfiguration.")
	}
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// splitARN returns the parts of an ARN of a service in a Region and an account, or nil.
func splitARN(arn, service string) (region, account, resource string, ok bool) {
	p := strings.SplitN(arn, ":", 6)
	if len(p) != 6 || p[0] != "arn" || !strings.HasPrefix(p[1], "aws") || p[2] != service {
		return "", "", "", false
	}
	return p[3], p[4], p[5], true
}

// parseLogGroup reads arn:aws:logs:REGION:ACCOUNT:log-group:NAME. It returns nil for any other text.
func parseLogGroup(arn string) *destination {
	region, account, resource, ok := splitARN(arn, "logs")
	name, isGroup := strings.CutPrefix(resource, "log-group:")
	if !ok || !isGroup || !arnRegion.MatchString(region) || !arnAccount.MatchString(account) || !logGroup.MatchString(name) {
		return nil
	}
	return &destination{kind: CloudWatchLogs, region: region, account: account, name: name}
}

// parseBucket reads arn:aws:s3:::BUCKET and arn:aws:s3:::BUCKET/PREFIX.
func parseBucket(arn string) *destination {
	region, account, resource, ok := splitARN(arn, "s3")
	name, prefix, _ := strings.Cut(resource, "/")
	if !ok || region != "" || account != "" || len(name) < 3 || len(name) > 63 || !bucketName.MatchString(name) || !keyPrefix.MatchString(prefix) {
		return nil
	}
	for part := range strings.SplitSeq(prefix, "/") {
		if slices.Contains([]string{".", ".."}, part) { // They would lead out of the bucket.
			return nil
		}
	}
	return &destination{kind: S3, name: name, prefix: strings.Trim(prefix, "/")}
}

// parseStream reads arn:aws:firehose:REGION:ACCOUNT:deliverystream/NAME.
func parseStream(arn string) *destination {
	region, account, resource, ok := splitARN(arn, "firehose")
	name, isStream := strings.CutPrefix(resource, "deliverystream/")
	if !ok || !isStream || !arnRegion.MatchString(region) || !arnAccount.MatchString(account) || !streamWord.MatchString(name) {
		return nil
	}
	return &destination{kind: Firehose, region: region, account: account, name: name}
}
