"use strict";
const COLORS = ["#ffd23f", "#3ddc97", "#58a6ff", "#ff7b72", "#d2a8ff", "#ffa657", "#79e0ee", "#f778ba"];
const STATES = { answered: "Answer", refused: "Cannot be told", stopped: "Stopped" };
const find = (selector) => document.querySelector(selector);
const model = document.body.dataset.model;
const photo = find(".photo");
const space = new Scene3D(find(".scene"));
let sent = null; // what the server was given about the image: its data URL, and what is known
let shown = null; // the scene of it
let marks = []; // the lengths and points of the steps so far

function element(name, className, text) {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

function complain(text) {
  find(".error").textContent = text;
  find(".error").hidden = !text;
}

function wait(text) {
  find(".busy span").textContent = text;
  find(".busy").hidden = !text;
}

function dataUrl(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.replace(/^data:[^,]*,/, "data:application/octet-stream;base64,"));
    reader.onerror = () => reject(new Error(`${file.name} cannot be read.`));
    reader.readAsDataURL(file);
  });
}

async function post(path, document) {
  const token = find("#token")?.value.trim();
  const headers = { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) };
  let response;
  try {
    response = await fetch(path, { method: "POST", headers, body: JSON.stringify(document) });
  } catch {
    throw new Error("The server does not answer; check that it runs.");
  }
  if (response.ok) return response;
  const told = await response.json().catch(() => null);
  throw new Error(told?.error?.message || `The server answered ${response.status}.`);
}

async function open(file) {
  complain("");
  wait("Measuring the image…");
  find(".start").hidden = true;
  find(".work").hidden = true;
  try {
    const about = {};
    const [depth] = find("#depth").files;
    const focal = Number(find("#focal").value);
    if (depth) about.depth = await dataUrl(depth);
    if (focal > 0) about.focal_px = focal;
    sent = { image: await dataUrl(file), spatiallake: about };
    shown = await (await post("v1/scenes", sent)).json();
  } catch (error) {
    complain(error.message);
    find(".start").hidden = false;
    find(".another").hidden = true;
    return;
  } finally {
    wait("");
  }
  for (const known of ["#depth", "#focal"]) find(known).value = ""; // of this image, and not of the next
  find(".another").hidden = false;
  find(".work").hidden = false;
  show();
}

function show() {
  const { width, height, image, depth, objects, notes, examples } = shown;
  photo.setAttribute("viewBox", `0 0 ${width} ${height}`);
  for (const [selector, url] of [[".pixels", image], [".depth", depth?.uri]]) {
    const node = photo.querySelector(selector);
    node.setAttribute("width", width);
    node.setAttribute("height", height);
    node.setAttribute("href", url || "");
  }
  find(".near").textContent = depth?.near || "";
  find(".far").textContent = depth?.far || "";
  for (const layer of [".masks", ".boxes"]) photo.querySelector(layer).replaceChildren();
  for (const object of objects) {
    shape("path", { d: object.outline, style: `--c:${object.color}` }, photo.querySelector(".masks"));
    for (const [x1, y1, x2, y2, hidden] of object.edges) {
      const ends = { x1: x1 + 0.5, y1: y1 + 0.5, x2: x2 + 0.5, y2: y2 + 0.5 };
      shape("line", { ...ends, style: `--c:${object.color}`, ...(hidden && { class: "far" }) }, photo.querySelector(".boxes"));
    }
  }
  listObjects(objects, notes);
  find(".examples").replaceChildren(...examples.map((text) => {
    const button = element("button", "", text);
    button.type = "button";
    button.addEventListener("click", () => {
      find("#question").value = text;
      ask(text);
    });
    return button;
  }));
  const boxes = objects.filter((object) => object.box_m.length)
    .map(({ box_m, color, name }) => ({ corners: box_m, color, name }));
  space.show({ ...shown, cloud: Scene3D.unpacked(shown.cloud), boxes });
  begin("");
  slide();
  arrange();
}

function listObjects(objects, notes) {
  find(".count").textContent = objects.length;
  find(".objects").replaceChildren(...objects.map((object) => {
    const item = element("li");
    item.style.setProperty("--c", object.color);
    const measures = element("span", "measures");
    measures.append(element("b", "", object.distance), element("span", "", object.size));
    measures.title = "Distance, and width × height × depth";
    item.append(element("span", "dot", object.id), element("span", "name", object.name), measures);
    return item;
  }));
  find(".notes").replaceChildren(...notes.map((note) => element("li", "", note)));
}

