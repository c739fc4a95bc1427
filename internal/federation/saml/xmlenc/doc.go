// Package xmlenc decrypts the encrypted assertions of SAML (XML Encryption 1.1).
//
// A stranger can send changed ciphertexts again and again. So the package has one error for
// whatever fails after an algorithm was accepted, and it rejects the two algorithms that
// such strangers break: RSA PKCS#1 v1.5 and Triple DES.
package xmlenc
