package score

import (
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
)

// Keys are the names, in a history, of the things that an attempt comes from. Zero means that the
// thing is not known.
type Keys struct {
	Device      uint64 `json:"device,omitempty,string"`
	Fingerprint uint64 `json:"fingerprint,omitempty,string"`
	Agent       uint64 `json:"agent,omitempty,string"`
	Address     uint64 `json:"address,omitempty,string"`
	Network     uint64 `json:"network,omitempty,string"`
	Client      uint64 `json:"client,omitempty,string"`
	ASN         uint64 `json:"asn,omitempty"`
	Country     uint64 `json:"country,omitempty"`
}

// Origin is what [NewKeys] hashes. Empty members are not known.
type Origin struct {
	// DeviceID and Fingerprint are those of the client's context data.
	DeviceID, Fingerprint string
	// Agent is the family of browser and system, without versions.
	Agent string
	// Address is the client's address.
	Address netip.Addr
	// Client is the id of the app client.
	Client string
	// ASN is the number of the autonomous system, and Country the ISO code of the country.
	ASN     uint32
	Country string
}

// NewKeys returns the keys of an origin. Salt is a secret of the pool: without it, a stolen
// history does not reveal addresses, of which there are few enough to try them all.
func NewKeys(salt []byte, o Origin) Keys {
	k := Keys{
		Device:      hash(salt, 'd', o.DeviceID),
		Fingerprint: hash(salt, 'f', o.Fingerprint),
		Agent:       hash(salt, 'u', o.Agent),
		Client:      hash(salt, 'c', o.Client),
		ASN:         uint64(o.ASN),
	}
	if len(o.Country) == 2 {
		k.Country = uint64(o.Country[0])<<8 | uint64(o.Country[1])
	}
	if address := o.Address.Unmap(); address.IsValid() {
		bits := 24
		if address.Is6() {
			bits = 48
		}
		network := netip.PrefixFrom(address, bits).Masked().Addr().As16()
		whole := address.As16()
		k.Address = hash(salt, 'a', string(whole[:]))
		k.Network = hash(salt, 'n', string(network[:]))
	}
	return k
}

// hash returns 64 bits of SHA-256 over salt, kind and text, and 0 for no text. A cut digest that
// nobody sees needs no HMAC.
func hash(salt []byte, kind byte, text string) uint64 {
	if text == "" {
		return 0
	}
	var buffer [512]byte // Longer texts are moved to the heap.
	message := append(buffer[:0], byte(len(salt)))
	message = append(message, salt...)
	message = append(message, kind)
	message = append(message, text...)
	sum := sha256.Sum256(message)
	return max(binary.BigEndian.Uint64(sum[:8]), 1)
}

// deviceKeys returns the keys that identify the device, which may be zero.
func (k *Keys) deviceKeys() [2]uint64 { return [2]uint64{k.Device, k.Fingerprint} }

// proof returns the key of a device in a network, and 0 if one of them is not known.
func (k *Keys) proof() uint64 {
	device := k.Device
	if device == 0 {
		device = k.Fingerprint
	}
	if device == 0 || k.Network == 0 {
		return 0
	}
	// Both are hashes. The multiplication keeps the pair from being symmetric.
	return max(device*0x9E3779B97F4A7C15^k.Network, 1)
}
