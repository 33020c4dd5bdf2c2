"""The words for failures on the way to MQTT: name, TCP, TLS; and for the monitor's own."""

from __future__ import annotations

from typing import Final

from monitor.checks.entry import BROKER_LOGS, SERVER_FILES, Entry, critical
from monitor.checks.words_certificates import CLIENT_CERTIFICATE_REJECTED, CLIENT_CERTIFICATE_REQUIRED
from monitor.model.reasons import INTERNAL

_ASK_DNS: Final = "`getent hosts NAME` on this machine asks exactly as the monitor does."
_LISTENING: Final = (
    "Is the broker running, and does it listen on that port and address? `ss -ltn` on its machine shows it; a "
    "listener bound to 127.0.0.1 is only for that machine. EMQX: `emqx ctl listeners`. Mosquitto: `listener 8883`. "
    "RabbitMQ: `rabbitmq-diagnostics listeners`, and the plugin rabbitmq_mqtt with `mqtt.listeners.ssl.default = "
    "8883`. NanoMQ: `listeners.ssl.bind`. NATS: `mqtt { port }`."
)
_VERSIONS: Final = (
    "EMQX: `listeners.ssl.default.ssl_options.versions`. Mosquitto: `tls_version`. RabbitMQ: "
    "`ssl_options.versions`. NanoMQ speaks 1.2 only. NATS speaks 1.2 and 1.3."
)

