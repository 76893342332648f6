"""How to reach a cluster: kubeconfig or in-cluster, with exec plugins, certificates, tokens and impersonation."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fluxdoctor._version import __version__
from fluxdoctor.collect.net.deadline import Deadline
from fluxdoctor.collect.net.sockets import shut, track

if TYPE_CHECKING:
    import urllib3
    from kubernetes.client import Configuration

_AGENT = f"fluxdoctor/{__version__}"
_CONNECTIONS = 8


class ClusterError(Exception):
    """The cluster cannot be asked at all; the text says why, and what to do."""


@dataclass(frozen=True)
class ClusterLogin:
    """Who asks which cluster. Empty fields mean what they mean to kubectl: the current context, no impersonation."""

    kubeconfig: str = ""
    context: str = ""
    as_user: str = ""
    as_groups: tuple[str, ...] = ()


@dataclass(frozen=True, repr=False)
class ClusterConnection:
    """An API server and the way to it. ``namespace``: what the context says, "" when it says none."""

    name: str
    host: str
    namespace: str
    pool: urllib3.PoolManager
    configuration: Configuration
    impersonation: tuple[tuple[str, str], ...] = ()

    def headers(self) -> list[tuple[str, str]]:
        """Return the headers that every request carries; a token is renewed when its file or plugin says so."""
        setting = self.configuration.auth_settings().get("BearerToken")
        token = [("Authorization", str(setting["value"]))] if setting and setting.get("value") else []
        return [("User-Agent", _AGENT), *token, *self.impersonation]


@contextmanager
def connect(login: ClusterLogin, deadline: Deadline) -> Iterator[ClusterConnection]:
    """Log in, and take away at the end what the login left on disk. Raises ClusterError; sends nothing yet."""
    try:
        held = tempfile.TemporaryDirectory(prefix="fluxdoctor-")
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise ClusterError(f"no temporary file can be written: {why}. Set TMPDIR to a folder with room.") from None
    with held as private:
        from kubernetes.client import Configuration
        from kubernetes.client.rest import RESTClientObject
        from kubernetes.config.config_exception import ConfigException
        from urllib3.exceptions import InsecureRequestWarning

        configuration = Configuration()
        try:
            name, namespace = _load(login, configuration, private, deadline)
        except (ConfigException, OSError) as error:
            raise ClusterError(f"the kubeconfig cannot be used: {error}") from None
        except _ODD as error:
            raise ClusterError(f"{_paths(login)}: not a kubeconfig as kubectl reads it ({_short(error)})") from None
        configuration.retries = False
        if not configuration.verify_ssl:  # the kubeconfig says so: one warning for each request helps nobody
            warnings.filterwarnings("ignore", "Unverified HTTPS request", category=InsecureRequestWarning)
        configuration.connection_pool_maxsize = _CONNECTIONS
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # urllib3 warns of PySocks before it fails for want of it
                pool = RESTClientObject(configuration).pool_manager
        except ImportError:
            raise ClusterError(
                f"context {name} goes through a SOCKS proxy, which needs PySocks: pip install pysocks"
            ) from None
        except (OSError, *_ODD) as error:
            raise ClusterError(f"context {name} cannot be used: {_short(error)}") from None
        open_sockets = track(pool)
        who = [("Impersonate-User", login.as_user)] if login.as_user else []
        groups = [("Impersonate-Group", group) for group in login.as_groups]
        with deadline.on_cancel(lambda: shut(open_sockets)):
            try:
                yield ClusterConnection(name, configuration.host, namespace, pool, configuration, (*who, *groups))
            finally:
                pool.clear()


#: What takes the place of the auth-providers that kubectl 1.26 no longer has.
_INSTEAD = {
    "gcp": "gke-gcloud-auth-plugin (gcloud container clusters get-credentials CLUSTER)",
    "azure": "kubelogin (kubelogin convert-kubeconfig)",
    "oidc": "kubectl oidc-login (https://github.com/int128/kubelogin), or a token",
}
#: What the library raises for a file that is YAML and no kubeconfig.
_ODD = (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError)


def _short(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"


def _paths(login: ClusterLogin) -> str:
    return login.kubeconfig or os.environ.get("KUBECONFIG", "") or "~/.kube/config"


def _load(login: ClusterLogin, configuration: Configuration, private: str, deadline: Deadline) -> tuple[str, str]:
    """Fill the configuration; return the names of the context and of its namespace."""
    paths = _paths(login)
    there = [p for p in paths.split(os.pathsep) if p and Path(p).expanduser().is_file()]
    if there:
        return _from_file(os.pathsep.join(there), login.context, configuration, private, deadline)
    if not login.kubeconfig and os.environ.get("KUBERNETES_SERVICE_HOST"):
        return _in_cluster(configuration)
    raise ClusterError(
        f"no cluster is configured: there is no file {paths}, and this is not a pod.\n"
        "Set KUBECONFIG or --kubeconfig, replay a snapshot with --from DIR, or try `fluxdoctor demo`."
    )


def _in_cluster(configuration: Configuration) -> tuple[str, str]:
    from kubernetes.config.incluster_config import load_incluster_config

    load_incluster_config(configuration)
    space = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
    return "in-cluster", space.read_text("utf-8").strip() if space.is_file() else ""


def _merged(paths: str) -> Any:
    """Read the files of a kubeconfig into one, as kubectl merges them."""
    import yaml
    from kubernetes.config.kube_config import KubeConfigMerger

    try:
        merged = KubeConfigMerger(paths).config
    except RecursionError:
        raise ClusterError(f"{paths}: the kubeconfig is nested too deep") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{mark.name}:{mark.line + 1}" if mark else paths
        raise ClusterError(f"{place}: the kubeconfig is not YAML") from None
    if merged is None:
        raise ClusterError(f"{paths}: the kubeconfig is empty")
    return merged


def _from_file(
    paths: str, context: str, configuration: Configuration, private: str, deadline: Deadline
) -> tuple[str, str]:
    from kubernetes.config.config_exception import ConfigException
    from kubernetes.config.kube_config import KubeConfigLoader

    class Loader(KubeConfigLoader):  # type: ignore[misc]
        """The library runs a plugin without a deadline, and goes on without a login when that fails."""

        def _load_auth_provider_token(self) -> None:
            """Refuse what client-go removed in 1.26: the library would run its cmd-path, and ask its issuer, without an end."""
            provider = (getattr(self._user, "value", None) or {}).get("auth-provider")
            if provider:
                name = provider.get("name") if isinstance(provider, Mapping) else ""
                raise ClusterError(
                    f"{paths}, context {wanted}: the login is the legacy auth-provider {str(name)[:40]!r}. "
                    f"Use an exec plugin in its place: {_INSTEAD.get(str(name), 'the one that your provider offers')}."
                )

        def _load_from_exec_plugin(self) -> bool:
            spec = (getattr(self._user, "value", None) or {}).get("exec")
            if not spec:
                return False
            base = self._get_base_path(self._cluster.path)
            status = run_plugin(spec, base, getattr(self._cluster, "value", {}), deadline)
            if token := status.get("token"):
                self.token = f"Bearer {token}"
                return True
            for field, key in (("cert_file", "clientCertificateData"), ("key_file", "clientKeyData")):
                path = Path(private) / field
                path.touch(0o600)
                path.write_text(str(status.get(key, "")), "utf-8")
                setattr(self, field, str(path))
            return True

    merged = _merged(paths)
    names = [c["name"] for c in (merged.value.get("contexts") or [])]
    wanted = context or merged.value.get("current-context") or ""
    if wanted not in names:
        known = ", ".join(sorted(names)) or "none"
        what = f"no context {wanted!r}" if wanted else "no current context"
        raise ClusterError(f"{paths}: {what}; there are: {known}. Choose one with --context.")
    try:
        loader = Loader(merged, active_context=wanted, config_base_path=None, temp_file_path=private)
        loader.load_and_set(configuration)
    except ConfigException as error:
        raise ClusterError(f"{paths}, context {wanted}: {error}") from None
    except (OSError, *_ODD) as error:
        raise ClusterError(f"{paths}, context {wanted}: {_short(error)}") from None
    return wanted, loader.current_context["context"].get("namespace") or ""


def run_plugin(spec: Any, base: str, cluster: Mapping[str, Any], deadline: Deadline) -> dict[str, Any]:
    """Run a client-go credential plugin and return its status. Raises ClusterError; never waits past the deadline."""
    if not isinstance(spec, Mapping) or not isinstance(spec.get("args") or [], list):
        raise ClusterError("the kubeconfig's exec section is not a mapping with a command and a list of args")
    command = str(spec.get("command", ""))
    hint = f" {spec['installHint'].strip()}" if isinstance(spec.get("installHint"), str) else ""
    path = command if "/" not in command else os.path.normpath(Path(base) / command)
    if shutil.which(path) is None:
        raise ClusterError(f"the kubeconfig logs in with {command!r}, which is not installed here.{hint}")
    info: dict[str, Any] = {"interactive": False}
    if spec.get("provideClusterInfo"):
        info["cluster"] = dict(cluster)
    version = str(spec.get("apiVersion", ""))
    credential = {"apiVersion": version, "kind": "ExecCredential", "spec": info}
    given = [entry for entry in spec.get("env") or [] if isinstance(entry, Mapping)]
    env = {**os.environ, **{str(entry.get("name")): str(entry.get("value")) for entry in given}}
    said = _run(
        [path, *map(str, spec.get("args") or [])], {**env, "KUBERNETES_EXEC_INFO": json.dumps(credential)}, deadline
    )
    try:
        status = json.loads(said)["status"]
    except (ValueError, KeyError, TypeError):
        raise ClusterError(f"credential plugin {command!r} did not answer with an ExecCredential") from None
    if not isinstance(status, dict) or not (status.get("token") or status.get("clientCertificateData")):
        raise ClusterError(f"credential plugin {command!r} gave neither a token nor a certificate")
    return status


def _run(argv: Sequence[str], env: Mapping[str, str], deadline: Deadline) -> str:
    """Run a program to its end, or to ours, with all that it started. What it says on stderr is for people, and quoted short."""
    try:
        child = subprocess.Popen(  # noqa: S603 - no shell; the command is the user's own kubeconfig's
            argv, env=dict(env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            errors="replace", start_new_session=True,
        )  # fmt: skip
    except (OSError, ValueError) as error:
        raise ClusterError(f"credential plugin {argv[0]!r} could not be run: {error}") from None
    with deadline.on_cancel(lambda: _kill(child)), child:
        try:
            said, complaint = child.communicate(timeout=max(0.1, deadline.left()))
        except subprocess.TimeoutExpired:
            raise ClusterError(f"credential plugin {argv[0]!r} did not end in time") from None
        finally:
            _kill(child)
    if child.returncode:
        words = " ".join(complaint.split())[:300]
        raise ClusterError(f"credential plugin {argv[0]!r} failed with code {child.returncode}: {words}")
    return said


def _kill(child: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
