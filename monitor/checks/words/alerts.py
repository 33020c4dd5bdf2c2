"""The words for TLS alerts: what each means when it comes from the broker, and what to do."""

from __future__ import annotations

from typing import Final

from monitor.checks.words.certificates import CLIENT_CERTIFICATE_REJECTED, CLIENT_CERTIFICATE_REQUIRED
from monitor.checks.words.entry import Advice, Entry, critical, do
from monitor.checks.words.hints import (
    BROKER_LOGS,
    CIPHER_SUITES,
    CLIENT_CA_FILES,
    CLIENT_CERTIFICATE_OPTIONAL,
    SERVER_FILES,
    TLS_VERSIONS,
)
from monitor.model.reasons import UNKNOWN_ALERT

_LOOK: Final = do("Look at the broker's log for the same moment.", BROKER_LOGS)
_UPDATE: Final = do(
    "If it happens every time, update the broker's TLS library, and look for a device on the way that rewrites TLS. If "
    "it happened once, the connection was damaged. The broker's log may say more.",
    BROKER_LOGS,
)

# RFC 8446 6.2, RFC 5246 7.2.2: what the broker says by it, and what to do.
_ALERTS: Final[dict[str, tuple[str, Advice]]] = {
    "unexpected_message": (
        (
            "something came that it did not expect at this point; EMQX and RabbitMQ say so of whatever is not TLS, so "
            "something on the way may be adding bytes"
        ),
        do(
            "Is it the TLS port, and does a load balancer in between add a PROXY protocol header that the broker does "
            "not expect, or the other way round? The broker's log may say more.",
            BROKER_LOGS,
        ),
    ),
    "bad_record_mac": ("what it received was damaged", _UPDATE),
    "decryption_failed": ("it could not decrypt what it received; only old software says so", _UPDATE),
    "record_overflow": ("what it received was longer than it takes", _UPDATE),
    "decompression_failure": ("it could not decompress what it received; only old software says so", _UPDATE),
    "handshake_failure": (
        (
            "it found no way to encrypt that both sides accept (cipher suite, curve, signature), has no usable "
            "certificate, or, under TLS 1.2, got no client certificate where it demands one"
        ),
        do(
            "Does the broker demand client certificates? Then give the monitor one: `client_certificate` and "
            "`client_key` under `tls` in its configuration. If not, check that the broker can read its certificate "
            "and key, and allow current cipher suites there.",
            CLIENT_CA_FILES,
            SERVER_FILES,
            CIPHER_SUITES,
        ),
    ),
    "bad_certificate": (
        "the client certificate is damaged, or is missing where it demands one",
        do(
            "If the monitor has no `client_certificate` for this broker, that is why: give it one, with its "
            "`client_key`, under `tls`. If it has one, check that it is in date, is for clients (`clientAuth`), and "
            "comes from a CA that the broker trusts.",
            CLIENT_CA_FILES,
            CLIENT_CERTIFICATE_OPTIONAL,
        ),
    ),
    "unsupported_certificate": (
        "the client certificate is of a kind that it does not take",
        CLIENT_CERTIFICATE_REJECTED,
    ),
    "certificate_revoked": (
        "the client certificate was revoked by its CA",
        do(
            "Have a new client certificate issued, name it as `client_certificate` under `tls`, and reload the "
            "monitor. If the old one was not revoked, the broker's revocation list (CRL) is wrong."
        ),
    ),
    "certificate_expired": (
        "the client certificate has expired, or is not valid yet by the broker's clock",
        do(
            "Renew the certificate that `client_certificate` under `tls` names, and reload the monitor. If its dates "
            "are right, check the broker's clock (`timedatectl`)."
        ),
    ),
    "certificate_unknown": (
        "it did not accept the client certificate, for a reason that it does not give",
        CLIENT_CERTIFICATE_REJECTED,
    ),
    "illegal_parameter": ("a value in the handshake is one that it takes for wrong", _UPDATE),
    "unknown_ca": ("it does not know the CA that issued the client certificate", CLIENT_CERTIFICATE_REJECTED),
    "access_denied": (
        "the client certificate is valid, but its owner may not come in",
        do(
            "Allow that certificate's subject in the broker, or use another one. The broker's log names it.",
            BROKER_LOGS,
        ),
    ),
    "decode_error": ("it could not read a message of the handshake", _UPDATE),
    "decrypt_error": (
        (
            "a signature or a key exchange could not be checked; with client certificates mostly because key and "
            "certificate do not belong together"
        ),
        do(
            "Do `client_certificate` and `client_key` under `tls` belong together? If there are none, the broker's log "
            "may say more.",
            BROKER_LOGS,
        ),
    ),
    "export_restriction": ("it obeys export rules that no longer exist", _UPDATE),
    "protocol_version": (
        "it does not speak any of the TLS versions that were offered",
        do(
            "Allow TLS 1.2 or 1.3 on the broker. If it cannot, and you accept that, lower `minimum_version` under "
            "`tls` in the monitor's configuration.",
            TLS_VERSIONS,
        ),
    ),
    "insufficient_security": (
        "it wants stronger encryption than was offered",
        do(
            "Look at the cipher suites and key sizes that the broker demands, and at its log.",
            CIPHER_SUITES,
            BROKER_LOGS,
        ),
    ),
    "internal_error": (
        "something went wrong on its own side; often it cannot read its certificate or key file",
        do(
            "Check that the broker's certificate and key files exist, that it may read them, and that they belong "
            "together. Its log says what went wrong.",
            SERVER_FILES,
            BROKER_LOGS,
        ),
    ),
    "inappropriate_fallback": ("it took this connection for a forced retreat to an older TLS version", _UPDATE),
    "user_canceled": ("it called the handshake off", _LOOK),
    "no_renegotiation": ("it does not want to negotiate anew", _UPDATE),
    "missing_extension": ("a part of the handshake that it needs was not sent", _UPDATE),
    "unsupported_extension": ("the handshake had a part that does not belong there", _UPDATE),
    "certificate_unobtainable": ("it could not fetch a certificate from the address that it was given", _LOOK),
    "unrecognized_name": (
        "it knows no server of the name that was asked for (SNI)",
        do(
            "Set `server_name` under `tls` to a name that the broker serves, or add the name there. Load balancers and "
            "proxies choose by that name, too.",
            SERVER_FILES,
        ),
    ),
    "bad_certificate_status_response": ("a proof that a certificate is not revoked (OCSP) was not usable", _LOOK),
    "bad_certificate_hash_value": ("a certificate is not the one that was announced", _LOOK),
    "unknown_psk_identity": (
        "it expects a pre-shared key, and does not know the monitor's",
        do(
            "This listener is for pre-shared keys (Mosquitto: `psk_file`; EMQX: `psk_authentication`), which the "
            "monitor does not speak. Point `port` at a listener with certificates."
        ),
    ),
    "certificate_required": ("it demands a client certificate, and none was shown", CLIENT_CERTIFICATE_REQUIRED),
    UNKNOWN_ALERT: ("something that the monitor has no name for", _LOOK),
    "no_application_protocol": (
        "it speaks none of the application protocols that were offered (ALPN)",
        do(
            "Set `alpn` under `tls` to what it offers (mostly `mqtt`; AWS IoT on port 443: `x-amzn-mqtt-ca`), or leave "
            "it empty."
        ),
    ),
}


def alerts() -> tuple[Entry, ...]:
    """Return the entries of every alert, in the handshake and after it."""
    return tuple(
        _alert(phase, name, said, advice)
        for phase in ("handshake", "mqtt_connect")
        for name, (said, advice) in _ALERTS.items()
    )


def _alert(phase: str, name: str, said: str, advice: Advice) -> Entry:
    when = "during the TLS handshake" if phase == "handshake" else "before answering the CONNECT"
    meaning = f"A TLS alert is a broker's last word before it hangs up. This one says: {said}."
    if phase == "mqtt_connect":
        meaning += " It came after the handshake; with TLS 1.3 that is when brokers refuse client certificates."
    return critical(
        f"{phase}_alert_{name}",
        f"The broker hung up {when}, with the TLS alert {name}",
        meaning,
        advice,
        "RFC 8446 6.2; RFC 5246 7.2.2",
        title_says_all=name != UNKNOWN_ALERT,
    )
