"""mosquitto.conf(5): one setting a line; those behind a `listener` belong to it."""

from __future__ import annotations

import re
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
)
_FILES = {"certfile": "certificate", "keyfile": "key", "cafile": "ca_file"}
_SAID = {
    "capath": "a directory; name the CA's certificate as tls.ca_file",
    "psk_hint": "a port with pre-shared keys has no certificate to watch",
}
_OF_TLS = re.compile(r"cert|key|tls|ssl|psk|^ca|cipher|crl")
_OF_BRIDGES = ("bridge_", "remote_", "local_")


def read(tree: Tree, path: Path) -> Discovery:
    """Return what a mosquitto.conf and the files that it includes say."""
    discovery = Discovery()
    # Settings in front of the first `listener` are those of the default one.
    default = Listener(software="mosquitto", place=Place(file=path, line=1), port=_DEFAULT_PORT)
    reader = _Reader(tree, discovery, default)
    reader.read(path, because=None)
    discovery.listeners = [listener for listener in reader.listeners if listener.certificate and listener.port]
    return discovery


class _Reader:
    def __init__(self, tree: Tree, discovery: Discovery, default: Listener) -> None:
        self._tree = tree
        self._discovery = discovery
        self.listeners = [default]
        self._read: set[Path] = set()

    def read(self, path: Path, because: Place | None) -> None:
        if path in self._read:
            return
        self._read.add(path)
        for number, line in enumerate(self._tree.lines(path, self._discovery, because=because), start=1):
            name, _, value = line.strip().partition(" ")
            if name and not name.startswith("#"):
                self._setting(Place(file=path, line=number), name, value.strip())

    def _setting(self, place: Place, name: str, value: str) -> None:
        listener = self.listeners[-1]
        if name in _FILES:
            setattr(listener, _FILES[name], self._path(place, value))
            listener.place = place if name == "certfile" else listener.place
        elif name in {"listener", "port"}:
            self._listener(place, value, begins=name == "listener")
        elif name == "bind_address":
            listener.address = value
        elif name == "require_certificate" and value in _FLAG:
            listener.demands_client_certificate = _FLAG[value]
        elif name == "protocol":
            listener.is_websocket = value == "websockets"
        elif name == "include_dir":
            self._include(place, Path(value))
        elif name in _SAID:
            self._discovery.note(place, f"{name}: {_SAID[name]}")
        elif name not in _INDIFFERENT and not name.startswith(_OF_BRIDGES) and _OF_TLS.search(name):
            self._discovery.not_understood(place, name)

    def _include(self, place: Place, directory: Path) -> None:
        for path in self._tree.inside(directory, ".conf"):
            self.read(path, because=place)

    def _listener(self, place: Place, value: str, *, begins: bool) -> None:
        port, _, address = value.partition(" ")
        try:
            number = int(port)
        except ValueError:
            self._discovery.note(place, f"not understood: a listener on {port!r}")
            number = 0
        if number == 0:  # a Unix socket, or nonsense: what follows belongs to it, and to no port
            self.listeners.append(Listener(software="mosquitto", place=place, port=0))
            return
        if begins:
            self.listeners.append(Listener(software="mosquitto", place=place, port=number))
        else:
            self.listeners[-1].port = number
        if address.strip():
            self.listeners[-1].address = address.split()[0]

    def _path(self, place: Place, value: str) -> Path:
        if not value.startswith("/"):
            self._discovery.note(place, f"{value} is relative to where the broker is started; write it out")
        return Path(value)
