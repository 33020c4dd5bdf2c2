"""TLS without I/O: ciphertext in, ciphertext out, by OpenSSL over memory BIOs. Never verifies, never calls back.

Callbacks would need executable memory (cffi closures), which a hardened service forbids; what they would tell is
read from the bytes instead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL, crypto
from OpenSSL._util import ffi as _ffi
from OpenSSL._util import lib as _lib

from monitor.model.broker import ClientIdentity, TlsVersion
from monitor.model.reasons import ALERTS, UNKNOWN_ALERT
from monitor.wire.ending import ConnectionEnded, End, Ending, printable
from monitor.wire.records import ClientFlight, RecordCounter, looks_like_tls, read_client_flight

_READ_BYTES = 16384
_MAX_ACCEPTED_CAS = 32
# OpenSSL takes 100 KiB of them, which can be hundreds: reading all would hold up the event loop.
MAX_CERTIFICATES = 64
_VERSIONS = {
    TlsVersion.V1_0: SSL.TLS1_VERSION,
    TlsVersion.V1_1: SSL.TLS1_1_VERSION,
    TlsVersion.V1_2: SSL.TLS1_2_VERSION,
    TlsVersion.V1_3: SSL.TLS1_3_VERSION,
}
# Level 0, so that OpenSSL refuses neither old versions nor weak keys: those are to be seen and named, not hidden. No
# finite-field DHE, which browsers and Go have dropped too: a server may choose a group that takes a second to compute.
_CIPHERS = b"DEFAULT:!kDHE:@SECLEVEL=0"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedTls:
    """What the handshake has shown so far; None and empty for what it has not."""

    version: str | None
    cipher: str | None
    group: str | None
    alpn: str | None
    chain: tuple[bytes, ...]
    """DER, as served; no more than `MAX_CERTIFICATES`."""
    left_out: int
    """How many more were served."""
    ocsp_response: bytes | None
    accepted_cas: tuple[str, ...]


class TlsEngine:
    """One client connection's TLS state."""

    def __init__(
        self,
        *,
        server_name: str | None,
        minimum_version: TlsVersion = TlsVersion.V1_2,
        maximum_version: TlsVersion | None = None,
        alpn: tuple[str, ...] = (),
        identity: ClientIdentity | None = None,
        may_renegotiate: bool = False,
    ) -> None:
        """Begin a connection; `may_renegotiate` is for `renegotiate`, and needs a maximum of TLS 1.2."""
        context = _context(minimum_version, maximum_version, alpn, identity, may_renegotiate=may_renegotiate)
        self._connection = SSL.Connection(context, None)
        self._connection.set_connect_state()
        self._connection.request_ocsp()
        if server_name is not None:
            self._connection.set_tlsext_host_name(server_name.encode("ascii"))
        self._received_any = False
        self._records = RecordCounter()
        self._handshake_records = 0
        self.is_complete = False

    @property
    def records_after_handshake(self) -> int:
        """Whole records received since the handshake completed, tickets and alerts included."""
        return self._records.whole - self._handshake_records if self.is_complete else 0

    def feed(self, ciphertext: bytes) -> None:
        """Take what the peer sent (not empty).

        Raises:
            ConnectionEnded: the very first bytes are not TLS.
        """
        if not self._received_any:
            self._received_any = True
            if not looks_like_tls(ciphertext):
                start = ciphertext[:16]
                raise ConnectionEnded(Ending(end=End.NOT_TLS, detail=f"the answer began with {start!r}"))
        self._records.feed(ciphertext)
        while ciphertext:
            ciphertext = ciphertext[self._connection.bio_write(ciphertext) :]

    def take(self) -> bytes:
        """Return the ciphertext that waits to be sent; empty if there is none."""
        pieces = b""
        try:
            while True:
                piece = self._connection.bio_read(_READ_BYTES)
                pieces += piece
                if len(piece) < _READ_BYTES:
                    return pieces
        except SSL.WantReadError:
            return pieces

    def handshake(self) -> bool:
        """Go on with the handshake as far as the bytes allow. True once it is complete on our side.

        Raises:
            ConnectionEnded: the peer sent an alert or broke the protocol.
        """
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            return False
        except SSL.Error as error:
            raise ConnectionEnded(_from_openssl(error)) from None
        self._handshake_records = self._records.whole
        self.is_complete = True
        return True

    def renegotiate(self) -> None:
        """Begin a second handshake within the first one's connection, which is complete and allows it (RFC 5246 7.4.1).

        Raises:
            ConnectionEnded: the connection can no longer be written to.
        """
        try:
            self._connection.renegotiate()
        except SSL.Error as error:
            raise ConnectionEnded(_from_openssl(error)) from None
        self.is_complete = False

    def client_flight(self, flight: bytes) -> ClientFlight | None:
        """Say what our answer (from `take()`) to the server's flight carries; None if it is but another ClientHello."""
        is_tls13 = self._connection.get_protocol_version() == SSL.TLS1_3_VERSION
        if is_tls13 and not self.is_complete:
            return None  # RFC 8446 4.1.4: the answer to a HelloRetryRequest
        return read_client_flight(flight, is_tls13=is_tls13)

    def read(self) -> bytes:
        """Return the plaintext of the next record that has arrived; empty if there is none.

        Raises:
            ConnectionEnded: close_notify, an alert, or a broken record; plaintext before it is returned first.
        """
        try:
            return self._connection.recv(_READ_BYTES)
        except SSL.WantReadError:
            return b""
        except SSL.Error as error:
            raise ConnectionEnded(_from_openssl(error)) from None

    def write(self, plaintext: bytes) -> None:
        """Encrypt; the ciphertext is then in `take()`.

        Raises:
            ConnectionEnded: the connection can no longer be written to.
        """
        try:
            self._connection.sendall(plaintext)
        except SSL.Error as error:
            raise ConnectionEnded(_from_openssl(error)) from None

    def close_notify(self) -> None:
        """Say goodbye; the alert is then in `take()`. Nothing happens where TLS is not up."""
        try:
            self._connection.shutdown()
        except SSL.Error:
            return  # not up, or already broken

    def served(self) -> ServedTls:
        """Return the facts; allowed at any time, also in the middle of a handshake."""
        connection = self._connection
        cipher = connection.get_cipher_name()
        chain = connection.get_peer_cert_chain() or ()
        return ServedTls(
            # Before a ServerHello OpenSSL answers with the version that it would like best.
            version=connection.get_protocol_version_name() if cipher else None,
            cipher=cipher,
            group=_group(connection) if cipher else None,
            alpn=connection.get_alpn_proto_negotiated().decode("ascii", "replace") or None,
            chain=tuple(
                crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate) for certificate in chain[:MAX_CERTIFICATES]
            ),
            left_out=max(0, len(chain) - MAX_CERTIFICATES),
            ocsp_response=_ocsp_response(connection),
            accepted_cas=_accepted_cas(connection),
        )


