// Keeps the page up to date and draws its charts. Everything is there without it; this adds life.
//
// The server is asked once a second while the page can be seen, and not at all while it cannot. Only texts change, and
// a table under the pointer or with the focus is left alone. Nothing is parsed as HTML: the policy of the page forbids it.

const SECOND = 1000;
const SLOW_AFTER = 5 * 60 * SECOND; // without a touch of the person
const SHAPE_TABLES = new Map();

const state = { version: "", offset: 0, failures: 0, touched: performance.now(), paused: false, timer: 0, heard: performance.now() };

// Of several keys the page shows the one that its address names.
const key = new URLSearchParams(location.search).get("key");
const KEY = key ? { key } : {};

const byId = (id) => document.getElementById(id);
const now = () => Date.now() + state.offset;

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// ---- live numbers

function textOf(cell) {
  if (cell.u === undefined) return cell.t;
  const left = Math.max(0, Math.round(cell.u - now() / SECOND));
  const minutes = Math.floor(left / 60);
  return `${cell.w} ${minutes ? `${minutes} min ` : ""}${left % 60} s`;
}

function fill(td, cell) {
  if (cell.s) td.dataset.state = cell.s;
  else delete td.dataset.state;
  td.classList.toggle("number", Boolean(cell.n));
  let holder = td;
  if (cell.h) {
    holder = td.querySelector("a");
    if (!holder) {
      td.replaceChildren();
      holder = td.appendChild(document.createElement("a"));
    }
    if (holder.getAttribute("href") !== cell.h) holder.setAttribute("href", cell.h);
  } else if (td.firstElementChild) td.replaceChildren();
  setText(holder, textOf(cell));
}

function isHeld(element) {
  return element.matches(":hover") || element.contains(document.activeElement);
}

function fillTable(table, rows) {
  const body = table.tBodies[0];
  const fits = body.rows.length === rows.length && rows.every((row, at) => body.rows[at].cells.length === row.length);
  if (!fits) {
    if (isHeld(table)) return; // nothing moves under the pointer
    body.replaceChildren(...rows.map((row) => {
      const tr = document.createElement("tr");
      tr.append(...row.map(() => document.createElement("td")));
      return tr;
    }));
  }
  rows.forEach((row, at) => row.forEach((cell, column) => {
    const td = body.rows[at].cells[column];
    if (cell.h && isHeld(td) && td.querySelector("a")) return;
    fill(td, cell);
  }));
}

function show(live) {
  for (const [name, text] of Object.entries(live.texts)) {
    for (const element of document.querySelectorAll(`[data-text="${name}"]`)) setText(element, text);
  }
  const verdict = byId("verdict");
  if (verdict) verdict.dataset.state = live.state;
  for (const [name, rows] of Object.entries(live.tables)) {
    const table = document.querySelector(`[data-table="${name}"]`);
    if (table) {
      SHAPE_TABLES.set(table, rows);
      fillTable(table, rows);
      if (name === "conditions" || name === "hosts") byId(name).hidden = !rows.length;
    }
  }
  warn(live.silent_since ? `No word from the supervisor since ${live.silent_since}. What you see is of then.` : "");
  if (live.chart && balance) balance.add(live.chart);
}

function warn(words) {
  const banner = byId("banner");
  if (!banner) return;
  setText(banner, words);
  banner.hidden = !words;
  document.body.classList.toggle("stale", Boolean(words));
}

function isBusy() {
  const focus = document.activeElement;
  return state.paused || Boolean(focus && focus.matches("input, select, textarea"));
}

async function look() {
  if (document.hidden || isBusy()) return;
  try {
    const reply = await fetch(`/live.json?${new URLSearchParams({ ...KEY, after: state.version })}`, { signal: AbortSignal.timeout(2500) });
    if (reply.status === 200) {
      const live = await reply.json();
      state.version = live.version;
      state.offset = live.at * SECOND - Date.now();
      show(live);
    } else if (reply.status === 401) {
      warn("You are logged out: open the link that `sluicegate web` prints.");
    } else if (reply.status !== 204) throw new Error(String(reply.status));
    state.failures = 0;
    state.heard = performance.now();
  } catch {
    state.failures += 1;
    if (performance.now() - state.heard > 2 * SECOND) warn("Sluicegate does not answer. What you see is of then.");
  }
}

function pause() {
  if (state.failures > 5) return 10 * SECOND;
  return performance.now() - state.touched > SLOW_AFTER ? 5 * SECOND : SECOND;
}

function schedule(delay) {
  clearTimeout(state.timer);
  if (document.hidden) return; // nothing is asked for while nobody can see it
  state.timer = setTimeout(async () => {
    await look();
    for (const [table, rows] of SHAPE_TABLES) fillTable(table, rows);
    schedule(pause());
  }, delay);
}

// ---- charts

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const resolved = (name) => {
  const probe = document.createElement("span");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found || colour(name);
};

