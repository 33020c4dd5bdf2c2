"""nanomq.conf: HOCON with `listeners.ssl`, or `tls.url` and its neighbours in versions before 0.14."""

from __future__ import annotations

from pathlib import Path

from monitor.discover import blocks, sysctl
from monitor.discover.files import Tree
from monitor.discover.listener import Discovery, Listener, Place, endpoint
from monitor.discover.sysctl import Setting

CANDIDATES = (Path("/etc/nanomq.conf"), Path("/etc/nanomq/nanomq.conf"))

_DEFAULT = "0.0.0.0:8883"


def read(tree: Tree, path: Path) -> Discovery:
    """Return what a nanomq.conf says."""
    discovery = Discovery()
    old = sysctl.settings(tree, [path], Discovery())
    if "tls.enable" in old or "tls.url" in old:
        if old.get("tls.enable", Setting("false", Place(file=path, line=1))).value == "true":
            _listen(discovery, old, "tls.", old.get("tls.url"), path)
        return discovery
    found = blocks.settings(tree, path, discovery)
    if any(key.startswith("listeners.ssl.") for key in found):
        enabled = found.get("listeners.ssl.enable") or found.get("listeners.ssl.enabled")
        if enabled is None or enabled.value == "true":
            _listen(discovery, found, "listeners.ssl.", found.get("listeners.ssl.bind"), path)
    return discovery


def _listen(discovery: Discovery, found: dict[str, Setting], prefix: str, bind: Setting | None, path: Path) -> None:
    where = bind if bind is not None else Setting(_DEFAULT, Place(file=path, line=1))
    try:
        address, port = endpoint(where.value.rpartition("://")[2])
    except ValueError:
        discovery.note(where.place, "not understood: on which port")
        return

    def file(key: str) -> Path | None:
        return path.parent / found[prefix + key].value if prefix + key in found else None

    def flag(key: str) -> bool:
        return prefix + key in found and found[prefix + key].value == "true"

    discovery.listeners.append(
        Listener(
            software="nanomq",
            place=where.place,
            port=port,
            address=address,
            certificate=file("certfile"),
            key=file("keyfile"),
            ca_file=file("cacertfile"),
            demands_client_certificate=flag("verify_peer") and (flag("fail_if_no_peer_cert") or flag("set_fail")),
        )
    )
