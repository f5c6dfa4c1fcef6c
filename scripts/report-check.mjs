// Opens a report in headless Chromium, at desktop and phone width, light and dark,
// and checks what a person would: nothing in the console, no sideways scrolling, no
// label over another, every number as the JSON beside the page has it, bars as tall
// as their numbers, and a filter that works. Writes a screenshot of each.
//
// usage: node scripts/report-check.mjs REPORT.html SHOTS [CHROMIUM]
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [page, shots, binary = "chromium"] = process.argv.slice(2);
const json = JSON.parse(readFileSync(page.replace(/\.[^.]*$/, ".json"), "utf8"));
mkdirSync(shots, { recursive: true });
const profile = mkdtempSync(join(tmpdir(), "report-check-"));
const chromium = spawn(binary, [
  "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
  `--user-data-dir=${profile}`, "about:blank",
], { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });

const faults = [];

// The DevTools protocol over pipes: numbered calls, and events by name.
const waiting = new Map();
const heard = [];
let number = 0;
let partial = "";
chromium.stdio[4].setEncoding("utf8").on("data", (text) => {
  const messages = (partial + text).split("\0");
  partial = messages.pop();
  for (const message of messages.map((one) => JSON.parse(one))) {
    if (message.id) {
      const [found, failed] = waiting.get(message.id);
      waiting.delete(message.id);
      if (message.error) failed(new Error(message.error.message));
      else found(message.result);
    } else heard.push(message);
  }
});
chromium.on("exit", () => waiting.forEach(([, failed]) => failed(new Error("Chromium has ended"))));
const call = (method, params = {}, sessionId = undefined) => new Promise((found, failed) => {
  number += 1;
  waiting.set(number, [found, failed]);
  chromium.stdio[3].write(`${JSON.stringify({ id: number, method, params, sessionId })}\0`);
});

