// The shopper's own page: who she is, her orders, paying, the pick-up code, cancelling, refunds.
import { ask } from "./asking.js";
import { $, button, day, div, made, nothing, pill, redraw, span, toast, yuan } from "./dom.js";
import { cover } from "./goods.js";
import { closeSheet, sheet, sheetIsOpen, sure } from "./phone.js";
import { word } from "./words.js";

const LOOK_EVERY = 2;
const KIND = { waiting: "soon", paid: "soon", ready: "good", done: "good", stopped: "" };

export async function open(shop) {
  const [me, page] = await Promise.all([shop.ask("/me"), shop.ask("/orders?limit=10")]);
  const list = made("ul", { class: "orders" }, page.items.map((order) => row(shop, order)));
  return [[
    div("me", span("lines", made("b", {}, shop.person.name), made("small", {}, `${word("member")} ${me.member}`),
      made("small", {}, me.follows ? word("follows") : word("followsNot"))),
    me.phone_tail ? pill("****" + me.phone_tail, "good") : button(word("givePhone"), () => givePhone(shop), { class: "small", id: "give-phone" })),
    me.service ? div("panel", made("small", {}, word("service")), made("b", {}, me.service.clerk_name ?? word("team")), made("small", {}, me.service.store_name)) : null,
    made("header", { class: "line" }, made("h3", {}, word("myOrders"))),
    page.items.length ? list : nothing(word("noOrders")),
    page.next ? more(shop, list, page.next) : null,
  ], { title: word("room_mine") }];
}

async function givePhone(shop) {
  const { code } = await ask(`/persons/${shop.person.id}/mp/phone`, {});
  await shop.ask("/phone", { code });
  await shop.again();
}

function more(shop, list, next) {
  let cursor = next;
  const node = button(word("more"), async () => {
    const page = await shop.ask("/orders?limit=10&" + new URLSearchParams({ cursor }));
    list.append(...page.items.map((order) => row(shop, order)));
    cursor = page.next;
    if (!cursor) node.remove();
  }, { class: "quiet wide" });
  return node;
}

// waiting -> paid -> ready -> done, or stopped: the few words that a shopper needs.
export function standing(order) {
  if (order.state === "CANCELLED") return "stopped";
  if (order.state === "CREATED") return "waiting";
  if (order.state === "COMPLETED" || order.state === "CLOSED") return "done";
  return order.fulfilment_state === "READY" ? "ready" : "paid";
}

const stateOf = (order) => pill(word("order_" + standing(order)), KIND[standing(order)]);

function row(shop, order) {
  const names = order.lines.map((line) => `${line.name} × ${line.qty}`).join("、");
  return made("li", {}, button([
    span("lines", made("b", {}, names), made("small", {}, `${day(order.created_at)} · ${order.store_name}`)),
    span("right", made("b", { class: "money" }, yuan(order.amount_fen)), stateOf(order), order.refunded_fen ? pill(word("refunded")) : null),
  ], () => shop.page(detail, order.number), { class: "order", "data-order": order.number }));
}

export async function detail(shop, here, number, paying = false) {
  const path = "/orders/" + number;
  const order = await shop.ask(path);
  const body = div("stack");
  const foot = made("footer", { class: "buying" });
  let code = null;
  let beats = 0;
  const draw = (now) => {
    redraw(body, [now, code], () => content(now, code));
    redraw(foot, [now.state, now.fulfilment_state], () => acts(shop, now, look));
  };
  async function look() {
    const now = await shop.ask(path);
    if (!here.holds()) return;
    if (standing(now) !== "ready") code = null;
    else if (!code || Date.parse(code.token_expires_at) - Date.now() < 5000) code = await shop.ask(path + "/pickup-code");
    if (here.holds()) draw(now);
  }
  if (standing(order) === "ready") code = await shop.ask(path + "/pickup-code");
  draw(order);
  shop.onTick = async () => { if (beats++ % LOOK_EVERY === 0) await look(); };
  if (paying) setTimeout(() => { if (here.holds()) $("#pay", foot)?.click(); }, 150);
  return [[body], { title: word("order"), back: () => shop.go("mine"), foot }];
}

