package operation

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// A ServiceRequest is a request of a service with AWS's JSON or Query protocol.
type ServiceRequest struct {
	// Service is the service that the signature is for, such as "sqs".
	Service string
	// Target is the header X-Amz-Target. With "", the body is a form of the Query protocol.
	Target string
	Body   []byte
	// Region and Account are those of ARNs of resources that the request only names.
	Region, Account string
}

// A ServiceOperation is what such a request does.
type ServiceOperation struct {
	Name   string // "SendMessage"
	Checks []Check
}

// An argument of an operation names its resource. A list names several.
type argument struct {
	field string
	list  bool
}

// A service has the operations that a gateway lets through.
type service struct {
	target string // the first part of X-Amz-Target, "" without the JSON protocol
	prefix string // of actions
	// operations have the argument with the resource. An empty argument means that the
	// operation has no resource.
	operations map[string]argument
	// elsewhere are members that name another resource beside, or instead of, the argument.
	// Requests with them are refused.
	elsewhere string
	// actions are the actions that do not have the operation's name.
	actions map[string]string
	// resource returns the ARN of a value, or "" if the value may mean another resource
	// than it says.
	resource func(r *ServiceRequest, operation, value string) string
}

// services are the known services by their signing name. The operations are those whose
// resource the request itself says.
var services = map[string]*service{
	"sqs": {
		target: "AmazonSQS", prefix: "sqs:", resource: queueARN, elsewhere: "QueueOwnerAWSAccountId",
		operations: merge(
			on("QueueUrl", "SendMessage SendMessageBatch ReceiveMessage DeleteMessage DeleteMessageBatch ChangeMessageVisibility "+
				"ChangeMessageVisibilityBatch GetQueueAttributes SetQueueAttributes PurgeQueue DeleteQueue TagQueue UntagQueue ListQueueTags "+
				"ListDeadLetterSourceQueues"),
			on("QueueName", "CreateQueue GetQueueUrl"), on("", "ListQueues")),
		actions: map[string]string{
			"SendMessageBatch": "SendMessage", "DeleteMessageBatch": "DeleteMessage", "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
		},
	},
	"sns": {
		prefix: "sns:", elsewhere: "TargetArn PhoneNumber", resource: fullARN(`^arn:[\w-]+:sns:[\w-]*:\d{12}:[\w-]{1,256}(\.fifo)?$`),
		operations: merge(on("TopicArn", "Publish PublishBatch Subscribe GetTopicAttributes SetTopicAttributes DeleteTopic ListSubscriptionsByTopic"), on("", "ListTopics")),
		actions:    map[string]string{"PublishBatch": "Publish"},
	},
	"kms": {
		target: "TrentService", prefix: "kms:", resource: keyARN,
		operations: merge(
			on("KeyId", "Encrypt Decrypt GenerateDataKey GenerateDataKeyWithoutPlaintext GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext "+
				"DescribeKey GetPublicKey Sign Verify GenerateMac VerifyMac EnableKey DisableKey GetKeyRotationStatus EnableKeyRotation "+
				"DisableKeyRotation ScheduleKeyDeletion CancelKeyDeletion ListResourceTags"),
			on("", "ListKeys ListAliases CreateKey GenerateRandom")),
	},
	"secretsmanager": {
		target: "secretsmanager", prefix: "secretsmanager:", resource: secretARN,
		operations: merge(
			on("SecretId", "GetSecretValue PutSecretValue UpdateSecret DescribeSecret DeleteSecret RestoreSecret ListSecretVersionIds TagResource UntagResource"),
			on("Name", "CreateSecret"), on("", "ListSecrets GetRandomPassword")),
	},
	"ssm": {
		target: "AmazonSSM", prefix: "ssm:", resource: parameterARN,
		operations: merge(on("Name", "GetParameter PutParameter DeleteParameter GetParameterHistory"),
			map[string]argument{"GetParameters": {"Names", true}, "DeleteParameters": {"Names", true}}, on("Path", "GetParametersByPath"), on("", "DescribeParameters")),
	},
}

