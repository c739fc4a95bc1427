package template

import (
	"slices"
	"strings"

	"cognate/internal/spelling"
)

const (
	samFunction = "AWS::Serverless::Function"
	userPool    = "AWS::Cognito::UserPool"
)

// globals reads the section Globals of SAM. Only its settings of functions have an effect.
func (r *reader) globals(s *stack, root *node) {
	known := []string{"Function", "Api", "HttpApi", "SimpleTable", "StateMachine", "LayerVersion", "CapacityProvider", "WebSocketApi"}
	r.entries(s, root, "Globals", func(e entry, at *path) {
		switch {
		case !slices.Contains(known, e.name):
			r.add(s, e.line, at, "there is no such part of Globals%s", spelling.Meant(e.name, known))
		case e.name != "Function":
		case e.value.kind != mappingNode:
			r.add(s, e.value.line, at, "must be a mapping of names to values, %s", found(e.value))
		default:
			s.functionGlobals = e.value
		}
	})
}

// applyGlobals merges the settings of Globals into those of a function.
func (r *reader) applyGlobals(s *stack, resource *Resource, n *node) {
	if resource.Type != samFunction || s.functionGlobals == nil {
		return
	}
	globals := s.functionGlobals
	switch ignored := n.get("IgnoreGlobals"); {
	case ignored == nil:
	case ignored.scalar == "*":
		return
	default:
		kept := &node{kind: mappingNode, line: globals.line}
		for _, e := range globals.entries {
			if !slices.ContainsFunc(ignored.items, func(item *node) bool { return item.scalar == e.name }) {
				kept.entries = append(kept.entries, e)
			}
		}
		globals = kept
	}
	resource.properties = r.mergeGlobals(globals, resource.properties)
	if r.merges > maxNodes {
		r.add(s, resource.Line, resource.where, "the aliases of the file repeat too much")
	}
}

// mergeGlobals merges mappings, appends lists, and otherwise takes the function's own value.
func (r *reader) mergeGlobals(global, own *node) *node {
	r.merges++
	switch {
	case own == nil:
		return global
	case own.kind != global.kind || r.merges > maxNodes:
		return own
	case own.kind == listNode:
		return &node{kind: listNode, line: own.line, items: slices.Concat(global.items, own.items)}
	case own.kind != mappingNode:
		return own
	}
	out := own
	for _, e := range global.entries {
		if mine := own.get(e.name); mine == nil {
			out = out.with(e.name, e.line, e.value)
		} else if merged := r.mergeGlobals(e.value, mine); merged != mine {
			out = out.with(e.name, mine.line, merged)
		}
	}
	return out
}

// samTriggers are the triggers that an event of a function can name.
var samTriggers = []string{
	"CreateAuthChallenge", "CustomEmailSender", "CustomMessage", "CustomSMSSender", "DefineAuthChallenge", "PostAuthentication",
	"PostConfirmation", "PreAuthentication", "PreSignUp", "PreTokenGeneration", "UserMigration", "VerifyAuthChallengeResponse",
}

// events adds the Cognito events of functions to the LambdaConfig of their user pools. It removes all events
// from the functions, because a function does not depend on the resources that call it.
func (r *reader) events(s *stack) {
	for _, name := range s.resourceNames {
		function := s.resources[name]
		if function.Type != samFunction {
			continue
		}
		events := s.taken(function.properties.get("Events"))
		function.properties = function.properties.without("Events")
		if events == nil || events.kind != mappingNode || !s.holds(function.condition) {
			continue
		}
		for _, e := range events.entries {
			if kind, _ := e.value.get("Type").text(); kind == "Cognito" {
				r.event(s, function, e, function.where.field("Properties").field("Events").field(e.name).field("Properties"))
			}
		}
	}
}

