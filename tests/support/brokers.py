"""Real servers on loopback: mosquitto, nats-server, amqtt, and `openssl s_server` with no MQTT behind it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml
from argon2 import PasswordHasher

from tests.support.pki import CertificateFiles
from tests.support.processes import ServerProcess, tool

PEM_END = "-----END CERTIFICATE-----\n"


class TlsServerProcess(ServerProcess):
    """A server with a certificate of its own copy, so that a test can replace it under the running server."""

    def __init__(self, directory: Path, *, certificate: CertificateFiles, host: str = "127.0.0.1") -> None:
        super().__init__(directory, host=host)
        self.certfile = directory / "served.chain.pem"
        self.keyfile = directory / "served.key"
        self.replace_certificate(certificate)

    def replace_certificate(self, certificate: CertificateFiles) -> None:
        """Put another chain and key where the server reads them. It serves them when it reads them again."""
        for source, target in ((certificate.chain, self.certfile), (certificate.key, self.keyfile)):
            fresh = target.with_suffix(".new")
            fresh.write_bytes(source.read_bytes())
            # mosquitto, started by root, gives up root's rights and must still be able to read it on reload.
            fresh.chmod(0o644)
            fresh.replace(target)


class Mosquitto(TlsServerProcess):
    """Debian's mosquitto: MQTT 3.1, 3.1.1 and 5, OpenSSL."""

    def __init__(
        self,
        directory: Path,
        *,
        certificate: CertificateFiles,
        host: str = "127.0.0.1",
        client_ca: Path | None = None,
        minimum_version: str = "1.2",
        maximum_version: str = "1.3",
        users: Mapping[str, str] | None = None,
        acl: Sequence[str] | None = None,
        extra: Sequence[str] = (),
    ) -> None:
        """Describe the listener.

        Args:
            directory: for its files.
            certificate: what it serves.
            host: an IP literal, v4 or v6.
            client_ca: PEM of the CAs whose client certificates are demanded; None for one-way TLS.
            minimum_version: `1.2` or `1.3`, likewise `maximum_version`.
            maximum_version: mosquitto itself knows none; OpenSSL's configuration file does.
            users: names and passwords; None lets anonymous clients in.
            acl: lines of an acl_file; None allows everything.
            extra: further lines of mosquitto.conf.
        """
        super().__init__(directory, certificate=certificate, host=host)
        self._client_ca = client_ca
        self._versions = (minimum_version, maximum_version)
        self._users = users
        self._acl = acl
        self._extra = tuple(extra)

    def command(self) -> Sequence[str]:
        """Write mosquitto.conf and what it names."""
        lines = [
            "log_type all",
            "log_dest stderr",  # standard output would be held back in a buffer
            "log_timestamp_format %Y-%m-%dT%H:%M:%S",
            f"listener {self.port} {self.host}",
            f"certfile {self.certfile}",
            f"keyfile {self.keyfile}",
            f"tls_version tlsv{self._versions[0]}",
            f"allow_anonymous {'true' if self._users is None else 'false'}",
        ]
        if os.geteuid() == 0:
            lines.append("user root")  # files of a test belong to who runs it
        if self._client_ca is not None:
            lines += [f"cafile {self._client_ca}", "require_certificate true"]
        if self._users is not None:
            lines.append(f"password_file {self._password_file(self._users)}")
        if self._acl is not None:
            acl_file = self.directory / "acl"
            acl_file.write_text("\n".join(self._acl) + "\n")
            acl_file.chmod(0o600)
            lines.append(f"acl_file {acl_file}")
        config = self.directory / "mosquitto.conf"
        config.write_text("\n".join((*lines, *self._extra)) + "\n")
        return (tool("mosquitto"), "-c", str(config))

    def environment(self) -> Mapping[str, str]:
        """Cap the TLS version by OpenSSL's own configuration."""
        config = self.directory / "openssl.cnf"
        config.write_text(
            "openssl_conf = top\n[top]\nssl_conf = ssl\n[ssl]\nsystem_default = defaults\n"
            f"[defaults]\nMaxProtocol = TLSv{self._versions[1]}\n"
        )
        return {"OPENSSL_CONF": str(config)}

    def is_up(self) -> bool:
        """Listening, and past the last line of its start."""
        return super().is_up() and " running\n" in self.log.rpartition(" starting\n")[2]

    def reload(self) -> None:
        """Make it read certificates, passwords and ACL again (SIGHUP), and return when it has begun to."""
        before = len(self.log)
        os.kill(self.pid, signal.SIGHUP)
        self.wait_for_log("Reloading config", after=before)

    def _password_file(self, users: Mapping[str, str]) -> Path:
        path = self.directory / "passwd"
        path.write_text("".join(f"{name}:{password}\n" for name, password in users.items()))
        path.chmod(0o600)
        subprocess.run([tool("mosquitto_passwd"), "-U", str(path)], check=True, capture_output=True)
        return path


