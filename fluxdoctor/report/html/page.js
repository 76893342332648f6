"use strict";
// Without this script the page is whole: it only hides what is not asked for.
(() => {
  const id = (name) => document.getElementById(name);
  const notes = id("notes");

  // Prints what is folded, in browsers that cannot be told so by a style.
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => { one.open = true; }));

  const canvas = id("canvas");
  if (canvas) {
    id("fit").parentElement.hidden = false;
    id("fit").addEventListener("change", (event) => canvas.classList.toggle("fit", event.target.checked));
    const cause = canvas.querySelector(".cause rect");
    if (cause) canvas.scrollTo(cause.x.baseVal.value - canvas.clientWidth / 3, cause.y.baseVal.value - canvas.clientHeight / 3);
  }

  const form = id("filters");
  if (!form) return;
  form.hidden = false;
  const found = [...document.querySelectorAll("li.finding")].map((element) => ({
    element,
    words: element.textContent.toLowerCase(),
    severity: element.dataset.severity,
    rule: element.dataset.rule,
    namespaces: new Set(element.dataset.namespaces.split(" ")),
    clusters: new Set((element.dataset.clusters || "").split("\n")),
  }));
  const chosen = (name) => (id(name) ? id(name).value : "");

  function apply() {
    const words = chosen("search").toLowerCase().split(/\s+/).filter(Boolean);
    const severities = new Set([...form.querySelectorAll("[name=severity]:checked")].map((box) => box.value));
    const [namespace, rule, cluster] = ["namespace", "rule", "cluster"].map(chosen);
    let shown = 0;
    let notesShown = 0;
    for (const one of found) {
      const fits = severities.has(one.severity) && (!rule || one.rule === rule) &&
        (!namespace || one.namespaces.has(namespace)) && (!cluster || one.clusters.has(cluster)) &&
        words.every((word) => one.words.includes(word));
      one.element.hidden = !fits;
      shown += fits;
      notesShown += fits && notes && notes.contains(one.element);
    }
    const all = shown === found.length;
    id("shown").textContent = all ? `${shown} shown` : `${shown} of ${found.length} shown`;
    if (notes) {
      notes.hidden = !notesShown;
      if (!all && notesShown) notes.open = true;
    }
  }

  // A link leads to its finding, whatever the filters hide.
  function arrive() {
    const target = location.hash.length > 1 && id(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    if (target.hidden || (notes && notes.hidden && notes.contains(target))) {
      form.reset();
      apply();
    }
    const fold = target.closest("details");
    if (fold) fold.open = true;
    target.scrollIntoView({ block: "nearest", inline: "center" });
    if (target.matches("li, section")) target.focus({ preventScroll: true });
  }

  form.addEventListener("input", apply);
  form.addEventListener("reset", () => setTimeout(apply));
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", arrive);
  addEventListener("keydown", (event) => {
    const typing = event.target.matches("input:not([type=checkbox]), select");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      id("search").focus();
    }
  });
  apply();
  arrive();
})();
