"""The Kubernetes API: login, lists, look-ups, and the rights of the user.

Reading a cluster (``cluster``) takes four steps: discover the served kinds; list the Flux objects, namespaces, controllers and
warning events; look up the objects that Flux objects refer to, by name, until there are no new references; read the workloads
and Pods of failing objects. Everything that cannot be read becomes a Gap, never an absence. Only ``publish`` and ``write``
change a cluster.
"""
