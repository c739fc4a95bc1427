package trigger

import (
	"net/netip"
	"testing"
)

func TestReachable(t *testing.T) {
	t.Parallel()
	inside := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}
	for _, tt := range []struct {
		address string
		want    bool
	}{
		{"93.184.215.14", true}, {"2606:2800:21f:cb07:6820:80da:af6b:8b2c", true}, {"10.1.2.3", true}, {"::ffff:10.1.2.3", true},
		{"10.2.0.1", false}, {"172.16.0.1", false}, {"192.168.1.1", false}, {"127.0.0.1", false}, {"0.0.0.0", false}, {"169.254.169.254", false},
		{"100.64.0.1", false}, {"198.18.0.1", false}, {"255.255.255.255", false}, {"224.0.0.1", false}, {"168.63.129.16", false},
		{"::", false}, {"::1", false}, {"::ffff:127.0.0.1", false}, {"::7f00:1", false}, {"fe80::1%eth0", false}, {"fd00:ec2::254", false},
		{"fec0::1", false}, {"64:ff9b::7f00:1", false}, {"2002:7f00:1::1", false}, {"2001:0:1::1", false}, {"ff02::1", false},
	} {
		t.Run(tt.address, func(t *testing.T) {
			t.Parallel()
			if got := reachable(netip.MustParseAddr(tt.address), inside); got != tt.want {
				t.Errorf("reachable: %v, want %v", got, tt.want)
			}
		})
	}
}