@lru_cache(maxsize=256)
def _context(
    minimum: TlsVersion,
    maximum: TlsVersion | None,
    alpn: tuple[str, ...],
    identity: ClientIdentity | None,
    *,
    may_renegotiate: bool,
) -> SSL.Context:
    # Making one costs more than a handshake's share of the budget; brokers with equal settings share it.
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_verify(SSL.VERIFY_NONE)
    if not may_renegotiate:
        context.set_options(SSL.OP_NO_RENEGOTIATION)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_cipher_list(_CIPHERS)
    context.set_min_proto_version(_VERSIONS[minimum])
    if maximum is not None:
        context.set_max_proto_version(_VERSIONS[maximum])
    if alpn:
        context.set_alpn_protos([name.encode("ascii") for name in alpn])
    if identity is not None:
        leaf, *rest = (x509.load_der_x509_certificate(der) for der in identity.chain)
        context.use_certificate(leaf)
        for certificate in rest:
            context.add_extra_chain_cert(certificate)
        key: Any = load_pem_private_key(identity.key.reveal(), password=None)
        context.use_privatekey(key)
    return context


def _group(connection: SSL.Connection) -> str | None:
    # TLS 1.2 with RSA key exchange has none.
    name = connection.get_group_name()
    return name or None


def _ocsp_response(connection: SSL.Connection) -> bytes | None:
    # pyOpenSSL offers the staple to a callback only; this is the call that its callback's helper makes.
    pointer = _ffi.new("unsigned char **")
    length = _lib.SSL_get_tlsext_status_ocsp_resp(connection._ssl, pointer)
    return bytes(_ffi.buffer(pointer[0], length)) if length > 0 else None


