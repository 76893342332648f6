"""fluxdoctor names the root cause of a failing Flux fleet. This module is the whole API for rule packs."""

from fluxdoctor._version import __version__
from fluxdoctor.model import go_regex, missing, object_names, probe_text, semver
from fluxdoctor.model.chart_indexes import ChartIndexes
from fluxdoctor.model.chart_indexes import stated as stated_digests
from fluxdoctor.model.charts import Chart, Charts, UsedChart, ValuesFlaw, ValuesVerdict, used_charts
from fluxdoctor.model.charts import in_tree as chart_in_tree
from fluxdoctor.model.charts import in_use as chart_in_use
from fluxdoctor.model.charts import referred as referred_chart
from fluxdoctor.model.cluster import Cluster, Event, Lookup
from fluxdoctor.model.commands import commands, kubectl
from fluxdoctor.model.failures import Failure, Failures
from fluxdoctor.model.finding import Confidence, Evidence, EvidenceKind, Problem, Severity, Unknown
from fluxdoctor.model.flux import (
    Edge,
    Reference,
    State,
    condition,
    conditions,
    controller_of,
    interval,
    is_suspended,
    is_terminating,
    owner,
    references,
    revision,
    short,
    state,
    timeout,
)
from fluxdoctor.model.graph import Graph, inventory
from fluxdoctor.model.helm import release_name, release_namespace, storage_namespace
from fluxdoctor.model.manifests import FILE_NAMES, Build, ManifestEntry, Manifests, Patch, is_remote
from fluxdoctor.model.oci import OciLayer, OciManifest, OciTags
from fluxdoctor.model.overlaps import Overlaps
from fluxdoctor.model.probes import Answer, Probe, Probes
from fluxdoctor.model.removals import Removal, Removals
from fluxdoctor.model.resource import Condition, Fields, Location, Ref, Resource
from fluxdoctor.model.schemas import Schemas
from fluxdoctor.model.similar import did_you_mean, most_similar, nearest, suggestion
from fluxdoctor.model.snapshot import Clock, Target, Versions
from fluxdoctor.model.times import age, duration, moment
from fluxdoctor.model.tree import GitTrees, Tree, clean

__all__ = [
    "FILE_NAMES",
    "Answer",
    "Build",
    "Chart",
    "ChartIndexes",
    "Charts",
    "Clock",
    "Cluster",
    "Condition",
    "Confidence",
    "Edge",
    "Event",
    "Evidence",
    "EvidenceKind",
    "Failure",
    "Failures",
    "Fields",
    "GitTrees",
    "Graph",
    "Location",
    "Lookup",
    "ManifestEntry",
    "Manifests",
    "OciLayer",
    "OciManifest",
    "OciTags",
    "Overlaps",
    "Patch",
    "Probe",
    "Probes",
    "Problem",
    "Ref",
    "Reference",
    "Removal",
    "Removals",
    "Resource",
    "Schemas",
    "Severity",
    "State",
    "Target",
    "Tree",
    "Unknown",
    "UsedChart",
    "ValuesFlaw",
    "ValuesVerdict",
    "Versions",
    "__version__",
    "age",
    "chart_in_tree",
    "chart_in_use",
    "clean",
    "commands",
    "condition",
    "conditions",
    "controller_of",
    "did_you_mean",
    "duration",
    "go_regex",
    "interval",
    "inventory",
    "is_remote",
    "is_suspended",
    "is_terminating",
    "kubectl",
    "missing",
    "moment",
    "most_similar",
    "nearest",
    "object_names",
    "owner",
    "probe_text",
    "references",
    "referred_chart",
    "release_name",
    "release_namespace",
    "revision",
    "semver",
    "short",
    "state",
    "stated_digests",
    "storage_namespace",
    "suggestion",
    "timeout",
    "used_charts",
]
