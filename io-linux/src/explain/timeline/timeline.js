"use strict";
(() => {
const run = JSON.parse(document.getElementById("run").textContent);
const byId = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const LANE = 46, BAR_MIDDLE = 15, BARE_MIDDLE = 23, MARK_MIDDLE = 36, AXIS = 26, LETTER = 6.6;
const MARK_APART = 13, BAR_LEAST = 4, BLOCK = 14, ROWS_SHOWN = 300, TOLD_AT_ONCE = 10;
// Lanes just out of view are drawn, too, so that there is something to scroll into.
const ROOM = 400;
const HEIGHT = { up: 20, busy: 18, roaming: 18, tried: 20, unused: 18, down: 4, gone: 0 };
// Which of many things said is worth the colour.
const WEIGHT = { refused: 5, asked: 4, told: 3, said: 2, seen: 1, waits: 0 };

// ---- what is told

const rows = [];
for (let at = 0, moment = 0; at < run.rows.length; at += 5) {
  moment += run.rows[at];
  const [, lane, sign, who, what] = run.rows.slice(at, at + 5);
  rows.push({ moment, lane, sign: run.signs[sign], who, what });
}
for (const lane of run.lanes) {
  const looks = [];
  for (let at = 0; at < lane.looks.length; at += 3) looks.push([lane.looks[at], lane.looks[at + 1], run.texts[lane.looks[at + 2]]]);
  lane.looks = looks;
  lane.rows = [];
}
const laneOf = new Map(run.lanes.map((lane) => [lane.number, lane]));
for (const row of rows) laneOf.get(row.lane).rows.push(row);
const lanes = run.lanes.filter((lane) => lane.rows.length || lane.looks.length);
const last = run.moments.length - 1;

/** The first index whose item is not before a place. */
function first(items, isBefore) {
  let low = 0, high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBefore(items[middle])) low = middle + 1; else high = middle;
  }
  return low;
}

function timeText(ms, step = 0) {
  const digits = step ? Math.max(0, Math.ceil(-Math.log10(step / 1000) - 1e-9)) : 3;
  if (step && step < 1 || !step && ms < 1000) return `${+ms.toFixed(step ? Math.max(0, digits - 3) : 6)} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(digits)} s`;
  const rest = (seconds % 60).toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
  const minutes = Math.floor(seconds / 60) % 60, hours = Math.floor(seconds / 3600);
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}
const atText = (moment) => timeText(run.moments[moment]);
const rowText = (row) => `${run.texts[row.who]}: ${run.texts[row.what]} (${row.sign[2]})`;

// ---- what is in view: a window on times, or on moments where each has the same room

let isEven = false, from = 0, to = 1;
const place = (moment) => (isEven ? moment : run.moments[moment]);
const end = () => (last < 0 ? 1 : place(last));
const begin = () => (last < 0 ? 0 : place(0));

function look(newFrom, newTo) {
  const whole = Math.max(end() - begin(), 1e-6), room = whole * 0.02;
  const span = Math.min(Math.max(newTo - newFrom, isEven ? 2 : 1e-5), whole + 2 * room);
  from = Math.min(Math.max(newFrom, begin() - room), end() + room - span);
  to = from + span;
  ask();
}
const whole = () => look(begin() - 1e12, end() + 1e12);
function zoom(factor, around = (from + to) / 2) {
  look(around - (around - from) * factor, around + (to - around) * factor);
}
const pan = (part) => look(from + (to - from) * part, to + (to - from) * part);

let isAsked = false;
function ask() {
  if (isAsked) return;
  isAsked = true;
  requestAnimationFrame(() => { isAsked = false; draw(); });
}

// ---- drawing

function make(name, attributes, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}
function html(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}
const fitted = (text, width) => {
  const letters = Math.floor(width / LETTER);
  return text.length <= letters ? text : letters < 3 ? "" : `${text.slice(0, letters - 1)}…`;
};

