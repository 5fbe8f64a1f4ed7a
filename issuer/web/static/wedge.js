// A scanner types like a person, only faster. Its keys go to the scan field, never to a shortcut
// and never into the text that somebody is writing.
//
// Outside of fields a single key waits 60 ms: if another follows, it is a scan. Inside another
// field a burst that ends with Enter is taken out again. A scanner that can send a prefix key is
// recognised at once.

const GAP_MS = 60; // between two keys of a slow scanner; people need twice as long
const SHORTEST = 8; // serials have ten characters; nobody types eight in 300 ms

const isField = (node) => node instanceof HTMLElement
  && node.matches("input:not([type=radio]):not([type=checkbox]), textarea, select");
const printable = (event) => event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey;

/** `scan`: the dedicated field; `shortcut(key)`; `prefix()`: the scanner's own key or "". */
export function watchKeys({ scan, shortcut, prefix }) {
  let first = null; // a key that may be a shortcut or a scan's first: {key, at, timer}
  let burst = null; // keys in another field: {node, before, text, at}

  document.addEventListener("keydown", (event) => {
    if (event.isComposing || document.querySelector("dialog[open] [readonly]:focus")) return;
    if (prefix() && event.key === prefix()) {
      stop(event);
      scan.value = "";
      scan.focus();
      return;
    }
    if (event.target === scan) return;
    if (isField(event.target)) inField(event);
    else outside(event);
  }, { capture: true });

  function outside(event) {
    if (!printable(event) || event.key === " " || event.repeat || document.querySelector("dialog[open]")) return;
    stop(event);
    const before = first;
    first = null;
    if (before && event.timeStamp - before.at <= GAP_MS) {
      // By the keys' own times: on a busy machine the timer may have come first.
      clearTimeout(before.timer);
      scan.value = before.key + event.key;
      scan.focus();
      return;
    }
    first = { key: event.key, at: event.timeStamp, timer: setTimeout(() => shortcut(event.key), GAP_MS) };
  }

  function inField(event) {
    const now = event.timeStamp;
    const node = event.target;
    if (burst && (burst.node !== node || now - burst.at > GAP_MS)) burst = null;
    if (event.key === "Enter" && burst && burst.text.length >= SHORTEST) {
      stop(event);
      node.value = burst.before;
      node.dispatchEvent(new Event("input", { bubbles: true }));
      scan.value = burst.text;
      burst = null;
      scan.form.requestSubmit();
      return;
    }
    if (!printable(event) || node.dataset.serial !== undefined) return; // it wants the scan itself
    if (burst) burst.text += event.key;
    else burst = { node, before: node.value, text: event.key, at: now };
    burst.at = now;
  }
}

function stop(event) {
  event.preventDefault();
  event.stopPropagation();
}
