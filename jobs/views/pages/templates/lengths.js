"use strict";
// Measured lengths on an image, as dimension lines between the points where they were measured.

// Draw into a layer: `px` both ends (null where the image does not show them), color and text of each length. The texts
// keep off what is `taken`.
function drawLengths(layer, lengths, taken = []) {
  layer.replaceChildren();
  const svg = layer.ownerSVGElement;
  const view = svg.viewBox.baseVal;
  const frame = svg.getBoundingClientRect();
  if (!frame.width || !frame.height) return;
  const unit = Math.max(view.width / frame.width, view.height / frame.height);
  for (const { px, color, text } of lengths) {
    if (!px) continue;
    // the center of the top-left pixel is 0, 0 where it is measured, and 0.5, 0.5 where it is drawn
    const [x1, y1, x2, y2] = px.map((value) => value + 0.5);
    const group = shape("g", { style: `--c:${color}` }, layer);
    for (const name of ["under", "length"]) shape("line", { x1, y1, x2, y2, class: name }, group);
    for (const [cx, cy] of [[x1, y1], [x2, y2]]) shape("circle", { cx, cy, r: 4.5 * unit }, group);
    if (text) drawLength(group, text, { x: (x1 + x2) / 2, y: (y1 + y2) / 2 }, unit, taken, view);
  }
}

// The text of a length stands beside its line, and over no other text.
function drawLength(group, text, middle, unit, taken, view) {
  const label = shape("text", { "font-size": 13 * unit, "stroke-width": 3.5 * unit }, group);
  label.textContent = text;
  const [w, h] = [label.getComputedTextLength(), 16 * unit];
  const x = Math.min(Math.max(middle.x, w / 2 + 4 * unit), view.width - w / 2 - 4 * unit);
  const spots = [-10, 22, -28, 40, -46, 58, -64].map((far) => middle.y + far * unit);
  const free = (y) => y - h > 0 && y < view.height && !taken.some((other) => overlaps({ x: x - w / 2, y: y - h, w, h }, other));
  const y = spots.find(free) ?? spots[0];
  taken.push({ x: x - w / 2, y: y - h, w, h });
  label.setAttribute("x", x);
  label.setAttribute("y", y);
}
