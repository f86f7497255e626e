"use strict";
// The page only asks /box and shows what it answers. Text goes in as text (never as HTML): people type anything.
const $ = (selector) => document.querySelector(selector);
let chosen = localStorage.getItem("person");
let lastSeen = {};

function made(tag, text, className) {
  const node = document.createElement(tag);
  if (text !== undefined && text !== null) node.textContent = text;
  if (className) node.className = className;
  return node;
}

async function ask(path, content) {
  const options = content === undefined ? {} : {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(content),
  };
  let answer;
  try {
    answer = await fetch("/box" + path, options);
  } catch {
    toast(word("lost"), true);
    return null;
  }
  const told = await answer.json().catch(() => null);
  if (!answer.ok) {
    if (content !== undefined) toast(told?.error?.message ?? answer.statusText, true);
    return null;
  }
  return told;
}

let toastTimer;
function toast(text, bad) {
  const node = $("#toast");
  node.textContent = text;
  node.className = bad ? "bad" : "";
  node.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { node.hidden = true; }, 4000);
}

// Redraw a list only when what it shows has changed, so that scrolling and hovering are left alone.
function redraw(selector, content, draw) {
  const key = JSON.stringify([content, chosen]);
  if (lastSeen[selector] === key) return false;
  lastSeen[selector] = key;
  $(selector).replaceChildren(...draw(content));
  return true;
}

const yuan = (fen) => "¥" + Math.floor(fen / 100) + "." + String(fen % 100).padStart(2, "0");
const clock = (iso) => new Date(iso).toLocaleTimeString(LANGUAGE === "zh" ? "zh-CN" : "en-GB");
const empty = (text) => made("li", text, "empty");
const initial = (name) => Array.from(name)[0] ?? "?";
const hue = (id) => (Number(id.slice(1)) * 67) % 360;

function face(person) {
  const node = made("span", initial(person.name), "face");
  node.style.setProperty("--hue", hue(person.id));
  return node;
}

function drawPeople(people) {
  if (!people.length) return [empty(word("nobody"))];
  return people.map((person) => {
    const item = made("li", null, person.id === chosen ? "chosen" : "");
    const button = made("button");
    button.type = "button";
    const lines = made("span", null, "lines");
    lines.append(made("b", person.name), made("small", person.phone || person.id));
    button.append(face(person), lines, made("i", "", person.subscribed ? "dot on" : "dot"));
    button.onclick = () => choose(person.id);
    item.append(button);
    return item;
  });
}

function choose(id) {
  chosen = id;
  localStorage.setItem("person", id);
  $("#mini").hidden = true;
  refresh();
}

function drawChat({ messages, person }) {
  if (!messages.length) return [empty(word("noChat"))];
  return messages.map((line) => {
    if (line.from === "wechat") return made("li", line.text, line.type === "fault" ? "system fault" : "system");
    const mine = line.from === "fan";
    const item = made("li", null, mine ? "mine" : "theirs");
    const bubble = made("div", null, "bubble");
    bubble.append(made("p", line.text));
    if (line.type === "news" && line.content) bubble.append(made("small", line.content.Description || line.content.Url));
    const under = made("small", clock(line.at) + (line.via === "customer" ? " · " + word("customer") : ""), "when");
    const column = made("div", null, "column");
    column.append(bubble, under);
    item.append(mine ? face(person) : made("span", "号", "face account"), column);
    return item;
  });
}

const STATES = { NOTPAY: "waiting", SUCCESS: "paid", REFUND: "refunded", CLOSED: "closed" };

function drawOrders(orders) {
  if (!orders.length) return [empty(word("noOrders"))];
  return orders.map((order) => {
    const item = made("li");
    const lines = made("span", null, "lines");
    lines.append(made("b", order.description), made("small", order.out_trade_no));
    item.append(lines, made("span", yuan(order.total_fen), "money"));
    if (order.state === "NOTPAY") {
      const button = made("button", word("pay"));
      button.onclick = () => pay(order, button);
      item.append(button);
    } else {
      item.append(made("span", word(STATES[order.state]), "pill " + order.state.toLowerCase()));
    }
    return item;
  });
}

async function pay(order, button) {
  button.disabled = true;
  const told = await ask(`/persons/${chosen}/pay`, { prepay_id: order.prepay_id });
  if (told) toast(word("payDone") + yuan(told.total_fen));
  button.disabled = false;
  refresh();
}

function drawDeliveries(deliveries) {
  if (!deliveries.length) return [empty(word("quiet"))];
  return deliveries.map((delivery) => {
    const item = made("li", null, "delivery " + delivery.state);
    item.title = delivery.url + "\n" + (delivery.answer ?? "");
    const lines = made("span", null, "lines");
    const tries = delivery.attempts.length > 1 ? ` · ${delivery.attempts.length} ${word("tries")}` : "";
    const answer = delivery.verdict ? ` · ${delivery.status ?? "—"} ${delivery.verdict}` : "";
    lines.append(made("b", delivery.what), made("small", clock(delivery.created_at) + answer + tries));
    const again = made("button", word("again"), "quiet small");
    again.onclick = async () => { await ask(`/deliveries/${delivery.id}/again`, {}); refresh(); };
    item.append(lines, made("span", word(delivery.state), "pill " + delivery.state), again);
    return item;
  });
}

