// The passage behind a citation, with the lines that support it marked; the whole file on demand.

import { byId, make } from "./elements.js";
import { getJson } from "./server.js";

const dialog = byId("passage");

export function showPassage(source, citation) {
  const quote = citation?.quote;
  const marked = quote ? [quote.start_line, quote.end_line] : [source.start_line, source.end_line];
  byId("passage-title").textContent = source.headings.at(-1) ?? source.doc;
  byId("passage-place").textContent = place(source);
  fill(source.text, source.start_line, marked);
  const whole = byId("whole-file");
  whole.hidden = false;
  whole.onclick = () => showFile(source, marked);
  if (!dialog.open) dialog.showModal();
  scrollToMark();
}

async function showFile(source, marked) {
  const path = source.doc.split("/").map(encodeURIComponent).join("/");
  try {
    const file = await getJson(`/sources/${path}?root=${encodeURIComponent(source.root)}`);
    byId("passage-title").textContent = source.doc;
    byId("passage-place").textContent = file.changed
      ? "This file changed since it was ingested: the marked lines may be others."
      : `${file.lines} lines`;
    fill(file.text, 1, marked);
    byId("whole-file").hidden = true;
    scrollToMark();
  } catch (error) {
    byId("passage-place").textContent = error.message;
  }
}

function fill(text, firstLine, [from, to]) {
  const lines = text.replace(/(\r\n|\n|\r)$/, "").split(/\r\n|\n|\r/);
  byId("passage-text").replaceChildren(
    ...lines.map((content, at) => {
      const number = firstLine + at;
      const line = make("div", number >= from && number <= to ? "line marked" : "line");
      const shown = make(number >= from && number <= to ? "mark" : "span", "", content || " ");
      line.append(make("span", "number", String(number)), shown);
      return line;
    }),
  );
}

function scrollToMark() {
  const box = byId("passage-text");
  const mark = box.querySelector(".marked");
  box.scrollTop = mark ? mark.offsetTop - box.offsetTop - box.clientHeight / 3 : 0;
}

export function place(source) {
  const lines = source.start_line === source.end_line ? `line ${source.start_line}` : `lines ${source.start_line}–${source.end_line}`;
  const stale = { changed: ", changed since", gone: ", gone since" }[source.stale] ?? "";
  return `${source.doc}, ${lines}${stale}`;
}

byId("close-passage").addEventListener("click", () => dialog.close());
dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