// What is checked in the page; returns faults in words.
const checks = (json, width) => {
  const faults = [];
  const at = (path) => path.split("/").slice(1).reduce((part, key) => part?.[key], json);
  const scale = {
    "%": 0.01, k: 1e3, M: 1e6, G: 1e9, "µs": 1e-6, ms: 1e-3, s: 1,
  };
  let numbers = 0;
  for (const element of document.querySelectorAll("[data-unit]")) {
    const wanted = at(element.dataset.path);
    const text = element.textContent;
    if (wanted === undefined) { faults.push(`no ${element.dataset.path} in the JSON`); continue; }
    numbers += 1;
    if (wanted === null) {
      if (text !== "–") faults.push(`${element.dataset.path} is null, the page says ${text}`);
      continue;
    }
    const [, digits, unit] = text.match(/^(-?[\d.\u202f]+(?:e-?\d+)?) ?(.*)$/) ?? [];
    const shown = Number(digits?.replaceAll("\u202f", "")) * (scale[unit] ?? 1);
    const places = (digits?.split(".")[1] ?? "").replace(/e.*/, "").length;
    const exponent = Number(digits?.match(/e(-?\d+)/)?.[1] ?? 0);
    const room = 0.5000001 * 10 ** (exponent - places) * (scale[unit] ?? 1);
    if (!(Math.abs(shown - wanted) <= room)) faults.push(`${element.dataset.path} is ${wanted}, the page says ${text}`);
  }
  if (numbers < 10) faults.push(`only ${numbers} numbers on the page`);

  // Bars of a plot are as tall as their numbers.
  for (const svg of document.querySelectorAll("svg")) {
    const bars = [...svg.querySelectorAll("rect[data-path]")];
    const ratios = bars.map((bar) => Number(bar.getAttribute("height")) / at(bar.dataset.path));
    const tallest = Math.max(...bars.map((bar) => Number(bar.getAttribute("height"))));
    bars.forEach((bar, index) => {
      const off = Math.abs(ratios[index] / ratios[0] - 1) * Number(bar.getAttribute("height"));
      if (!(off < 0.02 * tallest || off < 0.05)) faults.push(`the bar ${bar.dataset.path} is too tall or low`);
    });
    for (const dot of svg.querySelectorAll("circle[data-path]")) {
      const value = at(dot.dataset.path);
      const share = (182 - Number(dot.getAttribute("cy"))) / 150;
      if (Math.abs(share - value) > 0.001) faults.push(`the dot ${dot.dataset.path} is at ${share}, not ${value}`);
    }
    const box = svg.getBoundingClientRect();
    const labels = [...svg.querySelectorAll("text")].map((label) => [label.textContent, label.getBoundingClientRect()]);
    labels.forEach(([text, one], index) => {
      if (one.left < box.left - 0.5 || one.right > box.right + 0.5) faults.push(`the label "${text}" is cut off`);
      for (const [other, two] of labels.slice(index + 1)) {
        const over = Math.min(one.right, two.right) - Math.max(one.left, two.left);
        const above = Math.min(one.bottom, two.bottom) - Math.max(one.top, two.top);
        if (over > 0.5 && above > 2) faults.push(`the labels "${text}" and "${other}" overlap`);
      }
    });
    if (!svg.getAttribute("aria-label")) faults.push("a picture says nothing");
  }

  const wide = document.documentElement.scrollWidth;
  if (wide > width) {
    const far = [...document.body.querySelectorAll("*")].find((it) =>
      it.getBoundingClientRect().right > width + 1 && !it.closest(".wide, .values, pre"));
    faults.push(`the page is ${wide} wide in a window of ${width}: ${far?.outerHTML.slice(0, 120)}`);
  }

  // Contrast of text against the page, by WCAG 2: at least 4.5.
  const channel = (value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const light = (colour) => {
    const [r, g, b] = colour.match(/[\d.]+/g).map((part) => channel(Number(part) / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const opaque = (colour) => colour.startsWith("rgb(") || /, 1\)$/.test(colour);
  const behind = (element) => {
    for (let it = element; it; it = it.parentElement) {
      const colour = getComputedStyle(it).backgroundColor;
      if (opaque(colour)) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const seen = new Set();
  for (const element of document.querySelectorAll("p, h1, h2, h3, dt, dd, th, td, span, mark, summary, a, label, svg text")) {
    if (!element.textContent.trim()) continue;
    const style = getComputedStyle(element);
    const colour = element.closest("svg") ? style.fill : style.color;
    const key = `${colour} on ${behind(element)}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const [a, b] = [light(colour), light(behind(element))].sort((a, b) => b - a);
    const contrast = (a + 0.05) / (b + 0.05);
    if (contrast < 4.5) faults.push(`contrast ${contrast.toFixed(2)}: ${key}, "${element.textContent.slice(0, 30)}"`);
  }

  for (const table of document.querySelectorAll("table")) if (!table.caption) faults.push("a table without caption");
  const levels = [...document.querySelectorAll("h1, h2, h3")].map((it) => Number(it.tagName[1]));
  levels.forEach((level, index) => { if (index && level > levels[index - 1] + 1) faults.push("a heading skips a level"); });

  // The filter shows rows of the reason alone, and the keyboard opens one.
  const form = document.getElementById("filters");
  const rows = [...document.querySelectorAll("#list > li")];
  if (rows.length) {
    const choice = [...form.reason.options].find((it) => it.value);
    form.reason.value = choice.value;
    form.dispatchEvent(new Event("input", { bubbles: true }));
    const left = rows.filter((row) => !row.hidden);
    if (!left.length || left.some((row) => !row.dataset.reasons.split(" ").includes(choice.value))) faults.push("the filter does not filter");
    form.reason.value = "";
    form.dispatchEvent(new Event("input", { bubbles: true }));
    for (const row of rows.slice(0, 2)) row.querySelector("details").open = true;
    for (const row of rows) {
      for (const foreign of row.querySelectorAll("script, img, iframe, object, embed, link, style, svg, a, form, input, video, audio, base, meta")) {
        faults.push(`a row brought an element of its own: ${foreign.outerHTML.slice(0, 80)}`);
      }
    }
    if (document.documentElement.scrollWidth > width) faults.push("an open row makes the page too wide");
  }
  if (window.hacked) faults.push("a completion ran a script");
  return { faults, numbers, rows: rows.length };
};

const views = [
  ["desktop-light", 1280, 900, false, "light"],
  ["desktop-dark", 1280, 900, false, "dark"],
  ["phone-light", 360, 800, true, "light"],
  ["phone-dark", 360, 800, true, "dark"],
];
try {
  for (const [name, width, height, mobile, scheme] of views) {
    const { targetId } = await call("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await call("Target.attachToTarget", { targetId, flatten: true });
    const send = (method, params) => call(method, params, sessionId);
    for (const domain of ["Page", "Runtime", "Log", "Network"]) await send(`${domain}.enable`);
    await send("Emulation.setDeviceMetricsOverride", { width, height, mobile, deviceScaleFactor: mobile ? 2 : 1 });
    await send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
    heard.length = 0;
    await send("Page.navigate", { url: pathToFileURL(resolve(page)).href });
    for (let tries = 0; tries < 200 && !heard.some((it) => it.method === "Page.loadEventFired"); tries += 1) {
      await new Promise((later) => setTimeout(later, 50));
    }
    const shot = async (suffix, options) => {
      const { data } = await send("Page.captureScreenshot", { format: "png", ...options });
      writeFileSync(join(shots, `${name}${suffix}.png`), Buffer.from(data, "base64"));
    };
    await shot("", {});
    const { result, exceptionDetails } = await send("Runtime.evaluate", {
      expression: `(${checks})(${JSON.stringify(json)}, ${width})`, returnByValue: true,
    });
    if (exceptionDetails) faults.push(`${name}: ${exceptionDetails.exception?.description}`);
    for (const fault of result.value?.faults ?? []) faults.push(`${name}: ${fault}`);
    const { cssContentSize } = await send("Page.getLayoutMetrics");
    for (const [part, selector] of [["-pictures", "#pictures"], ["-rows", "#rows"]]) {
      const { result } = await send("Runtime.evaluate", {
        expression: `(({ left: x, top: y, width, height }) => ({ x: 0, y: y + scrollY, width: innerWidth, height: Math.min(height + 16, 2400), scale: 1 }))(document.querySelector("${selector}").getBoundingClientRect())`,
        returnByValue: true,
      });
      await shot(part, { captureBeyondViewport: true, clip: result.value });
    }
    await shot("-whole", { captureBeyondViewport: true, clip: { x: 0, y: 0, width, height: Math.min(cssContentSize.height, 12000), scale: 1 } });
    for (const { method, params } of heard) {
      if (method === "Runtime.exceptionThrown") faults.push(`${name}: ${params.exceptionDetails.text}`);
      if (method === "Log.entryAdded") faults.push(`${name}: console: ${params.entry.text}`);
      if (method === "Runtime.consoleAPICalled") faults.push(`${name}: console: ${params.args.map((it) => it.value).join(" ")}`);
      if (method === "Network.requestWillBeSent" && !params.request.url.startsWith("file:")) faults.push(`${name}: asked for ${params.request.url}`);
    }
    console.log(`${name}: ${result.value?.numbers} numbers, ${result.value?.rows} rows, ${cssContentSize.height} px`);
    await call("Target.closeTarget", { targetId });
  }
} finally {
  const gone = new Promise((ended) => chromium.on("exit", ended));
  await call("Browser.close").catch(() => chromium.kill());
  await Promise.race([gone, new Promise((later) => setTimeout(later, 3000))]);
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
}
for (const fault of faults.slice(0, 60)) console.error(fault);
console.log(faults.length ? `${faults.length} faults` : "no faults");
process.exit(faults.length ? 1 : 0);
