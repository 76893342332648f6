"""The commands of the documentation that need a cluster, with one that has a fault."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.e2e import incident, users
from tests.e2e.cluster import Cluster
from tests.e2e.incident import INCIDENTS
from tests.helpers import docpages
from tests.helpers.overlay import Overlay, overlay

__all__ = ["overlay"]

PAGES = sorted(p for p in docpages.DOCS.rglob("*.md") if "cluster" in docpages.needs(p))


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(docpages.DOCS)))
def test_page(page: Path, tmp_path: Path, overlay: Overlay, cluster: Cluster) -> None:
    incident.load(cluster, INCIDENTS / "cascade-chain-top", datetime.now(UTC))
    config = cluster.kubeconfig(users.ADMIN)
    wrong = docpages.follow(page, tmp_path, overlay.env(HOME=str(tmp_path), COLUMNS="80", KUBECONFIG=str(config)))
    assert not wrong, "\n\n".join(wrong)
