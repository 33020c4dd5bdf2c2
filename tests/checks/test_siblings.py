"""Findings about one address that the others of its name bring about."""

from monitor.checks.assess import Assessor
from monitor.demo.pki import Issued, issue
from monitor.model.facts import TlsFacts
from monitor.model.judgement import Finding, Severity
from monitor.model.known import Known
from monitor.model.report import ProbeReport
from tests.checks.served import DAY, INTERMEDIATE, LEAF, NOW, broker, handshake, report

ONE, TWO, THREE, FOUR, FIVE = (f"192.0.2.{number}" for number in range(1, 6))


def renewed(days: float, *, names: tuple[str, ...] = ("DNS:localhost", "IP:127.0.0.1", "IP:::1")) -> Issued:
    """Issue a certificate for the leaf's names that begins so many days after it."""
    begin = NOW - DAY + days * DAY
    return issue(now=NOW, issuer=INTERMEDIATE, names=names, not_before=begin, not_after=begin + 90 * DAY)


def at(address: str, leaf: Issued | None, reason: str | None = None) -> ProbeReport:
    tls: TlsFacts | None = None if leaf is None else handshake(leaf, INTERMEDIATE)
    return report(tls, address=address, reason=reason, detail=f"{address}: Connection refused")


def found(own: ProbeReport, *others: ProbeReport) -> dict[str, Finding]:
    findings = Assessor().assess(own, broker(), NOW, Known(siblings=others)).findings
    return {each.code: each for each in findings}


def test_older_of_two_certificates_is_named_with_where_the_newer_one_is() -> None:
    old, new = at(ONE, LEAF), at(TWO, renewed(0.5))
    differs = found(old, new)["addresses_differ"]
    assert differs.severity is Severity.WARNING
    assert differs.certificate == 0
    assert differs.message == (
        "192.0.2.1 still serves an older certificate, valid until 2027-02-21 12:00:00 UTC: the one at 192.0.2.2, "
        "behind the same name (127.0.0.1), is valid until 2027-02-21 00:00:00 UTC."
    )
    assert found(new, old) == {}


def test_of_three_generations_the_newest_is_what_the_others_should_have() -> None:
    middle, newest = renewed(0.2), renewed(0.5)
    nodes = [at(address, newest) for address in (TWO, THREE, FOUR, FIVE)]
    for own in (at(ONE, LEAF), at(ONE, middle)):
        message = found(own, at("192.0.2.9", middle), *nodes)["addresses_differ"].message
        assert "the one at 192.0.2.2, 192.0.2.3, 192.0.2.4 and 1 more, behind the same name" in message
        assert message.endswith("is valid until 2027-02-21 00:00:00 UTC.")
    assert found(nodes[0], *nodes[1:], at(ONE, LEAF)) == {}


def test_nodes_with_names_of_their_own_are_meant_to_differ() -> None:
    other = renewed(0.5, names=("DNS:localhost", "DNS:node-2.example"))
    assert found(at(ONE, LEAF), at(TWO, other)) == {}


def test_certificates_that_begin_together_are_of_one_renewal() -> None:
    assert found(at(ONE, LEAF), at(TWO, issue(now=NOW, issuer=INTERMEDIATE))) == {}


def test_address_that_served_nothing_is_compared_with_nothing() -> None:
    down = at(TWO, None, "connect_refused")
    assert found(at(ONE, LEAF), down) == {}
    assert "addresses_differ" not in found(down, at(ONE, renewed(0.5)))


def test_failure_says_at_how_many_addresses_of_how_many() -> None:
    down = [at(address, None, "connect_refused") for address in (ONE, TWO, THREE)]
    up = [at(address, LEAF) for address in (FOUR, FIVE)]
    refused = "The connection was refused."
    for others, said in (
        (up[:1], "1 of the 2 addresses of 127.0.0.1 fails, the other works."),
        ([*up, down[1]], "2 of the 4 addresses of 127.0.0.1 fail, the others work."),
        (down[1:], "All 3 addresses of 127.0.0.1 fail."),
    ):
        assert found(down[0], *others)["connect_refused"].message == f"{refused} {said}"
    assert found(down[0])["connect_refused"].message == refused


def test_failed_look_up_is_said_without_counting() -> None:
    unresolved = report(None, reason="resolve_nxdomain", detail="no such name")
    assert "addresses" not in found(unresolved, unresolved)["resolve_nxdomain"].message


def test_addresses_left_out_are_counted() -> None:
    own = report(handshake(LEAF, INTERMEDIATE), left_out=4)
    assert found(own, at(TWO, LEAF))["addresses_left_out"].message == (
        "The name 127.0.0.1 has 6 addresses, of which only 2 are probed."
    )
