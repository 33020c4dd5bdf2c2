"""The routes, over real HTTP on a loopback port."""

import gzip
import json
import re
from collections.abc import AsyncIterator, Sequence

import aiohttp
import pytest
from yarl import URL

from monitor.export.alerts import texts
from monitor.model.broker import Addresses
from monitor.model.config import Problem
from monitor.store import Snapshot, Store
from monitor.web.listener import listening
from monitor.web.server import create_app
from tests.support.records import NOW, a_broker, a_report, an_assessment, expired

ODD = "a/b c?#%<ü>"
PATHS = ("/", "/brokers/plant-7", "/metrics", "/-/healthy", "/api/v1/brokers", "/style.css")


class Daemon:
    """What the routes are given: a real store, and a reload that answers as told."""

    def __init__(self) -> None:
        self.store = Store()
        self.store.configure([a_broker("healthy"), a_broker("plant-7"), a_broker(ODD)])
        self.store.record(*expired())
        report = a_report("healthy")
        self.store.record(report, an_assessment(report))
        self.is_there = False
        self.problems: tuple[Problem, ...] = ()
        self.reloads = 0

    def snapshot(self) -> Snapshot:
        return self.store.snapshot()

    def is_ready(self) -> bool:
        return self.is_there

    async def reload(self) -> Sequence[Problem]:
        self.reloads += 1
        return self.problems


@pytest.fixture
def daemon() -> Daemon:
    return Daemon()


@pytest.fixture
async def client(daemon: Daemon) -> AsyncIterator[aiohttp.ClientSession]:
    # Nothing compressed unless a test asks, and then as it came: decompressing would hide whether it was.
    plain = {"Accept-Encoding": "identity"}
    async with (
        listening(create_app(daemon, lambda: NOW), "127.0.0.1", 0) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=plain, auto_decompress=False) as session,
    ):
        yield session


async def test_metrics_are_prometheus_text_by_default(client: aiohttp.ClientSession) -> None:
    async with client.get("/metrics") as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert b'mqtt_tls_probe_success{broker="healthy"} 1.0\n' in await response.read()


async def test_metrics_are_openmetrics_where_asked_for(client: aiohttp.ClientSession) -> None:
    accept = "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5"
    async with client.get("/metrics", headers={"Accept": accept}) as response:
        assert response.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
        assert (await response.read()).endswith(b"# EOF\n")


async def test_metrics_are_compressed_where_accepted(client: aiohttp.ClientSession) -> None:
    async with client.get("/metrics", headers={"Accept-Encoding": "gzip"}) as response:
        assert response.headers["Content-Encoding"] == "gzip"
        assert b"mqtt_tls_probe_success" in gzip.decompress(await response.read())
    async with client.get("/metrics") as response:
        assert "Content-Encoding" not in response.headers
        assert b"mqtt_tls_probe_success" in await response.read()


async def test_metrics_tell_what_the_process_costs(client: aiohttp.ClientSession) -> None:
    async with client.get("/metrics") as response:
        text = await response.text()
    for name in ("process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"):
        assert f"\n{name} " in text
    async with client.get("/metrics?name[]=process_open_fds") as response:
        assert len((await response.text()).splitlines()) == 3


async def test_metrics_can_be_restricted_to_several_names(client: aiohttp.ClientSession) -> None:
    async with client.get("/metrics?name[]=mqtt_tls_probe_success&name[]=mqtt_tls_monitor_brokers") as response:
        lines = [line for line in (await response.text()).splitlines() if not line.startswith("#")]
    assert lines == [
        'mqtt_tls_probe_success{broker="healthy"} 1.0',
        'mqtt_tls_probe_success{broker="plant-7"} 0.0',
        "mqtt_tls_monitor_brokers 3.0",
    ]


async def test_healthy_is_200_from_the_start(client: aiohttp.ClientSession) -> None:
    async with client.get("/-/healthy") as response:
        assert response.status == 200


async def test_not_ready_says_whose_result_is_awaited(client: aiohttp.ClientSession, daemon: Daemon) -> None:
    async with client.get("/-/ready") as response:
        assert response.status == 503
        assert await response.text() == f"Not ready: no result yet of {ODD}.\n"
    daemon.is_there = True
    async with client.get("/-/ready") as response:
        assert response.status == 200


async def test_not_ready_names_a_few_of_many(client: aiohttp.ClientSession, daemon: Daemon) -> None:
    daemon.store.configure([a_broker(f"b{number}") for number in range(8)])
    async with client.get("/-/ready") as response:
        assert await response.text() == "Not ready: no result yet of b0, b1, b2, b3, b4 and 3 more.\n"