// The time of day, and the date where ticks are half a day or more apart.
function times(_plot, splits, _axis, _space, step) {
  const looks = step >= 43200 ? { month: "short", day: "numeric" } : { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  if (step < 60) looks.second = "2-digit";
  const format = new Intl.DateTimeFormat([], looks);
  return splits.map((one) => format.format(one * SECOND));
}

function axes(ink, line) {
  const grid = { stroke: line, width: 1 };
  const axis = { stroke: ink, grid, ticks: grid };
  return [{ ...axis, values: times }, axis];
}

const APART = 6; // pixels that are free around the label of a floor

class BalanceChart {
  constructor(element, data) {
    this.element = element;
    this.data = data;
    this.past = data.past.map((one) => [...one]);
    this.labels = [];
    this.draw();
    new ResizeObserver(() => this.resize()).observe(element);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  table() {
    const { steps: coming = [], openings = [], balance: current } = this.data;
    const at = now() / SECOND;
    const past = this.past[0].length ? this.past : [[at], [current]];
    const last = [past[0].at(-1), past[1].at(-1)];
    const forecast = [[last[0], ...coming.map((one) => one[0])], [last[1], ...coming.map((one) => one[1])]];
    const marks = [openings.map((one) => one[1]), openings.map((one) => one[2])];
    const tables = [past, forecast, marks].filter((one) => one[0].length);
    const joined = uPlot.join(tables.map((one) => one));
    while (joined.length < 4) joined.push(joined[0].map(() => null));
    return joined;
  }

  draw() {
    if (this.plot) this.plot.destroy();
    const [ink, line, blue, orange, green] = ["quiet", "line", "blue", "orange", "green"].map(resolved);
    const floors = this.data.floors || [];
    const stepped = uPlot.paths.stepped({ align: 1 });
    this.plot = new uPlot({
      width: this.element.clientWidth,
      height: 256,
      cursor: { y: false },
      legend: { show: false },
      scales: {
        x: { range: (_, low, high) => [Math.min(low, now() / SECOND - this.data.span_s), Math.max(high, now() / SECOND)] },
        y: { range: (_, low, high) => [Math.min(0, low), Math.max(high, ...floors.map((one) => one[1] * 1.1), 10)] },
      },
      axes: axes(ink, line),
      series: [
        {},
        { label: "balance", stroke: blue, width: 2, paths: stepped, points: { show: false }, spanGaps: true },
        { label: "refills to come", stroke: green, width: 2, dash: [2, 4], paths: stepped, points: { show: false }, spanGaps: true },
        { label: "a gate opens", stroke: orange, paths: () => null, points: { show: true, size: 11, stroke: orange, fill: orange } },
      ],
      hooks: { draw: [(plot) => this.drawFloors(plot, floors, ink)] },
    }, this.table(), this.element);
  }

  drawFloors(plot, floors, ink) {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.strokeStyle = ink;
    ctx.setLineDash([8 * devicePixelRatio, 6 * devicePixelRatio]);
    for (const [, floor] of floors) {
      const y = plot.valToPos(floor, "y", true);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
    }
    ctx.restore();
    this.labelFloors(plot, floors);
  }

  // Each label stands on its line; one that would come too near another stands beside it, or is left to the legend.
  labelFloors(plot, floors) {
    while (this.labels.length < floors.length) this.labels.push(document.createElement("span"));
    this.labels.splice(floors.length).forEach((one) => one.remove());
    const placed = [];
    floors.forEach(([tier, floor], place) => {
      const label = this.labels[place];
      label.className = "floor";
      label.hidden = false;
      setText(label, `${tier} leaves ${floor}`);
      if (label.parentNode !== plot.over) plot.over.append(label);
      const [width, height] = [label.offsetWidth, label.offsetHeight];
      const top = Math.max(0, plot.valToPos(floor, "y") - height - 2);
      const near = placed.filter((one) => Math.abs(one.top - top) < height + APART);
      const left = Math.max(APART, ...near.map((one) => one.left + one.width + 3 * APART));
      label.style.left = `${left}px`;
      label.style.top = `${top}px`;
      label.hidden = left + width > plot.over.clientWidth;
      if (!label.hidden) placed.push({ left, top, width, height });
    });
  }

  resize() {
    if (this.plot && this.plot.width !== this.element.clientWidth) {
      this.plot.setSize({ width: this.element.clientWidth, height: 256 });
    }
  }

  add(chart) {
    const at = now() / SECOND;
    const last = this.past[1].at(-1);
    if (last !== chart.balance) {
      this.past[0].push(Math.max(at, (this.past[0].at(-1) || 0) + 0.001));
      this.past[1].push(chart.balance);
    }
    while (this.past[0].length > 2 && this.past[0][1] < at - this.data.span_s) this.past.forEach((one) => one.shift());
    Object.assign(this.data, chart);
    this.plot.setData(this.table());
  }
}

let balance = null;

function begin() {
  const given = byId("chart-data");
  if (given && byId("chart") && window.uPlot) balance = new BalanceChart(byId("chart"), JSON.parse(given.textContent));
  schedule(document.querySelector("[data-table]") ? 0 : SECOND);
}

// ---- keys

let leader = "";
const PLACES = { n: "/", e: "/events", d: "/deals", t: "/tokens", q: "/quarantine", s: "/settings" };

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
  if (leader === "g" && PLACES[event.key]) location.assign(PLACES[event.key]);
  else if (event.key === "p") state.paused = !state.paused;
  else if (event.key === "?") location.assign("/help");
  else if (event.key === "/") {
    const search = document.querySelector("input[type=search]");
    if (search) {
      event.preventDefault();
      search.focus();
    }
  }
  leader = event.key;
}

document.addEventListener("keydown", pressed);
for (const kind of ["pointermove", "keydown", "scroll"]) {
  document.addEventListener(kind, () => { state.touched = performance.now(); }, { passive: true });
}
document.addEventListener("visibilitychange", () => schedule(0));
begin();
