// The mini-program as a plain shop over the real API: it logs in, holds the tab bar, and shows the home page.
import { House, ask } from "./asking.js";
import * as basket from "./basket.js";
import { button, distance, div, made, nothing, pill, span, waiting } from "./dom.js";
import { icon } from "./icons.js";
import * as goods from "./goods.js";
import * as orders from "./orders.js";
import { PLACES, placeForm } from "./places.js";
import { bar, closeSheet, sheet, show, showAgain, visit } from "./phone.js";
import { drawer, state } from "./state.js";
import { word } from "./words.js";

const FAR_M = 500_000;
const ROOMS = { home, goods: goods.open, basket: basket.open, mine: orders.open };
// One shop a person; what is on her screen stays there while another tab is looked at.
const shops = new Map();

class Shop {
  constructor(person) {
    Object.assign(this, { person, room: "home", name: null, args: [], house: new House(person, "shopper") });
    this.place = drawer(person, "place");
    this.store = drawer(person, "store");
    this.basket = basket.basketOf(person);
    this.onTick = null;
  }

  // The code of wx.login is good once: a fresh one every time.
  async logIn(scene) {
    const { code } = await ask(`/persons/${this.person.id}/mp/login`, {});
    const told = await this.house.ask("/login", scene ? { code, scene } : { code });
    this.house.token = told.token;
  }

  async ask(path, content, more) {
    try {
      return await this.house.ask(path, content, more);
    } catch (problem) {
      if (problem.status !== 401) throw problem;
    }
    await this.logIn();
    return this.house.ask(path, content, more);
  }

  // Go to a room of the tab bar, or to a page of one: go("goods"), page(goods.detail, "AP-1002").
  go(room) {
    this.room = room;
    return this.page(ROOMS[room]);
  }

  // The same page again keeps its place and its focus; another one shows that it is on its way when it is slow.
  async page(draw, ...args) {
    const here = visit();
    const same = this.draw === draw && this.args[0] === args[0];
    Object.assign(this, { draw, args, onTick: null });
    const slow = same ? null : setTimeout(() => { if (here.holds()) frame(this, [waiting()]); }, 150);
    try {
      const nodes = await draw(this, here, ...args);
      here.check();
      frame(this, nodes, same);
    } finally {
      clearTimeout(slow);
    }
  }

  tabbar() { return tabbar(this); }

  again() { return this.page(this.draw, ...this.args); }
}

function frame(shop, [content, { title = word("mini"), back = null, foot = null } = {}], same = false) {
  (same ? showAgain : show)(
    bar(title, { back, right: div("capsule", button(icon("more"), () => more(shop), { "aria-label": word("more") }),
      button("◎", () => document.dispatchEvent(new CustomEvent("open-tab", { detail: "chat" })), { "aria-label": word("close") })) }),
    div("page shop", content),
    foot ?? tabbar(shop),
  );
}

function tabbar(shop) {
  const count = shop.basket.count();
  return made("nav", { class: "tabbar", "aria-label": word("mini") }, Object.keys(ROOMS).map((room) =>
    button([icon(room), word("room_" + room), room === "basket" && count ? span("badge", count) : null],
      () => shop.go(room), { "data-room": room, "aria-current": room === shop.room ? "page" : null })));
}

function more(shop) {
  sheet(word("mini"), div("choices",
    button(word("logInAgain"), async () => { await shop.logIn(); closeSheet(); await shop.go("home"); }, { class: "quiet" }),
    button(word("logOut"), async () => {
      if (shop.house.token) await shop.house.ask("/logout", {});
      shop.house.token = null;
      shops.delete(shop.person.id);
      closeSheet();
      show(div("page centre", made("p", {}, word("loggedOut")), button(word("openShop"), () => open(shop.person), { class: "primary" })));
    }, { class: "quiet" })));
}

export async function open(person) {
  let shop = shops.get(person.id);
  if (shop?.person.mp_openid !== person.mp_openid) shops.set(person.id, (shop = new Shop(person)));
  const here = visit();
  const scene = state.scene;
  if (!shop.house.token || scene) show(div("page centre", waiting(), made("p", {}, word("loggingIn"))));
  if (!shop.house.token) await shop.logIn(scene);
  else if (scene) await shop.ask("/touches", { scene });
  state.scene = null;
  here.check();
  if (shop.draw && !scene) await shop.again();
  else await shop.go("home");
}

export async function tick(person) {
  await shops.get(person.id)?.onTick?.();
}

async function home(shop) {
  const place = shop.place.get(PLACES[0]);
  const [me, near] = await Promise.all([
    shop.ask("/me"),
    shop.ask(`/stores/nearby?lat=${place.lat}&lng=${place.lng}&radius_m=${FAR_M}&limit=20`),
  ]);
  const chosen = shop.store.get(null);
  const service = me.service;
  return [[
    div("hero", made("b", {}, service?.clerk_name ? word("servedBy") + service.clerk_name : word("welcome")),
      made("small", {}, service ? service.store_name : word("welcomeMore"))),
    made("header", { class: "line" }, made("h3", {}, word("nearby")),
      button([icon("place"), place.label || `${place.lat}, ${place.lng}`], () => choosePlace(shop, place), { class: "link", id: "place" })),
    near.items.length ? made("ul", { class: "stores" }, near.items.map((store) => storeRow(shop, store, chosen))) : nothing(word("noStores")),
  ], { title: word("mini") }];
}

function choosePlace(shop, place) {
  sheet(word("whereAreYou"), placeForm(place, async (found) => { shop.place.put(found); await shop.go("home"); }));
}

function storeRow(shop, store, chosen) {
  const pickup = store.services.includes("pickup") && store.status === "OPEN";
  const traits = store.status === "CLOSING" ? pill(word("closing"), "soon") : store.open_now ? pill(word("openNow"), "good") : pill(word("shutNow"));
  return made("li", { "data-store": store.code, class: chosen?.code === store.code ? "store chosen" : "store" },
    div("lines", div("", made("b", {}, store.name)), made("small", {}, store.address ?? ""),
      div("", traits, " ", span("metres", distance(store.distance_m)))),
    pickup
      ? button(word("chooseStore"), () => { choose(shop, store); return shop.go("goods"); }, { class: "small" })
      : made("small", {}, word("noPickup")));
}

export function choose(shop, { code, name }) {
  shop.store.put({ code, name });
}
