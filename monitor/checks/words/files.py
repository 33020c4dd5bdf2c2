"""The words for findings about the broker's own files on the monitor's host, and about what is served beside it."""

from __future__ import annotations

from typing import Final

from monitor.checks.words.entry import Entry, critical, do
from monitor.checks.words.hints import SERVER_FILES
from monitor.model.judgement import Severity

KEY_OF_FILE: Final = critical(
    "certificate_file_key_mismatch",
    "The private key on the broker's disk does not belong to the certificate beside it",
    "A certificate and its private key are made for each other: the broker proves with the key that the certificate "
    "is its own. Clients may still get by with what the broker holds in memory. As soon as it reads these files, at "
    "the latest when it is restarted, it does not start, keeps the old certificate, or fails every handshake. In the "
    "first half minute after a file was replaced this is only information: the other may be about to follow.",
    do(
        "Do not reload or restart the broker yet. Mostly the certificate was renewed with a new key, and only one of "
        "the two files was copied: put the key beside it that was made with it. `openssl pkey -in server.key -pubout` "
        "and `openssl x509 -in server.pem -noout -pubkey` must print the same. A broker that takes up files by itself "
        "needs the right pair at once; put the previous pair back if there is no other.",
        SERVER_FILES,
    ),
    "RFC 8446 4.4.3; RFC 5246 7.4.3",
)

FILES: Final = (
    Entry(
        code="certificate_not_reloaded",
        severity=Severity.WARNING,
        title="The certificate was renewed on disk, but the broker still serves another one",
        meaning="The broker's file holds a certificate that is not served: it was replaced, and the broker has not "
        "read it since. When the old certificate expires, clients can no longer connect, though a good one lies "
        "ready. Some brokers take up a new file by themselves within two minutes, so in the first five minutes this "
        "is only information.",
        advice=do(
            "Make the broker read its files again, and add that to what renews the certificate: a deploy hook, such "
            "as `certbot renew --deploy-hook`. If it still serves the old one then, it reads another file: compare "
            "its configuration with `files` in the monitor's.",
            SERVER_FILES,
        ),
        reference="",
    ),
    Entry(
        code="certificate_file_expired",
        severity=Severity.WARNING,
        title="The certificate on the broker's disk has expired, though the one it serves is another",
        meaning="Clients are served another certificate and get by. As soon as the broker reads its file again, at "
        "the latest when it is restarted, it serves the expired one, and clients can no longer connect.",
        advice=do(
            "Put a valid certificate into the file before the broker is reloaded or restarted. If it serves a newer "
            "one, find out where it has it from: from another file than `files` in the monitor's configuration names, "
            "or from a file that was put back since.",
            SERVER_FILES,
        ),
        reference="RFC 5280 4.1.2.5",
    ),
    Entry(
        code="certificate_file_older",
        severity=Severity.WARNING,
        title="The certificate on the broker's disk is older than the one it serves",
        meaning="Clients are served the newer certificate. As soon as the broker reads its file again, at the latest "
        "when it is restarted, it goes back to the older one. Mostly a backup or a configuration tool put an old file "
        "back.",
        advice=do(
            "Put the newer certificate back into the file, with its key, and see what replaced it: a restored backup, "
            "or a tool that copies an old file over and over. If the broker reads another file, name that one as "
            "`files` in the monitor's configuration.",
            SERVER_FILES,
        ),
        reference="",
    ),
    Entry(
        code="certificate_file_chain_differs",
        severity=Severity.WARNING,
        title="The file holds other CA certificates than the broker sends along",
        meaning="The broker's own certificate is the one in the file, but the certificates above it, which lead to the "
        "CA that clients trust, are not those that it sends. Mostly the file was replaced and not yet read. In the "
        "first five minutes after that it is only information.",
        advice=do(
            "Make the broker read its files again. If it still sends the same, it takes the certificates above its own "
            "from elsewhere: give it the whole file as its certificate, not the first certificate of it.",
            SERVER_FILES,
        ),
        reference="RFC 8446 4.4.2",
    ),
    Entry(
        code="certificate_file_missing",
        severity=Severity.WARNING,
        title="The broker's certificate or key file does not exist",
        meaning="A broker that is running keeps what it has in memory for a while: some for minutes, some until they "
        "are restarted. Then it fails every handshake, or does not start. In the first half minute this is only "
        "information: files are replaced.",
        advice=do(
            "Put the file back before the broker is reloaded or restarted; whatever renews the certificate may have "
            "moved it. If the broker reads another file, or runs on another host, correct `files` in the monitor's "
            "configuration.",
            SERVER_FILES,
        ),
        reference="",
    ),
    Entry(
        code="certificate_file_damaged",
        severity=Severity.WARNING,
        title="The broker's certificate or key file does not hold what it should",
        meaning="The file can be read, but is empty, cut off, or holds something else. The broker goes on with what it "
        "has in memory, and fails once it reads the file. In the first half minute this is only information: the file "
        "may be half-written.",
        advice=do(
            "Write the file anew: `cat server.pem intermediate.pem > chain.pem` for the certificate, and the private "
            "key that was made for it. Is the disk full (`df -h`)? Write to a file beside it and rename that, so that "
            "nobody ever reads half of it.",
            SERVER_FILES,
        ),
        reference="RFC 7468 5.1, 10",
    ),
    Entry(
        code="certificate_file_unreadable",
        severity=Severity.WARNING,
        title="The monitor cannot read the broker's certificate or key file",
        meaning="This says nothing of the broker, which may read the file well. But a renewed certificate that is not "
        "served, or a key that does not belong to it, would go unnoticed.",
        advice=do(
            "Let the user under which the monitor runs read the file and enter its directories: `setfacl -m "
            "u:mqtt-tls-monitor:r server.pem`. A certificate file holds nothing secret. Of /home and /root a service "
            "sees nothing while its unit has `ProtectHome=yes`. If the key is not to be read, or is encrypted, leave "
            "`key` out of `files` in the monitor's configuration.",
        ),
        reference="",
    ),
)
