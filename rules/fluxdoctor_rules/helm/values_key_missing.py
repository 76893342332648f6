"""A HelmRelease takes values from a key that its ConfigMap or Secret does not have."""

import difflib
from collections.abc import Iterator

from fluxdoctor import Cluster, Problem, Ref
from fluxdoctor_rules.helm._releases import active, templated

_KEYS = {"ConfigMap": "data", "Secret": "keys"}


def check(cluster: Cluster) -> Iterator[Problem]:
    """Compare valuesKey (values.yaml where there is none) with the keys of what spec.valuesFrom names."""
    for release in active(cluster):
        for row in release.rows("spec.valuesFrom"):
            kind, key = row.text("kind"), row.text("valuesKey") or "values.yaml"
            source = cluster.get(Ref(kind, release.namespace, row.text("name")))
            if source is None or kind not in _KEYS or row.flag("optional") or templated(key):
                continue
            has = source.keys(_KEYS[kind])
            if key not in has:
                near = difflib.get_close_matches(key, has, 1, 0.6)
                words = f"; it has {', '.join(has[:8])}" if has else "; it is empty"
                facts = {
                    "kind": kind,
                    "wanted": source.ref.named,
                    "key": key,
                    "has": words,
                    "near": " ".join(near),
                }
                yield Problem(release.ref, facts, field=f"{row.dotted}.valuesKey", key=row.dotted)
