"""Check the repositories of a list; print which labelled faults are found and which other errors need a judgement.

    python tools/corpus.py LIST_DIR --repositories DIR [--historic] [--only TEXT]

LIST_DIR holds repos.tsv (repository, commit, ...) and faults.yaml (repo, commit, file, object, fault, status);
DIR/<owner>+<name>/repo is the git directory of each. Nothing is fetched, and the repositories are not changed.
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
    """Run the list; return 1 if a labelled live fault is missed or an error was judged wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("list", type=Path)
    parser.add_argument("--repositories", type=Path, required=True)
    parser.add_argument(
        "--historic", action="store_true", help="check the commits of the historic faults, not those of the list"
    )
    parser.add_argument("--only", default="", help="check only repositories whose name contains this")
    options = parser.parse_args()
    faults = yaml.safe_load((options.list / "faults.yaml").read_text())["faults"]
    targets = [f for f in faults if f["status"] == "historic"] if options.historic else _listed(options.list)
    targets = [target for target in targets if options.only in target["repo"]]
    verdicts = _judged()
    hits_total = missed = wrong = 0
    for repo, commit in dict.fromkeys((target["repo"].partition("@")[0], target["commit"]) for target in targets):
        report, seconds, reached = check_commit(options.repositories / repo.replace("/", "+") / "repo", commit)
        labelled = [
            f for f in faults if (f["repo"], f["commit"]) == (repo, commit) and f["status"] in ("live", "historic")
        ]
        hits = [f for f in labelled if any(matches(finding, f) for finding in report.findings)]
        hits_total, missed = hits_total + len(hits), missed + len(labelled) - len(hits)
        print(
            f"{repo}@{commit[:10]}  {reached}  {seconds:.1f} s  {_counts(report)}  labelled {len(hits)}/{len(labelled)}",
            flush=True,
        )
        for fault in (f for f in labelled if f not in hits):
            print(f"  MISSED {fault['fault']} {fault['file']} {fault['object']}", flush=True)
        for finding in report.findings:
            if finding.severity == "error" and not any(matches(finding, f) for f in labelled):
                verdict = verdicts.get((repo, commit, finding.fingerprint), "unjudged")
                wrong += verdict == "wrong"
                location = finding.location or ""
                print(
                    f"  {verdict} {finding.fingerprint} {finding.rule} {finding.subject}: {finding.message} ({location})",
                    flush=True,
                )
    print(f"labelled faults found {hits_total}, missed {missed}; errors judged wrong {wrong}")
    return int(bool(wrong or (missed and not options.historic)))


def check_commit(git: Path, commit: str) -> tuple[Report, float, str]:
    """Check one commit of a git directory; return the report, the seconds, and the counts as text."""
    started = time.monotonic()
    cache = cache_folder.folder()
    repo = repository.of_revision(git, commit)
    report = check.check(repo, options=check.CheckOptions(cache=cache / "builds" if cache else None))
    return report, time.monotonic() - started, f"{len(repo.files)} files, {report.objects} Flux objects"


def matches(finding: Finding, fault: Mapping[str, Any]) -> bool:
    """Tell whether a finding is about a labelled fault: an error if a cluster reaches it, else a note on its file."""
    if finding.severity != "error" and (finding.severity != "info" or fault["status"] == "live"):
        return False
    name = str(fault["object"]).partition("/")[2].partition(" ")[0]
    subjects = {finding.subject.name, *(ref.name for ref in finding.also)}
    is_in_file = finding.location is not None and finding.location.file == fault["file"]
    is_in_message = bool(name) and re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", finding.message) is not None
    return is_in_file or fault["file"] in finding.message or is_in_message or (bool(name) and name in subjects)


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
