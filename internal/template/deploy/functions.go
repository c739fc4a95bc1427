package deploy

import (
	"archive/zip"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"cognate/internal/api"
	"cognate/internal/trigger"
	"cognate/internal/trigger/process"
)

const userPoolType = "AWS::Cognito::UserPool"

// functionTypes are the types of functions. Only the properties that say what to run have an effect. The
// others say how AWS runs the function.
var functionTypes = []string{"AWS::Lambda::Function", "AWS::Serverless::Function"}

// aliasTypes are the types that stand for a function, with the property that has the qualifier. A version has
// no such property: its qualifier is 1.
var aliasTypes = map[string]string{"AWS::Lambda::Version": "1", "AWS::Lambda::Alias": "Name"}

// A function is a function of the template. problem says why it cannot be run. No user pool may call a
// function with a problem.
type function struct {
	item    *item
	name    string
	spec    process.Function
	problem string
	field   string // the property of the problem
	fault   error  // of its properties
	called  bool
}

func (f *function) canRun() bool { return f.problem == "" && f.fault == nil }

// functions are the functions of a template.
type functions struct {
	byARN map[string]*function
	// calls are the triggers of user pools that name a function of the stack's account.
	calls []triggerCall
}

type triggerCall struct {
	item     *item
	property string
	arn      string
}

// functionName is the form of a function's name (Lambda: CreateFunction). It becomes a part of file names.
var functionName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func (p *plan) isFunction(it *item) bool {
	_, isAlias := aliasTypes[it.Type]
	return isAlias || slices.Contains(functionTypes, it.Type)
}

// settleFunction sets the name, the ARN and the code of a function.
func (p *plan) settleFunction(it *item) {
	given, err := p.template.Properties(it.Resource, p.made)
	if qualifier, ok := aliasTypes[it.Type]; ok {
		p.settleAlias(it, given, qualifier) // If it has a fault, it is the alias of nothing.
		return
	}
	name := text(given["FunctionName"])
	switch {
	case name == "":
		name = p.name(it, 64)
	case !functionName.MatchString(name):
		p.wrong(it, "FunctionName", "must have letters, digits, - and _, 64 at most")
		name = p.name(it, 64)
	}
	arn := "arn:" + api.Partition(p.region) + ":lambda:" + p.region + ":" + p.deps.AccountID + ":function:" + name
	it.want = state{Ref: name, Made: properties{"Arn": arn, "FunctionArn": arn, "Version": "1", "SnapStartResponse": properties{}}}
	f := &function{item: it, name: name, fault: err}
	if err == nil {
		f.field, f.problem = p.runnable(f, given)
	}
	p.functions.byARN[arn] = f
}

// settleAlias sets the ARN of a version or an alias: the ARN of its function with a qualifier.
func (p *plan) settleAlias(it *item, given properties, qualifier string) {
	arn := text(given["FunctionName"])
	if !strings.HasPrefix(arn, "arn:") {
		arn = "arn:" + api.Partition(p.region) + ":lambda:" + p.region + ":" + p.deps.AccountID + ":function:" + arn
	}
	if name := text(given[qualifier]); name != "" {
		qualifier = name
	}
	it.want = state{Ref: arn + ":" + qualifier, Made: properties{"FunctionArn": arn + ":" + qualifier, "Version": qualifier, "AliasArn": arn + ":" + qualifier}}
}

