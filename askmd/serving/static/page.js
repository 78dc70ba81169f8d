// The page: takes questions, shows the conversation, keeps it as long as the tab is open.

import { byId, make } from "./elements.js";
import { ask, getJson, keepKey, sentence } from "./server.js";
import { Turn } from "./turn.js";

const question = byId("question");
const history = [];
let leaving = null;

async function start() {
  try {
    offer(await getJson("/choices"));
  } catch (error) {
    if (error.status === 401) return askForKey();
    byId("status").textContent = "";
    byId("welcome").append(make("p", "problem", error.message));
  }
}

function offer({ models, prompts, chosen }) {
  const options = (list) =>
    list.map(({ name, description, usable = true }) => {
      const option = make("option", "", usable ? name : `${name} (not set up here)`);
      option.value = name;
      option.title = description;
      option.disabled = !usable;
      return option;
    });
  byId("llm").replaceChildren(...options(models));
  byId("prompt").replaceChildren(...options(prompts));
  const usable = models.filter((each) => each.usable).map((each) => each.name);
  byId("llm").value = usable.includes(chosen.llm) ? chosen.llm : (usable[0] ?? "");
  byId("prompt").value = chosen.prompt;
  byId("mode").value = chosen.mode;
}

function askForKey() {
  const dialog = byId("key");
  byId("key-form").onsubmit = () => {
    keepKey(byId("key-text").value.trim());
    byId("key-text").value = "";
    start();
  };
  dialog.showModal();
}

async function put(text) {
  const turn = new Turn(text);
  byId("welcome").hidden = true;
  byId("new").hidden = false;
  byId("turns").append(turn.element);
  turn.element.scrollIntoView({ block: "start" });
  busy(new AbortController());
  const body = { question: text, history: history.slice(-20) };
  for (const name of ["llm", "prompt", "mode"]) if (byId(name).value) body[name] = byId(name).value;
  try {
    for await (const event of ask(body, leaving.signal)) {
      if (event.name === "error") throw new Error(sentence(event.data.message));
      turn.take(event);
    }
    if (!turn.end) throw new Error("The answer broke off.");
    history.push({ role: "user", content: text }, { role: "assistant", content: turn.end.answer });
    byId("status").textContent = `Answer: ${turn.answer.textContent}`;
  } catch (error) {
    if (leaving.signal.aborted) turn.stop();
    else if (error.status === 401) { turn.element.remove(); question.value = text; askForKey(); }
    else turn.fail(error.message, () => { turn.element.remove(); put(text); });
  } finally {
    busy(null);
  }
}

function busy(controller) {
  leaving = controller ?? leaving;
  byId("send").hidden = controller !== null;
  byId("stop").hidden = controller === null;
  document.body.classList.toggle("busy", controller !== null);
  if (controller) byId("stop").focus();
  else question.focus();
}

function grow() {
  question.style.height = "auto";
  question.style.height = `${Math.min(question.scrollHeight, 200)}px`;
}

byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = question.value.trim();
  if (!text || document.body.classList.contains("busy")) return;
  question.value = "";
  grow();
  put(text);
});
question.addEventListener("input", grow);
question.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    byId("form").requestSubmit();
  }
});
byId("stop").addEventListener("click", () => leaving.abort());
byId("new").addEventListener("click", () => {
  leaving?.abort();
  history.length = 0;
  byId("turns").replaceChildren();
  byId("welcome").hidden = false;
  byId("new").hidden = true;
  question.focus();
});

start();
