"""The JSON document: the contract's names, in the contract's order."""

import json
import re
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

import pytest

from monitor.export.document import document, pending
from monitor.model.installed import FileState
from monitor.model.judgement import Cause, Changed, Hints
from monitor.model.outcome import Phase
from monitor.model.refusal import RefusalOutcome
from monitor.model.revocation import Source, Status
from tests.support.records import (
    REFUSALS,
    SCAN,
    a_break,
    a_broker,
    a_certificate,
    a_change,
    a_file,
    a_finding,
    a_profile,
    a_report,
    an_answer,
    an_assessment,
    expired,
    tls_facts,
)

KEYS = [
    "schema_version",
    "broker",
    "address",
    "started_at",
    "verdict",
    "success", "failing_since", "last_success_at",
    "phases",
    "tls",
    "certificates",
    "findings",
    "trust_profiles",
    "revocation",
    "next_break",
    "changes",
    "certificate_file",
    "refusals",
    "scan",
]  # fmt: skip


@pytest.mark.parametrize("vocabulary", [Source, Status, Cause, FileState, RefusalOutcome])
def test_documentation_has_every_word_of_a_closed_set(vocabulary: type[StrEnum]) -> None:
    text = (Path(__file__).parents[2] / "docs" / "http.md").read_text()
    documented = [set(words.split("|")) for words in re.findall(r'": "([a-z_|]+)"', text)]
    assert {each.value for each in vocabulary} in documented


def test_changes_are_told_with_what_was_before_and_after() -> None:
    report = a_report()
    change = a_change(Changed.LEAF, Changed.ISSUER)
    for shown in (
        document(report, an_assessment(report), changes=(change,)),
        pending(a_broker(), last_seen=tls_facts(), changes=(change,)),
    ):
        assert shown["changes"] == [
            {
                "at": "2026-11-23T12:00:00Z",
                "last_seen_at": "2026-11-23T11:59:00Z",
                "what": ["leaf", "issuer"],
                "before": {
                    "fingerprint_sha256": "aa" * 32,
                    "spki_sha256": "5b" * 32,
                    "issuer": "CN=Old CA",
                    "root": "CN=Old Root",
                    "chain": ["aa" * 32, "aa0c" * 16],
                },
                "after": {
                    "fingerprint_sha256": "bb" * 32,
                    "spki_sha256": "5b" * 32,
                    "issuer": "CN=Example Issuing CA",
                    "root": "CN=Example Root",
                    "chain": ["bb" * 32, "bb0c" * 16],
                },
            }
        ]
        assert len(shown["certificates"]) == 2


def test_fix_is_one_text_with_a_line_for_each_kind_of_broker() -> None:
    report = a_report()
    hints = Hints(caption="The file", by_broker=(("EMQX", "here."), ("NATS", "there.")))
    (finding,) = document(report, an_assessment(report, a_finding(fix="Do it.", hints=(hints,))))["findings"]
    assert finding["fix"] == "Do it.\nThe file:\nEMQX: here.\nNATS: there."


def test_healthy_brokers_document_is_exactly_the_contracts() -> None:
    report = a_report(tls=tls_facts((a_certificate(),)))
    shown = document(report, an_assessment(report, a_finding(certificate=0)))
    assert list(shown) == KEYS
    assert [phase["name"] for phase in shown["phases"]] == [phase.value for phase in Phase]
    assert {key: shown[key] for key in KEYS[:6]} == {
        "schema_version": 1,
        "broker": "plant-7",
        "address": "192.0.2.7",
        "started_at": "2026-11-23T12:00:00Z",
        "verdict": "warning",
        "success": True,
    }
    assert shown["phases"][2] == {
        "name": "handshake", "outcome": "done", "seconds": 0.0127, "reason": None, "detail": None
    }  # fmt: skip
    assert shown["tls"] == {
        "version": "TLSv1.3", "cipher": "TLS_AES_256_GCM_SHA384", "group": "X25519", "alpn": None
    }  # fmt: skip
    assert shown["certificates"] == [
        {
            "position": 0,
            "role": "leaf",
            "subject": "CN=mqtt.example.org",
            "issuer": "CN=Example Issuing CA",
            "serial": "01",
            "not_before": "2026-10-25T12:00:00Z",
            "not_after": "2027-01-23T12:00:00Z",
            "names": ["DNS:mqtt.example.org"],
            "key": "EC P-256",
            "signature": "ecdsa-with-SHA256",
            "fingerprint_sha256": "0a" * 32,
        }
    ]
    assert shown["findings"] == [
        {
            "code": "certificate_expires_soon",
            "severity": "warning",
            "message": "The certificate ends in 6 days.",
            "fix": "Renew it, and reload the broker.",
            "certificate": 0,
        }
    ]


def test_failed_phase_has_its_reason_and_later_ones_name_what_blocks_them() -> None:
    phases = document(*expired())["phases"]
    assert phases[3] == {
        "name": "verify",
        "outcome": "failed",
        "seconds": 0.002,
        "reason": "verify_certificate_expired",
        "detail": "certificate 0 ended 2026-11-20",
    }
    assert phases[4] == {
        "name": "mqtt_connect", "outcome": "skipped", "seconds": None, "reason": None, "detail": "verify failed"
    }  # fmt: skip


