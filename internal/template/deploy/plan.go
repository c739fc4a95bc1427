package deploy

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/invoke"
	"cognate/internal/document"
	"cognate/internal/spelling"
	"cognate/internal/template"
)

// An action is what a plan does with a resource.
type action uint8

const (
	keep action = iota
	create
	change
	replace
)

// An item is a resource of the template and what is planned for it.
type item struct {
	*template.Resource
	kind *kind // nil for a resource that this package does not create
	want state
	// old is the record of the resource from an earlier run, or nil.
	old        *record
	action     action
	generation int
	// adopted is the record of the same resource under an earlier logical id, or nil.
	adopted *record
	// broken is set if the resource has a problem, so that its values are incomplete.
	broken bool
	// named is set if the resource has a derived name.
	named bool
	// known is set once the server was asked for the old resource; present is set if it exists. For a
	// resource that is not created, known is set once others counts it.
	known, present bool
}

// A plan says what to do so that the server has the resources that a template describes.
type plan struct {
	*Service
	ctx      context.Context
	template *template.Template
	region   string
	problems document.Problems
	// failed is an error of the server, with which the plan cannot be used.
	failed error
	items  []*item
	byPath map[string]*item
	// records are the resources from earlier runs, by path. gone are those that left the template.
	records   map[string]*record
	gone      []*record
	functions functions
	notes     []string
	// others counts the resources of types that this package does not create.
	others map[string]int
}

// plan compares a template with the records of earlier runs. Its error names all problems that can be
// found without changing anything.
func (s *Service) plan(ctx context.Context, t *template.Template, records []*record) (*plan, error) {
	p := &plan{
		Service: s, ctx: invoke.In(ctx, s.options.Region), template: t, region: s.options.Region, byPath: map[string]*item{}, records: map[string]*record{},
		functions: functions{byARN: map[string]*function{}}, others: map[string]int{},
	}
	p.problems.Mask = t.Mask
	for _, r := range records {
		p.records[r.Path] = r
	}
	made := 0
	for _, r := range t.Resources() {
		it := &item{Resource: r, kind: s.kinds[r.Type]}
		p.items = append(p.items, it)
		p.byPath[r.Path] = it
		if it.kind != nil {
			if made++; made > maxResources {
				p.problems.Add(r.Problem("", fmt.Sprintf("the template has more than %d resources that the server creates", maxResources)))
				return nil, p.problems.Err()
			}
		}
	}
	p.gone = slices.DeleteFunc(slices.Clone(records), func(r *record) bool {
		it := p.byPath[r.Path]
		return it != nil && it.Type == r.Type
	})
	for _, it := range p.items {
		p.settle(it)
	}
	p.checkFunctions()
	p.checkGone()
	if _, err := t.Outputs(p.made); err != nil {
		p.add(err)
	}
	return p, cmp.Or(p.problems.Err(), p.failed)
}

// add adds the problems of an error.
func (p *plan) add(err error) {
	if e, ok := errors.AsType[*document.Error](err); ok {
		for _, problem := range e.Problems {
			p.problems.Add(problem)
		}
		return
	}
	p.failed = cmp.Or(p.failed, err)
}

// wrong adds a problem of a property.
func (p *plan) wrong(it *item, property, format string, args ...any) {
	it.broken = true
	p.problems.Add(it.Problem(property, fmt.Sprintf(format, args...)))
}

// note adds a note about a part that was left out, unless the plan has it already.
func (p *plan) note(text string) {
	if !slices.Contains(p.notes, text) {
		p.notes = append(p.notes, text)
	}
}

