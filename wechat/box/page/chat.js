// The chat with the official account: its card for strangers, its menu and messages for fans.
import { ask, peek } from "./asking.js";
import { $, button, day, div, face, form, made, minute, redraw, span } from "./dom.js";
import { icon } from "./icons.js";
import { openList, tickMoney } from "./inbox.js";
import { bar, closeSheet, sheet, show, sure, visit } from "./phone.js";
import { PLACES, placeForm } from "./places.js";
import { scanSheet } from "./scanning.js";
import { word } from "./words.js";

// What a shop of this house answers to, until the box knows a menu of its own.
const MENU = () => [
  { usual: true, name: word("menuStores"), key: "STORES" },
  { usual: true, name: word("menuGoods"), key: "GOODS" },
  { usual: true, name: word("menuService"), key: "SERVICE" },
];
const PAUSE_MS = 5 * 60 * 1000;
const openShop = () => document.dispatchEvent(new CustomEvent("open-tab", { detail: "shop" }));
let last = 0;
let lastAt = 0;
let card = null;
let buttons = [];

async function readMenu(person) {
  const told = person.subscribed ? await peek(`/persons/${person.id}/menu`) : null;
  buttons = told?.button?.length ? told.button : MENU();
}

export async function open(person) {
  const here = visit();
  const [{ messages }] = await Promise.all([ask(`/persons/${person.id}/chat`), readMenu(person)]);
  here.check();
  last = lastAt = 0;
  const more = button(icon("more"), () => moreSheet(person), { class: "more", "aria-label": word("more") });
  const log = made("ol", { class: "log", id: "log", "aria-live": "polite", "aria-label": word("chat") });
  const list = () => openList(person, () => open(person));
  show(bar(word("account"), { back: list, right: more }), log, made("footer", { id: "foot" }));
  card = null;
  foot(person, messages.length > 0);
  add(person, messages);
}

export async function tick(person) {
  const log = $("#log");
  if (!log) {
    await tickMoney(person);
    return;
  }
  const told = await peek(`/persons/${person.id}/chat?after=${last}`);
  if (!told || log !== $("#log")) return;
  foot(person, last > 0 || told.messages.length > 0);
  add(person, told.messages);
}

function foot(person, known) {
  redraw($("#foot"), [person.id, person.subscribed, person.pending_ticket !== null, buttons], () =>
    person.subscribed ? [composer(person), menu(person)] : []);
  showCard(person, known);
}

function showCard(person, known) {
  const wanted = person.subscribed ? null : JSON.stringify([person.pending_ticket, known]);
  if (wanted === card) return;
  card = wanted;
  $("#log .card-of-account")?.remove();
  if (wanted === null) return;
  $("#log").append(made("li", { class: "card-of-account" },
    span("account-face", "号"), made("b", {}, word("account")),
    made("small", {}, person.pending_ticket ? word("cardScanned") : word("cardText")),
    button(word("follow"), () => act(person, "/follow"), { class: "primary", id: "follow" }),
    button(word("scan"), () => scanSheet(person), { class: "quiet" })));
}

async function act(person, path, content = {}) {
  await ask(`/persons/${person.id}${path}`, content);
  person.subscribed = path === "/follow" ? true : path === "/unfollow" ? false : person.subscribed;
  closeSheet();
  if (path === "/follow" || path === "/unfollow") person.pending_ticket = null;
  if (path === "/follow") await readMenu(person);
  await tick(person);
}

function composer(person) {
  const text = made("input", { name: "text", maxlength: "600", autocomplete: "off", required: true, placeholder: word("sayHint"), "aria-label": word("sayHint") });
  return form({ class: "composer", id: "say" }, async (given, node) => {
    node.reset();
    await act(person, "/say", { text: given.text });
    text.focus();
  }, text, made("button", {}, word("send")), button("＋", () => moreSheet(person), { class: "quiet", "aria-label": word("more") }));
}

