"""One real API server for all end-to-end tests; each test begins with it as it began."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import cluster as clusters
from tests.e2e import fault_proxy
from tests.e2e import hosts as servers
from tests.e2e.cluster import Cluster
from tests.e2e.fault_proxy import FaultProxy
from tests.e2e.hosts import Hosts


@pytest.fixture(scope="session")
def control_plane() -> Iterator[Cluster]:
    """Start the API server of the session."""
    with clusters.running() as running:
        yield running


@pytest.fixture
def cluster(control_plane: Cluster) -> Iterator[Cluster]:
    """Lend the API server to a test, and take back what the test wrote."""
    yield control_plane
    control_plane.reset()


@pytest.fixture
def proxy(cluster: Cluster) -> Iterator[FaultProxy]:
    """Put a proxy without faults in front of the API server."""
    with fault_proxy.running(cluster) as running:
        yield running


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Hosts]:
    """Start the servers for the sources of incidents."""
    with servers.running(tmp_path / "git") as running:
        yield running
