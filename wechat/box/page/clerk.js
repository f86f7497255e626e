// The clerk's view: her codes and poster, the counter, what she earns and why, the month against the ledger.
import { House, ask } from "./asking.js";
import { $, button, day, div, form, made, nothing, pill, redraw, span, toast, waiting, yuan } from "./dom.js";
import { icon } from "./icons.js";
import { bar, closeSheet, sheet, show, showAgain, visit } from "./phone.js";
import { word } from "./words.js";

const PARTS = { code: myCode, counter, earnings, month };
const clerks = new Map();
const MONEY_EVERY = 2;

export async function open(person) {
  let clerk = clerks.get(person.id);
  if (clerk?.person.mp_openid !== person.mp_openid) {
    clerk = { person, house: new House(person, "clerk"), part: "code", me: null, kind: "official_account", onTick: null };
    clerks.set(person.id, clerk);
  }
  clerk.person = person;
  if (!clerk.house.token) return door(clerk);
  const here = visit();
  try {
    clerk.me = await clerk.house.ask("/me");
  } catch (problem) {
    if (problem.status !== 401) throw problem;
    return door(clerk);
  }
  here.check();
  await part(clerk, clerk.part);
}

export async function tick(person) {
  await clerks.get(person.id)?.onTick?.();
}

function door(clerk) {
  visit();
  clerk.onTick = null;
  const { person } = clerk;
  show(bar(word("clerkDoor")), div("page centre",
    span("account-face", "导"), made("h3", {}, word("clerkDoor")), made("p", {}, person.phone ? word("clerkHint") : word("clerkNoPhone")),
    person.phone ? made("b", {}, person.phone) : null,
    button(word("logInByPhone"), () => logIn(clerk), { class: "primary", id: "clerk-login" })));
}

// The first time the roster asks for the phone number; later WeChat alone is enough.
async function logIn(clerk) {
  const fresh = async (what) => (await ask(`/persons/${clerk.person.id}/mp/${what}`, {})).code;
  const told = await clerk.house.ask("/login", { code: await fresh("login"), ...(clerk.person.phone && { phone_code: await fresh("phone") }) });
  clerk.house.token = told.token;
  await open(clerk.person);
}

async function part(clerk, name) {
  const here = visit();
  const same = clerk.shown === name;
  Object.assign(clerk, { part: name, shown: name, onTick: null });
  const frame = (content, draw) => draw(
    bar(word("clerkDoor"), { right: button(icon("more"), () => more(clerk), { class: "more", "aria-label": word("more") }) }),
    div("page clerk", badge(clerk), content),
    made("nav", { class: "tabbar", "aria-label": word("clerkDoor") }, Object.keys(PARTS).map((one) =>
      button([icon(one), word("clerk_" + one)], () => part(clerk, one), { "data-part": one, "aria-current": one === name ? "page" : null }))));
  if (!same || !$("#screen .page.clerk")) frame(waiting(), show);
  const content = await PARTS[name](clerk, here);
  here.check();
  frame(content, showAgain);
}

function badge({ me }) {
  return div("me", span("lines", made("b", {}, me.name), made("small", {}, `${me.clerk} · ${me.store}`)), pill(word("role_" + me.role, me.role), "good"));
}

function more(clerk) {
  sheet(word("more"), div("choices",
    clerk.me.role === "MANAGER" ? button(word("refundAtCounter"), () => refundSheet(clerk), { class: "quiet" }) : null,
    button(word("logOut"), async () => {
      await clerk.house.ask("/logout", {});
      clerk.house.token = clerk.me = null;
      closeSheet();
      door(clerk);
    }, { class: "quiet" })));
}

