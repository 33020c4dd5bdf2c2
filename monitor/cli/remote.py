"""What a running daemon answers over HTTP, and in plain words why it does not."""

from __future__ import annotations

import json
import ssl
from difflib import get_close_matches
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import HTTPSHandler, ProxyHandler, build_opener

from monitor.cli.exit_status import Complaint
from monitor.config.text import quoted
from monitor.export.document import SCHEMA_VERSION
from monitor.export.words import clean

_PATIENCE_S = 10.0
# A fleet of thousands is a few megabytes; something else that pours without end must not fill the memory.
_LONGEST_ANSWER = 256 * 1024 * 1024

Document = dict[str, Any]


class Remote:
    """A running daemon.

    Args:
        url: where its pages are, as the user wrote it; a path in front of them is kept.

    Raises:
        Complaint: the URL cannot be used.
    """

    def __init__(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            is_usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            is_usable = False
            parts = urlsplit("")
        if not is_usable or parts.query or parts.fragment or "@" in parts.netloc:
            how = "without user name and query" if "://" in url else "which begins with http:// or https://"
            raise Complaint(f"--url: expected a URL such as http://localhost:9883/, {how}")
        self._url = f"{url.rstrip('/')}/"
        # No proxy: the daemon is on this host or in this network, where proxies do not lead back to.
        self._opener = build_opener(ProxyHandler({}), HTTPSHandler(context=ssl.create_default_context()))

    def documents(self, broker: str | None) -> list[Document]:
        """Return the documents of one broker, or of all: one for each address where each is probed.

        Raises:
            Complaint: there is no daemon, it cannot be understood, or it does not watch such a broker.
        """
        path = "api/v1/brokers"
        if broker is None:
            return _documents(self._get(path))
        answer = self._get(f"{path}/{quote(broker, safe='')}")
        if "error" in answer:
            names = list(dict.fromkeys(str(each["broker"]) for each in _documents(self._get(path))))
            near = get_close_matches(broker, names, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"it watches {clean(', '.join(names), limit=200)}"
            raise Complaint(f"{self._url} watches no broker named {quoted(broker)}; {hint}")
        return _documents(answer.get("documents", [answer]))

    def _get(self, path: str) -> Any:
        try:
            body = self._read(path)
        except HTTPError as error:
            raise Complaint(f"{self._url}: {_refusal(error)}") from None
        except (OSError, HTTPException) as error:
            raise Complaint(f"{self._url}: {_failure(error, self._url)}") from None
        try:
            answer = json.loads(body)
        except ValueError:
            answer = None
        if not isinstance(answer, dict | list):
            raise Complaint(f"{self._url}: answers, but is no mqtt-tls-monitor; is it the right port?")
        return answer

    def _read(self, path: str) -> bytes:
        try:
            with self._opener.open(f"{self._url}{path}", timeout=_PATIENCE_S) as answer:
                body: bytes = answer.read(_LONGEST_ANSWER)
        except HTTPError as error:
            if error.code == 404 and error.headers.get_content_type() == "application/json":
                return error.read(_LONGEST_ANSWER)
            raise
        return body


def _documents(found: Any) -> list[Document]:
    if not isinstance(found, list) or any(not isinstance(each, dict) for each in found):
        raise Complaint("the answer is none of mqtt-tls-monitor; is it the right port?")
    versions = {each.get("schema_version") for each in found} - {SCHEMA_VERSION}
    if versions:
        raise Complaint(f"the answer has another form than this version reads: {versions.pop()!r}")
    return found


def _refusal(error: HTTPError) -> str:
    if error.code in {401, 407}:
        return "wants a user name and a password, which this command does not send; ask it on its own host"
    if error.code == 403:
        return "refuses this client (403); ask it on its own host"
    if error.code == 404:
        return "answers, but is no mqtt-tls-monitor (404); is it the right port, and the right path?"
    return f"cannot answer now ({error.code} {clean(str(error.reason), limit=80)})"


def _failure(error: OSError | HTTPException, url: str) -> str:
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {reason.verify_message}"
    if isinstance(reason, ssl.SSLError):
        return f"does not speak TLS as expected; try http{url.removeprefix('https')}"
    if isinstance(reason, TimeoutError):
        return f"does not answer within {_PATIENCE_S:.0f} s"
    if isinstance(reason, ConnectionRefusedError):
        return "nothing listens there; is the daemon running, and is this its address?"
    if isinstance(reason, HTTPException | ConnectionResetError) and url.startswith("http:"):
        return f"does not speak HTTP; if it speaks TLS, try https{url.removeprefix('http')}"
    return f"cannot be reached: {clean(str(reason), limit=200)}"
