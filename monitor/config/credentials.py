"""The monitor's own credentials for a broker: client certificate, user's password; read from where the options say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from monitor.config.files import Content, Files, Unreadable, secret_value
from monitor.config.identity import Unusable, client_identity
from monitor.config.merge import PASSWORD_KEYS
from monitor.config.private_key import is_encrypted
from monitor.config.problems import Place, Problems
from monitor.config.schema import BrokerOptions, Section
from monitor.config.scope import Scope
from monitor.config.text import quoted
from monitor.model.broker import ClientIdentity

_KEYS = ("client_certificate", "client_key", "client_key_passphrase_file")


@dataclass(slots=True, kw_only=True)
class Credentials:
    """Reads credentials for one load; brokers that share a client certificate share the record."""

    environ: Mapping[str, str] = field(repr=False)
    problems: Problems
    files: Files
    _identities: dict[tuple[Path, Path, Path | None], ClientIdentity | Unusable] = field(default_factory=dict)

    def identity(self, options: BrokerOptions, scope: Scope) -> ClientIdentity | None:
        """Return the client certificate with its key; None if there is none, or after a problem."""
        return self._identity(options.tls, scope, "tls", "")

    def expired_identity(self, options: BrokerOptions, scope: Scope) -> ClientIdentity | None:
        """Return the expired client certificate with its key, likewise."""
        return self._identity(options.refusals, scope, "refusals", "expired_")

    def _identity(self, options: Section, scope: Scope, section: str, prefix: str) -> ClientIdentity | None:
        keys = tuple(f"{prefix}{key}" for key in _KEYS)
        if not all(scope.is_sound(section, key) for key in keys):
            return None
        places = [scope.place(section, key) for key in keys]
        named = [getattr(options, key) for key in keys]
        for this, other in ((0, 1), (1, 0)):
            if named[this] is not None and named[other] is None:
                self.problems.add(places[this], f"expected {keys[other]} beside {keys[this]}, found none")
        if named[0] is None or named[1] is None:
            return None
        paths = (
            self.files.path(named[0]),
            self.files.path(named[1]),
            self.files.path(named[2]) if named[2] else None,
        )
        certificate = self._file(paths[0], places[0])
        key_file = self._file(paths[1], places[1])
        passphrase = None if paths[2] is None else self._secret_file(paths[2], places[2])
        if certificate is None or key_file is None or (paths[2] is not None and passphrase is None):
            return None
        if not is_encrypted(key_file.data):
            self._warn_if_world_readable(key_file, places[1])
            if passphrase is not None:
                message = f"expected an encrypted {keys[1]} beside it, found one that needs no passphrase"
                self.problems.warn(places[2], message)
        identity = self._checked(certificate, key_file, passphrase, paths)
        if isinstance(identity, Unusable):
            self.problems.add(places[_KEYS.index(identity.key)], str(identity))
            return None
        return identity

    def _checked(
        self, certificate: Content, key: Content, passphrase: bytes | None, paths: tuple[Path, Path, Path | None]
    ) -> ClientIdentity | Unusable:
        if paths not in self._identities:
            source, key_source = str(paths[0]), str(paths[1])
            try:
                self._identities[paths] = client_identity(
                    certificate.data, key.data, passphrase, source=source, key_source=key_source
                )
            except Unusable as error:
                self._identities[paths] = error
        return self._identities[paths]

    def password(self, options: BrokerOptions, scope: Scope) -> bytes | None:
        """Return the password or token; None if there is none, or after a problem."""
        mqtt = options.mqtt
        given = [key for key in PASSWORD_KEYS if getattr(mqtt, key) is not None]
        if not given or not all(scope.is_sound("mqtt", key) for key in PASSWORD_KEYS):
            return None
        if len(given) > 1:
            message = f"expected one of {', '.join(PASSWORD_KEYS)}, found {' and '.join(given)}"
            self.problems.add(scope.place("mqtt", given[-1]), message)
            return None
        place = scope.place("mqtt", given[0])
        if mqtt.password_file is not None:
            return self._secret_file(self.files.path(mqtt.password_file), place)
        if mqtt.password_env is not None:
            return self._secret_variable(mqtt.password_env, place)
        assert mqtt.password_credential is not None
        return self._credential(mqtt.password_credential, place)

    def _secret_variable(self, name: str, place: Place) -> bytes | None:
        # The name is not repeated: it may be a password put in the wrong place.
        if (value := self.environ.get(name)) is None:
            self.problems.add(place, "expected the name of an environment variable, found none set under that name")
            return None
        try:
            return secret_value(value.encode("utf-8", "surrogateescape"))
        except Unreadable as error:
            self.problems.add(place, f"expected a secret in the environment variable, found {error}")
            return None

    def _credential(self, name: str, place: Place) -> bytes | None:
        directory = self.environ.get("CREDENTIALS_DIRECTORY")
        if not directory:
            hint = "the unit needs LoadCredential=, a command by hand that variable"
            self.problems.add(place, f"expected a systemd credential, found no CREDENTIALS_DIRECTORY; {hint}")
            return None
        if "/" in name or name in {".", ".."}:
            self.problems.add(place, "expected the name of a systemd credential, found a path")
            return None
        return self._secret_file(Path(directory) / name, place)

    def _secret_file(self, path: Path, place: Place) -> bytes | None:
        # The path is not repeated: it may be the secret itself, put in the wrong place.
        try:
            content = self.files.read(path)
            value = secret_value(content.data)
        except Unreadable as error:
            self.problems.add(place, f"expected a file with a secret in it, found {error}")
            return None
        self._warn_if_world_readable(content, place)
        return value

    def _file(self, path: Path, place: Place) -> Content | None:
        try:
            return self.files.read(path)
        except Unreadable as error:
            self.problems.add(place, f"expected a readable file at {quoted(str(path))}, found {error}")
            return None

    def _warn_if_world_readable(self, content: Content, place: Place) -> None:
        if content.is_world_readable:
            expected = "expected a file that other users cannot read"
            self.problems.warn(place, f"{expected}, found mode {content.mode:04o}; chmod o-r")
