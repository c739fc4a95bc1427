package template

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"
)

const (
	// leastSecret is the length of the shortest value that Mask hides. A shorter value is a part of other words.
	leastSecret = 4
	// masked replaces a secret value, as in the console of CloudFormation.
	masked = "****"
)

// secretValues are the values that no text for people may have. The values of nested templates become known
// during evaluations.
type secretValues struct {
	mu sync.Mutex
	// list has each value in all forms in which a text may quote it. The longest is first.
	list []string
}

// add adds the value of a parameter, and its items if it is a list. A parameter without NoEcho has no secret.
func (v *secretValues) add(p *parameter, value string) {
	if !p.secret {
		return
	}
	v.addText(value)
	if p.list {
		for item := range strings.SplitSeq(value, ",") {
			v.addText(strings.TrimSpace(item))
		}
	}
}

// addReferences adds the values of dynamic references to secrets.
func (v *secretValues) addReferences(parameters map[string]string) {
	for name, value := range parameters {
		if strings.HasPrefix(name, "resolve:secretsmanager:") || strings.HasPrefix(name, "resolve:ssm-secure:") {
			v.addText(value)
		}
	}
}

func (v *secretValues) addText(value string) {
	if len(value) < leastSecret {
		return
	}
	quoted := strconv.Quote(value)
	forms := []string{value, quoted[1 : len(quoted)-1]}
	if text, err := json.Marshal(value); err == nil {
		forms = append(forms, string(text[1:len(text)-1]))
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, form := range forms {
		if !slices.Contains(v.list, form) {
			v.list = append(v.list, form)
		}
	}
	slices.SortStableFunc(v.list, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
}

// mask replaces the values in a text.
func (v *secretValues) mask(text string) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, secret := range v.list {
		text = strings.ReplaceAll(text, secret, masked)
	}
	return text
}

// Mask returns a text for people without the secrets of the template: the values of parameters with NoEcho, and
// those that --template-parameter sets for secrets of Secrets Manager and Systems Manager.
func (t *Template) Mask(text string) string { return t.secrets.mask(text) }

// newEvaluator returns an evaluator whose problems quote no secret.
func (t *Template) newEvaluator() *evaluator {
	e := &evaluator{template: t}
	e.problems.Mask = t.Mask
	return e
}
