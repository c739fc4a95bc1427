// Package contextdata reads the EncodedData with which clients describe their device: a JSON
// document in base64, signed with the id of the app client.
//
// The key of the signature is public. So the data prove nothing about the device. They are only
// signals: [Parse] never returns an error, and its [Status] says what the data are worth.
package contextdata
