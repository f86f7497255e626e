// Beside the phone: what hangs on the walls, and what WeChat told the shop's server about this person.
import { peek } from "./asking.js";
import { $, clock, div, made, nothing, pill, redraw, span } from "./dom.js";
import { pictureDoor, walls } from "./scanning.js";
import { state } from "./state.js";
import { word } from "./words.js";

const MOST_CODES = 6;
let codes = null;
let beats = 0;

export async function drawBeside() {
  const person = state.person;
  const node = $("#beside");
  if (!person) {
    redraw(node, null, () => []);
    return;
  }
  // Codes change seldom.
  const [walled, told] = await Promise.all([
    codes === null || beats++ % 3 === 0 ? peek("/codes") : codes,
    peek(`/deliveries?limit=12&person=${person.id}`),
  ]);
  if (!walled || !told || person.id !== state.person?.id) return;
  codes = walled;
  redraw(node, [person.id], () => [
    made("section", { class: "card" }, made("h2", {}, word("onTheWalls")), div("wallplace"), pictureDoor(person)),
    made("section", { class: "card" }, made("h2", {}, word("news"), made("small", {}, word("newsHint"))), made("ul", { class: "newsplace" })),
  ]);
  redraw($(".wallplace", node), codes, () => walls(person, codes, MOST_CODES));
  redraw($(".newsplace", node), told.deliveries, (all) => (all.length ? all.map(row) : nothing(word("quiet"))));
}

export function row(delivery) {
  return made("li", { class: "delivery" },
    span("lines", made("b", {}, whatOf(delivery)), made("small", {}, [clock(delivery.created_at), answerOf(delivery)].filter(Boolean).join(" · "))),
    stateOf(delivery));
}

// "200 · encrypted reply": what the shop's server said, and what WeChat made of it.
export const answerOf = ({ status, verdict }) => (verdict ? `${status ?? "—"} ${word("verdict_" + verdict, verdict)}` : "");

export const whatOf = (delivery) => word("what_" + delivery.what, delivery.what);

const KIND = { done: "good", failed: "bad", dropped: "bad", due: "soon", sending: "soon", no_callback: "soon" };
export const stateOf = (delivery) => pill(word("sent_" + delivery.state), KIND[delivery.state]);
