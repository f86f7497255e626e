// The basket: what is in it, what it costs now at the chosen store, and the order made of it.
import { button, div, form, made, nothing, span, yuan } from "./dom.js";
import { cover } from "./goods.js";
import * as orders from "./orders.js";
import { drawer } from "./state.js";
import { word } from "./words.js";

const MOST = 99;

export function basketOf(person) {
  const kept = drawer(person, "basket");
  const read = () => kept.get({ lines: [], key: null });
  // Another content is another order: it gets a key of its own. The same one sent twice is one order.
  const write = (lines) => kept.put({ lines, key: crypto.randomUUID() });
  return {
    lines: () => read().lines,
    key: () => read().key,
    count: () => read().lines.reduce((sum, line) => sum + line.qty, 0),
    add(goods) {
      const { lines } = read();
      const known = lines.find((line) => line.sku === goods.sku);
      if (known) known.qty = Math.min(known.qty + 1, MOST);
      else lines.push({ ...goods, qty: 1 });
      write(lines);
    },
    change: (sku, qty) => write(read().lines.map((line) => (line.sku === sku ? { ...line, qty: Math.min(qty, MOST) } : line)).filter((line) => line.qty > 0)),
    clear: () => write([]),
  };
}

export async function open(shop) {
  const lines = shop.basket.lines();
  const store = shop.store.get(null);
  if (!lines.length) return [[div("centre", nothing(word("emptyBasket")), button(word("room_goods"), () => shop.go("goods"), { class: "primary" }))], { title: word("room_basket") }];
  const asked = { store: store?.code, lines: lines.map(({ sku, qty }) => ({ sku, qty })) };
  const [quote, problem] = store ? await shop.ask("/quote", asked).then((told) => [told, null], (wrong) => [null, wrong]) : [null, null];
  if (problem && !problem.title) throw problem;
  return [[
    div("panel", button([span("lines", made("small", {}, word("pickUpAt")), made("b", {}, store?.name ?? word("chooseAStore"))), "›"], () => shop.go("home"), { class: "carrier" })),
    div("panel", made("ul", { class: "basket" }, lines.map((line) => row(shop, line)))),
    problem ? div("panel wrong", made("b", {}, problem.title), made("small", {}, problem.detail)) : null,
    quote ? sums(quote) : null,
  ], { title: word("room_basket"), foot: div("feet", placing(shop, asked, quote), shop.tabbar()) }];
}

function row(shop, line) {
  const change = (step) => { shop.basket.change(line.sku, line.qty + step); return shop.again(); };
  return made("li", { "data-sku": line.sku }, cover(line, "cover tiny"),
    span("lines", made("b", {}, line.name), made("small", {}, line.spec), span("price", made("b", {}, yuan(line.price_fen)))),
    span("stepper", button("−", () => change(-1), { "aria-label": word("less") }), made("output", {}, line.qty), button("＋", () => change(1), { "aria-label": word("moreOfIt") })));
}

export function sums(quote) {
  const line = (name, fen, kind = "") => made("div", { class: "sum " + kind }, made("dt", {}, name), made("dd", {}, yuan(fen)));
  return made("dl", { class: "panel sums" }, line(word("goodsSum"), quote.goods_fen),
    quote.discount_fen ? line(word("discount"), -quote.discount_fen) : null,
    quote.freight_fen ? line(word("freight"), quote.freight_fen) : null,
    line(word("toPay"), quote.amount_fen, "total"));
}

function placing(shop, asked, quote) {
  return form({ class: "buying" }, async (given) => {
    const note = given.note.trim();
    const order = await shop.ask("/orders", { ...asked, ...(note && { note }) }, { once: shop.basket.key() });
    shop.basket.clear();
    shop.room = "mine";
    await shop.page(orders.detail, order.number, true);
  },
  made("input", { name: "note", maxlength: "200", placeholder: word("note"), "aria-label": word("note"), autocomplete: "off" }),
  made("button", { class: "primary", disabled: !quote, id: "place-order" }, word("placeOrder"), quote ? " " + yuan(quote.amount_fen) : ""));
}
