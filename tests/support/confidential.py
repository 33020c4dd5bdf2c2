"""Brokers that are opened by marked secrets alone, or betray them, and the files in which a monitor has those."""

from __future__ import annotations

import json
import secrets
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from monitor.demo.pki import issue
from tests.support import mqtt_bytes
from tests.support.brokers import Mosquitto
from tests.support.daemon import MonitorProcess
from tests.support.faults import FaultServer, Peer
from tests.support.marked import Marked
from tests.support.mqtt_bytes import Packet
from tests.support.mqtt_script import broker, close
from tests.support.pki import TestPki
from tests.support.tls_engine import ServerTls

TOKEN_VARIABLE = "BROKER_TOKEN"
CREDENTIAL = "broker"


class Confidential:
    """A context manager: entered, the brokers listen."""

    def __init__(self, directory: Path, pki: TestPki) -> None:
        """Write the files below `directory`, which exists."""
        self._pki = pki
        self._directory = directory
        self.password = f'pä"\\+/ {secrets.token_hex(16)} %&?'
        self.token = _token()
        self.passphrase = secrets.token_urlsafe(24)
        self.wrong_passphrase = secrets.token_urlsafe(24)
        self.junk = secrets.token_urlsafe(60)
        """In a file that should hold a key and does not."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = issue(
            now=pki.now,
            issuer=pki.intermediate,
            key=key,
            subject="monitor",
            names=None,
            extended_key_usage=("clientAuth",),
        )
        sealing = BestAvailableEncryption(self.passphrase.encode())
        sealed = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealing)
        self.key_pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self.marked = Marked(
            password=self.password.encode(),
            token=self.token.encode(),
            passphrase=self.passphrase.encode(),
            wrong_passphrase=self.wrong_passphrase.encode(),
            junk=self.junk.encode(),
            key=key.private_numbers().private_value.to_bytes(32),
            sealed_key=b64decode(b"".join(sealed.splitlines()[1:-1]))[-64:],
        )
        self.password_file = self._write("password", self.password.encode() + b"\n")
        self.passphrase_file = self._write("passphrase", self.passphrase.encode() + b"\n")
        self.wrong_passphrase_file = self._write("wrong-passphrase", self.wrong_passphrase.encode())
        self.no_key_file = self._write("no.key", self.junk.encode())
        self.key_file = self._write("client.key", self.key_pem)
        self.sealed_key_file = self._write("sealed.key", sealed)
        self.chain_file = self._write("client.pem", certificate.pem + pki.intermediate.pem)
        self.pkcs12_file = self._write(
            "client.p12", pkcs12.serialize_key_and_certificates(b"monitor", key, certificate.certificate, None, sealing)
        )
        self._write(CREDENTIAL, self.password.encode())
        users = {"monitor": self.password, "device": self.token}
        served = pki.server_files
        self.accepting = Mosquitto(directory / "accepting", certificate=served, users=users)
        self.refusing = Mosquitto(directory / "refusing", certificate=served, users={"monitor": "another"})
        self.mutual = Mosquitto(directory / "mutual", certificate=served, client_ca=pki.client_ca_file)
        tls = ServerTls(chain=pki.chain)
        self.connack_echo = FaultServer(broker(connect=_refuse_with_everything), tls=tls)
        self.disconnect_echo = FaultServer(broker(subscribe=_disconnect_with_everything), tls=tls)
        foreign = ServerTls(chain=(pki.foreign_leaf,), requests_client_certificate=True)
        self.stranger = FaultServer(broker(), tls=foreign)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for server in (self.accepting, self.refusing, self.mutual):
                stack.enter_context(server)
            for scripted in (self.connack_echo, self.disconnect_echo, self.stranger):
                stack.enter_context(scripted)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, traceback)

    @property
    def environment(self) -> Mapping[str, str]:
        """What a process needs for the secrets that are not in files of the configuration."""
        return {TOKEN_VARIABLE: self.token, "CREDENTIALS_DIRECTORY": str(self._directory)}

    @property
    def brokers(self) -> list[dict[str, Any]]:
        """Items of a configuration: every way to name a secret, and every way for a broker to deal with it."""
        file = {"username": "monitor", "password_file": str(self.password_file)}
        identity = {"client_certificate": str(self.chain_file), "client_key": str(self.sealed_key_file)}
        sealed = {**identity, "client_key_passphrase_file": str(self.passphrase_file)}
        checks = {"checks": ["anonymous", "wrong_password"]}
        return [
            self.watched("file", self.accepting.port, mqtt=file, refusals=checks),
            self.watched("variable", self.accepting.port, mqtt={"username": "device", "password_env": TOKEN_VARIABLE}),
            self.watched(
                "credential",
                self.accepting.port,
                mqtt={"username": "monitor", "password_credential": CREDENTIAL, "version": "5"},
            ),
            self.watched("refusing", self.refusing.port, mqtt=file),
            self.watched("mutual", self.mutual.port, tls=sealed),
            self.watched("connack-echo", self.connack_echo.port, mqtt={**file, "version": "5"}),
            self.watched("disconnect-echo", self.disconnect_echo.port, mqtt={**file, "version": "5"}),
            self.watched("stranger", self.stranger.port, mqtt=file, tls=sealed),
        ]

    def watched(self, name: str, port: int, *, tls: Mapping[str, str] | None = None, **options: Any) -> dict[str, Any]:
        """Return an item of `brokers` on loopback."""
        trust = {"ca_file": str(self._pki.ca_file), "server_name": "localhost"}
        return {
            "name": name,
            "host": "127.0.0.1",
            "port": port,
            "interval": "1s",
            "timeout": "1s",
            "tls": {**trust, **(tls or {})},
            **options,
        }

    def _write(self, name: str, content: bytes) -> Path:
        path = self._directory / name
        path.write_bytes(content)
        path.chmod(0o600)
        return path


class ConfidentialMonitor(MonitorProcess):
    """The daemon, with an environment of the test's."""

    def __init__(self, *arguments: Any, environment: Mapping[str, str], **settings: Any) -> None:
        """See `MonitorProcess`."""
        super().__init__(*arguments, **settings)
        self._environment = environment

    def environment(self) -> Mapping[str, str]:
        """Return the test's."""
        return self._environment


