"""A HelmRelease refers to a values key that its ConfigMap or Secret does not have."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Problem, Ref
from fluxdoctor_rules.helm._releases import templated

_KEYS = {"ConfigMap": "data", "Secret": "keys"}
#: How many keys a message lists.
_LISTED = 8


def check(cluster: Cluster) -> Iterator[Problem]:
    """Report each valuesKey (by default values.yaml) of spec.valuesFrom that is not a key of the existing object."""
    for release in cluster.active("HelmRelease"):
        for row in release.rows("spec.valuesFrom"):
            kind, key = row.text("kind"), row.text("valuesKey") or "values.yaml"
            source = cluster.get(Ref(kind, release.namespace, row.text("name")))
            if source is None or kind not in _KEYS or row.flag("optional") or templated(key):
                continue
            keys = source.keys(_KEYS[kind])
            if key not in keys:
                existing = f"; existing keys: {', '.join(keys[:_LISTED])}" if keys else "; it has no keys"
                facts = {"kind": kind, "wanted": source.ref.named, "key": key, "has": existing}
                yield Problem(release.ref, facts, field=f"{row.dotted}.valuesKey", key=row.dotted)