async def test_reload_is_asked_for_by_post(client: aiohttp.ClientSession, daemon: Daemon) -> None:
    async with client.post("/-/reload") as response:
        assert response.status == 200
    assert daemon.reloads == 1


async def test_refused_reload_says_every_problem(client: aiohttp.ClientSession, daemon: Daemon) -> None:
    daemon.problems = (
        Problem(file="m.yml", line=3, key="brokers[0].port", message="expected 1 to 65535, found 0"),
        Problem(file="ca.pem", line=None, key=None, message="cannot be read"),
    )
    async with client.post("/-/reload") as response:
        assert response.status == 500
        assert await response.text() == (
            "The configuration was refused; the running one stays.\n"
            "m.yml:3: brokers[0].port: expected 1 to 65535, found 0\n"
            "ca.pem: cannot be read\n"
        )


@pytest.mark.parametrize(("site", "status"), [("same-origin", 200), ("cross-site", 403), ("same-site", 403)])
async def test_reload_by_another_sites_page_is_refused(
    client: aiohttp.ClientSession, daemon: Daemon, site: str, status: int
) -> None:
    async with client.post("/-/reload", headers={"Sec-Fetch-Site": site}) as response:
        assert response.status == status
    assert daemon.reloads == (status == 200)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_reload_by_another_method_is_405(client: aiohttp.ClientSession, daemon: Daemon, method: str) -> None:
    async with client.request(method, "/-/reload") as response:
        assert response.status == 405
        assert response.headers["Allow"] == "POST"
    assert daemon.reloads == 0


async def test_documents_of_all_brokers_are_a_list_in_order(client: aiohttp.ClientSession) -> None:
    async with client.get("/api/v1/brokers") as response:
        assert response.headers["Content-Type"] == "application/json; charset=utf-8"
        shown = json.loads(await response.read())
    assert [(entry["broker"], entry["verdict"]) for entry in shown] == [
        ("healthy", "ok"),
        ("plant-7", "critical"),
        (ODD, None),
    ]


async def test_document_of_one_broker(client: aiohttp.ClientSession) -> None:
    async with client.get("/api/v1/brokers/plant-7") as response:
        shown = json.loads(await response.read())
    assert shown["findings"][0]["code"] == "certificate_expired"


async def test_document_of_a_down_broker_has_the_certificates_last_seen(
    client: aiohttp.ClientSession, daemon: Daemon
) -> None:
    down = a_report("healthy", reason="connect_refused")
    daemon.store.record(down, an_assessment(down))
    async with client.get("/api/v1/brokers/healthy") as response:
        shown = json.loads(await response.read())
    assert shown["tls"] is None
    assert len(shown["certificates"]) == 2


def watch_each_address(daemon: Daemon) -> None:
    daemon.store.configure([a_broker("cluster", addresses=Addresses.ALL)])
    daemon.store.resolved("cluster", ("192.0.2.1", "2001:db8::2"))
    for address, reason in (("192.0.2.1", None), ("2001:db8::2", "connect_refused")):
        report = a_report("cluster", address=address, reason=reason)
        daemon.store.record(report, an_assessment(report))


async def test_broker_with_several_addresses_has_a_document_for_each(
    client: aiohttp.ClientSession, daemon: Daemon
) -> None:
    watch_each_address(daemon)
    async with client.get("/api/v1/brokers") as response:
        flat = json.loads(await response.read())
    assert [(each["broker"], each["address"], each["verdict"]) for each in flat] == [
        ("cluster", "192.0.2.1", "ok"),
        ("cluster", "2001:db8::2", "critical"),
    ]
    async with client.get("/api/v1/brokers/cluster") as response:
        whole = json.loads(await response.read())
    assert whole == {
        "schema_version": 1, "broker": "cluster", "verdict": "critical", "success": False, "documents": flat
    }  # fmt: skip
    for document in flat:
        async with client.get("/api/v1/brokers/cluster", params={"address": document["address"]}) as response:
            assert json.loads(await response.read()) == document
    async with client.get("/api/v1/brokers/cluster?address=192.0.2.9") as response:
        assert response.status == 404
        assert json.loads(await response.read()) == {"error": "no broker named 'cluster' is watched at '192.0.2.9'"}


