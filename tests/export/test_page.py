"""The status page: what it says, and what it does not let a broker say."""

import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

from monitor.export.page import addresses_page, broker_page, index, not_found, stylesheet
from monitor.model.broker import Addresses
from monitor.model.judgement import Assessment, Cause, Changed, Hints, Severity
from monitor.model.report import ProbeReport
from monitor.store import BrokerState, Store
from tests.support.records import (
    NOW,
    REFUSALS,
    SCAN,
    a_break,
    a_broker,
    a_certificate,
    a_change,
    a_file,
    a_finding,
    a_profile,
    a_report,
    an_answer,
    an_assessment,
    expired,
    tls_facts,
)

LATER = NOW + timedelta(minutes=8)
HOSTILE = "<script>alert(1)</script>\"'&\x1b\u202e"
Attributes = list[tuple[str, str | None]]
Result = tuple[ProbeReport, Assessment]
VOID = {"meta", "link", "br", "rect"}


class Reader(HTMLParser):
    """Collects a page's text and elements; an element that is closed wrongly is an error."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Attributes) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.extend(data.split())

    @property
    def text(self) -> str:
        return " ".join(self.words)


def store_of(*results: Result) -> Store:
    store = Store()
    store.configure([a_broker(name) for name in dict.fromkeys(report.broker for report, _ in results)])
    for report, assessment in results:
        store.record(report, assessment)
    return store


def state_of(*results: Result) -> BrokerState:
    return store_of(*results).snapshot().brokers[0]


def test_index_says_of_each_broker_what_is_known() -> None:
    healthy = a_report("healthy")
    store = store_of((healthy, an_assessment(healthy)), expired())
    text = Reader(index(store.snapshot(), LATER)).text
    assert "critical 1 ok 1" in text
    assert (
        "critical plant-7 The server's certificate ended 3 days ago, on 2026-11-20 11:00:00 UTC. "
        "7 minutes ago - 3 days ago -" in text
    )
    assert "ok healthy Connected, and got its own message back in 3.20 ms. - 7 minutes ago in 60 days - 3.20 ms" in text


def test_index_puts_the_gravest_first() -> None:
    healthy, soon = a_report("healthy"), a_report("soon")
    store = store_of((healthy, an_assessment(healthy)), (soon, an_assessment(soon, a_finding())), expired())
    store.configure([a_broker("new"), *(state.broker for state in store.snapshot().brokers)])
    links = [attributes["href"] for tag, attributes in Reader(index(store.snapshot(), LATER)).elements if tag == "a"]
    assert links[2:] == ["brokers/plant-7", "brokers/soon", "brokers/healthy", "brokers/new"]


def test_index_without_brokers_says_so() -> None:
    assert "No broker is configured." in Reader(index(Store().snapshot(), LATER)).text


def test_index_tells_of_a_down_broker_when_its_chain_ends() -> None:
    report = a_report()
    down = a_report(reason="connect_refused", started_at=NOW + timedelta(minutes=1))
    assessment = replace(an_assessment(down), judgement=None)
    text = Reader(index(store_of((report, an_assessment(report)), (down, assessment)).snapshot(), LATER)).text
    assert "6 minutes ago 7 minutes ago in 60 days -" in text


def test_link_of_an_odd_name_is_quoted() -> None:
    store = Store()
    store.configure([a_broker("a/b c?#%<ü>")])
    assert 'href="brokers/a%2Fb%20c%3F%23%25%3C%C3%BC%3E"' in index(store.snapshot(), LATER)


def test_brokers_page_shows_what_the_terminal_shows() -> None:
    text = Reader(broker_page(state_of(expired()), LATER)).text
    for shown in (
        "critical plant-7 The server's certificate ended 3 days ago",
        "mqtt.example.org:8883 (192.0.2.7)",
        "Fix: Renew the certificate, install it with its intermediates, and reload the broker.",
        "failed: verify_certificate_expired certificate 0 ended 2026-11-20",
        "roundtrip not tried, as verify failed",
        "handshake 12.7 ms",
        "TLSv1.3, TLS_AES_256_GCM_SHA384, X25519",
        "0 leaf CN=mqtt.example.org ended 2026-11-20 11:00:00 UTC, 3 days ago",
        "issuer, not served: CN=Example Root",
        "Probes 1, 1 failed",
    ):
        assert shown in text


def test_hints_are_a_list_and_what_is_typed_is_set_as_code() -> None:
    hints = Hints(caption="The file", by_broker=(("EMQX", "`a.b` in emqx.conf."), ("NATS", "none.")))
    report = a_report()
    html = broker_page(state_of((report, an_assessment(report, a_finding(fix="Run `it`.", hints=(hints,))))), LATER)
    assert "Fix: Run it . The file EMQX a.b in emqx.conf. NATS none." in Reader(html).text
    assert "<code>a.b</code> in emqx.conf." in html


def test_own_work_has_no_bar() -> None:
    report = a_report()
    html = broker_page(state_of((report, an_assessment(report))), LATER)
    assert html.count("<svg") == len(report.phases) - 1
    assert "verify 0.30 ms our own work" in Reader(html).text


def test_brokers_page_shows_recent_failures_as_runs() -> None:
    report, assessment = expired()
    results = [(replace(report, started_at=NOW + timedelta(minutes=minute)), assessment) for minute in range(3)]
    text = Reader(broker_page(state_of(*results), LATER)).text
    assert (
        "verify_certificate_expired in verify, at 192.0.2.7 certificate 0 ended 2026-11-20 "
        "2026-11-23 12:00:00 UTC, 3 times until 5 minutes ago" in text
    )


def test_brokers_page_shows_certificates_last_seen_while_it_is_down() -> None:
    report = a_report()
    down = a_report(reason="connect_refused", started_at=NOW + timedelta(minutes=1))
    finding = a_finding("connect_refused", Severity.CRITICAL, message="Nothing listens there.")
    text = Reader(
        broker_page(state_of((report, an_assessment(report)), (down, an_assessment(down, finding))), LATER)
    ).text
    assert "Nothing listens there." in text
    assert "Certificates as last seen, 7 minutes ago 0 leaf CN=mqtt.example.org" in text


def test_brokers_page_shows_what_changed_and_only_that() -> None:
    report = a_report()
    change = a_change(Changed.LEAF, Changed.ISSUER)
    later = replace(report, started_at=NOW + timedelta(minutes=5))
    moved = replace(a_change(at=NOW + timedelta(minutes=5)), after=change.before, before=change.before)
    text = Reader(
        broker_page(
            state_of((report, an_assessment(report, change=change)), (later, an_assessment(later, change=moved))), LATER
        )
    ).text
    assert (
        "Changes of what is served other certificates beside it, or in another order 2026-11-23 12:05:00 UTC, "
        "3 minutes ago; what was there before was last seen 2026-11-23 12:04:00 UTC leaf, issuer 2026-11-23 12:00:00 "
        "UTC, 8 minutes ago; what was there before was last seen 2026-11-23 11:59:00 UTC issuer CN=Old CA → CN=Example "
        f"Issuing CA root CN=Old Root → CN=Example Root certificate {'aa' * 32} → {'bb' * 32}" in text
    )
    assert "key" not in text.partition("Changes of what is served")[2]


def test_broker_without_a_result_has_a_page() -> None:
    store = Store()
    store.configure([a_broker()])
    text = Reader(broker_page(store.snapshot().brokers[0], LATER)).text
    assert "waiting plant-7 No result yet." in text
    assert "mqtt.example.org, port 8883" in text


def test_text_of_a_broker_stays_text() -> None:
    leaf = a_certificate(subject=HOSTILE, issuer=HOSTILE, names=(HOSTILE,))
    report = a_report(HOSTILE, reason="publish_refused", detail=HOSTILE, tls=tls_facts((leaf,)), address=HOSTILE)
    hints = (Hints(caption=HOSTILE, by_broker=((HOSTILE, HOSTILE),)),)
    finding = a_finding("publish_refused", Severity.CRITICAL, message=HOSTILE, fix=HOSTILE, hints=hints)
    change = a_change(Changed.ISSUER)
    change = replace(change, after=replace(change.after, issuer=HOSTILE, root=HOSTILE))
    store = store_of((report, an_assessment(report, finding, change=change)))
    for html in (
        index(store.snapshot(), LATER),
        broker_page(store.snapshot().brokers[0], LATER),
        not_found(HOSTILE, LATER),
    ):
        page = Reader(html)
        assert "<script>alert(1)</script>" in page.text
        assert "script" not in {tag for tag, _ in page.elements}
        assert not set("\x1b\u202e") & set(html)


def test_pages_need_no_script_no_inline_style_and_nothing_from_elsewhere() -> None:
    store = store_of(expired())
    for html in (index(store.snapshot(), LATER), broker_page(store.snapshot().brokers[0], LATER)):
        for tag, attributes in Reader(html).elements:
            assert tag not in {"script", "style", "img", "iframe"}
            assert not {name for name in attributes if name == "style" or name.startswith("on")}
            for link in (attributes.get("href"), attributes.get("src")):
                assert link is None or "//" not in link
    assert not re.search(r"url\(|@import", stylesheet())


def test_pages_refresh_themselves() -> None:
    html = broker_page(state_of(expired()), LATER)
    assert '<meta http-equiv="refresh" content="15">' in html


def test_profiles_and_what_breaks_next_are_on_the_pages() -> None:
    report = a_report()
    profiles = (a_profile(), a_profile("gateway", error="OpenSSL says: <no>"))
    result = (report, an_assessment(report, profiles=profiles, next_break=a_break(Cause.CLIENT_CERTIFICATE)))
    assert "in 61 days client certificate, in 12 days 3.20 ms" in Reader(index(store_of(result).snapshot(), NOW)).text
    page = Reader(broker_page(state_of(result), NOW)).text
    assert "Next to break the broker's certificate (CN=mqtt.example.org), in 12 days (2026-12-05 13:00:00 UTC)" in page
    assert "devices-2022 accepts the chain : ends 2027-01-23 12:00:00 UTC, in 61 days" in page
    assert "gateway refuses the chain : OpenSSL says: <no>" in page


def test_certificate_file_is_on_its_brokers_page() -> None:
    report = a_report()
    result = (report, an_assessment(report, certificate_file=a_file(is_served=False)))
    page = Reader(broker_page(state_of(result), NOW)).text
    assert "Certificate file /etc/mosquitto/server.pem: not served, replaced 3 hours ago" in page


def test_attempts_at_what_must_be_refused_are_on_the_page() -> None:
    report = a_report()
    html = broker_page(state_of((report, an_assessment(report, refusals=REFUSALS))), NOW)
    page = Reader(html).text
    assert "What must be refused anonymous refused : CONNACK with code 5 10 minutes ago" in page
    assert "no_client_certificate accepted : a client was let in 10 minutes ago" in page
    assert "wrong_password unknown : connect_refused: <no>" in page


def test_scan_is_on_the_page() -> None:
    report = a_report()
    page = Reader(broker_page(state_of((report, an_assessment(report, scan=SCAN))), NOW)).text
    assert "Scan of what TLS accepts asked 192.0.2.7, 3 hours ago old versions accepted: TLS 1.0, TLS 1.1 weak" in page
    assert "Scan" not in Reader(broker_page(state_of((report, an_assessment(report))), NOW)).text


def cluster() -> Store:
    """Return a store that knows a good and a dead address of one broker, and a broker with a warning."""
    store = Store()
    store.configure([a_broker("other"), a_broker("cluster", addresses=Addresses.ALL)])
    store.resolved("cluster", ("192.0.2.1", "2001:db8::2"))
    good, dead = (
        a_report("cluster", address="192.0.2.1"),
        a_report("cluster", address="2001:db8::2", reason="connect_refused"),
    )
    other = a_report("other")
    store.record(other, an_assessment(other, a_finding()))
    store.record(good, an_assessment(good))
    store.record(dead, an_assessment(dead))
    return store


def test_index_keeps_addresses_together_and_counts_their_broker_once() -> None:
    page = Reader(index(cluster().snapshot(), LATER))
    assert "critical 1 warning 1 Verdict" in page.text
    links = [attributes["href"] for tag, attributes in page.elements if tag == "a"]
    assert links[2:] == [
        "brokers/cluster", "brokers/cluster?address=2001%3Adb8%3A%3A2",
        "brokers/cluster", "brokers/cluster?address=192.0.2.1",
        "brokers/other",
    ]  # fmt: skip


def test_broker_with_several_addresses_has_a_row_for_each() -> None:
    page = Reader(addresses_page(cluster().snapshot().of("cluster"), LATER))
    assert "critical cluster mqtt.example.org, port 8883: each of its 2 addresses is probed." in page.text
    assert "ok cluster 192.0.2.1 Connected" in page.text
    assert "critical cluster 2001:db8::2 The probe failed: connect_refused." in page.text
    assert "../brokers/cluster?address=192.0.2.1" in [attributes.get("href") for _, attributes in page.elements]


def test_page_of_one_address_names_it_and_leads_back() -> None:
    page = Reader(broker_page(cluster().snapshot().of("cluster", "192.0.2.1")[0], LATER))
    assert "ok cluster at 192.0.2.1" in page.text
    assert "../brokers/cluster" in [attributes.get("href") for _, attributes in page.elements]


def test_revocation_is_on_the_brokers_page() -> None:
    report = a_report()
    page = Reader(broker_page(state_of((report, an_assessment(report, revocation=(an_answer(),)))), NOW)).text
    assert "Revocation staple good until 2026-11-25" in page
