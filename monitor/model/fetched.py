"""What came of asking where a certificate points."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from monitor.model.revocation import Source
from monitor.model.unavailable import Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What is known of one certificate from where it points; equal while that is the same."""

    source: Source
    fingerprint_sha256: str
    """The certificate's."""
    uri: str
    """Where it was asked first."""
    content: bytes | None = field(repr=False, compare=False)
    """The latest usable answer, DER, even if it is out of date by now; where there was none, whatever came."""
    sha256: str
    """The content's; empty without any. Stands for the whole in comparisons."""
    problem: Unavailable | None
    """What was wrong when it was asked last; None if nothing was."""
    detail: str
    """Of the problem, as the end of a sentence."""
    is_usable: bool = True
    """False where there is content, and it could not be relied on when it came: it is shown, and never good."""

    @property
    def without_content(self) -> Fetched:
        """Equal to it, and small: for keys of what is remembered."""
        return replace(self, content=None)