const svg = byId("timeline"), frame = byId("frame"), drawn = byId("drawn");
let width = 0, left = 0, items = [];
const x = (value) => left + (value - from) / (to - from) * (width - left);
const valueAt = (pixel) => from + (pixel - left) / (width - left) * (to - from);

function shapeOf(sign, px, py) {
  const path = {
    said: `M${px - 5} ${py + 5}h10l-5 -10z`, told: `M${px - 5} ${py - 5}h10l-5 10z`,
    asked: `M${px} ${py - 6}l6 6l-6 6l-6 -6z`, seen: `M${px - 4} ${py - 4}h8v8h-8z`,
    refused: `M${px - 5} ${py - 3}l2 -2l3 3l3 -3l2 2l-3 3l3 3l-2 2l-3 -3l-3 3l-2 -2l3 -3z`,
  }[sign];
  return path ? make("path", { class: "shape", d: path }) : make("circle", { class: "shape", cx: px, cy: py, r: 4 });
}

/** Something to point at: `key` finds it again after a zoom, `text` says what it is. */
function item(lane, key, kind, text, middle, ...shapes) {
  const element = make("g", { class: `item ${kind}`, role: "img", tabindex: "-1", "aria-label": text }, ...shapes);
  items.push({ element, lane, key, text, middle });
  return element;
}

function bar(lane, y, key, kind, text, word, x0, x1) {
  const height = kind === "many" ? 14 : HEIGHT[kind], isBare = height < 8;
  const inside = [Math.max(x0, left - 2), Math.min(x1, width + 2)];
  const shape = make("rect", { class: "shape", x: inside[0], y: y + (isBare ? BARE_MIDDLE : BAR_MIDDLE) - height / 2, width: Math.max(inside[1] - inside[0] - 1, 1), height, rx: isBare ? 1 : 3 });
  const shown = fitted(word, inside[1] - Math.max(x0, left) - 12);
  const label = shown ? [make("text", { x: Math.max(x0, left) + (isBare ? 2 : 7), y: y + BAR_MIDDLE + 4 }, shown)] : [];
  return item(lane, key, `bar ${kind}`, text, (Math.max(inside[0], left) + Math.min(inside[1], width)) / 2, shape, ...label);
}

function drawBars(lane, index, y, into) {
  const { looks } = lane;
  let block = null;
  const flush = () => {
    if (!block) return;
    const words = [...block.words].join(", ");
    const text = `${lane.label}: ${block.count} changes from ${atText(block.first)} to ${atText(block.next)}: ${words}. Zoom in to tell them apart.`;
    into.append(bar(index, y, `look ${block.first}`, "many", text, "", block.x0, Math.max(block.x1, block.x0 + BAR_LEAST)));
    block = null;
  };
  let at = Math.max(first(looks, ([moment]) => place(moment) <= from) - 1, 0);
  for (; at < looks.length && place(looks[at][0]) <= to; at++) {
    const [moment, kind, word] = looks[at];
    const next = looks[at + 1]?.[0];
    const x0 = x(place(moment)), x1 = next === undefined ? width + 2 : x(place(next));
    if (x1 < left) continue;
    if (x1 - x0 < BAR_LEAST) {
      block ??= { x0, first: moment, count: 0, words: new Set() };
      block.x1 = x1; block.next = next; block.count++;
      if (block.words.size < 5) block.words.add(word); else block.words.add("…");
      if (x1 - block.x0 >= BLOCK) flush();
      continue;
    }
    flush();
    const until = next === undefined ? "to the end" : `until ${atText(next)}, for ${timeText(run.moments[next] - run.moments[moment])}`;
    into.append(bar(index, y, `look ${moment}`, run.kinds[kind][0], `${lane.label}: ${word} from ${atText(moment)} ${until}`, word, x0, x1));
  }
  flush();
}

