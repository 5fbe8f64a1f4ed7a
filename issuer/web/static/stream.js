// The page's end of the stream.

import { connect } from "./link.js";

/** Calls `tell({type, value | data})` for the status and every event, from now on. */
export function listen(tell) {
  if (!("SharedWorker" in window)) {
    connect(tell);
    return;
  }
  const port = new SharedWorker(workerAddress(), { type: "module", name: "fedatario" }).port;
  port.addEventListener("message", (message) => tell(message.data));
  port.start();
  addEventListener("pagehide", () => port.postMessage("bye"));
  // Back from the browser's cache of pages: the worker has forgotten us.
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
}

function workerAddress() {
  const address = "/static/stream-worker.js";
  if (!window.trustedTypes) return address;
  const policy = trustedTypes.createPolicy("fedatario", {
    createScriptURL: (url) => {
      if (url !== address) throw new TypeError("only the stream's worker may be started");
      return url;
    },
  });
  return policy.createScriptURL(address);
}