// Labels and strokes keep their size on the screen.
function arrange() {
  if (!shown || !photo.clientWidth) return;
  const colors = new Map(shown.objects.map((object) => [String(object.id), object.color]));
  const area = (object) => Math.abs(object.edges.reduce((sum, [x1, y1, x2, y2]) => sum + Math.hypot(x2 - x1, y2 - y1), 0) / 12) ** 2;
  const tags = shown.objects.filter((object) => object.anchor)
    .map((object) => ({ o: object.id, t: object.name, x: object.anchor[0], y: object.anchor[1], s: area(object) }));
  drawTags(photo.querySelector(".tags"), tags, colors);
  drawMarks();
}

function slide() {
  const share = shown?.depth ? Number(find("#share").value) / 100 : 0;
  const { width = 0, height = 0 } = shown || {};
  find("#shown rect").setAttribute("width", share * width);
  const ends = { x1: share * width, x2: share * width, y1: 0, y2: height };
  for (const [key, value] of Object.entries(ends)) photo.querySelector(".split").setAttribute(key, value);
  photo.querySelector(".split").style.visibility = share > 0 && share < 1 ? "visible" : "hidden";
}

function begin(text) {
  marks = [];
  drawMarks();
  space.showLines([]);
  find(".calls").replaceChildren();
  const answer = find(".answer");
  answer.className = "answer";
  answer.textContent = text;
  answer.hidden = !text;
}

function drawMarks() {
  photo.classList.toggle("faded", marks.length > 0);
  drawLengths(photo.querySelector(".lengths"), shown ? marks : []);
}

function addStep(step) {
  const item = element("li", step.failed ? "bad" : step.ends ? "end" : "good");
  const call = element("p", "call");
  call.append(element("b", "", step.tool), ` ${step.text}`);
  const body = element("div");
  body.append(call, element("p", "outcome", step.outcome));
  item.append(element("span", "result", step.result), body);
  if (step.lines.length) {
    const color = COLORS[new Set(marks.map((mark) => mark.result)).size % COLORS.length];
    item.style.setProperty("--c", color);
    step.lines.forEach((line, number) => {
      marks.push({ ...line, color, result: step.result, text: number ? "" : `${step.result}: ${step.said}` });
    });
    drawMarks();
    space.showLines(marks);
  }
  find(".calls").append(item);
}

function conclude(ended) {
  const answer = find(".answer");
  answer.className = `answer ${ended.state}`;
  answer.replaceChildren(element("b", "", STATES[ended.state]), ended.text);
  answer.hidden = false;
}

// The events of a stream, as their JSON.
async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    held += part.value;
    const whole = held.split("\n\n");
    held = whole.pop();
    for (const text of whole) {
      const line = text.replace(/^data: /, "");
      if (line !== "[DONE]") yield JSON.parse(line);
    }
  }
}

async function ask(question) {
  if (!question.trim() || find(".go").disabled) return;
  complain("");
  begin("…");
  find(".go").disabled = true;
  const content = [{ type: "image_url", image_url: { url: sent.image } }, { type: "text", text: question }];
  const document = { model, stream: true, messages: [{ role: "user", content }], spatiallake: sent.spatiallake };
  try {
    for await (const chunk of events(await post("v1/chat/completions", document))) {
      if (chunk.error) throw new Error(chunk.error.message);
      if (chunk.spatiallake?.step) addStep(chunk.spatiallake.step);
      if (chunk.spatiallake?.end) conclude(chunk.spatiallake.end);
    }
  } catch (error) {
    begin("");
    complain(error.message);
  } finally {
    find(".go").disabled = false;
  }
}

for (const input of document.querySelectorAll(".file")) {
  input.addEventListener("change", () => {
    if (input.files.length) open(input.files[0]);
    input.value = "";
  });
}
find(".another").addEventListener("click", () => {
  complain("");
  find(".start").hidden = false;
  find(".work").hidden = true;
  find(".another").hidden = true;
});
for (const name of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    document.body.classList.toggle("over", name === "dragover");
    if (name === "drop" && event.dataTransfer.files.length) open(event.dataTransfer.files[0]);
  });
}
for (const button of document.querySelectorAll("[data-layer]")) {
  button.addEventListener("click", () => {
    const hides = button.getAttribute("aria-pressed") === "true";
    button.setAttribute("aria-pressed", String(!hides));
    photo.classList.toggle(`hide-${button.dataset.layer}`, hides);
  });
}
find("#share").addEventListener("input", slide);
find("#home").addEventListener("click", () => shown && space.home());
find("#ask").addEventListener("submit", (event) => {
  event.preventDefault();
  ask(find("#question").value);
});
new ResizeObserver(arrange).observe(photo);