async def test_broker_to_be_watched_at_each_address_has_one_document_with_nothing_known_before_its_first_result(
    client: aiohttp.ClientSession, daemon: Daemon
) -> None:
    daemon.store.configure([a_broker("cluster", addresses=Addresses.ALL)])
    async with client.get("/api/v1/brokers/cluster") as response:
        whole = json.loads(await response.read())
    assert (whole["verdict"], whole["success"]) == (None, None)
    assert [(each["address"], each["verdict"]) for each in whole["documents"]] == [(None, None)]
    async with client.get("/brokers/cluster") as response:
        assert "No result yet." in await response.text()


async def test_page_lists_several_addresses_and_shows_each(client: aiohttp.ClientSession, daemon: Daemon) -> None:
    watch_each_address(daemon)
    async with client.get("/brokers/cluster") as response:
        assert "each of its 2 addresses is probed" in await response.text()
    async with client.get("/brokers/cluster?address=2001:db8::2") as response:
        assert "</a> at 2001:db8::2</h1>" in await response.text()
    async with client.get("/brokers/cluster?address=nowhere") as response:
        assert response.status == 404


async def test_document_of_an_unknown_broker_is_404_as_json(client: aiohttp.ClientSession) -> None:
    async with client.get("/api/v1/brokers/nobody") as response:
        assert response.status == 404
        assert json.loads(await response.read()) == {"error": "no broker named 'nobody' is watched"}


@pytest.mark.parametrize("path", ["/api/v1/brokers/", "/brokers/"])
async def test_odd_names_are_found_by_their_quoted_path(client: aiohttp.ClientSession, path: str) -> None:
    quoted = "a%2Fb%20c%3F%23%25%3C%C3%BC%3E"
    async with client.get(URL(f"{path}{quoted}", encoded=True)) as response:
        assert response.status == 200
        assert response.url.raw_path.endswith(quoted)


async def test_pages_are_html(client: aiohttp.ClientSession) -> None:
    for path in ("/", "/brokers/plant-7"):
        async with client.get(path) as response:
            assert response.status == 200
            assert response.headers["Content-Type"] == "text/html; charset=utf-8"
            assert "The server&#39;s certificate ended 3 days ago" in await response.text()


async def test_page_of_an_unknown_broker_is_404_as_html(client: aiohttp.ClientSession) -> None:
    async with client.get("/brokers/%3Cscript%3E") as response:
        assert response.status == 404
        assert "No broker named “&lt;script&gt;” is watched." in await response.text()


async def test_runbook_is_a_page_that_links_to_others_as_pages(client: aiohttp.ClientSession) -> None:
    async with client.get("/runbooks/MqttTlsChainInvalid") as response:
        text = await response.text()
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "<h1>MqttTlsChainInvalid</h1>" in text
    assert ".md" not in text
    # Whoever reads it must not lose the place every quarter of a minute.
    assert "refresh" not in text


async def test_runbooks_are_listed_with_what_they_are_about(client: aiohttp.ClientSession) -> None:
    async with client.get("/runbooks/") as response:
        text = await response.text()
    listed = re.findall(r'<li><a href="(\w+)">\1</a>: ([A-Z][^<]+)', text)
    assert [name for name, _ in listed] == sorted(texts())
    assert dict(listed)["MqttTlsMonitorNotScraped"] == "Prometheus gets no answer from the monitor."


@pytest.mark.parametrize("name", ["Nothing", "..%2f..%2fREADME", "MqttTlsChainInvalid.md", "%00"])
async def test_runbook_that_is_none_is_404(client: aiohttp.ClientSession, name: str) -> None:
    async with client.get(URL(f"/runbooks/{name}", encoded=True)) as response:
        assert response.status == 404


async def test_unknown_path_is_404_in_plain_text(client: aiohttp.ClientSession) -> None:
    async with client.get("/nothing/here") as response:
        assert response.status == 404
        assert response.headers["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("path", PATHS)
async def test_head_answers_like_get_without_a_body(client: aiohttp.ClientSession, path: str) -> None:
    async with client.get(path) as got:
        length = len(await got.read())
    async with client.head(path) as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == got.headers["Content-Type"]
        # What the process costs is never twice the same.
        assert path == "/metrics" or int(response.headers["Content-Length"]) == length
        assert await response.read() == b""


@pytest.mark.parametrize("path", [*PATHS, "/nothing/here", "/-/reload"])
async def test_every_answer_forbids_scripts_framing_and_sniffing(client: aiohttp.ClientSession, path: str) -> None:
    async with client.get(path) as response:
        policy = response.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'self';")
        assert "unsafe" not in policy
        assert "script" not in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["X-Frame-Options"] == "DENY"
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Server"] == "mqtt-tls-monitor"
