package saml

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"cognate/internal/federation/saml/strictxml"
)

// checkAssertion checks a verified assertion (SAML Profiles §4.1.4.3). It returns the time
// until which the assertion would be accepted.
func (p *Provider) checkAssertion(assertion *strictxml.Element, want expectation) (until time.Time, err error) {
	if err := checkHeader(assertion); err != nil {
		return until, refuseProcessing("the assertion is malformed", err)
	}
	issuer, err := issuerOf(assertion)
	if err != nil || issuer != p.settings.Metadata.EntityID {
		return until, refuseProcessing("the issuer is not the identity provider",
			errors.Join(err, mismatch("the issuer", issuer, p.settings.Metadata.EntityID)))
	}
	issued, ok, err := timeAttribute(assertion, "IssueInstant")
	if err != nil || !ok {
		return until, refuseProcessing("the assertion has no time of issue", err)
	}
	if err := checkIssued(issued, want); err != nil {
		return until, err
	}
	subject, err := only(assertion, assertionSpace, "Subject")
	if err != nil {
		return until, refuseProcessing("the assertion has no subject", err)
	}
	confirmed, err := checkConfirmations(subject, want)
	if err != nil {
		return until, err
	}
	ends, err := p.checkConditions(assertion, want)
	if err != nil {
		return until, err
	}
	if err := checkStatements(assertion, want); err != nil {
		return until, err
	}
	return earliest(confirmed, ends, issued.Add(maxAge)).Add(skew), nil
}

// earliest returns the first of the times that are not zero.
func earliest(times ...time.Time) time.Time {
	var first time.Time
	for _, t := range times {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// checkConfirmations requires a bearer confirmation for this service provider, this request
// and this time (SAML Profiles §4.1.4.2). It returns the last end of such a confirmation.
func checkConfirmations(subject *strictxml.Element, want expectation) (end time.Time, err error) {
	var reason error = refuseProcessing("the subject has no bearer confirmation", nil)
	for _, confirmation := range subject.Children(assertionSpace, "SubjectConfirmation") {
		if method, _ := confirmation.Attribute("Method"); method != bearer {
			continue
		}
		data, err := only(confirmation, assertionSpace, "SubjectConfirmationData")
		if err != nil {
			return end, refuseProcessing("the assertion is malformed", err)
		}
		t, err := checkConfirmation(data, want)
		if err != nil {
			reason = err
		} else if t.After(end) {
			end = t
		}
	}
	if end.IsZero() {
		return end, reason
	}
	return end, nil
}

func checkConfirmation(data *strictxml.Element, want expectation) (end time.Time, err error) {
	if got, _ := data.Attribute("Recipient"); got != want.consumer {
		return end, refuseProcessing("the recipient is not the assertion consumer service", mismatch("Recipient", got, want.consumer))
	}
	if err := checkInResponseTo(data, want); err != nil {
		return end, err
	}
	if _, ok := data.Attribute("NotBefore"); ok {
		return end, refuseProcessing("a bearer confirmation must not have a beginning", nil)
	}
	end, ok, err := timeAttribute(data, "NotOnOrAfter")
	switch {
	case err != nil || !ok:
		return end, refuseProcessing("the confirmation has no end", err)
	case !want.now.Before(end.Add(skew)):
		return end, refuseExpired("the assertion has expired", mismatch("NotOnOrAfter", formatTime(end), formatTime(want.now)))
	}
	return end, nil
}

// checkConditions requires all conditions to be met (SAML Core §2.5.1). It returns their end,
// or the zero time.
func (p *Provider) checkConditions(assertion *strictxml.Element, want expectation) (end time.Time, err error) {
	conditions, err := only(assertion, assertionSpace, "Conditions")
	if err != nil {
		return end, refuse(textAudience, err)
	}
	begin, ok, err := timeAttribute(conditions, "NotBefore")
	if err != nil {
		return end, refuseProcessing("the assertion is malformed", err)
	}
	if ok && want.now.Add(skew).Before(begin) {
		return end, refuseProcessing("the assertion is not yet valid", mismatch("NotBefore", formatTime(begin), formatTime(want.now)))
	}
	end, ok, err = timeAttribute(conditions, "NotOnOrAfter")
	if err != nil {
		return end, refuseProcessing("the assertion is malformed", err)
	}
	if ok && !want.now.Before(end.Add(skew)) {
		return end, refuseExpired("the assertion has expired", mismatch("NotOnOrAfter", formatTime(end), formatTime(want.now)))
	}
	return end, p.checkAudience(conditions)
}

// checkAudience requires each restriction to name this service provider, and at least one
// restriction. A condition that the package does not know is not met.
func (p *Provider) checkAudience(conditions *strictxml.Element) error {
	restricted := false
	for condition := range conditions.Elements {
		switch {
		case condition.Is(assertionSpace, "AudienceRestriction"):
			ok, err := names(condition, append([]string{p.settings.EntityID}, p.settings.Aliases...))
			if err != nil || !ok {
				return refuse(textAudience, err)
			}
			restricted = true
		case condition.Is(assertionSpace, "OneTimeUse"), condition.Is(assertionSpace, "ProxyRestriction"):
		default:
			return refuseProcessing("the assertion has an unknown condition", fmt.Errorf("condition %.100q", condition.Local))
		}
	}
	if !restricted {
		return refuse(textAudience, errors.New("there is no restriction"))
	}
	return nil
}

func names(restriction *strictxml.Element, audiences []string) (bool, error) {
	for _, e := range restriction.Children(assertionSpace, "Audience") {
		text, err := e.Text()
		if err != nil {
			return false, err
		}
		if slices.Contains(audiences, trim(text)) {
			return true, nil
		}
	}
	return false, nil
}

// checkStatements requires an authentication statement, and sessions that are still live.
func checkStatements(assertion *strictxml.Element, want expectation) error {
	statements := assertion.Children(assertionSpace, "AuthnStatement")
	if len(statements) == 0 {
		return refuseProcessing("the assertion has no authentication statement", nil)
	}
	for _, statement := range statements {
		end, ok, err := timeAttribute(statement, "SessionNotOnOrAfter")
		if err != nil {
			return refuseProcessing("the assertion is malformed", err)
		}
		if ok && !want.now.Before(end.Add(skew)) {
			return refuseExpired("the session has expired", mismatch("SessionNotOnOrAfter", formatTime(end), formatTime(want.now)))
		}
	}
	return nil
}
