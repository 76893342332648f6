"""What an API server serves, and which of it an identity without a group means."""

from __future__ import annotations

from fluxdoctor.collect.kube.discovery import Discovery, Served


def served(group: str, kind: str) -> Served:
    return Served(group, kind, f"{kind.lower()}s", ("v1",), namespaced=True)


def test_a_foreign_kind_that_one_group_serves_is_found_by_its_name() -> None:
    kinds = [
        served("data.example.com", "Database"),
        served("a.example.com", "Cluster"),
        served("b.example.com", "Cluster"),
    ]
    discovery = Discovery({(kind.group, kind.kind): kind for kind in kinds})
    assert discovery.by_unique_name("Database") == kinds[0]
    assert discovery.by_unique_name("Cluster") is None, "two groups serve it: which one is meant is not known"
    assert discovery.by_unique_name("Queue") is None
