// Package useragent reads the browser and the system from a User-Agent header.
//
// It knows the common browsers only. That is enough for a name that a person recognizes, as in
// "Chrome 126, Windows 10", and for a signal. Libraries for the purpose bring thousands of
// regular expressions, which would have to run on a stranger's text.
package useragent

import "strings"

const (
	other     = "Other"
	maxHeader = 1024
)

// Agent is a browser on a system. Unknown parts are "Other".
type Agent struct {
	Browser, Version string // Version is the major number, or ""
	System, Release  string // Release is the system's major version, or ""
	product          string // the first product of the header, for clients that are no browsers
}

// String returns the name that people see: "Chrome 126, Windows 10".
func (a Agent) String() string {
	return join(a.Browser, a.Version) + ", " + join(a.System, a.Release)
}

// Family returns browser and system without versions, which change at each update. A client
// that is no browser is known by the name of its library. The family of no header is "".
func (a Agent) Family() string {
	name := a.Browser
	if name == other {
		if name = a.product; name == "" {
			return ""
		}
	}
	return name + ", " + a.System
}

func join(name, version string) string {
	if version == "" {
		return name
	}
	return name + " " + version
}

// browsers are found by the token before their version. The order matters: most browsers also
// claim to be Chrome and Safari.
var browsers = []struct{ token, name string }{
	{"Edg/", "Edge"}, {"EdgA/", "Edge"}, {"EdgiOS/", "Edge"}, {"Edge/", "Edge"},
	{"OPR/", "Opera"}, {"OPT/", "Opera"}, {"Opera/", "Opera"},
	{"SamsungBrowser/", "Samsung Internet"},
	{"YaBrowser/", "Yandex Browser"}, {"Vivaldi/", "Vivaldi"}, {"DuckDuckGo/", "DuckDuckGo"},
	{"FxiOS/", "Firefox"}, {"Firefox/", "Firefox"},
	{"CriOS/", "Chrome"}, {"HeadlessChrome/", "Headless Chrome"}, {"Chrome/", "Chrome"}, {"Chromium/", "Chromium"},
	{"MSIE ", "Internet Explorer"},
}

// windows maps versions of the kernel to names. Windows 11 also says 10.0.
var windows = map[string]string{"10.0": "10", "6.3": "8.1", "6.2": "8", "6.1": "7", "6.0": "Vista", "5.2": "XP", "5.1": "XP"}

// Parse reads a User-Agent header.
func Parse(header string) Agent {
	if len(header) > maxHeader {
		header = header[:maxHeader]
	}
	a := Agent{Browser: other, System: other, product: firstProduct(header)}
	for _, b := range browsers {
		if version, ok := after(header, b.token); ok {
			a.Browser, a.Version = b.name, major(version)
			break
		}
	}
	if a.Browser == other {
		switch version, ok := after(header, "Version/"); {
		case ok && strings.Contains(header, "Safari/"):
			a.Browser, a.Version = "Safari", major(version)
		case strings.Contains(header, "Trident/"):
			version, _ := after(header, "rv:")
			a.Browser, a.Version = "Internet Explorer", major(version)
		}
	}
	a.System, a.Release = system(header)
	return a
}

func system(header string) (name, release string) {
	if version, ok := after(header, "Windows NT "); ok {
		end := 0
		for end < len(version) && (digit(version[end]) || version[end] == '.') {
			end++
		}
		return "Windows", windows[version[:end]]
	}
	// An iPad that asks for desktop pages says that it is a Macintosh. Nothing can be done.
	for _, device := range []string{"iPhone", "iPad", "iPod"} {
		if strings.Contains(header, device) {
			version, _ := after(header, " OS ")
			return "iOS", major(version)
		}
	}
	if version, ok := after(header, "Android"); ok {
		return "Android", major(strings.TrimPrefix(version, " "))
	}
	switch {
	case strings.Contains(header, "CrOS "):
		return "Chrome OS", ""
	case strings.Contains(header, "Mac OS X"), strings.Contains(header, "Macintosh"):
		return "Mac OS X", "" // Browsers say 10.15 for every later version.
	case strings.Contains(header, "Linux"), strings.Contains(header, "X11;"):
		return "Linux", ""
	}
	return other, ""
}

// after returns the text behind a token.
func after(header, token string) (string, bool) {
	_, rest, found := strings.Cut(header, token)
	return rest, found
}

// major returns the number that a version begins with, at most six digits.
func major(version string) string {
	end := 0
	for end < len(version) && end < 6 && digit(version[end]) {
		end++
	}
	return version[:end]
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

// firstProduct returns the name before the first slash: "Boto3" of "Boto3/1.34.1 md/Botocore".
func firstProduct(header string) string {
	end := 0
	for end < len(header) && end < 40 && header[end] > ' ' && header[end] < 0x7f && header[end] != '/' {
		end++
	}
	return header[:end]
}