function content(order, code) {
  const where = standing(order);
  return [
    div("banner " + where, made("b", { id: "order-state", "data-state": order.state, "data-fulfilment": order.fulfilment_state }, word("order_" + where)),
      made("small", {}, hint(order, where))),
    code ? pickUp(order, code) : null,
    div("panel", made("ul", { class: "basket" }, order.lines.map((line) => made("li", {}, cover(line, "cover tiny"),
      span("lines", made("b", {}, line.name), made("small", {}, `${line.spec} × ${line.qty}`)), made("b", { class: "money" }, yuan(line.amount_fen)))))),
    made("dl", { class: "panel sums" }, [
      [word("orderNumber"), order.number], [word("pickUpAt"), order.store_name], [word("placedAt"), day(order.created_at)],
      order.note && [word("note"), order.note], order.paid_at && [word("paidAt"), day(order.paid_at)],
      [word("toPay"), yuan(order.amount_fen)], order.refunded_fen && [word("refunded"), yuan(order.refunded_fen)],
    ].filter(Boolean).map(([name, value]) => made("div", { class: "sum" }, made("dt", {}, name), made("dd", {}, value)))),
    order.refunds.length ? div("panel", made("h4", {}, word("refunds")), made("ul", { class: "refunds" }, order.refunds.map((one) => made("li", {},
      span("lines", made("b", {}, yuan(one.amount_fen)), made("small", {}, `${day(one.created_at)} · ${word("cause_" + one.cause, one.cause)}`)),
      pill(word("refund_" + one.state, one.state), one.state === "SUCCESS" ? "good" : "soon"))))) : null,
  ];
}

function hint(order, where) {
  if (where === "waiting") return `${word("payUntil")} ${day(order.expires_at)}`;
  if (where === "done") return `${word("pickedUpAt")} ${day(order.completed_at)}`;
  if (where === "stopped") return word(order.refunds.length ? "stoppedPaid" : "stoppedUnpaid");
  return word(where === "ready" ? "readyHint" : "paidHint");
}

function pickUp(order, code) {
  return div("panel pickup", made("small", {}, word("showAtCounter")),
    made("output", { id: "pickup-code", "data-token": code.token }, `${code.code.slice(0, 4)} ${code.code.slice(4)}`),
    made("img", { src: "/box/qr?" + new URLSearchParams({ text: code.token }), alt: word("pickUpQr"), width: 180, height: 180 }),
    made("small", {}, order.store_name));
}

function acts(shop, order, look) {
  const where = standing(order);
  const cancel = button(word("cancelOrder"), () => sure(word(where === "waiting" ? "cancelSure" : "cancelPaidSure"), word("cancelOrder"), async () => {
    await shop.ask(`/orders/${order.number}/cancel`, {});
    await look();
  }), { class: "soft", id: "cancel" });
  if (where === "waiting") return [cancel, button(word("payNow"), () => paySheet(shop, order, look), { class: "primary", id: "pay" })];
  if (where === "paid" || where === "ready") return [cancel];
  return [button(word("buyMore"), () => shop.go("goods"), { class: "soft" })];
}

// What wx.requestPayment opens: WeChat's own sheet, not the shop's.
async function paySheet(shop, order, look) {
  const given = await shop.ask(`/orders/${order.number}/prepay`, {});
  const panel = sheet(word("wechatPay"),
    div("paying", made("small", {}, order.store_name), made("output", { class: "amount" }, yuan(order.amount_fen)),
      made("dl", { class: "sums" }, div("sum", made("dt", {}, word("payWith")), made("dd", {}, word("change")))),
      button(word("confirmPay"), async () => {
        await ask(`/persons/${shop.person.id}/pay`, given);
        panel.replaceChildren(div("paying done", span("tick", "✓"), made("b", {}, word("payDone")), made("output", { class: "amount" }, yuan(order.amount_fen)),
          button(word("done"), () => { closeSheet(); return look(); }, { class: "quiet" })));
        toast(word("payDone"), false, yuan(order.amount_fen));
        setTimeout(() => { if (panel.isConnected && sheetIsOpen()) closeSheet(); }, 1200);
        await look();
      }, { class: "primary", id: "confirm-pay" })));
  panel.classList.add("pay");
}
