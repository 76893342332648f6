"""spec.images overrides an image and drops fields that the kustomization file sets for it."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Manifests, Problem, Versions
from fluxdoctor_rules.kustomize._build import is_root
from fluxdoctor_rules.kustomize._versions import patch

_FIELDS = ("newName", "newTag", "digest")
_FIXED = (1, 9, 4)


def check(cluster: Cluster, manifests: Manifests, versions: Versions) -> Iterator[Problem]:
    """Compare the entries; before kustomize-controller 1.9.4 an entry of spec.images replaced the whole entry of the file."""
    version = patch(versions)
    if version is None or version >= _FIXED:
        return
    for kustomization in cluster.active("Kustomization"):
        rows = {r.text("name"): r for r in kustomization.rows("spec.images")}
        build = manifests.build(kustomization) if rows else None
        for body in build.kustomizations if build else ():
            for row in body.rows("images") if is_root(body, kustomization) else ():
                over = rows.get(row.text("name"))
                lost = [f for f in _FIELDS if row.has(f) and over and not over.has(f)]
                # A digest replaces a tag, so nothing is lost.
                if over and lost and not (lost == ["newTag"] and over.has("digest")):
                    facts = {
                        "image": row.text("name"),
                        "lost": ", ".join(f"{f} {row.get(f)}" for f in lost),
                        "where": str(body.at(row.path)),
                        "version": ".".join(map(str, version)),
                    }
                    proof = Evidence.field(
                        f"{over.dotted} sets {', '.join(f for f in _FIELDS if over.has(f))}",
                        str(kustomization.ref),
                    )
                    yield Problem(kustomization.ref, facts, evidence=(proof,), field=over.dotted, key=row.text("name"))
