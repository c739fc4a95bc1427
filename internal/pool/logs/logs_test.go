package logs

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/api/idp"
	"cognate/internal/store"
	"cognate/test/fresh"
)

// TestReadBack: configurations come back as they were sent and in their order, an empty list removes them, and they go with
// the pool.
func TestReadBack(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.plus(t)
		check := func(got, list string) {
			t.Helper()
			var is, want any
			if err := json.Unmarshal([]byte(got), &is); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal([]byte(`{"LogDeliveryConfiguration":{"UserPoolId":"`+sn.ID+`","LogConfigurations":[`+list+`]}}`), &want); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, is); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		}
		get := func() string {
			t.Helper()
			got, err := r.call(t.Context(), "GetLogDeliveryConfiguration", `{"UserPoolId":"`+sn.ID+`"}`)
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		check(get(), "")
		for _, list := range []string{eventsBucket + "," + notifyGroup, notifyGroup + "," + eventsGroup, notifyGroup + "," + eventsGroup, eventsStream, "", ""} {
			got, err := r.call(t.Context(), "SetLogDeliveryConfiguration", request(sn.ID, list))
			if err != nil {
				t.Fatal(err)
			}
			check(got, list)
			check(get(), list)
		}
		r.set(t, sn.ID, notifyGroup)
		if err := r.deps.Pools.DeleteUserPool(t.Context(), &idp.DeleteUserPoolRequest{UserPoolId: sn.ID}); err != nil {
			t.Fatal(err)
		}
		if _, err := r.deps.Store.Sweep(t.Context(), r.clock.Now(), 1000); err != nil {
			t.Fatal(err)
		}
		if n, err := r.deps.Store.CountItems(t.Context(), sn.ID, store.KindLogDelivery); n != 0 || err != nil {
			t.Errorf("%d configurations of a deleted pool, %v", n, err)
		}
		for _, op := range []string{"SetLogDeliveryConfiguration", "GetLogDeliveryConfiguration"} {
			_, err := r.call(t.Context(), op, request(sn.ID))
			wantError(t, op, err, "ResourceNotFoundException: User pool "+sn.ID+" does not exist.")
		}
	})
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	r := newRig(t, fresh.SQLite(t))
	plus := r.plus(t)
	logGroupOf := func(arn string) string { return strings.Replace(notifyGroup, groupARN, arn, 1) }
	bucketOf := func(arn string) string { return strings.Replace(eventsBucket, bucketARN, arn, 1) }
	streamOf := func(arn string) string { return strings.Replace(eventsStream, streamARN, arn, 1) }
	const (
		noGroup  = "Invalid ARN of a CloudWatch log group: "
		noBucket = "Invalid ARN of a S3 bucket: "
		noStream = "Invalid ARN of a Firehose stream: "
		one      = "A log configuration must have exactly one of CloudWatchLogsConfiguration, S3Configuration and FirehoseConfiguration."
	)
	for _, tt := range []struct{ name, configs, want string }{
		{"no destination", `{"LogLevel":"INFO","EventSource":"userAuthEvents"}`, one},
		{"two destinations", strings.TrimSuffix(eventsBucket, "}") + `,"FirehoseConfiguration":{"StreamArn":"` + streamARN + `"}}`, one},
		{"destination without an ARN", `{"LogLevel":"INFO","EventSource":"userAuthEvents","CloudWatchLogsConfiguration":{}}`, noGroup},
		{"notifications at INFO", strings.Replace(notifyGroup, "ERROR", "INFO", 1), "The log level of userNotification must be ERROR."},
		{"events at ERROR", strings.Replace(eventsGroup, "INFO", "ERROR", 1), "The log level of userAuthEvents must be INFO."},
		{"notifications to a bucket", strings.NewReplacer("INFO", "ERROR", "userAuthEvents", "userNotification").Replace(eventsBucket), "Logs of userNotification can only be sent to a CloudWatch log group."},
		{"one source twice", notifyGroup + "," + notifyGroup, "The event source userNotification is there more than once."},
		{"another service", logGroupOf("arn:aws:sns:eu-west-1:123456789012:log-group:a"), noGroup + "arn:aws:sns:eu-west-1:123456789012:log-group:a"},
		{"a log stream", logGroupOf("arn:aws:logs:eu-west-1:123456789012:log-group:a:b"), noGroup + "arn:aws:logs:eu-west-1:123456789012:log-group:a:b"},
		{"a host as Region", logGroupOf("arn:aws:logs:x@attacker.example/:123456789012:log-group:a"), noGroup + "arn:aws:logs:x@attacker.example/:123456789012:log-group:a"},
		{"a Region of a host", logGroupOf("arn:aws:logs:attacker.example/:123456789012:log-group:a"), noGroup + "arn:aws:logs:attacker.example/:123456789012:log-group:a"},
		{"another account", logGroupOf("arn:aws:logs:eu-west-1:210987654321:log-group:a"), "The destination must be in the account 123456789012 of the user pool."},
		{"bucket with a host", bucketOf("arn:aws:s3:::attacker.example/@a"), ""},
		{"bucket of capitals", bucketOf("arn:aws:s3:::People"), noBucket + "arn:aws:s3:::People"},
		{"bucket that ends the host", bucketOf("arn:aws:s3:::a@attacker.example"), noBucket + "arn:aws:s3:::a@attacker.example"},
		{"key out of the bucket", bucketOf("arn:aws:s3:::people/a/../../others"), noBucket + "arn:aws:s3:::people/a/../../others"},
		{"no stream", streamOf("arn:aws:firehose:us-west-2:123456789012:stream/a"), noStream + "arn:aws:firehose:us-west-2:123456789012:stream/a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := r.call(t.Context(), "SetLogDeliveryConfiguration", request(plus.ID, tt.configs))
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantError(t, "SetLogDeliveryConfiguration", err, "InvalidParameterException: "+tt.want)
		})
	}
	essentials := fresh.Pool(t, r.deps.Pools)
	_, err := r.call(t.Context(), "SetLogDeliveryConfiguration", request(essentials.ID, eventsGroup))
	wantError(t, "SetLogDeliveryConfiguration", err, "FeatureUnavailableInTierException: Log delivery of userAuthEvents is not available in your current tier.")
	r.set(t, essentials.ID, notifyGroup)

	none := r.with(Targets{CloudWatchLogs: {Folder: t.TempDir()}})
	_, err = none.call(t.Context(), "SetLogDeliveryConfiguration", request(plus.ID, eventsBucket))
	wantError(t, "SetLogDeliveryConfiguration", err, "InvalidParameterException: This server does not send logs to S3 buckets. Its operator can change that by the setting log-delivery-s3.")
	// No request is made to a file, so that its account does not matter.
	none.set(t, plus.ID, logGroupOf("arn:aws:logs:eu-west-1:210987654321:log-group:a"))
}

