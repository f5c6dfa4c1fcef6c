"use strict";
const VERDICTS = [["correct", "correct"], ["wrong", "wrong"], ["no_answer", "no answer"], ["unknown", "unknown"], ["none", "no verdict"]];
const SVG = "http://www.w3.org/2000/svg";
const place = (id) => document.getElementById(id);
let token = "";

// Everything that is shown goes through here, as text.
function element(name, text, kind) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

function number(value, digits = 0) {
  return value.toLocaleString("en-US", { maximumFractionDigits: digits }).replaceAll(",", "\u202f");
}

function milliseconds(value) {
  if (value === null) return "–";
  return value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : number(value);
}

function span(seconds) {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86400)} d`;
}

function tile(name, value, more) {
  const made = element("div");
  made.append(element("dt", name), element("dd", value, "value"), element("dd", more || "\u00a0", "more"));
  return made;
}

function shape(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

function chart(series, seconds) {
  // The last slot has only begun, and counts where there is no other.
  const rates = (series.length > 1 ? series.slice(0, -1) : series).map((rows) => rows / seconds);
  if (rates.length === 1) rates.push(rates[0]);
  const most = Math.max(1, ...rates);
  const label = number(most, most < 100 ? 1 : 0);
  const width = Math.max(240, place("chart").clientWidth);
  const height = 150;
  const top = 16;
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `at most ${label} rows a second` });
  const y = (rate) => height - 2 - (height - 2 - top) * rate / most;
  const x = (index) => rates.length > 1 ? width * index / (rates.length - 1) : width;
  svg.append(shape("line", { class: "rule", x1: 0, x2: width, y1: y(most), y2: y(most) }));
  svg.append(shape("text", { x: 0, y: 11 }, label));
  if (rates.length > 1) {
    const line = rates.map((rate, index) => `${x(index).toFixed(1)},${y(rate).toFixed(1)}`).join(" L");
    svg.append(shape("path", { class: "area", d: `M0,${height} L${line} L${width},${height} Z` }));
    svg.append(shape("path", { class: "curve", d: `M${line}` }));
  }
  if (series.every((rows) => rows === 0)) {
    svg.append(shape("text", { x: width / 2, y: height / 2, "text-anchor": "middle" }, "no rows yet"));
  }
  place("chart").replaceChildren(svg);
  place("span").textContent = `over the last ${span(series.length * seconds)}`;
}

function show(status) {
  const rows = status.rows.ok + status.rows.abstain + status.rows.error;
  // Before anything is drawn: what is hidden has no width.
  place("all").hidden = false;
  place("version").textContent = status.version;
  place("state").textContent = status.state === "ready" ? "Ready" : "Draining";
  place("about").textContent = `up for ${span(status.uptime_seconds)}; the numbers are of the last ${span(Math.min(status.uptime_seconds, status.window_seconds))}`;
  const queued = status.specs.reduce((sum, spec) => sum + spec.queue_rows, 0);
  place("tiles").replaceChildren(
    tile("Rows", number(rows), `${number(status.rows.abstain)} abstain, ${number(status.rows.error)} error`),
    tile("Requests", number(status.requests), `${number(status.refused)} refused`),
    tile("Latency, half within", `${milliseconds(status.latency_ms.p50)} ms`, `99 % within ${milliseconds(status.latency_ms.p99)} ms`),
    tile("In the queue", number(queued), "rows"),
  );
  chart(status.series, status.slot_seconds);
  place("bar").replaceChildren();
  place("verdicts").replaceChildren();
  for (const [key, name] of VERDICTS) {
    const count = status.verdicts[key];
    if (count > 0) {
      const part = element("span", undefined, key);
      part.style.flexGrow = count;
      place("bar").append(part);
    }
    const item = element("li");
    const share = rows > 0 ? ` ${(100 * count / rows).toFixed(1)} %` : "";
    item.append(element("i", undefined, key), `${name} ${number(count)}`, element("span", share, "share"));
    place("verdicts").append(item);
  }
  place("bar").setAttribute("aria-label", place("verdicts").textContent);
  place("slowest").replaceChildren(...status.slowest.map((row) => {
    const made = element("tr");
    made.append(
      element("td", milliseconds(row.ms), "number"), element("td", row.id, "name"), element("td", row.spec),
      element("td", row.status), element("td", (row.verdict || "–").replace("_", " ")),
      element("td", row.reward === null ? "–" : number(row.reward, 3), "number"), element("td", span(row.age_seconds), "number"));
    return made;
  }));
  place("none").hidden = rows > 0;
  place("specs").replaceChildren(...status.specs.map((spec) => {
    const made = element("tr");
    made.append(element("td", spec.name), element("td", spec.sha256.slice(0, 12)),
      element("td", `${number(spec.queue_rows)} of ${number(spec.queue_capacity_rows)}`, "number"));
    return made;
  }));
  const endpoints = status.remote || [];
  place("asked").hidden = endpoints.length === 0;
  place("endpoints").replaceChildren(...endpoints.map((one) => {
    const made = element("tr");
    const each = one.requests > 0 ? 1000 * one.seconds / one.requests : null;
    made.append(
      element("td", one.endpoint, "name"), element("td", one.model || "–"), element("td", one.spec),
      element("td", number(one.questions), "number"), element("td", number(one.cached), "number"),
      element("td", number(one.unanswered), "number"), element("td", number(one.requests), "number"),
      element("td", milliseconds(each), "number"), element("td", one.is_away ? "away" : "in use"));
    return made;
  }));
}

async function refresh() {
  try {
    const answer = await fetch("status", { headers: token ? { authorization: `Bearer ${token}` } : {}, cache: "no-store" });
    if (answer.status === 401) {
      place("login-note").textContent = token ? "This is not the server's token." : "This server asks for its token.";
      place("state").textContent = "Locked";
      place("login").hidden = false;
      place("all").hidden = true;
      return;
    }
    show(await answer.json());
    place("login").hidden = true;
  } catch {
    place("state").textContent = "Out of reach";
  }
  setTimeout(refresh, 2000);
}

place("login").addEventListener("submit", (event) => {
  event.preventDefault();
  token = place("token").value;
  place("token").value = "";
  refresh();
});
refresh();
