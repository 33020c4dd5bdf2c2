"""Staples of a real server: what it sends along is read from the handshake, verified, and told."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from monitor.demo.pki import Issued, issue
from monitor.judging import Judging
from monitor.model.broker import Protocol
from monitor.model.judgement import Assessment
from monitor.model.outcome import Failed
from monitor.model.report import ProbeReport
from monitor.model.revocation import Status
from tests.support.brokers import OpensslServer
from tests.support.openssl import openssl
from tests.support.pki import TestPki, write_chain
from tests.support.probing import broker_at, run_probe
from tests.support.revocation import MUST_STAPLE, REVOKED, UNKNOWN, ocsp_response

Made = Callable[[TestPki], bytes | None]


def response(pki: TestPki, **deviation: object) -> bytes:
    return ocsp_response(**{"leaf": pki.leaf, "issuer": pki.intermediate, "now": pki.now, **deviation})  # type: ignore[arg-type]


def delegated(pki: TestPki, *, usage: str) -> bytes:
    by = issue(now=pki.now, issuer=pki.intermediate, subject="responder", names=None, extended_key_usage=(usage,))
    return response(pki, signer=by, certificates=(by,))


async def probed(
    pki: TestPki, directory: Path, staple: bytes | None, *versions: str, leaf: Issued | None = None
) -> tuple[ProbeReport, Assessment]:
    options = list(versions)
    if staple is not None:
        (directory / "staple.der").write_bytes(staple)
        options += ["-status_file", str(directory / "staple.der")]
    files = pki.server_files if leaf is None else write_chain(directory, "obliged", (leaf, pki.intermediate))
    judging = Judging()
    with ExitStack() as stack:
        server = stack.enter_context(OpensslServer(directory, certificate=files, options=options))
        stack.callback(judging.close)
        of = replace(broker_at(server.port, trust=pki.trust), protocol=Protocol.TLS)
        report = await run_probe(of, judging.verify)
        return report, await judging.assess(report, of, report.started_at)


@pytest.mark.parametrize(
    ("made", "status", "codes"),
    [
        (response, Status.GOOD, set()),
        (partial(delegated, usage="OCSPSigning"), Status.GOOD, set()),
        (partial(delegated, usage="serverAuth"), Status.INVALID, {"staple_invalid"}),
        (lambda pki: response(pki, signer=pki.foreign_root), Status.INVALID, {"staple_invalid"}),
        (lambda pki: response(pki, leaf=pki.client), Status.INVALID, {"staple_invalid"}),
        (lambda pki: response(pki, now=pki.now - timedelta(days=9)), Status.STALE, {"staple_stale"}),
        (lambda pki: response(pki, status=UNKNOWN), Status.UNKNOWN, {"revocation_unknown"}),
        (lambda pki: response(pki, status=REVOKED), Status.REVOKED, {"certificate_revoked"}),
        (lambda _: None, Status.NOT_OFFERED, set()),
    ],
)
async def test_staple_of_a_server_is_told(
    pki: TestPki, tmp_path: Path, made: Made, status: Status, codes: set[str]
) -> None:
    report, assessment = await probed(pki, tmp_path, made(pki), "-tls1_3")
    assert {each.code for each in assessment.findings} == codes
    assert [answer.status for answer in assessment.revocation] == [status]
    failed = report.failure
    assert (failed is not None) is (status is Status.REVOKED)
    if failed is not None:
        assert isinstance(failed.outcome, Failed)
        assert failed.outcome.reason == "verify_certificate_revoked"


async def test_staple_in_tls_1_2_is_told_as_well(pki: TestPki, tmp_path: Path) -> None:
    report, assessment = await probed(pki, tmp_path, response(pki, status=REVOKED), "-tls1_2")
    assert report.tls is not None
    assert report.tls.version == "TLSv1.2"
    assert [each.code for each in assessment.findings] == ["certificate_revoked"]


async def test_server_whose_certificate_demands_a_staple_and_that_sends_none(pki: TestPki, tmp_path: Path) -> None:
    leaf = issue(now=pki.now, issuer=pki.intermediate, extensions=((MUST_STAPLE, False),))
    _, assessment = await probed(pki, tmp_path, None, leaf=leaf)
    assert [each.code for each in assessment.findings] == ["staple_missing"]


async def test_staple_made_by_openssl_is_good(pki: TestPki, tmp_path: Path) -> None:
    for name, issued in (("ca", pki.intermediate), ("leaf", pki.leaf)):
        (tmp_path / f"{name}.pem").write_bytes(issued.pem)
    (tmp_path / "ca.key").write_bytes(pki.intermediate.key_pem)
    serial = f"{pki.leaf.certificate.serial_number:X}".zfill(2)
    end = pki.leaf.certificate.not_valid_after_utc.strftime("%y%m%d%H%M%SZ")
    (tmp_path / "index.txt").write_text(f"V\t{end}\t\t{'0' * (len(serial) % 2)}{serial}\tunknown\t/CN=broker.test\n")
    made = tmp_path / "made.der"
    openssl(
        *("ocsp", "-index", tmp_path / "index.txt", "-CA", tmp_path / "ca.pem", "-issuer", tmp_path / "ca.pem"),
        *("-rsigner", tmp_path / "ca.pem", "-rkey", tmp_path / "ca.key", "-cert", tmp_path / "leaf.pem"),
        *("-ndays", "3", "-respout", made, "-noverify"),
    )
    _, assessment = await probed(pki, tmp_path, made.read_bytes())
    assert assessment.findings == ()
    (answer,) = assessment.revocation
    assert answer.status is Status.GOOD
    assert answer.next_update is not None