// TestTargets: addresses of the operator.
func TestTargets(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind    Kind
		address string
		want    *Target
	}{
		{CloudWatchLogs, "aws", &Target{}},
		{CloudWatchLogs, "https://logs.example.com/v1", &Target{Endpoint: "https://logs.example.com/v1"}},
		{S3, "aws?region=eu-west-1&wait=5m", &Target{Region: "eu-west-1", Wait: 5 * time.Minute}},
		{S3, "http://127.0.0.1:9000?path-style=true", &Target{Endpoint: "http://127.0.0.1:9000", PathStyle: true, Wait: time.Minute}},
		{Firehose, "file:/var/log/people", &Target{Folder: "/var/log/people"}},
		{CloudWatchLogs, "aws?region=eu-west-1", nil},
		{CloudWatchLogs, "Aws", nil},
		{S3, "aws?region=x@y.example", nil},
		{S3, "aws?path-style=yes", nil},
		{S3, "aws?wait=2h", nil},
		{S3, "aws?wait=1m&wait=2m", nil},
		{S3, "ftp://secret-word@host", nil},
		{S3, "file:", nil},
		{S3, "https://", nil},
		{S3, "http://secret-word:%zz@host", nil},
	} {
		got, err := ParseTarget(tt.kind, tt.address)
		if (err == nil) != (tt.want != nil) || err == nil && *got != *tt.want {
			t.Errorf("%s: %+v, %v", tt.address, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret-word") {
			t.Errorf("%s: the error shows the secret: %v", tt.address, err)
		}
	}
}

// TestRecords: records have Cognito's shape (Cognito: Exporting logs from user pools).
func TestRecords(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 7, 7, 17, 25, 55, 0, time.UTC)
	got, err := activity(at, &AuthEvent{
		EventID: "e", EventType: "SignIn", UserSub: "s", UserName: "test-user", UserPoolID: "us-west-2_x", ClientID: "c", CreationDate: Date(at), EventResponse: "InProgress",
		RiskDecision: "PASS", DeviceName: "Other, Other", Address: "192.0.2.1", RequestID: "r", Compromised: "false", City: "Seattle", Country: "United States",
		HasContextData: "false", FeedbackDate: Date(time.Time{}),
	})
	const want = `{"eventTimestamp":"1720373155000","eventSource":"USER_ACTIVITY","logLevel":"INFO","message":{"version":"1","eventId":"e","eventType":"SignIn",` +
		`"userSub":"s","userName":"test-user","userPoolId":"us-west-2_x","clientId":"c","creationDate":"Sun Jul 07 17:25:55 UTC 2024","eventResponse":"InProgress",` +
		`"riskLevel":"","riskDecision":"PASS","challenges":[],"deviceName":"Other, Other","ipAddress":"192.0.2.1","requestId":"r","idpName":"",` +
		`"compromisedCredentialDetected":"false","city":"Seattle","country":"United States","eventFeedbackValue":"","eventFeedbackDate":"","eventFeedbackProvider":"",` +
		`"hasContextData":"false"},"logSourceId":{"userPoolId":"us-west-2_x"}}`
	if string(got) != want || err != nil {
		t.Errorf("%v\n got %s\nwant %s", err, got, want)
	}
}
