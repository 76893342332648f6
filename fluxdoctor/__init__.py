"""fluxdoctor names the root cause of a failing Flux fleet. What a rule pack imports stands here; nothing else is API."""

from fluxdoctor._version import __version__
from fluxdoctor.model import semver, vantage
from fluxdoctor.model.charts import Chart, Charts, Flaw, Held, Verdict
from fluxdoctor.model.charts import held as charts_held
from fluxdoctor.model.charts import in_tree as chart_in_tree
from fluxdoctor.model.charts import in_use as chart_in_use
from fluxdoctor.model.charts import referred as referred_chart
from fluxdoctor.model.cluster import Cluster, Event, Lookup
from fluxdoctor.model.facts import Answer, ChartIndexes, GitTrees, Probe, Probes, Tree, clean
from fluxdoctor.model.facts import stated as stated_digests
from fluxdoctor.model.failures import Failure, Failures
from fluxdoctor.model.finding import Confidence, Evidence, Problem, Severity, Unknown
from fluxdoctor.model.flux import (
    Edge,
    Reference,
    State,
    condition,
    conditions,
    interval,
    owner,
    references,
    revision,
    short,
    state,
    timeout,
)
from fluxdoctor.model.graph import Graph, inventory
from fluxdoctor.model.helm import release_name, release_namespace, storage_namespace
from fluxdoctor.model.manifests import FILE_NAMES, Build, Entry, Manifests, Patch, is_remote
from fluxdoctor.model.nearest import did_you_mean, nearest, suggestion
from fluxdoctor.model.oci import OciLayer, OciManifest, OciTags
from fluxdoctor.model.overlaps import Overlaps
from fluxdoctor.model.removals import Removal, Removals
from fluxdoctor.model.resource import Condition, Fields, Location, Ref, Resource
from fluxdoctor.model.schemas import Schemas
from fluxdoctor.model.snapshot import Clock, Target, Versions
from fluxdoctor.model.times import age, duration, moment

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
    "Entry",
    "Event",
    "Evidence",
    "Failure",
    "Failures",
    "Fields",
    "Flaw",
    "GitTrees",
    "Graph",
    "Held",
    "Location",
    "Lookup",
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
    "Verdict",
    "Versions",
    "__version__",
    "age",
    "chart_in_tree",
    "chart_in_use",
    "charts_held",
    "clean",
    "condition",
    "conditions",
    "did_you_mean",
    "duration",
    "interval",
    "inventory",
    "is_remote",
    "moment",
    "nearest",
    "owner",
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
    "vantage",
]
