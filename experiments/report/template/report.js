"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const cards = [...document.querySelectorAll(".card")];
const field = (id) => document.getElementById(id);
const place = new Map(cards.map((card, at) => [card, at]));

function score(card, metric, arm) {
  const values = data[card.id].filter((each) => !arm || each.arm === arm).map((each) => each.measures[metric]).filter((value) => value !== undefined);
  return values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : null;
}

function written(value) {
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString("en") : Number(value.toPrecision(2)).toString();
}

function chip(text, bad) {
  const made = document.createElement("span");
  made.className = bad ? "chip bad" : "chip";
  made.textContent = text;
  return made;
}

function label(card, metric, arm) {
  const chips = data[card.id].filter((each) => !arm || each.arm === arm).map((each) => {
    if (each.outcome === "failed" || each.outcome === "incomplete") return chip(`${each.arm}: ${each.outcome}`, true);
    const value = each.measures[metric];
    return value === undefined ? null : chip(`${each.arm} ${written(value)}`, false);
  });
  card.querySelector(".chips").replaceChildren(...chips.filter(Boolean));
}

function fits(card, arm, outcome, words) {
  const kind = field("kind").value, lang = field("lang").value;
  if ((kind && card.dataset.kind !== kind) || (lang && card.dataset.lang !== lang)) return false;
  const wanted = data[card.id].filter((each) => !arm || each.arm === arm);
  if (!wanted.some((each) => !outcome || each.outcome === outcome)) return false;
  return words.every((word) => card.textContent.toLowerCase().includes(word));
}

function show() {
  const chosen = field("metric").selectedOptions[0];
  const metric = chosen ? chosen.value : "", sign = chosen && chosen.dataset.better === "less" ? -1 : 1;
  const arm = field("arm").value, outcome = field("outcome").value;
  const words = field("words").value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const card of cards) {
    card.hidden = !fits(card, arm, outcome, words);
    count += card.hidden ? 0 : 1;
    label(card, metric, arm);
    for (const block of card.querySelectorAll(".arm")) block.hidden = Boolean(arm) && block.dataset.arm !== arm;
  }
  const scores = new Map(cards.map((card) => [card, score(card, metric, arm)]));
  const worth = (card) => (scores.get(card) === null ? Infinity : sign * scores.get(card));
  cards.sort((a, b) => worth(a) - worth(b) || place.get(a) - place.get(b));
  field("cards").replaceChildren(...cards);
  field("count").textContent = `${count} of ${cards.length} questions, worst first`;
}

function showChanges() {
  for (const block of document.querySelectorAll(".arm")) {
    const changes = block.querySelector(".changes");
    if (!changes) continue;
    changes.hidden = !field("changes").checked;
    block.querySelector(".answer").hidden = field("changes").checked;
  }
}

function open(hash) {
  const found = hash && document.getElementById(decodeURIComponent(hash.slice(1)));
  for (let each = found; each; each = each.parentElement) if (each.tagName === "DETAILS") each.open = true;
  if (found) found.scrollIntoView({ block: "nearest" });
}

function sort(head) {
  const table = head.closest("table"), at = [...head.parentElement.children].indexOf(head);
  const up = head.getAttribute("aria-sort") === "descending";
  for (const other of head.parentElement.children) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
  const key = (row) => row.children[at].dataset.value ?? row.children[at].textContent;
  const rows = [...table.tBodies[0].rows].sort((a, b) => {
    const [first, second] = [key(a), key(b)];
    if (first === "" || second === "") return (first === "") - (second === "");
    return (up ? 1 : -1) * (isNaN(first) || isNaN(second) ? String(first).localeCompare(second) : first - second);
  });
  table.tBodies[0].replaceChildren(...rows);
}

for (const id of ["metric", "arm", "outcome", "kind", "lang", "words"]) field(id).addEventListener("input", show);
field("changes").addEventListener("change", showChanges);
for (const head of document.querySelectorAll("[data-sortable] th")) if (head.querySelector("button")) head.querySelector("button").addEventListener("click", () => sort(head));
document.addEventListener("click", (event) => {
  const link = event.target.closest("a.cite");
  if (link) open(link.getAttribute("href"));
});
window.addEventListener("hashchange", () => open(location.hash));
show();
open(location.hash);
