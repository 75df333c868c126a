"use strict";
const find = (selector) => document.querySelector(selector);
const every = (selector, root = document) => [...root.querySelectorAll(selector)];
const sheets = every(".sheet");
const links = every(".index a");
const typeNames = new Map(JSON.parse(find("#types").textContent).map((type) => [type.id, type.name]));
const data = sheets.map((sheet) => JSON.parse(sheet.querySelector("script.data").textContent));
const entries = data.flatMap(({ questions }, sheet) => questions.map((question) => ({ sheet, question })));
const list = find(".questions");
const layerKeys = { m: "masks", b: "boxes", l: "tags", d: "depth" };
const WRONG = new Set(["contradict", "misnamed", "off"]);
const HERE = "#ffd23f";
const THERE = "#79e0ee";
const ROWS_AT_ONCE = 200;
const canvas = document.createElement("canvas");
canvas.className = "space";
canvas.setAttribute("aria-label", "The scene in 3D: drag or use arrow keys to turn, scroll to zoom, hold shift to move");
const space = new Scene3D(canvas);
let current = 0;
let chosen = null; // the entry that is selected
let pointed = null; // the entry under the pointer
let touched = []; // the objects under the pointer
let shown = []; // the entries of the list
let rowsShown = 0;
let scope = "one";
let verdict = "";
let wrongOnly = false;
let spaceShown = ""; // which scene the 3D view has