function menu(person) {
  return made("nav", { class: "menu", "aria-label": word("menu") }, buttons.map((one) =>
    one.sub_button?.length
      ? button(["☰ ", one.name], () => sheet(one.name, div("choices", one.sub_button.map((sub) => item(person, sub)))))
      : item(person, one)));
}

function item(person, one) {
  return button(one.name, async () => {
    if (one.usual) await act(person, "/click", { key: one.key });
    else if (one.type.startsWith("scancode")) sheet(one.name, scanned(person, one));
    else if (one.type === "location_select") placeSheet(person, (place) => act(person, "/tap", { name: one.name, ...place }));
    else await act(person, "/tap", { name: one.name });
    if (one.type === "miniprogram") openShop();
  }, { "data-key": one.key });
}

function scanned(person, one) {
  return form({ class: "row" }, (given) => act(person, "/tap", { name: one.name, scan_result: given.text }),
    made("input", { name: "text", required: true, autocomplete: "off", "aria-label": word("scanned"), placeholder: word("scanned") }),
    made("button", {}, word("scan")));
}

function moreSheet(person) {
  sheet(word("more"), div("grid",
    button([icon("scan"), word("scan")], () => scanSheet(person), { class: "tile" }),
    button([icon("place"), word("sendPlace")], () => placeSheet(person), { class: "tile", disabled: !person.subscribed }),
    button([icon("mini"), word("openShop")], openShop, { class: "tile" }),
    person.subscribed
      ? button([icon("leave"), word("unfollow")], () => sure(word("unfollowSure"), word("unfollow"), () => act(person, "/unfollow")), { class: "tile", id: "unfollow" })
      : button([icon("follow"), word("follow")], () => act(person, "/follow"), { class: "tile" })));
}

function placeSheet(person, send = (place) => act(person, "/locate", place)) {
  sheet(word("sendPlace"), placeForm(PLACES[0], ({ lat, lng, label }) => send({ lat, lng, label })));
}

function add(person, messages) {
  const log = $("#log");
  const fresh = messages.filter((line) => line.id > last);
  if (!fresh.length) return;
  const below = log.scrollHeight - log.scrollTop - log.clientHeight < 80 || last === 0;
  for (const line of fresh) {
    const at = Date.parse(line.at);
    const when = at - lastAt > PAUSE_MS ? made("li", { class: "system when" }, Date.now() - at > 86400e3 ? day(line.at) : minute(line.at)) : null;
    const before = $(".card-of-account", log);
    for (const node of [when, drawn(person, line)]) {
      if (node && before) before.before(node);
      else if (node) log.append(node);
    }
    lastAt = at;
    last = line.id;
  }
  if (below) log.scrollTop = log.scrollHeight;
}

function drawn(person, line) {
  if (line.from === "wechat") return made("li", { class: line.type === "fault" ? "system fault" : "system" }, line.text);
  const mine = line.from === "fan";
  const under = line.via === "customer" ? made("small", {}, word("customer")) : null;
  return made("li", { class: mine ? "mine" : "theirs", "data-from": line.from, title: minute(line.at) },
    mine ? face(person) : span("face account", "号"), div("column", bubble(line), under));
}

const safe = (url) => (/^https?:\/\//.test(url ?? "") ? url : null);

function bubble(line) {
  const content = line.content ?? {};
  const article = line.type === "news" ? (content.articles?.[0] ?? content) : null;
  if (article) {
    const url = safe(article.Url ?? article.url);
    return div("bubble article", made("b", {}, line.text), made("p", {}, article.Description ?? article.description ?? ""),
      url ? made("a", { href: url, target: "_blank", rel: "noreferrer noopener" }, word("read")) : null);
  }
  if (line.type === "miniprogrampage") {
    const opening = button([made("small", {}, "◎ " + word("mini")), made("b", {}, line.text)],
      openShop, { class: "bubble article" });
    return opening;
  }
  if (line.type === "location") return div("bubble place", made("b", {}, line.text), made("small", {}, `${line.lat}, ${line.lng}`), span("map"));
  return div("bubble", made("p", {}, line.text));
}
