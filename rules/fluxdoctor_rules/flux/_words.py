"""Who suspended an object, and how it is resumed."""

from datetime import datetime

from fluxdoctor import Resource, age, moment

_CLI = {
    "GitRepository": "source git",
    "OCIRepository": "source oci",
    "HelmRepository": "source helm",
    "HelmChart": "source chart",
    "Bucket": "source bucket",
    "ImageRepository": "image repository",
    "ImagePolicy": "image policy",
    "ImageUpdateAutomation": "image update",
}


def who(resource: Resource, now: datetime) -> str:
    """Name the manager that set spec.suspend, and when it last wrote."""
    for row in resource.rows("metadata.managedFields"):
        if row.has("fieldsV1.f:spec.f:suspend"):
            at = moment(row.text("time"))
            return f" by {row.text('manager')}" + (f", {age(at, now)} ago" if at else "")
    return ""


def how(resource: Resource, *, in_git: bool) -> str:
    """Return the command, or what to do in git where git says so."""
    command = _CLI.get(resource.kind, resource.kind.lower())
    resume = f"flux resume {command} {resource.name} -n {resource.namespace}"
    return f"take spec.suspend out of its manifest in git, or for now: {resume}" if in_git else resume