// runnable finds the code of a function. It returns the property and the reason if this server cannot run
// the function.
func (p *plan) runnable(f *function, given properties) (property, problem string) {
	var fit fitter
	code, _ := given["Code"].(properties)
	inline := text(given["InlineCode"]) + text(code["ZipFile"])
	if text(given["PackageType"]) == "Image" {
		return "PackageType", "functions of container images cannot be run here: only functions of Node.js and Python, or with an executable bootstrap"
	}
	runtime := text(given["Runtime"])
	if !process.Supports(runtime) {
		return "Runtime", fmt.Sprintf("functions with the runtime %q cannot be run here: only Node.js, Python and executables (provided)", runtime)
	}
	environment, _ := given["Environment"].(properties)
	variables, _ := fit.fit(cmp.Or[any](environment["Variables"], properties{}), reflect.TypeFor[map[string]string](), "Environment.Variables").(properties)
	if len(fit.faults) > 0 {
		p.wrong(f.item, fit.faults[0].path, "%s", fit.faults[0].text)
	}
	f.spec = process.Function{Runtime: runtime, Handler: text(given["Handler"]), Env: stringMap(variables)}
	f.spec.Env["AWS_REGION"], f.spec.Env["AWS_DEFAULT_REGION"] = p.region, p.region
	var err error
	switch {
	case inline != "":
		f.spec.Dir, err = p.inlineCode(f, inline)
		property = "Code"
	case f.item.Asset == "":
		return "Code", "the code of the function is not on this machine"
	default:
		f.spec.Dir, err = p.asset(f)
		property = "Code"
	}
	if err != nil {
		return property, err.Error()
	}
	if err := f.spec.Check(); err != nil {
		return "Handler", err.Error()
	}
	return "", ""
}

// inlineCode writes code that is in the template to a folder of its own.
func (p *plan) inlineCode(f *function, code string) (string, error) {
	file := "index.js"
	if strings.HasPrefix(f.spec.Runtime, "python") {
		file = "index.py"
	}
	dir := filepath.Join(p.deps.Folder, f.name+"-"+digest([]byte(code)))
	path := filepath.Join(dir, file)
	if old, err := os.ReadFile(path); err == nil && string(old) == code {
		return dir, nil // A written file would end the processes that run it.
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	return dir, os.WriteFile(path, []byte(code), 0o600)
}

func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// asset returns the folder with a function's code.
func (p *plan) asset(f *function) (string, error) {
	info, err := os.Stat(f.item.Asset)
	if err != nil {
		return "", fmt.Errorf("there is no file %s", f.item.Asset)
	}
	if info.IsDir() {
		return filepath.Abs(f.item.Asset)
	}
	if !strings.EqualFold(filepath.Ext(f.item.Asset), ".zip") {
		return "", fmt.Errorf("%s is neither a folder nor a .zip file", f.item.Asset)
	}
	state := fmt.Appendf(nil, "%s %d %d", f.item.Asset, info.Size(), info.ModTime().UnixNano())
	dir := filepath.Join(p.deps.Folder, f.name+"-"+digest(state))
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(p.deps.Folder, 0o700); err != nil {
		return "", err
	}
	unfinished, err := os.MkdirTemp(p.deps.Folder, unfinishedPrefix)
	if err != nil {
		return "", err
	}
	if err := unzip(f.item.Asset, unfinished); err != nil {
		return "", errors.Join(fmt.Errorf("%s: %w", f.item.Asset, err), os.RemoveAll(unfinished))
	}
	return dir, os.Rename(unfinished, dir)
}

// unfinishedPrefix begins the names of folders in which archives are unpacked.
const unfinishedPrefix = "unpacking-"

// codeFolder is the form of the names of folders with code: the name of a function and a digest, or a folder of
// an archive that was not unpacked to its end.
var codeFolder = regexp.MustCompile(`^(?:[A-Za-z0-9_-]{1,64}-[0-9a-f]{16}|` + unfinishedPrefix + `.*)$`)

// removeOldCode removes the code that no function uses any more. A folder in which a process still runs is
// removed by a later call. With another database than the embedded one, another server may use the code.
func (s *Service) removeOldCode(ctx context.Context) {
	if !s.deps.Alone {
		return
	}
	folder, err := filepath.Abs(s.deps.Folder)
	if err != nil {
		return
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return // There is no code.
	}
	used := s.deps.Functions.Dirs()
	for _, e := range entries {
		dir := filepath.Join(folder, e.Name())
		if !e.IsDir() || !codeFolder.MatchString(e.Name()) || slices.Contains(used, dir) {
			continue
		}
		if err := os.RemoveAll(dir); err != nil {
			s.deps.Log.WarnContext(ctx, "the code of an earlier function could not be removed", slog.Any("error", err))
		}
	}
}

// Limits of the code of a function (Lambda quotas: 250 MB unpacked).
const (
	maxCode      = 250 << 20
	maxCodeFiles = 100_000
)

// unzip unpacks an archive to a folder. It rejects files outside of the folder, and links.
func unzip(file, dir string) error {
	z, err := zip.OpenReader(file)
	if err != nil {
		return err
	}
	defer func() { _ = z.Close() }()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	if len(z.File) > maxCodeFiles {
		return fmt.Errorf("has more than %d files", maxCodeFiles)
	}
	left := int64(maxCode)
	for _, entry := range z.File {
		if err := unpack(root, entry, &left); err != nil {
			return fmt.Errorf("%s: %w", entry.Name, err)
		}
	}
	return nil
}

func unpack(root *os.Root, entry *zip.File, left *int64) error {
	name := filepath.FromSlash(entry.Name)
	switch {
	case !filepath.IsLocal(name):
		return errors.New("lies outside of the folder")
	case entry.FileInfo().IsDir():
		return root.MkdirAll(name, 0o700)
	case !entry.Mode().IsRegular():
		return errors.New("is not a regular file")
	}
	if err := root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	in, err := entry.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600|entry.Mode().Perm()&0o100)
	if err != nil {
		return err
	}
	n, err := io.Copy(out, io.LimitReader(in, *left+1))
	if *left -= n; err == nil && *left < 0 {
		err = fmt.Errorf("the code has more than %d MB", maxCode>>20)
	}
	return errors.Join(err, out.Close())
}

