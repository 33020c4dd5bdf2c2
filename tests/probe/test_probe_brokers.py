"""The probe against real brokers: what it must see when they are well, and when they refuse."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from monitor.model.broker import MqttSettings, MqttVersion, Protocol, Secret, TlsVersion
from monitor.model.outcome import Clock, Confidence, Done, Phase, Skipped
from tests.support.brokers import Amqtt, Mosquitto, NatsServer, OpensslServer
from tests.support.pki import TestPki
from tests.support.ports import wait_until
from tests.support.probing import accept_all, assert_success, broker_at, failure, outcome_of, refuse_all, run_probe

VERSIONS = ("1.2", "1.3")


@pytest.mark.parametrize("tls_version", VERSIONS)
async def test_mosquitto_gives_every_fact(pki: TestPki, tmp_path: Path, tls_version: str) -> None:
    with Mosquitto(tmp_path, certificate=pki.server_files, maximum_version=tls_version) as server:
        report = await run_probe(broker_at(server.port))
    assert_success(report)
    assert report.address == "127.0.0.1"
    assert report.tls is not None
    assert report.tls.version == f"TLSv{tls_version}"
    assert report.tls.cipher
    assert report.tls.group
    assert [certificate.der for certificate in report.tls.certificates] == [issued.der for issued in pki.chain]
    assert report.tls.is_complete
    assert report.tls.client_certificate_requested is False
    assert not report.tls.client_certificate_sent
    assert report.tls.alert is None
    assert report.tcp is not None
    assert report.tcp.rtt_s
    # The kernel sends the last segment again where a busy broker is slow to acknowledge it.
    assert report.tcp.retransmitted_segments is not None
    assert report.mqtt is not None
    assert report.mqtt.session_present is False
    assert (report.mqtt.connack_code, report.mqtt.suback_code) == (0, 1)
    for phase in (Phase.MQTT_CONNECT, Phase.SUBSCRIBE, Phase.PUBLISH, Phase.ROUNDTRIP):
        outcome = outcome_of(report, phase)
        assert isinstance(outcome, Done)
        assert outcome.clock is Clock.KERNEL
        assert 0 < outcome.elapsed_s < report.duration_s


@pytest.mark.parametrize("version", MqttVersion)
@pytest.mark.parametrize("qos", [0, 1, 2])
async def test_mosquitto_speaks_every_version_and_qos(mosquitto: Mosquitto, version: MqttVersion, qos: int) -> None:
    report = await run_probe(broker_at(mosquitto.port, mqtt=MqttSettings(version=version, qos=qos)))
    assert_success(report)
    assert report.mqtt is not None
    assert report.mqtt.suback_code == qos
    if version is MqttVersion.V5:
        assert ("ReceiveMaximum", "20") in report.mqtt.connack_properties


async def test_nats_and_amqtt_answer(pki: TestPki, tmp_path: Path) -> None:
    for kind in (NatsServer, Amqtt):
        directory = tmp_path / kind.__name__
        directory.mkdir()
        with kind(directory, certificate=pki.server_files) as server:
            assert_success(await run_probe(broker_at(server.port)))


async def test_versions_a_broker_does_not_speak_have_their_reasons(pki: TestPki, tmp_path: Path) -> None:
    with NatsServer(tmp_path, certificate=pki.server_files) as server:
        v5 = await run_probe(broker_at(server.port, mqtt=MqttSettings(version=MqttVersion.V5)))
        v3_1 = await run_probe(broker_at(server.port, mqtt=MqttSettings(version=MqttVersion.V3_1)))
        qos_2 = await run_probe(broker_at(server.port, mqtt=MqttSettings(qos=2)))
    assert failure(v5).reason == "mqtt_connect_unsupported_protocol_version"
    assert failure(v3_1).reason in {"mqtt_connect_closed", "mqtt_connect_unsupported_protocol_version"}
    assert failure(qos_2).reason == "publish_closed"  # nats 2.9 has no QoS 2


@pytest.mark.parametrize(
    ("kind", "version"),
    [
        (Mosquitto, TlsVersion.V1_2),
        (Mosquitto, TlsVersion.V1_3),
        (NatsServer, TlsVersion.V1_3),  # which it cannot be kept from
    ],
)
async def test_two_way_tls_with_none_a_good_and_a_foreign_certificate(
    pki: TestPki, tmp_path: Path, kind: type[Mosquitto | NatsServer], version: TlsVersion
) -> None:
    with _two_way(kind, tmp_path, pki, version) as server:
        without = await run_probe(broker_at(server.port))
        good = await run_probe(broker_at(server.port, identity=pki.client_identity))
        foreign = await run_probe(broker_at(server.port, identity=pki.foreign_client_identity))
    phase = "mqtt_connect" if version is TlsVersion.V1_3 else "handshake"
    assert failure(without).reason == f"{phase}_client_certificate_required"
    assert without.tls is not None
    assert without.tls.client_certificate_requested
    assert len(without.tls.certificates) == 2
    assert_success(good)
    assert good.tls is not None
    assert good.tls.client_certificate_sent
    assert failure(foreign).reason == f"{phase}_client_certificate_rejected"


def _two_way(
    kind: type[Mosquitto | NatsServer], directory: Path, pki: TestPki, version: TlsVersion
) -> Mosquitto | NatsServer:
    if kind is Mosquitto:
        return Mosquitto(
            directory, certificate=pki.server_files, client_ca=pki.client_ca_file, maximum_version=version.value
        )
    return NatsServer(directory, certificate=pki.server_files, client_ca=pki.client_ca_file)


@pytest.mark.parametrize("tls_version", VERSIONS)
async def test_no_secret_leaves_before_the_broker_is_accepted(pki: TestPki, tmp_path: Path, tls_version: str) -> None:
    with Mosquitto(
        tmp_path, certificate=pki.server_files, client_ca=pki.client_ca_file, maximum_version=tls_version
    ) as server:
        mqtt = MqttSettings(username="monitor", password=Secret(b"marked-password"))
        report = await run_probe(broker_at(server.port, identity=pki.client_identity, mqtt=mqtt), refuse_all)
        log = server.log
    assert failure(report).reason == "verify_chain_untrusted"
    assert report.tls is not None
    assert report.tls.client_certificate_requested
    assert not report.tls.client_certificate_sent
    assert not report.tls.is_complete
    assert len(report.tls.certificates) == 2
    assert "New client connected" not in log
    assert outcome_of(report, Phase.MQTT_CONNECT) == Skipped(blocked_by=Phase.VERIFY)
    if tls_version == "1.2":
        assert outcome_of(report, Phase.HANDSHAKE) == Skipped(blocked_by=Phase.VERIFY)


async def test_a_refused_broker_without_client_certificate_logs_no_error(mosquitto: Mosquitto) -> None:
    before = len(mosquitto.log)
    for _ in range(10):
        assert failure(await run_probe(broker_at(mosquitto.port), refuse_all)).reason == "verify_chain_untrusted"
    assert_success(await run_probe(broker_at(mosquitto.port)))  # its lines come after all of theirs
    assert not re.search("(?i)error", mosquitto.log[before:])


async def test_a_hundred_probes_leave_nothing_in_the_broker_and_no_error_in_its_log(mosquitto: Mosquitto) -> None:
    before = len(mosquitto.log)
    for _ in range(100):
        assert_success(await run_probe(broker_at(mosquitto.port)))
    wait_until(lambda: mosquitto.log[before:].count("Received DISCONNECT") >= 100, "every goodbye in the log")
    log = mosquitto.log[before:]
    assert not re.search("(?i)error|timeout|protocol", log)
    assert log.count("New client connected") == 100
    assert log.count("Received DISCONNECT") == 100
    assert len(set(re.findall(r"as (\S+) \(p2, c1", log))) == 100  # every session clean, every client id its own


async def test_probes_at_the_same_time_do_not_disturb_each_other(mosquitto: Mosquitto) -> None:
    reports = await asyncio.gather(*(run_probe(broker_at(mosquitto.port)) for _ in range(20)))
    for report in reports:
        assert_success(report)
        assert report.mqtt is not None
        assert (report.mqtt.foreign_messages, report.mqtt.duplicates) == (0, 0)


async def test_password_is_needed_right_or_wrong(pki: TestPki, tmp_path: Path) -> None:
    with Mosquitto(tmp_path, certificate=pki.server_files, users={"monitor": "right"}) as server:

        async def reason(password: str, version: MqttVersion) -> str | None:
            mqtt = MqttSettings(username="monitor", password=Secret(password.encode()), version=version)
            report = await run_probe(broker_at(server.port, mqtt=mqtt))
            return None if report.success else failure(report).reason

        assert await reason("right", MqttVersion.V3_1_1) is None
        assert await reason("right", MqttVersion.V5) is None
        assert await reason("wrong", MqttVersion.V3_1_1) == "mqtt_connect_not_authorized"
        assert await reason("wrong", MqttVersion.V5) == "mqtt_connect_not_authorized"


@pytest.mark.parametrize(
    ("acl", "version", "reason"),
    [
        ("topic read #", MqttVersion.V5, "publish_not_authorized"),
        # MQTT 3.1.1 cannot say no to a PUBLISH, and mosquitto grants subscriptions whatever its acl_file says:
        # all that is seen is that nothing comes back.
        ("topic read #", MqttVersion.V3_1_1, "roundtrip_timeout"),
        ("topic write #", MqttVersion.V5, "roundtrip_timeout"),
    ],
)
async def test_acl_that_forbids_the_topic_is_told(
    pki: TestPki, tmp_path: Path, acl: str, version: MqttVersion, reason: str
) -> None:
    with Mosquitto(tmp_path, certificate=pki.server_files, acl=[acl]) as server:
        timeout_s = 1.0 if reason.endswith("timeout") else 10.0
        report = await run_probe(broker_at(server.port, mqtt=MqttSettings(version=version), timeout_s=timeout_s))
    assert failure(report).reason == reason


async def test_a_blocked_broker_times_out_and_comes_back(mosquitto: Mosquitto) -> None:
    mosquitto.pause()
    try:
        report = await run_probe(broker_at(mosquitto.port, timeout_s=1.0))
    finally:
        mosquitto.resume()
    # The kernel still accepts for it: TCP is fine, TLS is not.
    assert failure(report).reason == "handshake_timeout"
    assert isinstance(outcome_of(report, Phase.CONNECT), Done)
    assert_success(await run_probe(broker_at(mosquitto.port)))


async def test_a_stopped_broker_is_refused_and_comes_back(mosquitto: Mosquitto) -> None:
    mosquitto.stop()
    assert failure(await run_probe(broker_at(mosquitto.port))).reason == "connect_refused"
    mosquitto.start()
    assert_success(await run_probe(broker_at(mosquitto.port)))


async def test_names_resolve_as_the_system_does(pki: TestPki, tmp_path: Path) -> None:
    with Mosquitto(tmp_path, certificate=pki.server_files, host="127.0.0.1") as server:
        # Where localhost is ::1 first, nobody listens there, and the next address is tried.
        assert_success(await run_probe(broker_at(server.port, host="localhost")))


async def test_ipv6_literal_is_connected_to(pki: TestPki, tmp_path: Path) -> None:
    with Mosquitto(tmp_path, certificate=pki.server_files, host="::1") as server:
        report = await run_probe(broker_at(server.port, host="::1", server_name="::1"))
    assert_success(report)
    assert report.address == "::1"


async def test_tls_without_mqtt_is_enough_for_protocol_tls(pki: TestPki, tmp_path: Path) -> None:
    with OpensslServer(tmp_path, certificate=pki.server_files) as server:
        report = await run_probe(broker_at(server.port, protocol=Protocol.TLS))
        assert_success(report)
        assert [entry.phase for entry in report.phases][-1] is Phase.VERIFY
        # s_server prints what a client sends and answers nothing.
        assert failure(await run_probe(broker_at(server.port, timeout_s=1.0))).reason == "mqtt_connect_timeout"


async def test_http_behind_tls_is_not_mqtt(pki: TestPki, tmp_path: Path) -> None:
    with OpensslServer(tmp_path, certificate=pki.server_files, options=("-www",)) as server:
        report = await run_probe(broker_at(server.port, timeout_s=2.0))
    assert failure(report).reason in {"mqtt_connect_malformed", "mqtt_connect_timeout", "mqtt_connect_closed"}


async def test_alpn_is_negotiated_or_refused(pki: TestPki, tmp_path: Path) -> None:
    with OpensslServer(tmp_path, certificate=pki.server_files, options=("-alpn", "mqtt")) as server:
        agreed = await run_probe(broker_at(server.port, alpn=("mqtt",), protocol=Protocol.TLS))
        refused = await run_probe(broker_at(server.port, alpn=("x-amzn-mqtt-ca",), protocol=Protocol.TLS))
    assert_success(agreed)
    assert agreed.tls is not None
    assert agreed.tls.alpn == "mqtt"
    assert failure(refused).reason == "handshake_alert_no_application_protocol"


async def test_a_name_unknown_to_the_server_is_told(pki: TestPki, tmp_path: Path) -> None:
    other = ("-cert2", str(pki.server_files.leaf), "-key2", str(pki.server_files.key))
    options = ("-servername", "broker.example", "-servername_fatal", *other)
    with OpensslServer(tmp_path, certificate=pki.server_files, options=options) as server:
        known = await run_probe(broker_at(server.port, server_name="broker.example", protocol=Protocol.TLS))
        unknown = await run_probe(broker_at(server.port, server_name="localhost", protocol=Protocol.TLS))
    assert_success(known)
    assert failure(unknown).reason == "handshake_alert_unrecognized_name"


async def test_versions_that_do_not_meet_are_told_by_either_side(pki: TestPki, tmp_path: Path) -> None:
    with Mosquitto(tmp_path, certificate=pki.server_files, maximum_version="1.2") as server:
        report = await run_probe(broker_at(server.port, minimum_version=TlsVersion.V1_3))
    assert failure(report).reason == "handshake_alert_protocol_version"


async def test_old_versions_are_seen_where_they_are_allowed(pki: TestPki, tmp_path: Path) -> None:
    options = ("-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
    with OpensslServer(tmp_path, certificate=pki.server_files, options=options) as server:
        refused = await run_probe(broker_at(server.port, protocol=Protocol.TLS))
        allowed = broker_at(server.port, protocol=Protocol.TLS, minimum_version=TlsVersion.V1_0)
        seen = await run_probe(allowed)
    assert failure(refused).reason == "handshake_alert_protocol_version"
    assert_success(seen)
    assert seen.tls is not None
    assert seen.tls.version == "TLSv1.1"


async def test_the_stapled_response_is_kept(pki: TestPki, tmp_path: Path) -> None:
    staple = tmp_path / "staple.der"
    staple.write_bytes(b"\x30\x03\x0a\x01\x06")  # OCSPResponse: unauthorized (RFC 6960 4.2.1)
    directory = tmp_path / "server"
    directory.mkdir()
    with OpensslServer(directory, certificate=pki.server_files, options=("-status_file", str(staple))) as server:
        report = await run_probe(broker_at(server.port, protocol=Protocol.TLS))
    assert report.tls is not None
    assert report.tls.ocsp_response == staple.read_bytes()


async def test_inferred_reasons_say_so(pki: TestPki, tmp_path: Path) -> None:
    with Mosquitto(
        tmp_path, certificate=pki.server_files, client_ca=pki.client_ca_file, maximum_version="1.2"
    ) as server:
        outcome = failure(await run_probe(broker_at(server.port), accept_all))
    assert outcome.reason == "handshake_client_certificate_required"
    assert outcome.confidence is Confidence.INFERRED
