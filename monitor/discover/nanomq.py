"""nanomq.conf: HOCON with `listeners.ssl`, or `tls.url` and its neighbours in versions before 0.14."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from monitor.discover import blocks, sysctl
from monitor.discover.files import Tree
from monitor.discover.listener import Discovery, Listener, endpoint
from monitor.discover.options import Options, Setting

CANDIDATES = (Path("/etc/nanomq.conf"), Path("/etc/nanomq/nanomq.conf"))

# `listeners.ssl.bind`, and since 0.23 further ones by names.
_BIND = re.compile(r"(listeners\.ssl\.(?:[^.]+\.)?)bind")
_BLOCKS = re.compile(r"listeners(\.(ssl|wss))?")


def read(tree: Tree, path: Path) -> Discovery:
    """Return what a nanomq.conf says."""
    discovery = Discovery()
    old = sysctl.settings(tree, [path], Discovery())
    if "tls.enable" in old or "tls.url" in old:
        _read_old(old, discovery)
        return discovery
    found = blocks.settings(tree, path, discovery)
    blocks.note_values(found, _BLOCKS, discovery)
    for key, setting in found.items():
        if (match := _BIND.fullmatch(key)) is not None:
            _listen(discovery, found, match[1], setting)
    some = next((found[key] for key in found if key.startswith("listeners.ssl.")), None)
    if some is not None and not any(map(_BIND.fullmatch, found)):
        discovery.note(some.place, "listeners.ssl without bind: whether a port is open depends on the version")
    if (where := found.get("listeners.wss.bind")) is not None:
        # It has no certificate of its own.
        _listen(discovery, found, "listeners.ssl.", where, is_websocket=True)
    return discovery


def _read_old(found: Mapping[str, Setting], discovery: Discovery) -> None:
    tls = Options(found, "tls.", discovery)
    if (where := tls.get("url")) is not None:
        _listen(discovery, found, "tls.", where, default=False)
    web = Options(found, "websocket.", discovery)
    if (where := web.get("tls_url")) is not None and web.is_on("enable"):
        _listen(discovery, found, "tls.", where, is_websocket=True, default=False)


def _listen(
    discovery: Discovery,
    found: Mapping[str, Setting],
    prefix: str,
    where: Setting,
    *,
    is_websocket: bool = False,
    default: bool = True,
) -> None:
    tls = Options(found, prefix, discovery)
    if not tls.is_on("enable", "enabled", default=default):
        return
    try:
        # `tls+nmq-tcp://0.0.0.0:8883`, `0.0.0.0:8084/mqtt`
        address, port = endpoint(where.value.rpartition("://")[2].partition("/")[0])
    except ValueError:
        discovery.note(where.place, "not understood: on which port")
        return
    discovery.listeners.append(
        Listener(
            software="nanomq",
            place=where.place,
            port=port,
            address=address,
            certificate=tls.file("certfile"),
            key=tls.file("keyfile"),
            ca_file=tls.file("cacertfile"),
            demands_client_certificate=tls.is_on("verify_peer") and tls.is_on("fail_if_no_peer_cert", "set_fail"),
            is_websocket=is_websocket,
        )
    )
