"""Which login of a docker config is shown to which registry."""

from __future__ import annotations

import base64
import json

import pytest

from fluxdoctor.collect.net.addresses import UnreachableError
from fluxdoctor.collect.sources import docker_config
from fluxdoctor.collect.sources.docker_config import RegistryLogin
from tests.helpers.sources import secret

CHOSEN = [
    ("ghcr.io", "ghcr.io/acme/web", True),
    ("https://ghcr.io", "ghcr.io/acme/web", True),
    ("https://ghcr.io/v1/", "ghcr.io/acme/web", True),
    ("ghcr.io/acme", "ghcr.io/acme/web", True),
    ("ghcr.io/acme", "ghcr.io/other/web", False),
    ("*.example.com", "registry.example.com/web", True),
    ("*.example.com", "a.b.example.com/web", False),
    ("*.com", "ghcr.io/web", False),
    ("registry.example.com:5000", "registry.example.com/web", False),
    ("registry.example.com", "registry.example.com:5000/web", False),
    ("registry.example.com:5000", "registry.example.com:5000/web", True),
    ("https://index.docker.io/v1/", "index.docker.io/library/nginx", True),
    ("docker.io", "index.docker.io/library/nginx", True),
    ("evil.com/ghcr.io", "ghcr.io/acme/web", False),
    ("ghcr.io.evil.com", "ghcr.io/acme/web", False),
    ("", "ghcr.io/acme/web", False),
    ("[::1", "ghcr.io/acme/web", False),
]


@pytest.mark.parametrize(("entry", "image", "shown"), CHOSEN)
def test_a_login_is_for_its_registry(entry: str, image: str, shown: bool) -> None:
    text = json.dumps({"auths": {entry: {"username": "u", "password": "p"}}})
    assert docker_config.find_login(image, secret(_dockerconfigjson=text)) == (
        RegistryLogin("u", "p") if shown else RegistryLogin()
    )


def test_the_nearest_entry_wins_and_old_formats_are_read() -> None:
    auths = {
        host: {"auth": base64.b64encode(f"{user}:p:q".encode()).decode()}
        for host, user in (("ghcr.io", "all"), ("ghcr.io/acme", "acme"))
    }
    new, old = secret(_dockerconfigjson=json.dumps({"auths": auths})), secret(_dockercfg=json.dumps(auths))
    for found in (new, old):
        assert docker_config.find_login("ghcr.io/acme/web", found) == RegistryLogin("acme", "p:q")
        assert docker_config.find_login("ghcr.io/other/web", found) == RegistryLogin("all", "p:q")
    assert docker_config.login_for_host(new, "registry.example.com") is None
    assert docker_config.find_login("a/b", secret(_dockerconfigjson='{"auths": {"a": 1, "b": []}}')) == RegistryLogin()
    assert docker_config.find_login("a/b", secret(_dockerconfigjson="[]")) == RegistryLogin()
    token = secret(_dockerconfigjson='{"auths": {"ghcr.io": {"registrytoken": "t0ken"}}}')
    assert docker_config.find_login("ghcr.io/acme", token) == RegistryLogin(token="t0ken")
    assert "t0ken" not in repr(docker_config.find_login("ghcr.io/acme", token))


@pytest.mark.parametrize(
    ("text", "why"),
    [("{", "is not JSON"), ("[" * 100_000, "is not JSON"), ('{"auths": {"ghcr.io": {"auth": "a"}}}', "is not base64")],
)
def test_a_config_that_cannot_be_read(text: str, why: str) -> None:
    with pytest.raises(UnreachableError) as refused:
        docker_config.find_login("ghcr.io/acme/web", secret(_dockerconfigjson=text))
    assert refused.value.detail.endswith(why)
