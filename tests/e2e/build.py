"""Builds the real parts of the end-to-end tests from source, once: ``python -m tests.e2e.build``.

Go modules pin what is built, four of them beside this file: ``go.mod`` (kube-apiserver and kubectl), ``controller`` (kustomize-controller), ``crds`` and
``reports`` (controller-gen over the Go API modules of Flux and of OpenReports); and ``tools/kustomize`` (the command). Each result lies in a folder of the cache that is named after the hash of its go.mod and go.sum, so a second run builds nothing. etcd and Chromium come from Debian where they are not on PATH.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers import apt

HERE = Path(__file__).resolve().parent
_KUSTOMIZE_MODULE = HERE.parents[1] / "tools" / "kustomize"
_MINUTES = 60
_BUILD_LIMIT = 30 * _MINUTES  # kube-apiserver takes 3 to 4 minutes on two cores
_REQUIRED = re.compile(r"^(?:require)?\s*(\S+) (v\S+)", re.M)
_VERSION = "k8s.io/component-base/version"
_API_MODULES = (
    "github.com/fluxcd/helm-controller/api",
    "github.com/fluxcd/image-automation-controller/api",
    "github.com/fluxcd/image-reflector-controller/api",
    "github.com/fluxcd/kustomize-controller/api",
    "github.com/fluxcd/notification-controller/api",
    "github.com/fluxcd/source-controller/api",
    "github.com/fluxcd/source-watcher/api/v2",
)


class BuildError(Exception):
    """A real part could not be had; the text says which, why, and what to do."""


@dataclass(frozen=True, slots=True)
class Module:
    """One Go module and what is made of it. ``command`` is run in ``folder``; {out} is where its files go."""

    name: str
    folder: Path
    makes: tuple[str, ...]
    command: tuple[str, ...]

    def key(self) -> str:
        """Return the hash of everything that decides what is built."""
        digest = hashlib.sha256("\0".join(self.command).encode())
        for name in ("go.mod", "go.sum"):
            digest.update(b"\0" + (self.folder / name).read_bytes())
        return digest.hexdigest()[:16]


def _version(folder: Path, module: str) -> str:
    """Return the version of a module that a go.mod asks for."""
    found: dict[str, str] = dict(_REQUIRED.findall((folder / "go.mod").read_text("utf-8")))
    return found[module]


def _build(ldflags: str, *packages: str) -> tuple[str, ...]:
    return ("go", "build", "-trimpath", f"-ldflags=-s -w {ldflags}".rstrip(), "-o", "{out}/", *packages)


def _stamp(package: str, **values: str) -> str:
    return " ".join(f"-X {package}.{name}={value}" for name, value in values.items())


_KUBERNETES = _version(HERE, "k8s.io/kubernetes")
_KUSTOMIZE = _version(_KUSTOMIZE_MODULE, "sigs.k8s.io/kustomize/kustomize/v5")
_MAJOR, _MINOR, _ = _KUBERNETES.removeprefix("v").split(".")

MODULES = {
    m.name: m
    for m in (
        Module(
            "kubernetes",
            HERE,
            ("kube-apiserver", "kubectl"),
            # A release sets these at link time; without them /version says v0.0.0-master.
            _build(
                _stamp(_VERSION, gitVersion=_KUBERNETES, gitMajor=_MAJOR, gitMinor=_MINOR, gitTreeState="clean"),
                "k8s.io/kubernetes/cmd/kube-apiserver",
                "k8s.io/kubernetes/cmd/kubectl",
            ),
        ),
        Module(
            "controller",
            HERE / "controller",
            ("kustomize-controller",),
            _build("", "github.com/fluxcd/kustomize-controller"),
        ),
        Module(
            "kustomize",
            _KUSTOMIZE_MODULE,
            ("kustomize",),
            _build(
                _stamp("sigs.k8s.io/kustomize/api/provenance", version=_KUSTOMIZE),
                "sigs.k8s.io/kustomize/kustomize/v5",
            ),
        ),
        Module(
            "crds",
            HERE / "crds",
            (),
            (
                *("go", "tool", "controller-gen", "crd"),
                *(f"paths={module}/..." for module in _API_MODULES),
                "output:crd:dir={out}",
            ),
        ),
        Module(
            "reports",
            HERE / "reports",
            (),
            ("go", "tool", "controller-gen", "crd", "paths=openreports.io/apis/...", "output:crd:dir={out}"),
        ),
    )
}


def cache() -> Path:
    """Return the folder that keeps what was built between runs."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fluxdoctor-e2e"


def command(name: str) -> Path:
    """Return the path of kube-apiserver, kubectl, kustomize-controller or kustomize, built where it is not yet. Raises BuildError."""
    module = next(m for m in MODULES.values() if name in m.makes)
    return _made(module) / name


def crds() -> tuple[Path, ...]:
    """Return the files of Flux's CustomResourceDefinitions, generated where they are not yet. Raises BuildError."""
    return tuple(sorted(_made(MODULES["crds"]).glob("*.yaml")))


def report_crds() -> tuple[Path, ...]:
    """Return the files of the CustomResourceDefinitions of OpenReports, generated where they are not yet. Raises BuildError."""
    return tuple(sorted(_made(MODULES["reports"]).glob("*.yaml")))


def etcd() -> Path:
    """Return the path of etcd: the one on PATH, else Debian's, unpacked into the cache. Raises BuildError."""
    found = shutil.which("etcd")
    if found:
        return Path(found)
    folder = cache() / "etcd-server"
    if not (folder / "usr/bin/etcd").exists():
        with _locked(folder):
            if not (folder / "usr/bin/etcd").exists():
                _unpack("etcd-server", folder)
    return folder / "usr/bin/etcd"


