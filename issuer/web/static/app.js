// The counter's page: puts the parts together.

import { get } from "./api.js";
import { byId, say, toast } from "./dom.js";
import { openJob, showJob, shownId, startJob } from "./job.js";
import { startKeys } from "./keys.js";
import { showMachines, startMachines } from "./machines.js";
import { nextWaiting, refreshQueue, select, startQueue } from "./queue.js";
import { startScanning } from "./scanning.js";
import { listen } from "./stream.js";
import { hour, m, setZone, t } from "./words.js";

const COALESCE_MS = 60;
let due = null;
let touched = new Set();

function open(id, focus) {
  select(id);
  return openJob(id, focus);
}

// Events only say what changed; several at once make one reading.
function soon(subject) {
  touched.add(subject);
  due ??= setTimeout(refresh, COALESCE_MS);
}

async function refresh() {
  due = null;
  const id = shownId();
  const about = touched;
  touched = new Set();
  try {
    await refreshQueue();
    // Meanwhile another may have been opened: it must not be taken away again.
    if (id && id === shownId() && (about.has(id) || about.has("*"))) await openJob(id);
  } catch {
    // The connection's own state says it; the next event or "reset" reads again.
  }
}

function linkIs(value) {
  const names = { open: m("en vivo"), lost: m("sin conexión"), connecting: m("Conectando…"), "signed-out": m("sesión terminada") };
  byId("link").dataset.link = value;
  say(byId("link-words"), t(names[value]));
  const lost = byId("lost");
  if (value === "lost" && lost.hidden) {
    say(lost, t("Sin conexión con el servicio desde las {hour}. Lo que ve puede ser viejo; lo que escribió se conserva y nada se envía por su cuenta.", { hour: hour(new Date().toISOString()) }));
  }
  if (value === "signed-out") {
    lost.replaceChildren(`${t("Su sesión terminó. Lo que escribió se conserva:")} `, Object.assign(document.createElement("a"), { href: "/sign-in", target: "_blank", textContent: t("ingrese en otra pestaña") }));
  }
  const was = lost.hidden;
  lost.hidden = value === "open" || value === "connecting";
  if (!was && lost.hidden) {
    toast(t("Conexión restablecida"));
    soon("*");
  }
}

startQueue((id) => open(id, true));
startJob(() => soon("*"));
startScanning((job) => { select(job.id); showJob(job); soon("*"); });
startKeys(() => {
  const job = nextWaiting();
  if (job) open(job.id, true);
  else toast(t("Nada espera en esta lista."));
});

try {
  const me = await get("/api/me");
  setZone(me.zone);
  startMachines(me.may);
  const [machines] = await Promise.all([get("/api/devices"), refreshQueue()]);
  showMachines(machines.devices);
} catch (error) {
  toast(error.message);
}
listen((message) => {
  if (message.type === "status") linkIs(message.value);
  else if (message.type === "devices") showMachines(message.data.devices);
  else if (message.type === "event") soon(message.data.subject);
  else soon("*"); // hello and reset: read all again
});
document.documentElement.dataset.ready = "true";
