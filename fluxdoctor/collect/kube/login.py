"""Connects to a cluster: kubeconfig or in-cluster, with exec plugins, certificates, tokens and impersonation."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fluxdoctor._version import __version__
from fluxdoctor.collect import temporary
from fluxdoctor.collect.net.deadline import Deadline
from fluxdoctor.collect.net.sockets import shut, track
from fluxdoctor.intake import secret_values
from fluxdoctor.intake.credentials import redacted, remember
from fluxdoctor.intake.named_values import is_credential_name
from fluxdoctor.intake.redact import mask_opaque

if TYPE_CHECKING:
    import urllib3
    from kubernetes.client import Configuration

_AGENT = f"fluxdoctor/{__version__}"
_CONNECTIONS = 8
_SHORTEST_LOGIN = 4
_MAX_ERRORS = 100_000  # characters that are read of what a plug-in says


class ClusterError(Exception):
    """The cluster cannot be used at all; the text says why and how to fix it, without any credential."""

    def __init__(self, text: str) -> None:
        super().__init__(redacted(text))


@dataclass(frozen=True)
class ClusterLogin:
    """The cluster and the user. Empty fields mean the same as for kubectl: the current context, no impersonation."""

    kubeconfig: str = ""
    context: str = ""
    as_user: str = ""
    as_groups: tuple[str, ...] = ()


@dataclass(frozen=True, repr=False)
class ClusterConnection:
    """A connection to an API server. ``namespace``: the context's, "" without one."""

    name: str
    host: str
    namespace: str
    pool: urllib3.PoolManager
    configuration: Configuration
    impersonation: tuple[tuple[str, str], ...] = ()

    def headers(self) -> list[tuple[str, str]]:
        """Return the headers of every request; a token is refreshed when it expires."""
        setting = self.configuration.auth_settings().get("BearerToken")
        token = [("Authorization", str(setting["value"]))] if setting and setting.get("value") else []
        for _, value in token:
            remember(value.partition(" ")[2], value)
        return [("User-Agent", _AGENT), *token, *self.impersonation]


@contextmanager
def connect(login: ClusterLogin, deadline: Deadline) -> Iterator[ClusterConnection]:
    """Log in, without a request; at the end, remove the login's files. Raises ClusterError."""
    try:
        folder = temporary.make()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ClusterError(f"cannot write temporary files: {reason}. Set TMPDIR to a folder with free space.") from None
    try:
        with _connection(login, str(folder), deadline) as connection:
            yield connection
    finally:
        temporary.remove(folder)


@contextmanager
def _connection(login: ClusterLogin, private: str, deadline: Deadline) -> Iterator[ClusterConnection]:
    """Log in. ``private``: the folder for the login's files."""
    from kubernetes.client import Configuration
    from kubernetes.client.rest import RESTClientObject
    from kubernetes.config.config_exception import ConfigException
    from urllib3.exceptions import InsecureRequestWarning

    configuration = Configuration()
    try:
        name, namespace = _load(login, configuration, private, deadline)
    except (ConfigException, OSError) as error:
        raise ClusterError(f"the kubeconfig cannot be used: {error}") from None
    except _MALFORMED as error:
        raise ClusterError(f"{_paths(login)}: not a valid kubeconfig ({_error_text(error)})") from None
    configuration.retries = False
    if not configuration.verify_ssl:  # the user chose this: a warning for each request is noise
        warnings.filterwarnings("ignore", "Unverified HTTPS request", category=InsecureRequestWarning)
    configuration.connection_pool_maxsize = _CONNECTIONS
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # urllib3 warns about PySocks before it fails without it
            pool = RESTClientObject(configuration).pool_manager
    except ImportError:
        raise ClusterError(
            f"context {name} uses a SOCKS proxy, which requires PySocks. Run: pip install pysocks"
        ) from None
    except (OSError, *_MALFORMED) as error:
        raise ClusterError(f"context {name} cannot be used: {_error_text(error)}") from None
    open_sockets = track(pool)
    user_headers = [("Impersonate-User", login.as_user)] if login.as_user else []
    group_headers = [("Impersonate-Group", group) for group in login.as_groups]
    with deadline.on_cancel(lambda: shut(open_sockets)):
        try:
            yield ClusterConnection(
                name, configuration.host, namespace, pool, configuration, (*user_headers, *group_headers)
            )
        finally:
            pool.clear()


