"""The server's side of TLS: OpenSSL over memory BIOs, and every record it makes in our hands, in the clear."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL

from monitor.demo.pki import Issued
from tests.support.client_hello import ClientHello
from tests.support.tls_records import (
    ContentType,
    HandshakeType,
    Keys,
    Layer,
    Record,
    keys13,
    message,
    server_keys12,
    split_messages,
    split_records,
)

_VERSIONS = {"1.0": SSL.TLS1_VERSION, "1.1": SSL.TLS1_1_VERSION, "1.2": SSL.TLS1_2_VERSION, "1.3": SSL.TLS1_3_VERSION}

Rewrite = Callable[[list[bytes]], list[bytes]]
"""Changes a flight: its handshake messages in order, each with its header."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerTls:
    """How the fault server speaks TLS: well, unless a script says otherwise."""

    chain: Sequence[Issued]
    """As served; the first one's key is used."""
    minimum_version: str = "1.2"
    maximum_version: str = "1.3"
    requests_client_certificate: bool = False
    """Whether a CertificateRequest is sent. Any answer is taken; refusing is the script's part."""
    accepted_cas: Sequence[x509.Certificate] = ()
    alpn: str | None = None
    """Chosen if the client offers it, whatever else it offers."""
    staple: bytes | None = field(default=None, repr=False)
    """OCSP response, DER."""
    sends_tickets: bool = True
    """TLS 1.3: whether session tickets follow the client's Finished."""


class TlsEngine:
    """One connection's TLS, without a socket: `feed()` what came, send what `output()` and `seal()` return."""

    def __init__(self, options: ServerTls) -> None:
        self.options = options
        self._secrets: dict[str, bytes] = {}
        self._connection = SSL.Connection(self._context(options), None)
        self._connection.set_accept_state()
        self._opened = Layer(self)
        self._wire = Layer(self)
        self.hello: ClientHello | None = None

    # What the layers ask for.

    @property
    def version(self) -> int:
        """The version chosen, or the highest of all before it is: 0x0304 is TLS 1.3."""
        return self._connection.get_protocol_version()

    def handshake(self) -> Keys:
        """TLS 1.3's server handshake keys."""
        return keys13(self._secrets["SERVER_HANDSHAKE_TRAFFIC_SECRET"], self._cipher())

    def application(self) -> Keys:
        """The server's application keys."""
        if self.version == SSL.TLS1_3_VERSION:
            return keys13(self._secrets["SERVER_TRAFFIC_SECRET_0"], self._cipher())
        connection = self._connection
        client, server = connection.client_random(), connection.server_random()
        if client is None or server is None:
            raise RuntimeError("no handshake yet")
        return server_keys12(self._secrets["CLIENT_RANDOM"], client, server, self._cipher())

    # What a connection asks for.

    def feed(self, data: bytes) -> None:
        """Take what arrived."""
        self._connection.bio_write(data)

    def advance(self) -> bool:
        """Go on with the handshake as far as the input reaches; True when it is complete. SSL.Error if it fails."""
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            return False
        return True

    def write(self, data: bytes) -> None:
        """Take data for the client; `output()` has it encrypted."""
        self._connection.sendall(data)

    def read(self) -> bytes | None:
        """Return decrypted data, None if there is none yet. SSL.ZeroReturnError after close_notify, SSL.Error."""
        try:
            return self._connection.recv(65536)
        except SSL.WantReadError:
            return None

    def output(self, rewrite: Rewrite | None = None) -> bytes:
        """Return what OpenSSL wants sent, its handshake messages rewritten, one record each; empty if nothing."""
        change_cipher_spec_at: int | None = None
        others = []
        content = b""
        for raw in split_records(self._drain()):
            record = self._opened.open(raw)
            if record.type == ContentType.HANDSHAKE:
                content += record.content
            elif record.type == ContentType.CHANGE_CIPHER_SPEC:
                change_cipher_spec_at = len(split_messages(content))
            else:
                others.append(record)
        messages = split_messages(content)
        if self.version == SSL.TLS1_3_VERSION and not self.options.sends_tickets:
            messages = [one for one in messages if one[0] != HandshakeType.NEW_SESSION_TICKET]
        if rewrite is not None:
            messages = rewrite(messages)
        records = [Record(ContentType.HANDSHAKE, one) for one in messages]
        if change_cipher_spec_at is not None:
            records.insert(change_cipher_spec_at, Record(ContentType.CHANGE_CIPHER_SPEC, b"\1"))
        return b"".join(self._wire.seal(record) for record in (*records, *others))

    def seal(self, kind: int, content: bytes) -> bytes:
        """Return a record as it has to look now: in the clear before keys, encrypted afterwards."""
        return self._wire.seal(Record(kind, content))

    def client_certificate(self) -> bytes | None:
        """Return the client's certificate, DER; None if it sent none."""
        certificate = self._connection.get_peer_certificate(as_cryptography=True)
        return None if certificate is None else certificate.public_bytes(Encoding.DER)

    def _cipher(self) -> str:
        cipher = self._connection.get_cipher_name()
        if cipher is None:
            raise RuntimeError("no handshake yet")
        return cipher

    def _drain(self) -> bytes:
        data = b""
        while True:
            try:
                data += self._connection.bio_read(65536)
            except SSL.WantReadError:
                return data

    def _context(self, options: ServerTls) -> SSL.Context:
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_min_proto_version(_VERSIONS[options.minimum_version])
        context.set_max_proto_version(_VERSIONS[options.maximum_version])
        # TLS 1.2: only suites whose records `server_keys12` can seal. TLS 1.0 and 1.1 need the level of old.
        old = "1.0" in options.minimum_version or "1.1" in options.minimum_version
        context.set_cipher_list(b"ALL:@SECLEVEL=0" if old else b"ECDHE+AESGCM")
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        if not options.sends_tickets:
            context.set_options(SSL.OP_NO_TICKET)  # TLS 1.2; in TLS 1.3 it does not stop them
        leaf, *further = options.chain
        context.use_certificate(leaf.certificate)
        for issued in further:
            context.add_extra_chain_cert(issued.certificate)
        context.use_privatekey(leaf.key)  # type: ignore[arg-type] # narrower than what an issuer's key may be
        if options.requests_client_certificate:
            context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
            for ca in options.accepted_cas:
                context.add_client_ca(ca)
        if options.alpn is not None:
            chosen = options.alpn.encode("ascii")
            context.set_alpn_select_callback(
                lambda _, offered: chosen if chosen in offered else SSL.NO_OVERLAPPING_PROTOCOLS
            )
        if options.staple is not None:
            context.set_ocsp_server_callback(lambda *_: options.staple or b"")
        context.set_keylog_callback(self._log_key)
        return context

    def _log_key(self, _connection: SSL.Connection, line: bytes) -> None:
        label, _, secret = line.decode("ascii").split()
        self._secrets[label] = bytes.fromhex(secret)


