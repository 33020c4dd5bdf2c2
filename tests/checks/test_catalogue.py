"""The table of words covers every code, and reads well everywhere."""

from __future__ import annotations

import re

import pytest

from monitor.checks.catalogue import CATALOGUE, entry
from monitor.checks.words.certificates import FINDINGS
from monitor.checks.words.entry import Entry
from monitor.checks.words.hints import ACL
from monitor.model.judgement import Severity
from monitor.model.reasons import REASONS, VERIFY_FINDINGS

ENTRIES = list(CATALOGUE.values())
BROKERS = ("EMQX", "Mosquitto", "RabbitMQ", "NanoMQ", "NATS")


def test_table_holds_every_reason_and_every_finding_and_nothing_else() -> None:
    assert set(CATALOGUE) == REASONS | {each.code for each in FINDINGS}


def test_no_code_is_explained_twice() -> None:
    codes = [each.code for each in FINDINGS]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("each", ENTRIES, ids=lambda each: each.code)
def test_entry_reads_as_sentences(each: Entry) -> None:
    assert re.fullmatch(r"[A-Z].*[^.\s]", each.title), "a title is a sentence without its full stop"
    assert len(each.title) <= 110
    for words in (each.meaning, each.advice.text):
        assert re.match(r"[A-Z`]", words)
        assert words.endswith((".", "?"))
        assert len(words) >= 40
        reads_well(words)


@pytest.mark.parametrize("each", ENTRIES, ids=lambda each: each.code)
def test_what_to_do_names_no_password_in_the_configuration(each: Entry) -> None:
    """It is never written there: the key is refused."""
    assert "`password`" not in each.advice.text


@pytest.mark.parametrize("each", ENTRIES, ids=lambda each: each.code)
def test_what_to_do_names_no_kind_of_broker_in_passing(each: Entry) -> None:
    without_commands = re.sub(r"`[^`]*`", "", each.advice.text)
    named = [broker for broker in ("Mosquitto", "RabbitMQ", "NanoMQ", "NATS") if broker in without_commands]
    assert named == [] or each.code.endswith("unknown_psk_identity")


def test_hints_are_captions_that_fit_a_line_and_one_line_for_each_kind_of_broker() -> None:
    for block in {block for each in ENTRIES for block in each.advice.hints}:
        assert re.fullmatch(r"[A-Z].*[^.:\s]", block.caption)
        assert len(block.caption) <= 70
        brokers = [broker for broker, _ in block.by_broker]
        assert brokers == [broker for broker in BROKERS if broker in brokers]
        for _, said in block.by_broker:
            assert said.endswith(".")
            reads_well(said)


def reads_well(words: str) -> None:
    assert "  " not in words
    assert "\n" not in words
    assert not re.search(r"\.\.(?!\.)(?<!\.\.\.)|[{]\w+[}]", words.replace("{ ... }", "").replace("{id}/{nonce}", ""))
    assert words.count("`") % 2 == 0


@pytest.mark.parametrize("code", sorted(REASONS))
def test_every_reason_is_critical(code: str) -> None:
    assert entry(code).severity is Severity.CRITICAL


def test_reason_of_verify_says_what_its_finding_says() -> None:
    for code in VERIFY_FINDINGS:
        assert entry(f"verify_{code}").advice == entry(code).advice


def test_findings_that_forbid_trust_come_gravest_first() -> None:
    assert [code for code in CATALOGUE if code in VERIFY_FINDINGS] == list(VERIFY_FINDINGS)


@pytest.mark.parametrize(
    "code", ["subscribe_not_authorized", "publish_not_authorized", "subscribe_refused", "roundtrip_timeout"]
)
def test_missing_rights_name_reading_writing_and_the_command_that_prints_the_acl(code: str) -> None:
    text = entry(code).advice.text
    assert "read (subscribe)" in text
    assert "write (publish)" in text
    assert "mqtt-tls-monitor check-config --acl mosquitto" in text
    assert entry(code).advice.hints[0] == ACL


@pytest.mark.parametrize("code", ["chain_ca_first", "certificate_expired", "chain_incomplete", "name_mismatch"])
def test_fix_of_a_served_file_names_each_brokers_key_and_reload(code: str) -> None:
    (files,) = entry(code).advice.hints
    hints = dict(files.by_broker)
    assert tuple(hints) == BROKERS
    assert "reload mosquitto" in hints["Mosquitto"]
    assert "nats-server --signal reload" in hints["NATS"]


@pytest.mark.parametrize("code", ["handshake_closed", "handshake_reset", "handshake_timeout"])
def test_handshake_that_came_to_nothing_makes_one_doubt_the_port_first(code: str) -> None:
    assert entry(code).advice.text.startswith("Is this a TLS port at all (TLS is mostly on 8883, plain MQTT on 1883)?")
    assert "load balancer" in entry(code).advice.text


def test_unknown_code_is_an_error() -> None:
    with pytest.raises(KeyError):
        entry("no_such_code")
