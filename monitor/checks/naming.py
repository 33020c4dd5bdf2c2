"""How the leaf's names are written: entries that match nothing, or that no public CA can vouch for."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from typing import Final

from monitor.checks.case import Case
from monitor.checks.finding import finding
from monitor.checks.phrases import capitalised, described, listed
from monitor.model.judgement import Finding
from monitor.x509.names import ip_address

_MAX_SHOWN: Final = 5
# RFC 9525 6.3: the whole leftmost label, and at least two more behind it.
_SOUND_WILDCARD: Final = re.compile(r"\*(\.[^.*]+){2,}\.?")
# RFC 6762 (local), RFC 2606 and 6761 (test, example, invalid, localhost), RFC 8375 (home.arpa), ICANN (internal), and
# those that ICANN keeps out of the root because private networks use them.
_INTERNAL: Final = re.compile(
    r"(.*\.)?(local|localhost|internal|intranet|private|corp|home|lan|test|invalid|home\.arpa)"
)


def wildcards(case: Case) -> Iterator[Finding]:
    """Yield `name_wildcard_misused` if a wildcard stands where it matches nothing."""
    wrong = [name for name in case.leaf.dns_names if "*" in name and not _SOUND_WILDCARD.fullmatch(name)]
    yield from _about(case, "name_wildcard_misused", "holds wildcards that clients do not match", wrong)


def trailing_dots(case: Case) -> Iterator[Finding]:
    """Yield `name_trailing_dot` if a DNS name ends in a dot."""
    wrong = [name for name in case.leaf.dns_names if name.endswith(".")]
    yield from _about(case, "name_trailing_dot", "holds names with a dot at their end", wrong)


def internal_names(case: Case) -> Iterator[Finding]:
    """Yield `name_internal` if a public CA's certificate holds names that mean something else in each network."""
    if not case.is_public:
        return
    names = [name for name in case.leaf.dns_names if _is_internal(name)]
    names += [text for text in case.leaf.ip_addresses if not ipaddress.ip_address(text).is_global]
    yield from _about(case, "name_internal", "comes from a public CA and holds names of private networks", names)


def _is_internal(name: str) -> bool:
    bare = name.lower().rstrip(".").removeprefix("*.")
    if ip_address(bare) is not None:
        return False
    return "." not in bare or _INTERNAL.fullmatch(bare) is not None


def _about(case: Case, code: str, what: str, names: Iterable[str]) -> Iterator[Finding]:
    wrong = list(dict.fromkeys(names))
    if wrong:
        yield finding(
            code,
            f"{capitalised(described(case.leaf))} {what}: {listed(wrong, _MAX_SHOWN)}.",
            certificate=case.leaf.position,
        )