// on returns operations with the argument.
func on(field, operations string) map[string]argument {
	m := map[string]argument{}
	for name := range strings.FieldsSeq(operations) {
		m[name] = argument{field: field}
	}
	return m
}

func merge(all ...map[string]argument) map[string]argument {
	out := map[string]argument{}
	for _, m := range all {
		maps.Copy(out, m)
	}
	return out
}

// KnownService reports whether [Service] knows a service by its signing name.
func KnownService(name string) bool { return services[name] != nil }

// KnownServices returns the signing names of the services that [Service] knows, sorted.
func KnownServices() []string { return slices.Sorted(maps.Keys(services)) }

// Service returns what a request of a service does, or the error to answer. It refuses
// operations that it does not know and bodies that two servers could read in two ways.
func Service(r *ServiceRequest) (*ServiceOperation, *Error) {
	s := services[r.Service]
	if s == nil {
		return nil, &Error{400, "UnknownOperationException", "The service " + printable(r.Service) + " is not known."}
	}
	name, fields, err := s.read(r)
	if err != nil {
		return nil, err
	}
	a, ok := s.operations[name]
	if !ok {
		return nil, &Error{400, "UnknownOperationException", "The operation " + printable(name) + " is not known."}
	}
	for field := range fields {
		if hasWord(s.elsewhere, field) {
			return nil, &Error{400, "ValidationException", "The member " + field + " is not supported."}
		}
	}
	action := name
	if other := s.actions[name]; other != "" {
		action = other
	}
	o := &ServiceOperation{Name: name}
	if a.field == "" {
		o.Checks = []Check{{Action: s.prefix + action, Resource: "*"}}
		return o, nil
	}
	values, ok := fields.values(a)
	if !ok || len(values) == 0 {
		return nil, &Error{400, "ValidationException", "The member " + a.field + " must name the resource."}
	}
	for _, v := range values {
		resource := s.resource(r, name, v)
		if resource == "" {
			return nil, &Error{400, "ValidationException", "The member " + a.field + " does not name the resource in a form that policies can be asked about."}
		}
		o.Checks = append(o.Checks, Check{Action: s.prefix + action, Resource: resource})
	}
	return o, nil
}

// fields are the members of a request, each with the JSON of its value.
type fields map[string]json.RawMessage

// values returns the texts of an argument.
func (f fields) values(a argument) ([]string, bool) {
	if a.list {
		var list []string
		err := json.Unmarshal(f[a.field], &list)
		return list, err == nil
	}
	var text *string
	if json.Unmarshal(f[a.field], &text) != nil || text == nil {
		return nil, false
	}
	return []string{*text}, true
}

func malformedBody() *Error {
	return &Error{400, "SerializationException", "The request's body is not well-formed."}
}

// read returns the operation's name and its members.
func (s *service) read(r *ServiceRequest) (string, fields, *Error) {
	if r.Target == "" {
		return readForm(r.Body)
	}
	target, name, ok := strings.Cut(r.Target, ".")
	if !ok || s.target == "" || target != s.target {
		return "", nil, &Error{400, "UnknownOperationException", "The target is not of the service that the signature is for."}
	}
	f, err := readObject(r.Body)
	return name, f, err
}

// readObject reads the members of a JSON object. Members whose names differ only in case
// are refused: servers disagree about which one counts.
func readObject(body []byte) (fields, *Error) {
	d := json.NewDecoder(bytes.NewReader(body))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, malformedBody()
	}
	f, lower := fields{}, map[string]bool{}
	for d.More() {
		t, err := d.Token()
		name, ok := t.(string)
		if err != nil || !ok || lower[strings.ToLower(name)] {
			return nil, malformedBody()
		}
		var value json.RawMessage
		if d.Decode(&value) != nil {
			return nil, malformedBody()
		}
		f[name], lower[strings.ToLower(name)] = value, true
	}
	if _, err := d.Token(); err != nil || !onlySpace(body[d.InputOffset():]) {
		return nil, malformedBody()
	}
	return f, nil
}