async function myCode(clerk) {
  const codes = await clerk.house.ask("/codes", {});
  const picture = await clerk.house.picture("/poster?code=" + clerk.kind);
  const chip = (kind) => button(word(kind === "official_account" ? "account" : "mini"), () => { clerk.kind = kind; return part(clerk, "code"); },
    { class: "chip", "data-part": kind, "aria-pressed": String(kind === clerk.kind) });
  return [
    div("chips centre", chip("official_account"), chip("mini_program")),
    made("img", { class: "poster", src: picture, alt: word("poster"), id: "poster" }),
    made("p", { class: "scene", id: "my-scene" }, codes[clerk.kind].scene),
    made("p", { class: "nothing" }, word("posterHint")),
  ];
}

async function counter(clerk) {
  const result = div("");
  const input = made("input", { name: "code", id: "verify-code", required: true, inputmode: "numeric", autocomplete: "off", pattern: "[0-9]{4} ?[0-9]{4}|.{9,200}", placeholder: "0000 0000", "aria-label": word("pickUpCode") });
  return [
    form({ class: "panel verify", id: "verify" }, async (given, node) => {
      const typed = given.code.replace(/\s/g, "");
      const asked = { ...(/^[0-9]{8}$/.test(typed) ? { code: typed } : { token: typed }), ...(given.adult && { age_checked: true }) };
      const done = await clerk.house.ask("/pickups/verify", asked);
      node.reset();
      result.replaceChildren(handed(done));
      input.focus();
    },
    made("label", {}, word("pickUpCode"), input),
    made("label", { class: "check" }, made("input", { type: "checkbox", name: "adult", value: "1" }), word("adultChecked")),
    made("button", { class: "primary wide" }, word("verify"))),
    result,
  ];
}

function handed(done) {
  return div("panel handed", span("tick", "✓"), made("b", { id: "handed", "data-again": String(done.again) }, word(done.again ? "handedBefore" : "handedNow")),
    made("small", {}, `${done.number} · ${day(done.completed_at)}`),
    made("ul", {}, done.goods.map((one) => made("li", {}, made("b", {}, one.name), made("small", {}, `${one.spec} × ${one.qty}`)))));
}

async function earnings(clerk, here) {
  const [totals, page] = await Promise.all([clerk.house.ask("/earnings"), clerk.house.ask("/earnings/rows?limit=15")]);
  const sums = div("stack");
  const rows = made("ul", { class: "shares" });
  const draw = (now, shares) => {
    redraw(sums, now, () => sumsOf(now));
    redraw(rows, shares.items, () => (shares.items.length ? shares.items.map(share) : nothing(word("noShares"))));
  };
  draw(totals, page);
  let beats = 0;
  clerk.onTick = async () => {
    if (++beats % MONEY_EVERY) return;
    const now = await clerk.house.ask("/earnings");
    if (!here.holds() || JSON.stringify(now) === JSON.stringify(totals)) return;
    Object.assign(totals, now);
    const fresh = await clerk.house.ask("/earnings/rows?limit=15");
    if (here.holds()) draw({ ...now }, fresh);
  };
  return [sums, made("header", { class: "line" }, made("h3", {}, word("shares"))), rows, page.next ? moreShares(clerk, rows, page.next) : null];
}

function moreShares(clerk, rows, next) {
  let cursor = next;
  const node = button(word("more"), async () => {
    const page = await clerk.house.ask("/earnings/rows?limit=15&" + new URLSearchParams({ cursor }));
    rows.append(...page.items.map(share));
    cursor = page.next;
    if (!cursor) node.remove();
  }, { class: "quiet wide" });
  return node;
}

function sumsOf(now) {
  const one = (name, fen) => div("figure", made("small", {}, word(name)), made("b", { id: "sum-" + name, "data-fen": fen }, yuan(fen)));
  return [
    div("panel total", made("small", {}, word("estimated")), made("b", { id: "sum-estimated", "data-fen": now.estimated_fen }, yuan(now.estimated_fen)),
      made("small", {}, `${word("today")} ${yuan(now.today_fen)} · ${now.today_orders} ${word("orders")}`)),
    div("panel figures", one("releasable", now.releasable_fen), one("settled", now.settled_fen), one("reversed", now.reversed_fen), now.held_fen ? one("held", now.held_fen) : null),
  ];
}