// settle decides what to do with a resource. The resources that it refers to must be settled already.
func (p *plan) settle(it *item) {
	switch {
	case p.isFunction(it):
		p.settleFunction(it)
		return
	case it.kind == nil:
		if strings.HasPrefix(it.Type, "AWS::Cognito::") {
			p.wrong(it, "", "this server has no resource type %s%s", it.Type, spelling.Meant(it.Type, sortedKeys(p.kinds)))
		}
		if !accepted[it.Type] && !it.known {
			p.others[it.Type]++
		}
		it.known, it.want = true, p.placeholder(it)
		return
	}
	k, members := it.kind, p.membersOf(it)
	it.old, it.generation, it.action, it.named = nil, 0, create, false
	if old := p.records[it.Path]; old != nil && old.Type == it.Type {
		it.old, it.generation = old, old.Generation
	}
	p.title(it, members)
	if it.old == nil && k.ref != nil {
		p.adopt(it, members)
	}
	if it.old != nil {
		p.compare(it, members)
	}
	if it.action == replace {
		it.generation++
		p.title(it, members)
	}
	it.want = state{Members: members, Made: properties{}}
	if it.action == keep || it.action == change {
		it.want.Ref, it.want.Made = it.old.Ref, maps.Clone(it.old.Made)
	} else if k.ref != nil {
		it.want.Ref = k.ref(p, members)
		if it.want.Ref == "" && it.action == create && it.old != nil { // Somebody has deleted the resource: it keeps its id.
			it.want.Ref = it.old.Ref
		}
	}
	if k.later != "" {
		p.later(it)
	}
	if k.prepare != nil {
		k.prepare(p, it)
	} else {
		p.check(it, it.want.all())
	}
	if it.kind.id != "" {
		it.want.Made[it.kind.id] = it.want.Ref
	}
}

// membersOf evaluates the properties of a resource.
func (p *plan) membersOf(it *item) properties {
	given, err := p.template.Properties(it.Resource, p.made)
	if err != nil {
		it.broken = true
		p.add(err)
		return properties{}
	}
	var f fitter
	members := it.kind.members(given, &f)
	for _, w := range f.faults {
		p.wrong(it, w.path, "%s", w.text)
	}
	for _, name := range it.kind.required {
		if given[name] == nil {
			p.wrong(it, "", "the property %s is missing", name)
		}
	}
	if it.kind.complete != nil {
		it.kind.complete(p, it, members)
	}
	return normal(members)
}

// normal returns members with the Go types that they have when they are read from the store.
func normal(members properties) properties {
	body, err := json.Marshal(members)
	if err != nil {
		return members
	}
	out := properties{}
	if json.Unmarshal(body, &out) != nil {
		return members
	}
	return out
}

// title names a resource that has no name in the template.
func (p *plan) title(it *item, members properties) {
	k := it.kind
	if k.title == "" {
		return
	}
	member := cmp.Or(k.named[k.title], k.title)
	if members[member] == nil || it.named {
		members[member], it.named = p.name(it, k.titleLength), true
	}
}

// compare sets the action of a resource that has a record.
func (p *plan) compare(it *item, members properties) {
	it.action = keep
	k := it.kind
	for _, name := range sortedKeys(union(members, it.old.Members)) {
		if equal(members[name], it.old.Members[name]) {
			continue
		}
		switch {
		case slices.Contains(k.replaced, name):
			it.action = replace
		case slices.Contains(k.refused, name) && !it.broken:
			p.wrong(it, name, "cannot be changed: give the resource another logical id to get a new one")
		}
		it.action = max(it.action, change)
	}
	if k.ref != nil { // such as an id that a tag chooses
		if ref := k.ref(p, members); ref != "" && ref != it.old.Ref {
			it.action = replace
		}
	}
	if it.action == replace || p.failed != nil {
		return
	}
	if k.exists == nil {
		if p.usesRestored(it) {
			it.action = create
		}
		return
	}
	if !it.known {
		var err error
		if it.present, err = k.exists(p.ctx, p.Service, &it.old.state); err != nil {
			p.failed = err
		}
		it.known = true
	}
	switch {
	case p.failed != nil:
	case !it.present:
		it.action, it.generation = create, it.old.Generation
	case p.usesRestored(it):
		it.action = change
	}
}

