// The live connection, wherever it runs (shared worker, or the page where there is none).
// It is called lost at the first error or after three missing pulses, and always comes back.

const SILENT_MS = 9500;
const AGAIN_MS = 1000;

export function connect(tell) {
  let source = null;
  let last = "";
  let heard = 0;
  let status = "connecting";

  function become(value) {
    if (value === status) return;
    status = value;
    tell({ type: "status", value });
  }

  function open() {
    heard = Date.now();
    source = new EventSource(`/api/events${last ? `?after=${last}` : ""}`);
    source.addEventListener("open", hear);
    source.addEventListener("error", failed);
    for (const name of ["hello", "reset", "event", "devices", "pulse"]) {
      source.addEventListener(name, (message) => {
        if (message.lastEventId) last = message.lastEventId;
        hear();
        if (name !== "pulse") tell({ type: name, data: JSON.parse(message.data) });
      });
    }
    source.addEventListener("signed-out", () => become("signed-out"));
  }

  function hear() {
    heard = Date.now();
    become("open");
  }

  async function failed() {
    if (status !== "signed-out") become("lost");
    if (source.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
    await again();
  }

  // An answer that is no stream closes the source for good; so does silence, by our hand.
  async function again() {
    source.close();
    try {
      const me = await fetch("/api/me");
      if (me.status === 401) become("signed-out");
    } catch {
      become("lost");
    }
    setTimeout(open, AGAIN_MS);
  }

  setInterval(() => {
    if (Date.now() - heard < SILENT_MS || source.readyState === EventSource.CLOSED) return;
    become("lost");
    heard = Date.now();
    again();
  }, 1000);
  open();
  return () => status;
}
