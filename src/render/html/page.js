"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const make = (name, text, kind) => {
    const element = document.createElement(name);
    if (text !== undefined) element.textContent = text;
    if (kind) element.className = kind;
    return element;
  };

  // Steps open when they are linked to, and on paper.
  const openTarget = () => {
    const target = document.getElementById(location.hash.slice(1));
    if (target && target.tagName === "DETAILS") target.open = true;
  };
  addEventListener("hashchange", openTarget);
  openTarget();
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details")) details.open = true;
  });

  // Findings beyond the first of many alike.
  const STEP = 500;
  for (const button of document.querySelectorAll("button.more")) {
    const rest = data.more[button.dataset.more];
    const list = button.previousElementSibling;
    let shown = 0;
    const label = () => {
      button.textContent = `Show ${Math.min(STEP, rest.length - shown)} of ${rest.length - shown} more`;
      button.hidden = shown >= rest.length;
    };
    button.addEventListener("click", () => {
      for (const text of rest.slice(shown, shown + STEP)) list.append(make("li", text));
      shown += STEP;
      label();
    });
    label();
  }

  const input = document.getElementById("search");
  if (!input) return;
  const { paths, digests, items } = data;
  const list = document.getElementById("list");
  const rows = document.getElementById("rows");
  const count = document.getElementById("count");
  const one = document.getElementById("one");
  const only = document.getElementById("differs");
  const ROW = 36;
  // Browsers do not lay out what is higher than some 16 million pixels.
  const MOST = 400000;

  // How often each artifact occurs, and whether always with the same digests.
  const uses = new Uint32Array(paths.length);
  const first = new Int32Array(paths.length).fill(-1);
  const differs = new Uint8Array(paths.length);
  const each = (visit) => {
    items.forEach((item) => {
      for (const side of ["materials", "products"]) {
        const pairs = item[side];
        for (let at = 0; at < pairs.length; at += 2) visit(pairs[at], pairs[at + 1], item, side);
      }
    });
  };
  each((path, digest) => {
    uses[path] += 1;
    if (first[path] < 0) first[path] = digest;
    else if (first[path] !== digest) differs[path] = 1;
  });

  let lower = null;
  let found = [];
  let chosen = -1;

  const search = () => {
    const wanted = input.value.trim().toLowerCase();
    lower ??= paths.map((path) => path.toLowerCase());
    let byDigest = null;
    if (/^[a-z0-9]*:?[0-9a-f]{6,}$/.test(wanted)) {
      const known = digests.map((digest) => digest.includes(wanted));
      byDigest = new Uint8Array(paths.length);
      each((path, digest) => { if (known[digest]) byDigest[path] = 1; });
    }
    found = [];
    for (let path = 0; path < paths.length; path += 1) {
      const named = wanted === "" || lower[path].includes(wanted) || (byDigest && byDigest[path]);
      if (named && (!only.checked || differs[path])) found.push(path);
    }
    const all = paths.length.toLocaleString("en");
    const many = found.length.toLocaleString("en");
    count.textContent = found.length === paths.length ? `${all} artifacts` : `${many} of ${all} artifacts`;
    if (found.length > MOST) count.textContent += `; the first ${MOST.toLocaleString("en")} are listed`;
    const shown = Math.min(found.length, MOST);
    rows.style.height = `${shown * ROW}px`;
    list.style.height = `${Math.min(shown, 14) * ROW + 2}px`;
    list.scrollTop = 0;
    draw();
  };

  const row = (at) => {
    const path = found[at];
    const button = make("button");
    button.type = "button";
    button.style.top = `${at * ROW}px`;
    button.setAttribute("aria-pressed", String(path === chosen));
    button.append(make("span", paths[path], "path mono"));
    if (differs[path]) button.append(make("span", "changes", "tag differs"));
    button.append(make("span", `${uses[path]}×`, "tag"));
    button.addEventListener("click", () => show(path));
    return button;
  };

  const draw = () => {
    const start = Math.max(0, Math.floor(list.scrollTop / ROW) - 5);
    const end = Math.min(found.length, MOST, start + Math.ceil(list.clientHeight / ROW) + 10);
    const visible = [];
    for (let at = start; at < end; at += 1) visible.push(row(at));
    rows.replaceChildren(...visible);
  };

  // The life of one artifact.
  const show = (path) => {
    chosen = path;
    const life = make("ol");
    let before = -1;
    each((other, digest, item, side) => {
      if (other !== path) return;
      const entry = make("li", `${side === "materials" ? "material" : "product"} of `);
      const link = make("a", item.name);
      link.href = `#item-${item.at}`;
      entry.append(link);
      if (before >= 0 && before !== digest) entry.append(make("span", " with other digests", "no"));
      entry.append(make("br"), make("span", digests[digest] || "no digest", "mono soft"));
      before = digest;
      life.append(entry);
    });
    one.replaceChildren(make("div", paths[path], "path mono"), life);
    one.hidden = false;
    draw();
  };

  let waiting = 0;
  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(search, paths.length > 20000 ? 120 : 0);
  });
  only.addEventListener("change", search);
  list.addEventListener("scroll", () => requestAnimationFrame(draw), { passive: true });
  addEventListener("resize", draw);
  search();
})();
