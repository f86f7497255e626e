// The merchant's view: money that came and went, what the shop's server was told, faults, the clock.
import { ask, fetched, peek } from "./asking.js";
import { $, button, clock, day, div, form, made, nothing, pill, redraw, span, toast, yuan } from "./dom.js";
import { answerOf, stateOf, whatOf } from "./beside.js";
import { state } from "./state.js";
import { word } from "./words.js";

const BEATS = 2;
let beats = 0;
let kind = "";

export async function open() {
  const card = (name, ...more) => made("section", { class: "card " + name }, made("h2", {}, word("m_" + name), ...more), div("place-" + name));
  $("#merchant").replaceChildren(
    div("columns",
      div("wide-column", card("purse"), card("payments"), card("refunds"), card("transfers"), card("deliveries", kinds()), bills()),
      div("narrow-column", card("faults"), card("rules"), card("clock"))));
  await draw();
}

export async function tick() {
  if (beats++ % BEATS === 0) await draw();
}

const place = (name) => $("#merchant .place-" + name);

async function draw() {
  const asked = kind ? "&kind=" + kind : "";
  const [settings, rules, told, purse, paid, back, sent] = await Promise.all([
    peek("/settings"), peek("/faults"), peek("/deliveries?limit=60" + asked), peek("/pay"),
    peek("/pay/orders?limit=50"), peek("/pay/refunds?limit=50"), peek("/pay/transfers?limit=50"),
  ]);
  if (!settings || !told || !purse || !paid || !back || !sent || state.tab !== "merchant") return;
  redraw(place("purse"), purse, purseOf);
  redraw(place("payments"), paid.orders, payments);
  redraw(place("refunds"), back.refunds, refunds);
  redraw(place("transfers"), sent.transfers, transfers);
  $("#merchant .card.transfers").hidden = sent.transfers.length === 0;
  redraw(place("deliveries"), told.deliveries, deliveries);
  redraw(place("faults"), [settings.faults, settings.push_mode], () => faults(settings));
  redraw(place("rules"), rules?.rules ?? [], ruleList);
  redraw(place("clock"), settings.clock_offset_s, clockOf);
}

const sum = (name, fen) => div("figure", made("small", {}, word("purse_" + name)), made("b", {}, yuan(fen)));
const purseOf = (purse) => div("figures", sum("balance", purse.balance_fen), sum("frozen", purse.frozen_fen), sum("available", purse.available_fen));

const KIND = { SUCCESS: "good", NOTPAY: "soon", PROCESSING: "soon", REFUND: "bad", ABNORMAL: "bad", FAIL: "bad" };
const whose = (openid) => state.people.find((one) => openid === one.mp_openid || openid === one.oa_openid)?.name ?? "";
const amount = (fen) => made("b", { class: "money" }, yuan(fen));

function payments(orders) {
  if (!orders.length) return nothing(word("noPayments"));
  return table(["what", "who", "number", "when", "amount"], orders.map((one) => [
    one.asked.description, whose(one.openid), span("code", one.out_trade_no), day(one.success_at ?? one.created_at), amount(one.total_fen),
    pill(word("trade_" + one.state, one.state), KIND[one.state]),
  ]));
}

function refunds(all) {
  if (!all.length) return nothing(word("noRefunds"));
  return table(["number", "forOrder", "when", "amount"], all.map((one) => [
    span("code", one.out_refund_no), span("code", one.out_trade_no), day(one.success_at ?? one.created_at), amount(one.refund_fen),
    one.status === "PROCESSING" ? ending(one) : pill(word("refund_" + one.status, one.status), KIND[one.status]),
  ]));
}

// A refund under way can be brought to any end at once.
function ending(refund) {
  const node = made("select", { "aria-label": word("endRefund"), onchange: () =>
    ask(`/pay/refunds/${refund.out_refund_no}`, { status: node.value }).then(draw, (problem) => toast(problem.message, true)) },
  made("option", { selected: true, disabled: true }, word("refund_PROCESSING")),
  ["SUCCESS", "ABNORMAL", "CLOSED"].map((one) => made("option", { value: one }, word("refund_" + one))));
  return node;
}