def test_probe_that_never_reached_tls_has_null_and_no_certificates() -> None:
    report = a_report(reason="resolve_nxdomain", address=None)
    shown = document(report, an_assessment(report))
    assert (shown["address"], shown["tls"], shown["certificates"]) == (None, None, [])
    assert shown["verdict"] == "critical"


def test_certificates_last_seen_stand_in_for_those_not_served() -> None:
    report = a_report(reason="connect_refused")
    shown = document(report, an_assessment(report), last_seen=tls_facts())
    assert shown["tls"] is None
    assert [certificate["position"] for certificate in shown["certificates"]] == [0, 1]


def test_certificates_just_served_win_over_those_last_seen() -> None:
    report = a_report(tls=tls_facts((a_certificate(),)))
    shown = document(report, an_assessment(report), last_seen=tls_facts())
    assert len(shown["certificates"]) == 1


def test_unreadable_fields_are_null() -> None:
    odd = replace(
        a_certificate(subject=None, issuer=None, not_before=None, not_after=None, key=None), serial=None, signature=None
    )
    report = a_report(tls=tls_facts((odd,)))
    (shown,) = document(report, an_assessment(report))["certificates"]
    assert {key for key, value in shown.items() if value is None} == {
        "subject", "issuer", "serial", "not_before", "not_after", "key", "signature"
    }  # fmt: skip


def test_broker_without_a_result_has_the_same_shape_with_nothing_known() -> None:
    shown = pending(a_broker())
    assert list(shown) == KEYS
    assert shown["broker"] == "plant-7"
    assert (shown["verdict"], shown["success"], shown["phases"]) == (None, None, [])


def test_document_is_plain_json_even_with_text_that_no_encoding_holds() -> None:
    report = a_report(tls=tls_facts((a_certificate(subject="\ud800\x1b"),)))
    text = json.dumps(document(report, an_assessment(report)))
    assert text.isascii()
    assert text.isprintable()
    assert json.loads(text)["certificates"][0]["subject"] == "\ud800\x1b"


def test_profiles_and_what_breaks_next_are_told() -> None:
    report = a_report()
    profiles = (a_profile(), a_profile("gateway", error="OpenSSL says: no"))
    shown = document(report, an_assessment(report, profiles=profiles, next_break=a_break()))
    assert shown["trust_profiles"] == [
        {"name": "devices-2022", "trusted": True, "not_after": "2027-01-23T12:00:00Z", "error": None},
        {"name": "gateway", "trusted": False, "not_after": None, "error": "OpenSSL says: no"},
    ]
    assert shown["next_break"] == {
        "at": "2026-12-05T13:00:00Z",
        "cause": "leaf",
        "certificate": 0,
        "message": "The broker's certificate (CN=mqtt.example.org) ends then.",
    }


def test_certificate_file_is_told_with_whether_it_is_served() -> None:
    report = a_report()
    shown = document(report, an_assessment(report, certificate_file=a_file(is_served=False)))
    assert shown["certificate_file"] == {
        "path": "/etc/mosquitto/server.pem", "state": "read", "since": "2026-11-23T09:00:00Z", "served": False
    }  # fmt: skip
    gone = document(report, an_assessment(report, certificate_file=a_file(FileState.MISSING, is_served=None)))
    assert (gone["certificate_file"]["state"], gone["certificate_file"]["served"]) == ("missing", None)


def test_attempts_at_what_must_be_refused_are_told() -> None:
    report = a_report()
    shown = document(report, an_assessment(report, refusals=REFUSALS))["refusals"]
    assert shown[0] == {
        "check": "anonymous",
        "outcome": "refused",
        "detail": "CONNACK with code 5",
        "at": "2026-11-23T11:50:00Z",
    }
    assert [attempt["outcome"] for attempt in shown] == ["refused", "accepted", "unknown"]
    assert shown[2]["detail"].isprintable()


def test_scan_is_told_with_what_was_not() -> None:
    report = a_report()
    assert document(report, an_assessment(report))["scan"] is None
    shown = document(report, an_assessment(report, scan=SCAN))["scan"]
    assert shown == {
        "at": "2026-11-23T09:00:00Z",
        "address": "192.0.2.7",
        "old_versions": ["1.0", "1.1"],
        "weak_cipher_suites": ["TLS_RSA_WITH_RC4_128_SHA"],
        "secure_renegotiation": True,
        "client_renegotiation": None,
        "fingerprints_sha256": {
            "served": tls_facts().certificates[0].fingerprint_sha256,
            "without_name": None,
            "for_rsa": None,
            "for_ecdsa": None,
        },
        "untold": ["renegotiation: the answer began with \ufffd[31m"],
    }


def test_revocation_is_told_by_source() -> None:
    report = a_report()
    answers = (an_answer(), an_answer(Source.CRL_FILE, Status.UNAVAILABLE))
    staple, lists = document(report, an_assessment(report, revocation=answers))["revocation"]
    assert staple == {
        "source": "staple",
        "status": "good",
        "certificate": 0,
        "detail": None,
        "this_update": "2026-11-23T12:00:00Z",
        "next_update": "2026-11-25T12:00:00Z",
        "revoked_at": None,
        "reason": None,
        "problem": None,
    }
    assert (lists["source"], lists["status"], lists["detail"]) == ("crl_file", "unavailable", "for a reason")
