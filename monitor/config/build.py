"""From a broker's options to its record: what only shows when all its settings and their files are seen together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from monitor.config.certificate_files import certificate_files
from monitor.config.credentials import Credentials
from monitor.config.crls import CrlFiles
from monitor.config.durations import write_duration
from monitor.config.files import Files
from monitor.config.hosts import without_scope
from monitor.config.merge import PASSWORD_KEYS, merged
from monitor.config.problems import Place, Problems
from monitor.config.refusals import complain
from monitor.config.schema import BrokerOptions, DefaultOptions, TrustChoice
from monitor.config.scope import Scope
from monitor.config.text import quoted
from monitor.config.topics import fits
from monitor.config.trust import SYSTEM, TrustStore, described
from monitor.model.broker import (
    LONGEST_V3_1_PREFIX_BYTES,
    Broker,
    FetchSettings,
    MqttSettings,
    MqttVersion,
    Policy,
    Protocol,
    RefusalSettings,
    Secret,
    TlsSettings,
    Trust,
    TrustProfile,
)


@dataclass(slots=True, kw_only=True)
class Builder:
    """Builds the brokers of one load; what they share is read once."""

    problems: Problems
    files: Files
    trusts: TrustStore
    crls: CrlFiles
    credentials: Credentials

    def broker(self, own: BrokerOptions, shared: DefaultOptions, scope: Scope) -> Broker | None:
        """Return the record, or None after a problem that leaves none."""
        options = merged(own, shared)
        for key, what in (("name", "a name"), ("host", "a host name or an IP address")):
            if getattr(options, key) is None and scope.is_sound(key):
                self.problems.add(scope.place(key), f"expected {what}, found nothing")
        self._check_times(options, scope)
        trust = self._trust(options, scope)
        trust_profiles = tuple(self._trust_profiles(options, scope))
        identity = self.credentials.identity(options, scope)
        mqtt = self._mqtt(own, options, scope)
        files = certificate_files(options, scope, self.files, self.problems)
        refusals = self._refusals(options, scope)
        if options.name is None or options.host is None or trust is None:
            return None
        return Broker(
            name=options.name,
            host=options.host,
            port=options.port,
            addresses=options.addresses,
            protocol=options.protocol,
            interval_s=options.interval,
            timeout_s=options.timeout,
            labels=tuple(sorted(options.labels.items())),
            tls=TlsSettings(
                trust=trust,
                server_name=options.tls.server_name or without_scope(options.host),
                client_identity=identity,
                minimum_version=options.tls.minimum_version,
                alpn=options.tls.alpn,
                trust_profiles=trust_profiles,
                crl_files=self._crl_files(options, scope),
            ),
            mqtt=mqtt,
            policy=Policy(
                expiry_warning_s=options.expiry.warning,
                expiry_critical_s=options.expiry.critical,
                remarks=options.remarks,
            ),
            files=files,
            refusals=refusals,
            scan_interval_s=options.scan.interval,
            fetch=FetchSettings(
                what=options.revocation.fetch,
                allowed=frozenset(options.revocation.allow),
                refresh_s=options.revocation.refresh,
            ),
        )

    def _check_times(self, options: BrokerOptions, scope: Scope) -> None:
        interval, timeout = options.interval, options.timeout
        if interval < timeout and scope.is_sound("interval") and scope.is_sound("timeout"):
            place = scope.place("interval" if "interval" in options.model_fields_set else "timeout")
            expected = f"expected an interval not shorter than the timeout ({write_duration(timeout)})"
            self.problems.add(place, f"{expected}, found an interval of {write_duration(interval)}")
        warning, critical = options.expiry.warning, options.expiry.critical
        if warning < critical and scope.is_sound("expiry", "warning") and scope.is_sound("expiry", "critical"):
            key = "warning" if "warning" in options.expiry.model_fields_set else "critical"
            expected = f"expected expiry.warning not shorter than expiry.critical ({write_duration(critical)})"
            self.problems.add(scope.place("expiry", key), f"{expected}, found {write_duration(warning)}")

    def _trust(self, options: BrokerOptions, scope: Scope) -> Trust | None:
        if not scope.is_sound("tls", "trust") or not scope.is_sound("tls", "ca_file"):
            return None
        tls = options.tls
        choice = tls.trust or (TrustChoice.CA_FILE if tls.ca_file is not None else TrustChoice.SYSTEM)
        if choice is TrustChoice.SYSTEM:
            # `trust: system` on a broker overrules a shared CA file; any other pair of the two contradicts itself.
            if tls.ca_file is not None and (scope.is_own("tls", "ca_file") or not scope.is_own("tls", "trust")):
                expected = "expected trust: ca_file or trust: both beside a ca_file, found trust: system"
                self.problems.add(scope.place("tls", "trust"), expected)
            return self._read_trust(scope.place("tls", "trust"), "a system trust store", system=True, ca_file=None)
        if tls.ca_file is None:
            expected = f"expected a ca_file for trust: {choice.value}, found none"
            self.problems.add(scope.place("tls", "trust"), expected)
            return None
        path = self.files.path(tls.ca_file)
        both = choice is TrustChoice.BOTH
        if both:
            self._read_trust(scope.place("tls", "trust"), "a system trust store", system=True, ca_file=None)
        return self._read_trust(scope.place("tls", "ca_file"), described(path), system=both, ca_file=path)

    def _trust_profiles(self, options: BrokerOptions, scope: Scope) -> Iterator[TrustProfile]:
        for name, source in sorted(options.tls.trust_profiles.items()):
            place = scope.place("tls", "trust_profiles", name)
            if source == SYSTEM:
                trust = self._read_trust(place, "a system trust store", system=True, ca_file=None)
            else:
                path = self.files.path(source)
                trust = self._read_trust(place, described(path), system=False, ca_file=path)
            if trust is not None:
                yield TrustProfile(name=name, trust=trust)

    def _crl_files(self, options: BrokerOptions, scope: Scope) -> tuple[str, ...]:
        paths = tuple(str(self.files.path(path)) for path in options.tls.crl_files)
        for file in self.crls.look(paths):
            # No error: these files come and go, and a monitor that does not start tells nothing of it.
            if file.problem is not None:
                expected = f"expected lists of revoked certificates in {quoted(file.path)}, found {file.problem}"
                self.problems.warn(scope.place("tls", "crl_files"), expected)
        return paths

    def _read_trust(self, place: Place, expected: str, *, system: bool, ca_file: Path | None) -> Trust | None:
        try:
            return self.trusts.trust(system=system, ca_file=ca_file)
        except ValueError as error:
            self.problems.add(place, f"expected {expected}, found {error}")
            return None

    def _mqtt(self, own: BrokerOptions, options: BrokerOptions, scope: Scope) -> MqttSettings:
        mqtt = options.mqtt
        if options.protocol is not Protocol.MQTT:
            if own.mqtt.model_fields_set:
                message = "expected no mqtt settings beside protocol: tls, found some; they have no effect"
                self.problems.warn(scope.place("mqtt"), message)
            return MqttSettings()
        password = self.credentials.password(options, scope)
        if password is not None and mqtt.username is None and mqtt.version is not MqttVersion.V5:
            # MQTT-3.1.2-22; the password may be well and the user name a problem of its own.
            key = next(key for key in PASSWORD_KEYS if getattr(mqtt, key) is not None)
            if scope.is_sound("mqtt", "username") and scope.is_sound("mqtt", "version"):
                expected = f"expected a username beside a password (MQTT {mqtt.version.value} needs one), found none"
                self.problems.add(scope.place("mqtt", key), expected)
        if mqtt.version is MqttVersion.V3_1 and len(mqtt.client_id_prefix) > LONGEST_V3_1_PREFIX_BYTES:
            most = f"at most {LONGEST_V3_1_PREFIX_BYTES} characters, as MQTT 3.1 limits client ids to 23 bytes"
            message = f"expected {most}, found {quoted(mqtt.client_id_prefix)}"
            self.problems.add(scope.place("mqtt", "client_id_prefix"), message)
        if not fits(mqtt.topic, mqtt.client_id_prefix):
            expected = "expected a topic of at most 65535 bytes when its placeholders are filled, found a longer one"
            self.problems.add(scope.place("mqtt", "topic"), expected)
        return MqttSettings(
            version=mqtt.version,
            client_id_prefix=mqtt.client_id_prefix,
            username=mqtt.username,
            password=None if password is None else Secret(password),
            topic=mqtt.topic,
            qos=mqtt.qos,
        )

    def _refusals(self, options: BrokerOptions, scope: Scope) -> RefusalSettings:
        expired = self.credentials.expired_identity(options, scope)
        complain(options, scope, self.problems)
        return RefusalSettings(
            checks=tuple(dict.fromkeys(options.refusals.checks)),
            interval_s=options.refusals.interval,
            expired_identity=expired,
            forbidden_subscribe=options.refusals.forbidden_subscribe,
            forbidden_publish=options.refusals.forbidden_publish,
            plain_port=options.refusals.plain_port,
        )


def check_unique_names(brokers: Iterable[tuple[BrokerOptions, Scope]], problems: Problems) -> None:
    """Note every broker that has the name of an earlier one."""
    first: dict[str, Place] = {}
    for options, scope in brokers:
        if options.name is None:
            continue
        place = scope.place("name")
        earlier = first.setdefault(options.name, place)
        if earlier is not place:
            expected = f"expected a name of its own, found {quoted(options.name)} again"
            problems.add(place, f"{expected} (first on line {earlier.line})")
