"""How a finding is made of its code and its sentence, and which of several come first."""

from __future__ import annotations

from collections.abc import Iterable

from monitor.checks.catalogue import CATALOGUE, entry
from monitor.checks.words.entry import Advice
from monitor.model.judgement import Finding, Severity

_ORDER = {code: place for place, code in enumerate(CATALOGUE)}


def finding(
    code: str,
    message: str,
    *,
    severity: Severity | None = None,
    advice: Advice | None = None,
    certificate: int | None = None,
) -> Finding:
    """Make a finding; severity and advice are the catalogue's unless given."""
    words = entry(code)
    advice = words.advice if advice is None else advice
    return Finding(
        code=code,
        severity=words.severity if severity is None else severity,
        message=message,
        fix=advice.text,
        hints=advice.hints,
        certificate=certificate,
    )


def gravest_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort findings: by severity, then by the catalogue's order, then by position in the chain."""
    return tuple(
        sorted(
            findings,
            key=lambda each: (
                -each.severity,
                _ORDER[each.code],
                -1 if each.certificate is None else each.certificate,
            ),
        )
    )
