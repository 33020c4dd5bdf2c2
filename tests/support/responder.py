"""A CA's revocation service on loopback: an OCSP responder and a list, over a real HTTP server."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID

from monitor.demo.pki import Issued
from tests.support.http_peer import CRL_TYPE, OCSP_TYPE


class Responder:
    """The service: a context manager that listens while it is entered."""

    def __init__(self, ca: Issued | None = None, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.ca = ca
        """May be set later: its certificates name the port."""
        self.revoked: set[int] = set()
        """Serial numbers."""
        self.lifetime: timedelta | None = timedelta(days=1)
        """Of an answer; None for one that does not say."""
        self.age = timedelta(0)
        """Of an answer: how long ago it was true."""
        self.refuses = False
        """Answer `tryLater` and HTTP status 503 respectively."""
        self.asked: list[str] = []
        """`OCSP` or the path of each request, in their order."""
        self._now = now
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.server_address[1]

    @property
    def uri(self) -> str:
        """Of the OCSP responder; and the list's is this and `ca.crl`."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def allowed(self) -> frozenset[tuple[str, int]]:
        """What a configuration must allow."""
        return frozenset({("127.0.0.1", self.port)})

    @property
    def extensions(self) -> tuple[tuple[x509.ExtensionType, bool], ...]:
        """For certificates that this is the service of."""
        return pointing_at(ocsp=(self.uri,), crl=(f"{self.uri}ca.crl",))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def response(self, request: bytes) -> bytes:
        """Answer one OCSP request, DER."""
        if self.refuses:
            return ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER).public_bytes(
                Encoding.DER
            )
        asked, ca, now = (
            ocsp.load_der_ocsp_request(request),
            self._ca(),
            (self._now() - self.age).replace(microsecond=0),
        )
        is_revoked = asked.serial_number in self.revoked
        builder = ocsp.OCSPResponseBuilder().add_response_by_hash(
            issuer_name_hash=asked.issuer_name_hash,
            issuer_key_hash=asked.issuer_key_hash,
            serial_number=asked.serial_number,
            algorithm=asked.hash_algorithm,
            cert_status=ocsp.OCSPCertStatus.REVOKED if is_revoked else ocsp.OCSPCertStatus.GOOD,
            this_update=now,
            next_update=None if self.lifetime is None else now + self.lifetime,
            revocation_time=now if is_revoked else None,
            revocation_reason=x509.ReasonFlags.key_compromise if is_revoked else None,
        )
        signed = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, ca.certificate).sign(ca.key, hashes.SHA256())
        return signed.public_bytes(Encoding.DER)

    def crl(self) -> bytes:
        """Return the list as it is now, DER."""
        ca, now = self._ca(), (self._now() - self.age).replace(microsecond=0)
        builder = x509.CertificateRevocationListBuilder(
            issuer_name=ca.certificate.subject,
            last_update=now,
            next_update=now + (self.lifetime or timedelta(days=1)),
        )
        for serial in sorted(self.revoked):
            entry = x509.RevokedCertificateBuilder(serial_number=serial, revocation_date=now)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(ca.key, hashes.SHA256()).public_bytes(Encoding.DER)

    def _ca(self) -> Issued:
        assert self.ca is not None
        return self.ca

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                service.asked.append("OCSP")
                request = self.rfile.read(int(self.headers["Content-Length"]))
                self._answer(service.response(request), OCSP_TYPE)

            def do_GET(self) -> None:
                service.asked.append(self.path)
                if service.refuses:
                    self.send_error(503)
                else:
                    self._answer(service.crl(), CRL_TYPE)

            def _answer(self, content: bytes, media_type: str) -> None:
                self.send_response(200)
                self.send_header("Content-Type", media_type)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                """Keep standard error clean."""

        return Handler


def pointing_at(
    *, ocsp: tuple[str, ...] = (), crl: tuple[str, ...] = ()
) -> tuple[tuple[x509.ExtensionType, bool], ...]:
    """Make the extensions of a certificate whose revocation is to be asked about there."""
    access = [
        x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(uri)) for uri in ocsp
    ]
    points = [x509.DistributionPoint([x509.UniformResourceIdentifier(uri)], None, None, None) for uri in crl]
    return (
        *([(x509.AuthorityInformationAccess(access), False)] if access else []),
        *([(x509.CRLDistributionPoints(points), False)] if points else []),
    )
