// @ts-check
/**
 * The forms of /api/docs: each sends its call, shows the answer, and how curl would ask. Nothing is made
 * of text but text, and the token is kept nowhere.
 */

/** @typedef {{ method: string, path: string, headers: Record<string, string>, body: string | undefined }} Call */

/** Headers of an answer that are worth a line. */
const NOTED = ["content-type", "x-request-id", "retry-after", "location", "www-authenticate"];
/** Characters of an answer that are shown: streams do not end. */
const SHOWN = 200_000;

/** @param {HTMLFormElement} form @returns {Call} */
function read(form) {
  /** @type {Record<string, string>} */
  const headers = {};
  const query = new URLSearchParams();
  let path = form.dataset.path ?? "";
  let body;
  for (const input of form.elements) {
    if (!(input instanceof HTMLInputElement || input instanceof HTMLTextAreaElement) || input.value === "") continue;
    const { name, value } = input;
    if (input.dataset.in === "path") path = path.replace(`{${name}}`, () => encodeURIComponent(value));
    if (input.dataset.in === "query") query.set(name, value);
    if (input.dataset.in === "header") headers[name] = value;
    if (input.dataset.in === "body") body = value;
  }
  if (query.size > 0) path += `?${query}`;
  return { method: form.dataset.method ?? "GET", path, headers, body };
}

/** @param {string} text */
const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

/** The same call by curl; the token is left to the shell. @param {Call} call */
function curl({ method, path, headers, body }) {
  const words = [`curl -H "Authorization: Bearer $TOKEN"`];
  if (method !== (body === undefined ? "GET" : "POST")) words.push(`-X ${method}`);
  for (const [name, value] of Object.entries(headers)) words.push(`-H ${quoted(`${name}: ${value}`)}`);
  if (body !== undefined) words.push(`--json ${quoted(body)}`);
  return [...words, quoted(location.origin + path)].join(" ");
}

/** @param {Call} call @param {AbortSignal} signal */
function ask({ method, path, headers, body }, signal) {
  const field = document.getElementById("token");
  const token = field instanceof HTMLInputElement ? field.value.trim() : "";
  const sent = new Headers(headers);
  if (body !== undefined) sent.set("Content-Type", "application/json");
  if (token !== "") sent.set("Authorization", `Bearer ${token}`);
  // A token stands for itself: no cookie beside it.
  const credentials = token === "" ? "same-origin" : "omit";
  return fetch(path, { method, headers: sent, body: body ?? null, credentials, signal, cache: "no-store" });
}

/** Reads an answer, and shows it while it comes. @param {Response} response @param {HTMLElement} shown */
async function show(response, shown) {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (reader !== undefined && text.length < SHOWN) {
    const { value, done } = await reader.read();
    if (done) break;
    text += value;
    shown.textContent = text;
  }
  await reader?.cancel();
  if (/\bjson\b/.test(response.headers.get("content-type") ?? "")) shown.textContent = pretty(text);
}

/** @param {string} text */
function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** @param {string} tag @param {string} text @param {HTMLElement} into */
function add(tag, text, into) {
  const element = document.createElement(tag);
  element.textContent = text;
  // What scrolls must be reached by the keyboard, too.
  if (tag === "pre") element.tabIndex = 0;
  into.append(element);
  return element;
}

/** A button that copies, where the browser lets pages copy. @param {string} text @param {HTMLElement} into */
function addCopy(text, into) {
  if (navigator.clipboard === undefined) return;
  const button = add("button", "Copy", into);
  button.className = "button small";
  button.setAttribute("type", "button");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  });
}

/** Sends the form's call and shows what comes of it in `answer`. @param {HTMLFormElement} form @param {HTMLElement} answer @param {AbortSignal} signal */
async function send(form, answer, signal) {
  const call = read(form);
  answer.replaceChildren();
  const status = add("p", "…", answer);
  status.className = "status";
  status.setAttribute("role", "status");
  const headers = add("pre", "", answer);
  const body = add("pre", "", answer);
  body.tabIndex = 0;
  add("pre", curl(call), answer).className = "curl";
  addCopy(curl(call), answer);
  const began = performance.now();
  try {
    const response = await ask(call, signal);
    status.textContent = `${response.status} ${response.statusText}, ${Math.round(performance.now() - began)} ms`;
    const noted = NOTED.filter((name) => response.headers.has(name));
    headers.textContent = noted.map((name) => `${name}: ${response.headers.get(name)}`).join("\n");
    await show(response, body);
  } catch (error) {
    // Stopped by a later call, or by closing the form.
    if (!signal.aborted) status.textContent = `No answer: ${error}`;
  }
}

for (const part of document.querySelectorAll(".try")) {
  if (part instanceof HTMLElement) part.hidden = false;
  const form = part.querySelector("form");
  if (form === null) continue;
  const answer = document.createElement("div");
  answer.className = "answer";
  form.after(answer);
  let running = new AbortController();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    running.abort();
    running = new AbortController();
    void send(form, answer, running.signal);
  });
  part.addEventListener("toggle", () => {
    if (part instanceof HTMLDetailsElement && !part.open) running.abort();
  });
}
