"use strict";
(() => {
  const all = (root, what) => Array.from(root.querySelectorAll(what));
  const SVG = "http:" + "//www.w3.org/2000/svg";
  const root = document.documentElement;

  // Light and dark: the system's wish until somebody chooses. Paper is always light.
  const theme = document.querySelector("button.theme");
  const store = { get() { try { return localStorage.getItem("pchsim-theme"); } catch { return null; } },
    set(v) { try { localStorage.setItem("pchsim-theme", v); } catch { /* some browsers keep nothing for files */ } } };
  const wish = matchMedia("(prefers-color-scheme: dark)");
  let chosen = store.get();
  function paint(name) {
    root.dataset.theme = name;
    theme.textContent = name === "dark" ? "Light colours" : "Dark colours";
  }
  const current = () => chosen || (wish.matches ? "dark" : "light");
  theme.hidden = false;
  paint(current());
  wish.addEventListener("change", () => paint(current()));
  theme.addEventListener("click", () => { chosen = root.dataset.theme === "dark" ? "light" : "dark"; store.set(chosen); paint(chosen); });
  // Nothing that is folded away can be opened on paper, but for the long tables of values.
  const folded = () => all(document, "details.contents");
  addEventListener("beforeprint", () => { root.dataset.theme = "light"; folded().forEach((d) => { d.open = true; }); });
  addEventListener("afterprint", () => paint(current()));

  // The command, copied; where the browser does not let pages of files do it, selected.
  for (const button of all(document, "button.copy")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const code = button.parentElement.querySelector("code");
      let done = false;
      try { await navigator.clipboard.writeText(code.textContent); done = true; } catch {
        getSelection().selectAllChildren(code);
        try { done = document.execCommand("copy"); } catch { done = false; }
      }
      button.textContent = done ? "Copied" : "Press Ctrl+C";
      setTimeout(() => { button.textContent = "Copy"; }, 2500);
    });
  }

  // Tables that are wider than their room say so, and on which side there is more.
  for (const box of all(document, ".scroll")) {
    const look = () => {
      const more = box.scrollWidth - box.clientWidth;
      const wide = more > 1;
      box.parentElement.classList.toggle("is-wide", wide);
      box.parentElement.classList.toggle("more-left", wide && box.scrollLeft > 1);
      box.parentElement.classList.toggle("more-right", wide && box.scrollLeft < more - 1);
    };
    box.addEventListener("scroll", look, { passive: true });
    addEventListener("resize", look);
    if ("ResizeObserver" in window) new ResizeObserver(look).observe(box);
    look();
  }

  // Tables sort by the column whose head is pressed.
  for (const table of all(document, "table.sortable")) {
    all(table, "thead th").forEach((th, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...th.childNodes);
      th.append(button);
      button.addEventListener("click", () => {
        const up = th.getAttribute("aria-sort") !== "ascending";
        all(table, "thead th").forEach((o) => o.removeAttribute("aria-sort"));
        th.setAttribute("aria-sort", up ? "ascending" : "descending");
        const body = table.tBodies[0];
        const key = (tr) => { const c = tr.cells[column]; return "key" in c.dataset ? Number(c.dataset.key) : c.textContent.trim(); };
        const missing = (v) => typeof v === "string" && (v === "–" || v === "");
        const order = (a, b) => {
          const [x, y] = [key(a), key(b)];
          if (missing(x) || missing(y)) return missing(x) - missing(y);
          const d = typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y));
          return up ? d : -d;
        };
        body.append(...Array.from(body.rows).sort(order));
      });
    });
  }

  // Charts.
  const charts = all(document, "figure.chart").map(chart);

  function chart(figure) {
    const plot = figure.querySelector(".plot");
    const tip = figure.querySelector(".tip");
    const shown = () => all(plot, ":scope > svg").find((s) => getComputedStyle(s).display !== "none");
    for (const button of all(figure, ".legend button")) {
      button.addEventListener("click", () => {
        const on = button.getAttribute("aria-pressed") !== "true";
        button.setAttribute("aria-pressed", on);
        // Curves that coincide are one line, and come and go together.
        for (const i of button.dataset.series.split(" ")) all(plot, ".series.s" + i).forEach((g) => g.classList.toggle("off", !on));
        hide();
      });
    }
    // What the browser would show as a tip of its own beside ours.
    const titles = new Map();
    for (const t of all(plot, "svg title")) {
      if (t.parentElement.localName !== "svg") titles.set(t.parentElement, t.textContent);
      t.remove();
    }
    const off = (i) => figure.querySelector(".series.s" + i)?.classList.contains("off");
    const self = { figure, hide, follow: () => {} };

    function hide() {
      tip.hidden = true;
      all(plot, ".hover").forEach((g) => g.replaceChildren());
      all(plot, ".on").forEach((m) => m.classList.remove("on"));
    }
    // Puts the tip beside a point of the picture, in its coordinates.
    function place(svg, x, y) {
      tip.hidden = false;
      const scale = svg.clientWidth / svg.viewBox.baseVal.width || svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
      const px = x * scale + (svg.getBoundingClientRect().left - plot.getBoundingClientRect().left);
      const left = px + 14 + tip.offsetWidth > plot.clientWidth ? px - 14 - tip.offsetWidth : px + 14;
      tip.style.left = Math.max(0, Math.min(left, plot.clientWidth - tip.offsetWidth)) + "px";
      tip.style.top = Math.max(0, y * scale - tip.offsetHeight - 8) + "px";
    }
    // A line of the tip, behind a dot in the colour of what it is said of.
    function line(kind, text, of) {
      const el = document.createElement(kind);
      if (of) {
        const dot = document.createElement("i");
        dot.style.setProperty("--c", getComputedStyle(of).getPropertyValue("--c"));
        el.append(dot);
      }
      el.append(text);
      return el;
    }
    const area = (svg) => svg.dataset.plot.split(" ").map(Number);
    function across(event, svg) {
      const box = svg.getBoundingClientRect();
      return ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
    }

    if (figure.dataset.kind === "lines") curves(); else marks();
    plot.addEventListener("pointerleave", leave);
    plot.addEventListener("blur", leave);
    function leave() { charts.forEach((c) => c.hide()); }
    return self;

    function curves() {
      const data = JSON.parse(figure.querySelector("script.points").textContent);
      self.across = data.x;
      const stops = [...new Set(data.s.flatMap((s) => s.d.map((p) => p[0])))].sort((a, b) => a - b);
      const nearest = (list, u) => list.reduce((a, b) => (Math.abs(b[0] - u) < Math.abs(a[0] - u) ? b : a));
      let at = -1;
      function show(u, own) {
        const svg = shown();
        const seen = data.s.map((s, i) => [s, i]).filter(([s, i]) => s.d.length && !off(i)).map(([s, i]) => [s, i, nearest(s.d, u)]);
        if (!seen.length) { hide(); return null; }
        const main = nearest(seen.map((s) => s[2]), u);
        const [x0, y0, w, h] = area(svg);
        const hover = svg.querySelector(".hover");
        hover.replaceChildren();
        const guide = document.createElementNS(SVG, "line");
        guide.setAttribute("class", "guide");
        for (const [k, v] of [["x1", x0 + main[0] * w], ["x2", x0 + main[0] * w], ["y1", y0], ["y2", y0 + h]]) guide.setAttribute(k, v);
        hover.append(guide);
        tip.replaceChildren(line("b", data.x + ": " + main[2]));
        for (const [s, i, p] of seen) {
          if (Math.abs(p[0] - main[0]) > 0.04) continue;
          const curve = figure.querySelector(".series.s" + i);
          const dot = document.createElementNS(SVG, "circle");
          dot.setAttribute("class", curve?.getAttribute("class") || "");
          for (const [k, v] of [["cx", x0 + p[0] * w], ["cy", y0 + (1 - p[1]) * h], ["r", 4]]) dot.setAttribute(k, v);
          hover.append(dot);
          const elsewhere = p[2] === main[2] ? "" : " (at " + p[2] + ")";
          tip.append(line("span", s.n + ": " + p[3] + elsewhere, curve));
        }
        if (own) place(svg, x0 + main[0] * w, y0 + h * 0.45);
        return main[2];
      }
      const lead = (u) => {
        const text = show(u, true);
        if (text !== null) charts.forEach((c) => { if (c !== self && c.across === data.x) c.follow(text); });
      };
      self.follow = (text) => {
        const same = data.s.flatMap((s) => s.d).find((p) => p[2] === text);
        tip.hidden = true;
        if (same) show(same[0], false); else hide();
      };
      plot.addEventListener("pointermove", (e) => {
        const svg = shown();
        const [x0, , w] = area(svg);
        const u = Math.min(1, Math.max(0, (across(e, svg) - x0) / w));
        at = stops.indexOf(stops.reduce((a, b) => (Math.abs(b - u) < Math.abs(a - u) ? b : a), stops[0]));
        lead(u);
      });
      keys({ ArrowRight: () => at + 1, ArrowLeft: () => at - 1, Home: () => 0, End: () => stops.length - 1 }, (to) => {
        at = Math.min(stops.length - 1, Math.max(0, to));
        if (stops.length) lead(stops[at]);
      });
    }

    function marks() {
      let on = null;
      const seen = (m) => m.closest(".off") === null;
      function show(mark) {
        all(plot, ".on").forEach((m) => m.classList.remove("on"));
        mark.classList.add("on");
        on = mark;
        const svg = mark.ownerSVGElement;
        const box = mark.getBBox();
        if (figure.dataset.kind === "stack") {
          const same = all(svg, ".mark-value").filter((m) => m.dataset.row === mark.dataset.row && seen(m));
          const [name] = titles.get(mark).split(": ").slice(0, 1);
          tip.replaceChildren(line("b", name), ...same.map((m) => line("span", titles.get(m).slice(name.length + 2), m)));
        } else {
          tip.replaceChildren(line("span", titles.get(mark), figure.dataset.kind === "gantt" ? mark : null));
        }
        place(svg, box.x + box.width / 2, box.y);
      }
      plot.addEventListener("pointerover", (e) => {
        const mark = e.target.closest(".mark-value");
        if (mark) show(mark); else hide();
      });
      const list = () => all(shown(), ".mark-value").filter(seen);
      const step = (rows, columns) => () => {
        const marks = list();
        if (!on || !marks.includes(on)) return marks[0];
        const [r, c] = [Number(on.dataset.row), Number(on.dataset.column)];
        const score = (m) => {
          const [dr, dc] = [Number(m.dataset.row) - r, Number(m.dataset.column) - c];
          if (rows) return dr * rows > 0 ? Math.abs(dr) * 1e6 + Math.abs(dc) : Infinity;
          return dr === 0 && dc * columns > 0 ? Math.abs(dc) : Infinity;
        };
        const best = marks.reduce((a, b) => (score(b) < score(a) ? b : a));
        return score(best) < Infinity ? best : on;
      };
      keys({ ArrowRight: step(0, 1), ArrowLeft: step(0, -1), ArrowDown: step(1, 0), ArrowUp: step(-1, 0),
        Home: () => list()[0], End: () => list().at(-1) }, (mark) => { if (mark) show(mark); });
    }

    function keys(moves, go) {
      plot.addEventListener("keydown", (e) => {
        if (e.key === "Escape") leave();
        if (!(e.key in moves) || e.ctrlKey || e.metaKey || e.altKey) return;
        e.preventDefault();
        go(moves[e.key]());
      });
    }
  }
})();