function share(one) {
  return made("li", { class: "panel share" },
    div("line", span("lines", made("b", {}, `${one.goods} × ${one.qty}`), made("small", {}, `${one.role_name} · ${one.order}`)), made("b", { class: "money" }, yuan(one.amount_fen))),
    made("p", {}, one.reason),
    div("line", pill(one.state_name), made("small", {}, one.when_certain)));
}

const monthOf = (date) => `${date.getFullYear()}-${String(date.getMonth() + 1).padStart(2, "0")}`;

async function month(clerk) {
  clerk.month ??= monthOf(new Date());
  const told = await clerk.house.ask("/statements/" + clerk.month);
  const turn = (step) => {
    const [year, number] = clerk.month.split("-").map(Number);
    clerk.month = monthOf(new Date(year, number - 1 + step, 1));
    return part(clerk, "month");
  };
  const line = (name, fen, kind = "") => made("div", { class: "sum " + kind }, made("dt", {}, word(name)), made("dd", {}, yuan(fen)));
  return [
    div("line monthline", button("‹", () => turn(-1), { "aria-label": word("monthBefore"), class: "quiet" }), made("h3", {}, clerk.month),
      button("›", () => turn(1), { "aria-label": word("monthAfter"), class: "quiet", disabled: clerk.month >= monthOf(new Date()) })),
    made("dl", { class: "panel sums" }, line("opening", told.opening.frozen_fen + told.opening.payable_fen), line("earned", told.earned_fen), line("takenBack", -told.reversed_fen),
      line("monthEnd", told.closing.frozen_fen + told.closing.payable_fen, "total")),
    made("dl", { class: "panel sums" }, line("frozen", told.closing.frozen_fen), line("payable", told.closing.payable_fen),
      line("ledger", told.ledger.frozen_fen + told.ledger.payable_fen),
      made("div", { class: "sum" }, made("dt", {}, word("proved")), made("dd", {}, pill(word(told.agrees ? "agrees" : "differs"), told.agrees ? "good" : "bad")))),
    told.changes.length ? made("ul", { class: "panel changes" }, told.changes.map((one) => made("li", {},
      span("lines", made("b", {}, `${one.kind_name} · ${one.share.goods}`), made("small", {}, `${day(one.at)} · ${one.share.role_name}`)),
      made("b", { class: one.amount_fen < 0 ? "money minus" : "money" }, yuan(one.amount_fen))))) : nothing(word("quietMonth")),
  ];
}

const fenOf = (text) => {
  const [whole, part = ""] = text.split(".");
  return Number(whole) * 100 + Number((part + "00").slice(0, 2));
};

function refundSheet(clerk) {
  const key = crypto.randomUUID();
  const field = (name, traits) => made("label", {}, word("refund_field_" + name), made("input", { name, required: true, autocomplete: "off", ...traits }));
  sheet(word("refundAtCounter"), form({ class: "refunding" }, async (given) => {
    const line = { line_no: Number(given.line_no), amount_fen: fenOf(given.amount), qty: Number(given.qty) };
    const told = await clerk.house.ask(`/orders/${given.number.trim()}/refunds`, { lines: [line], reason: given.reason }, { once: key });
    closeSheet();
    toast(word("refundStarted"), false, `${told.refund} · ${yuan(told.amount_fen)}`);
  },
  field("number", { pattern: " *[A-Z0-9]{8,32} *", placeholder: "A2611…" }),
  div("row", field("line_no", { value: "1", inputmode: "numeric", pattern: "[0-9]{1,2}" }), field("qty", { value: "1", inputmode: "numeric", pattern: "[0-9]{1,3}" })),
  field("amount", { inputmode: "decimal", pattern: "[0-9]{1,7}([.][0-9]{1,2})?", placeholder: "0.00" }),
  field("reason", { maxlength: "80", value: word("refundReason") }),
  made("button", { class: "primary wide" }, word("refundNow"))));
}
