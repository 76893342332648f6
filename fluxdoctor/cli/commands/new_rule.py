"""`fluxdoctor new-rule`: begin a rule in a new pack, or in a pack that exists."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from fluxdoctor.cli.catalogue import catalogue
from fluxdoctor.cli.output import stop


@click.command(short_help="Create a rule of your own.")
@click.argument("rule_id", metavar="AREA/RULE")
@click.option("--into", type=click.Path(path_type=Path), metavar="DIR",
              help="Folder of the pack, existing or new. Defaults to AREA-flux-rules.")  # fmt: skip
def new_rule(rule_id: str, into: Path | None) -> None:
    """Create a rule of your own, in an existing pack or in a new one.

    The rule consists of a page, a check and a test. The test passes from the start.

    \b
    Examples:
      fluxdoctor new-rule acme/team-label-missing
      fluxdoctor new-rule acme/path-too-long --into acme-flux-rules
    """
    from fluxdoctor.cli import scaffold

    try:
        files = scaffold.plan(rule_id, into, catalogue())
        scaffold.write(files)
    except scaffold.ScaffoldError as error:
        stop(str(error))
    except OSError as error:
        stop(f"{error.filename}: {error.strerror}")
    for path in files:
        click.echo(f"wrote {path}")
    project = next((path for path in files if path.name == "pyproject.toml"), None)
    if project:
        # This very Python: a pack in another environment would never be loaded.
        python, folder = shlex.quote(sys.executable), shlex.quote(str(project.parent))
        click.echo(f"\nInstall the pack next to fluxdoctor, then run its tests:\n"
                   f"  {python} -m pip install pytest --editable {folder}\n"
                   f"  {python} -m pytest {folder}")  # fmt: skip
    page = next(path for path in files if path.suffix == ".md" and path.stem == rule_id.partition("/")[2])
    check = f"{page.stem.replace('-', '_')}.py"
    click.echo(f"\nNext, edit {page} (the fault and its fix) and {check} (the check that detects it).")