// event adds an event to the LambdaConfig of its user pool. at is the path of the event's properties.
func (r *reader) event(s *stack, function *Resource, e entry, at *path) {
	properties := e.value.get("Properties")
	poolNode := properties.get("UserPool")
	var pool *Resource
	if poolNode != nil && poolNode.kind == callNode && poolNode.function == "Ref" {
		name, _ := poolNode.argument.text()
		pool = s.resources[name]
	}
	if pool == nil || pool.Type != userPool {
		r.add(s, e.line, at.field("UserPool"), "must be Ref of a user pool of the same template")
		return
	}
	trigger := properties.get("Trigger")
	var list []*node
	switch {
	case trigger == nil:
	case trigger.kind == listNode:
		list = trigger.items
	default:
		list = []*node{trigger}
	}
	if len(list) == 0 {
		r.add(s, e.line, at.field("Trigger"), "must be a trigger or a list of triggers")
	}
	config := pool.properties.get("LambdaConfig")
	if config != nil && config.kind != mappingNode {
		r.add(s, config.line, pool.where.field("Properties").field("LambdaConfig"), "must be a mapping, because the function %s adds a trigger, %s", function.id, found(config))
		return
	}
	for _, item := range list {
		name, ok := item.text()
		switch {
		case !ok || !slices.Contains(samTriggers, name):
			r.add(s, item.line, at.field("Trigger"), "must be one of %s%s", strings.Join(samTriggers, ", "), spelling.Meant(name, samTriggers))
			continue
		case config.get(name) != nil:
			r.add(s, item.line, at.field("Trigger"), "the user pool %s has the trigger %s already", pool.id, name)
			continue
		}
		arn := &node{kind: callNode, line: item.line, function: "Fn::GetAtt", argument: &node{line: item.line, scalar: function.id + ".Arn"}}
		value := arn
		if name == "CustomEmailSender" || name == "CustomSMSSender" {
			value = (*node)(nil).with("LambdaArn", item.line, arn).with("LambdaVersion", item.line, &node{line: item.line, scalar: "V1_0"})
			value.line = item.line
		}
		config = config.with(name, item.line, value)
	}
	pool.properties = pool.properties.with("LambdaConfig", max(config.lineOr(e.line), 1), config)
}

func (n *node) lineOr(line int) int {
	if n == nil {
		return line
	}
	return n.line
}

// resource returns a resource by its logical id, or nil. If the template refers to a resource that SAM
// generates, such as the role of a function, resource adds it to the stack.
func (e *evaluator) resource(s *stack, name string) *Resource {
	if r := s.resources[name]; r != nil || !s.serverless || e.made != nil || !logicalID.MatchString(name) {
		return r
	}
	r := &Resource{Path: s.path + name, File: s.file, id: name, stack: s, where: (*path)(nil).field("Resources").field(name)}
	switch name {
	case "ServerlessRestApi":
		r.Type = "AWS::ApiGateway::RestApi"
	case "ServerlessHttpApi":
		r.Type = "AWS::ApiGatewayV2::Api"
	default:
		for _, id := range s.resourceNames {
			owner := s.resources[id]
			suffix, ok := strings.CutPrefix(name, id)
			if !ok || !strings.HasPrefix(owner.Type, "AWS::Serverless::") {
				continue
			}
			r.Type, r.Line = "AWS::Serverless::Generated", owner.Line
			r.condition = owner.condition
			if suffix == "Role" && owner.Type == samFunction && owner.properties.get("Role") == nil {
				r.Type = "AWS::IAM::Role"
				r.properties = executionRole(owner.Line)
				break
			}
		}
	}
	if r.Type == "" {
		return nil
	}
	s.resources[name] = r
	s.resourceNames = append(s.resourceNames, name)
	return r
}

// executionRole returns the properties of the role that SAM makes for a function.
func executionRole(line int) *node {
	text := func(s string) *node { return &node{line: line, scalar: s} }
	mapping := func(entries ...entry) *node { return &node{kind: mappingNode, line: line, entries: entries} }
	statement := mapping(
		entry{"Effect", line, text("Allow")},
		entry{"Principal", line, mapping(entry{"Service", line, text("lambda.amazonaws.com")})},
		entry{"Action", line, text("sts:AssumeRole")},
	)
	return mapping(entry{"AssumeRolePolicyDocument", line, mapping(
		entry{"Version", line, text("2012-10-17")},
		entry{"Statement", line, &node{kind: listNode, line: line, items: []*node{statement}}},
	)})
}
