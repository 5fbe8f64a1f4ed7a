// The queue: one row per job, kept in place so that focus and scrolling survive every change.

import { get } from "./api.js";
import { byId, el, say } from "./dom.js";
import { hour, kindOf, named, said, stateOf, t } from "./words.js";

const PERSON = new Set(["undetermined", "attention", "spoiled"]);
const rows = new Map(); // id -> <li>
let jobs = [];
let selected = null;
let pick = () => {};

export function startQueue(onPick) {
  pick = onPick;
  byId("filter").addEventListener("change", show);
  byId("queue").addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const row = event.target.closest("li");
    if (!step || !row) return;
    event.preventDefault();
    const next = step > 0 ? row.nextElementSibling : row.previousElementSibling;
    next?.querySelector("button").focus();
  });
}

let loading = null;
let again = false;
/** Reads the queue anew; calls during a reading make one more. */
export function refreshQueue() {
  if (loading) {
    again = true;
    return loading;
  }
  loading = (async () => {
    try {
      do {
        again = false;
        jobs = (await get("/api/queue")).jobs;
        show();
      } while (again);
    } finally {
      loading = null;
    }
  })();
  return loading;
}

export function select(id) {
  selected = id;
  for (const [key, row] of rows) mark(row.firstElementChild, key === id);
}

/** The next job after the selected one that waits for a step at the counter. */
export function nextWaiting() {
  const shown = wanted().filter(waits);
  if (!shown.length) return null;
  const at = shown.findIndex((job) => job.id === selected);
  return shown[(at + 1) % shown.length];
}

function waits(job) {
  if (job.state === "settled") return byId("filter").value === "settled";
  return PERSON.has(job.state) || job.state === "to_inspect" || (job.state === "admitted" && !job.released);
}

function wanted() {
  const filter = byId("filter").value;
  if (filter === "all") return jobs;
  if (filter === "person") return jobs.filter((job) => PERSON.has(job.state));
  return jobs.filter((job) => job.state === filter);
}

function show() {
  const list = byId("queue");
  const shown = wanted();
  const gone = new Set(rows.keys());
  shown.forEach((job, at) => {
    gone.delete(job.id);
    const row = rows.get(job.id) ?? make(job.id);
    fill(row.firstElementChild, job);
    if (list.children[at] !== row) list.insertBefore(row, list.children[at] ?? null);
  });
  for (const id of gone) {
    rows.get(id).remove();
    rows.delete(id);
  }
  say(byId("queue-count"), `(${shown.length})`);
  byId("queue-empty").hidden = shown.length > 0;
}

function make(id) {
  const button = el("button", { type: "button", class: "row", onclick: () => pick(id) },
    el("span", { class: "ticket" }), el("span", { class: "what" }),
    el("span", { class: "state" }), el("span", { class: "when" }), el("span", { class: "why" }));
  const row = el("li", {}, button);
  mark(button, id === selected);
  rows.set(id, row);
  return row;
}

function fill(button, job) {
  const [icon, word] = stateOf(job);
  const [ticket, what, state, when, why] = button.children;
  button.dataset.state = job.state;
  say(ticket, job.ticket);
  say(what, `${named(job, "type")} · ${kindOf(job)}${job.priority > 0 ? ` · ${t("prioritario")}` : ""}`);
  say(state, `${icon} ${word}`);
  say(when, hour(job.created_at));
  say(why, job.reasons.length ? said(job.reasons[0]) : "");
}

function mark(button, on) {
  if (on) button.setAttribute("aria-current", "true");
  else button.removeAttribute("aria-current");
}
