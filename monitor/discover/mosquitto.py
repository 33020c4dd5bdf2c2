"""mosquitto.conf(5): one setting a line; those behind a `listener` belong to it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from monitor.discover.files import Tree
from monitor.discover.listener import Discovery, Listener, Place

CANDIDATES = (Path("/etc/mosquitto/mosquitto.conf"), Path("/usr/local/etc/mosquitto/mosquitto.conf"))

_DEFAULT_PORT = 1883
_FLAG = {"true": True, "1": True, "false": False, "0": False}
# Settings of a listener's TLS that make no difference to who watches it.
_INDIFFERENT = frozenset(
    {"ciphers", "ciphers_tls1.3", "dhparamfile", "tls_version", "tls_engine", "tls_engine_kpass_sha1", "tls_keyform"}
    | {"crlfile", "psk_file", "use_identity_as_username", "use_subject_as_username", "use_username_as_clientid"}
    | {"disable_client_cert_date_checks", "proxy_protocol_v2_require_tls"}
)
_FILES = {"certfile": "certificate", "keyfile": "key", "cafile": "ca_file"}
_OF_A_LISTENER = frozenset({*_FILES, "require_certificate", "protocol", "enable_proxy_protocol", "bind_interface"})
_SAID = {
    "capath": "a directory; name the CA's certificate as tls.ca_file",
    "psk_hint": "a port with pre-shared keys has no certificate to watch",
}
_OF_TLS = re.compile(r"cert|key|tls|ssl|psk|^ca|cipher|crl")
_OF_OTHERS = ("bridge_", "remote_", "local_", "auth_opt_", "plugin_opt_")


def read(tree: Tree, path: Path) -> Discovery:
    """Return what a mosquitto.conf and the files that it includes say."""
    discovery = Discovery()
    reader = _Reader(tree, path, discovery)
    reader.read(path, because=None)
    discovery.listeners = [listener for listener in reader.listeners if listener.certificate and listener.port]
    return discovery


class _Reader:
    def __init__(self, tree: Tree, main: Path, discovery: Discovery) -> None:
        self._tree = tree
        self._main = main
        self._discovery = discovery
        # Settings in front of the first `listener` of each file are those of the default one.
        self._default = Listener(software="mosquitto", place=Place(file=main, line=1), port=_DEFAULT_PORT)
        self._current = self._default
        self.listeners = [self._default]
        # mosquitto 2.0 loses its place in the list of listeners where an included file adds to it.
        self._is_lost = False
        self._readers: dict[str, Callable[[Place, str], None]] = {
            "listener": self._listener,
            "port": self._default_port,
            "bind_address": self._bind_address,
            "bind_interface": self._bind_interface,
            "require_certificate": self._require_certificate,
            "enable_proxy_protocol": self._enable_proxy_protocol,
            "protocol": self._protocol,
            "include_dir": self._include,
        }

    def read(self, path: Path, because: Place | None) -> None:
        for number, line in enumerate(self._tree.lines(path, self._discovery, because=because), start=1):
            name, value = (*line.split(maxsplit=1), "", "")[:2]
            if name and not name.startswith("#"):
                self._setting(Place(file=path, line=number), name, value.strip())

    def _setting(self, place: Place, name: str, value: str) -> None:
        if self._is_lost and name in _OF_A_LISTENER:
            self._discovery.note(place, f"{name} behind include_dir may not be taken up; put it in front of that")
        if name in self._readers:
            self._readers[name](place, value)
        elif name in _FILES:
            setattr(self._current, _FILES[name], Path(value))
            if name == "certfile" and self._current is self._default:
                self._default.place = place
        elif name in _SAID:
            self._discovery.note(place, f"{name}: {_SAID[name]}")
        elif name not in _INDIFFERENT and not name.startswith(_OF_OTHERS) and _OF_TLS.search(name):
            self._discovery.not_understood(place, name)

    def _include(self, place: Place, value: str) -> None:
        if place.file != self._main:
            self._discovery.note(place, "include_dir: mosquitto takes it from its main file alone")
            return
        directory = Path(value)
        try:
            paths = self._tree.inside(directory, "*.conf")
        except ValueError as error:
            self._discovery.note(place, f"cannot use {directory}: {error}")
            return
        before, count = self._current, len(self.listeners)
        # mosquitto sorts without regard to case, and then with.
        for path in sorted(paths, key=lambda path: [(letter.upper(), letter) for letter in path.name]):
            self._current = self._default
            self.read(path, because=place)
        self._current = before
        self._is_lost = before is not self._default and len(self.listeners) > count

    def _listener(self, place: Place, value: str) -> None:
        port, address = (*value.partition("#")[0].split(), "", "")[:2]
        # Port 0 is a Unix socket, or nonsense: what follows belongs to it, and to nothing that is watched.
        listener = Listener(software="mosquitto", place=place, port=self._port(place, port), address=address or None)
        self._current = listener
        self._is_lost = False
        self.listeners.append(listener)

    def _default_port(self, place: Place, value: str) -> None:
        self._default.port = self._port(place, value)
        self._note_late(place, "port")

    def _port(self, place: Place, text: str) -> int:
        try:
            return int(text)
        except ValueError:
            self._discovery.note(place, "not understood: on which port")
        return 0

    def _bind_address(self, place: Place, value: str) -> None:
        self._default.address = value
        self._note_late(place, "bind_address")

    def _note_late(self, place: Place, name: str) -> None:
        if self._current is not self._default:
            self._discovery.note(
                place, f"{name} behind a listener: what follows is that one's until mosquitto 2.0 only"
            )

    def _bind_interface(self, _place: Place, value: str) -> None:
        self._current.remark = f"bound to the interface {value}: localhost may not reach it; name its address as host"

    def _require_certificate(self, place: Place, value: str) -> None:
        self._current.demands_client_certificate = _FLAG.get(value, False)
        if value not in _FLAG:
            self._discovery.note(place, f"require_certificate is neither true nor false: {value}")

    def _enable_proxy_protocol(self, _place: Place, _value: str) -> None:
        self._current.expects_proxy_protocol = True

    def _protocol(self, place: Place, value: str) -> None:
        self._current.is_websocket = value == "websockets"
        if value not in {"mqtt", "websockets"}:
            self._discovery.note(place, f"protocol {value} is not MQTT: its port is not watched")
            self._current.port = 0