def _accepted_cas(connection: SSL.Connection) -> tuple[str, ...]:
    # pyOpenSSL copies every name: 16,000 fit into a handshake, and would hold up the event loop for 60 ms.
    names = _lib.SSL_get_client_CA_list(connection._ssl)
    count = 0 if names == _ffi.NULL else _lib.sk_X509_NAME_num(names)
    return tuple(_name(_lib.sk_X509_NAME_value(names, place)) for place in range(min(count, _MAX_ACCEPTED_CAS)))


def _name(name: Any) -> str:
    entries = [_lib.X509_NAME_get_entry(name, place) for place in range(_lib.X509_NAME_entry_count(name))]
    return ",".join(f"{_kind(entry)}={printable(_value(entry))}" for entry in reversed(entries))


def _kind(entry: Any) -> str:
    short_name = _lib.OBJ_nid2sn(_lib.OBJ_obj2nid(_lib.X509_NAME_ENTRY_get_object(entry)))
    return bytes(_ffi.string(short_name)).decode("ascii", "replace")


def _value(entry: Any) -> str:
    text = _lib.X509_NAME_ENTRY_get_data(entry)
    octets = _ffi.buffer(_lib.ASN1_STRING_get0_data(text), _lib.ASN1_STRING_length(text))
    return bytes(octets).decode("utf-8", "replace")


# OpenSSL words an alert as "tls alert handshake failure", "tlsv13 alert certificate required" or "tlsv1 unrecognized
# name", by version of the protocol and of itself. One without a name has the number 1000 (SSL_AD_REASON_OFFSET) + NN
# and no words at all: an SSL error without a reason is nothing else.
_ALERT_TEXT = re.compile(r"(?:tls|tlsv1\S*|ssl/tls|sslv3) (?P<alert>alert )?(?P<name>[a-z ]+)")
_ALERT_NAMES = frozenset(ALERTS.values())
_OWN_FAULTS = {
    "unsupported protocol": End.VERSION_UNSUPPORTED,
    "wrong version number": End.NOT_TLS,
    "wrong ssl version": End.VERSION_UNSUPPORTED,
    "http request": End.NOT_TLS,
    "bad signature": End.BAD_SIGNATURE,
    "unsafe legacy renegotiation disabled": End.RENEGOTIATION_INSECURE,
    "unable to find public key parameters": End.CERTIFICATE_UNREADABLE,
    "excessive message size": End.TOO_MUCH_DATA,
    "tlsv1 bad certificate status response": End.TLS_ERROR,  # what was stapled cannot be decoded
}


def _from_openssl(error: SSL.Error) -> Ending:
    """Translate OpenSSL's error queue: (library, function, reason) triples, first cause first."""
    if isinstance(error, SSL.ZeroReturnError):
        return Ending(end=End.CLOSE_NOTIFY, detail="closed by the peer with close_notify")
    queue = error.args[0] if error.args and isinstance(error.args[0], list) else []
    # The peer's alert stands first; further back the same words are OpenSSL's own, for the alert that it sends.
    if queue and (ending := _alert(queue[0][0], queue[0][2])):
        return ending
    reasons = [reason for _, _, reason in queue]
    text = "; ".join(dict.fromkeys(reasons)) or "OpenSSL gave no reason"
    for reason in reasons:
        if reason in _OWN_FAULTS:
            return Ending(end=_OWN_FAULTS[reason], detail=text)
    if any("asn1" in library.lower() for library, _, _ in queue):
        return Ending(end=End.CERTIFICATE_UNREADABLE, detail=text)
    return Ending(end=End.TLS_ERROR, detail=text)


def _alert(library: str, reason: str) -> Ending | None:
    if not reason and library == "SSL routines":
        return Ending(end=End.ALERT, alert=UNKNOWN_ALERT, detail="the peer sent a TLS alert with a number without name")
    match = _ALERT_TEXT.fullmatch(reason)
    if match is None:
        return None
    name = match["name"].replace(" ", "_")
    name = "user_canceled" if name == "user_cancelled" else name  # RFC 8446 spells it with one l
    if name in _ALERT_NAMES:
        return Ending(end=End.ALERT, alert=name, detail=f"the peer sent the TLS alert {name}")
    if match["alert"]:
        return Ending(end=End.ALERT, alert=UNKNOWN_ALERT, detail=f"the peer sent a TLS alert not known here: {reason}")
    return None
