"""A repository before it is deployed: its files, its builds, its clusters, and facts about them.

``collect.collect`` turns a ``Repository`` into one ``Snapshot`` per cluster, so that the rules of a live cluster can run on it.
It runs ``git`` and ``kustomize``, fetches nothing, and changes nothing in the repository.

Theory of operation
-------------------

1. **Files** (``files/``). ``Repository`` has the regular files of a working tree or of one revision, by path.
   ``ManifestReader`` parses each content once.

2. **Entry points** (``follow/discovery.py``). A cluster begins where a FluxInstance has a ``sync``, or where a Kustomization
   applies itself or has its source beside it. ``EntryPoints.declared`` returns these. Then ``implied`` returns the folders with
   Kustomizations that none of these clusters applies: their entry point must be elsewhere. ``standalone`` is for a repository
   without any Flux Kustomization. An entry point has a Kustomization, a source, and a root: the folder of the repository that is
   the root of the artifact.

3. **Traversal** (``follow/traversal.py``). From the Kustomization of the entry point, ``Traversal`` builds each Kustomization
   whose source is this repository (or an artifact made of it), adds the objects, and continues with the Kustomizations among
   them. A Kustomization that applies itself is built again until it no longer changes. The variables of ``postBuild`` may come
   from a ConfigMap that a later build declares, so the traversal repeats until no variable changes, at most three times. The
   traversals of all clusters take turns in one thread (``follow/steps.py``); only builds run in a thread pool.

4. **Builds** (``build/``). ``generate`` makes the kustomization file that kustomize-controller builds. ``build_inputs`` finds the
   files that the build reads and removes remote bases. ``kustomize`` builds a temporary copy. If the build fails, ``repair``
   removes the faulty entries and the rest is built too, so that one fault does not hide all objects. ``origins`` finds the file
   and document of each object. Substitution runs on the text of each document, once per set of variables.

5. **Cluster contents** (``follow/cluster_contents.py``). The result for one cluster: its objects, the Kustomizations that own
   them, the files that were read, and what is unknown. Each Kustomization gets the status that the controller would set.
   ``postbuild`` comes last: whether a missing variable is an error depends on the Flux version among the objects.

6. **Facts and snapshots** (``facts/``, ``collect.py``). Each cluster becomes a Snapshot: absent references, schema flaws,
   overlaps, chart verdicts. What no cluster reaches becomes one more Snapshot, which gives notes only.

What is unknown, and why
------------------------

Unknown is not absent: a rule that needs one of these gives no finding.

- ``foreign``: the source of a Kustomization is another repository. Its objects are unknown, and may include any target.
- ``partial``: some objects of a build are unknown: a remote base or a Helm chart is not fetched, or a fault hides them.
- ``gaps``: builds that fluxdoctor stopped because of their time, output or memory, and limits that the traversal reached.
  The report names each.
- ``raw`` and ``unbuilt``: there is no kustomize, or nothing could be built. Objects are read as written; those that a build may
  change give notes only.
- A variable whose value comes from a Secret, from the cluster, or from an object that changes Kustomizations stays ``${NAME}``.
  ``substitute.unknown`` recognises it in any value.
- A target that a ResourceSet, a controller or a user may create (``facts/dangling_references.py``).

What the cache keeps
--------------------

One file per repository (``files/content_cache.py``) has answers by the digest of their input: parsed files, builds and their
documents, parsed built texts, and schema verdicts. The same content gives the same answer, so no entry expires; another version
of fluxdoctor or another ``_FORMAT`` starts with an empty cache. No value of a Secret is stored: what cannot be stored without one
is parsed or built again in each run. A cached build does not run kustomize. A build that fluxdoctor stopped is not cached.
"""
