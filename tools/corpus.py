"""Check the repositories of a list, and say which labelled faults are found and which other errors there are to judge.

    python tools/corpus.py LIST_DIR --repositories DIR [--historic] [--only TEXT]

LIST_DIR holds repos.tsv (repository, commit, ...) and faults.yaml (repo, commit, file, object, fault, status);
DIR/<owner>+<name>/repo is the git directory of each. Nothing is fetched and nothing is written into them.
"""

from __future__ import annotations

import argparse
import csv
import re
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from fluxdoctor.app import check
from fluxdoctor.collect import cache_folder
from fluxdoctor.model.finding import Finding, Report
from fluxdoctor.repository.files import repository

JUDGED = Path(__file__).parent.parent / "tests" / "corpus" / "judged.tsv"


def main() -> int:
    """Run the list; 1 where a labelled live fault is missed or an error was judged wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("list", type=Path)
    parser.add_argument("--repositories", type=Path, required=True)
    parser.add_argument("--historic", action="store_true", help="the commits of the historic faults, not the list's")
    parser.add_argument("--only", default="", help="repositories whose name contains this")
    given = parser.parse_args()
    faults = yaml.safe_load((given.list / "faults.yaml").read_text())["faults"]
    wanted = [f for f in faults if f["status"] == "historic"] if given.historic else _listed(given.list)
    wanted = [w for w in wanted if given.only in w["repo"]]
    judged = _judged()
    found = missed = wrong = 0
    for repo, commit in dict.fromkeys((w["repo"].partition("@")[0], w["commit"]) for w in wanted):
        report, seconds, reached = check_commit(given.repositories / repo.replace("/", "+") / "repo", commit)
        mine = [f for f in faults if (f["repo"], f["commit"]) == (repo, commit) and f["status"] in ("live", "historic")]
        hit = [f for f in mine if any(matches(finding, f) for finding in report.findings)]
        found, missed = found + len(hit), missed + len(mine) - len(hit)
        print(
            f"{repo}@{commit[:10]}  {reached}  {seconds:.1f} s  {_counts(report)}  labelled {len(hit)}/{len(mine)}",
            flush=True,
        )
        for fault in (f for f in mine if f not in hit):
            print(f"  MISSED {fault['fault']} {fault['file']} {fault['object']}", flush=True)
        for finding in report.findings:
            if finding.severity == "error" and not any(matches(finding, f) for f in mine):
                verdict = judged.get((repo, commit, finding.fingerprint), "unjudged")
                wrong += verdict == "wrong"
                where = finding.location or ""
                print(
                    f"  {verdict} {finding.fingerprint} {finding.rule} {finding.subject}: {finding.message} ({where})",
                    flush=True,
                )
    print(f"labelled faults found {found}, missed {missed}; errors judged wrong {wrong}")
    return int(bool(wrong or (missed and not given.historic)))


def check_commit(git: Path, commit: str) -> tuple[Report, float, str]:
    """Check one commit of a git directory."""
    started = time.monotonic()
    kept = cache_folder.folder()
    held = repository.of_revision(git, commit)
    report = check.check(held, options=check.CheckOptions(cache=kept / "builds" if kept else None))
    return report, time.monotonic() - started, f"{len(held.files)} files, {report.objects} Flux objects"


def matches(finding: Finding, fault: Mapping[str, Any]) -> bool:
    """Tell whether a finding is about a labelled fault: an error where a cluster reaches it, else a note on its file."""
    if finding.severity != "error" and (finding.severity != "info" or fault["status"] == "live"):
        return False
    name = str(fault["object"]).partition("/")[2].partition(" ")[0]
    subjects = {finding.subject.name, *(ref.name for ref in finding.also)}
    at_file = finding.location is not None and finding.location.file == fault["file"]
    said = bool(name) and re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", finding.message) is not None
    return at_file or fault["file"] in finding.message or said or (bool(name) and name in subjects)


def _listed(folder: Path) -> list[dict[str, str]]:
    with (folder / "repos.tsv").open() as file:
        return list(csv.DictReader(file, delimiter="\t"))


def _judged() -> dict[tuple[str, str, str], str]:
    if not JUDGED.exists():
        return {}
    with JUDGED.open() as file:
        rows: Iterable[dict[str, str]] = csv.DictReader(file, delimiter="\t")
        return {(r["repo"], r["commit"], r["fingerprint"]): r["verdict"] for r in rows}


def _counts(report: Report) -> str:
    kinds = [f.severity.value for f in report.findings]
    return " ".join(f"{kinds.count(s)} {s}" for s in ("error", "warning", "info"))


if __name__ == "__main__":
    raise SystemExit(main())
