"""The status page in a real browser."""

import asyncio
import asyncio.subprocess
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from monitor.model.config import Problem
from monitor.store import Snapshot, Store
from monitor.web.listener import listening
from monitor.web.server import create_app
from tests.support.ports import PATIENCE_S
from tests.support.records import NOW, a_broker, expired

QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class Daemon:
    """Watches one broker, whose certificate has expired."""

    def __init__(self) -> None:
        self.store = Store()
        self.store.configure([a_broker("plant-7")])
        self.store.record(*expired())

    def snapshot(self) -> Snapshot:
        return self.store.snapshot()

    def is_ready(self) -> bool:
        return True

    async def reload(self) -> Sequence[Problem]:
        return ()


async def dom(url: str, profile: Path) -> str:
    browser = await asyncio.create_subprocess_exec(
        "chromium", *QUIET, f"--user-data-dir={profile}", "--dump-dom", url,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        out, _ = await asyncio.wait_for(browser.communicate(), PATIENCE_S)
    except TimeoutError:
        browser.kill()
        await browser.wait()
        raise
    assert browser.returncode == 0
    return out.decode()


async def test_browser_shows_the_verdict_and_gets_the_style_sheet(tmp_path: Path) -> None:
    asked: list[str] = []

    @web.middleware
    async def note(request: web.Request, handler: Handler) -> web.StreamResponse:
        asked.append(request.path)
        return await handler(request)

    app = create_app(Daemon(), lambda: NOW)
    app.middlewares.append(note)
    async with listening(app, "127.0.0.1", 0) as port:
        shown = await dom(f"http://127.0.0.1:{port}/brokers/plant-7", tmp_path)
    assert "The server's certificate ended 3 days ago, on 2026-11-20 11:00:00 UTC." in shown
    assert '<span class="verdict critical">critical</span>' in shown
    assert asked[:2] == ["/brokers/plant-7", "/style.css"]