function element(name, className, text) {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

// ---- what is listed

function fits(question, judging = true) {
  const type = find("#type").value;
  const noun = find("#object").value;
  const words = find("#search").value.trim().toLowerCase();
  const typed = !type || question.t === type || question.f === type;
  const judged = !judging || ((!verdict || question.b?.v === verdict) && (!wrongOnly || WRONG.has(question.b?.v)));
  return typed && judged && (!noun || question.n.includes(noun))
    && (!words || `${question.q} ${question.a} ${question.t}`.toLowerCase().includes(words));
}

function filtering() {
  return Boolean(find("#type").value || find("#object").value || find("#search").value.trim() || verdict || wrongOnly);
}

function besideNode({ v, m, s, r }, why) {
  const node = element("span", `beside ${v}`);
  node.append(element("i", "", m), element("small", "", "other lake"), element("b", "", s));
  if (r) node.append(element("em", "", r));
  if (v === "misnamed") node.append(element("span", "why", why));
  return node;
}

function hashOf({ sheet, question }) {
  return `#${data[sheet].id.slice(0, 12)}/${question.i}`;
}

function questionNode(entry) {
  const { question } = entry;
  const node = element("details", "qa");
  node.dataset.type = question.t;
  node.dataset.qa = question.i;
  const summary = element("summary");
  summary.append(element("span", "q", question.q), element("span", "a", question.a));
  if (question.b) summary.append(besideNode(question.b, question.d.find(([name]) => name === "Why")?.[1]));
  node.append(summary);
  node.addEventListener("toggle", () => {
    if (node.open && !node.querySelector("dl")) {
      const details = element("dl", "pairs");
      const link = element("a", "", "Link to this question");
      link.href = hashOf(entry);
      const place = element("dd");
      place.append(link);
      details.append(element("dt", "", "Type"), element("dd", "", `${question.t} ${typeNames.get(question.t) || ""}`));
      for (const [name, text] of question.d) details.append(element("dt", "", name), element("dd", "", text));
      details.append(element("dt", "", "Link"), place);
      node.append(details);
    }
  });
  summary.addEventListener("click", () => choose(entry));
  node.addEventListener("mouseenter", () => { pointed = entry; light(); });
  node.addEventListener("mouseleave", () => { pointed = null; light(); });
  summary.title = [`${question.t} ${typeNames.get(question.t) || ""}`, ...question.d.filter(([name]) => ["Measured", "Margin", "Why"].includes(name)).map((pair) => pair.join(": "))].join("\n");
  return node;
}

function addRows(until) {
  list.querySelector(".more")?.remove();
  let before = rowsShown ? shown[rowsShown - 1].sheet : -1;
  for (; rowsShown < Math.min(until, shown.length); rowsShown++) {
    const entry = shown[rowsShown];
    if (entry.sheet !== before && scope === "all") {
      const heading = element("button", "from", data[entry.sheet].title);
      heading.addEventListener("click", () => { choose(null); show(entry.sheet); });
      list.append(heading);
    }
    before = entry.sheet;
    list.append(questionNode(entry));
  }
  if (rowsShown < shown.length) {
    const more = element("button", "more", `Show more (${shown.length - rowsShown} left)`);
    more.addEventListener("click", () => addRows(rowsShown + ROWS_AT_ONCE));
    list.append(more);
  }
}

function fill() {
  const within = entries.filter(({ sheet }) => scope === "all" || sheet === current);
  shown = within.filter(({ question }) => fits(question));
  rowsShown = 0;
  list.replaceChildren();
  find("#count").textContent = shown.length === within.length ? `${shown.length}` : `${shown.length} of ${within.length}`;
  const where = scope === "all" ? "these images" : "this image";
  if (!shown.length) list.append(element("p", "empty", within.length ? `No question about ${where} matches.` : `No questions about ${where} yet.`));
  addRows(Math.max(ROWS_AT_ONCE, chosen ? shown.indexOf(chosen) + 1 : 0));
  for (const chip of every(".chips [data-verdict]")) {
    chip.querySelector("b").textContent = within.filter(({ question }) => question.b?.v === chip.dataset.verdict && fits(question, false)).length;
  }
  markRow();
}

function markRow() {
  for (const row of every(".qa", list)) row.classList.toggle("on", row.dataset.qa === chosen?.question.i);
  list.querySelector(".qa.on")?.scrollIntoView({ block: "nearest" });
}

// ---- what is lit: the objects of the question in hand, and the length that was measured

// The given objects together with their matches in the other lake.
function withPartners(ids) {
  const { matches } = data[current];
  const back = Object.keys(matches).filter((id) => ids.includes(matches[id]));
  return [...ids, ...ids.map((id) => matches[id]).filter(Boolean), ...back];
}

function share() {
  const input = sheets[current].querySelector(".share-of");
  return input ? Number(input.value) : 100;
}

function light() {
  const sheet = sheets[current];
  const entry = [pointed, chosen].find((one) => one?.sheet === current);
  const ids = touched.length ? withPartners(touched) : entry ? [...entry.question.o.map(String), ...(entry.question.p || [])] : [];
  const lit = new Set(ids);
  sheet.classList.toggle("focus", lit.size > 0);
  for (const node of every("[data-o]", sheet)) node.classList.toggle("lit", lit.has(node.dataset.o));
  const question = touched.length ? null : entry?.question;
  const own = lengthsOf(question?.l, question?.w, HERE);
  const other = lengthsOf(question?.b?.l, question?.b?.s, THERE);
  const labels = every(".photo .side:not(.off) .tag.lit rect", sheet).map(({ x, y, width, height }) =>
    ({ x: x.baseVal.value, y: y.baseVal.value, w: width.baseVal.value, h: height.baseVal.value }));
  drawLengths(sheet.querySelector(".lengths"), [...(share() > 0 ? own : []), ...(share() < 100 ? other : [])], labels);
  const side = sideShown();
  const boxes = ids.filter((id) => id.startsWith("b") === (side === "b")).map((id) => Number(id.replace("b", "")));
  if (space.scene) space.focus(boxes, side === "b" ? other : own);
}

function lengthsOf(lines, text, color) {
  return (lines || []).map((line, number) => ({ ...line, color, text: number ? "" : text }));
}

// ---- the scene in 3D

function sideShown() {
  const { spaces } = data[current];
  return spaces.b && (share() < 50 || !spaces[""]) ? "b" : "";
}

async function millimetersOf(grid) {
  const stream = new Blob([Scene3D.bytes(grid.mm)]).stream().pipeThrough(new DecompressionStream("deflate"));
  const values = new Uint16Array(await new Response(stream).arrayBuffer());
  for (let i = 0; i < values.length; i++) if (i % grid.width) values[i] += values[i - 1];
  return values;
}

async function rgbaOf(picture, { width, height }) {
  const image = new Image();
  image.src = picture.getAttribute("href");
  await image.decode();
  const small = document.createElement("canvas");
  [small.width, small.height] = [width, height];
  const context = small.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0, width, height);
  return context.getImageData(0, 0, width, height).data;
}

