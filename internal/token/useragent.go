package token

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// browsers are looked for in this order: the User-Agent of each also names browsers
// that come after it.
var browsers = []struct{ name, token string }{
	{"Edge", "Edg"}, {"Edge", "EdgA"}, {"Edge", "EdgiOS"}, {"Opera", "OPR"}, {"Samsung Internet", "SamsungBrowser"},
	{"Firefox", "FxiOS"}, {"Firefox", "Firefox"}, {"Chrome", "CriOS"}, {"Chrome", "HeadlessChrome"}, {"Chrome", "Chrome"},
}

var (
	iosVersion     = regexp.MustCompile(`(?:iPhone OS|CPU OS) ([0-9_]{1,12})`)
	macVersion     = regexp.MustCompile(`Mac OS X ([0-9_.]{1,12})`)
	windowsVersion = regexp.MustCompile(`Windows NT ([0-9.]{1,8})`)
	androidVersion = regexp.MustCompile(`Android ([0-9.]{1,12})`)
	safariVersion  = regexp.MustCompile(`Version/([0-9.]{1,12})`)
	product        = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_.+-]{0,63})(?:/([0-9A-Za-z][0-9A-Za-z_.+-]{0,31}))?`)
)

// maxAgent is the most bytes of a User-Agent that are read. Clients write it freely.
const maxAgent = 1024

// deviceType returns the browser with its major version, and the system, of a
// User-Agent: "Chrome 125 / macOS 15.0". For other programs it returns the first
// name that they give, and "" if nothing is known. People see the result, so it
// holds only recognized parts, never free text of the client.
func deviceType(agent string) string {
	if len(agent) > maxAgent {
		agent = agent[:maxAgent]
	}
	if !utf8.ValidString(agent) {
		agent = strings.ToValidUTF8(agent, "")
	}
	system := systemOf(agent)
	browser := browserOf(agent)
	switch {
	case browser != "" && system != "":
		return browser + " / " + system
	case browser != "":
		return browser
	case strings.HasPrefix(agent, "Mozilla/"):
		return system
	}
	m := product.FindStringSubmatch(agent)
	if m == nil {
		return ""
	}
	name := m[1]
	if m[2] != "" {
		name += " " + m[2]
	}
	if system != "" {
		name += " / " + system
	}
	return name
}

func browserOf(agent string) string {
	if !strings.HasPrefix(agent, "Mozilla/") {
		return ""
	}
	for _, b := range browsers {
		if v, ok := versionOf(agent, b.token); ok {
			return strings.TrimSpace(b.name + " " + v)
		}
	}
	if strings.Contains(agent, "Safari/") {
		if m := safariVersion.FindStringSubmatch(agent); m != nil {
			return "Safari " + m[1]
		}
	}
	return ""
}

// versionOf returns the major version after "token/".
func versionOf(agent, token string) (string, bool) {
	_, rest, ok := strings.Cut(agent, " "+token+"/")
	if !ok {
		return "", false
	}
	n := 0
	for n < len(rest) && n < 6 && rest[n] >= '0' && rest[n] <= '9' {
		n++
	}
	return rest[:n], true
}

func systemOf(agent string) string {
	version := func(name string, r *regexp.Regexp) string {
		if m := r.FindStringSubmatch(agent); m != nil {
			return name + " " + strings.ReplaceAll(m[1], "_", ".")
		}
		return name
	}
	lower := strings.ToLower(agent)
	switch {
	case strings.Contains(agent, "iPhone"):
		return version("iOS", iosVersion)
	case strings.Contains(agent, "iPad"):
		return version("iPadOS", iosVersion)
	case strings.Contains(agent, "Android"):
		return version("Android", androidVersion)
	case strings.Contains(agent, "Windows NT"):
		switch v := windowsVersion.FindStringSubmatch(agent); {
		case v != nil && v[1] == "10.0": // 10 and 11 both say so
			return "Windows 10"
		case v != nil && v[1] == "6.3":
			return "Windows 8.1"
		case v != nil && v[1] == "6.1":
			return "Windows 7"
		}
		return "Windows"
	case strings.Contains(agent, "CrOS"):
		return "ChromeOS"
	case strings.Contains(agent, "Macintosh"):
		return version("macOS", macVersion)
	// As AWS's SDKs write it: os/linux.
	case strings.Contains(lower, "os/macos"), strings.Contains(lower, "darwin"):
		return "macOS"
	case strings.Contains(lower, "os/windows"):
		return "Windows"
	case strings.Contains(lower, "linux"):
		return "Linux"
	}
	return ""
}
