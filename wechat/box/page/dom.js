// How nodes are made: text goes in as text and never as HTML, because people type anything.
import { LOCALE } from "./words.js";

export const $ = (selector, within = document) => within.querySelector(selector);

// made("button", {class: "quiet", onclick: f, hidden: false}, "text", node, null, [more])
export function made(tag, traits = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(traits)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, one] of Object.entries(value)) node.style.setProperty(key, one);
    else if (name === "value") node.value = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(9).filter((child) => child !== null && child !== undefined && child !== false).map(
    (child) => (child instanceof Node ? child : document.createTextNode(String(child))),
  ));
  return node;
}

export const div = (name, ...children) => made("div", { class: name }, ...children);
export const span = (name, ...children) => made("span", { class: name }, ...children);

// A button that is shut while what it does is under way, and tells what went wrong.
export function button(text, act, traits = {}) {
  const node = made("button", { type: "button", ...traits }, text);
  node.addEventListener("click", () => busy(node, act));
  return node;
}

export async function busy(node, act) {
  if (node.getAttribute("aria-busy") === "true") return;
  node.setAttribute("aria-busy", "true");
  try {
    await act(node);
  } catch (problem) {
    tell(problem);
  } finally {
    node.removeAttribute("aria-busy");
  }
}

// A form whose submit is handled here: act gets its fields as an object.
export function form(traits, act, ...children) {
  const node = made("form", traits, ...children);
  node.addEventListener("submit", (event) => {
    event.preventDefault();
    busy(node, () => act(Object.fromEntries(new FormData(node)), node));
  });
  return node;
}

let timer;
export function toast(text, bad = false, more = "") {
  const node = $("#toast");
  node.replaceChildren(made("b", {}, text), ...(more ? [made("small", {}, more)] : []));
  node.className = bad ? "bad" : "";
  node.hidden = false;
  clearTimeout(timer);
  timer = setTimeout(() => { node.hidden = true; }, bad ? 6000 : 2500);
}

// What a problem says: its title, and beneath it the detail and each wrong field.
export function tell(problem) {
  if (problem.gone) return;
  toast(problem.title ?? problem.message, true, problem.detail ?? "");
  if (!problem.title) throw problem;
}

// Draw a list anew only when what it shows has changed, so that scrolling and the focus are left alone.
const seen = new WeakMap();
export function redraw(node, content, draw) {
  const key = JSON.stringify(content);
  if (seen.get(node) === key) return false;
  seen.set(node, key);
  node.replaceChildren(...[draw(content)].flat(9).filter(Boolean));
  return true;
}

export const yuan = (fen) =>
  (fen < 0 ? "-" : "") + "¥" + Math.floor(Math.abs(fen) / 100).toLocaleString("en-US") +
  "." + String(Math.abs(fen) % 100).padStart(2, "0");
export const clock = (iso) => new Date(iso).toLocaleTimeString(LOCALE, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
export const minute = (iso) => new Date(iso).toLocaleTimeString(LOCALE, { hour: "2-digit", minute: "2-digit", hour12: false });
export const day = (iso) => new Date(iso).toLocaleString(LOCALE, { month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hour12: false });
export const distance = (metres) => (metres < 1000 ? `${metres} m` : `${Math.floor(metres / 100) / 10} km`);
export const pill = (text, kind = "") => span("pill " + kind, text);
export const nothing = (text) => made("p", { class: "nothing" }, text);
export const waiting = () => made("div", { class: "waiting", role: "status" }, made("i"), made("i"), made("i"));

export function face(person, traits = {}) {
  const hue = (Number(person.id.slice(1)) * 67 + 150) % 360;
  return made("span", { class: "face", style: { "--hue": hue }, "aria-hidden": "true", ...traits }, Array.from(person.name)[0] ?? "?");
}