const short = (count) => (count < 1000 ? String(count) : `${Math.floor(count / 1000)}k`);
const pillWidth = (count) => 8 + 6 * short(count).length;

function drawMarks(lane, index, y, into) {
  const at = first(lane.rows, (row) => place(row.moment) < from);
  const until = first(lane.rows, (row) => place(row.moment) <= to);
  for (let begun = at; begun < until;) {
    const x0 = x(place(lane.rows[begun].moment));
    let after = begun + 1, heaviest = lane.rows[begun];
    for (; after < until && x(place(lane.rows[after].moment)) - x0 < Math.max(MARK_APART, pillWidth(after - begun) + 1); after++) {
      if (WEIGHT[lane.rows[after].sign[1]] > WEIGHT[heaviest.sign[1]]) heaviest = lane.rows[after];
    }
    const count = after - begun, kind = heaviest.sign[1], key = `row ${lane.rows[begun].moment}`, py = y + MARK_MIDDLE;
    if (count === 1) {
      into.append(item(index, key, `mark ${kind}`, `${atText(heaviest.moment)}  ${rowText(heaviest)}`, x0, shapeOf(kind, x0, py)));
    } else {
      const shown = lane.rows.slice(begun, Math.min(after, begun + TOLD_AT_ONCE));
      const lines = shown.map((row) => `${atText(row.moment)}  ${row.sign[0]} ${rowText(row)}`);
      if (count > shown.length) lines.push(`and ${count - shown.length} more up to ${atText(lane.rows[after - 1].moment)}`);
      const label = short(count), wide = pillWidth(count);
      const pill = make("rect", { class: "shape", x: x0 - wide / 2, y: py - 7, width: wide, height: 14, rx: 7 });
      into.append(item(index, key, `mark ${kind}`, lines.join("\n"), x0, pill, make("text", { x: x0, y: py + 3.5 }, label)));
    }
    begun = after;
  }
}

function ticks() {
  if (isEven) {
    const step = Math.max(1, Math.ceil((to - from) / ((width - left) / 110)));
    const found = [];
    for (let moment = Math.max(0, Math.ceil(from / step) * step); moment <= Math.min(to, last); moment += step) found.push([moment, atText(moment)]);
    return found;
  }
  const rough = (to - from) / ((width - left) / 110);
  const nice = [1, 2, 5].flatMap((n) => Array.from({ length: 10 }, (_, power) => n * 10 ** (power - 6)));
  const clock = [15e3, 30e3, 60e3, 120e3, 300e3, 600e3, 900e3, 1800e3, 3600e3, 7200e3, 14400e3, 43200e3, 86400e3];
  const steps = [...nice.filter((step) => step <= 10e3), ...clock].sort((a, b) => a - b);
  const step = steps.find((step) => step >= rough) ?? Math.ceil(rough / 86400e3) * 86400e3;
  const found = [];
  for (let n = Math.max(0, Math.ceil(from / step)); n * step <= to; n++) found.push([n * step, timeText(n * step, step)]);
  return found;
}

function drawTicks(height) {
  const grid = [], labels = [];
  for (const [value, text] of ticks()) {
    const px = x(value);
    grid.push(make("line", { class: "grid", x1: px, x2: px, y1: 0, y2: height }));
    if (px > left + 10 && px < width - 10) labels.push(make("text", { x: px, y: 17 }, text));
  }
  byId("axis").setAttribute("width", width + 2);
  byId("axis").setAttribute("height", AXIS);
  byId("axis").replaceChildren(...labels);
  return grid;
}

function size(element, attributes) {
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
}