class NatsServer(TlsServerProcess):
    """Debian's nats-server: MQTT 3.1.1, Go's TLS. `port` is its MQTT listener."""

    def __init__(
        self,
        directory: Path,
        *,
        certificate: CertificateFiles,
        host: str = "127.0.0.1",
        client_ca: Path | None = None,
        users: Mapping[str, str] | None = None,
        forbidden: str | None = None,
        cipher_suites: Sequence[str] = (),
    ) -> None:
        """Describe the MQTT listener; see `Mosquitto`.

        `forbidden` is a subject that no user may use. Go knows RC4 and 3DES, where `cipher_suites` names them.
        """
        super().__init__(directory, certificate=certificate, host=host)
        self._client_ca = client_ca
        self._users = users
        self._forbidden = forbidden
        self._cipher_suites = tuple(cipher_suites)

    def command(self) -> Sequence[str]:
        """Write nats.conf."""
        tls = [f'cert_file: "{self.certfile}"', f'key_file: "{self.keyfile}"']
        if self._client_ca is not None:
            tls += [f'ca_file: "{self._client_ca}"', "verify: true"]
        if self._cipher_suites:
            tls.append(f"cipher_suites: {json.dumps(self._cipher_suites)}")
        users = "" if self._users is None else _nats_users(self._users, self._forbidden)
        config = self.directory / "nats.conf"
        config.write_text(
            'listen: "127.0.0.1:-1"\n'  # its own protocol, on a port it picks
            "server_name: test\n"
            f'jetstream {{ store_dir: "{self.directory / "jetstream"}" }}\n'
            f"{users}"
            f'mqtt {{\n  host: "{self.host}"\n  port: {self.port}\n  tls {{ {", ".join(tls)} }}\n}}\n'
        )
        return (tool("nats-server"), "-c", str(config))

    def is_up(self) -> bool:
        """Listening, and past the last line of its start."""
        return super().is_up() and "Server is ready" in self.log.rpartition("Starting nats-server")[2]

    def reload(self) -> None:
        """Make it read its certificate again (SIGHUP)."""
        before = len(self.log)
        os.kill(self.pid, signal.SIGHUP)
        self.wait_for_log("Reloaded server configuration", after=before)


def _nats_users(users: Mapping[str, str], forbidden: str | None) -> str:
    entries = ", ".join(f'{{ user: "{name}", password: "{password}" }}' for name, password in users.items())
    rule = f'{{ deny: "{forbidden}" }}'
    rules = "" if forbidden is None else f"default_permissions: {{ publish: {rule}, subscribe: {rule} }}, "
    return f"authorization {{ {rules}users: [{entries}] }}\n"


class Amqtt(TlsServerProcess):
    """amqtt from PyPI: MQTT 3.1.1, Python's ssl. It cannot demand client certificates."""

    def __init__(
        self,
        directory: Path,
        *,
        certificate: CertificateFiles,
        host: str = "127.0.0.1",
        users: Mapping[str, str] | None = None,
    ) -> None:
        """Describe the listener; `users` as for `Mosquitto`."""
        super().__init__(directory, certificate=certificate, host=host)
        self._users = users

    def command(self) -> Sequence[str]:
        """Write amqtt.yaml."""
        plugins: dict[str, object] = {"amqtt.plugins.logging_amqtt.EventLoggerPlugin": {}}
        if self._users is None:
            plugins["amqtt.plugins.authentication.AnonymousAuthPlugin"] = {"allow_anonymous": True}
        else:
            plugins["amqtt.plugins.authentication.FileAuthPlugin"] = {
                "password_file": str(self._password_file(self._users))
            }
        listener = {
            "type": "tcp",
            "bind": f"{self.host}:{self.port}",  # amqtt splits at the last colon; brackets it would keep
            "ssl": True,
            "certfile": str(self.certfile),
            "keyfile": str(self.keyfile),
        }
        config = self.directory / "amqtt.yaml"
        config.write_text(yaml.safe_dump({"listeners": {"default": listener}, "plugins": plugins}))
        return (sys.executable, "-m", "amqtt.scripts.broker_script", "-c", str(config))

    def environment(self) -> Mapping[str, str]:
        """Write the log as it comes."""
        return {"PYTHONUNBUFFERED": "1"}

    def _password_file(self, users: Mapping[str, str]) -> Path:
        path = self.directory / "passwd"
        hasher = PasswordHasher(time_cost=1, memory_cost=1024)  # as cheap as it gets: these are no secrets
        path.write_text("".join(f"{name}:{hasher.hash(password)}\n" for name, password in users.items()))
        return path


class OpensslServer(TlsServerProcess):
    """`openssl s_server`: TLS with no MQTT behind it. Whatever a client sends lands in the log."""

    def __init__(
        self, directory: Path, *, certificate: CertificateFiles, host: str = "127.0.0.1", options: Sequence[str] = ()
    ) -> None:
        """Serve `certificate`, with further `options` of s_server: `-tls1_2`, `-Verify 1`, `-alpn mqtt`, ..."""
        super().__init__(directory, certificate=certificate, host=host)
        self._options = tuple(options)

    def command(self) -> Sequence[str]:
        """Split the chain, because `-cert_chain` takes what comes above the certificate."""
        leaf, *further = self.certfile.read_text("ascii").split(PEM_END)[:-1]
        leaf_file, further_file = self.directory / "leaf.pem", self.directory / "further.pem"
        leaf_file.write_text(leaf + PEM_END)
        further_file.write_text("".join(text + PEM_END for text in further))
        address = f"[{self.host}]" if ":" in self.host else self.host
        return (
            tool("openssl"),
            "s_server",
            *("-accept", f"{address}:{self.port}"),
            *("-cert", str(leaf_file)),
            *(("-cert_chain", str(further_file)) if further else ()),
            *("-key", str(self.keyfile)),
            *self._options,
        )
