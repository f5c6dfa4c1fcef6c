"use strict";
// Filters the rows, which are in the page already; without it all of them show.
(() => {
  const PAGE = 25;
  const form = document.getElementById("filters");
  const more = document.getElementById("more");
  const rows = [...document.querySelectorAll("#list > li")];
  if (!rows.length) return;
  form.hidden = false;
  let most = PAGE;
  const show = () => {
    const reason = form.reason.value;
    const text = form.text.value.toLowerCase();
    const found = rows.filter((row) => (!reason || row.dataset.reasons.split(" ").includes(reason))
      && (!text || row.textContent.toLowerCase().includes(text)));
    const shown = new Set(found.slice(0, most));
    for (const row of rows) row.hidden = !shown.has(row);
    more.hidden = found.length <= most;
    document.getElementById("found").textContent = `${shown.size} of ${found.length} shown.`;
  };
  const again = () => { most = PAGE; show(); };
  form.addEventListener("input", again);
  form.addEventListener("submit", (event) => event.preventDefault());
  more.addEventListener("click", () => { most += PAGE; show(); });
  for (const link of document.querySelectorAll("a[data-reason]")) {
    link.addEventListener("click", () => {
      form.reason.value = link.dataset.reason;
      form.text.value = "";
      again();
    });
  }
  show();
})();
