"""A scan: what a broker's TLS accepts beside the best, asked over a handful of connections, one after the other.

Most are a ClientHello of our own and the first words of the answer, without a handshake. Nothing secret is sent in
any, so no gate stands in front; and whatever is no clear answer is told as such.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Final

from monitor.model.broker import Broker, TlsVersion
from monitor.model.facts import CertificateFacts
from monitor.model.scan import ScanFacts, Weakness, WeakSuite
from monitor.probe.connect import PACE_S, connect
from monitor.probe.fault import PhaseFault
from monitor.probe.hello import HungUp, say_hello
from monitor.probe.resolve import Address, Resolver
from monitor.probe.tls import sni
from monitor.wire.channel import GOODBYE_S, Channel
from monitor.wire.ending import ConnectionEnded, End, Ending
from monitor.wire.engine import TlsEngine
from monitor.wire.hello import RENEGOTIATION_INFO, VERSIONS, Alert, ServerHello
from monitor.wire.suites import ALL_SUITES, ECDSA_SUITES, RSA_SUITES, WEAK_SUITES, weakness
from monitor.wire.tcp import TcpConnection
from monitor.x509.certificate import read_chain

_MOST_CONNECTIONS: Final = 7 + len(Weakness)


async def scan(broker: Broker, *, now: Callable[[], datetime], resolver: Resolver) -> ScanFacts:
    """Ask everything, at the first address that accepts a connection. Whatever the broker does is in the facts."""
    run = _Scan(broker, resolver, now())
    await run.questions()
    return run.facts


def scan_limit_s(broker: Broker) -> float:
    """Return how long a scan may take at most: each connection has the probe's time."""
    return _MOST_CONNECTIONS * (broker.timeout_s + PACE_S)


class _Untold(Exception):  # noqa: N818 - an answer that was not to be had is data; this carries it to the facts
    """No clear answer; the message says what came instead."""