function transfers(all) {
  return table(["number", "who", "when", "amount"], all.map((one) => [
    span("code", one.out_bill_no), whose(one.openid), day(one.created_at), amount(one.amount_fen), pill(one.state, KIND[one.state]),
  ]));
}

// Today in China, whose days the bills count.
const today = () => new Date(Date.now() + 8 * 3600e3).toISOString().slice(0, 10);

function bills() {
  const shown = div("");
  const look = async (given) => {
    const path = `/bills/${given.kind}?date=${given.date}`;
    const answer = await fetched(path);
    const rows = answer.status === 204 ? [] : parsed(await answer.text());
    shown.replaceChildren(...(rows.length
      ? [made("a", { href: "/box" + path, download: "" }, word("download")), table([], [rows[0], ...rows.slice(1, -2)], true), table([], rows.slice(-2), true)]
      : [nothing(word("noBill"))]));
  };
  return made("section", { class: "card bills" }, made("h2", {}, word("m_bills")),
    form({ class: "row" }, look,
      made("select", { name: "kind", "aria-label": word("kind") }, ["tradebill", "fundflowbill", "profitsharing"].map((one) => made("option", { value: one }, word("bill_" + one)))),
      made("input", { name: "date", type: "date", value: today(), max: today(), required: true, "aria-label": word("date") }),
      made("button", { class: "quiet" }, word("showBill"))),
    shown);
}

// Values stand behind a backtick, so that a comma before one parts them.
const parsed = (text) => text.replace(/^\uFEFF/, "").trim().split("\r\n").map((line) =>
  (line.startsWith("`") ? line.slice(1).split(",`") : line.split(",")));

function table(heads, rows, plain = false) {
  const head = plain ? rows[0] : [...heads.map((one) => word(one)), ""];
  return div("scroll", made("table", { class: plain ? "plain" : "" }, made("thead", {}, made("tr", {}, head.map((one) => made("th", { scope: "col" }, one)))),
    made("tbody", {}, rows.slice(plain ? 1 : 0).map((cells) => made("tr", {}, cells.map((cell) => made("td", {}, cell)))))));
}

function kinds() {
  const select = made("select", { "aria-label": word("kind"), onchange: () => { kind = select.value; draw(); } },
    ["", "push", "notice"].map((one) => made("option", { value: one, selected: one === kind }, word("kind_" + (one || "all")))));
  return select;
}

function deliveries(all) {
  if (!all.length) return nothing(word("quiet"));
  return made("ul", { class: "deliveries" }, all.map((one) => made("li", {}, made("details", {},
    made("summary", {},
      span("lines", made("b", {}, whatOf(one)), made("small", {}, [clock(one.created_at), nameOf(one.person), answerOf(one)].filter(Boolean).join(" · "))),
      one.attempts.length > 1 ? pill(`× ${one.attempts.length}`) : null, stateOf(one),
      button(word("again"), async () => { await ask(`/deliveries/${one.id}/again`, {}); toast(word("sentAgain")); await draw(); }, { class: "quiet small", "data-again": one.id })),
    made("code", {}, one.url || word("sent_no_callback")),
    made("ol", {}, one.attempts.map((attempt) => made("li", {}, made("small", {}, `${clock(attempt.at)} · ${answerOf(attempt)} · ${attempt.took_ms} ms`),
      attempt.answer ? made("pre", {}, attempt.answer) : null))),
    one.next_at ? made("small", {}, word("nextAt") + clock(one.next_at)) : null))));
}

const nameOf = (id) => state.people.find((one) => one.id === id)?.name;

