package template

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"cognate/internal/document"
)

// manifestFile is the file that lists the stacks of a cloud assembly.
const manifestFile = "manifest.json"

// find returns the file of a template and the name of its stack. A folder must be one that cdk synth wrote,
// with one stack.
func find(file string) (assemblyStack, error) {
	info, err := os.Stat(file)
	if err != nil {
		return assemblyStack{}, err
	}
	if !info.IsDir() {
		return assemblyStack{file, stackNameOf(file)}, nil
	}
	stacks, err := assembly(file, 0)
	if err != nil {
		return assemblyStack{}, err
	}
	switch len(stacks) {
	case 0:
		return assemblyStack{}, fmt.Errorf("%s: the folder has no stack", file)
	case 1:
		return stacks[0], nil
	}
	var files []string
	for _, s := range stacks {
		files = append(files, s.file)
	}
	return assemblyStack{}, fmt.Errorf("%s: the folder has %d stacks; name the template of one: %s", file, len(stacks), strings.Join(files, ", "))
}

// toolNames are names of files and folders that tools choose. They say nothing about the stack.
var toolNames = []string{"template", "cloudformation-template-update-stack", "packaged", "build", "cdk"}

// stackNameOf makes a name of a stack from that of a file, or of the nearest folder that a person has named.
func stackNameOf(file string) string {
	if abs, err := filepath.Abs(file); err == nil {
		file = abs
	}
	name := ""
	for range maxDepth {
		name, _, _ = strings.Cut(filepath.Base(file), ".")
		up := filepath.Dir(file)
		if name != "" && !slices.Contains(toolNames, name) || up == file {
			break
		}
		file = up
	}
	name = strings.Trim(notStackName.ReplaceAllString(name, "-"), "-")
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		name = "stack-" + name
	}
	return strings.TrimRight(name, "-")
}

var notStackName = regexp.MustCompile(`[^A-Za-z0-9]+`)

type assemblyStack struct{ file, name string }

// assembly lists the stacks of a cloud assembly of CDK, with those of its stages.
func assembly(folder string, depth int) ([]assemblyStack, error) {
	name := filepath.Join(folder, manifestFile)
	text, err := document.ReadFile(name, "file", maxFile>>20)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("%s: the folder has no manifest.json; name the file of the template", folder)
	case err != nil:
		return nil, err
	case depth > 5:
		return nil, fmt.Errorf("%s: stages are nested too deep", name)
	}
	var manifest struct {
		Artifacts map[string]struct {
			Type       string
			Properties struct{ TemplateFile, StackName, DirectoryName string }
		}
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var stacks []assemblyStack
	for _, id := range slices.Sorted(maps.Keys(manifest.Artifacts)) {
		a := manifest.Artifacts[id]
		p := a.Properties
		switch a.Type {
		case "aws:cloudformation:stack":
			if !filepath.IsLocal(p.TemplateFile) {
				return nil, fmt.Errorf("%s: %s: the template must be a file of the folder", name, id)
			}
			stackName := p.StackName
			if stackName == "" {
				stackName = id
			}
			stacks = append(stacks, assemblyStack{filepath.Join(folder, p.TemplateFile), stackName})
		case "cdk:cloud-assembly":
			if !filepath.IsLocal(p.DirectoryName) {
				return nil, fmt.Errorf("%s: %s: the stage must be a folder of the folder", name, id)
			}
			inner, err := assembly(filepath.Join(folder, p.DirectoryName), depth+1)
			if err != nil {
				return nil, err
			}
			stacks = append(stacks, inner...)
		}
	}
	return stacks, nil
}

// assets returns the files of a cloud assembly by their keys in S3. CDK writes them beside the templates.
func (r *reader) assets(folder string) map[string]string {
	if files, ok := r.assetFiles[folder]; ok {
		return files
	}
	files := map[string]string{}
	if r.assetFiles == nil {
		r.assetFiles = map[string]map[string]string{}
	}
	r.assetFiles[folder] = files
	entries, _ := os.ReadDir(folder)
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".assets.json") {
			continue
		}
		var manifest struct {
			Files map[string]struct {
				Source       struct{ Path string }
				Destinations map[string]struct{ ObjectKey string }
			}
		}
		name := filepath.Join(folder, entry.Name())
		r.template.files = append(r.template.files, name)
		text, err := document.ReadFile(name, "file", maxFile>>20)
		if err != nil || json.Unmarshal(text, &manifest) != nil {
			continue // Whatever needs it says that its file is not known.
		}
		for _, file := range manifest.Files {
			for _, destination := range file.Destinations {
				if destination.ObjectKey != "" && file.Source.Path != "" {
					files[destination.ObjectKey] = below(folder, file.Source.Path)
				}
			}
		}
	}
	return files
}

// assetOf returns the file of a key in S3: one of a cloud assembly, or one of the same name beside the template,
// as the Serverless Framework leaves it.
func (r *reader) assetOf(folder, key string) string {
	if file, ok := r.assets(folder)[key]; ok {
		return file
	}
	file := filepath.Join(folder, key[strings.LastIndexByte(key, '/')+1:])
	if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
		return file
	}
	return ""
}

// assetAt returns the file of an address in S3, which ends with the key.
func (r *reader) assetAt(folder, address string) (string, bool) {
	for key, file := range r.assets(folder) {
		if strings.HasSuffix(address, "/"+key) {
			return file, true
		}
	}
	return "", false
}

// below returns the path of a name in a folder; an absolute name stays what it is.
func below(folder, name string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(folder, name)
}

// sameFile reports whether two names are of one file.
func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}
