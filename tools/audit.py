"""Asks which known vulnerabilities the locked packages have, with pip-audit: ``make audit``.

A package that no service could be asked about is not clean: it is counted as not audited. That alone fails nothing, so that a
machine without these services can run the checks; ``--strict`` makes it fail.
Exit code 0: no known vulnerability in what was audited; 1: a vulnerability (or, with --strict, a package that was not audited).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
LOCKS = tuple(ROOT / f"requirements{part}.lock" for part in ("", "-build", "-dev"))
#: The services of pip-audit, in the order in which they are asked.
SERVICES = ("pypi", "osv")
#: Vulnerabilities that do not concern this program: the id, and why.
ACCEPTED: Mapping[str, str] = {}
_PIN = re.compile(r"^([A-Za-z0-9._-]+==[^\s;\\]+)", re.M)
_SECONDS = 240

#: Asks a service about pins; None if it did not answer.
Ask = Callable[[str, Sequence[str]], "Mapping[str, Any] | None"]


@dataclass
class Audit:
    """What is known of each pin: the services that judged it, and the vulnerabilities."""

    judged: set[str] = field(default_factory=set)
    vulnerabilities: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    """Services that judged nothing."""


def pins(locks: Iterable[Path]) -> list[str]:
    """Return the ``name==version`` of every package of some locks, each once."""
    return sorted({pin for lock in locks for pin in _PIN.findall(lock.read_text("utf-8"))})


def pip_audit(service: str, requirements: Sequence[str]) -> Mapping[str, Any] | None:
    """Run pip-audit on pins; return its report, or None if the service did not answer."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "requirements.txt"
        file.write_text("\n".join(requirements) + "\n", "utf-8")
        # fmt: off
        command = [sys.executable, "-m", "pip_audit", "--vulnerability-service", service, "--requirement", str(file), "--no-deps",
                   "--disable-pip", "--format", "json", "--progress-spinner", "off", "--timeout", "10"]
        # fmt: on
        try:
            done = subprocess.run(  # noqa: S603 - a program of the development environment, with pins of our own locks
                command,
                capture_output=True,
                text=True,
                check=False,
                timeout=_SECONDS,
                env={**os.environ, "COLUMNS": "200"},
            )
        except subprocess.TimeoutExpired:
            return None
    try:
        report = json.loads(done.stdout)
    except ValueError:  # a traceback of pip-audit: no name server, no route, an answer that is none
        return None
    return report if isinstance(report, dict) else None


def audit(requirements: Sequence[str], ask: Ask = pip_audit) -> Audit:
    """Ask each service about the pins that none has judged yet, first about one: a service without an answer is asked no more."""
    result = Audit()
    for service in SERVICES:
        rest = [pin for pin in requirements if pin not in result.judged]
        first = _judge(result, ask(service, rest[:1])) if rest else 0
        if rest and not first:
            result.silent.append(service)
        elif rest[1:]:
            _judge(result, ask(service, rest[1:]))
    return result


def _judge(result: Audit, report: Mapping[str, Any] | None) -> int:
    """Add what a report says; return how many packages it judged. One with a skip_reason was not looked at."""
    judged = [d for d in (report or {}).get("dependencies", []) if "skip_reason" not in d and "vulns" in d]
    for dependency in judged:
        pin = f"{dependency['name']}=={dependency['version']}"
        result.judged.add(pin)
        for v in dependency["vulns"]:
            if not {v["id"], *v.get("aliases", [])} & set(ACCEPTED):
                fixed = ", ".join(v.get("fix_versions", [])) or "no version"
                result.vulnerabilities.append(f"{pin}: {v['id']} (fixed in {fixed})")
    return len(judged)


def lines(requirements: Sequence[str], result: Audit) -> list[str]:
    """Return the result in words."""
    missing = [pin for pin in requirements if pin not in result.judged]
    text = [f"VULNERABLE {v}" for v in sorted(set(result.vulnerabilities))]
    if missing:
        text.append(f"NOT AUDITED: {len(missing)} of {len(requirements)} packages; this is not a clean result")
        text += [f"  {service} could not be asked" for service in result.silent]
        text += [f"  no service knows {pin}" for pin in missing if len(result.silent) < len(SERVICES)]
    if result.judged:
        text.append(f"{len(result.judged)} packages audited, {len(set(result.vulnerabilities))} known vulnerabilities")
    return text + [f"accepted: {name}: {why}" for name, why in ACCEPTED.items()]


def main(arguments: Sequence[str] | None = None, ask: Ask = pip_audit) -> int:
    """Audit the locks and say what came of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--strict", action="store_true", help="fail as well if a package could not be audited")
    options = parser.parse_args(arguments)
    requirements = pins(LOCKS)
    result = audit(requirements, ask)
    print("\n".join(f"audit: {line}" for line in lines(requirements, result)))
    is_complete = result.judged >= set(requirements)
    return 1 if result.vulnerabilities or (options.strict and not is_complete) else 0


if __name__ == "__main__":
    sys.exit(main())
