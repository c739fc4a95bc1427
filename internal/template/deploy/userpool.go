package deploy

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/api/invoke"
	"cognate/internal/keys"
	"cognate/internal/pool/chosenid"
)

// preparePool chooses the id of a new user pool, and checks the settings by the rules of pools.
func preparePool(p *plan, it *item) {
	st := &it.want
	tags, _ := st.Members["UserPoolTags"].(properties)
	if _, err := chosenid.FromUserPoolTags(stringMap(tags), p.region); err != nil {
		p.wrong(it, "UserPoolTags", "%v", err)
	}
	if st.Ref == "" { // The id is derived, so that a new database gets the same one.
		st.Ref = p.unused(it, func(n int) string { return p.region + "_" + p.derived(it, n).letters(9) }, func(id string) (bool, error) {
			return poolExists(p.ctx, p.Service, &state{Ref: id})
		})
	}
	if it.broken {
		return
	}
	in, err := p.decode("CreateUserPool", reflect.TypeFor[idp.CreateUserPoolRequest](), poolSettings(st))
	if err != nil {
		p.invalid(it, err)
		return
	}
	var mfa *idp.SetUserPoolMfaConfigRequest
	if members := mfaSettings(st); members != nil {
		decoded, err := p.decode("SetUserPoolMfaConfig", reflect.TypeFor[idp.SetUserPoolMfaConfigRequest](), members)
		if err != nil {
			p.wrong(it, "EnabledMfas", "%s", invoke.Text(err))
			return
		}
		mfa = decoded.(*idp.SetUserPoolMfaConfigRequest)
	}
	if _, err := p.deps.Pools.Preview(in.(*idp.CreateUserPoolRequest), mfa, st.Ref); err != nil {
		p.wrong(it, "", "%s", invoke.Text(err))
		return
	}
	p.checkSchema(it)
	p.triggers(it)
}

// chosenPool returns the id that the tags of a user pool choose.
func chosenPool(p *plan, members properties) string {
	tags, _ := members["UserPoolTags"].(properties)
	id, _ := chosenid.FromUserPoolTags(stringMap(tags), p.region) // preparePool reports the error.
	return id
}

// checkSchema rejects the change or removal of an existing attribute.
func (p *plan) checkSchema(it *item) {
	if it.old == nil || it.action != change {
		return
	}
	wanted, _ := it.want.Members["Schema"].([]any)
	have, _ := it.old.Members["Schema"].([]any)
	for _, h := range have {
		name := attributeName(h)
		i := slices.IndexFunc(wanted, func(w any) bool { return attributeName(w) == name })
		switch {
		case i < 0:
			p.wrong(it, "Schema", "the attribute %s cannot be removed from the user pool: give the pool another logical id to get a new pool", name)
		case !equal(wanted[i], h):
			p.wrong(it, fmt.Sprintf("Schema[%d]", i), "the attribute %s of the user pool cannot be changed: give the pool another logical id to get a new pool", name)
		}
	}
}

func attributeName(attribute any) string {
	a, _ := attribute.(properties)
	name, _ := a["Name"].(string)
	return name
}

// poolSettings returns the members of CreateUserPool. The mode of MFA is set together with the factors.
func poolSettings(st *state) properties {
	all := st.all()
	if mfaSettings(st) != nil {
		delete(all, "MfaConfiguration")
	}
	return all
}

