"use strict";
// A scene to turn in 3D: points with colors, boxes and measured lines. It draws by itself into the pixels of a canvas,
// with a depth buffer of its own: that works without WebGL, and for any number of scenes on one page.
const BOX_EDGES = [[0, 1], [1, 2], [2, 3], [3, 0], [4, 5], [5, 6], [6, 7], [7, 4], [0, 4], [1, 5], [2, 6], [3, 7]];

class Scene3D {
  static NEAR_M = 0.05;
  static MAX_PX = 1.2e6;

  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.scene = null;
    this.lines = [];
    this.lit = new Set();
    this.pointers = new Map();
    canvas.tabIndex = 0;
    this.listen();
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  // Show a scene: its points, from `Scene3D.unpacked` or `Scene3D.lifted`, `boxes` with corners (bottom four first),
  // color and name, and the pose [12] and intrinsics of its camera. Everything is in m, z up.
  show({ cloud, boxes, pose, camera, width, height }) {
    const [, , fx, tx, , , fy, ty, , , fz, tz] = pose;
    this.scene = { ...cloud, boxes, frustum: Scene3D.frustum(pose, camera, width, height) };
    this.eye = [tx, ty, tz];
    this.ahead = [fx, fy, fz];
    this.lines = [];
    this.home();
  }

  // The points of a cloud as the server packs it.
  static unpacked(cloud) {
    const millimeters = new Int16Array(Scene3D.bytes(cloud.xyz).buffer);
    const rgb = Scene3D.bytes(cloud.rgb);
    const colors = new Uint32Array(cloud.count);
    for (let i = 0; i < cloud.count; i++) {
      colors[i] = 0xff000000 | (rgb[3 * i + 2] << 16) | (rgb[3 * i + 1] << 8) | rgb[3 * i];
    }
    const sizes = Float32Array.from(Scene3D.bytes(cloud.size), (value) => value * cloud.size_m);
    return { points: Float32Array.from(millimeters, (value) => value / 1000), colors, sizes };
  }

  // The points of a depth grid (mm, row by row), with the colors of the image: RGBA of the grid's size.
  static lifted(grid, millimeters, rgba, pose, camera) {
    const { step, width, height } = grid;
    const all = new Float32Array(3 * width * height);
    for (let i = 0; i < width * height; i++) {
      const z = millimeters[i] / 1000;
      const x = ((Math.floor(step / 2) + step * (i % width) - camera.cx) / camera.fx) * z;
      const y = ((Math.floor(step / 2) + step * Math.floor(i / width) - camera.cy) / camera.fy) * z;
      for (let k = 0; k < 3; k++) all[3 * i + k] = pose[4 * k] * x + pose[4 * k + 1] * y + pose[4 * k + 2] * z + pose[4 * k + 3];
    }
    const apart = (i, j) => Math.hypot(all[3 * i] - all[3 * j], all[3 * i + 1] - all[3 * j + 1], all[3 * i + 2] - all[3 * j + 2]);
    const points = [];
    const colors = [];
    const sizes = [];
    for (let i = 0; i < width * height; i++) {
      if (!millimeters[i]) continue;
      // As wide as its neighbors on the same surface are apart; one much farther away lies on another.
      const facing = (millimeters[i] / 1000) * (step / camera.fx);
      const right = (i + 1) % width && millimeters[i + 1] ? apart(i, i + 1) : 0;
      const below = i + width < width * height && millimeters[i + width] ? apart(i, i + width) : 0;
      sizes.push(Math.max(facing, ...[right, below].filter((far) => far < 8 * facing)));
      points.push(all[3 * i], all[3 * i + 1], all[3 * i + 2]);
      colors.push((0xff000000 | (rgba[4 * i + 2] << 16) | (rgba[4 * i + 1] << 8) | rgba[4 * i]) >>> 0);
    }
    return { points: Float32Array.from(points), colors: Uint32Array.from(colors), sizes: Float32Array.from(sizes) };
  }

  // Draw lines between measured points: ends_m, color and text of each.
  showLines(lines) {
    this.lines = lines;
    this.draw();
  }

