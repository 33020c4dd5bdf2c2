"""What all brokers serve, indexed: who else serves the same names at this host, and who else holds this key.

Each question looks at a handful of entries, however many brokers there are and whatever they share.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice
from typing import Any, Final

from monitor.model.broker import Broker
from monitor.model.facts import CertificateFacts
from monitor.model.judgement import Changed
from monitor.model.known import Neighbour
from monitor.store.records import BrokerState

# A host with more certificates for the same names has no listeners that should be alike.
_MOST_LISTENERS: Final = 16
# A sentence names three, and says whether there are more.
_MOST_KEY_HOLDERS: Final = 4

_Tree = dict[Any, Any]  # as deep as a path is long: no type describes it
_Path = tuple[Any, ...]


class Fleet:
    """The certificate that each broker was last seen to serve, at each address where it is watched so."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str | None, Neighbour]] = {}
        self._at_host: _Tree = {}
        """Host, names, certificate; then broker and address."""
        self._of_key: _Tree = {}
        """Key, names, host; then broker and address."""

    def record(self, state: BrokerState) -> None:
        """Take note of what a broker was last seen to serve, if it ever was."""
        if state.tls is None:
            return
        broker, address, leaf = state.broker, state.address, state.tls.certificates[0]
        before = self._known.get(broker.name, {}).get(address)
        if before is not None and before.leaf.fingerprint_sha256 == leaf.fingerprint_sha256:
            return
        self._forget(broker.name, address)
        rotation = next((change for change in state.changes if Changed.LEAF in change.what), None)
        fresh = Neighbour(
            broker=broker.name,
            host=broker.host,
            port=broker.port,
            leaf=leaf,
            rotated_at=None if rotation is None else rotation.at,
            before=None if rotation is None else rotation.before.fingerprint_sha256,
        )
        self._known.setdefault(broker.name, {})[address] = fresh
        for tree, path in self._places(fresh, address):
            _put(tree, path, fresh)

    def keep(self, name: str, addresses: Collection[str | None]) -> None:
        """Forget what that broker served at any other address."""
        for address in [each for each in self._known.get(name, {}) if each not in addresses]:
            self._forget(name, address)

    def listeners(self, broker: Broker, leaf: CertificateFacts) -> tuple[Neighbour, ...]:
        """Return who serves another certificate for the same names at another port of this host, one for each."""

        def others() -> Iterator[Neighbour]:
            for fingerprint, serving in self._at_host.get(broker.host, {}).get(_names(leaf), {}).items():
                if fingerprint != leaf.fingerprint_sha256:
                    yield from islice((each for each in serving.values() if each.port != broker.port), 1)

        return tuple(islice(others(), _MOST_LISTENERS))

    def key_holders(self, broker: Broker, leaf: CertificateFacts) -> tuple[Neighbour, ...]:
        """Return who serves the same key at another host, in a certificate for other names: the first few.

        Certificates for the same names are successors of each other, and their hosts one broker.
        """

        def others() -> Iterator[Neighbour]:
            for names, by_host in self._of_key.get(leaf.spki_sha256, {}).items():
                if names != _names(leaf):
                    for host, serving in by_host.items():
                        if host != broker.host:
                            yield next(iter(serving.values()))

        return tuple(islice(others(), _MOST_KEY_HOLDERS))

    def _forget(self, name: str, address: str | None) -> None:
        by_address = self._known.get(name, {})
        gone = by_address.pop(address, None)
        if gone is None:
            return
        if not by_address:
            del self._known[name]
        for tree, path in self._places(gone, address):
            _take(tree, path)

    def _places(self, neighbour: Neighbour, address: str | None) -> Iterator[tuple[_Tree, _Path]]:
        leaf, who = neighbour.leaf, (neighbour.broker, address)
        yield self._at_host, (neighbour.host, _names(leaf), leaf.fingerprint_sha256, who)
        if leaf.spki_sha256 is not None:
            yield self._of_key, (leaf.spki_sha256, _names(leaf), neighbour.host, who)


def _names(leaf: CertificateFacts) -> _Path:
    return (leaf.dns_names, leaf.ip_addresses, leaf.other_names) if leaf.names else (leaf.subject,)


def _put(tree: _Tree, path: _Path, neighbour: Neighbour) -> None:
    for step in path[:-1]:
        tree = tree.setdefault(step, {})
    tree[path[-1]] = neighbour


def _take(tree: _Tree, path: _Path) -> None:
    step, below = path[0], path[1:]
    if below:
        _take(tree[step], below)
    if not below or not tree[step]:
        del tree[step]
