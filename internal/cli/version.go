package cli

import "runtime/debug"

// release is the version of CHANGELOG.md that this code is, or becomes. A test compares them.
const release = "0.1.0"

// built is "release" in what `make release` builds.
var built string

// version returns the release and, for other builds, the commit: 0.1.0, or
// 0.1.0+1f3c5a7e9b0d-modified.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if built == "release" || !ok {
		return release
	}
	revision, modified := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = "+" + s.Value[:min(len(s.Value), 12)]
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = "-modified"
		}
	}
	if revision == "" {
		return release
	}
	return release + revision + modified
}