  // Show the boxes of some objects alone, by the `o` of their boxes; of all where none is given.
  focus(objects, lines) {
    this.lit = new Set(objects);
    this.showLines(lines);
  }

  get boxes() {
    return this.lit.size ? this.scene.boxes.filter((box) => this.lit.has(box.o)) : this.scene.boxes;
  }

  // Look from a little above and beside where the image was taken.
  home() {
    const middle = [0, 1, 2].map((axis) => {
      const values = this.scene.points.filter((_, i) => i % 3 === axis).sort();
      return values.length ? values[values.length >> 1] : this.eye[axis] + this.ahead[axis];
    });
    this.target = middle;
    this.radius = 1.15 * Math.max(0.3, Math.hypot(...middle.map((value, axis) => value - this.eye[axis])));
    this.yaw = Math.atan2(-this.ahead[1], -this.ahead[0]) + 0.35;
    this.pitch = Math.max(0.3, Math.asin(Math.max(-1, Math.min(1, -this.ahead[2]))) + 0.12);
    this.draw();
  }

  turn(yaw, pitch) {
    this.yaw += yaw;
    this.pitch = Math.max(-1.5, Math.min(1.5, this.pitch + pitch));
    this.draw();
  }

  zoom(factor) {
    this.radius = Math.max(0.1, Math.min(100, this.radius * factor));
    this.draw();
  }

  // Move by shares of the view's height.
  pan(right, up) {
    const view = this.view(1, 1);
    const reach = 0.8 * this.radius;
    this.target = this.target.map((value, i) => value - reach * (right * view.right[i] - up * view.up[i]));
    this.draw();
  }