// readForm reads the parameters of the Query protocol.
func readForm(body []byte) (string, fields, *Error) {
	p, err := parseForm(string(body))
	if err != nil {
		return "", nil, malformedBody()
	}
	f, lower := fields{}, map[string]bool{}
	for _, param := range p {
		if lower[strings.ToLower(param.Name)] {
			return "", nil, malformedBody()
		}
		lower[strings.ToLower(param.Name)] = true
		text, err := json.Marshal(param.Value)
		if err != nil {
			return "", nil, malformedBody()
		}
		f[param.Name] = text
	}
	name, _ := p.get("Action")
	return name, f, nil
}

var (
	queueName = regexp.MustCompile(`^[\w-]{1,80}(\.fifo)?$`)
	queueURL  = regexp.MustCompile(`^https?://[\w.:-]+/(?:(\w+)/)?([\w-]{1,80}(?:\.fifo)?)$`)
	keyID     = regexp.MustCompile(`^[\w-]{1,128}$`)
	keyIDARN  = regexp.MustCompile(`^arn:[\w-]+:kms:[\w-]*:\d{12}:key/[\w-]{1,128}$`)
	secret    = regexp.MustCompile(`^[\w/+=.@-]{1,512}$`)
	fullName  = regexp.MustCompile(`^arn:[\w-]+:secretsmanager:[\w-]*:\d{12}:secret:[\w/+=.@-]{1,512}-\w{6}$`)
	parameter = regexp.MustCompile(`^/?[\w.-]+(/[\w.-]+)*/?$`)
)

func arn(r *ServiceRequest, service, resource string) string {
	return "arn:aws:" + service + ":" + r.Region + ":" + r.Account + ":" + resource
}

// noAccount is the account in queue URLs of servers that have no accounts.
const noAccount = "000000000000"

// queueARN refuses queues of other accounts.
func queueARN(r *ServiceRequest, operation, value string) string {
	if operation == "CreateQueue" || operation == "GetQueueUrl" {
		if !queueName.MatchString(value) {
			return ""
		}
		return arn(r, "sqs", value)
	}
	m := queueURL.FindStringSubmatch(value)
	if m == nil || len(m[1]) == len(noAccount) && m[1] != noAccount && m[1] != r.Account {
		return ""
	}
	return arn(r, "sqs", m[2])
}

// keyARN refuses aliases: a policy names the key, and an alias may be another's.
func keyARN(r *ServiceRequest, _, value string) string {
	switch {
	case keyIDARN.MatchString(value):
		return value
	case keyID.MatchString(value):
		return arn(r, "kms", "key/"+value)
	}
	return ""
}

// secretARN returns the ARN of a secret. A request that only names it does not say the six
// characters at its end; question marks stand for them, which patterns match.
func secretARN(r *ServiceRequest, _, value string) string {
	switch {
	case fullName.MatchString(value):
		return value
	case secret.MatchString(value):
		return arn(r, "secretsmanager", "secret:"+value+"-??????")
	}
	return ""
}

// parameterARN returns the ARN of a parameter or of a path of parameters.
func parameterARN(r *ServiceRequest, _, value string) string {
	if value == "/" {
		return arn(r, "ssm", "parameter/")
	}
	if !parameter.MatchString(value) {
		return ""
	}
	return arn(r, "ssm", "parameter/"+strings.Trim(value, "/"))
}

func fullARN(form string) func(*ServiceRequest, string, string) string {
	re := regexp.MustCompile(form)
	return func(_ *ServiceRequest, _, value string) string {
		if !re.MatchString(value) {
			return ""
		}
		return value
	}
}
