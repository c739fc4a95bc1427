package fetch

import (
	"net/netip"
	"testing"
)

// TestAddresses holds the table of addresses that are refused unless the operator permits them.
func TestAddresses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		address string
		public  bool
	}{
		{"public", "93.184.216.34", true},
		{"public resolver", "8.8.8.8", true},
		{"public IPv6", "2606:2800:220:1:248:1893:25c8:1946", true},
		{"public in IPv4-mapped form", "::ffff:8.8.8.8", true},
		{"public in NAT64 form", "64:ff9b::8.8.8.8", true},
		{"beside private 172", "172.32.0.1", true},
		{"beside carrier-grade NAT", "100.128.0.1", true},

		{"loopback", "127.0.0.1", false},
		{"loopback's end", "127.255.255.254", false},
		{"IPv6 loopback", "::1", false},
		{"unspecified", "0.0.0.0", false},
		{"this network", "0.1.2.3", false},
		{"IPv6 unspecified", "::", false},
		{"private 10", "10.0.0.5", false},
		{"private 172", "172.16.0.1", false},
		{"private 172's end", "172.31.255.255", false},
		{"private 192.168", "192.168.1.1", false},
		{"carrier-grade NAT", "100.64.0.1", false},
		{"metadata of Alibaba Cloud", "100.100.100.200", false},
		{"link-local", "169.254.1.1", false},
		{"metadata", "169.254.169.254", false},
		{"metadata of Amazon ECS", "169.254.170.2", false},
		{"metadata by IPv6", "fd00:ec2::254", false},
		{"metadata of Azure's host", "168.63.129.16", false},
		{"metadata of Oracle Cloud", "192.0.0.192", false},
		{"unique-local", "fd12:3456::1", false},
		{"unique-local fc", "fc00::1", false},
		{"IPv6 link-local", "fe80::1", false},
		{"IPv6 link-local with a zone", "fe80::1%eth0", false},
		{"site-local", "fec0::1", false},
		{"public IPv6 with a zone", "2606:2800:220:1::1%eth0", false},
		{"multicast", "224.0.0.1", false},
		{"IPv6 multicast", "ff02::1", false},
		{"broadcast", "255.255.255.255", false},
		{"reserved", "240.0.0.1", false},
		{"documentation", "192.0.2.1", false},
		{"documentation 198", "198.51.100.1", false},
		{"documentation 203", "203.0.113.1", false},
		{"IPv6 documentation", "2001:db8::1", false},
		{"new IPv6 documentation", "3fff::1", false},
		{"benchmarks", "198.18.0.1", false},
		{"loopback in IPv4-mapped form", "::ffff:127.0.0.1", false},
		{"metadata in IPv4-mapped form", "::ffff:169.254.169.254", false},
		{"private in IPv4-mapped form", "::ffff:10.0.0.1", false},
		{"loopback in IPv4-compatible form", "::127.0.0.1", false},
		{"metadata in NAT64 form", "64:ff9b::169.254.169.254", false},
		{"private in NAT64 form", "64:ff9b::10.0.0.1", false},
		{"local NAT64", "64:ff9b:1::a00:1", false},
		{"loopback in 6to4 form", "2002:7f00:1::1", false},
		{"private in 6to4 form", "2002:a00:1::1", false},
		{"Teredo", "2001:0:7f00:1::1", false},
		{"discard", "100::1", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := isPublic(netip.MustParseAddr(test.address)); got != test.public {
				t.Errorf("isPublic(%s) = %v", test.address, got)
			}
		})
	}
	if isPublic(netip.Addr{}) {
		t.Error("no address is public")
	}
}
