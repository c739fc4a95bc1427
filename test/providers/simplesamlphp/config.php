<?php
// SimpleSAMLphp as the tests run it, in a folder of its own. Its service providers are the XML files of the folder sp.
$config = [
    'baseurlpath' => '',
    'certdir' => __DIR__ . '/', 'loggingdir' => __DIR__ . '/', 'datadir' => __DIR__ . '/', 'tempdir' => __DIR__ . '/temporary',
    'secretsalt' => 'a salt of the tests', 'auth.adminpassword' => 'a password of the tests',
    'technicalcontact_email' => 'nobody@example.com', 'timezone' => 'UTC',
    'logging.handler' => 'stderr', 'logging.level' => SimpleSAML\Logger::WARNING,
    'enable.saml20-idp' => true,
    'module.enable' => ['core' => true, 'exampleauth' => true, 'saml' => true],
    'store.type' => 'phpsession', 'session.phpsession.savepath' => __DIR__ . '/sessions', 'session.phpsession.cookiename' => 'SimpleSAML',
    'metadata.sources' => array_merge(
        [['type' => 'flatfile', 'directory' => __DIR__ . '/metadata']],
        array_map(fn ($file) => ['type' => 'xml', 'file' => $file], glob(__DIR__ . '/sp/*.xml')),
    ),
];
