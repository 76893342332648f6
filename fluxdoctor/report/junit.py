"""Report -> JUnit XML: a test case for each finding and for each thing that was not checked."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from fluxdoctor.model.finding import Finding, Report, Severity
from fluxdoctor.report.plain import COMMAND, plain


def render(report: Report) -> str:
    """Return the XML. Errors and warnings are failures whatever --fail-on says; notes pass; what was not seen is skipped."""
    failures = sum(f.severity is not Severity.INFO for f in report.findings)
    unseen = list(dict.fromkeys((s.rule, plain(s.why)) for s in report.skipped if s.asked))
    tests = max(1, len(report.findings) + len(unseen))
    counts = {"tests": str(tests), "failures": str(failures), "errors": "0"}
    suites = ET.Element("testsuites", {"name": "fluxdoctor", **counts})
    stamp = report.taken.strftime("%Y-%m-%dT%H:%M:%S")
    about = {**counts, "skipped": str(len(unseen)), "timestamp": stamp, "time": f"{sum(report.timings.values()):.3f}"}
    suite = ET.SubElement(suites, "testsuite", {"name": plain(report.name) or "fluxdoctor", **about})
    for finding in report.findings:
        _case(suite, finding)
    for rule, why in unseen:
        case = ET.SubElement(suite, "testcase", {"name": why, "classname": rule or "not-checked", "time": "0"})
        ET.SubElement(case, "skipped", {"message": why})
    if not report.findings and not unseen:
        ET.SubElement(suite, "testcase", {"name": "nothing to fix", "classname": "fluxdoctor", "time": "0"})
    ET.indent(suites)
    written = COMMAND.sub(r"\1&#58;", ET.tostring(suites, encoding="unicode"))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{written}\n'


def _case(suite: ET.Element, finding: Finding) -> None:
    subject = plain(f"{finding.subject.kind} {finding.subject.named}")
    at = f" at {finding.location}" if finding.location else ""
    case = ET.SubElement(suite, "testcase", {"name": plain(f"{subject}{at}"), "classname": finding.rule, "time": "0"})
    proof = [f"Proof: {e.what}" + (f" ({e.where})" if e.where else "") for e in finding.evidence]
    blocks = [f"Blocks: {', '.join(f'{r.kind} {r.named}' for r in finding.blocks)}"] if finding.blocks else []
    text = plain("\n".join([finding.message, *proof, f"Fix: {finding.fix}", *blocks]))
    if finding.severity is Severity.INFO:
        ET.SubElement(case, "system-out").text = text
    else:
        kind = {"message": plain(finding.message), "type": finding.severity.value}
        ET.SubElement(case, "failure", kind).text = text
