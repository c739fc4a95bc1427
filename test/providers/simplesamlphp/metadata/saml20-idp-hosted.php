<?php
// Two identity providers on two names of this machine. The second one encrypts its assertions.
const PERSISTENT = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent';
$common = [
    'sign.logout' => true, 'validate.logout' => true, // The default signs no logout messages.
    'privatekey' => 'idp.key', 'certificate' => 'idp.crt', 'auth' => 'people', 'NameIDFormat' => PERSISTENT,
    'authproc' => [1 => ['class' => 'saml:AttributeNameID', 'attribute' => 'uid', 'Format' => PERSISTENT]],
];
$metadata['urn:example:plain'] = $common + ['host' => '127.0.0.1'];
$metadata['urn:example:encrypting'] = $common + [
    'host' => 'localhost', 'assertion.encryption' => true, 'sharedkey_algorithm' => 'http://www.w3.org/2009/xmlenc11#aes256-gcm',
];
