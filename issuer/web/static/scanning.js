// Two scans make an inspection: the QR and the blank's preprinted serial, in either order.

import { post } from "./api.js";
import { byId, toast } from "./dom.js";
import { hideVerdict, showAgain, showFinding } from "./verdict.js";
import { m, stateOf, t } from "./words.js";

let held = { qr: null, serial: null, job: null };

/** `open(job)` shows a job's detail. */
export function startScanning(open) {
  const field = byId("scan");
  byId("scan-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = field.value.replace(/[\r\n]+$/, "");
    if (!text) return;
    field.value = "";
    field.focus();
    busy(true);
    try {
      await take(text, open);
    } catch (error) {
      if (error.code === "no_answer") field.value = text;
      showAgain(error.message);
    } finally {
      busy(false);
      steps();
    }
  });
  byId("scan-clear").addEventListener("click", clear);
  field.addEventListener("keydown", (event) => { if (event.key === "Escape") clear(); });
  steps();
}

export function clear() {
  held = { qr: null, serial: null, job: null };
  byId("scan").value = "";
  hideVerdict();
  steps();
  byId("scan").focus();
}

async function take(text, open) {
  if (!held.qr && !held.serial) hideVerdict();
  const found = await post("/api/scan", { text });
  if (found.found === "serial") {
    held.serial = found.serial;
  } else {
    open(found.job);
    if (found.job.state !== "to_inspect") {
      held = { qr: null, serial: null, job: null };
      toast(`${t("Trámite")} ${found.job.ticket}: ${stateOf(found.job)[1]}`);
      return;
    }
    held.qr = text;
    held.job = found.job;
  }
  if (held.qr && (held.serial || !held.job.needs_serial)) await judge(open);
}

async function judge(open) {
  const { qr, serial, job } = held;
  const found = await post("/api/inspect", { qr, serial, job: job.id });
  held = { qr: null, serial: null, job: null };
  showFinding(found);
  open(found.job);
}

function steps() {
  step("step-qr", held.qr !== null, held.job ? `${t("Trámite")} ${held.job.ticket}` : "");
  step("step-serial", held.serial !== null, held.serial ?? "");
  const wants = held.qr && !held.serial ? m("Ahora el serial preimpreso, al reverso")
    : held.serial && !held.qr ? m("Ahora el QR impreso") : m("QR o serial de la tarjeta");
  byId("scan-label").textContent = t(wants);
}

function step(id, done, note) {
  const node = byId(id);
  node.classList.toggle("done", done);
  node.querySelector(".tick").textContent = done ? "✓" : id === "step-qr" ? "1" : "2";
  node.dataset.note = note;
}

function busy(on) {
  byId("scan-form").setAttribute("aria-busy", String(on));
}
