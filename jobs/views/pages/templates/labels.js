"use strict";
// Labels keep their size on the screen at any image size and avoid each other.
const SVG = "http://www.w3.org/2000/svg";

function shape(name, attributes, parent) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  parent.appendChild(node);
  return node;
}

function overlaps(a, b) {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

function places(tag, w, h, unit) {
  const center = [tag.x - w / 2, tag.y - h / 2];
  const spots = [];
  for (const far of [14, 32, 54]) {
    const d = Math.sqrt(tag.s) * 0.5 + far * unit;
    spots.push([tag.x - w / 2, tag.y - h / 2 - d], [tag.x - w / 2, tag.y - h / 2 + d], [tag.x + d, tag.y - h / 2],
      [tag.x - w - d, tag.y - h / 2], [tag.x + d * 0.7, tag.y - h - d * 0.7], [tag.x - w - d * 0.7, tag.y - h - d * 0.7],
      [tag.x + d * 0.7, tag.y + d * 0.7], [tag.x - w - d * 0.7, tag.y + d * 0.7]);
  }
  // A small object would disappear under its own label.
  return tag.s > 2 * w * h ? [center, ...spots] : [...spots, center];
}

function settle(tag, w, h, unit, view, taken) {
  for (const [left, top] of places(tag, w, h, unit)) {
    const x = Math.min(Math.max(left, 2 * unit), view.width - w - 2 * unit);
    const y = Math.min(Math.max(top, 2 * unit), view.height - h - 2 * unit);
    const box = { x, y, w, h };
    if (!taken.some((other) => overlaps(box, other))) return box;
  }
  return null;
}

function drawTag(layer, tag, text, unit, view, taken, color) {
  const group = shape("g", { class: "tag", "data-o": tag.o, style: `--c:${color}` }, layer);
  const label = shape("text", { "font-size": 12 * unit, "dominant-baseline": "central" }, group);
  label.textContent = text;
  const w = label.getComputedTextLength() + 12 * unit;
  const h = 19 * unit;
  const box = w > view.width ? null : settle(tag, w, h, unit, view, taken);
  if (!box) { group.remove(); return false; }
  taken.push(box);
  label.setAttribute("x", box.x + 6 * unit);
  label.setAttribute("y", box.y + h / 2);
  const frame = shape("rect", { x: box.x, y: box.y, width: w, height: h, rx: 5 * unit, "stroke-width": 1.2 * unit }, group);
  group.insertBefore(frame, label);
  const inside = overlaps({ x: tag.x, y: tag.y, w: 0.01, h: 0.01 }, box);
  if (!inside) {
    const end = { x: Math.min(Math.max(tag.x, box.x), box.x + w), y: Math.min(Math.max(tag.y, box.y), box.y + h) };
    group.insertBefore(shape("line", { x1: tag.x, y1: tag.y, x2: end.x, y2: end.y }, group), frame);
    group.insertBefore(shape("circle", { cx: tag.x, cy: tag.y, r: 3 * unit }, group), frame);
  }
  return true;
}

function drawTags(layer, tags, colors) {
  const svg = layer.ownerSVGElement;
  const view = svg.viewBox.baseVal;
  const frame = svg.getBoundingClientRect();
  layer.replaceChildren();
  if (!frame.width || !frame.height) return;
  const unit = Math.max(view.width / frame.width, view.height / frame.height);
  const shown = view.width / unit;
  svg.style.setProperty("--unit", unit);
  const taken = [];
  for (const tag of tags) {
    const name = tag.t.length > 34 ? `${[...tag.t].slice(0, 33).join("")}…` : tag.t;
    const number = String(tag.n ?? tag.o);
    const long = `${number}  ${name}`;
    const color = colors.get(String(tag.o));
    const roomy = shown >= 480 || tags.length <= 4;
    if (!(roomy && drawTag(layer, tag, long, unit, view, taken, color))) {
      drawTag(layer, tag, number, unit, view, taken, color);
    }
  }
}
