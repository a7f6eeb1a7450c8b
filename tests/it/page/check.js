// Runs within a page under test and reports to the page around it: a line for every check that fails.
addEventListener("load", async () => {
  const failed = [];
  const check = (name, ok, detail = "") => { if (!ok) failed.push(name + (detail ? ": " + detail : "")); };
  const all = (root, what) => Array.from(root.querySelectorAll(what));
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  const shown = (el) => { const b = el.getBoundingClientRect(); return b.width > 0 && b.height > 0; };
  const key = (el, name) => el.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true }));
  try {
    const width = document.documentElement.clientWidth;
    const fits = () => document.documentElement.scrollWidth <= width;
    check("the page scrolls sideways", fits(), document.documentElement.scrollWidth + " in " + width);
    check("one h1", all(document, "h1").length === 1);
    const levels = all(document, "h1,h2,h3,h4,h5").map((h) => Number(h.localName[1]));
    check("headings in order", levels.every((l, i) => i === 0 ? l === 1 : l <= levels[i - 1] + 1), levels.join(" "));
    const ids = all(document, "[id]").map((e) => e.id);
    check("ids are unique", new Set(ids).size === ids.length);
    for (const a of all(document, "a[href^='#']")) {
      check("a link leads somewhere", document.getElementById(a.getAttribute("href").slice(1)), a.textContent);
    }
    const heads = all(document, "h1,h2,h3,h4,h5").map((h) => h.textContent.trim());
    check("headings are unique", new Set(heads).size === heads.length, heads.filter((h, i) => heads.indexOf(h) !== i).join(" / "));
    // The answer, the table and the reason are on the first screen of a desk's page.
    const section = document.querySelector("section.result");
    if (width >= 1200 && all(document, "section.result").length === 1 && !window.name.startsWith("hostile")) {
      const bottom = (what) => section.querySelector(what).getBoundingClientRect().bottom + scrollY;
      check("the answer is on the first screen", bottom(".answer") < 450, String(bottom(".answer")));
      check("the table is on the first screen", bottom("table.comparison") < 900, String(bottom("table.comparison")));
      check("the reason is on the first screen", section.querySelector(".answer .because li"));
      const heads = all(section, "table.comparison thead th").map((th) => th.getBoundingClientRect().right);
      const box = section.querySelector(".scroll").getBoundingClientRect();
      check("no column is cut", heads.every((r) => r <= box.right + 1), heads.join(" "));
    }
    // What scrolls sideways says so.
    for (const box of all(document, ".scroll").filter(shown)) {
      const wide = box.scrollWidth > box.clientWidth + 1;
      const cue = box.parentElement.nextElementSibling;
      check("a wide table says that it scrolls", wide === shown(cue), box.scrollWidth + " in " + box.clientWidth);
      check("and on which side", wide === box.parentElement.classList.contains("more-right"));
    }
    for (const e of all(document, "[aria-labelledby]")) {
      check("labels exist", e.getAttribute("aria-labelledby").split(" ").every((id) => document.getElementById(id)));
    }
    check("nothing was injected", typeof window.hacked === "undefined");

    const before = getComputedStyle(document.body).backgroundColor;
    const theme = document.querySelector("button.theme");
    check("theme button", shown(theme));
    theme.click();
    check("other colours", getComputedStyle(document.body).backgroundColor !== before);
    theme.click();
    check("colours back", getComputedStyle(document.body).backgroundColor === before);

    for (const figure of all(document, "figure.chart")) {
      const name = figure.id;
      const pictures = all(figure, ".plot > svg").filter(shown);
      check(name + " shows one picture", pictures.length === 1, String(pictures.length));
      const svg = pictures[0];
      const box = svg.getBoundingClientRect();
      check(name + " is large enough", box.width > 250 && box.height > 60, box.width + " x " + box.height);
      check(name + " is within the page", box.left >= 0 && box.right <= width + 0.5, box.left + " to " + box.right);
      const texts = all(svg, "text").filter(shown);
      check(name + " has texts", texts.length > 2);
      const boxes = texts.map((t) => [t, t.getBoundingClientRect()]);
      for (const [t, b] of boxes) {
        check(name + " cuts a text", b.left >= box.left - 3 && b.right <= box.right + 3 && b.top >= box.top - 3 && b.bottom <= box.bottom + 3, t.textContent);
      }
      const upright = boxes.filter(([t]) => !t.hasAttribute("transform"));
      upright.forEach(([t, a], i) => upright.slice(i + 1).forEach(([u, b]) => {
        const over = Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3;
        check(name + " lays texts over one another", !over, t.textContent + " / " + u.textContent);
      }));

      const plot = figure.querySelector(".plot");
      const tip = figure.querySelector(".tip");
      plot.focus();
      check(name + " takes the focus", document.activeElement === plot);
      key(plot, "ArrowRight");
      check(name + " answers keys", !tip.hidden && tip.textContent.length > 3);
      const first = tip.textContent;
      key(plot, figure.dataset.kind === "stack" ? "ArrowDown" : "ArrowRight");
      const marks = all(svg, ".mark-value");
      check(name + " moves on", figure.dataset.kind === "heat" || marks.length === 1 || tip.textContent !== first, first);
      check("a tip makes the page scroll", fits());
      key(plot, "Escape");
      check(name + " hides its tip", tip.hidden);
      if (figure.dataset.kind === "lines") {
        plot.dispatchEvent(new PointerEvent("pointermove", { clientX: box.left + box.width / 2, clientY: box.top + 50, bubbles: true }));
      } else {
        marks[0].dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
      }
      check(name + " answers the pointer", !tip.hidden && tip.textContent.length > 3);
      plot.dispatchEvent(new PointerEvent("pointerleave"));
      check(name + " forgets the pointer", tip.hidden);

      const button = figure.querySelector(".legend button");
      if (button) {
        const series = () => button.dataset.series.split(" ").flatMap((i) => all(svg, ".series.s" + i));
        const visible = () => series().some((g) => getComputedStyle(g).display !== "none");
        check(name + " has what its legend names", series().length > 0 && visible());
        button.click();
        check(name + " hides a series", !visible() && button.getAttribute("aria-pressed") === "false");
        button.click();
        check(name + " shows it again", visible() && button.getAttribute("aria-pressed") === "true");
      }
      const details = figure.querySelector("details.values");
      details.open = true;
      check(name + " has a table", shown(details.querySelector("tbody td")));
      check("an open table makes the page scroll", fits());
      details.open = false;
    }

    for (const table of all(document, "table.sortable")) {
      const heads = all(table, "thead th");
      const at = heads.findIndex((th) => th.classList.contains("num") && th.cellIndex > 0);
      heads[at].querySelector("button").click();
      const column = () => Array.from(table.tBodies[0].rows).map((r) => r.cells[at].dataset.key).filter((k) => k !== undefined).map(Number);
      check("sorted", column().every((v, i, a) => i === 0 || a[i - 1] <= v), column().join(" "));
      heads[at].querySelector("button").click();
      check("sorted the other way", column().every((v, i, a) => i === 0 || a[i - 1] >= v) && heads[at].getAttribute("aria-sort") === "descending");
    }
    for (const data of all(document, "script.data")) check("data is JSON", typeof JSON.parse(data.textContent) === "object");
    const copy = document.querySelector("button.copy");
    copy.click();
    await wait(300);
    check("copy says what it did", copy.textContent !== "Copy");
  } catch (e) {
    failed.push("the check itself: " + e + " " + e.stack);
  }
  failed.push(...window.complaints);
  parent.postMessage({ name: window.name, failed }, "*");
});