// usesRestored reports whether a resource uses one that somebody has deleted, and that is created again. The
// restored resource has no settings and no members, and others may have lost their references to it.
func (p *plan) usesRestored(it *item) bool {
	return slices.ContainsFunc(it.Uses, func(path string) bool {
		used := p.byPath[path]
		return used != nil && used.old != nil && used.action == create
	})
}

// adopt looks for a record of the same resource under another logical id: the same type, Ref and parent.
// That resource would prevent the creation of a new one.
func (p *plan) adopt(it *item, members properties) {
	if it.adopted != nil {
		it.old, it.generation = it.adopted, it.adopted.Generation
		return
	}
	ref := it.kind.ref(p, members)
	for i, r := range p.gone {
		if ref != "" && r.is(it.kind, it.Type, ref, members) {
			it.old, it.adopted, it.generation, p.gone = r, r, r.Generation, slices.Delete(slices.Clone(p.gone), i, i+1)
			return
		}
	}
}

// later sets the Ref of a resource whose id the server chooses.
func (p *plan) later(it *item) {
	if it.want.Ref == "" {
		id := p.derived(it, 0).uuid() // until the resource is created
		it.want.Ref = text(it.want.Members[it.kind.parent]) + "|" + id
		it.want.Made[it.kind.later] = id
	}
}

// check checks the members of a resource by the API's model.
func (p *plan) check(it *item, members properties) {
	if it.broken || it.kind.request == nil {
		return
	}
	if _, err := p.decode(it.kind.op, it.kind.request, members); err != nil {
		p.invalid(it, err)
	}
}

// decoded checks the members of a request by the API's model.
func (p *plan) decoded(it *item, operation string, members properties) {
	if it.broken {
		return
	}
	body, err := json.Marshal(members)
	if err == nil {
		_, err = p.operations[operation].Decode(body)
	}
	if err != nil {
		p.wrong(it, "", "%s", invoke.Text(err))
	}
}

// invalid adds the problem of an error of the model.
func (p *plan) invalid(it *item, err error) {
	message := invoke.Text(err)
	p.wrong(it, it.kind.property(invoke.MemberPath(message)), "%s", message)
}

// checkGone rejects a template that lacks a user pool whose DeletionProtection is ACTIVE.
func (p *plan) checkGone() {
	removed := slices.Clone(p.gone)
	for _, it := range p.items {
		if it.action == replace && !it.RetainOnReplace {
			removed = append(removed, it.old)
		}
	}
	for _, r := range removed {
		if r.Type == userPoolType && !r.Retain && r.Members["DeletionProtection"] == "ACTIVE" {
			p.problems.Addf(p.template.File(), 0, r.Path, "the template does not have the user pool %s any more, and its DeletionProtection is ACTIVE: set it to INACTIVE first", r.Ref)
		}
	}
}

// made returns the results of a resource.
func (p *plan) made(path string) (template.Values, bool) {
	it := p.byPath[path]
	if it == nil {
		return template.Values{}, false
	}
	v := template.Values{Ref: it.want.Ref, Attributes: map[string]any{}, Placeholder: it.kind == nil && !p.isFunction(it)}
	maps.Copy(v.Attributes, it.want.Made)
	if it.kind != nil && it.kind.attributes != nil {
		for name, value := range it.kind.attributes(p.Service, &it.want) {
			if value != nil {
				v.Attributes[name] = value
			}
		}
	}
	return v, true
}

// union returns the members of two objects. A member of the second replaces one of the same name.
func union(a, b properties) properties {
	all := properties{}
	maps.Copy(all, a)
	maps.Copy(all, b)
	return all
}

