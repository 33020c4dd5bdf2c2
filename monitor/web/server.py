"""The routes. Each handler renders a snapshot; only `POST /-/reload` makes something happen."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Any, Protocol, TypeVar

from aiohttp import web
from prometheus_client import ProcessCollector
from prometheus_client.exposition import gzip_accepted

from monitor.export import document, page, runbooks
from monitor.export.exposition import Exposition
from monitor.model.broker import Addresses
from monitor.model.config import Problem
from monitor.store import BrokerState, Snapshot, worst

# The pages are plain HTML with one style sheet: whatever else a broker's text might smuggle in must not run or load.
_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    # Without versions: they help nobody who is meant to read this.
    "Server": "mqtt-tls-monitor",
}
# A reload posts nothing.
_LONGEST_BODY = 4096
_NAMED_BROKERS = 5

_T = TypeVar("_T")


class Daemon(Protocol):
    """What the routes need of the running daemon."""

    def snapshot(self) -> Snapshot:
        """Return what is known now; cheap."""

    def is_ready(self) -> bool:
        """Tell whether every broker has a first result, or its deadline has passed."""

    async def reload(self) -> Sequence[Problem]:
        """Load the configuration again. Empty: it is in force. Else nothing changed, and this is why."""


def create_app(daemon: Daemon, now: Callable[[], datetime]) -> web.Application:
    """Return the application; `now` gives aware UTC times, for how long ago things happened."""
    routes = _Routes(daemon, now)
    app = web.Application(client_max_size=_LONGEST_BODY)
    app.on_response_prepare.append(_add_headers)
    app.on_cleanup.append(routes.close)
    app.add_routes(
        [
            web.get("/metrics", routes.metrics),
            web.get("/-/healthy", routes.healthy),
            web.get("/-/ready", routes.ready),
            web.post("/-/reload", routes.reload),
            web.get("/api/v1/brokers", routes.documents),
            web.get("/api/v1/brokers/{name}", routes.document),
            web.get("/", routes.index),
            web.get("/brokers/{name}", routes.broker),
            web.get("/runbooks/", routes.runbooks),
            web.get("/runbooks/{alert}", routes.runbook),
            web.get("/style.css", routes.stylesheet),
        ]
    )
    return app


async def _add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)


class _Routes:
    def __init__(self, daemon: Daemon, now: Callable[[], datetime]) -> None:
        self._daemon = daemon
        self._now = now
        self._process = ProcessCollector(registry=None)
        self._exposition = Exposition()
        # One thread: several are no faster together, and leave the event loop less of the time.
        self._renderer = ThreadPoolExecutor(1, thread_name_prefix="render")

    async def close(self, _app: web.Application) -> None:
        self._renderer.shutdown(wait=False, cancel_futures=True)

    async def _rendered(self, render: Callable[[], _T]) -> _T:
        """Return what that makes, in a thread: with hundreds of brokers it would hold up the probes' turns."""
        return await asyncio.get_running_loop().run_in_executor(self._renderer, render)

    async def metrics(self, request: web.Request) -> web.Response:
        is_compressed = gzip_accepted(request.headers.get("Accept-Encoding", ""))
        body, content_type = await self._rendered(
            partial(
                self._exposed,
                self._daemon.snapshot(),
                accept=",".join(request.headers.getall("Accept", [])),
                names=request.query.getall("name[]", []),
                is_compressed=is_compressed,
            )
        )
        encoding = {"Content-Encoding": "gzip"} if is_compressed else {}
        return web.Response(body=body, headers={"Content-Type": content_type, **encoding})

    def _exposed(
        self, snapshot: Snapshot, *, accept: str, names: Sequence[str], is_compressed: bool
    ) -> tuple[bytes, str]:
        process = self._process.collect()
        body, content_type = self._exposition.render(snapshot, accept=accept, names=names, process=process)
        # Level 6: a hundredth more bytes than with 9, gzip's own, in a quarter of the time.
        return gzip.compress(body, compresslevel=6) if is_compressed else body, content_type

    async def healthy(self, _request: web.Request) -> web.Response:
        return web.Response(text="mqtt-tls-monitor is healthy.\n")

    async def ready(self, _request: web.Request) -> web.Response:
        if self._daemon.is_ready():
            return web.Response(text="mqtt-tls-monitor is ready.\n")
        states = self._daemon.snapshot().brokers
        waiting = [state.broker.name for state in states if state.report is None]
        return web.Response(status=503, text=f"Not ready: {_awaited(waiting)}.\n")

    async def reload(self, request: web.Request) -> web.Response:
        # Browsers say where a request comes from (Fetch Metadata); a page of somebody else's has no say here.
        if request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}:
            raise web.HTTPForbidden(text="A reload cannot be asked for by another site's page.\n")
        problems = await self._daemon.reload()
        if not problems:
            return web.Response(text="Configuration reloaded.\n")
        lines = "\n".join(str(problem) for problem in problems)
        return web.Response(status=500, text=f"The configuration was refused; the running one stays.\n{lines}\n")

    async def documents(self, _request: web.Request) -> web.Response:
        text = await self._rendered(partial(_documents, self._daemon.snapshot()))
        return web.Response(text=text, content_type="application/json")

    async def document(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        address = request.query.get("address")
        states = self._daemon.snapshot().of(name, address)
        if not states:
            at = "" if address is None else f" at {address!r}"
            return web.json_response({"error": f"no broker named {name!r} is watched{at}"}, status=404)
        documents = [_document(state) for state in states]
        broker = states[0].broker
        if broker.addresses is Addresses.FIRST or address is not None:
            return web.json_response(documents[0])
        return web.json_response(document.of_addresses(broker, documents, worst(states)))

    async def index(self, _request: web.Request) -> web.Response:
        return _html(await self._rendered(partial(page.index, self._daemon.snapshot(), self._now())))

    async def broker(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        states = self._daemon.snapshot().of(name, request.query.get("address"))
        if not states:
            return _html(page.not_found(name, self._now()), status=404)
        if len(states) > 1:
            return _html(page.addresses_page(states, self._now()))
        return _html(page.broker_page(states[0], self._now()))

    async def runbooks(self, _request: web.Request) -> web.Response:
        return _html(runbooks.index(self._now()))

    async def runbook(self, request: web.Request) -> web.Response:
        found = runbooks.runbook(request.match_info["alert"], self._now())
        if found is None:
            raise web.HTTPNotFound(text="There is no runbook of that name.\n")
        return _html(found)

    async def stylesheet(self, _request: web.Request) -> web.Response:
        return web.Response(text=page.stylesheet(), content_type="text/css")


def _documents(snapshot: Snapshot) -> str:
    return json.dumps([_document(state) for state in snapshot.brokers])


def _document(state: BrokerState) -> dict[str, Any]:
    if state.report is None or state.assessment is None:
        return document.pending(state.broker, address=state.address, last_seen=state.tls, changes=state.changes)
    return document.document(
        state.report,
        state.assessment,
        failing_since=state.failing_since,
        last_success_at=state.last_success_at,
        last_seen=state.tls,
        changes=state.changes,
    )


def _html(text: str, *, status: int = 200) -> web.Response:
    return web.Response(text=text, content_type="text/html", status=status)


def _awaited(names: Sequence[str]) -> str:
    if not names:
        return "starting"
    more = len(names) - _NAMED_BROKERS
    listed = ", ".join(names[:_NAMED_BROKERS])
    return f"no result yet of {listed}" + (f" and {more} more" if more > 0 else "")
