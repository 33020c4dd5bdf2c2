"""Where something comes out of a daemon: what it serves, tells its service manager, and shows of its process."""

from __future__ import annotations

import gzip
import http.client
import os
import re
import socket
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import yaml

from tests.support.daemon import MonitorProcess
from tests.support.ports import PATIENCE_S


def answers(daemon: MonitorProcess) -> dict[str, bytes | str]:
    """Return everything that is served, headers included."""
    names = [broker["name"] for broker in yaml.safe_load(daemon.config.read_text())["brokers"]]
    paths = ["/", "/metrics", "/-/healthy", "/-/ready", "/-/reload", "/runbooks/", "/style.css", "/nowhere"]
    paths += ["/api/v1/brokers", *(f"/{place}/{name}" for place in ("brokers", "api/v1/brokers") for name in names)]
    paths += ["/brokers/nowhere", "/api/v1/brokers/nowhere", "/runbooks/nowhere", "/metrics?name[]=mqtt_tls_findings"]
    runbooks = re.findall(rb'href="([A-Z]\w+)"', fetched(daemon, "/runbooks/")[1])
    paths += [f"/runbooks/{name.decode()}" for name in runbooks]
    found = {path: fetched(daemon, path) for path in paths}
    found["OpenMetrics"] = fetched(daemon, "/metrics", Accept="application/openmetrics-text;version=1.0.0")
    headers, compressed = fetched(daemon, "/metrics", **{"Accept-Encoding": "gzip"})
    found["gzip"] = headers, gzip.decompress(compressed)
    assert runbooks
    assert found["OpenMetrics"][1].endswith(b"# EOF\n")
    assert b"mqtt_tls_probe_success" in found["gzip"][1]
    return {path: headers.encode() + body for path, (headers, body) in found.items()}


def fetched(daemon: MonitorProcess, path: str, **headers: str) -> tuple[str, bytes]:
    """Return an answer's headers, and its body as it came."""
    connection = http.client.HTTPConnection(daemon.host, daemon.port, timeout=PATIENCE_S)
    with closing(connection):
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return str(answer.headers), answer.read()


def exchanged(port: int, request: bytes) -> bytes:
    """Send something, and nothing more; return what comes until the other side has had enough of it."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as client:
        client.sendall(request)
        client.shutdown(socket.SHUT_WR)
        answer = b""
        with suppress(ConnectionResetError):
            while piece := client.recv(65536):
                answer += piece
        return answer


def no_http(text: bytes) -> tuple[bytes, ...]:
    """Return requests with a text where it does not belong, that a server may be tempted to write into its log."""
    reload = b"POST /-/reload HTTP/1.1\r\nHost: x\r\n"
    return (
        b"GET /" + text + b" HTTP/9.9\r\n\r\n",
        text + b"\r\n\r\n",
        b"\x16\x03\x01" + text,
        b"GET / HTTP/1.1\r\nAuthorization: Basic " + text * 400 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + text + b"\r\n\r\n",
        reload + b"Content-Length: " + text + b"\r\n\r\n",
        reload + b"Transfer-Encoding: chunked\r\n\r\n" + text + b"\r\n",
        b"GET http://u:" + text + b"@[::1 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /brokers/%ff?" + text + b" HTTP/1.1\r\nHost: " + text + b"\xff\r\nConnection: close\r\n\r\n",
    )


def process_list(pid: int) -> dict[str, bytes | str]:
    """Return what anybody may see of a process and those that it started, but their environment."""
    seen: dict[str, bytes | str] = {}
    for each in family(pid):
        place = Path("/proc", str(each))
        seen[f"{each} cmdline"] = (place / "cmdline").read_bytes()
        for task in (place / "task").iterdir():
            with suppress(FileNotFoundError, ProcessLookupError):  # a thread that has just ended
                seen[f"{each} thread {task.name}"] = (task / "comm").read_bytes() + (task / "cmdline").read_bytes()
        links = []
        for descriptor in (place / "fd").iterdir():
            with suppress(FileNotFoundError):  # a connection that has just ended
                links.append(str(descriptor.readlink()))
        seen[f"{each} descriptors"] = "\n".join(links)
    assert "monitor" in str(seen[f"{pid} cmdline"])
    return seen


def environments(pid: int) -> dict[str, bytes | str]:
    """Return the variables of a process and those that it started."""
    return {
        f"{each} {variable.partition('=')[0]}": variable
        for each in family(pid)
        for variable in Path(f"/proc/{each}/environ").read_text("utf-8", "surrogateescape").split("\0")
    }


def family(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that has just ended
            for child in (task / "children").read_text().split():
                found += family(int(child))
    return found


class Manager:
    """A service manager that keeps whatever it is told. A context manager: left, it has gone."""

    def __init__(self) -> None:
        self.address = f"@mqtt-tls-monitor-outlets-{os.getpid()}"
        self._heard = ""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{self.address[1:]}")
        self._socket.setblocking(False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._socket.close()

    @property
    def heard(self) -> str:
        """Everything so far; to be looked at from time to time, as the kernel keeps few messages."""
        with suppress(BlockingIOError):
            while True:
                self._heard += self._socket.recv(65536).decode() + "\n"
        return self._heard
