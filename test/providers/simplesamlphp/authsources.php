<?php
$config = [
    'people' => [
        'exampleauth:UserPass',
        'ann:password' => ['uid' => ['ann'], 'mail' => ['ann@example.com'], 'cn' => ['Ann Lee'], 'groups' => ['a b', 'c']],
    ],
];
