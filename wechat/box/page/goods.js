// Goods: the list with search and shelves, one product with its sizes and where they are.
import { button, div, form, made, nothing, pill, span, toast, yuan } from "./dom.js";
import { choose } from "./shop.js";
import { word } from "./words.js";

const LEVEL = { IN_STOCK: "good", LOW: "soon", NONE: "" };
const wish = { q: "", category: "", sort: "newest" };

export async function open(shop) {
  const query = new URLSearchParams({ sort: wish.sort, limit: "20", ...(wish.q && { q: wish.q }), ...(wish.category && { category: wish.category }) });
  const [{ items: shelves }, page] = await Promise.all([shop.ask("/categories"), shop.ask("/products?" + query)]);
  const change = (more) => { Object.assign(wish, more); return shop.go("goods"); };
  const grid = div("products", page.items.map((card) => tile(shop, card)));
  const chip = (code, name) => button(name, () => change({ category: code }), { class: "chip", "aria-pressed": String(wish.category === code) });
  return [[
    form({ class: "search", role: "search" }, (given) => change({ q: given.q.trim() }),
      made("input", { name: "q", type: "search", value: wish.q, placeholder: word("searchHint"), "aria-label": word("searchHint"), maxlength: "64" }),
      made("button", {}, word("search"))),
    div("chips shelves", chip("", word("all")), shelves.map((one) => chip(one.code, one.name))),
    div("line", made("small", {}, shop.store.get(null)?.name ?? word("noStoreYet")), sorting(change)),
    page.items.length ? grid : nothing(word("noGoods")),
    page.next ? more(shop, grid, query, page.next) : null,
  ], { title: word("room_goods") }];
}

function sorting(change) {
  const select = made("select", { "aria-label": word("sorting"), onchange: () => change({ sort: select.value }).catch((problem) => toast(problem.message, true)) },
    ["newest", "price_asc", "price_desc"].map((one) => made("option", { value: one, selected: one === wish.sort }, word("sort_" + one))));
  return select;
}

function more(shop, grid, query, next) {
  let cursor = next;
  const node = button(word("more"), async () => {
    const page = await shop.ask(`/products?${query}&` + new URLSearchParams({ cursor }));
    grid.append(...page.items.map((card) => tile(shop, card)));
    cursor = page.next;
    if (!cursor) node.remove();
  }, { class: "quiet wide" });
  return node;
}

// There are no photographs: a calm colour and the first signs of the name.
export function cover(card, name = "cover") {
  const hue = [...card.name].reduce((sum, sign) => sum + sign.charCodeAt(0), 0) % 360;
  return made("span", { class: name, style: { "--hue": hue }, "aria-hidden": "true" }, Array.from(card.name.replace(/[0-9 .]/g, "")).slice(0, 2).join(""));
}

const badges = (card) => card.badges.map((one) => pill(word("badge_" + one, one), one === "SALE" ? "sale" : ""));

const price = (fen, list, from) => span("price", made("b", {}, yuan(fen)), from ? word("from") : "", list > fen ? made("s", {}, yuan(list)) : null);

function tile(shop, card) {
  return button([cover(card), made("b", { class: "name" }, card.name), price(card.from_fen, card.list_fen), span("badges", badges(card))],
    () => shop.page(detail, card.code), { class: "product", "data-product": card.code });
}

export async function detail(shop, here, code, wanted) {
  const product = await shop.ask("/products/" + encodeURIComponent(code));
  const carriers = product.stores.filter((store) => store.pickup);
  const chosen = shop.store.get(null)?.code;
  const store = carriers.find((one) => one.code === chosen) ?? null;
  const level = (sku, at) => (at ? (sku.availability[at.code] ?? "NONE") : bestOf(sku, carriers));
  const sku = product.skus.find((one) => one.code === wanted) ?? product.skus.find((one) => level(one, store) !== "NONE") ?? product.skus[0];
  const order = ({ code }) => (code === chosen ? -1 : ["IN_STOCK", "LOW"].indexOf(sku.availability[code]) >>> 0);
  carriers.sort((one, other) => order(one) - order(other));
  const view = (next) => shop.page(detail, code, next);
  return [[
    cover(product, "cover large"),
    div("panel", price(sku.price_fen, sku.list_fen), made("h3", {}, product.name), span("badges", badges(product)), made("p", {}, product.description),
      made("small", {}, [product.returns.text, product.min_age ? word("adultsOnly") : null, ...product.handling.map(handling)].filter(Boolean).join(" · "))),
    div("panel", made("h4", {}, word("sizes")),
      div("chips", product.skus.map((one) => button([one.spec || one.code, pill(word("level_" + level(one, store)), LEVEL[level(one, store)])],
        () => view(one.code), { class: "chip size", "data-sku": one.code, "aria-pressed": String(one === sku) })))),
    div("panel", made("h4", {}, word("pickUpAt")), carriers.length
      ? made("ul", { class: "carriers" }, carriers.map((one) => made("li", {}, button([made("b", {}, one.name), pill(word("level_" + level(sku, one)), LEVEL[level(sku, one)])],
        () => { choose(shop, one); return view(sku.code); }, { class: one === store ? "carrier chosen" : "carrier", "data-store": one.code, "aria-pressed": String(one === store) }))))
      : nothing(word("nowhere"))),
  ], { title: product.name, back: () => shop.go("goods"), foot: buying(shop, product, sku, store, level) }];
}

// "fragile", or "presale_days:20": a flag with its number.
function handling(flag) {
  const [name, number = ""] = flag.split(":");
  const said = word("handling_" + name, "");
  return said && said + number;
}

const bestOf = (sku, carriers) => ["IN_STOCK", "LOW"].find((one) => carriers.some((store) => sku.availability[store.code] === one)) ?? "NONE";

function buying(shop, product, sku, store, level) {
  const put = () => {
    shop.basket.add({ sku: sku.code, name: product.name, spec: sku.spec, category: product.category, price_fen: sku.price_fen });
    toast(word("inBasket"), false, `${product.name} ${sku.spec}`);
  };
  const none = !store || level(sku, store) === "NONE";
  return made("footer", { class: "buying" },
    store ? null : made("small", {}, word("storeFirst")),
    button(word("intoBasket"), () => { put(); return shop.again(); }, { class: "soft", disabled: none, id: "into-basket" }),
    button(word("buyNow"), () => { put(); return shop.go("basket"); }, { class: "primary", disabled: none, id: "buy" }));
}
