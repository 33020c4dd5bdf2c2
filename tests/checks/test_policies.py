"""A CA that demands certificate policies, and what is below it."""

from __future__ import annotations

import pytest
from cryptography import x509

from monitor.checks.assess import Assessor
from monitor.demo.pki import issue
from tests.checks.served import NOW, ROOT, broker, handshake, report

ANY, ONE, OTHER = "2.5.29.32.0", "1.2.3.4", "1.2.3.5"


def of(*policies: str) -> tuple[x509.ExtensionType, bool]:
    return x509.CertificatePolicies(
        [x509.PolicyInformation(x509.ObjectIdentifier(each), None) for each in policies]
    ), False


def after(count: int) -> tuple[x509.ExtensionType, bool]:
    return x509.PolicyConstraints(require_explicit_policy=count, inhibit_policy_mapping=None), True


MAPPING = (
    x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.33"), bytes.fromhex("300c300a06032a030406032a0305")),
    False,
)


@pytest.mark.parametrize(
    ("of_ca", "of_leaf", "is_found"),
    [
        ((), (), False),
        ((of(ONE),), (), False),
        ((of(ONE), after(0)), (of(ONE),), False),
        ((of(ANY), after(0)), (of(ONE),), False),
        ((of(ONE, OTHER), after(0)), (of(ANY),), False),
        ((of(ONE), after(0)), (of(OTHER),), True),
        ((of(ONE), after(0)), (), True),
        ((after(0),), (of(ONE),), True),
        # Demanded from the second certificate below it on, and there is one.
        ((of(ONE), after(1)), (), True),
        ((of(ONE), after(2)), (), False),
        ((of(ONE), after(0), MAPPING), (of(OTHER),), False),
    ],
)
def test_policies_are_demanded_all_the_way_down(
    of_ca: tuple[tuple[x509.ExtensionType, bool], ...],
    of_leaf: tuple[tuple[x509.ExtensionType, bool], ...],
    is_found: bool,
) -> None:
    ca = issue(now=NOW, issuer=ROOT, is_ca=True, subject="Strict CA", extensions=of_ca)
    leaf = issue(now=NOW, issuer=ca, extensions=of_leaf)
    found = Assessor().assess(report(handshake(leaf, ca)), broker(), NOW).findings
    assert ("chain_policies" in [each.code for each in found]) is is_found
    if is_found:
        assert "(CN=Strict CA) demands a certificate policy" in found[0].message
