// Machines as a picture that moves: the card slides as the machine says how far it is.

import { post } from "./api.js";
import { byId, draw, el, say, toast } from "./dom.js";
import { m, said, t } from "./words.js";

const LOOKS = {
  ready: ["✓", m("lista")], working: ["➜", m("trabajando")], needs: ["!", m("necesita algo")],
  stopped: ["■", m("detenida")], away: ["○", m("sin conexión")],
};
const PHASES = {
  sending: m("enviando"), printing: m("imprimiendo"), waiting: m("esperando"), ejecting: m("expulsando"), heating: m("calentando"),
  feed: m("tomando material"), feeding: m("tomando material"), laminating: m("plastificando"), moving: m("avanzando"),
};
const cards = new Map(); // name -> parts
let may = new Set();

export const startMachines = (allowed) => { may = new Set(allowed); };

export function showMachines(devices) {
  const root = byId("machines");
  const before = new Map([...cards].map(([name, card]) => [name, card.state]));
  for (const device of devices) {
    if (!cards.has(device.name)) {
      cards.set(device.name, make(device));
      root.append(cards.get(device.name).node);
    }
    fill(cards.get(device.name), device);
  }
  const news = devices.filter((device) => before.get(device.name) !== device.state
    && ["needs", "stopped", "away"].includes(device.state));
  if (news.length) say(byId("machines-said"), news.map((device) => `${device.name}: ${words(device)}`).join(". "));
}

function words(device) {
  return device.reason ? said(device.reason) : t(LOOKS[device.state]?.[1] ?? device.state);
}

function make(device) {
  const card = {
    state: null, slide: draw("rect", { class: "card", width: 26, height: 16, rx: 2, y: 32 }),
    stack: draw("g", { class: "stack" }), title: el("h3", {}, device.name), look: el("span", { class: "state" }),
    why: el("p", { class: "why" }), phase: el("p", { class: "phase" }), progress: el("progress", { max: 1, value: 0 }),
    blanks: el("p", { class: "blanks" }), supplies: el("div", { class: "supplies" }), heat: el("p", { class: "heat" }),
  };
  card.phase.append(el("span", {}), card.progress);
  card.buttons = buttons(device);
  card.node = el("article", { class: "machine", "data-role": device.role, "aria-label": device.name },
    el("div", { class: "bar" }, card.title, card.look),
    el("p", { class: "quiet model" }, `${device.model} · ${device.documents.join(", ")}`),
    device.role === "laminator" ? laminator(card) : printer(card),
    card.why, card.phase, card.blanks, card.heat, card.supplies, card.buttons.node);
  return card;
}

const picture = (...children) => draw("svg", { viewBox: "0 0 160 64", "aria-hidden": "true" }, ...children);
const printer = (card) => picture(
  draw("rect", { class: "tray", x: 4, y: 8, width: 34, height: 44, rx: 3 }), card.stack,
  draw("rect", { class: "body", x: 44, y: 4, width: 72, height: 52, rx: 6 }),
  draw("circle", { class: "light", cx: 104, cy: 15, r: 5 }),
  draw("path", { class: "tray", d: "M120 52 h36 v-6", fill: "none" }), card.slide);
const laminator = (card) => picture(
  draw("rect", { class: "body", x: 44, y: 4, width: 72, height: 52, rx: 6 }),
  draw("circle", { class: "roller", cx: 80, cy: 24, r: 9 }), draw("circle", { class: "roller", cx: 80, cy: 44, r: 9 }),
  draw("circle", { class: "light", cx: 104, cy: 15, r: 5 }),
  draw("path", { class: "tray", d: "M120 52 h36 v-6", fill: "none" }), card.slide);

