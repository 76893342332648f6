"""Report -> JUnit XML: a test case for each finding and for each gap."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from fluxdoctor.model.finding import Finding, Report, Severity
from fluxdoctor.report import ignored
from fluxdoctor.report.plain import COMMAND, plain

# JUnit has no third verdict; --fail-on only affects the exit code. Validated against Jenkins' xsd.


def render(report: Report) -> str:
    """Return the XML. Errors and warnings are failures regardless of --fail-on; notes pass; gaps are skipped."""
    failures = sum(f.severity is not Severity.INFO for f in report.findings)
    gaps = list(dict.fromkeys((s.rule, plain(s.why)) for s in report.skipped if s.asked))
    if notice := ignored.notice(report):
        gaps.append(("ignored", plain(notice)))
    tests = max(1, len(report.findings) + len(gaps))
    counts = {"tests": str(tests), "failures": str(failures), "errors": "0"}
    suites = ET.Element("testsuites", {"name": "fluxdoctor", **counts})
    stamp = report.taken.strftime("%Y-%m-%dT%H:%M:%S")
    time = f"{sum(report.timings.values()):.3f}"
    attributes = {**counts, "skipped": str(len(gaps)), "timestamp": stamp, "time": time}
    suite = ET.SubElement(suites, "testsuite", {"name": plain(report.name) or "fluxdoctor", **attributes})
    for finding in report.findings:
        _case(suite, finding)
    for rule, why in gaps:
        case = ET.SubElement(suite, "testcase", {"name": why, "classname": rule or "not-checked", "time": "0"})
        ET.SubElement(case, "skipped", {"message": why})
    if not report.findings and not gaps:
        ET.SubElement(suite, "testcase", {"name": "nothing to fix", "classname": "fluxdoctor", "time": "0"})
    ET.indent(suites)
    xml = COMMAND.sub(r"\1&#58;", ET.tostring(suites, encoding="unicode"))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{xml}\n'


def _case(suite: ET.Element, finding: Finding) -> None:
    """Add the test case of a finding to a suite."""
    at = f" at {finding.location}" if finding.location else ""
    name = plain(f"{finding.subject}{at}")
    case = ET.SubElement(suite, "testcase", {"name": name, "classname": finding.rule, "time": "0"})
    proof = [f"Proof: {e.what}" + (f" ({e.where})" if e.where else "") for e in finding.evidence]
    blocks = [f"Blocks: {', '.join(map(str, finding.blocks))}"] if finding.blocks else []
    text = plain("\n".join([finding.message, *proof, f"Fix: {finding.fix}", *blocks]))
    if finding.severity is Severity.INFO:
        ET.SubElement(case, "system-out").text = text
    else:
        attributes = {"message": plain(finding.message), "type": finding.severity.value}
        ET.SubElement(case, "failure", attributes).text = text