// mfaSettings returns the members of SetUserPoolMfaConfig; nil if the template sets neither second
// factors nor passkeys.
func mfaSettings(st *state) properties {
	m := st.Members
	factors, isSet := m["EnabledMfas"].([]any)
	passkeys := properties{}
	for member, property := range map[string]string{
		"RelyingPartyId": "WebAuthnRelyingPartyID", "UserVerification": "WebAuthnUserVerification", "FactorConfiguration": "WebAuthnFactorConfiguration",
	} {
		if value, ok := m[property]; ok {
			passkeys[member] = value
		}
	}
	if !isSet && len(passkeys) == 0 {
		return nil
	}
	out := properties{"UserPoolId": st.Ref, "MfaConfiguration": string(idp.UserPoolMfaTypeOff)}
	if len(passkeys) > 0 {
		out["WebAuthnConfiguration"] = passkeys
	}
	mode, _ := m["MfaConfiguration"].(string)
	if mode == "" || mode == string(idp.UserPoolMfaTypeOff) {
		return out
	}
	out["MfaConfiguration"] = mode
	if !isSet { // Before EnabledMfas existed, text messages were the only second factor.
		factors = []any{"SMS_MFA"}
	}
	for _, factor := range factors {
		switch factor {
		case "SMS_MFA":
			out["SmsMfaConfiguration"] = choose(m, map[string]string{"SmsAuthenticationMessage": "SmsAuthenticationMessage", "SmsConfiguration": "SmsConfiguration"})
		case "SOFTWARE_TOKEN_MFA":
			out["SoftwareTokenMfaConfiguration"] = properties{"Enabled": true}
		case "EMAIL_OTP":
			out["EmailMfaConfiguration"] = choose(m, map[string]string{"Message": "EmailAuthenticationMessage", "Subject": "EmailAuthenticationSubject"})
		}
	}
	return out
}

// choose returns the members that names has as values, under the keys of names. It leaves out missing members.
func choose(from properties, names map[string]string) properties {
	out := properties{}
	for to, name := range names {
		if value, ok := from[name]; ok {
			out[to] = value
		}
	}
	return out
}

func poolAttributes(s *Service, st *state) properties {
	region := chosenid.RegionOf(st.Ref)
	return properties{
		"Arn":          api.Resource{Type: "userpool", ID: st.Ref}.ARN("cognito-idp", region, s.deps.AccountID),
		"ProviderName": "cognito-idp." + region + ".amazonaws.com/" + st.Ref, "ProviderURL": s.deps.Issuer(st.Ref), "UserPoolId": st.Ref,
	}
}

func createPool(ctx context.Context, s *Service, st *state) error {
	in, err := s.decode("CreateUserPool", reflect.TypeFor[idp.CreateUserPoolRequest](), poolSettings(st))
	if err != nil {
		return err
	}
	if _, err := s.deps.Pools.CreateUserPoolAs(ctx, in.(*idp.CreateUserPoolRequest), st.Ref); err != nil {
		return err
	}
	return s.setMFA(ctx, mfaSettings(st))
}

func (s *Service) setMFA(ctx context.Context, members properties) error {
	if members == nil {
		return nil
	}
	_, err := s.call(ctx, "SetUserPoolMfaConfig", reflect.TypeFor[idp.SetUserPoolMfaConfigRequest](), members)
	return err
}

func updatePool(ctx context.Context, s *Service, st, old *state) error {
	if err := s.addAttributes(ctx, st); err != nil {
		return err
	}
	settings := poolSettings(st)
	settings["UserPoolId"] = st.Ref
	if st.Members["UserPoolTags"] == nil {
		settings["UserPoolTags"] = properties{}
	}
	mfa := mfaSettings(st)
	if mfa == nil && mfaSettings(old) != nil && st.Members["MfaConfiguration"] == nil {
		settings["MfaConfiguration"] = string(idp.UserPoolMfaTypeOff)
	}
	if _, err := s.call(ctx, "UpdateUserPool", reflect.TypeFor[idp.UpdateUserPoolRequest](), settings); err != nil {
		return err
	}
	return s.setMFA(ctx, mfa)
}

