"use strict";
// The page is complete without this script, which only filters it.
(() => {
  const id = (name) => document.getElementById(name);
  const notes = id("notes");

  // Opens folded parts before printing, for browsers without a style for that.
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((fold) => { fold.open = true; }));

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
  const cards = [...document.querySelectorAll("li.finding")].map((element) => ({
    element,
    words: element.textContent.toLowerCase(),
    severity: element.dataset.severity,
    rule: element.dataset.rule,
    namespaces: new Set(element.dataset.namespaces.split(" ")),
    clusters: new Set((element.dataset.clusters || "").split("\n")),
  }));
  const value = (name) => (id(name) ? id(name).value : "");

  function apply() {
    const words = value("search").toLowerCase().split(/\s+/).filter(Boolean);
    const severities = new Set([...form.querySelectorAll("[name=severity]:checked")].map((box) => box.value));
    const [namespace, rule, cluster] = ["namespace", "rule", "cluster"].map(value);
    let count = 0;
    let noteCount = 0;
    for (const card of cards) {
      const matches = severities.has(card.severity) && (!rule || card.rule === rule) &&
        (!namespace || card.namespaces.has(namespace)) && (!cluster || card.clusters.has(cluster)) &&
        words.every((word) => card.words.includes(word));
      card.element.hidden = !matches;
      count += matches;
      noteCount += matches && notes && notes.contains(card.element);
    }
    const all = count === cards.length;
    id("shown").textContent = all ? `${count} shown` : `${count} of ${cards.length} shown`;
    if (notes) {
      notes.hidden = !noteCount;
      if (!all && noteCount) notes.open = true;
    }
  }

  // A link to a finding that the filters hide resets the filters.
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
