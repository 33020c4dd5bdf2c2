"""One result on a terminal: a sentence, a waterfall of the phases, the chain as a tree, findings with their fixes.

The console decides on colours, width and characters: without colour nothing is lost, outside UTF-8 nothing breaks.
"""

from __future__ import annotations

from rich.console import Console, RenderableType
from rich.segment import Segment, Segments
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from monitor.export.certificates import CertificateView
from monitor.export.findings import FindingView
from monitor.export.phases import PhaseView
from monitor.export.view import FileView, View, file_view, view
from monitor.model.chain_file import ChainFile
from monitor.model.judgement import Assessment, Hints
from monitor.model.report import ProbeReport

_STYLES = {
    "ok": "bold green",
    "warning": "bold yellow",
    "critical": "bold red",
    "info": "bold cyan",
    "done": "cyan",
    "failed": "bold red",
    "refused": "bold green",
    "accepted": "bold red",
    "unknown": "bold yellow",
}
_NAME_WIDTH = 13
_ELAPSED_WIDTH = 9
# At 80 columns the note column still holds the longest note, "at most, user clock".
_NOTE_WIDTH = 20
_MIN_BAR, _MAX_BAR = 12, 48


def render(report: ProbeReport, assessment: Assessment, console: Console) -> None:
    """Print one result for people, as seen from the moment of its assessment."""
    _Screen(console).show(view(report, assessment, now=assessment.at))


def render_file(file: ChainFile, assessment: Assessment, console: Console) -> None:
    """Print what was found about a certificate file for people, as seen from the moment it was judged at."""
    _Screen(console).show_file(file_view(file, assessment))