async function showSpace() {
  const [index, side] = [current, sideShown()];
  const held = data[index].spaces[side];
  const picture = sheets[index].querySelector(".picture");
  const name = `${index}${side}`;
  if (!held || !picture || spaceShown === name) return;
  const place = sheets[index].querySelector('[data-panel="space"]');
  try {
    const [millimeters, rgba] = await Promise.all([millimetersOf(held.grid), rgbaOf(picture, held.grid)]);
    if (index !== current || side !== sideShown()) return;
    place.replaceChildren(canvas);
    space.show({ ...held, cloud: Scene3D.lifted(held.grid, millimeters, rgba, held.pose, held.camera) });
    spaceShown = name;
    light();
  } catch {
    place.replaceChildren(element("p", "empty", "This browser cannot unpack the scene; the image and the floor plan show the same."));
  }
}

// ---- the image in view

function placeTags() {
  const sheet = sheets[current];
  const colors = new Map(every("[data-o][style]", sheet).map((node) => [node.dataset.o, node.style.getPropertyValue("--c")]));
  for (const layer of every(".tags", sheet)) drawTags(layer, data[current].tags[layer.dataset.tags], colors);
  light();
}

function slide() {
  const sheet = sheets[current];
  const cut = sheet.querySelector(".cut");
  if (cut) {
    const { width } = sheet.querySelector(".photo svg").viewBox.baseVal;
    const at = (share() / 100) * width;
    cut.setAttribute("width", at);
    const rest = sheet.querySelector(".cut-b");
    rest.setAttribute("x", at);
    rest.setAttribute("width", width - at);
    const split = sheet.querySelector(".split");
    for (const name of ["x1", "x2"]) split.setAttribute(name, at);
    split.classList.toggle("between", at > 0 && at < width);
    for (const side of every(".side", sheet)) side.classList.toggle("off", side.dataset.side === "here" ? at === 0 : at === width);
  }
  light();
  showSpace();
}

function note(hash) {
  history.replaceState(null, "", hash);
}

function showGrid() {
  find(".start").hidden = false;
  find(".work").hidden = true;
  document.body.classList.remove("working");
  find("#position").textContent = `${sheets.length}`;
  note("#");
}

function show(index, keepHash) {
  const before = current;
  current = Math.min(Math.max(index, 0), sheets.length - 1);
  if (chosen && chosen.sheet !== current) chosen = null;
  touched = [];
  find(".start").hidden = true;
  find(".work").hidden = false;
  document.body.classList.add("working");
  if (before !== current) {
    const slider = sheets[before].querySelector(".share-of");
    const own = sheets[current].querySelector(".share-of");
    if (slider && own) own.value = slider.value;
  }
  sheets.forEach((sheet, number) => { sheet.hidden = number !== current; });
  links.forEach((link, number) => link.classList.toggle("on", number === current));
  find("#position").textContent = `${current + 1} / ${sheets.length}`;
  if (!keepHash) note(chosen ? hashOf(chosen) : `#${data[current].id.slice(0, 12)}`);
  if (scope === "one" || !keepHash) fill();
  placeTags();
  slide();
}

function choose(entry) {
  chosen = entry;
  if (!entry) return;
  note(hashOf(entry));
  if (entry.sheet !== current || find(".work").hidden) show(entry.sheet, true);
  markRow();
  light();
}

// Show what the address names: an image, or a question about it.
function follow() {
  const [image, qa] = location.hash.slice(1).split("/");
  const index = image ? data.findIndex(({ id }) => id.startsWith(image)) : -1;
  if (index < 0) return sheets.length === 1 && !find(".browse:not([data-alone])") ? show(0) : showGrid();
  chosen = entries.find(({ sheet, question }) => sheet === index && question.i === qa) || null;
  if (chosen && !fits(chosen.question)) clear();
  show(index, true);
  fill();
  return undefined;
}

// ---- filters

function refilter() {
  links.forEach((link, number) => {
    const count = data[number].questions.filter((question) => fits(question)).length;
    link.querySelector(".badge").textContent = count;
    link.classList.toggle("none", !count && filtering());
  });
  for (const button of every("[data-verdict]")) button.setAttribute("aria-pressed", String(button.dataset.verdict === verdict));
  find("#wrong")?.setAttribute("aria-pressed", String(wrongOnly));
  setScope(filtering() ? "all" : scope);
}

function setScope(wanted) {
  scope = wanted;
  for (const button of every("[data-scope]")) button.setAttribute("aria-pressed", String(button.dataset.scope === scope));
  fill();
}

function judge(change) {
  change();
  if (!find(".start").hidden) {
    const first = entries.find(({ question }) => fits(question));
    if (first && filtering()) show(first.sheet);
  }
  refilter();
}

function clear() {
  for (const id of ["#type", "#object", "#search"]) find(id).value = "";
  [verdict, wrongOnly, scope] = ["", false, "one"];
  refilter();
}