function drawCodes(codes) {
  const all = [
    ...codes.official.map((code) => ({ label: "公众号 · " + code.scene, value: { ticket: code.ticket } })),
    ...codes.mini_program.map((code) => ({ label: "小程序 · " + code.scene, value: { mini: code.scene } })),
  ];
  if (!all.length) all.push({ label: word("noCodes"), value: {} });
  return all.map(({ label, value }) => {
    const option = made("option", label);
    option.value = JSON.stringify(value);
    return option;
  });
}

async function refresh() {
  const [people, deliveries, settings, codes] = await Promise.all([
    ask("/persons"), ask("/deliveries?limit=30"), ask("/settings"), ask("/codes"),
  ]);
  if (!people || !deliveries || !settings || !codes) return;
  const person = people.persons.find((one) => one.id === chosen) ?? people.persons[0];
  chosen = person?.id ?? null;
  redraw("#people", people.persons, drawPeople);
  redraw("#deliveries", deliveries.deliveries, drawDeliveries);
  redraw("#scan select", codes, drawCodes);
  $("#mode").textContent = settings.push_mode + " → " + (settings.callback_url ?? word("no_callback"));
  document.body.classList.toggle("nobody", !person);
  for (const control of document.querySelectorAll(".acts button, .acts input, .acts select, #say *")) {
    if (!control.closest("#deliveries")) control.disabled = !person;
  }
  if (person) $(person.subscribed ? "[data-act=follow]" : "[data-act=unfollow]").disabled = true;
  $("#following").textContent = person ? word(person.subscribed ? "followed" : "notFollowed") : "";
  $("#following").className = person?.subscribed ? "pill success" : "pill";
  $("#identity").textContent = person ? person.name + " · " + person.oa_openid : "";
  if (!person) {
    redraw("#chat", null, () => [empty(word("nobody"))]);
    redraw("#orders", [], drawOrders);
    return;
  }
  const [chat, orders] = await Promise.all([ask(`/persons/${person.id}/chat`), ask(`/persons/${person.id}/orders`)]);
  if (person.id !== chosen) return;
  if (chat && redraw("#chat", { messages: chat.messages, person }, drawChat)) $("#chat").scrollTop = 1e9;
  if (orders) redraw("#orders", orders.orders, drawOrders);
}

async function act(path, content) {
  const told = await ask(`/persons/${chosen}${path}`, content ?? {});
  await refresh();
  return told;
}

function onSubmit(id, then) {
  $(id).addEventListener("submit", (event) => {
    event.preventDefault();
    then(new FormData(event.target), event.target);
  });
}

function showMini(text, code) {
  const node = $("#mini");
  node.replaceChildren(made("span", text), made("code", code));
  node.hidden = false;
}

async function openMini(content) {
  const told = await act("/mp/scan", content);
  if (told) showMini(word("opened"), `${told.page}?scene=${told.query.scene}`);
}

async function scanned(content) {
  const told = await act("/scan", content);
  if (told?.shows === "card") toast(word("card"));
}

async function scanPicture(file) {
  const image = await new Promise((done) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result);
    reader.readAsDataURL(file);
  });
  const seen = await ask("/pictures", { image });
  if (!seen) return;
  if (seen.shows === "mp") await openMini({ image });
  else await scanned({ image });
}

function begin() {
  document.documentElement.lang = LANGUAGE === "zh" ? "zh-CN" : "en";
  document.title = word("title");
  for (const node of document.querySelectorAll("[data-word]")) node.textContent = word(node.dataset.word);
  for (const node of document.querySelectorAll("[data-hint]")) {
    node.placeholder = word(node.dataset.hint);
    node.setAttribute("aria-label", word(node.dataset.hint));
  }
  onSubmit("#new-person", async (given, form) => {
    const phone = given.get("phone").trim();
    const told = await ask("/persons", { name: given.get("name"), ...(phone ? { phone } : {}) });
    if (told) { form.reset(); choose(told.person.id); }
  });
  onSubmit("#say", async (given, form) => {
    form.reset();
    await act("/say", { text: given.get("text") });
  });
  onSubmit("#click", (given) => act("/click", { key: given.get("key") }));
  onSubmit("#locate", (given) => {
    const [lat, lng] = given.get("place").split(/[,，]/).map(Number);
    act("/locate", { lat, lng, label: "" });
  });
  onSubmit("#scan", (given) => {
    const code = JSON.parse(given.get("code") || "{}");
    if (code.mini) openMini({ scene: code.mini });
    else if (code.ticket) scanned({ ticket: code.ticket });
  });
  $("#picture").addEventListener("change", async (event) => {
    if (event.target.files[0]) await scanPicture(event.target.files[0]);
    event.target.value = "";
  });
  $("[data-act=follow]").onclick = () => act("/follow");
  $("[data-act=unfollow]").onclick = () => act("/unfollow");
  $("[data-act=login]").onclick = async () => {
    const told = await act("/mp/login");
    if (told) showMini(word("loginCode"), told.code);
  };
  $("[data-act=phone-code]").onclick = async () => {
    const told = await act("/mp/phone");
    if (told) showMini(word("phoneToken"), told.code);
  };
  refresh();
  setInterval(() => { if (!document.hidden) refresh(); }, 1500);
}

begin();
