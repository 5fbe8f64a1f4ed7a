// Calls of the API. What fails carries words for the person; nothing is ever sent again by itself:
// a job that prints later, when nobody waits for it, is worse than an error.

import { said, t } from "./words.js";

export class Refused extends Error {
  constructor(code, text) {
    super(text);
    this.code = code;
  }
}

const ANSWER_MS = 15000;

export const get = (path) => call(path, { method: "GET" });
export const post = (path, body = {}) => call(path, {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(body),
});

async function call(path, options) {
  let answer;
  try {
    answer = await fetch(path, { ...options, signal: AbortSignal.timeout(ANSWER_MS) });
  } catch {
    throw new Refused("no_answer", options.method === "GET"
      ? t("El servicio no responde.")
      : t("El servicio no respondió: mire cómo quedó el trámite antes de repetir. Nada se envía por su cuenta más tarde."));
  }
  const type = answer.headers.get("Content-Type") ?? "";
  if (answer.ok && type.includes("json")) return answer.json();
  if (type.includes("problem+json")) {
    const problem = await answer.json();
    throw new Refused(problem.code, said(problem));
  }
  throw new Refused("unexpected", t("Respuesta inesperada del servicio ({status}).", { status: answer.status }));
}