// triggers notes which functions a user pool calls.
func (p *plan) triggers(it *item) {
	config, _ := it.want.Members["LambdaConfig"].(properties)
	for _, name := range sortedKeys(config) {
		arn, property := text(config[name]), "LambdaConfig."+name
		if nested, ok := config[name].(properties); ok {
			arn, property = text(nested["LambdaArn"]), property+".LambdaArn"
		}
		if arn != "" && name != "KMSKeyID" {
			p.functions.calls = append(p.functions.calls, triggerCall{it, property, arn})
		}
	}
}

// checkFunctions rejects user pools that call a function of the template that cannot be run here. It counts
// the other functions that cannot be run.
func (p *plan) checkFunctions() {
	for _, call := range p.functions.calls {
		arn, err := trigger.ParseARN(call.arn)
		if err != nil {
			continue
		}
		f := p.functions.byARN[arn.Unqualified()]
		if f == nil {
			continue
		}
		f.called = true
		if f.fault != nil {
			p.add(f.fault)
		}
		if f.problem != "" {
			p.wrong(f.item, f.field, "%s, and the user pool %s calls it", f.problem, call.item.Path)
		}
	}
	for _, arn := range sortedKeys(p.functions.byARN) {
		if f := p.functions.byARN[arn]; !f.canRun() && !f.called {
			p.others["functions that no user pool calls and that cannot be run here"]++
		}
	}
}

// runnable returns the functions that can be run, by name.
func (f *functions) runnable() map[string]process.Function {
	out := map[string]process.Function{}
	for _, fn := range f.byARN {
		if fn.canRun() {
			out[fn.name] = fn.spec
		}
	}
	return out
}

// merged returns the functions of two templates. A function of the second replaces one of the same name.
func merged(a, b map[string]process.Function) map[string]process.Function {
	all := maps.Clone(a)
	if all == nil {
		all = map[string]process.Function{}
	}
	maps.Copy(all, b)
	return all
}