  listen() {
    const { canvas, pointers } = this;
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      pointers.set(event.pointerId, event);
    });
    for (const name of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(name, (event) => pointers.delete(event.pointerId));
    }
    canvas.addEventListener("pointermove", (event) => {
      const before = pointers.get(event.pointerId);
      if (!before || !this.scene) return;
      const dx = event.clientX - before.clientX;
      const dy = event.clientY - before.clientY;
      if (pointers.size === 2) this.pinch(event);
      else if (event.shiftKey || event.buttons === 2) this.pan(dx / canvas.clientHeight, dy / canvas.clientHeight);
      else this.turn(-dx * 0.008, dy * 0.008);
      pointers.set(event.pointerId, event);
    });
    canvas.addEventListener("wheel", (event) => {
      if (!this.scene) return;
      event.preventDefault();
      this.zoom(Math.exp(Math.sign(event.deltaY) * 0.12));
    }, { passive: false });
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    canvas.addEventListener("dblclick", () => this.scene && this.home());
    const keys = {
      ArrowLeft: () => this.turn(-0.12, 0), ArrowRight: () => this.turn(0.12, 0), ArrowUp: () => this.turn(0, 0.1),
      ArrowDown: () => this.turn(0, -0.1), "+": () => this.zoom(0.85), "-": () => this.zoom(1.18), Home: () => this.home(),
    };
    canvas.addEventListener("keydown", (event) => {
      if (!this.scene || !keys[event.key]) return;
      event.preventDefault();
      keys[event.key]();
    });
  }

  // Two fingers move the scene together, and zoom it apart.
  pinch(event) {
    const [other] = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, held]) => held);
    const before = this.pointers.get(event.pointerId);
    const apart = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY) || 1;
    this.zoom(apart(before) / apart(event));
    const height = 2 * this.canvas.clientHeight;
    this.pan((event.clientX - before.clientX) / height, (event.clientY - before.clientY) / height);
  }

  // Draw with the next frame; many changes make one.
  draw() {
    if (this.waits || !this.scene) return;
    this.waits = true;
    requestAnimationFrame(() => {
      this.waits = false;
      this.paint();
    });
  }

  view(width, height) {
    const [cp, sp, cy, sy] = [Math.cos(this.pitch), Math.sin(this.pitch), Math.cos(this.yaw), Math.sin(this.yaw)];
    const back = [cp * cy, cp * sy, sp];
    return {
      eye: this.target.map((value, i) => value + this.radius * back[i]), ahead: back.map((value) => -value),
      right: [-sy, cy, 0], up: [-sp * cy, -sp * sy, cp], focal: 1.1 * Math.min(width, height), cx: width / 2, cy: height / 2,
    };
  }

  paint() {
    const { canvas, context } = this;
    const [wide, high] = [canvas.clientWidth, canvas.clientHeight];
    if (!wide || !high) return;
    const scale = Math.min(devicePixelRatio || 1, 2, Math.sqrt(Scene3D.MAX_PX / (wide * high)));
    const [width, height] = [Math.round(wide * scale), Math.round(high * scale)];
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    const view = this.view(width, height);
    const image = context.createImageData(width, height);
    const depth = new Float32Array(width * height).fill(Infinity);
    this.paintPoints(view, new Uint32Array(image.data.buffer), depth, width, height);
    context.putImageData(image, 0, 0);
    context.lineCap = "round";
    for (const edge of this.scene.frustum) this.paintEdge(view, depth, edge, "#9aa4b5", scale);
    for (const box of this.boxes) {
      for (const [a, b] of BOX_EDGES) this.paintEdge(view, depth, [box.corners[a], box.corners[b]], box.color, 1.6 * scale);
    }
    for (const line of this.lines) this.paintLine(view, line, scale);
    const taken = [];
    for (const line of this.lines) this.paintLength(view, line, scale, taken);
    this.paintNames(view, scale, taken);
  }

  paintPoints(view, pixels, depth, width, height) {
    const { points, colors, sizes } = this.scene;
    const { eye, focal, cx, cy } = view;
    const [ex, ey, ez] = eye;
    const [rx, ry] = view.right;
    const [ux, uy, uz] = view.up;
    const [ax, ay, az] = view.ahead;
    pixels.fill(0xff1b1612);
    for (let i = 0, k = 0; i < colors.length; i++, k += 3) {
      const x = points[k] - ex;
      const y = points[k + 1] - ey;
      const z = points[k + 2] - ez;
      const far = x * ax + y * ay + z * az;
      if (far < Scene3D.NEAR_M) continue;
      const u = cx + (focal * (x * rx + y * ry)) / far;
      const v = cy - (focal * (x * ux + y * uy + z * uz)) / far;
      const half = Math.min(10, Math.max(0.5, (0.62 * focal * sizes[i]) / far));
      const left = Math.max(0, Math.round(u - half));
      const top = Math.max(0, Math.round(v - half));
      const end = Math.min(width, Math.round(u + half));
      const bottom = Math.min(height, Math.round(v + half));
      for (let row = top; row < bottom; row++) {
        for (let at = row * width + left, last = row * width + end; at < last; at++) {
          if (far < depth[at]) {
            depth[at] = far;
            pixels[at] = colors[i];
          }
        }
      }
    }
  }

  // The ends of a line in px with their distances; null where it lies behind the eye.
  project(view, [a, b]) {
    const ends = [a, b].map((point) => {
      const d = point.map((value, i) => value - view.eye[i]);
      const along = (axis) => d[0] * axis[0] + d[1] * axis[1] + d[2] * axis[2];
      return [along(view.right), along(view.up), along(view.ahead)];
    });
    if (ends[0][2] < Scene3D.NEAR_M && ends[1][2] < Scene3D.NEAR_M) return null;
    const [near, other] = ends[0][2] < ends[1][2] ? ends : [ends[1], ends[0]];
    if (near[2] < Scene3D.NEAR_M) {
      const share = (Scene3D.NEAR_M - near[2]) / (other[2] - near[2]);
      for (let i = 0; i < 3; i++) near[i] += share * (other[i] - near[i]);
    }
    return ends.map(([x, y, far]) => [view.cx + (view.focal * x) / far, view.cy - (view.focal * y) / far, far]);
  }

  // What lies behind points is drawn faintly.
  paintEdge(view, depth, edge, color, width) {
    const ends = this.project(view, edge);
    if (!ends) return;
    const [[u0, v0, far0], [u1, v1, far1]] = ends;
    const { context, canvas } = this;
    const count = Math.max(1, Math.min(48, Math.round(Math.hypot(u1 - u0, v1 - v0) / 6)));
    context.strokeStyle = color;
    context.lineWidth = width;
    for (let i = 0; i < count; i++) {
      const [s, t] = [i / count, (i + 1) / count];
      const middle = (s + t) / 2;
      const [u, v] = [Math.round(u0 + middle * (u1 - u0)), Math.round(v0 + middle * (v1 - v0))];
      const far = 1 / ((1 - middle) / far0 + middle / far1);
      const inside = u >= 0 && v >= 0 && u < canvas.width && v < canvas.height;
      context.globalAlpha = inside && depth[v * canvas.width + u] < 0.97 * far - 0.01 ? 0.28 : 1;
      context.beginPath();
      context.moveTo(u0 + s * (u1 - u0), v0 + s * (v1 - v0));
      context.lineTo(u0 + t * (u1 - u0), v0 + t * (v1 - v0));
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  paintNames(view, scale, taken) {
    const tops = this.boxes.map((box) => {
      const top = [0, 1, 2].map((i) => (box.corners[4][i] + box.corners[6][i]) / 2);
      return { box, ends: this.project(view, [top, top]) };
    });
    for (const { box, ends } of tops.filter((one) => one.ends).sort((a, b) => a.ends[0][2] - b.ends[0][2])) {
      this.write(box.name, ends[0][0], ends[0][1] - 8 * scale, box.color, scale, taken);
    }
  }

  paintLine(view, line, scale) {
    const ends = this.project(view, line.ends_m);
    if (!ends) return;
    const [[u0, v0], [u1, v1]] = ends;
    const { context } = this;
    for (const [color, width, radius] of [["rgb(0 0 0 / .75)", 6, 6.5], [line.color, 3, 5]]) {
      context.strokeStyle = context.fillStyle = color;
      context.lineWidth = width * scale;
      context.beginPath();
      context.moveTo(u0, v0);
      context.lineTo(u1, v1);
      context.stroke();
      for (const [u, v] of [[u0, v0], [u1, v1]]) {
        context.beginPath();
        context.arc(u, v, radius * scale, 0, 7);
        context.fill();
      }
    }
  }

  // The text of a length stands above or below the middle of its line, where there is room.
  paintLength(view, line, scale, taken) {
    const ends = line.text && this.project(view, line.ends_m);
    if (!ends) return;
    const [[u0, v0], [u1, v1]] = ends;
    [-14, 16, -32, 34, -50, 52].some((far) =>
      this.write(line.text, (u0 + u1) / 2, (v0 + v1) / 2 + far * scale, line.color, 1.05 * scale, taken));
  }

  // Write a text centered on a point, unless it would cover another; true where it did.
  write(text, u, v, color, scale, taken) {
    const { context } = this;
    context.font = `600 ${Math.round(12 * scale)}px ui-sans-serif, system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    const wide = context.measureText(text).width / 2 + 3 * scale;
    const box = [u - wide, v - 8 * scale, u + wide, v + 8 * scale];
    if (taken.some((other) => box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3])) return false;
    taken.push(box);
    context.lineJoin = "round";
    context.lineWidth = 3.5 * scale;
    context.strokeStyle = "rgb(10 12 16 / .85)";
    context.strokeText(text, u, v);
    context.fillStyle = color;
    context.fillText(text, u, v);
    return true;
  }

  // The pyramid that shows from where the image was taken.
  static frustum(pose, camera, width, height) {
    const [a, b, c, tx, d, e, f, ty, g, h, i, tz] = pose;
    const eye = [tx, ty, tz];
    const corners = [[0, 0], [width, 0], [width, height], [0, height]].map(([u, v]) => {
      const z = 0.16;
      const [x, y] = [((u - camera.cx) / camera.fx) * z, ((v - camera.cy) / camera.fy) * z];
      return [tx + a * x + b * y + c * z, ty + d * x + e * y + f * z, tz + g * x + h * y + i * z];
    });
    return corners.flatMap((corner, at) => [[eye, corner], [corner, corners[(at + 1) % 4]]]);
  }

  static bytes(text) {
    return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  }
}
