// The phone's glass: one screen at a time, and sheets that slide over it.
import { $, button, div, made } from "./dom.js";
import { word } from "./words.js";

// Each new screen makes the answers that an older one still waits for worthless.
let turn = 0;
export class Gone extends Error {
  gone = true;
}
export function visit() {
  const mine = ++turn;
  return { holds: () => mine === turn, check: () => { if (mine !== turn) throw new Gone(); } };
}

export function show(...nodes) {
  closeSheet();
  $("#screen").replaceChildren(...nodes);
}

// The same screen with fresh content: the reader stays where she was, and so does the keyboard's focus.
const MARKS = ["data-room", "data-sku", "data-store", "data-product", "data-order", "data-part"];
const markOf = (node) => MARKS.map((name) => [name, node.getAttribute(name)]).find(([, value]) => value !== null);
const pick = (mark) => (mark ? `[${mark[0]}="${CSS.escape(mark[1])}"]` : "");

export function showAgain(...nodes) {
  const top = $("#screen .page")?.scrollTop ?? 0;
  const held = $("#screen").contains(document.activeElement) ? document.activeElement : null;
  const around = held?.closest(MARKS.map((name) => `[${name}]`).join());
  const label = held?.getAttribute("aria-label");
  show(...nodes);
  $("#screen .page").scrollTop = top;
  if (!held) return;
  const place = around ? $("#screen " + pick(markOf(around))) : $("#screen");
  const same = held.id ? document.getElementById(held.id)
    : around === held ? place
      : label ? place?.querySelector(`[aria-label="${CSS.escape(label)}"]`) : null;
  same?.focus({ preventScroll: true });
}

export function bar(title, { back, right } = {}) {
  return made("header", { class: "bar" },
    back ? button("‹", back, { class: "back", "aria-label": word("back") }) : made("span"),
    made("h2", {}, title),
    right ?? made("span"));
}

let before = null;
export function sheet(title, ...content) {
  closeSheet();
  before = document.activeElement;
  const close = made("button", { type: "button", class: "close", "aria-label": word("close"), onclick: closeSheet }, "×");
  const panel = made("div", { class: "sheet", role: "dialog", "aria-modal": "true", "aria-label": title, tabindex: "-1" },
    made("header", {}, made("h3", {}, title), close), ...content);
  const veil = div("veil", panel);
  veil.addEventListener("click", (event) => { if (event.target === veil) closeSheet(); });
  veil.addEventListener("keydown", (event) => { if (event.key === "Escape") closeSheet(); });
  $("#sheets").replaceChildren(veil);
  $("#screen").inert = true;
  (panel.querySelector("[autofocus], input, .primary") ?? panel).focus({ preventScroll: true });
  return panel;
}

export function closeSheet() {
  if (!$("#sheets").firstChild) return;
  $("#sheets").replaceChildren();
  $("#screen").inert = false;
  if (before?.isConnected) before.focus({ preventScroll: true });
  before = null;
}

export const sheetIsOpen = () => $("#sheets").firstChild !== null;

// Ask before what cannot be taken back.
export function sure(question, yes, act) {
  sheet(question, div("choices",
    button(yes, async () => { await act(); closeSheet(); }, { class: "danger primary" }),
    button(word("notNow"), closeSheet, { class: "quiet" })));
}