def with_certificates(ders: Sequence[bytes]) -> Rewrite:
    """Serve other certificates than the key's own, or bytes that are none (RFC 8446 4.4.2, RFC 5246 7.4.2)."""

    def rewrite(messages: list[bytes]) -> list[bytes]:
        is_tls13 = any(one[0] == HandshakeType.ENCRYPTED_EXTENSIONS for one in messages)
        after = b"\0\0" if is_tls13 else b""  # no extensions
        entries = b"".join(len(der).to_bytes(3) + der + after for der in ders)
        body = (b"\0" if is_tls13 else b"") + len(entries).to_bytes(3) + entries
        served = message(HandshakeType.CERTIFICATE, body)
        return [served if one[0] == HandshakeType.CERTIFICATE else one for one in messages]

    return rewrite


def with_broken_signature(messages: list[bytes]) -> list[bytes]:
    """Spoil the server's proof that it holds its key: the last byte of what it signed with."""
    signed = {HandshakeType.CERTIFICATE_VERIFY, HandshakeType.SERVER_KEY_EXCHANGE}
    return [one[:-1] + bytes((one[-1] ^ 1,)) if one[0] in signed else one for one in messages]


def with_version(version: int) -> Rewrite:
    """Put another version into the ServerHello of TLS 1.2, whatever the client offered."""

    def rewrite(messages: list[bytes]) -> list[bytes]:
        return [
            one[:4] + version.to_bytes(2) + one[6:] if one[0] == HandshakeType.SERVER_HELLO else one for one in messages
        ]

    return rewrite


def without_secure_renegotiation(messages: list[bytes]) -> list[bytes]:
    """Take renegotiation_info out of the ServerHello of TLS 1.2: servers from before RFC 5746 do not know it."""

    def rewritten(hello: bytes) -> bytes:
        body = hello[4:]
        at = 2 + 32 + 1 + body[34] + 3  # version, random, session id, suite and compression
        extensions = body[at + 2 :].replace(b"\xff\x01\0\1\0", b"")
        return message(HandshakeType.SERVER_HELLO, body[:at] + len(extensions).to_bytes(2) + extensions)

    return [rewritten(one) if one[0] == HandshakeType.SERVER_HELLO else one for one in messages]


def up_to(kind: HandshakeType) -> Rewrite:
    """Send the messages of a flight up to and with the first of that kind, and no more."""

    def rewrite(messages: list[bytes]) -> list[bytes]:
        kinds = [one[0] for one in messages]
        return messages[: kinds.index(kind) + 1]

    return rewrite
