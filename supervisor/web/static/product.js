// Draws the histories of one product. The figures and the last changes stand in tables beside, for those who see no chart.

const HEIGHT = 320;
// Keepa's colours, made so that everybody can tell them apart: each line has dashes of its own too.
const STYLES = {
  amazon: ["orange", []],
  new: ["blue", [8, 4]],
  used: ["ink", [2, 3]],
  rank: ["green", [10, 3, 2, 3]],
  "buy-box": ["magenta", [5, 5]],
  other: ["quiet", [4, 2]],
};

const resolved = (name) => {
  const probe = document.createElement("span");
  probe.className = `ink-${name}`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
};

class PriceChart {
  constructor(element, data) {
    this.element = element;
    this.data = data;
    this.draw();
    new ResizeObserver(() => this.resize()).observe(element);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  columns() {
    const { begin, axis, lines, digits } = this.data;
    const unit = 10 ** -digits;
    const scaled = (line) => (line.scale === "money" ? line.values.map((one) => (one === null ? null : one * unit)) : line.values);
    return [axis.map((minute) => begin + 60 * minute), ...lines.map(scaled)];
  }

  draw() {
    if (this.plot) this.plot.destroy();
    const [quiet, line] = ["quiet", "line"].map(resolved);
    const grid = { stroke: line, width: 1 };
    const stepped = uPlot.paths.stepped({ align: 1 });
    const { since, until, lines } = this.data;
    const other = lines.find((one) => one.scale !== "money");
    const columns = this.columns();
    const [first, last] = [columns[0][0], columns[0].at(-1)];
    const scales = { x: { range: (_, low, high) => (low <= first && high >= last ? [Math.min(since, first), Math.max(until, last)] : [low, high]) } };
    const axes = [{ stroke: quiet, grid, ticks: grid }, { scale: "money", stroke: quiet, grid, ticks: grid, size: 64 }];
    if (other) axes.push({ scale: other.scale, side: 1, stroke: quiet, grid: { show: false }, ticks: grid, size: 64, values: (_, ticks) => ticks.map((one) => one.toLocaleString()) });
    this.plot = new uPlot({
      width: this.element.clientWidth,
      height: HEIGHT,
      scales,
      axes,
      legend: { live: true },
      cursor: { drag: { x: true, y: false } },
      hooks: { draw: [(plot) => this.drawMarks(plot, quiet)] },
      series: [{}, ...lines.map((one) => {
        const [name, dash] = STYLES[one.style];
        return { label: one.name, scale: one.scale, stroke: resolved(name), width: 1.5, dash, paths: stepped, points: { show: false }, spanGaps: false };
      })],
    }, columns, this.element);
  }

  drawMarks(plot, ink) {
    const { ctx, bbox } = plot;
    const unit = devicePixelRatio;
    ctx.save();
    ctx.strokeStyle = ink;
    ctx.fillStyle = ink;
    ctx.font = `${12 * unit}px system-ui, sans-serif`;
    ctx.textBaseline = "top";
    ctx.setLineDash([3 * unit, 3 * unit]);
    this.data.marks.forEach(([at, name], place) => {
      const x = plot.valToPos(at, "x", true);
      if (x < bbox.left || x > bbox.left + bbox.width) return;
      const isRight = x > bbox.left + bbox.width / 2;
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      ctx.textAlign = isRight ? "right" : "left";
      ctx.fillText(name, x + (isRight ? -4 : 4) * unit, bbox.top + (2 + 14 * place) * unit); // each in a line of its own
    });
    ctx.restore();
  }

  resize() {
    if (this.plot && this.plot.width !== this.element.clientWidth) this.plot.setSize({ width: this.element.clientWidth, height: HEIGHT });
  }
}

const given = document.getElementById("price-data");
const place = document.getElementById("price-chart");
if (given && place && window.uPlot) new PriceChart(place, JSON.parse(given.textContent));

// A choice of lines is shown at once.
for (const box of document.querySelectorAll("form.lines input[type=checkbox]")) {
  box.addEventListener("change", () => box.form.requestSubmit());
}

// What comes of an order to fetch the product is told as soon as it is known; the rest of the page stays as it is.
const fetching = document.getElementById("fetching");

async function tell() {
  if (document.hidden) return;
  try {
    const reply = await fetch(fetching.dataset.address, { signal: AbortSignal.timeout(2500) });
    if (!reply.ok) return; // a passing fault; the banner tells of one that lasts
    const [{ state, sentence }] = (await reply.json()).fetches;
    if (state === "wait") return;
    clearInterval(asking);
    fetching.dataset.state = state;
    fetching.querySelector("span").textContent = sentence;
    fetching.querySelector("a").textContent = "Show it as it is now";
    document.getElementById("cancel")?.remove();
  } catch {
    // It is asked again.
  }
}

const asking = fetching && fetching.dataset.state === "wait" ? setInterval(tell, 1000) : 0;
