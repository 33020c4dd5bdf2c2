"""The table of words covers every code, and reads well everywhere."""

from __future__ import annotations

import re

import pytest

from monitor.checks.catalogue import CATALOGUE, entry
from monitor.checks.entry import Entry
from monitor.checks.words_certificates import FINDINGS
from monitor.model.judgement import Severity
from monitor.model.reasons import REASONS, VERIFY_FINDINGS

ENTRIES = list(CATALOGUE.values())


def test_table_holds_every_reason_and_every_finding_and_nothing_else() -> None:
    assert set(CATALOGUE) == REASONS | {each.code for each in FINDINGS}


def test_no_code_is_explained_twice() -> None:
    codes = [each.code for each in FINDINGS]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("each", ENTRIES, ids=lambda each: each.code)
def test_entry_reads_as_sentences(each: Entry) -> None:
    assert re.fullmatch(r"[A-Z].*[^.\s]", each.title), "a title is a sentence without its full stop"
    assert len(each.title) <= 110
    for words in (each.meaning, each.fix):
        assert re.match(r"[A-Z`]", words)
        assert words.endswith((".", "?"))
        assert len(words) >= 40
        assert "  " not in words
        assert not re.search(
            r"\.\.(?!\.)(?<!\.\.\.)|[{]\w+[}]", words.replace("{ ... }", "").replace("{id}/{nonce}", "")
        )
        assert words.count("`") % 2 == 0


@pytest.mark.parametrize("code", sorted(REASONS))
def test_every_reason_is_critical(code: str) -> None:
    assert entry(code).severity is Severity.CRITICAL


def test_reason_of_verify_says_what_its_finding_says() -> None:
    for code in VERIFY_FINDINGS:
        assert entry(f"verify_{code}").fix == entry(code).fix


def test_findings_that_forbid_trust_come_gravest_first() -> None:
    assert [code for code in CATALOGUE if code in VERIFY_FINDINGS] == list(VERIFY_FINDINGS)


@pytest.mark.parametrize("code", ["subscribe_not_authorized", "publish_not_authorized", "subscribe_refused"])
def test_missing_rights_name_the_command_that_prints_the_acl(code: str) -> None:
    assert "mqtt-tls-monitor check-config --acl mosquitto" in entry(code).fix
    for name in ("EMQX", "Mosquitto", "RabbitMQ", "NanoMQ", "NATS"):
        assert name in entry(code).fix


@pytest.mark.parametrize("code", ["chain_ca_first", "certificate_expired", "chain_incomplete", "name_mismatch"])
def test_fix_of_a_served_file_names_each_brokers_key_and_reload(code: str) -> None:
    fix = entry(code).fix
    assert all(name in fix for name in ("EMQX", "Mosquitto", "RabbitMQ", "NanoMQ", "NATS"))
    assert "reload mosquitto" in fix
    assert "nats-server --signal reload" in fix


def test_unknown_code_is_an_error() -> None:
    with pytest.raises(KeyError):
        entry("no_such_code")
