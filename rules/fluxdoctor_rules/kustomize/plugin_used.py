"""A kustomization file configures a generator or transformer that is an external program."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Failures, Location, Manifests, Problem, clean
from fluxdoctor_rules.kustomize._build import unbuilt

_WORDS = "plugin"


def check(cluster: Cluster, failures: Failures, manifests: Manifests) -> Iterator[Problem]:
    """Find the file that configures a plugin, if the build fails because of a plugin."""
    for kustomization, tree, build in unbuilt(cluster, manifests):
        failure = failures.of(kustomization.ref)
        if failure is None or not any(_WORDS in w.message for w in failure.words):
            continue
        for body in build.kustomizations:
            directory = body.file.rpartition("/")[0]
            entries = [(k, i, t) for k in ("generators", "transformers") for i, t in enumerate(body.strings(k))]
            for key, index, text in entries:
                path = clean(f"{directory}/{text}")
                documents = tree.parsed(path).documents if tree.is_file(path) else ()
                for document in documents:
                    if document.api_version.partition("/")[0] != "builtin":
                        place = body.at((key, index)) or Location(body.file)
                        facts = {"plugin": document.text("kind"), "where": str(place)}
                        proof = Evidence.file(
                            f"{path} configures {document.api_version} {document.text('kind')}",
                            str(place),
                        )
                        yield Problem(kustomization.ref, facts, evidence=(proof,), location=place, key=path)
