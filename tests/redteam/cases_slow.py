"""What a controller or a registry says is read in about linear time."""

from __future__ import annotations

from tests.redteam import worlds
from tests.redteam.kit import Box, BrokenError, case
from tests.redteam.servers import kube_api, kubeconfig, serve

#: Bytes of one message: the API server takes a condition of 32 kB; a snapshot from somebody else has what they like.
LONG = 32_000
#: Seconds of CPU; an ordinary run takes less than one.
MOST = 5
MESSAGES = {
    "one long word": ("GitRepository", "GitOperationFailed", "error: " + "a" * LONG),
    "line breaks": ("GitRepository", "GitOperationFailed", "x" + "\n" * LONG + "x"),
    "blanks": ("Kustomization", "BuildFailed", "kustomize build failed: " + " " * LONG + "x"),
    "half a sentence again and again": (
        "HelmRelease",
        "ArtifactFailed",
        "failed to download archive: GET http://source-controller.flux-system" * (LONG // 70),
    ),
    "open quotes": ("Kustomization", "BuildFailed", "MalformedYAMLError: yaml \"'[(" * (LONG // 28)),
    "URLs in a row": ("GitRepository", "GitOperationFailed", "unable to clone 'https://git.test/x': " * (LONG // 38)),
    "objects in a row": (
        "Kustomization",
        "ReconciliationFailed",
        "ConfigMap/shop/web dry-run failed (Request: " * (LONG // 44),
    ),
}


def linear(box: Box, names: list[str], times: int = 1, most: float = MOST) -> None:
    """Replay a message each, and ask of each run that it takes some seconds at the most."""
    for number, name in enumerate(names):
        kind, reason, message = MESSAGES[name]
        root = worlds.write(box, worlds.files([worlds.says(message * times, kind, reason)]), f"long{number}")
        done = box.run("diagnose", "--from", root, "--format", "json", cpu=most)
        if done.ended:
            raise BrokenError(f"a message of {len(message) * times // 1000} kB ({name}): {done.ended}")
        box.sound(done)


@case("slow-message-long-word", "M1")
def long_word(box: Box) -> None:
    """a message with a word of 32 kB"""
    linear(box, ["one long word"])


@case("slow-message-fragments", "M1", quick=False)
def fragments(box: Box) -> None:
    """messages of 64 kB made of blanks, line breaks, open quotes, and halves of what rules look for, again and again"""
    linear(box, [name for name in MESSAGES if name != "one long word"], 2, 4)


@case("slow-login-challenge", "M2", quick=False)
def login_challenge(box: Box) -> None:
    """registries whose WWW-Authenticate is a word of 60 kB"""
    challenge = {"WWW-Authenticate": "Bearer " + "a" * 60_000}
    registry = serve(box, lambda _: (401, challenge, b""))
    objects = []
    for number in range(3):
        body = worlds.says("failed to pull artifact: 401", "OCIRepository", "OCIArtifactPullFailed", f"o{number}")
        body["spec"] |= {"url": f"oci://127.0.0.1:{registry.port}/a/b{number}", "insecure": True}
        objects.append(body)
    api = kube_api(box, objects)
    done = box.run(
        "diagnose",
        "--kubeconfig",
        kubeconfig(box, api.url),
        "--allow-local",
        "--timeout",
        "20s",
        "--no-cache",
        cpu=MOST,
    )
    if not registry.requests:
        raise BrokenError("the registry was not asked at all")
    box.sound(done)