def _token() -> str:
    """Return a JSON Web Token (RFC 7519), as brokers take in the place of a password."""
    claims = {"sub": "device", "jti": secrets.token_hex(16)}
    parts = (*(json.dumps(part).encode() for part in ({"alg": "HS256", "typ": "JWT"}, claims)), secrets.token_bytes(32))
    return ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def _refuse_with_everything(peer: Peer, packet: Packet) -> None:
    assert packet.password is not None
    reason = f"refused: {packet.password.decode()}, in {packet.body.hex(' ')}"
    peer.send(mqtt_bytes.connack(packet.level, 0x86, properties=mqtt_bytes.reason_string(reason)))
    close(peer, packet)


def _disconnect_with_everything(peer: Peer, packet: Packet) -> None:
    reason = f"unlike {urlsafe_b64encode(peer.received[0].body).decode()}"
    peer.send(mqtt_bytes.disconnect(0x87, properties=mqtt_bytes.reason_string(reason)))
    close(peer, packet)


def mistakes(confidential: Confidential) -> dict[str, str]:
    """Return configurations in which something is wrong that has to do with a secret."""
    token, junk = confidential.token, str(confidential.no_key_file)
    key = confidential.key_pem.decode()
    block = "".join(f"        {line}\n" for line in key.splitlines())
    broker = "brokers:\n  - name: a\n    host: a.example\n"
    tls = f"{broker}    tls:\n      client_certificate: {confidential.chain_file}\n"
    mqtt = f"{broker}    mqtt:\n      username: u\n"
    sealed = f"{tls}      client_key: {confidential.sealed_key_file}\n"
    return {
        "a password": f"{mqtt}      password: {token}\n",
        "a password in a list": f"{mqtt}      password: [{token}]\n",
        "a token": f"{mqtt}      token: {token}\n",
        "a password without blank": f"{broker}    mqtt: {{username: u, password:{token}}}\n",
        "a password with a sign": f"{broker}    mqtt: {{username: u, password={token}}}\n",
        "a password without sign": f"{broker}    mqtt: {{username: u, password {token}}}\n",
        "a password and no key": f"{mqtt}      {token}\n",
        "a password for a section": f"{broker}    mqtt: {token}\n",
        "a password for brokers": f"brokers: {token}\n",
        "a password alone": f"{token}\n",
        "an alias": f"{mqtt}      password_file: *{token.replace('.', '')}\n",
        "a tag": f"{mqtt}      password_file: !{token} x\n",
        "a tag's handle": f"{mqtt}      password_file: !{token.replace('.', '').replace('_', '')}!x y\n",
        "an open quote": f'{mqtt}      password: "{token}\n',
        "an escape": f'{mqtt}      password: "{token}\\y"\n',
        "a tab": f"{mqtt}\t  password: {token}\n",
        "a control character": f"{mqtt}      password: {token}\x01\n",
        "the file's name": f"{mqtt}      password_file: {token}\n",
        "the file's name, two lines": f"{mqtt}      password_file: |\n        {token}\n        {token}\n",
        "the variable's name": f"{mqtt}      password_env: {token}\n",
        "the credential's name": f"{mqtt}      password_credential: {token}\n",
        "two of them": f"{mqtt}      password_env: {token}\n      password_file: {token}\n",
        "a user's URL": f"{broker}    tls: {{server_name: 'mqtts://u:{token}@b'}}\n",
        "the host's URL": f"brokers:\n  - name: a\n    host: mqtts://u:{token}@b\n",
        "a URL for a name": f"brokers:\n  - name: mqtts://u:{token}@b\n    host: b\n",
        "a URL to listen on": f"listen: http://u:{token}@b:1\n{broker}",
        "a URL to fetch from": f"{broker}    revocation: {{allow: ['u:{token}@b:80']}}\n",
        "a URL for a topic": f"{broker}    mqtt: {{topic: 'mqtts://u:{token}@b/#'}}\n",
        "the passphrase": f"{sealed}      client_key_passphrase: {token}\n",
        "the passphrase for its file": f"{sealed}      client_key_passphrase_file: {token}\n",
        "a wrong passphrase": f"{sealed}      client_key_passphrase_file: {confidential.wrong_passphrase_file}\n",
        "a passphrase file that is the key": f"{sealed}      client_key_passphrase_file: {confidential.key_file}\n",
        "no passphrase": sealed,
        "junk for a key": f"{tls}      client_key: {junk}\n",
        "a directory for a key": f"{tls}      client_key: {confidential.no_key_file.parent}\n",
        "a key": f"{tls}      client_key: |\n{block}",
        "a key in one line": f"{tls}      client_key: {json.dumps(key)}\n",
        "a folded key": f"{tls}      client_key:\n{block}",
        "a key for a certificate": f"{broker}    tls: {{client_certificate: {confidential.key_file}, client_key: x}}\n",
        "a key for a CA": f"{broker}    tls: {{ca_file: {confidential.key_file}}}\n",
        "a key for a profile": f"{broker}    tls: {{trust_profiles: {{a: {confidential.key_file}}}}}\n",
        "a key for the configuration": key,
        "a byte that is no text": f"{mqtt}      password: {token}\udcff\n",
    }