// addAttributes adds the attributes that the pool does not have.
func (s *Service) addAttributes(ctx context.Context, st *state) error {
	wanted, _ := st.Members["Schema"].([]any)
	if len(wanted) == 0 {
		return nil
	}
	answer, err := s.call(ctx, "DescribeUserPool", reflect.TypeFor[idp.DescribeUserPoolRequest](), properties{"UserPoolId": st.Ref})
	if err != nil {
		return err
	}
	schema, _ := member(answer, "SchemaAttributes")
	have := map[string]bool{}
	list, _ := schema.([]any)
	for _, a := range list {
		have[attributeName(a)] = true
	}
	var added []any
	for _, w := range wanted {
		if name := attributeName(w); !have[name] && !have["custom:"+name] && !have["dev:custom:"+name] {
			added = append(added, w)
		}
	}
	if len(added) == 0 {
		return nil
	}
	_, err = s.call(ctx, "AddCustomAttributes", reflect.TypeFor[idp.AddCustomAttributesRequest](), properties{"UserPoolId": st.Ref, "CustomAttributes": added})
	return err
}

func removePool(ctx context.Context, s *Service, st *state) error {
	if st.Members["DeletionProtection"] == string(idp.DeletionProtectionTypeActive) {
		_, err := s.call(ctx, "UpdateUserPool", reflect.TypeFor[idp.UpdateUserPoolRequest](), properties{
			"UserPoolId": st.Ref, "DeletionProtection": string(idp.DeletionProtectionTypeInactive),
		})
		if unlessMissing(err) != nil {
			return err
		}
	}
	_, err := s.call(ctx, "DeleteUserPool", reflect.TypeFor[idp.DeleteUserPoolRequest](), properties{"UserPoolId": st.Ref})
	return unlessMissing(err)
}

func poolExists(ctx context.Context, s *Service, st *state) (bool, error) {
	return found[idp.DescribeUserPoolRequest]("DescribeUserPool")(ctx, s, &state{Made: properties{"UserPoolId": st.Ref}})
}

// completeClient leaves a secret that is not wanted out: to say so is no change.
func completeClient(_ *plan, _ *item, members properties) {
	if members["GenerateSecret"] == false {
		delete(members, "GenerateSecret")
	}
}

// chosenClient returns the id that the name of an app client chooses.
func chosenClient(_ *plan, members properties) string {
	id, _ := chosenid.FromClientName(text(members["ClientName"])) // prepareClient reports the error.
	return id
}

// prepareClient chooses the id and the secret of a new app client.
func prepareClient(p *plan, it *item) {
	st := &it.want
	if _, err := chosenid.FromClientName(text(st.Members["ClientName"])); err != nil {
		p.wrong(it, "ClientName", "%v", err)
	}
	if st.Ref == "" {
		st.Ref = p.unused(it, func(n int) string { return p.derived(it, n).base32(26) }, func(id string) (bool, error) {
			return it.kind.exists(p.ctx, p.Service, &state{Members: st.Members, Made: properties{"ClientId": id}})
		})
	}
	if st.Members["GenerateSecret"] == true && st.Made["ClientSecret"] == nil {
		st.Made["ClientSecret"] = keys.NewClientSecret()
	}
	p.check(it, without(st.all(), "ClientSecret"))
}

func createClient(ctx context.Context, s *Service, st *state) error {
	in, err := s.decode("CreateUserPoolClient", reflect.TypeFor[idp.CreateUserPoolClientRequest](), without(st.all(), "GenerateSecret"))
	if err != nil {
		return err
	}
	return invoke.Again(func() error {
		_, err := s.deps.Pools.CreateUserPoolClientAs(ctx, in.(*idp.CreateUserPoolClientRequest), st.Ref)
		return err
	})
}

func clientAttributes(_ *Service, st *state) properties {
	return properties{"ClientId": st.Ref, "Name": st.Members["ClientName"], "ClientSecret": st.Made["ClientSecret"]}
}

// without returns a copy of the members without those of the names.
func without(all properties, names ...string) properties {
	out := maps.Clone(all)
	for _, name := range names {
		delete(out, name)
	}
	return out
}
