// The page as a whole: people, tabs, one gentle heartbeat. It asks /box only and works without any network.
import { ask, peek } from "./asking.js";
import { drawBeside } from "./beside.js";
import * as chat from "./chat.js";
import * as clerk from "./clerk.js";
import { $, button, busy, div, made, minute, nothing, tell } from "./dom.js";
import * as merchant from "./merchant.js";
import { beginPeople, drawPeople } from "./people.js";
import { show, visit } from "./phone.js";
import * as shop from "./shop.js";
import { first, remember, state } from "./state.js";
import { LANGUAGE, word } from "./words.js";

const TABS = { chat, shop, clerk, merchant };
const BEAT_MS = 1000;

function drawTabs() {
  $("#tabs").replaceChildren(...Object.keys(TABS).map((name) => made("button", {
    type: "button", role: "tab", id: "tab-" + name, "data-tab": name,
    "aria-selected": String(name === state.tab), tabindex: name === state.tab ? "0" : "-1",
    "aria-controls": name === "merchant" ? "merchant" : "stage", onclick: () => openTab(name),
  }, word("tab_" + name))));
}

function onTabKey(event) {
  const names = Object.keys(TABS);
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  openTab(names[(names.indexOf(state.tab) + step + names.length) % names.length]);
  $("#tab-" + state.tab).focus();
}

export async function openTab(name) {
  state.tab = name;
  document.body.dataset.tab = name;
  remember();
  drawTabs();
  $("#stage").hidden = name === "merchant";
  $("#merchant").hidden = name !== "merchant";
  const here = visit();
  try {
    if (name === "merchant") await merchant.open();
    else if (state.person) await TABS[name].open(state.person);
    else show(div("page centre", nothing(word("nobody"))));
  } catch (problem) {
    if (here.holds() || problem.gone) {
      if (!problem.gone) show(div("page centre", nothing(problem.title ?? problem.message), button(word("retry"), () => openTab(name))));
    }
    tell(problem);
  }
}

async function look() {
  const seen = await peek("/persons");
  if (!seen) return false;
  state.people = seen.persons;
  const wanted = state.person?.id ?? first.person;
  state.person = seen.persons.find((one) => one.id === wanted) ?? seen.persons[0] ?? null;
  drawPeople();
  return true;
}

async function choose(id) {
  state.people = (await ask("/persons")).persons;
  state.person = state.people.find((one) => one.id === id) ?? null;
  drawPeople();
  await Promise.all([openTab(state.tab), drawBeside()]);
}

let beating = false;
function tellTime() {
  $("#time").textContent = minute(Date.now());
}

async function beat() {
  tellTime();
  if (document.hidden || beating) return;
  beating = true;
  const before = state.person?.id;
  try {
    const there = await look();
    document.body.classList.toggle("lost", !there);
    if (!there) return;
    if (before !== state.person?.id) await openTab(state.tab);
    else if (state.tab === "merchant") await merchant.tick();
    else if (state.person) await TABS[state.tab].tick(state.person);
    if (state.tab !== "merchant") await drawBeside();
  } catch (problem) {
    if (!problem.gone && !problem.title) throw problem;
  } finally {
    beating = false;
  }
}

async function begin() {
  document.documentElement.lang = LANGUAGE === "zh" ? "zh-CN" : "en";
  document.title = word("title");
  for (const node of document.querySelectorAll("[data-word]")) node.textContent = word(node.dataset.word);
  for (const node of document.querySelectorAll("[data-label]")) node.setAttribute("aria-label", word(node.dataset.label));
  for (const node of document.querySelectorAll("[data-hint]")) {
    node.placeholder = word(node.dataset.hint);
    node.setAttribute("aria-label", word(node.dataset.hint));
  }
  tellTime();
  beginPeople(choose);
  $("#tabs").addEventListener("keydown", onTabKey);
  document.addEventListener("open-tab", (event) => openTab(event.detail));
  document.addEventListener("visibilitychange", beat);
  await look();
  await openTab(TABS[first.tab] ? first.tab : "chat");
  await busy(document.body, drawBeside);
  setInterval(beat, BEAT_MS);
}

begin();
