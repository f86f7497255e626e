// The people at the left: who there is, who is chosen.
import { ask } from "./asking.js";
import { $, busy, face, made, nothing, pill, redraw, span } from "./dom.js";
import { state } from "./state.js";
import { word } from "./words.js";

export function beginPeople(choose) {
  const adding = $("#new-person");
  adding.addEventListener("submit", (event) => {
    event.preventDefault();
    busy(adding, async () => {
      const given = Object.fromEntries(new FormData(adding));
      const phone = given.phone.trim();
      const { person } = await ask("/persons", { name: given.name, ...(phone ? { phone } : {}) });
      adding.reset();
      await choose(person.id);
    });
  });
  $("#persons").addEventListener("click", (event) => {
    const item = event.target.closest("button[data-id]");
    if (item) choose(item.dataset.id);
  });
}

export function drawPeople() {
  const shown = state.people.map(({ id, name, phone, subscribed }) => ({ id, name, phone, subscribed }));
  redraw($("#persons"), [shown, state.person?.id], () =>
    shown.length ? shown.map(row) : made("li", {}, nothing(word("nobody"))));
}

function row(person) {
  const chosen = person.id === state.person?.id;
  return made("li", {}, made("button",
    { type: "button", "data-id": person.id, class: chosen ? "chosen" : "", "aria-pressed": String(chosen) },
    face(person),
    span("lines", made("b", {}, person.name), made("small", {}, person.phone || person.id)),
    person.subscribed ? pill(word("fan"), "good") : null));
}
