"""OpenSSL's own responder is asked, and understood."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.demo.pki import Issued, issue
from monitor.fetch.fetcher import Fetcher
from monitor.fetch.wanted import wanted
from monitor.model.broker import Fetch, FetchSettings
from monitor.model.revocation import Status
from monitor.x509.certificate import read_chain
from monitor.x509.revocation.issuer import prepare
from monitor.x509.revocation.ocsp import read_response
from tests.support.ports import PATIENCE_S
from tests.support.processes import ServerProcess, tool
from tests.support.responder import pointing_at


class OpensslResponder(ServerProcess):
    """`openssl ocsp` as a CA's responder."""

    def __init__(self, directory: Path, ca: Issued) -> None:
        super().__init__(directory)
        (directory / "ca.pem").write_bytes(ca.pem)
        (directory / "ca.key").write_bytes(ca.key_pem)

    def know(self, leaf: Issued, *, revoked: bool) -> None:
        """Write the CA's index, as `openssl ca` does."""
        ends, serial = "401231235959Z", f"{leaf.certificate.serial_number:X}"
        serial = serial.zfill(len(serial) + len(serial) % 2)
        line = f"R\t{ends}\t261101000000Z,keyCompromise" if revoked else f"V\t{ends}\t"
        fresh = self.directory / "index.new"
        fresh.write_text(f"{line}\t{serial}\tunknown\t/CN=broker.test\n")
        fresh.replace(self.directory / "index.txt")

    def command(self) -> Sequence[str]:
        ca = ("-CA", "ca.pem", "-rsigner", "ca.pem", "-rkey", "ca.key")
        return (tool("openssl"), "ocsp", "-port", str(self.port), "-index", "index.txt", *ca, "-nmin", "5")


@pytest.mark.parametrize("status", [Status.GOOD, Status.REVOKED])
async def test_openssls_responder_is_understood(tmp_path: Path, status: Status) -> None:
    now = datetime.now(UTC)
    ca = issue(now=now, is_ca=True)
    service = OpensslResponder(tmp_path, ca)
    leaf = issue(now=now, issuer=ca, extensions=pointing_at(ocsp=(f"http://127.0.0.1:{service.port}/",)))
    service.know(leaf, revoked=status is Status.REVOKED)
    certificate, issuer = read_chain([leaf.der, ca.der])
    settings = FetchSettings(what=Fetch.OCSP, allowed=frozenset({("127.0.0.1", service.port)}))
    (asked,) = wanted((certificate, issuer), settings)
    assert asked.question is not None
    fetcher = Fetcher(most_s=PATIENCE_S)
    with service:
        content = await fetcher.fetch(asked.uri, settings.allowed, asked.question.request)
    fetcher.close()
    assert asked.question.read(content, datetime.now(UTC)).is_usable
    ready = prepare(issuer)
    assert ready is not None
    said = read_response(content, certificate, ready)
    assert said.status is status
    assert said.reason == ("keyCompromise" if status is Status.REVOKED else None)
