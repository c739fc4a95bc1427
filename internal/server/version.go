package server

import "runtime/debug"

// release is set when a release is built: -ldflags "-X cognate/internal/server.release=v1.2.3".
var release string

// version tells which build this is.
func version() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	revision, dirty := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value[:min(len(s.Value), 12)]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "-modified"
		}
	}
	if revision == "" {
		return "development"
	}
	return revision + dirty
}
