package pool

import "cognate/internal/api/idp"

// This file rejects every setting that this version does not implement. Storing such a
// setting would be worse than rejecting it: an administrator would rely on it. To allow a
// setting, delete its line.

// checkImplemented rejects a pool's settings that this version does not implement.
func checkImplemented(d *settings) error {
	if k := d.Config.KeyConfiguration; k != nil && k.KeyType == idp.EncryptionKeyTypeCustomerManagedKey {
		return unimplemented("Customer managed keys (KeyConfiguration) are")
	}
	return nil
}

// checkDomainImplemented rejects a domain's settings that this version does not implement.
func checkDomainImplemented(r *idp.RoutingType) error {
	if r != nil {
		return unimplemented("Failover of domains (Routing) is")
	}
	return nil
}

func unimplemented(what string) error { return invalid(what + " not available in this version.") }
