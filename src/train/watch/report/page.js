"use strict";
// The curves and the completions of a run. Everything that a policy wrote is
// untrusted and reaches the page as text alone: `textContent`, never markup.
(() => {
  const run = JSON.parse(document.getElementById("run").textContent);
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const make = (tag, attributes, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== null && value !== undefined) element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  };

  // Numbers as people read them, by their unit.
  const grouped = (value) => Math.round(value).toString().replace(/\B(?=(\d{3})+$)/g, "\u202f");
  const plain = (value) => {
    const size = Math.abs(value);
    if (size === 0) return "0";
    if (size < 0.001) return value.toExponential(1);
    if (size < 0.1) return value.toFixed(4);
    if (size < 100) return value.toFixed(3);
    return grouped(value);
  };
  const shown = (unit, value) => {
    if (value === null || value === undefined) return "–";
    switch (unit) {
      case "share": return (value * 100).toFixed(1) + " %";
      case "tokens": return Math.abs(value) < 1000 && value % 1 ? value.toFixed(1) : grouped(value);
      case "tokens_per_second": return grouped(value);
      case "seconds": return value < 0.1 ? (value * 1000).toFixed(1) + " ms" : value.toFixed(value < 10 ? 2 : 0) + " s";
      default: return plain(value);
    }
  };
  const UNITS = { share: "%", tokens: "tokens", seconds: "seconds", tokens_per_second: "", nats: "nats", number: "" };
  // Axis labels: as many digits as the distance of the ticks needs.
  const ticks = (unit) => (_, values) => {
    const scale = unit === "share" ? 100 : 1;
    const gap = values.length > 1 ? Math.abs(values[1] - values[0]) * scale : 1;
    let digits = 0;
    while (digits < 6 && Math.abs(gap * 10 ** digits - Math.round(gap * 10 ** digits)) > 1e-6) digits += 1;
    return values.map((value) => {
      const scaled = value * scale;
      if (gap < 1e-4) return scaled === 0 ? "0" : scaled.toExponential(0);
      return Math.abs(scaled) >= 1e6 ? (scaled / 1e6).toFixed(gap < 1e6 ? 1 : 0) + " M"
        : Math.abs(scaled) >= 1e4 ? (scaled / 1e3).toFixed(gap < 1e3 ? 1 : 0) + " k"
        : scaled.toFixed(digits);
    });
  };

  // TensorBoard's smoothing: an exponential mean without the bias of its start.
  // A stage begins anew: what lies before it is another thing.
  const stageAt = (step) => run.stages.findIndex((stage) => step <= stage.to);
  const smoothed = (steps, values, weight) => {
    let mean = 0, count = 0, stage = null;
    return values.map((value, at) => {
      if (value === null) return null;
      if (stageAt(steps[at]) !== stage) { mean = 0; count = 0; stage = stageAt(steps[at]); }
      mean = mean * weight + (1 - weight) * value;
      count += 1;
      return mean / (1 - Math.pow(weight, count));
    });
  };

  const sync = uPlot.sync("run");
  const charts = [];
  let weight = 0.6;

  // What uPlot draws of a chart: of each series its values, faint below the
  // smoothed ones; of those with an interval, its ends.
  const columns = (chart) => {
    const data = [chart.x];
    for (const series of chart.series) {
      if (chart.smooth) data.push(series.y, smoothed(chart.x, series.y, weight));
      else data.push(series.low ?? series.y.map(() => null), series.high ?? series.y.map(() => null), series.y);
    }
    return data;
  };

  // Room at the right of a chart, in pixels: for the last label of the axis, and
  // the name of a stage.
  const ROOM = 24;
  const stageMarks = (plot) => {
    const { ctx, bbox } = plot;
    const ratio = devicePixelRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, 0, bbox.width + ROOM * ratio, bbox.top + bbox.height);
    ctx.clip();
    ctx.strokeStyle = colour("--faint");
    ctx.fillStyle = colour("--faint");
    ctx.font = `${11 * ratio}px ${style.fontFamily || "system-ui"}, sans-serif`;
    ctx.textAlign = "left";
    ctx.textBaseline = "top";
    let free = -Infinity;
    for (const stage of run.stages) {
      const x = Math.round(plot.valToPos(stage.from, "x", true));
      if (stage.from > 0) {
        ctx.setLineDash([3 * ratio, 3 * ratio]);
        ctx.beginPath();
        ctx.moveTo(x, bbox.top - 16 * ratio);
        ctx.lineTo(x, bbox.top + bbox.height);
        ctx.stroke();
      }
      // Right of the mark, or left of it where the chart ends too soon.
      const width = ctx.measureText(stage.name).width;
      let left = Math.max(x, bbox.left) + 4 * ratio;
      if (left + width > bbox.left + bbox.width + ROOM * ratio) left = x - width - 4 * ratio;
      if (run.stages.length > 1 && left > free && plot.valToPos(stage.to, "x", true) > bbox.left) {
        ctx.fillText(stage.name, left, bbox.top - 16 * ratio);
        free = left + width + 8 * ratio;
      }
    }
    ctx.restore();
  };

  // Some room about the values; about one that never changes, too.
  const range = (unit, low, high) => {
    if (low === null || high === null) return [0, 1];
    const room = low === high ? Math.abs(low) * 0.1 || (unit === "share" ? 0.01 : 1) : (high - low) * 0.08;
    const top = unit === "share" && high <= 1 ? Math.min(high + room, Math.max(high, 1)) : high + room;
    return [low >= 0 ? Math.max(0, low - room) : low - room, top];
  };

  const options = (chart, width) => {
    const axis = { stroke: colour("--faint"), grid: { stroke: colour("--grid"), width: 1 }, ticks: { stroke: colour("--grid"), width: 1 }, font: "12px system-ui, sans-serif" };
    const series = [{}];
    const bands = [];
    chart.series.forEach((one, index) => {
      const stroke = colour(`--s${index % 8}`);
      const points = { show: !chart.smooth, size: 6, fill: stroke };
      if (chart.smooth) {
        series.push({ stroke: stroke + "50", width: 1, points: { show: false } });
        series.push({ label: one.title, stroke, width: 2, points: { show: false } });
      } else {
        const at = series.length;
        series.push({ stroke: "transparent", width: 0, points: { show: false } });
        series.push({ stroke: "transparent", width: 0, points: { show: false } });
        series.push({ label: one.title, stroke, width: 2, points, spanGaps: true });
        if (one.low) bands.push({ series: [at + 1, at], fill: stroke + "1c" });
      }
    });
    return {
      width, height: 220, series, bands,
      legend: { show: false },
      padding: [20, ROOM, 0, 0],
      cursor: { sync: { key: sync.key, scales: ["x", null] }, points: { size: 7 }, y: false },
      focus: { alpha: 1 },
      scales: {
        y: { range: (_, low, high) => range(chart.unit, low, high) },
        x: { time: false, range: (_, low, high) => (low === high ? [low - 1, high + 1] : [low, high]) },
      },
      axes: [
        { ...axis, label: "step", labelFont: "12px system-ui, sans-serif", labelSize: 18, size: 30, space: 60, values: (_, values) => values.map((value) => (value % 1 ? "" : value)) },
        { ...axis, size: 56, space: 36, values: ticks(chart.unit) },
      ],
      hooks: { draw: [stageMarks], setCursor: [() => legendValues(chart)] },
    };
  };

  const legendValues = (chart) => {
    const hovered = chart.plot.cursor.idx;
    chart.series.forEach((series, index) => {
      let at = hovered ?? series.y.length - 1;
      while (hovered === null && at > 0 && series.y[at] === null) at -= 1;
      const value = series.y[at];
      let text = shown(chart.unit, value);
      if (series.low && value !== null && series.low[at] !== null) {
        const low = shown(chart.unit, series.low[at]).replace(" %", "");
        text += ` (${low}–${shown(chart.unit, series.high[at])})`;
      }
      chart.values[index].textContent = text;
    });
    chart.place.textContent = hovered === null || hovered === undefined ? "" : `, step ${chart.x[hovered]}`;
  };

  const legend = (chart) => {
    chart.values = [];
    const list = make("ul", { class: "legend" });
    chart.series.forEach((series, index) => {
      const value = make("span", { class: "value" });
      chart.values.push(value);
      const swatch = make("span", { class: "swatch", "aria-hidden": "true" });
      swatch.style.background = `var(--s${index % 8})`;
      const button = make("button", { type: "button", "aria-pressed": "true", title: series.name }, swatch, series.title, value);
      button.addEventListener("click", () => {
        const show = button.getAttribute("aria-pressed") === "false";
        button.setAttribute("aria-pressed", show);
        const width = chart.smooth ? 2 : 3;
        for (let at = 0; at < width; at += 1) chart.plot.setSeries(1 + index * width + at, { show });
      });
      list.append(make("li", {}, button));
    });
    return list;
  };

  const described = (chart) => chart.series.map((series) => {
    const known = series.y.map((value, at) => [chart.x[at], value]).filter(([, value]) => value !== null);
    if (!known.length) return `${series.title}: no values`;
    const [first, last] = [known[0], known[known.length - 1]];
    return `${series.title}: ${shown(chart.unit, first[1])} at step ${first[0]}, ${shown(chart.unit, last[1])} at step ${last[0]}`;
  }).join("; ");

  const explanation = (chart) => {
    const list = make("dl", {});
    for (const series of chart.series) {
      list.append(make("dt", {}, `${series.title} (${series.name})`));
      list.append(make("dd", {}, [series.means, series.look_for].filter(Boolean).join(". ") || "A metric of this run."));
    }
    const values = make("div", { class: "values", tabindex: "0", role: "region", "aria-label": `Values of ${chart.title}` });
    const details = make("details", {}, make("summary", {}, "Meaning and values"), list, values);
    details.addEventListener("toggle", () => {
      if (!details.open || values.firstChild) return;
      const head = make("tr", {}, make("th", {}, "step"), ...chart.series.map((series) => make("th", { class: "number" }, series.title)));
      const rows = chart.x.map((x, at) => make("tr", {}, make("td", {}, String(x)),
        ...chart.series.map((series) => make("td", { class: "number" }, shown(chart.unit, series.y[at])))));
      values.append(make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows)));
    });
    return details;
  };

  const draw = (chart) => {
    chart.plot?.destroy();
    chart.plot = new uPlot(options(chart, chart.box.clientWidth), columns(chart), chart.box);
    legendValues(chart);
  };

  const page = document.getElementById("charts");
  for (const group of run.groups) {
    const grid = make("div", { class: "grid" });
    page.append(make("section", {}, make("h2", {}, group.title), grid));
    for (const chart of group.charts) {
      const unit = UNITS[chart.unit];
      chart.place = make("span", { class: "unit" });
      const caption = make("figcaption", {}, chart.title, make("span", { class: "unit" }, unit ? `, ${unit}` : ""), chart.place);
      chart.box = make("div", { class: "plot", role: "img", "aria-label": `${chart.title}. ${described(chart)}` });
      grid.append(make("figure", {}, caption, chart.box, legend(chart), explanation(chart)));
      charts.push(chart);
    }
  }
  charts.forEach(draw);
  document.getElementById("controls").hidden = !charts.some((chart) => chart.smooth);

  const slider = document.getElementById("smoothing");
  slider.addEventListener("input", () => {
    weight = Number(slider.value);
    document.querySelector("output").textContent = weight.toFixed(2);
    for (const chart of charts) if (chart.smooth) chart.plot.setData(columns(chart), false), chart.plot.redraw();
  });
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth === width) return;
    width = innerWidth;
    for (const chart of charts) chart.plot.setSize({ width: chart.box.clientWidth, height: 220 });
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => charts.forEach(draw));

  // Completions.
  const PAGE = 20;
  const all = run.completions;
  if (all.length) {
    document.getElementById("completions").hidden = false;
    const form = document.getElementById("filters");
    const list = document.getElementById("list");
    const more = document.getElementById("more");
    const choices = (select, first, values) => {
      if (first) select.append(make("option", { value: "" }, first));
      for (const value of values) select.append(make("option", { value }, String(value)));
    };
    const unique = (values) => [...new Set(values)];
    choices(form.stage, "all", unique(all.map((it) => it.stage)));
    choices(form.step, "all", unique(all.map((it) => it.step)).reverse());
    choices(form.term, null, ["reward", "advantage", ...unique(all.flatMap((it) => it.terms.map(([name]) => name)))]);
    const valueOf = (it, term) => {
      if (term === "reward" || term === "advantage") return it[term];
      return (it.terms.find(([name]) => name === term) ?? [])[1] ?? null;
    };
    // Characters that reorder or hide text, written out.
    const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
    const visible = (text) => text.replace(HIDDEN, (c) => `\u27e8U+${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}\u27e9`);
    let found = [];
    let count = 0;
    const item = (it) => {
      const part = (name, value) => make("span", {}, `${name} `, make("b", {}, value === null ? "unknown" : plain(value)));
      const head = make("p", { class: "head" }, make("span", {}, `${it.stage}, step ${it.step}`), part("reward", it.reward));
      for (const [name, value] of it.terms) head.append(part(name, value));
      if (it.advantage !== null) {
        const sign = it.advantage > 0 ? "up" : it.advantage < 0 ? "down" : "";
        head.append(make("span", { class: sign }, `advantage ${it.advantage > 0 ? "+" : ""}${plain(it.advantage)}`));
      }
      head.append(make("span", {}, `${it.n_tokens} tokens, ${it.finish}`));
      if (it.reason) head.append(make("span", {}, visible(it.reason)));
      const prompt = make("pre", { class: "prompt" }, visible(it.prompt));
      const text = make("pre", { class: "completion" }, visible(it.completion) + (it.cut ? `\n… ${it.cut} more characters in completions.jsonl` : ""));
      return make("li", {}, head, prompt, text);
    };
    const show = () => {
      list.append(...found.slice(count, count + PAGE).map(item));
      count = Math.min(found.length, count + PAGE);
      more.hidden = count === found.length;
      document.getElementById("found").textContent = `${count} of ${found.length} shown.`;
    };
    const filter = () => {
      const [least, most] = [form.least.value, form.most.value].map((text) => (text === "" ? null : Number(text)));
      const [stage, step, term, text] = [form.stage.value, form.step.value, form.term.value, form.text.value.toLowerCase()];
      found = all.filter((it) => {
        const value = valueOf(it, term);
        return (!stage || it.stage === stage) && (!step || it.step === Number(step))
          && (least === null || (value !== null && value >= least)) && (most === null || (value !== null && value <= most))
          && (!text || (it.prompt + it.completion).toLowerCase().includes(text));
      });
      const up = form.order.value === "worst" ? 1 : -1;
      const known = (it) => valueOf(it, term) ?? up * Infinity;
      if (form.order.value === "newest") found.reverse();
      else found.sort((a, b) => up * (known(a) - known(b)) || 0);
      list.replaceChildren();
      count = 0;
      show();
    };
    form.addEventListener("input", filter);
    form.addEventListener("submit", (event) => event.preventDefault());
    more.addEventListener("click", show);
    filter();
  }
})();