class _Screen:
    """Prints the parts of a view, in the characters that the console can show."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._ascii = console.options.ascii_only

    def text(self, content: str, style: str = "") -> Text:
        """Return text that is never read as markup, in the console's characters."""
        if self._ascii:
            content = content.replace("…", "...").encode("ascii", "replace").decode("ascii")
        return Text(content, style=style)

    def show(self, shown: View) -> None:
        self._headline(shown)
        self._waterfall(shown)
        self._session(shown)
        when = "last seen; this probe was served none" if shown.are_certificates_old else "as served"
        self._chain(shown.certificates, f"Certificates ({when})", missing="issuer, not served")
        if shown.certificate_file:
            self._heading("The broker's certificate file")
            self.print(self.text(shown.certificate_file), by=2)
        self._outlook(shown)
        self._refusals(shown)
        self._scan(shown)
        self._findings(shown.findings)

    def show_file(self, shown: FileView) -> None:
        title = self.text(shown.verdict.upper(), _STYLES[shown.verdict])
        title.append_text(self.text(f"  {shown.file}", "bold"))
        self.print(title)
        self.print(self.text(shown.sentence))
        self.print(self.text(f"judged at {shown.judged}", "dim"))
        self._chain(shown.certificates, "Certificates (as in the file)", missing="issuer, not in the file")
        if shown.key:
            self._heading("Private key")
            self.print(self.text(shown.key), by=2)
        self._findings(shown.findings)

    def _headline(self, shown: View) -> None:
        title = self.text(shown.verdict.upper(), _STYLES[shown.verdict])
        title.append_text(self.text(f"  {shown.broker}", "bold"))
        # Without a configuration, a broker is called by its target.
        if target := f"{shown.target} ".removeprefix(f"{shown.broker} ").rstrip():
            title.append_text(self.text(f"  {target}"))
        self.print(title)
        self.print(self.text(shown.sentence))

    def _heading(self, title: str) -> None:
        self._console.print()
        self.print(self.text(title, "bold"))

    def _waterfall(self, shown: View) -> None:
        self._console.print()
        spare = self._console.width - _NAME_WIDTH - _ELAPSED_WIDTH - _NOTE_WIDTH - 5
        width = min(max(spare, _MIN_BAR), _MAX_BAR)
        for phase in shown.phases:
            self.print(self._phase(phase, width))
            if phase.detail:
                self.print(self.text(phase.detail), by=_NAME_WIDTH + 3)
        self.print(self.text(f"  whole probe   {shown.took}, begun {shown.started}", "dim"))

    def _phase(self, phase: PhaseView, width: int) -> Text:
        name = f"  {phase.name:<{_NAME_WIDTH}} "
        if phase.outcome == "skipped":
            return self.text(f"{name}not tried, as {phase.blocked_by} failed", "dim")
        style = _STYLES[phase.outcome]
        line = self.text(name, style if phase.reason else "")
        line.append_text(self.text(self._bar(phase, width), style))
        line.append_text(self.text(f"{phase.elapsed:>{_ELAPSED_WIDTH}}", style if phase.reason else ""))
        if phase.reason:
            line.append_text(self.text("  FAILED", style))
        if phase.note:
            line.append_text(self.text(f"  {phase.note}", "dim"))
        if phase.reason:
            line.append_text(self.text(f"\n{' ' * (_NAME_WIDTH + 3)}{phase.reason}", style))
        return line

    def _bar(self, phase: PhaseView, width: int) -> str:
        if phase.is_own_work:
            return " " * width  # a bar would be read as the broker's time
        # Even the shortest phase is a cell, and the last bar still ends within the width.
        length = max(round(phase.length * width), 1)
        start = min(round(phase.start * width), width - length)
        return (" " * start + ("#" if self._ascii else "█") * length).ljust(width)

    def _session(self, shown: View) -> None:
        if shown.session:
            self._heading("TLS")
            self.print(self.text(shown.session), by=2)

    def _chain(self, certificates: tuple[CertificateView, ...], heading: str, *, missing: str) -> None:
        if not certificates:
            return
        self._heading(heading)
        branch = root = Tree(self._certificate(certificates[0]), guide_style="dim")
        for certificate in certificates[1:]:
            # A certificate that did not issue the one before it hangs from nothing: it starts beside the tree.
            parent = branch if certificate.is_issuer_of_previous else root
            branch = parent.add(self._certificate(certificate))
        top = certificates[-1]
        if not top.is_self_issued:
            branch.add(self.text(f"{missing}: {top.issuer}", "dim"))
        self.print(root, by=2)

    def _outlook(self, shown: View) -> None:
        if shown.profiles:
            self._heading("Trust profiles")
        for profile in shown.profiles:
            line = self.text(
                "accepted" if profile.accepts else "refused ", _STYLES["ok" if profile.accepts else "warning"]
            )
            line.append_text(self.text(f"  {profile.name}", "bold"))
            line.append_text(self.text(f"  {profile.says}"))
            self.print(line, by=2)
        if shown.revocation:
            self._heading(f"Revocation: {shown.revocation}")
        if shown.next_break:
            self._heading(f"Next to break: {shown.next_break}")

    def _refusals(self, shown: View) -> None:
        if shown.refusals:
            self._heading("What must be refused")
        for refusal in shown.refusals:
            line = self.text(f"{refusal.outcome:<8}", _STYLES[refusal.outcome])
            line.append_text(self.text(f"  {refusal.check}", "bold"))
            line.append_text(self.text(f"  {refusal.detail}, {refusal.when}"))
            self.print(line, by=2)

    def _scan(self, shown: View) -> None:
        if shown.scan:
            self._heading("Scan of what TLS accepts")
        for line in shown.scan:
            self.print(self.text(line), by=2)

    def _certificate(self, certificate: CertificateView) -> Text:
        label = self.text(f"{certificate.position} {certificate.role}  ", "dim")
        label.append_text(self.text(certificate.subject, "bold"))
        if not certificate.is_issuer_of_previous:
            label.append_text(self.text("\nnot the issuer of the certificate before it", _STYLES["warning"]))
        if certificate.is_self_issued and certificate.position == 0:
            label.append_text(self.text("\nself-signed"))
        if certificate.names:
            label.append_text(self.text(f"\n{certificate.names}"))
        label.append_text(self.text(f"\n{certificate.key}", "dim"))
        label.append_text(self.text(f"\n{certificate.ends}", _STYLES["critical"] if certificate.is_past else ""))
        return label

    def _findings(self, findings: tuple[FindingView, ...]) -> None:
        self._heading("Findings" if findings else "No findings.")
        for number, finding in enumerate(findings):
            if number:
                self._console.print()
            title = self.text(finding.severity, _STYLES[finding.severity])
            title.append_text(self.text(f"  {finding.code}", "bold"))
            if finding.about:
                title.append_text(self.text(f"  {finding.about}", "dim"))
            self.print(title, by=2)
            self.print(self.text(finding.message), by=4)
            if finding.fix:
                self.print(self.text(f"Fix: {finding.fix}"), by=4)
            for block in finding.hints:
                self._hints(block)
        if findings:
            self._console.print()
            self.print(self.text("What a finding means to clients: mqtt-tls-monitor explain CODE", "dim"), by=2)

    def _hints(self, block: Hints) -> None:
        self.print(self.text(f"{block.caption}{':' if block.by_broker else '.'}"), by=4)
        lines = Table.grid(padding=(0, 2, 0, 0))
        lines.add_column(no_wrap=True)
        lines.add_column()
        for broker, said in block.by_broker:
            lines.add_row(self.text(broker, "bold"), self.text(said))
        self.print(lines, by=6)

    def print(self, content: RenderableType, *, by: int = 0) -> None:
        """Print indented and wrapped, without the spaces that rich fills lines with: they stick to what is copied."""
        options = self._console.options.update(width=max(self._console.width - by, 1))
        for line in self._console.render_lines(content, options, pad=False):
            while line and not line[-1].text.strip():
                line.pop()
            if line:
                line[-1] = Segment(line[-1].text.rstrip(), line[-1].style)
            self._console.print(Segments([Segment(" " * by if line else ""), *line, Segment.line()]))
