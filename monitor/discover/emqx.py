"""emqx.conf in both styles: HOCON since 5.0 (`listeners.ssl.NAME.bind`), and 4.x (`listener.ssl.NAME = 8883`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from monitor.discover import blocks, sysctl
from monitor.discover.files import Tree
from monitor.discover.listener import Discovery, Listener, Place, endpoint
from monitor.discover.sysctl import Setting

CANDIDATES = (Path("/etc/emqx/emqx.conf"), Path("/opt/emqx/etc/emqx.conf"))

_OLD = re.compile(r"^\s*listener\.(?:ssl|wss|tcp)\.", re.MULTILINE)
_BIND = re.compile(r"listeners\.(ssl|wss)\.[^.]+\.bind")
# What EMQX itself says below the configured values: the dashboard's own changes.
_CHANGED_AT_RUN_TIME = Path("/var/lib/emqx/configs/cluster.hocon")
_DEFAULT_CERTIFICATES = "certs"


def read(tree: Tree, path: Path) -> Discovery:
    """Return what an emqx.conf and the files beside it say."""
    discovery = Discovery()
    text = "\n".join(tree.lines(path, Discovery()))
    listeners_beside = path.parent / "listeners.conf"  # 4.3 and 4.4
    if _OLD.search(text) or tree.exists(listeners_beside):
        _read_4(tree, [each for each in (path, listeners_beside) if tree.exists(each)], discovery)
    else:
        _read_5(tree, path, discovery)
    return discovery


def _read_5(tree: Tree, path: Path, discovery: Discovery) -> None:
    found: dict[str, Setting] = {}
    # Later ones win in EMQX, in this order (base.hocon came with 5.1).
    for each in (path.parent / "base.hocon", _CHANGED_AT_RUN_TIME, path):
        if each == path or tree.exists(each):
            found |= blocks.settings(tree, each, discovery)
    names = dict.fromkeys(key.rsplit(".", 1)[0] for key in found if _BIND.fullmatch(key))
    if not any(name.startswith("listeners.ssl.default") for name in names):
        # EMQX opens it unless it is told not to.
        names["listeners.ssl.default"] = None
    by_default = Setting("8883", Place(file=path, line=1))
    for name in names:
        if _value(found, f"{name}.enable", "true") == "false" or _value(found, f"{name}.enabled", "true") == "false":
            continue
        _listen(discovery, found, f"{name}.ssl_options.", found.get(f"{name}.bind", by_default), path.parent)


def _read_4(tree: Tree, paths: list[Path], discovery: Discovery) -> None:
    found = sysctl.settings(tree, paths, discovery)
    for key, setting in found.items():
        if re.fullmatch(r"listener\.(ssl|wss)\.[^.]+", key):
            _listen(discovery, found, f"{key}.", setting, paths[0].parent)


def _listen(discovery: Discovery, found: Mapping[str, Setting], options: str, where: Setting, directory: Path) -> None:
    try:
        address, port = endpoint(where.value)
    except ValueError:
        discovery.note(where.place, "not understood: on which port")
        return

    def file(key: str, default: str) -> Path:
        return _path(_value(found, options + key, f"{_DEFAULT_CERTIFICATES}/{default}"), directory)

    discovery.listeners.append(
        Listener(
            software="emqx",
            place=where.place,
            port=port,
            address=address,
            certificate=file("certfile", "cert.pem"),
            key=file("keyfile", "key.pem"),
            ca_file=file("cacertfile", "cacert.pem"),
            demands_client_certificate=_value(found, f"{options}verify", "verify_none") == "verify_peer"
            and _value(found, f"{options}fail_if_no_peer_cert", "false") == "true",
            is_websocket=".wss." in options,
        )
    )


def _value(found: Mapping[str, Setting], key: str, default: str) -> str:
    return found[key].value if key in found else default


def _path(text: str, beside: Path) -> Path:
    for variable in ("${EMQX_ETC_DIR}/", "{{ platform_etc_dir }}/", "{{platform_etc_dir}}/", "etc/"):
        text = text.removeprefix(variable)
    return beside / text
