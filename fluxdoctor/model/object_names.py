"""The objects that controllers, kustomize and the API server name in their messages, as ``Kind/namespace/name``."""

from __future__ import annotations

import re
from collections.abc import Mapping

from fluxdoctor.model.flux import CLUSTER_SCOPED
from fluxdoctor.model.resource import Ref

#: kustomize (api/resid.Gvk.String): ``Deployment.v1.apps/web``, ``Secret.v1.[noGrp]/login.web``.
_ID = re.compile(r"(?P<kind>[A-Z]\w*)\.(?:v\d\w*|\[noVer\])\.(?:\[noGrp\]|[\w.-]+)/(?P<name>[^\s/:]+)(?P<rest>:\S+)?")
_NO_NAMESPACE = "[noNs]"
#: The API server: ``Deployment.apps "web" is invalid``.
_QUOTED = re.compile(r"(?P<kind>[A-Z]\w*)(?:\.[\w.-]+)? \"(?P<name>[^\"]+)\"")
#: A typed patch object: ``apps/v1, Kind=Deployment``.
_TYPED = re.compile(r"(?:\S+, Kind=)?(?P<kind>[A-Z]\w*)(?:\.[a-z][\w.-]*)?")
_ACCOUNT = re.compile(r"system:serviceaccount:(?P<namespace>[^:\s]+):(?P<name>[^:\s]+)")


def canonical(groups: Mapping[str, str], namespace: str = "") -> dict[str, str]:
    """Return the named groups of a message's pattern, with every object written as ``Kind/namespace/name``.

    ``id`` is an id of kustomize itself, which ends with the namespace; in other groups the controllers leave it out. If
    ``object`` is only a kind, ``name`` has the name. ``namespace``: that of objects whose message has none, "" if unknown.
    """
    texts = {key: _written(text, namespace, has_namespace=key == "id") for key, text in groups.items()}
    kind = _TYPED.fullmatch(texts.get("object", ""))
    if kind and texts.get("name"):
        own, slash, name = texts["name"].rpartition("/")
        texts["object"] = _text(kind["kind"], own if slash else namespace, name)
    return texts


def _written(text: str, namespace: str, *, has_namespace: bool) -> str:
    if match := _ACCOUNT.fullmatch(text):
        return str(Ref("ServiceAccount", match["namespace"], match["name"]))
    if match := _QUOTED.fullmatch(text):
        return _text(match["kind"], namespace, match["name"])
    match = _ID.fullmatch(text)
    if match is None:
        return text
    name, own = match["name"], ""
    if has_namespace:
        name, _, own = name.rpartition(".")
    return _text(match["kind"], "" if own == _NO_NAMESPACE else own, name) + (match["rest"] or "")


def _text(kind: str, namespace: str, name: str) -> str:
    return str(Ref(kind, "" if kind in CLUSTER_SCOPED else namespace, name))
