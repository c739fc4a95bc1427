package useragent

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	const webkit = " AppleWebKit/537.36 (KHTML, like Gecko) "
	for header, want := range map[string][2]string{
		"": {"Other, Other", ""},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64)" + webkit + "Chrome/126.0.0.0 Safari/537.36":                                                          {"Chrome 126, Windows 10", "Chrome, Windows"},
		"Mozilla/5.0 (Windows NT 6.1; WOW64)" + webkit + "Chrome/109.0.0.0 Safari/537.36":                                                                {"Chrome 109, Windows 7", "Chrome, Windows"},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64)" + webkit + "Chrome/126.0.0.0 Safari/537.36 Edg/126.0.2592.68":                                        {"Edge 126, Windows 10", "Edge, Windows"},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64)" + webkit + "Chrome/124.0.0.0 Safari/537.36 OPR/110.0.0.0":                                            {"Opera 110, Windows 10", "Opera, Windows"},
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15":                          {"Safari 17, Mac OS X", "Safari, Mac OS X"},
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1":        {"Safari 17, iOS 17", "Safari, iOS"},
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1": {"Chrome 126, iOS 17", "Chrome, iOS"},
		"Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/127.0 Mobile/15E148 Safari/605.1.15":               {"Firefox 127, iOS 16", "Firefox, iOS"},
		"Mozilla/5.0 (X11; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0":                                                                         {"Firefox 126, Linux", "Firefox, Linux"},
		"Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0":                                                                           {"Firefox 127, Android 14", "Firefox, Android"},
		"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36":            {"Samsung Internet 25, Android 10", "Samsung Internet, Android"},
		"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0)" + webkit + "Chrome/126.0.0.0 Safari/537.36":                                                           {"Chrome 126, Chrome OS", "Chrome, Chrome OS"},
		"Mozilla/5.0 (Windows NT 6.3; Trident/7.0; rv:11.0) like Gecko":                                                                                  {"Internet Explorer 11, Windows 8.1", "Internet Explorer, Windows"},
		"Boto3/1.34.131 md/Botocore#1.34.131 ua/2.0 os/linux#6.5 md/arch#x86_64 lang/python#3.12":                                                        {"Other, Other", "Boto3, Other"},
		"aws-sdk-go-v2/1.30.0 ua/2.1 os/linux lang/go#1.22":                                                                                              {"Other, Other", "aws-sdk-go-v2, Other"},
		"okhttp/4.12.0": {"Other, Other", "okhttp, Other"},
		"curl/8.7.1":    {"Other, Other", "curl, Other"},
		"Chrome/99999999999999999999 Windows NT ": {"Chrome 999999, Windows", "Chrome, Windows"},
		"Firefox/ Android":                        {"Firefox, Android", "Firefox, Android"},
	} {
		a := Parse(header)
		if a.String() != want[0] || a.Family() != want[1] {
			t.Errorf("%q: %q and %q, want %q", header, a.String(), a.Family(), want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/126.0.0.0 Safari/537.36")
	f.Add(strings.Repeat("rv:", 400) + "Trident/")
	f.Fuzz(func(t *testing.T, header string) {
		if a := Parse(header); len(a.String()) > 80 || len(a.Family()) > 80 {
			t.Errorf("%q, %q", a.String(), a.Family())
		}
	})
}
