"""RabbitMQ with its MQTT plugin: MQTT 3.1 and 3.1.1, Erlang's TLS stack. A node of its own, wherever it runs."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.brokers import TlsServerProcess
from tests.support.pki import CertificateFiles
from tests.support.ports import free_port, wait_until
from tests.support.processes import ServerProcess, tool

USER, PASSWORD = "monitor", "right"

# Debian's /usr/sbin/rabbitmq-server and rabbitmqctl become the user rabbitmq, who may not read a test's files.
_PROGRAMS = Path("/usr/lib/rabbitmq/bin")
_START_PATIENCE_S = 90.0
"""Ten seconds on an idle machine, most of them spent in waiting for other nodes of a cluster."""
_STARTED = "Server startup complete"
_LOOPBACK = "127.0.0.1"
_COLOUR = re.compile("\x1b\\[[0-9;]*m")
_LINE = re.compile(r"(?m)^(\S+ \S+) \[(\w+)\] (<[\d.]+>) (.*)$")


class Epmd(ServerProcess):
    """Erlang's port mapper. RabbitMQ would start one that outlives it; this one is ended."""

    def command(self) -> Sequence[str]:
        """Run in the foreground."""
        return (tool("epmd"), "-port", str(self.port), "-address", self.host)


class RabbitMq(TlsServerProcess):
    """One node without AMQP. Anonymous MQTT clients are `USER`; others need `USER` and `PASSWORD`."""

    def __init__(
        self,
        directory: Path,
        *,
        certificate: CertificateFiles,
        ca_file: Path | None = None,
        demands_client_certificate: bool = False,
        tls_version: str = "1.3",
        extra: Sequence[str] = (),
    ) -> None:
        """Describe the MQTT listener.

        Args:
            directory: for its files, its database and its cookie.
            certificate: what it serves. Where the file holds a leaf alone, Erlang adds what `ca_file` has above it.
            ca_file: PEM of the CAs whose client certificates it accepts.
            demands_client_certificate: it refuses clients without one.
            tls_version: the only one it speaks, unless `extra` names more.
            extra: further lines of rabbitmq.conf.
        """
        super().__init__(directory, certificate=certificate)
        self._ca_file = ca_file
        self._demands_client_certificate = demands_client_certificate
        self.tls_version = tls_version
        self._extra = tuple(extra)
        self._distribution_port = free_port()
        self._epmd = Epmd(directory / "epmd")

    def command(self) -> Sequence[str]:
        """Write rabbitmq.conf and enabled_plugins."""
        lines = [
            "listeners.tcp = none",
            "log.console = true",
            "log.console.level = info",
            "log.file = false",
            f"default_user = {USER}",
            f"default_pass = {PASSWORD}",
            f"mqtt.default_user = {USER}",
            f"mqtt.default_pass = {PASSWORD}",
            "mqtt.listeners.tcp = none",
            f"mqtt.listeners.ssl.1 = {self.host}:{self.port}",
            f"ssl_options.certfile = {self.certfile}",
            f"ssl_options.keyfile = {self.keyfile}",
            f"ssl_options.versions.1 = tlsv{self.tls_version}",
        ]
        if self._ca_file is not None:
            lines.append(f"ssl_options.cacertfile = {self._ca_file}")
        if self._demands_client_certificate:
            lines += ["ssl_options.verify = verify_peer", "ssl_options.fail_if_no_peer_cert = true"]
        (self.directory / "rabbitmq.conf").write_text("\n".join((*lines, *self._extra)) + "\n")
        (self.directory / "enabled_plugins").write_text("[rabbitmq_mqtt].\n")
        return (str(_PROGRAMS / "rabbitmq-server"),)

    def environment(self) -> Mapping[str, str]:
        """Keep it away from the machine's own node: name, files, cookie, port mapper."""
        at = self.directory
        return {
            "HOME": str(at),
            "ERL_EPMD_PORT": str(self._epmd.port),
            "ERL_EPMD_ADDRESS": _LOOPBACK,
            "RABBITMQ_NODENAME": f"test{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "RABBITMQ_CONF_ENV_FILE": str(at / "rabbitmq-env.conf"),
            "RABBITMQ_CONFIG_FILE": str(at / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(at / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(at / "enabled_plugins"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(at / "generated"),
            "RABBITMQ_SCHEMA_DIR": str(at / "schema"),
            "RABBITMQ_MNESIA_BASE": str(at / "mnesia"),
            "RABBITMQ_LOG_BASE": str(at / "logs"),
            "RABBITMQ_PID_FILE": str(at / "pid"),
            # Its script becomes the Erlang machine instead of waiting for it, so that the process id is the node's.
            "RUNNING_UNDER_SYSTEMD": "true",
        }

    def is_up(self) -> bool:
        """Under way: the rest is awaited by `start`, with more patience."""
        return bool(self.log)

    def start(self) -> None:
        """Start port mapper and node, and return when the node is past the last line of its start.

        Raises:
            RuntimeError: the node ended instead; the message holds its log.
        """
        before = len(self.log)
        self._epmd.start()
        try:
            super().start()
            wait_until(
                lambda: self._has_ended or _STARTED in self.log[before:],
                f"{_STARTED!r} in {self.log_path}",
                timeout_s=_START_PATIENCE_S,
            )
        except BaseException:
            self.stop()
            raise
        if self._has_ended:
            self.stop()
            raise RuntimeError(f"RabbitMQ ended:\n{self.log[before:]}")

    @property
    def _has_ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def stop(self) -> None:
        """End node and port mapper."""
        super().stop()
        self._epmd.stop()

    def welcomes(self, after: int = 0) -> int:
        """Return how many MQTT clients it accepted, by its log behind the first `after` characters."""
        return self.log[after:].count("accepting MQTT connection")

    def goodbyes(self, after: int = 0) -> int:
        """Return how many of them sent DISCONNECT."""
        return self.log[after:].count("closing MQTT connection")

    def complaints(self, after: int = 0) -> list[str]:
        """Return the entries of its log that are graver than `info`, each with all its lines."""
        entries: dict[tuple[str, str], str] = {}
        for moment, level, process, text in _LINE.findall(_COLOUR.sub("", self.log[after:])):
            if level != "info":
                entries[moment, process] = entries.get((moment, process), level) + "\n" + text
        return list(entries.values())

    def queues(self) -> list[str]:
        """Return the names of all queues; an MQTT subscription is one or two."""
        return [str(entry["name"]) for entry in self._list("list_queues", "name")]

    def mqtt_clients(self) -> list[str]:
        """Return the client ids of all MQTT connections."""
        return [str(entry["client_id"]) for entry in self._list("list_mqtt_connections", "client_id")]

    def _list(self, *command: str) -> list[dict[str, object]]:
        done = subprocess.run(
            [str(_PROGRAMS / "rabbitmqctl"), "--quiet", "--formatter", "json", *command],
            env={**os.environ, **self.environment()},
            check=True,
            capture_output=True,
        )
        entries: list[dict[str, object]] = json.loads(done.stdout)
        return entries