function fill(card, device) {
  const [icon, word] = LOOKS[device.state] ?? ["?", device.state];
  card.state = device.state;
  card.node.dataset.state = device.state;
  say(card.look, `${icon} ${t(word)}`);
  say(card.why, device.reason ? said(device.reason) : "");
  const working = device.state === "working";
  card.slide.setAttribute("x", String(8 + (working ? device.done : 0) * 116));
  card.slide.classList.toggle("moving", working);
  card.phase.hidden = !working;
  say(card.phase.firstElementChild, device.phase ? t(PHASES[device.phase] ?? device.phase) : t("preparando"));
  card.progress.value = device.done;
  card.progress.setAttribute("aria-label", `${device.name}: ${Math.round(device.done * 100)} %`);
  card.blanks.hidden = device.blanks === null || !device.material;
  say(card.blanks, t("En la tolva: {n}", { n: device.blanks ?? 0 }));
  stack(card.stack, device.blanks ?? 0);
  card.heat.hidden = device.temperature_c === null;
  say(card.heat, `${t("Temperatura")}: ${device.temperature_c?.toFixed(0)} °C`);
  supplies(card.supplies, device.supplies);
  card.buttons.fill(device);
}

function stack(node, blanks) {
  const lines = Math.min(10, Math.ceil(blanks / 10));
  if (node.childElementCount === lines) return;
  node.replaceChildren(...Array.from({ length: lines }, (_, at) =>
    draw("rect", { x: 8, y: 46 - at * 4, width: 26, height: 3, rx: 1 })));
}

function supplies(node, found) {
  found.forEach((supply, at) => {
    const row = node.children[at] ?? node.appendChild(el("label", {}, el("span", {}), el("meter", { min: 0 }), el("b", {})));
    const [name, meter, rest] = row.children;
    say(name, supply.material);
    meter.max = supply.capacity;
    meter.low = supply.capacity * 0.1;
    meter.high = supply.capacity * 0.25;
    meter.optimum = supply.capacity;
    meter.value = supply.remaining;
    say(rest, String(supply.remaining));
  });
  while (node.childElementCount > found.length) node.lastElementChild.remove();
}

function buttons(device) {
  const act = (name, label, when, fields = []) => {
    const wrong = el("p", { class: "notice bad", role: "alert", hidden: true });
    const form = el("form", { class: "act" }, fields.map((field) => field()), wrong, el("button", { class: "plain" }, t(label)));
    const node = fields.length ? el("details", { class: "more" }, el("summary", {}, `${t(label)}…`), form) : form;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      wrong.hidden = true;
      try {
        const after = await post(`/api/lanes/${device.name}/${name}`, Object.fromEntries(new FormData(form)));
        form.reset();
        node.removeAttribute("open");
        toast(after.loaded ? t("{n} cargados en {name}", { n: after.loaded, name: device.name }) : `${t(label)}: ${device.name}`);
        showMachines(after.devices);
      } catch (error) {
        say(wrong, error.message);
        wrong.hidden = false;
      }
    });
    return { node, when };
  };
  const text = (name, label, serial) => () => el("label", {}, t(label), el("input", {
    name, required: true, minlength: serial ? 1 : 3, maxlength: serial ? 64 : 300, autocomplete: "off", "data-serial": serial,
  }));
  const found = device.role === "laminator" ? [] : [
    may.has("resume") && act("resume", m("Continuar"), (now) => now.state === "stopped"),
    may.has("resume") && act("clear", m("Sacar la tarjeta de adentro"), (now) => now.state === "stopped"),
    may.has("load") && device.material && act("load", m("Cargar la tolva"), () => true, [
      text("first", m("Primer serial (el que sale primero)"), true), text("last", m("Último serial"), true)]),
    may.has("stop") && act("stop", m("Detener"), (now) => now.state !== "stopped", [text("reason", m("Motivo"), false)]),
  ].filter(Boolean);
  return {
    node: el("div", { class: "acts" }, found.map(({ node }) => node)),
    fill: (now) => found.forEach(({ node, when }) => { node.hidden = !when(now); }),
  };
}