// equal reports whether two values have the same JSON.
func equal(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

// sortedKeys returns the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// foreignRefs are the forms of Ref for types whose Ref is an ARN. Policies and settings need a valid ARN.
var foreignRefs = map[string]string{
	"AWS::AppSync::GraphQLApi":                  "arn:{partition}:appsync:{region}:{account}:apis/{name}",
	"AWS::CertificateManager::Certificate":      "arn:{partition}:acm:{region}:{account}:certificate/{name}",
	"AWS::ECS::Service":                         "arn:{partition}:ecs:{region}:{account}:service/{name}",
	"AWS::ECS::TaskDefinition":                  "arn:{partition}:ecs:{region}:{account}:task-definition/{name}",
	"AWS::ElasticLoadBalancingV2::Listener":     "arn:{partition}:elasticloadbalancing:{region}:{account}:listener/{name}",
	"AWS::ElasticLoadBalancingV2::LoadBalancer": "arn:{partition}:elasticloadbalancing:{region}:{account}:loadbalancer/{name}",
	"AWS::ElasticLoadBalancingV2::TargetGroup":  "arn:{partition}:elasticloadbalancing:{region}:{account}:targetgroup/{name}",
	"AWS::Lambda::LayerVersion":                 "arn:{partition}:lambda:{region}:{account}:layer:{name}:1",
	"AWS::SecretsManager::Secret":               "arn:{partition}:secretsmanager:{region}:{account}:secret:{name}",
	"AWS::Serverless::LayerVersion":             "arn:{partition}:lambda:{region}:{account}:layer:{name}:1",
	"AWS::Serverless::StateMachine":             "arn:{partition}:states:{region}:{account}:stateMachine:{name}",
	"AWS::SNS::Topic":                           "arn:{partition}:sns:{region}:{account}:{name}",
	"AWS::StepFunctions::Activity":              "arn:{partition}:states:{region}:{account}:activity:{name}",
	"AWS::StepFunctions::StateMachine":          "arn:{partition}:states:{region}:{account}:stateMachine:{name}",
}

// foreignARNs are the forms of the attribute Arn that differ from the usual one.
var foreignARNs = map[string]string{
	"AWS::S3::Bucket":                      "arn:{partition}:s3:::{name}",
	"AWS::KMS::Key":                        "arn:{partition}:kms:{region}:{account}:key/{name}",
	"AWS::Logs::LogGroup":                  "arn:{partition}:logs:{region}:{account}:log-group:{name}",
	"AWS::DynamoDB::Table":                 "arn:{partition}:dynamodb:{region}:{account}:table/{name}",
	"AWS::Serverless::SimpleTable":         "arn:{partition}:dynamodb:{region}:{account}:table/{name}",
	"AWS::KinesisFirehose::DeliveryStream": "arn:{partition}:firehose:{region}:{account}:deliverystream/{name}",
	"AWS::SES::EmailIdentity":              "arn:{partition}:ses:{region}:{account}:identity/{name}",
}

// maxPlaceholder is the longest placeholder of an id. Names of roles, which have 64 letters at most, are
// made of such ids.
const maxPlaceholder = 30

// placeholder returns values for a resource that this package does not create, for the resources that
// refer to it.
func (p *plan) placeholder(it *item) state {
	name := strings.ToLower(p.options.StackName + "-" + strings.ReplaceAll(it.Path, "/", "-"))
	if len(name) > maxPlaceholder {
		name = strings.ToLower(it.Path[strings.LastIndexByte(it.Path, '/')+1:])
		name = name[:min(len(name), maxPlaceholder-9)] + "-" + p.derived(it, 0).base32(8)
	}
	service := strings.ToLower(strings.Split(it.Type+"::", "::")[1])
	fill := func(form string) string {
		return strings.NewReplacer("{partition}", api.Partition(p.region), "{region}", p.region, "{account}", p.deps.AccountID, "{name}", name, "{service}", service).Replace(form)
	}
	st := state{Ref: fill(cmp.Or(foreignRefs[it.Type], "{name}")), Made: properties{}}
	for _, attribute := range it.Attributes {
		st.Made[attribute] = name + "." + attribute
		if len(name)+1+len(attribute) > maxPlaceholder {
			st.Made[attribute] = p.derived(it, 0).base32(26)
		}
		if strings.HasSuffix(attribute, "Arn") {
			st.Made[attribute] = fill(cmp.Or(foreignARNs[it.Type], foreignRefs[it.Type], "arn:{partition}:{service}:{region}:{account}:{name}"))
		}
	}
	return st
}