CONNECTION: Final = (
    critical(
        "resolve_nxdomain",
        "The broker's name does not exist",
        "The resolver knows no such name. Every client that uses the name from here fails before it sends a packet.",
        f"Check the spelling of `host`, and whether the DNS record is still there. {_ASK_DNS} A name that only the "
        "inner network knows needs that network's resolver.",
        "RFC 1035 4.1.1",
    ),
    critical(
        "resolve_no_address",
        "The broker's name has no address",
        "The name exists, but neither an A nor an AAAA record belongs to it.",
        f"Add the address record, or name a host that has one. {_ASK_DNS}",
        "RFC 1035 3.4.1",
    ),
    critical(
        "resolve_temporary_failure",
        "The resolver could not be asked",
        "The name may be all right: nobody answered whether it is. Other names will fail from this machine too.",
        "Check this machine's resolver: /etc/resolv.conf, `resolvectl status`, its way to the name servers. "
        f"{_ASK_DNS}",
    ),
    critical(
        "resolve_failed",
        "The broker's name could not be resolved",
        "The system's resolver gave an unusual error; the detail names it.",
        f"Check the spelling of `host`, then the resolver's configuration (/etc/nsswitch.conf). {_ASK_DNS}",
    ),
    critical(
        "resolve_timeout",
        "The resolver did not answer in time",
        "The probe's time was over before a name server had answered.",
        f"Check this machine's way to its name servers. {_ASK_DNS}",
    ),
    critical(
        "connect_refused",
        "The connection was refused",
        "The machine answered that nothing listens on that port. The network is all right.",
        f"{_LISTENING} A firewall that rejects looks the same.",
        "RFC 9293 3.10.7.1",
    ),
    critical(
        "connect_timeout",
        "The connection was not answered",
        "Packets to the broker's port vanish: the machine is off, the address is wrong, or a firewall drops them.",
        "Can this machine reach it at all (`ping`, `traceroute`)? Then look at firewalls and security groups for "
        f"the port. {_LISTENING}",
    ),
    critical(
        "connect_host_unreachable",
        "The broker's machine cannot be reached",
        "A router, or this machine's own network, says that nobody is at that address.",
        "Is the machine on, and the address right? Look at the route (`ip route get ADDRESS`) and at the switch or "
        "virtual network that it is connected to.",
    ),
    critical(
        "connect_network_unreachable",
        "The broker's network cannot be reached",
        "This machine has no route to that address. With IPv6 addresses it mostly means that it has no IPv6 at all.",
        "Look at `ip route get ADDRESS`. If the name also has an IPv6 address that is of no use here, name the IPv4 "
        "address as `host`, with the name as `server_name`.",
    ),
    critical(
        "connect_reset",
        "The connection was reset while it was being made",
        "Something took the connection and threw it away at once: an overloaded broker, a load balancer with nobody "
        "behind it, or a firewall.",
        f"Look at the load balancer's view of its members, and at the broker's log. {BROKER_LOGS}",
        "RFC 9293 3.5.2",
    ),
    critical(
        "connect_failed",
        "The connection could not be made",
        "The system gave an unusual error; the detail names it.",
        "Read the detail. Errors about addresses point to `host`, those about files or buffers to this machine.",
    ),
    critical(
        "handshake_timeout",
        "The TLS handshake was not finished in time",
        "TCP is connected, but the broker did not answer our greeting, or stopped halfway. It may be overloaded, "
        "stuck, or a plain TCP service that waits for something else.",
        f"Look at the broker's load and log. {BROKER_LOGS} Is it the TLS port (mostly 8883) and not the plain one? A "
        "path that loses large packets (MTU) also stops here: the certificates are the first large ones.",
    ),
    critical(
        "handshake_closed",
        "The broker closed the connection during the TLS handshake",
        "It hung up without saying why. Brokers do so on ports without TLS, without a usable certificate or key, "
        "and some where a client certificate is demanded.",
        f"Look at the broker's log. {BROKER_LOGS} Check that its certificate and key files exist and are readable "
        f"for it. {SERVER_FILES}",
    ),
    critical(
        "handshake_reset",
        "The connection was reset during the TLS handshake",
        "It was torn down without a word: by a broker that takes TLS for a broken packet (a plain MQTT port), that "
        "lost its certificate file, or by something in between.",
        f"Look at the broker's log. {BROKER_LOGS} Is it the TLS port? Do the certificate and key files exist? "
        f"{SERVER_FILES}",
        "RFC 9293 3.5.2",
    ),
    critical(
        "handshake_not_tls",
        "The port does not speak TLS",
        "The first bytes that came are no TLS. It is most likely the plain MQTT port, or another service.",
        "Use the TLS port (mostly 8883, not 1883), or switch TLS on for this listener. EMQX: "
        "`listeners.ssl.default`. Mosquitto: `certfile` and `keyfile` below `listener 8883`. RabbitMQ: "
        "`mqtt.listeners.ssl.default`. NanoMQ: `listeners.ssl`. NATS: `mqtt { tls { ... } }`. Behind a load "
        "balancer, see whether that ends TLS.",
        "RFC 8446 5.1",
    ),
    critical(
        "handshake_protocol_version_unsupported",
        "The broker chose a TLS version that is not allowed here",
        "It only speaks versions older than `minimum_version`; TLS 1.0 and 1.1 are deprecated and most clients "
        "refuse them.",
        f"Allow TLS 1.2 or 1.3 on the broker. {_VERSIONS} If it cannot, and you accept that, lower `minimum_version` "
        "under `tls`.",
        "RFC 8996; RFC 8446 4.1.3",
    ),
    critical(
        "handshake_bad_signature",
        "The broker's key does not belong to its certificate",
        "The broker could not prove that it has the certificate's private key. Most likely the certificate was "
        "renewed and the key was not, or the other way round. EMQX begins to serve such a pair about 90 seconds "
        "after a file was replaced.",
        "Install certificate and key that belong together: `openssl x509 -in server.pem -noout -pubkey` and "
        f"`openssl pkey -in server.key -pubout` must print the same. {SERVER_FILES}",
        "RFC 8446 4.4.3; RFC 5246 7.4.3",
    ),
    critical(
        "handshake_certificate_unreadable",
        "The broker's certificate cannot be decoded",
        "What was sent in place of a certificate is none, or a damaged one. Every client fails here.",
        "Look at the file: `openssl x509 -in server.pem -noout -text`. Install it again from its source. "
        f"{SERVER_FILES}",
        "RFC 5280 4.1",
    ),
    critical(
        "handshake_client_certificate_required",
        "The broker demands a client certificate",
        "It lets nobody in who does not show a certificate, and the monitor has none for it. Clients with a "
        "certificate are not concerned.",
        CLIENT_CERTIFICATE_REQUIRED,
        "RFC 5246 7.4.6; RFC 8446 4.4.2.4",
    ),
    critical(
        "handshake_client_certificate_rejected",
        "The broker refused the monitor's client certificate",
        "A certificate was shown, and the broker did not accept it: an unknown CA, expired, revoked, or not for "
        "clients.",
        CLIENT_CERTIFICATE_REJECTED,
        "RFC 5246 7.4.6; RFC 8446 4.4.2.4",
    ),
    critical(
        "handshake_too_much_data",
        "The broker sent more than a handshake can need",
        "The limit on the bytes of a handshake was reached. No sound server sends that much.",
        "Find out what listens there. If it is a broker, its certificate file is probably a whole bundle of CAs: "
        f"leave the server's certificate and the intermediates in it. {SERVER_FILES}",
    ),
    critical(
        "handshake_protocol_error",
        "The broker broke the rules of TLS",
        "What it sent is TLS, but not as the standard wants it, or nothing that this side can agree to; the detail "
        "says what. A middlebox that rewrites TLS is another cause.",
        "Compare with `openssl s_client -connect HOST:PORT -showcerts`. Update the broker's TLS library. "
        f"{BROKER_LOGS}",
        "RFC 8446 6.2",
    ),
    critical(
        INTERNAL,
        "The monitor itself failed",
        "A defect of the monitor's own stopped the probe. It says nothing of the broker.",
        "Find the traceback in the monitor's log (`journalctl -u mqtt-tls-monitor`), and report it with the version.",
    ),
)