function step(by) {
  const at = shown.indexOf(chosen);
  const next = at < 0 ? (by > 0 ? 0 : shown.length - 1) : at + by;
  if (!shown[next]) return;
  if (next >= rowsShown) addRows(next + ROWS_AT_ONCE);
  choose(shown[next]);
}

function toggleLayer(layer) {
  const flag = layer === "depth" ? "show-depth" : `hide-${layer}`;
  const set = document.body.classList.toggle(flag);
  const pressed = layer === "depth" ? set : !set;
  for (const button of every(`[data-layer=${layer}]`)) button.setAttribute("aria-pressed", String(pressed));
  placeTags();
}

function flip() {
  const slider = sheets[current].querySelector(".share-of");
  if (!slider) return;
  slider.value = share() >= 50 ? 0 : 100;
  slide();
}

function pickTab(button) {
  const card = button.closest(".lower");
  for (const tab of every("[role=tab]", card)) tab.setAttribute("aria-selected", String(tab === button));
  for (const panel of every(".panel", card)) panel.hidden = panel.dataset.panel !== button.dataset.tab;
  card.classList.toggle("turns", button.dataset.tab === "space");
  placeTags();
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target === canvas) return;
  if (event.target.matches("input, select")) {
    if (event.key === "Escape") { event.target.blur(); if (event.target.id === "search") clear(); }
    return;
  }
  const works = !find(".work").hidden;
  if (event.key === "/") { event.preventDefault(); find("#search").focus(); }
  else if (event.key === "g") showGrid();
  else if (event.key === "w" && find("#wrong")) judge(() => { wrongOnly = !wrongOnly; });
  else if (event.key === "Escape") { chosen = null; clear(); light(); }
  else if (event.key === "ArrowLeft" || event.key === "ArrowRight") show(works ? current + (event.key === "ArrowLeft" ? -1 : 1) : 0);
  else if (works && (event.key === "ArrowDown" || event.key === "ArrowUp")) { event.preventDefault(); step(event.key === "ArrowDown" ? 1 : -1); }
  else if (works && event.key === "Enter" && !event.target.matches("button, a, summary")) { const row = list.querySelector(".qa.on"); if (row) row.open = !row.open; }
  else if (works && event.key === "t") flip();
  else if (works && layerKeys[event.key]) toggleLayer(layerKeys[event.key]);
}

for (const button of every("[data-layer]")) button.addEventListener("click", () => toggleLayer(button.dataset.layer));
for (const button of every("[data-verdict]")) button.addEventListener("click", () => judge(() => { verdict = verdict === button.dataset.verdict ? "" : button.dataset.verdict; }));
find("#wrong")?.addEventListener("click", () => judge(() => { wrongOnly = !wrongOnly; }));
for (const button of every("[data-scope]")) button.addEventListener("click", () => setScope(button.dataset.scope));
for (const button of every("[role=tab]")) button.addEventListener("click", () => pickTab(button));
for (const slider of every(".share-of")) slider.addEventListener("input", slide);
for (const card of every(".lower")) pickFirst(card);
function pickFirst(card) {
  const first = card.querySelector("[role=tab]");
  for (const tab of every("[role=tab]", card)) tab.setAttribute("aria-selected", String(tab === first));
  for (const panel of every(".panel", card)) panel.hidden = panel.dataset.panel !== first.dataset.tab;
  card.classList.toggle("turns", first.dataset.tab === "space");
}
for (const node of every(".objects li, .masks path, .feet g")) {
  node.addEventListener("mouseenter", () => { touched = [node.dataset.o]; light(); });
  node.addEventListener("mouseleave", () => { touched = []; light(); });
}
links.forEach((link, number) => link.addEventListener("click", (event) => { event.preventDefault(); chosen = null; show(number); window.scrollTo(0, 0); }));
for (const id of ["#home", "#grid"]) find(id).addEventListener("click", showGrid);
find("#previous").addEventListener("click", () => show(current - 1));
find("#next").addEventListener("click", () => show(current + 1));
document.addEventListener("keydown", onKey);
find("#type").addEventListener("change", () => judge(() => {}));
find("#object").addEventListener("change", () => judge(() => {}));
find("#search").addEventListener("input", () => judge(() => {}));
window.addEventListener("resize", () => { if (!find(".work").hidden) placeTags(); });
window.addEventListener("hashchange", follow);
refilter();
follow();