def _unpack(package: str, folder: Path) -> None:
    """Unpack a Debian package without installing it: no daemon starts, and no root is needed where the lists are fresh."""
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise BuildError(
            f"etcd is not on PATH, and this is not Debian: install {package} (etcd 3.4 or newer), then run this again"
        )
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        fetch = ("apt-get", "-q", "download", package)
        if _run(fetch, Path(scratch), 5 * _MINUTES):  # the lists may be old, or not there at all on a new machine
            _run(("apt-get", "-q", "update"), Path(scratch), 5 * _MINUTES)
            wrong = _run(fetch, Path(scratch), 5 * _MINUTES)
            if wrong:
                raise BuildError(
                    f"etcd is not on PATH, and apt-get download {package} failed: {wrong}\ninstall {package} by hand"
                )
        archive = next(Path(scratch).glob("*.deb"))
        wrong = _run(("dpkg-deb", "-x", str(archive), str(Path(scratch) / "root")), Path(scratch), _MINUTES)
        if wrong:
            raise BuildError(f"{archive.name} could not be unpacked: {wrong}")
        shutil.rmtree(folder, ignore_errors=True)
        (Path(scratch) / "root").rename(folder)


def inspector() -> Path:
    """Return the command of the MCP Inspector, installed from its lock file by npm into the cache. Raises BuildError."""
    return _packages("inspector") / ".bin" / "mcp-inspector"


def axe() -> Path:
    """Return the script of axe-core, which judges how accessible a page is, installed likewise. Raises BuildError."""
    return _packages("axe") / "axe-core" / "axe.min.js"


def _packages(name: str) -> Path:
    """Return the node_modules of a folder beside this file."""
    source = HERE / name
    lock = (source / "package-lock.json").read_bytes()
    folder = cache() / f"{name}-{hashlib.sha256(lock).hexdigest()[:16]}"
    if not folder.is_dir():
        with _locked(folder):
            if not folder.is_dir():
                _install(source, folder)
    return folder / "node_modules"


def _install(source: Path, folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise BuildError(
            "npm is not on PATH: the MCP Inspector and axe-core are installed with npm, and Node.js 20 or newer runs the first"
        )
    _say(f"installing the packages of {source.name}/package-lock.json (kept in {folder})")
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(source / name, scratch)
        # No script of a package is run.
        wrong = _run((npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"), Path(scratch), 5 * _MINUTES)
        if wrong:
            raise BuildError(f"{source.name}/package-lock.json could not be installed: {wrong}")
        out = Path(scratch) / "out"
        out.mkdir()
        (Path(scratch) / "node_modules").rename(out / "node_modules")
        out.rename(folder)


def chromium() -> Path:
    """Return the path of Chromium: the one on PATH, else Debian's, installed where we are root. Raises BuildError.

    It is installed and not unpacked as etcd is: it needs a hundred other packages.
    """
    found = apt.program("chromium", "chromium")
    if found is None:
        raise BuildError(
            "chromium is not on PATH: install it (Debian's package is called chromium), then run this again"
        )
    return Path(found)


def _made(module: Module) -> Path:
    folder = cache() / f"{module.name}-{module.key()}"
    if not folder.is_dir():
        with _locked(folder):
            if not folder.is_dir():
                _make(module, folder)
    return folder


def _make(module: Module, folder: Path) -> None:
    go = shutil.which("go")
    if go is None:
        raise BuildError("go is not on PATH: the end-to-end tests build their real parts with Go 1.26 or newer")
    what = ", ".join(module.makes) or f"CustomResourceDefinitions ({module.name})"
    _say(f"building {what} (kept in {folder})")
    started = time.monotonic()
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        out = Path(scratch) / "out"
        out.mkdir()
        argv = tuple(word.replace("{out}", str(out)) for word in module.command)
        wrong = _run((go, *argv[1:]), module.folder, _BUILD_LIMIT)
        if wrong:
            raise BuildError(f"{what} could not be built in {module.folder}: {wrong}")
        missing = [name for name in module.makes if not (out / name).exists()]
        if missing or not any(out.iterdir()):
            raise BuildError(f"{what}: the build left no {', '.join(missing) or 'file'}")
        out.rename(folder)
    _say(f"built {what} in {time.monotonic() - started:.0f} s")


def _run(argv: tuple[str, ...], folder: Path, limit: float) -> str:
    """Run a command; return what went wrong, or nothing."""
    # The user's own Go settings must not change what is built.
    env = {**os.environ, "GOFLAGS": "-mod=readonly -buildvcs=false", "GOWORK": "off", "CGO_ENABLED": "0"}
    try:
        done = subprocess.run(  # noqa: S603 - go, apt-get and dpkg-deb, with arguments of this file
            argv, cwd=folder, env=env, capture_output=True, text=True, timeout=limit, check=False
        )
    except subprocess.TimeoutExpired:
        return f"no end after {limit / _MINUTES:.0f} minutes"
    except OSError as error:
        return f"{argv[0]}: {error.strerror}"
    return (done.stderr or done.stdout).strip()[-3000:] or f"exit code {done.returncode}" if done.returncode else ""


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a lock of the cache, so that two runs at once do not build the same twice."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f".{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _say(text: str) -> None:
    sys.stderr.write(f"e2e: {text}\n")
    sys.stderr.flush()


def main() -> int:
    """Build everything and say where it is."""
    try:
        _say(f"etcd {etcd()}")
        for module in MODULES.values():
            _say(f"{module.name} {_made(module)}")
        _say(f"inspector {inspector()}")
        _say(f"axe-core {axe()}")
        _say(f"chromium {chromium()}")
    except BuildError as error:
        _say(str(error))
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