# What each alert means when it comes from the broker, and what to do. RFC 8446 6.2, RFC 5246 7.2.2.
_LOOK: Final = f"Look at the broker's log for the same moment. {BROKER_LOGS}"
_UPDATE: Final = f"Update the broker's TLS library, and look for a middlebox that rewrites TLS. {BROKER_LOGS}"
_ALERTS: Final = {
    "unexpected_message": (
        (
            "it got a message that it did not expect at this point; EMQX and RabbitMQ say so of whatever is not "
            "TLS, so something on the way may be adding bytes"
        ),
        f"Is it the TLS port, and does no proxy in between add bytes (PROXY protocol)? {_LOOK}",
    ),
    "bad_record_mac": ("a record reached it damaged", _UPDATE),
    "decryption_failed": ("it could not decrypt a record; only old stacks say so", _UPDATE),
    "record_overflow": ("a record was longer than it takes", _UPDATE),
    "decompression_failure": ("it could not decompress a record; only old stacks say so", _UPDATE),
    "handshake_failure": (
        (
            "it found no set of parameters that both sides accept (cipher suite, curve, signature), has no usable "
            "certificate, or, under TLS 1.2, got no client certificate where it demands one"
        ),
        (
            f"If it demands client certificates, begin with those. {CLIENT_CERTIFICATE_REQUIRED} If not, allow "
            "current cipher suites. EMQX: `listeners.ssl.default.ssl_options.ciphers`. Mosquitto: `ciphers`, "
            "`ciphers_tls1.3`. RabbitMQ: `ssl_options.ciphers`. NATS: `cipher_suites`, `curve_preferences`. Check "
            "that its certificate and key can be read by it."
        ),
    ),
    "bad_certificate": (
        "the client certificate is damaged, or missing where it is demanded",
        (
            f"If none is configured here, that is why. {CLIENT_CERTIFICATE_REQUIRED} If one is, it may be wrong. "
            f"{CLIENT_CERTIFICATE_REJECTED}"
        ),
    ),
    "unsupported_certificate": ("the client certificate is of a kind that it does not take", ""),
    "certificate_revoked": (
        "the client certificate was revoked by its CA",
        (
            "Have a new client certificate issued, and name it as `client_certificate` under `tls`. If it was not "
            "revoked, the broker's CRL is wrong."
        ),
    ),
    "certificate_expired": (
        "the client certificate has expired, or is not valid yet by the broker's clock",
        (
            "Renew the certificate that `client_certificate` under `tls` names, and reload the monitor. If its "
            "dates are right, check the broker's clock (`timedatectl`)."
        ),
    ),
    "certificate_unknown": ("it did not accept the client certificate, for a reason that it does not give", ""),
    "illegal_parameter": ("a field of the handshake had a value that it takes for wrong", _UPDATE),
    "unknown_ca": ("it does not know the CA that issued the client certificate", ""),
    "access_denied": (
        "the client certificate is valid, but its owner may not come in",
        f"Allow that certificate's subject in the broker, or use another one. {_LOOK}",
    ),
    "decode_error": ("it could not decode a message of the handshake", _UPDATE),
    "decrypt_error": (
        (
            "a signature or a key exchange could not be checked; with client certificates mostly key and "
            "certificate that do not belong together"
        ),
        f"{_LOOK} Check `client_certificate` and `client_key` under `tls`.",
    ),
    "export_restriction": ("it obeys export rules that no longer exist", _UPDATE),
    "protocol_version": (
        "it does not speak any of the TLS versions that were offered",
        (
            f"Allow TLS 1.2 or 1.3 on the broker. {_VERSIONS} If it cannot, and you accept that, lower "
            "`minimum_version` under `tls`."
        ),
    ),
    "insufficient_security": (
        "it wants stronger parameters than were offered",
        f"Look at the cipher suites and key sizes that it demands. {_LOOK}",
    ),
    "internal_error": (
        "something went wrong on its own side; often a certificate or key file that it cannot read",
        f"{_LOOK} Check that the files exist, are readable for it, and belong together. {SERVER_FILES}",
    ),
    "inappropriate_fallback": ("it took this connection for a forced retreat to an older TLS version", _UPDATE),
    "user_canceled": ("it called the handshake off", _LOOK),
    "no_renegotiation": ("it does not want to negotiate anew", _UPDATE),
    "missing_extension": ("an extension that it needs was not sent", _UPDATE),
    "unsupported_extension": ("it got an extension that it had not offered", _UPDATE),
    "certificate_unobtainable": ("it could not fetch a certificate from the address that it was given", _LOOK),
    "unrecognized_name": (
        "it knows no server of the name that was asked for (SNI)",
        (
            "Set `server_name` under `tls` to a name that the broker serves, or add the name there. Load balancers "
            f"and proxies choose by that name, too. {SERVER_FILES}"
        ),
    ),
    "bad_certificate_status_response": ("an OCSP response was not usable", _LOOK),
    "bad_certificate_hash_value": ("a certificate's hash does not match", _LOOK),
    "unknown_psk_identity": (
        "it expects a pre-shared key, and does not know ours",
        (
            "This listener is for pre-shared keys: Mosquitto `psk_file`, EMQX `psk_authentication`. Use one with "
            "certificates."
        ),
    ),
    "certificate_required": (
        "it demands a client certificate, and none was shown",
        CLIENT_CERTIFICATE_REQUIRED,
    ),
    "unknown": ("something that this monitor has no name for; the detail has its number", _LOOK),
    "no_application_protocol": (
        "it speaks none of the application protocols that were offered (ALPN)",
        (
            "Set `alpn` under `tls` to what it offers (mostly `mqtt`; AWS IoT on port 443: `x-amzn-mqtt-ca`), or "
            "leave it empty."
        ),
    ),
}


def alerts() -> tuple[Entry, ...]:
    """Return the entries of every alert, in the handshake and after it."""
    return tuple(
        _alert(f"{phase}_alert_{name}", name, when, said, fix or CLIENT_CERTIFICATE_REJECTED)
        for phase, when in (
            ("handshake", "during the TLS handshake"),
            ("mqtt_connect", "after the TLS handshake, before the CONNECT was answered,"),
        )
        for name, (said, fix) in _ALERTS.items()
    )


def _alert(code: str, name: str, when: str, said: str, fix: str) -> Entry:
    return critical(
        code,
        f"The broker ended the connection with the TLS alert {name}",
        f"An alert is a server's last word. This one came {when} and says: {said}.",
        fix,
        "RFC 8446 6.2; RFC 5246 7.2.2",
    )