#: The replacements of the auth-providers that kubectl 1.26 removed.
_REPLACEMENTS = {
    "gcp": "gke-gcloud-auth-plugin (gcloud container clusters get-credentials CLUSTER)",
    "azure": "kubelogin (kubelogin convert-kubeconfig)",
    "oidc": "kubectl oidc-login (https://github.com/int128/kubelogin), or a token",
}
#: The exceptions of the library for a file that is YAML but not a kubeconfig.
_MALFORMED = (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError)


def _error_text(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"


def _paths(login: ClusterLogin) -> str:
    return login.kubeconfig or os.environ.get("KUBECONFIG", "") or "~/.kube/config"


def _load(login: ClusterLogin, configuration: Configuration, private: str, deadline: Deadline) -> tuple[str, str]:
    """Fill the configuration; return the names of the context and of its namespace. Raises ClusterError."""
    paths = _paths(login)
    existing = [p for p in paths.split(os.pathsep) if p and Path(p).expanduser().is_file()]
    if existing:
        return _from_file(os.pathsep.join(existing), login.context, configuration, private, deadline)
    if not login.kubeconfig and os.environ.get("KUBERNETES_SERVICE_HOST"):
        return _in_cluster(configuration)
    raise ClusterError(
        f"no cluster is configured: file {paths} does not exist, and this is not a Pod.\n"
        "Set KUBECONFIG or --kubeconfig, replay a snapshot with --from DIR, or try `fluxdoctor demo`."
    )


def _remember_users(config: Any) -> None:
    """Remember the logins of a kubeconfig, and the passwords in its URLs: nothing that fails may print one."""
    sections = {name: config.get(name) for name in ("users", "clusters")} if isinstance(config, Mapping) else {}
    try:
        text = json.dumps(sections, default=str)
    except (ValueError, RecursionError):
        return
    credentials = secret_values.credentials_inside(text)
    remember(*(credential for credential in credentials if len(credential) >= _SHORTEST_LOGIN))


def _remember_environment(spec: Mapping[str, Any]) -> None:
    """Remember what a credential plug-in is given: its words may repeat it."""
    entries = [entry for entry in spec.get("env") or [] if isinstance(entry, Mapping)]
    variables = {**os.environ, **{str(entry.get("name")): str(entry.get("value")) for entry in entries}}
    arguments = [str(argument) for argument in spec.get("args") or []]
    flags = {flag: value for flag, value in itertools.pairwise(arguments) if flag.startswith("-")}
    flags |= {flag: value for flag, _, value in (argument.partition("=") for argument in arguments)}
    remember(*(value for name, value in {**variables, **flags}.items() if is_credential_name(name)))


def _remember_status(status: object) -> None:
    """Remember what a credential plug-in returns."""
    if isinstance(status, Mapping):
        remember(*secret_values.credentials_inside(json.dumps(status, default=str)))


def _in_cluster(configuration: Configuration) -> tuple[str, str]:
    from kubernetes.config.incluster_config import load_incluster_config

    load_incluster_config(configuration)
    namespace_file = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
    return "in-cluster", namespace_file.read_text("utf-8").strip() if namespace_file.is_file() else ""


def _merged(paths: str) -> Any:
    """Merge the files of a kubeconfig, as kubectl does. Raises ClusterError."""
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
        """The library's loader runs a plugin without a deadline, and continues without a login if it fails."""

        def _load_auth_provider_token(self) -> None:
            """Refuse what client-go removed in 1.26: the library would run its cmd-path and call its issuer without a timeout."""
            provider = (getattr(self._user, "value", None) or {}).get("auth-provider")
            if provider:
                name = provider.get("name") if isinstance(provider, Mapping) else ""
                raise ClusterError(
                    f"{paths}, context {context_name}: the context uses the legacy auth-provider {str(name)[:40]!r}. "
                    f"Use an exec plugin instead: {_REPLACEMENTS.get(str(name), 'the plugin of your provider')}."
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
    _remember_users(merged.value)
    names = [c["name"] for c in (merged.value.get("contexts") or [])]
    context_name = context or merged.value.get("current-context") or ""
    if context_name not in names:
        available = ", ".join(sorted(names)) or "none"
        problem = f"context {context_name!r} does not exist" if context_name else "no current context"
        raise ClusterError(f"{paths}: {problem}; available contexts: {available}. Set one with --context.")
    try:
        loader = Loader(merged, active_context=context_name, config_base_path=None, temp_file_path=private)
        loader.load_and_set(configuration)
    except ConfigException as error:
        raise ClusterError(f"{paths}, context {context_name}: {error}") from None
    except (OSError, *_MALFORMED) as error:
        raise ClusterError(f"{paths}, context {context_name}: {_error_text(error)}") from None
    return context_name, loader.current_context["context"].get("namespace") or ""


def run_plugin(spec: Any, base: str, cluster: Mapping[str, Any], deadline: Deadline) -> dict[str, Any]:
    """Run a client-go credential plugin, at most until the deadline, and return its status. Raises ClusterError."""
    if not isinstance(spec, Mapping) or not isinstance(spec.get("args") or [], list):
        raise ClusterError("the kubeconfig's exec section is not a mapping with a command and a list of args")
    command = str(spec.get("command", ""))
    hint = f" {spec['installHint'].strip()}" if isinstance(spec.get("installHint"), str) else ""
    path = command if "/" not in command else os.path.normpath(Path(base) / command)
    if shutil.which(path) is None:
        raise ClusterError(f"the kubeconfig uses credential plugin {command!r}, which is not installed.{hint}")
    exec_spec: dict[str, Any] = {"interactive": False}
    if spec.get("provideClusterInfo"):
        exec_spec["cluster"] = dict(cluster)
    _remember_environment(spec)
    version = str(spec.get("apiVersion", ""))
    credential = {"apiVersion": version, "kind": "ExecCredential", "spec": exec_spec}
    env_entries = [entry for entry in spec.get("env") or [] if isinstance(entry, Mapping)]
    env = {**os.environ, **{str(entry.get("name")): str(entry.get("value")) for entry in env_entries}}
    output = _run(
        [path, *map(str, spec.get("args") or [])], {**env, "KUBERNETES_EXEC_INFO": json.dumps(credential)}, deadline
    )
    try:
        status = json.loads(output)["status"]
    except (ValueError, KeyError, TypeError):
        raise ClusterError(f"credential plugin {command!r} did not return an ExecCredential") from None
    _remember_status(status)
    if not isinstance(status, dict) or not (status.get("token") or status.get("clientCertificateData")):
        raise ClusterError(f"credential plugin {command!r} returned neither a token nor a certificate")
    return status


def _run(argv: Sequence[str], env: Mapping[str, str], deadline: Deadline) -> str:
    """Run a program and return its stdout. At the deadline, kill it with its children. Raises ClusterError, with its stderr."""
    try:
        child = subprocess.Popen(  # noqa: S603 - no shell; the command is the user's own kubeconfig's
            argv, env=dict(env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            errors="replace", start_new_session=True,
        )  # fmt: skip
    except (OSError, ValueError) as error:
        raise ClusterError(f"credential plugin {argv[0]!r} cannot be run: {error}") from None
    with deadline.on_cancel(lambda: _kill(child)), child:
        try:
            output, errors = child.communicate(timeout=max(0.1, deadline.left()))
        except subprocess.TimeoutExpired:
            raise ClusterError(f"credential plugin {argv[0]!r} timed out") from None
        finally:
            _kill(child)
    if child.returncode:
        error_text = " ".join(mask_opaque(redacted(errors[:_MAX_ERRORS])).split())[:300]
        raise ClusterError(f"credential plugin {argv[0]!r} failed with code {child.returncode}: {error_text}")
    return output


def _kill(child: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
