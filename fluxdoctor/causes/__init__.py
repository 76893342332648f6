"""Fold the hits of the rules to root causes. Pure.

Theory of operation
===================

A failing fleet shows twenty red objects and one cause. Rules judge each object on its own, so they report the cause and its
consequences side by side. The fold works out which hit is which, and reports each cause once with all its consequences.

The input is a list of hits, each a rule and a ``Problem``. A problem names its ``subject``, other objects that fail because
of it (``explains``), the objects that make the subject fail (``because``, which makes the hit a *symptom*), an object that
would have to exist (``missing``), and what it has in common with other problems of its rule (``shared``). A hit *covers* its
subject and what it explains.

1. **Deduplicate** (``deduplicate.resolve``). Several rules report one fault: a pattern reads it in the controller's message,
   a check proves it from facts, a more specific rule knows why. A proven hit replaces a reported one of the same rule, and a
   hit of a superseded rule is dropped. A hit about a missing object becomes a symptom of whatever should have created that
   object: a failing Kustomization or generator, or the hit that explains why the object was deleted.

2. **Build the graph** ``blocked_by``, cause -> objects that fail because of it (``root_causes.find_roots``). Most edges come
   from ``because``. A controller reports only the first dependency that is not ready, so the edges to the other failing
   dependencies are read from spec.dependsOn (``deduplicate.failing_dependencies``). Without them, an object that waits for
   two causes would appear under one, and would seem repaired once that one is fixed.

3. **Add fallbacks.** Every failing object that no hit covers gets a hit of a rule of our own: ``flux/unexplained``,
   ``flux/in-progress`` or ``flux/cause-not-visible``. If the object lacks something that itself fails
   (``deduplicate.blocking_dependencies``), that hit is a symptom, otherwise a root. So no failing object is left out.

4. **Find roots.** A root is a hit that is not a symptom. It blocks every object that ``blocked_by`` reaches from the objects
   that it covers. An object that waits for two causes is blocked by both.

5. **Report the symptoms that no root blocks** (``root_causes._unrooted_symptoms``). Their causes are healthy, not visible,
   or in a cycle. The deepest of them, those that wait for no other such symptom, become roots and block the rest. Such a
   root is reported in its own words, as in progress (its cause recovered a moment ago), or as a cause that is not visible
   (with the access that would show it).

   A **cycle** has no deepest member: each waits for the next. Its first member, by identity, becomes the root, gets the
   shortest path back to itself as evidence, and blocks the other members. The walks over the graph visit each object once,
   so a cycle does not keep them from ending. A rule that recognises the cycle itself (``kustomize/dependency-cycle``) makes
   a root in step 4 instead.

6. **Group roots that share a cause** (``findings.groups``): the same ``shared`` text of one rule, or the same missing object
   whichever rule reports it. One host that is down, or one missing Secret, is one finding. The group is led by the source
   that its other members read, for that is the object to change; otherwise by the root that blocks most.

7. **Make findings** (``findings.finding``). The message and the fix are filled in, the controller's message is quoted as
   evidence, and the location to edit is looked up. ``stale`` adds the silent consequences: objects that are Ready but get no
   changes, because their source or the Kustomization that applies them fails.

8. **Order** (``findings.order``). What to fix first comes first. The last keys are identities, so the order of the input
   never changes the report.
"""

from __future__ import annotations

from collections.abc import Mapping

from fluxdoctor.causes import deduplicate, findings, root_causes
from fluxdoctor.model.finding import Finding
from fluxdoctor.model.snapshot import Snapshot
from fluxdoctor.rule import Outcome, Rule


def fold(outcome: Outcome, snapshot: Snapshot, fallbacks: Mapping[str, Rule]) -> tuple[Finding, ...]:
    """Return one finding for each root cause, what to fix first at the front. Every failing object is in a finding."""
    hits = deduplicate.resolve(outcome.hits, snapshot)
    roots = root_causes.find_roots(hits, snapshot, fallbacks)
    unordered = [findings.finding(group, snapshot) for group in findings.groups(roots)]
    return tuple(sorted(unordered, key=lambda finding: findings.order(finding, snapshot)))
