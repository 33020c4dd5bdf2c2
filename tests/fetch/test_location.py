"""Which URIs of certificates are followed, and as what they are read."""

from __future__ import annotations

import pytest

from monitor.fetch.fault import FetchFault
from monitor.fetch.location import Location, locate
from monitor.model.unavailable import Unavailable

NOTHING: frozenset[tuple[str, int]] = frozenset()


@pytest.mark.parametrize(
    ("uri", "host", "target", "authority"),
    [
        ("http://ocsp.example.org", "ocsp.example.org", "/", "ocsp.example.org"),
        ("http://ocsp.example.org/", "ocsp.example.org", "/", "ocsp.example.org"),
        ("http://ocsp.example.org:80/a/b?c=d&e", "ocsp.example.org", "/a/b?c=d&e", "ocsp.example.org"),
        ("http://ocsp.example.org?c", "ocsp.example.org", "/?c", "ocsp.example.org"),
        ("HTTP://OCSP.Example.ORG./Ca.crl#part", "ocsp.example.org", "/Ca.crl", "ocsp.example.org"),
        ("http://a_b.test/x@y", "a_b.test", "/x@y", "a_b.test"),
        ("http://192.0.2.1/", "192.0.2.1", "/", "192.0.2.1"),
        ("http://[2001:DB8:0::1]/x", "2001:db8::1", "/x", "[2001:db8::1]"),
    ],
)
def test_plain_uri_is_host_port_and_target(uri: str, host: str, target: str, authority: str) -> None:
    found = locate(uri, NOTHING)
    assert found == Location(host, 80, target, is_configured=False)
    assert found.authority == authority


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("https://ocsp.example.org/", Unavailable.SCHEME),
        ("ldap:///CN=CA,DC=example?certificateRevocationList", Unavailable.SCHEME),
        ("LDAP://dc.example/CN=CA", Unavailable.SCHEME),
        ("file:///etc/passwd", Unavailable.SCHEME),
        ("gopher://ocsp.example.org:70/_x", Unavailable.SCHEME),
        ("urn:example:ca", Unavailable.SCHEME),
        ("http://user@ocsp.example.org/", Unavailable.URI),
        ("http://user:word@ocsp.example.org/", Unavailable.URI),
        ("http://ocsp.example.org:80@169.254.169.254/", Unavailable.URI),
        ("http://169.254.169.254\\@ocsp.example.org/", Unavailable.URI),
        ("http://ocsp.example.org\\.evil.example/", Unavailable.URI),
        ("http:\\\\ocsp.example.org/", Unavailable.URI),
        ("http:/ocsp.example.org/", Unavailable.URI),
        ("http:ocsp.example.org", Unavailable.URI),
        ("http://", Unavailable.URI),
        ("http:///ca.crl", Unavailable.URI),
        ("http://ocsp.example.org:/", Unavailable.URI),
        ("http://ocsp.example.org:http/", Unavailable.URI),
        ("http://ocsp.example.org:999999/", Unavailable.URI),
        ("http://ocsp.example.org/a b", Unavailable.URI),
        ("http://ocsp.example.org/\r\nX: y", Unavailable.URI),
        ("http://ocsp.example.org/\n", Unavailable.URI),
        ("http://ocsp.example.org\n", Unavailable.URI),
        ("http://ocsp.example.org/\x00", Unavailable.URI),
        ("http://ocsp.example.org/\x7f", Unavailable.URI),
        ("http://ocsp.example.org/\u00e9", Unavailable.URI),
        ("http://ocsp.ex\u00e4mple.org/", Unavailable.URI),
        ("http://ocsp\uff0eexample.org/", Unavailable.URI),
        ("http://%6c%6fcalhost/", Unavailable.URI),
        ("http://[::1%25lo]/", Unavailable.URI),
        ("http://[::1%lo]/", Unavailable.URI),
        ("http://[fe80::g]/", Unavailable.URI),
        ("http://[::1", Unavailable.URI),
        ("http://[1.2]/", Unavailable.URI),
        ("http://::1/", Unavailable.URI),
        (" http://ocsp.example.org/", Unavailable.URI),
        ("", Unavailable.URI),
        ("ocsp.example.org/ca.crl", Unavailable.URI),
        ("http://ocsp.example.org:8080/", Unavailable.PORT),
        ("http://ocsp.example.org:0/", Unavailable.PORT),
        ("http://ocsp.example.org:22/", Unavailable.PORT),
    ],
)
def test_anything_else_is_not_followed_and_its_reason_is_a_word(uri: str, reason: Unavailable) -> None:
    with pytest.raises(FetchFault) as caught:
        locate(uri, NOTHING)
    assert caught.value.reason is reason
    assert caught.value.detail.isprintable()


@pytest.mark.parametrize(
    ("uri", "is_configured"),
    [
        ("http://OCSP.internal.:8080/x", True),
        ("http://ocsp.internal/x", False),
        ("http://[0:0::1]:2560/", True),
        ("http://pki.internal/", True),
    ],
)
def test_configured_host_is_one_with_its_port_however_it_is_written(uri: str, is_configured: bool) -> None:
    allowed = frozenset({("ocsp.internal", 8080), ("::1", 2560), ("pki.internal", 80)})
    assert locate(uri, allowed).is_configured is is_configured


def test_configured_port_is_of_that_host_alone() -> None:
    with pytest.raises(FetchFault) as caught:
        locate("http://other.internal:8080/", frozenset({("ocsp.internal", 8080)}))
    assert caught.value.reason is Unavailable.PORT