function draw() {
  width = frame.clientWidth;
  left = width < 700 ? 120 : 220;
  const height = lanes.length * LANE;
  size(svg, { width, height, "data-from": from, "data-to": to });
  size(byId("plot-area"), { x: left, width: width - left, height });
  size(byId("names-area"), { width: left - 6, height });
  const held = document.activeElement?.classList.contains("item") ? items.find((it) => it.element === document.activeElement) : null;
  items = [];
  const names = make("g", { "clip-path": "url(#names)" }), plot = make("g", { "clip-path": "url(#plot)" });
  const stripes = make("g", {});
  lanes.forEach((lane, index) => {
    const y = index * LANE;
    if (y + LANE < frame.scrollTop - ROOM || y > frame.scrollTop + frame.clientHeight + ROOM) return;
    if (index % 2) stripes.append(make("rect", { class: "stripe", x: 0, y, width, height: LANE }));
    names.append(make("text", { class: "name", x: 12, y: y + 19 }, make("title", {}, lane.label), fitted(lane.label, left - 22)));
    names.append(make("text", { class: "kind", x: 12, y: y + 36 }, lane.subject));
    const group = make("g", { class: "lane", role: "group", "aria-label": `${lane.label}, ${lane.subject}` });
    drawBars(lane, index, y, group);
    drawMarks(lane, index, y, group);
    plot.append(group);
  });
  const grid = make("g", { "clip-path": "url(#plot)" }, ...drawTicks(height));
  drawn.replaceChildren(stripes, grid, make("rect", { class: "area", x: left, y: 0, width: width - left, height }), names, plot);
  byId("window").textContent = isEven ? `moments ${Math.max(0, Math.ceil(from)) + 1} to ${Math.min(last, Math.floor(to)) + 1} of ${last + 1}` : `${timeText(Math.max(0, from))} to ${timeText(to)}`;
  focusAgain(held);
  tell();
}

function focusAgain(held) {
  const found = held && (items.find((it) => it.lane === held.lane && it.key === held.key) ?? nearest(held.lane, held.middle));
  (found ?? items[0])?.element.setAttribute("tabindex", "0");
  found?.element.focus({ preventScroll: true });
}

/** The rows of the window as a table. */
function tell() {
  const at = first(rows, (row) => place(row.moment) < from), until = first(rows, (row) => place(row.moment) <= to);
  const shown = rows.slice(at, Math.min(until, at + ROWS_SHOWN)).map((row) => html("tr", {},
    html("td", {}, String(run.moments[row.moment])), html("td", { title: run.texts[row.who] }, run.texts[row.who]),
    html("td", { class: row.sign[1], title: row.sign[2], "aria-label": row.sign[2] }, row.sign[0]), html("td", {}, run.texts[row.what])));
  byId("rows").replaceChildren(...shown);
  const more = until - at - shown.length;
  byId("more").textContent = more > 0 ? `and ${more} more in this window: zoom in to read them` : until === at ? "nothing" : "";
}

// ---- pointing, by mouse or keys

const tip = byId("tip");
function show(it, clientX, clientY) {
  tip.textContent = it.text;
  tip.hidden = false;
  const { offsetWidth, offsetHeight } = tip;
  tip.style.left = `${Math.max(8, Math.min(clientX + 14, innerWidth - offsetWidth - 8))}px`;
  tip.style.top = `${clientY + 18 + offsetHeight > innerHeight ? Math.max(8, clientY - offsetHeight - 14) : clientY + 18}px`;
}
const itemOf = (target) => { const element = target.closest?.(".item"); return element && items.find((it) => it.element === element); };
const nearest = (lane, middle) => items.filter((it) => it.lane === lane).sort((a, b) => Math.abs(a.middle - middle) - Math.abs(b.middle - middle))[0];

svg.addEventListener("pointermove", (event) => {
  if (dragged) return;
  const it = itemOf(event.target);
  if (it) show(it, event.clientX, event.clientY); else tip.hidden = true;
});
svg.addEventListener("pointerleave", () => { tip.hidden = true; });
svg.addEventListener("focusin", (event) => {
  const it = itemOf(event.target);
  if (!it) return;
  const box = svg.getBoundingClientRect();
  show(it, box.left + it.middle, box.top + it.lane * LANE + LANE - 14);
});
svg.addEventListener("focusout", () => { tip.hidden = true; });

