// One question with its answer, as it grows.

import { button, make } from "./elements.js";
import { place, showPassage } from "./passage.js";

export class Turn {
  constructor(question) {
    this.question = question;
    this.sources = [];
    this.end = null;
    this.started = performance.now();
    this.element = make("li", "turn");
    this.heading = make("h2", "question", question);
    this.body = make("div", "body");
    this.waiting = make("p", "waiting", "Looking through the documents");
    this.thinking = make("details", "thinking");
    this.thinking.hidden = true;
    this.thinking.append(make("summary", "", "What the model thought"), make("p"));
    this.answer = make("div", "answer");
    this.finished = make("div");
    this.growing = make("div");
    this.answer.append(this.finished, this.growing);
    this.answer.addEventListener("click", (event) => this.open(event.target.closest("button.cite")));
    this.body.append(this.waiting, this.thinking, this.answer);
    this.element.append(this.heading, this.body);
  }

  take({ name, data }) {
    if (name === "sources") {
      this.sources = data.sources;
      this.waiting.textContent = data.sources.length
        ? `Reading ${data.sources.length} ${data.sources.length === 1 ? "passage" : "passages"}`
        : "Nothing was found; asking all the same";
    } else if (name === "thinking") {
      this.thinking.hidden = false;
      this.thinking.lastChild.textContent += data.text;
    } else if (name === "answer") {
      if (data.finished || data.growing) this.waiting.hidden = true;
      // The server rendered and sanitised it: askmd/serving/rendering.py
      this.finished.insertAdjacentHTML("beforeend", data.finished);
      this.growing.innerHTML = data.growing;
    } else if (name === "end") {
      this.end = data;
      this.finish();
    }
  }

  open(marker) {
    if (!marker) return;
    const n = Number(marker.dataset.n);
    const citation = this.end?.citations.find((each) => each.n === n);
    const source = this.sources.find((each) => each.n === citation?.source);
    if (source) showPassage(source, citation);
  }

  finish() {
    const { incomplete, refused, own_knowledge: own, notices, uncited, unknown_citations: unknown, unsupported_quotes: quotes } = this.end;
    this.waiting.remove();
    this.element.classList.toggle("refused", refused);
    if (incomplete) this.warn(`This is not the whole answer: ${incomplete}.`);
    if (refused) this.note("The documents do not hold the answer.");
    if (own) this.note("From the model's own knowledge, not from the documents.");
    for (const notice of notices) this.note(notice);
    if (unknown.length) this.warn(`It cites passages that there are not: ${unknown.map((n) => `[${n}?]`).join(" ")}.`);
    for (const each of quotes) this.warn(`Not in the sources in these words: “${each.text}”`);
    for (const each of uncited) this.warn(`Without a source: “${short(each.text)}”`);
    this.list();
    this.body.append(this.facts());
  }

  list() {
    if (!this.sources.length) return;
    const byPassage = new Map(this.end.citations.map((each) => [each.source, each]));
    const cited = this.sources.filter((each) => byPassage.has(each.n)).sort((a, b) => byPassage.get(a.n).n - byPassage.get(b.n).n);
    const others = this.sources.filter((each) => !byPassage.has(each.n));
    if (cited.length) {
      const list = make("ol", "sources");
      list.setAttribute("aria-label", "Sources");
      list.append(...cited.map((each) => this.entry(each, byPassage.get(each.n))));
      this.body.append(list);
    }
    if (others.length) {
      const more = make("details", "others");
      const list = make("ul", "sources");
      list.append(...others.map((each) => this.entry(each)));
      more.append(make("summary", "", `${others.length} more that ${others.length === 1 ? "was" : "were"} read`), list);
      this.body.append(more);
    }
  }

  entry(source, citation) {
    const item = make("li");
    const open = button("", "source", () => showPassage(source, citation));
    if (citation) open.append(make("span", "n", String(citation.n)));
    const words = make("span", "words");
    words.append(make("span", "title", source.headings.join(" › ") || source.doc), make("span", "place", place(source)));
    const score = make("span", "score", source.score.toFixed(2));
    score.title = Object.entries(source.scores).map(([name, value]) => `${name} ${value.toFixed(3)} (rank ${source.ranks[name] ?? "–"})`).join(", ");
    open.append(words, score);
    item.append(open);
    return item;
  }

  facts() {
    const { usage, llm, model } = this.end;
    const seconds = ((performance.now() - this.started) / 1000).toFixed(1);
    const parts = [model && model !== llm ? `${llm} (${model})` : llm, `${seconds} s`];
    if (usage.calls) {
      parts.push(usage.input_tokens === null ? "tokens unknown" : `${usage.input_tokens.toLocaleString()} + ${(usage.output_tokens ?? 0).toLocaleString()} tokens`);
      parts.push(usage.cost === null ? "cost unknown" : `$${usage.cost.toFixed(6)}`);
    }
    const line = make("p", "facts");
    const copy = button("Copy", "quiet", async () => {
      await navigator.clipboard.writeText(this.asText());
      copy.textContent = "Copied";
      setTimeout(() => (copy.textContent = "Copy"), 1500);
    });
    line.append(make("span", "", parts.join(" · ")), copy);
    return line;
  }

  asText() {
    const lines = this.end.citations.map((each) => `[${each.n}] ${each.doc}:${each.start_line} (${each.link})`);
    return [this.end.answer, ...(lines.length ? ["", "Sources:", ...lines] : [])].join("\n");
  }

  note(text) {
    this.body.append(make("p", "note", text));
  }

  warn(text) {
    this.body.append(make("p", "warning", text));
  }

  stop() {
    this.waiting.remove();
    this.note("Stopped.");
  }

  fail(message, again) {
    this.waiting.remove();
    const line = make("p", "problem", `${message} `);
    line.setAttribute("role", "alert");
    line.append(button("Try again", "quiet", again));
    this.body.append(line);
  }
}

const short = (text) => (text.length > 160 ? `${text.slice(0, 160)}…` : text);
