"""What was looked at and how it is, a line each."""

from collections.abc import Sequence

from adapters.model import Finding
from bot.slack.views.elements import Said, bullets, section, spoken
from bot.words import _


def report(findings: Sequence[Finding]) -> Said:
    """All findings, with a sentence above them that says it all."""
    well = all(finding.ok for finding in findings)
    blocks = [
        section(_("Threadline is well here.") if well else _("Threadline is not wholly well here.")),
        bullets(_line(finding) for finding in findings),
    ]
    return blocks, spoken(blocks)


def _line(finding: Finding) -> str:
    if finding.ok:
        return _("{subject}: well. {detail}", subject=finding.subject, detail=finding.detail)
    said = f"{finding.detail} {finding.remedy}".rstrip()
    return _("{subject}: not well. {detail}", subject=finding.subject, detail=said)
