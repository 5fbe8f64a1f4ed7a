// One connection for all tabs: on HTTP/1.1 the seventh tab would hang (facts).

import { connect } from "./link.js";

const ports = new Set();
let devices = null;

const status = connect((message) => {
  if (message.type === "devices") devices = message;
  for (const port of ports) port.postMessage(message);
});

self.addEventListener("connect", (event) => {
  const port = event.ports[0];
  ports.add(port);
  port.addEventListener("message", (message) => {
    if (message.data === "bye") ports.delete(port);
  });
  port.start();
  port.postMessage({ type: "status", value: status() });
  if (devices) port.postMessage(devices);
});
