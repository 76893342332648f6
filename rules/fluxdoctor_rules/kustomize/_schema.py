"""The fields of common Kubernetes kinds (1.36), at the places where mistakes are likely."""

from collections.abc import Iterator

from fluxdoctor import Resource

#: Paths in an object, and the fields that are allowed there.
Places = Iterator[tuple[tuple[str | int, ...], frozenset[str]]]


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_META = _set(
    "name generateName namespace selfLink uid resourceVersion generation creationTimestamp deletionTimestamp "
    "deletionGracePeriodSeconds labels annotations ownerReferences finalizers managedFields clusterName"
)
_OBJECT = _set("apiVersion kind metadata spec status")
_ROOT = {
    "ConfigMap": _set("apiVersion kind metadata data binaryData immutable"),
    "ServiceAccount": _set("apiVersion kind metadata secrets imagePullSecrets automountServiceAccountToken"),
}
_SPEC = {
    "Deployment": "replicas selector template strategy minReadySeconds revisionHistoryLimit paused "
    "progressDeadlineSeconds",
    "StatefulSet": "replicas selector template volumeClaimTemplates serviceName podManagementPolicy updateStrategy "
    "revisionHistoryLimit minReadySeconds persistentVolumeClaimRetentionPolicy ordinals",
    "DaemonSet": "selector template updateStrategy minReadySeconds revisionHistoryLimit",
    "Service": "ports selector clusterIP clusterIPs type externalIPs sessionAffinity loadBalancerIP "
    "loadBalancerSourceRanges "
    "externalName externalTrafficPolicy healthCheckNodePort publishNotReadyAddresses sessionAffinityConfig "
    "ipFamilies ipFamily "
    "ipFamilyPolicy allocateLoadBalancerNodePorts loadBalancerClass internalTrafficPolicy trafficDistribution "
    "topologyKeys",
    "Job": "parallelism completions activeDeadlineSeconds podFailurePolicy successPolicy backoffLimit "
    "backoffLimitPerIndex "
    "maxFailedIndexes selector manualSelector template ttlSecondsAfterFinished completionMode suspend "
    "podReplacementPolicy managedBy",
    "CronJob": "schedule timeZone startingDeadlineSeconds concurrencyPolicy suspend jobTemplate "
    "successfulJobsHistoryLimit "
    "failedJobsHistoryLimit",
    "Ingress": "ingressClassName defaultBackend backend tls rules",
    "HorizontalPodAutoscaler": "scaleTargetRef minReplicas maxReplicas metrics behavior targetCPUUtilizationPercentage",
    "PodDisruptionBudget": "minAvailable maxUnavailable selector unhealthyPodEvictionPolicy",
    "NetworkPolicy": "podSelector ingress egress policyTypes",
    "PersistentVolumeClaim": "accessModes selector resources volumeName storageClassName volumeMode dataSource "
    "dataSourceRef "
    "volumeAttributesClassName",
    "ResourceQuota": "hard scopes scopeSelector",
    "LimitRange": "limits",
    "Namespace": "finalizers",
}
_POD = _set(
    "volumes initContainers containers ephemeralContainers restartPolicy terminationGracePeriodSeconds "
    "activeDeadlineSeconds "
    "dnsPolicy nodeSelector serviceAccountName serviceAccount automountServiceAccountToken nodeName hostNetwork "
    "hostPID hostIPC "
    "shareProcessNamespace securityContext imagePullSecrets hostname subdomain affinity schedulerName "
    "tolerations hostAliases "
    "priorityClassName priority dnsConfig readinessGates runtimeClassName enableServiceLinks preemptionPolicy "
    "overhead "
    "topologySpreadConstraints setHostnameAsFQDN os hostUsers schedulingGates resourceClaims resources "
    "hostnameOverride "
    "workloadRef schedulingGroup"
)
_CONTAINER = _set(
    "name image command args workingDir ports envFrom env resources resizePolicy restartPolicy "
    "restartPolicyRules volumeMounts "
    "volumeDevices livenessProbe readinessProbe startupProbe lifecycle terminationMessagePath "
    "terminationMessagePolicy "
    "imagePullPolicy securityContext stdin stdinOnce tty"
)


def places(resource: Resource) -> Places:
    """Yield the paths of an object whose allowed fields are known: only metadata for a kind that is not in this module."""
    kind = resource.kind
    yield ("metadata",), _META
    if kind in _ROOT:
        yield (), _ROOT[kind]
    if kind in _SPEC:
        yield (), _OBJECT
        yield ("spec",), _set(_SPEC[kind])
    if kind in ("Deployment", "StatefulSet", "DaemonSet", "Job"):
        pod = ("spec", "template", "spec")
        yield pod, _POD
        for key in ("containers", "initContainers"):
            yield from ((row.path, _CONTAINER) for row in resource.rows((*pod, key)))
