<?php
/**
 * Tells Threadline at once that a ticket changed. Put this file into includes/hooks/ of WHMCS.
 *
 * Only ids leave WHMCS; Threadline then reads the ticket through the API. A call that fails is forgotten: Threadline
 * looks at its tickets from time to time anyway.
 */

if (!defined('WHMCS')) {
    die('This file cannot be accessed directly');
}

const THREADLINE_ADDRESS = 'https://threadline.example.com/hooks/billing';
const THREADLINE_SECRET = 'the same as webhook_secret';

function threadline_tell(array $tickets)
{
    $body = json_encode(['tickets' => array_values(array_unique(array_map('intval', $tickets)))]);
    $call = curl_init(THREADLINE_ADDRESS);
    curl_setopt_array($call, [
        CURLOPT_POST => true,
        CURLOPT_POSTFIELDS => $body,
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_CONNECTTIMEOUT => 1,
        CURLOPT_TIMEOUT => 2,
        CURLOPT_HTTPHEADER => [
            'Content-Type: application/json',
            'X-Threadline-Signature: sha256=' . hash_hmac('sha256', $body, THREADLINE_SECRET),
        ],
    ]);
    curl_exec($call);
    curl_close($call);
}

$changes = [
    'TicketOpen', 'TicketOpenAdmin', 'TicketUserReply', 'TicketAdminReply', 'TicketAddNote', 'TicketStatusChange',
    'TicketClose', 'TicketDepartmentChange', 'TicketPriorityChange', 'TicketSubjectChange', 'TicketFlagged',
];
foreach ($changes as $change) {
    add_hook($change, 1, function ($vars) {
        threadline_tell([$vars['ticketid']]);
    });
}

// These two spell the id in another way.
foreach (['TicketDelete', 'TicketDeleteReply'] as $change) {
    add_hook($change, 1, function ($vars) {
        threadline_tell([$vars['ticketId']]);
    });
}

add_hook('TicketMerge', 1, function ($vars) {
    threadline_tell(array_merge([$vars['masterTicketId']], (array) $vars['mergedTicketIds']));
});

add_hook('TicketSplit', 1, function ($vars) {
    threadline_tell([$vars['originalTicketId'], $vars['newTicketID']]);
});