class _Scan:
    """One scan under way."""

    def __init__(self, broker: Broker, resolver: Resolver, at: datetime) -> None:
        self.facts = ScanFacts(at=at)
        self._broker = broker
        self._resolver = resolver
        self._name = sni(broker.tls.server_name)
        self._address: Address | None = None

    async def questions(self) -> None:
        """Ask one thing after the other; nothing more if no first connection can be made."""
        questions: tuple[tuple[str, Callable[[], Awaitable[None]]], ...] = (
            ("TLS 1.0", partial(self._old_version, TlsVersion.V1_0)),
            ("TLS 1.1", partial(self._old_version, TlsVersion.V1_1)),
            ("weak cipher suites", self._weak_suites),
            ("RSA keys", self._for_rsa),
            ("EC keys", self._for_ecdsa),
            ("the certificate", self._served),
            ("no server name", self._without_name),
            ("renegotiation", self._renegotiation),
        )
        for what, ask in questions:
            try:
                await ask()
            except _Untold as untold:
                self.facts = replace(self.facts, untold=(*self.facts.untold, f"{what}: {untold}"))
            if self._address is None:
                return

    async def _old_version(self, version: TlsVersion) -> None:
        answer, _ = await self._hello(version, ALL_SUITES)
        if isinstance(answer, ServerHello) and answer.version == VERSIONS[version]:
            self.facts = replace(self.facts, old_versions=(*self.facts.old_versions, version))

    async def _weak_suites(self) -> None:
        # The server chooses one; then its kind is left out, until nothing is chosen.
        left = dict(WEAK_SUITES)
        while left:
            answer, _ = await self._hello(TlsVersion.V1_2, left)
            if not isinstance(answer, ServerHello):
                return
            name = left[answer.suite]
            kind = weakness(name)
            assert kind is not None
            self.facts = replace(self.facts, weak_suites=(*self.facts.weak_suites, WeakSuite(name=name, weakness=kind)))
            left = {number: name for number, name in left.items() if weakness(name) is not kind}

    async def _for_rsa(self) -> None:
        answer, certificates = await self._hello(TlsVersion.V1_2, RSA_SUITES, with_certificates=True)
        self._note_renegotiation_info(answer)
        self.facts = replace(self.facts, for_rsa=certificates)

    async def _for_ecdsa(self) -> None:
        answer, certificates = await self._hello(TlsVersion.V1_2, ECDSA_SUITES, with_certificates=True)
        self._note_renegotiation_info(answer)
        self.facts = replace(self.facts, for_ecdsa=certificates)

    def _note_renegotiation_info(self, answer: ServerHello | Alert) -> None:
        if isinstance(answer, ServerHello):
            self.facts = replace(self.facts, has_secure_renegotiation=RENEGOTIATION_INFO in answer.extensions)

    async def _served(self) -> None:
        chain, ending = await self._chain(self._name)
        if not chain:
            raise _Untold("no certificate came" if ending is None else ending.detail)
        self.facts = replace(self.facts, served=read_chain(chain))

    async def _without_name(self) -> None:
        if self._name is None:
            return  # then a client like the monitor sends none either
        chain, ending = await self._chain(None)
        if chain:
            self.facts = replace(self.facts, without_name=read_chain(chain))
        elif ending is not None and ending.end is End.ALERT:
            self.facts = replace(self.facts, refusal_without_name=ending.alert)
        else:
            raise _Untold("no certificate came" if ending is None else ending.detail)

    async def _chain(self, server_name: str | None) -> tuple[tuple[bytes, ...], Ending | None]:
        engine = TlsEngine(server_name=server_name, minimum_version=self._broker.tls.minimum_version)
        ending = await self._handshake(engine)
        # There also where the handshake came to nothing because we showed no certificate.
        return engine.served().chain, ending

    async def _renegotiation(self) -> None:
        if self.facts.has_secure_renegotiation is None:
            return  # TLS 1.2 is not spoken, and TLS 1.3 knows no renegotiation
        engine = TlsEngine(
            server_name=self._name,
            minimum_version=TlsVersion.V1_0,
            maximum_version=TlsVersion.V1_2,
            may_renegotiate=True,
        )
        ending = await self._handshake(engine, then=self._renegotiate)
        if ending is not None:
            raise _Untold(ending.detail)

    async def _renegotiate(self, channel: Channel) -> None:
        try:
            channel.engine.renegotiate()
            await channel.handshake(hold_certificate=False)
        except ConnectionEnded:
            self.facts = replace(self.facts, lets_clients_renegotiate=False)
        else:
            self.facts = replace(self.facts, lets_clients_renegotiate=True)

    async def _hello(
        self, version: TlsVersion, suites: Collection[int], *, with_certificates: bool = False
    ) -> tuple[ServerHello | Alert, tuple[CertificateFacts, ...] | None]:
        """Send a ClientHello; return the answer, and what certificates came with it if they are wanted."""
        async with self._connection() as tcp:
            answer, certificates = await say_hello(
                tcp, version, suites, server_name=self._name, with_certificates=with_certificates
            )
        return answer, None if certificates is None else read_chain(certificates)

    async def _handshake(
        self, engine: TlsEngine, then: Callable[[Channel], Awaitable[None]] | None = None
    ) -> Ending | None:
        """Go through a whole handshake, and `then`, and leave. Return why it came to nothing; None if it did not."""
        async with self._connection() as tcp:
            channel = Channel(tcp, engine)
            try:
                await channel.handshake(hold_certificate=False)
                if then is not None:
                    await then(channel)
                channel.say_goodbye()
                await channel.peer_closed(GOODBYE_S)
            except ConnectionEnded as ended:
                return ended.ending
            finally:
                channel.close()
        return None

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[TcpConnection]:
        """Connect, and close in the end; everything together has the probe's time.

        Raises:
            _Untold: for whatever went wrong.
        """
        try:
            async with asyncio.timeout(self._broker.timeout_s):
                tcp = await self._connect()
                try:
                    yield tcp
                finally:
                    tcp.close()
        except TimeoutError:
            raise _Untold(f"no answer within {self._broker.timeout_s:g} s") from None
        except (ConnectionEnded, HungUp, PhaseFault, ValueError, OSError) as error:
            raise _Untold(str(error)) from None

    async def _connect(self) -> TcpConnection:
        if self._address is not None:
            await asyncio.sleep(PACE_S)
            return await TcpConnection.open(self._address.family, self._address.socket_address)
        resolution = await self._resolver.resolve(self._broker.host, self._broker.port)
        deadline = asyncio.get_running_loop().time() + self._broker.timeout_s
        tcp, self._address = await connect(resolution.addresses, deadline)
        self.facts = replace(self.facts, address=self._address.text)
        return tcp