// The simple faults: how often each strikes. A number counts down, true goes on.
const OFTEN = [[null, "never"], [1, "once"], [3, "thrice"], [true, "always"]];
const FAULTS = {
  drop_notices: OFTEN,
  delay_notices_s: [[null, "never"], [5, "5 s"], [30, "30 s"]],
  duplicate_notices: OFTEN,
  duplicate_pushes: OFTEN,
  wrong_signature: OFTEN,
  wrong_amount: OFTEN,
  foreign_appid: OFTEN,
  signtest_probe: OFTEN,
  unavailable: OFTEN,
  unavailable_after: OFTEN,
  refund_result: [[null, "never"], ["ABNORMAL", "ABNORMAL"], ["CLOSED", "CLOSED"]],
};

function faults(settings) {
  const select = (name, choices, value, change) => {
    const known = choices.findIndex(([one]) => one === (value ?? null));
    const node = made("select", { "aria-label": word("fault_" + name, name), "data-fault": name, class: value && name !== "push_mode" ? "on" : "",
      onchange: () => change(choices[node.value][0]).catch((problem) => toast(problem.message, true)) },
    choices.map(([, label], at) => made("option", { value: at, selected: at === known }, word("often_" + label, label))),
    known < 0 ? made("option", { selected: true, disabled: true }, JSON.stringify(value)) : null);
    return made("label", { class: "fault" }, span("lines", made("b", {}, word("fault_" + name, name)), made("small", {}, name)), node);
  };
  return [
    ...Object.entries(FAULTS).map(([name, choices]) => select(name, choices, settings.faults[name], async (value) => {
      const now = (await ask("/settings")).faults;
      await ask("/settings", { faults: { ...now, [name]: value } });
      await draw();
    })),
    select("push_mode", ["plain", "compatible", "safe"].map((one) => [one, one]), settings.push_mode, (value) => ask("/settings", { push_mode: value })),
  ];
}

const KINDS = ["duplicate", "delay", "reorder", "drop", "wrong_signature", "signtest", "wrong_amount", "foreign_appid", "5xx", "html", "empty", "cut", "slow", "token_invalidated", "wrong_answer_signature", "40001", "42001", "45009", "-1"];

function ruleList(rules) {
  const add = form({ class: "rule" }, async (given) => {
    const { kind: chosen, path, share, count } = given;
    await ask("/faults", { kind: chosen, ...(path.trim() && { path: path.trim() }), share: Number(share) / 100, ...(count && { count: Number(count) }) });
    await draw();
  },
  made("select", { name: "kind", "aria-label": word("kind") }, KINDS.map((one) => made("option", { value: one }, word("rule_" + one, one)))),
  made("input", { name: "path", placeholder: word("rulePath"), "aria-label": word("rulePath"), autocomplete: "off" }),
  made("label", {}, made("input", { name: "share", type: "number", min: "1", max: "100", value: "100", required: true, "aria-label": word("share") }), "%"),
  made("label", {}, "×", made("input", { name: "count", type: "number", min: "1", placeholder: "∞", "aria-label": word("count") })),
  made("button", { class: "small" }, word("addRule")));
  return [
    rules.length ? made("ul", { class: "rules" }, rules.map((rule) => made("li", {},
      span("lines", made("b", {}, word("rule_" + rule.kind, rule.kind)), made("small", {}, `${rule.path} · ${Math.round(rule.share * 100)} % · ${rule.struck}/${rule.seen}${rule.count ? " · ≤ " + rule.count : ""}`)),
      button(word("lift"), async () => { await ask("/faults/" + rule.id, undefined, "DELETE"); await draw(); }, { class: "quiet small" })))) : made("p", { class: "nothing" }, word("noRules")),
    add,
  ];
}

function clockOf(offset) {
  const move = (seconds) => async () => { await ask("/clock", { offset_s: seconds }); await draw(); };
  return [
    made("p", {}, offset ? `${word("ahead")} ${Math.round(offset / 360) / 10} h` : word("trueTime")),
    div("row", button("+1 h", move(offset + 3600), { class: "quiet small" }), button("+1 d", move(offset + 86400), { class: "quiet small" }),
      button("+10 d", move(offset + 864000), { class: "quiet small" }), button(word("trueTimeNow"), move(0), { class: "quiet small", disabled: !offset })),
  ];
}
