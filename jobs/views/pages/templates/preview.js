"use strict";
const sheets = [...document.querySelectorAll(".sheet")];
const links = [...document.querySelectorAll(".index a")];
const typeNames = new Map(JSON.parse(document.getElementById("types").textContent).map((type) => [type.id, type.name]));
const data = sheets.map((sheet) => JSON.parse(sheet.querySelector("script.data").textContent));
const typeBox = document.getElementById("type");
const searchBox = document.getElementById("search");
const layerKeys = { m: "masks", b: "boxes", l: "tags", d: "depth" };
let current = 0;
let verdict = "";

function element(name, className, text) {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

function wanted(question) {
  const type = typeBox.value;
  const words = searchBox.value.trim().toLowerCase();
  const typed = !type || question.t === type || question.f === type;
  const judged = !verdict || question.b?.v === verdict;
  return typed && judged && (!words || `${question.q} ${question.a} ${question.t}`.toLowerCase().includes(words));
}

function groups(questions, key) {
  const found = new Map();
  for (const question of questions) found.set(question[key], [...(found.get(question[key]) || []), question]);
  return found;
}

// The given objects together with their matches in the other lake.
function withPartners(sheet, ids) {
  const { matches } = data[sheets.indexOf(sheet)];
  const partners = ids.map((id) => matches[id]).filter(Boolean);
  const back = Object.keys(matches).filter((id) => ids.includes(matches[id]));
  return [...ids, ...partners, ...back];
}

function besideNode({ v, m, s, r }) {
  const node = element("span", `beside ${v}`);
  node.append(element("i", "", m), element("small", "", "other lake"), element("b", "", s));
  if (r) node.append(element("em", "", r));
  return node;
}

function questionNode(sheet, question) {
  const node = element("details", "qa");
  node.dataset.type = question.t;
  const summary = element("summary");
  summary.append(element("span", "q", question.q), element("span", "a", question.a));
  if (question.b) summary.append(besideNode(question.b));
  node.append(summary);
  node.addEventListener("toggle", () => {
    if (node.open && !node.querySelector("dl")) {
      const list = element("dl", "pairs");
      list.append(element("dt", "", "Type"), element("dd", "", `${question.t} ${typeNames.get(question.t) || ""}`));
      for (const [name, text] of question.d) list.append(element("dt", "", name), element("dd", "", text));
      node.append(list);
    }
  });
  node.addEventListener("mouseenter", () => focusObjects(sheet, [...question.o.map(String), ...(question.p || [])]));
  node.addEventListener("mouseleave", () => focusObjects(sheet, []));
  const margin = question.d.filter(([name]) => ["Measured", "Margin"].includes(name)).map((pair) => pair.join(": "));
  summary.title = [question.t, ...margin].join("\n");
  return node;
}

function fillQuestions(index) {
  const sheet = sheets[index];
  const all = data[index].questions;
  const shown = all.filter(wanted);
  const place = sheet.querySelector(".questions");
  sheet.querySelector(".shown").textContent = shown.length === all.length ? `${all.length}` : `${shown.length} of ${all.length}`;
  if (!all.length) return;
  place.replaceChildren();
  if (!shown.length) place.append(element("p", "empty", "No question about this image matches."));
  for (const [family, members] of groups(shown, "f")) {
    place.append(element("h3", "", `${family} · ${members.length}`));
    for (const [type, questions] of groups(members, "t")) {
      const heading = element("h4");
      heading.append(element("code", "", type), element("span", "", typeNames.get(type) || ""));
      place.append(heading, ...questions.map((question) => questionNode(sheet, question)));
    }
  }
}

function focusObjects(sheet, ids) {
  const chosen = new Set(ids);
  sheet.classList.toggle("focus", chosen.size > 0);
  for (const node of sheet.querySelectorAll("[data-o]")) node.classList.toggle("lit", chosen.has(node.dataset.o));
  const tags = data[sheets.indexOf(sheet)].tags;
  for (const layer of sheet.querySelectorAll(".links")) {
    layer.replaceChildren();
    const side = layer.nextElementSibling.dataset.tags;
    const ends = ids.map((id) => tags[side].find((tag) => String(tag.o) === id)).filter(Boolean);
    if (ends.length === 2) shape("line", { x1: ends[0].x, y1: ends[0].y, x2: ends[1].x, y2: ends[1].y }, layer);
  }
}

function placeTags(sheet) {
  const colors = new Map();
  for (const node of sheet.querySelectorAll("[data-o][style]")) colors.set(node.dataset.o, node.style.getPropertyValue("--c"));
  const tags = data[sheets.indexOf(sheet)].tags;
  for (const layer of sheet.querySelectorAll(".tags")) drawTags(layer, tags[layer.dataset.tags], colors);
}

function show(index) {
  current = Math.min(Math.max(index, 0), sheets.length - 1);
  sheets.forEach((sheet, number) => { sheet.hidden = number !== current; });
  links.forEach((link, number) => link.classList.toggle("on", number === current));
  document.getElementById("position").textContent = `${current + 1} / ${sheets.length}`;
  history.replaceState(null, "", `#${current + 1}`);
  const strip = links[current].parentElement;
  strip.scrollTop = links[current].offsetTop - strip.offsetTop - strip.clientHeight / 3;
  strip.scrollLeft = links[current].offsetLeft - strip.offsetLeft - strip.clientWidth / 3;
  fillQuestions(current);
  placeTags(sheets[current]);
}

function refilter() {
  links.forEach((link, number) => {
    const count = data[number].questions.filter(wanted).length;
    link.querySelector(".badge").textContent = count;
    link.classList.toggle("none", !count && Boolean(typeBox.value || searchBox.value || verdict));
  });
  fillQuestions(current);
}

function keepVerdict(wish) {
  verdict = verdict === wish ? "" : wish;
  for (const button of document.querySelectorAll("[data-verdict]")) button.setAttribute("aria-pressed", button.dataset.verdict === verdict);
  refilter();
}

function toggleLayer(layer) {
  const flag = layer === "depth" ? "show-depth" : `hide-${layer}`;
  const set = document.body.classList.toggle(flag);
  const pressed = layer === "depth" ? set : !set;
  for (const button of document.querySelectorAll(`[data-layer=${layer}]`)) button.setAttribute("aria-pressed", pressed);
  placeTags(sheets[current]);
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("input, select")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (event.key === "ArrowLeft") show(current - 1);
  else if (event.key === "ArrowRight") show(current + 1);
  else if (event.key === "/") { event.preventDefault(); searchBox.focus(); }
  else if (layerKeys[event.key]) toggleLayer(layerKeys[event.key]);
}

for (const button of document.querySelectorAll("[data-layer]")) button.addEventListener("click", () => toggleLayer(button.dataset.layer));
for (const button of document.querySelectorAll("[data-verdict]")) button.addEventListener("click", () => keepVerdict(button.dataset.verdict));
for (const sheet of sheets) {
  for (const node of sheet.querySelectorAll(".objects li, .masks path, .feet g")) {
    node.addEventListener("mouseenter", () => focusObjects(sheet, withPartners(sheet, [node.dataset.o])));
    node.addEventListener("mouseleave", () => focusObjects(sheet, []));
  }
}
links.forEach((link, number) => link.addEventListener("click", (event) => { event.preventDefault(); show(number); window.scrollTo(0, 0); }));
document.getElementById("previous").addEventListener("click", () => show(current - 1));
document.getElementById("next").addEventListener("click", () => show(current + 1));
document.addEventListener("keydown", onKey);
typeBox.addEventListener("change", refilter);
searchBox.addEventListener("input", refilter);
window.addEventListener("resize", () => placeTags(sheets[current]));
window.addEventListener("hashchange", () => show((Number(location.hash.slice(1)) || 1) - 1));
show((Number(location.hash.slice(1)) || 1) - 1);