function step(event, it) {
  const inLane = items.filter((other) => other.lane === it.lane).sort((a, b) => a.middle - b.middle);
  const to = {
    ArrowRight: () => inLane[inLane.indexOf(it) + 1],
    ArrowLeft: () => inLane[inLane.indexOf(it) - 1],
    ArrowDown: () => nearest(it.lane + 1, it.middle),
    ArrowUp: () => nearest(it.lane - 1, it.middle),
  }[event.key]?.();
  if (!to) return;
  it.element.setAttribute("tabindex", "-1");
  to.element.setAttribute("tabindex", "0");
  to.element.focus();
}
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const it = itemOf(event.target);
  if (event.shiftKey && (event.key === "ArrowLeft" || event.key === "ArrowRight")) pan(event.key === "ArrowLeft" ? -0.25 : 0.25);
  else if (event.key === "+" || event.key === "=") zoom(0.5, it ? valueAt(it.middle) : undefined);
  else if (event.key === "-") zoom(2);
  else if (event.key === "0") whole();
  else if (event.key === "Escape") tip.hidden = true;
  else if (it && event.key.startsWith("Arrow")) step(event, it);
  else return;
  event.preventDefault();
});

// ---- zooming and dragging

svg.addEventListener("wheel", (event) => {
  const pixel = event.clientX - svg.getBoundingClientRect().left;
  if (pixel < left) return;
  event.preventDefault();
  if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) pan((event.deltaX || event.deltaY) / 800);
  else zoom(2 ** (event.deltaY / 300), valueAt(pixel));
}, { passive: false });

let dragged = null;
svg.addEventListener("pointerdown", (event) => {
  if (event.button !== 0 || event.clientX - svg.getBoundingClientRect().left < left) return;
  dragged = { x: event.clientX, from, to };
  svg.setPointerCapture(event.pointerId);
  svg.classList.add("dragged");
  tip.hidden = true;
});
svg.addEventListener("pointermove", (event) => {
  if (!dragged) return;
  const by = (dragged.x - event.clientX) / (width - left) * (dragged.to - dragged.from);
  look(dragged.from + by, dragged.to + by);
});
for (const name of ["pointerup", "pointercancel"]) svg.addEventListener(name, () => {
  dragged = null;
  svg.classList.remove("dragged");
});

for (const [id, action] of Object.entries({ in: () => zoom(0.5), out: () => zoom(2), earlier: () => pan(-0.25), later: () => pan(0.25), whole })) byId(id).addEventListener("click", action);
byId("even").addEventListener("change", (event) => { isEven = event.target.checked; whole(); });
frame.addEventListener("scroll", ask, { passive: true });
new ResizeObserver(ask).observe(frame);

// ---- what stands around it

const legend = (element, text) => html("span", { role: "listitem" }, make("svg", { width: 22, height: 14, "aria-hidden": "true" }, element), text);
byId("legend").append(
  ...run.kinds.filter(([kind]) => kind !== "gone").map(([kind, meaning]) => legend(make("g", { class: `bar ${kind}` }, make("rect", { class: "shape", x: 1, y: 7 - Math.min(HEIGHT[kind], 12) / 2, width: 20, height: Math.min(HEIGHT[kind], 12), rx: 2 })), meaning)),
  ...run.signs.map(([, kind, meaning]) => legend(make("g", { class: `mark ${kind}` }, shapeOf(kind, 11, 7)), meaning)));
const parts = [`${rows.length} things said at ${last + 1} moments`, last < 0 ? "" : `from ${atText(0)} to ${atText(last)}`, run.left_out ? "there are more links and sessions than lanes: what the others are told stands in the first lane" : ""];
byId("summary").textContent = `${parts.filter(Boolean).join(", ")}.`;
whole();
})();
