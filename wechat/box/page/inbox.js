// The other conversation of the phone: WeChat Pay's own messages on what was paid and what came back.
import { ask, peek } from "./asking.js";
import { button, day, div, made, nothing, redraw, span, yuan } from "./dom.js";
import { bar, show, visit } from "./phone.js";
import { word } from "./words.js";

let log = null;

const own = (person) => (one) => one.openid === person.oa_openid || one.openid === person.mp_openid;

async function messages(person, look = ask) {
  const [paid, back] = await Promise.all([look("/pay/orders?limit=200"), look("/pay/refunds?limit=200")]);
  if (!paid || !back) return null;
  const orders = paid.orders.filter((one) => one.success_at && own(person)(one));
  const named = new Map(orders.map((one) => [one.out_trade_no, one.asked.description]));
  return [
    ...orders.map((one) => ({ id: one.out_trade_no, at: one.success_at, title: "receipt", fen: one.total_fen, about: one.asked.description })),
    ...back.refunds.filter((one) => named.has(one.out_trade_no)).map((one) => ({
      id: one.out_refund_no, at: one.success_at ?? one.created_at, title: "refund_" + one.status, fen: one.refund_fen, about: named.get(one.out_trade_no),
    })),
  ].sort((one, other) => Date.parse(one.at) - Date.parse(other.at));
}

export async function openList(person, toAccount) {
  const here = visit();
  log = null;
  const [{ messages: said }, told] = await Promise.all([ask(`/persons/${person.id}/chat`), messages(person)]);
  here.check();
  const line = (name, face, last, at, act) => made("li", {}, button([face,
    span("lines", made("b", {}, name), made("small", {}, last || word("noChat"))), made("small", {}, at ? day(at) : "")], act, { class: "conversation" }));
  const newest = told.at(-1);
  show(bar(word("weChat")), made("ul", { class: "page conversations" },
    line(word("account"), span("face account", "号"), said.at(-1)?.text, said.at(-1)?.at, toAccount),
    line(word("wechatPay"), span("face money-face", "¥"), newest && `${word("pay_" + newest.title)} ${yuan(newest.fen)}`, newest?.at, () => openMoney(person, toAccount))));
}

async function openMoney(person, toAccount) {
  const here = visit();
  const told = await messages(person);
  here.check();
  log = made("ol", { class: "log money-log" });
  show(bar(word("wechatPay"), { back: () => openList(person, toAccount) }), log);
  draw(told);
}

function draw(told) {
  if (redraw(log, told, (all) => (all.length ? all.map(receipt) : nothing(word("noPayments"))))) log.scrollTop = log.scrollHeight;
}

// Answers whether this conversation is the one on the screen.
export async function tickMoney(person) {
  if (!log?.isConnected) return false;
  const told = await messages(person, peek);
  if (told && log?.isConnected) draw(told);
  return true;
}

function receipt(one) {
  return made("li", { class: "receipt", "data-receipt": one.id }, made("small", {}, day(one.at)),
    div("panel", made("small", {}, word("pay_" + one.title)), made("output", {}, yuan(one.fen)),
      made("dl", { class: "sums" },
        div("sum", made("dt", {}, word("what")), made("dd", {}, one.about)),
        div("sum", made("dt", {}, word("number")), made("dd", {}, one.id)))));
}
