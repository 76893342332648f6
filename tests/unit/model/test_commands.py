"""The commands for an object, and the objects in messages."""

from __future__ import annotations

import pytest

from fluxdoctor.model.commands import commands, kubectl
from fluxdoctor.model.object_names import canonical
from fluxdoctor.model.resource import Ref


def test_flux_commands() -> None:
    assert commands(Ref("GitRepository", "apps", "web")) == {
        "reconcile": "flux reconcile source git web -n apps",
        "suspend": "flux suspend source git web -n apps",
        "resume": "flux resume source git web -n apps",
        "then_reconcile": " Then run: flux reconcile source git web -n apps.",
        "then_restart": " If that has no effect, run: flux suspend source git web -n apps. "
        "Then run: flux resume source git web -n apps.",
        "logs": "flux logs --kind GitRepository --name web -n apps",
    }


def test_kinds_that_no_controller_reconciles() -> None:
    assert commands(Ref("ExternalArtifact", "apps", "web")) == {
        "then_reconcile": "",
        "then_restart": "",
        "logs": "flux logs --kind ArtifactGenerator -n apps",
    }
    assert "reconcile" not in commands(Ref("Alert", "apps", "web"))
    assert commands(Ref("Alert", "apps", "web"))["suspend"] == "flux suspend alert web -n apps"
    assert commands(Ref("Deployment", "apps", "web")) == {}


def test_the_log_of_flux_operator() -> None:
    words = commands(Ref("FluxInstance", "platform", "flux"))
    assert words["logs"] == "kubectl -n platform logs deployment/flux-operator"
    assert words["suspend"].endswith(" fluxcd.controlplane.io/reconcile=disabled")


def test_kubectl_for_objects() -> None:
    web, other = Ref("Deployment", "shop", "web"), Ref("Pod", "apps", "one")
    assert (
        kubectl("describe", web, web._replace(kind="Pod"), other) == "kubectl -n shop describe deployment/web pod/web"
    )
    crd = Ref("CustomResourceDefinition", "", "things.example.com")
    assert kubectl("annotate", crd, rest="key-") == "kubectl annotate customresourcedefinition/things.example.com key-"


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ({"object": 'Deployment.apps "web"'}, {"object": "Deployment/shop/web"}),
        ({"object": 'ClusterRole.rbac.authorization.k8s.io "web"'}, {"object": "ClusterRole/web"}),
        ({"object": "Secret.v1.[noGrp]/tls.example.com"}, {"object": "Secret/tls.example.com"}),
        ({"id": "Deployment.v1.apps/wbe.web"}, {"id": "Deployment/web/wbe"}),
        ({"id": "ConfigMap.[noVer].[noGrp]/settings.[noNs]:data.host"}, {"id": "ConfigMap/settings:data.host"}),
        ({"object": "Deployment.apps", "name": "web"}, {"object": "Deployment/shop/web", "name": "web"}),
        ({"object": "apps/v1, Kind=Deployment", "name": "a/web"}, {"object": "Deployment/a/web", "name": "a/web"}),
        ({"user": "system:serviceaccount:a:b"}, {"user": "ServiceAccount/a/b"}),
        ({"object": "Role/shop/reader", "why": "a.b/c"}, {"object": "Role/shop/reader", "why": "a.b/c"}),
    ],
)
def test_objects_in_messages(groups: dict[str, str], expected: dict[str, str]) -> None:
    assert canonical(groups, "shop") == expected
