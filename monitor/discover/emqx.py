"""emqx.conf in both styles: HOCON since 5.0 (`listeners.ssl.NAME.bind`), and 4.x (`listener.ssl.NAME = 8883`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from monitor.config.files import Missing
from monitor.discover import blocks, sysctl
from monitor.discover.files import Tree
from monitor.discover.listener import Discovery, Listener, Place, endpoint
from monitor.discover.options import Options, Setting

CANDIDATES = (Path("/etc/emqx/emqx.conf"), Path("/opt/emqx/etc/emqx.conf"))

_OLD = re.compile(r"^[ \t]*listener\.(?:ssl|wss|tcp)\.", re.MULTILINE)
_LISTENER_4 = re.compile(r"listener\.(ssl|wss)\.[^.]+")
_LISTENER = re.compile(r"(listeners\.(ssl|wss|quic)\.[^.]+)(\..*)?")
_BLOCKS = re.compile(r"listeners(\.(ssl|wss)(\.[^.]+(\.ssl_options)?)?)?")
# EMQX opens a `default` of each kind unless it is told not to, and takes these ports where it is told none.
_PORTS = {"ssl": "8883", "wss": "8084"}
_OPENED = "not in the file: EMQX opens this port unless it is told not to"
_REMOVED = frozenset({"marked_for_deletion", "null"})
_BY_DEFAULT_5 = {"certfile": "cert.pem", "keyfile": "key.pem", "cacertfile": "cacert.pem"}
_ETC = ("${EMQX_ETC_DIR}/", "{{ platform_etc_dir }}/", "{{platform_etc_dir}}/", "etc/")


class _Files(NamedTuple):
    """Where an EMQX has its files."""

    etc: Path
    data: Path
    """For what changes at run time."""
    by_default: Mapping[str, str]
    """Names of certificates by their keys, where nothing is said."""

    def of(self, tls: Options, key: str) -> Path | None:
        """Return a file; a relative one that is in neither directory stays so."""
        setting = tls.get(key)
        if setting is None:
            return self.etc / "certs" / self.by_default[key] if key in self.by_default else None
        if setting.value in _REMOVED:
            return None
        for variable in _ETC:
            if setting.value.startswith(variable):
                return self.etc / setting.value.removeprefix(variable)
        within = setting.value.removeprefix("data/")
        return self.data / within if within != setting.value else tls.file(key)


def read(tree: Tree, path: Path) -> Discovery:
    """Return what an emqx.conf and the files beside it say."""
    discovery = Discovery()
    text = "\n".join(tree.lines(path, discovery))
    if discovery.notes:  # not readable: EMQX's defaults would be a guess
        return discovery
    listeners_beside = path.parent / "listeners.conf"  # 4.3 and 4.4
    if _OLD.search(text) or tree.exists(listeners_beside):
        _read_4(tree, [each for each in (path, listeners_beside) if tree.exists(each)], discovery)
    else:
        _read_5(tree, path, discovery)
    return discovery


def _read_5(tree: Tree, path: Path, discovery: Discovery) -> None:
    own = blocks.settings(tree, path, discovery)
    files = _Files(path.parent, _data(own, path), _BY_DEFAULT_5)
    below, above = _changed(tree, files.data / "configs", discovery)
    found: dict[str, Setting] = {}
    for each in filter(tree.exists, (path.parent / "base.hocon", *below)):
        found |= blocks.settings(tree, each, discovery)
    found |= own
    for each in above:
        found |= blocks.settings(tree, each, discovery)
    kinds = {match[1]: match[2] for match in map(_LISTENER.fullmatch, found) if match is not None}
    removed = {name for name in kinds if name in found and found[name].value in _REMOVED}
    blocks.note_values({key: found[key] for key in found if key not in removed}, _BLOCKS, discovery)
    for name, kind in (kinds | {f"listeners.{kind}.default": kind for kind in _PORTS}).items():
        options = Options(found, f"{name}.", discovery)
        first = next((found[key] for key in found if key.startswith(f"{name}.")), None)
        is_only_a_value = name in found and first is None  # of which there is a note
        if name in removed or is_only_a_value or not options.is_on("enable", "enabled", default=True):
            continue
        place = Place(file=path, line=1) if first is None else first.place
        if kind == "quic":
            discovery.note(place, f"{name}: QUIC is not watched")
            continue
        where = options.get("bind") or Setting(_PORTS[kind], place)
        tls = Options(found, f"{name}.ssl_options.", discovery)
        listener = _listener(discovery, where, options, tls, files)
        if listener is not None:
            listener.is_websocket = kind == "wss"
            listener.remark = _OPENED if first is None else None
            discovery.listeners.append(listener)


def _data(found: Mapping[str, Setting], path: Path) -> Path:
    named = found.get("node.data_dir")
    if named is not None and named.value.startswith("/"):
        return Path(named.value)
    # Packages and images each have their own.
    return Path("/var/lib/emqx") if path.is_relative_to("/etc") else path.parent.parent / "data"


def _changed(tree: Tree, directory: Path, discovery: Discovery) -> tuple[list[Path], list[Path]]:
    """Return the files of what the dashboard changed: over which emqx.conf wins, and, of 5.0, that win over it."""
    try:
        return tree.inside(directory, "cluster.hocon"), tree.inside(directory, "*-override.conf")
    except Missing:
        pass
    except ValueError as error:
        discovery.note(Place(file=directory, line=1), f"cannot use what was changed in the dashboard: {error}")
    return [], []


def _read_4(tree: Tree, paths: list[Path], discovery: Discovery) -> None:
    found = sysctl.settings(tree, paths, discovery)
    files = _Files(paths[0].parent, _data(found, paths[0]), {})
    for key, setting in found.items():
        if (match := _LISTENER_4.fullmatch(key)) is not None:
            options = Options(found, f"{key}.", discovery)
            listener = _listener(discovery, setting, options, options, files)
            if listener is not None:
                listener.is_websocket = match[1] == "wss"
                discovery.listeners.append(listener)


def _listener(discovery: Discovery, where: Setting, options: Options, tls: Options, files: _Files) -> Listener | None:
    try:
        address, port = endpoint(where.value)
    except ValueError:
        discovery.note(where.place, "not understood: on which port")
        return None
    verify = tls.get("verify")
    return Listener(
        software="emqx",
        place=where.place,
        port=port,
        address=address,
        certificate=files.of(tls, "certfile"),
        key=files.of(tls, "keyfile"),
        ca_file=files.of(tls, "cacertfile"),
        demands_client_certificate=verify is not None
        and verify.value == "verify_peer"
        and tls.is_on("fail_if_no_peer_cert"),
        expects_proxy_protocol=options.is_on("proxy_protocol"),
    )
