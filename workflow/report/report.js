// The page: which charts stand where, what a change of the state does, and what others may ask of it (`layerwise`).

const explorer = document.getElementById("explorer-charts");
const places = new Map(); // element of a chart → Place
const whenIdle = window.requestIdleCallback ?? ((run) => setTimeout(run, 200));
const watcher = new IntersectionObserver(
  (seen) => {
    for (const { target, isIntersecting } of seen) if (isIntersecting) places.get(target)?.make();
  },
  { rootMargin: `${NEAR}px` },
);

/** The charts of a subject by view: in each, one for each axis, or just one. */
function viewsOf(subject) {
  const byView = new Map();
  for (const entry of page.charts) {
    if (entry.subject === subject) byView.set(entry.view, [...(byView.get(entry.view) ?? []), entry]);
  }
  return byView;
}

/** Put the charts of the chosen question in the explorer; a place is kept where the question stays. */
function arrange() {
  if (explorer && explorer.dataset.subject !== state.question) {
    for (const element of [...explorer.children]) removed(places.get(element));
    explorer.dataset.subject = state.question;
    for (const entries of viewsOf(state.question).values()) {
      const element = document.getElementById("chart-template").content.firstElementChild.cloneNode(true);
      explorer.append(element);
      placed(element, entries);
    }
  }
  places.forEach((place) => place.show());
}

function placed(element, entries) {
  const place = new Place(element, entries);
  places.set(element, place);
  watcher.observe(element);
  element.querySelector("details.chart-data").addEventListener("toggle", () => showData(place));
}

function removed(place) {
  watcher.unobserve(place.element);
  places.delete(place.element);
  place.leave();
}

function showData(place) {
  const details = place.element.querySelector("details.chart-data");
  if (details.open) tabulate(place, details.querySelector("div"));
}

/** Show what is said of the chosen question alone. */
function showQuestion() {
  for (const panel of document.querySelectorAll("[data-question]")) {
    panel.hidden = panel.dataset.question !== state.question;
    if (panel.hidden) continue;
    tendTables(panel);
    showBestBy(state.metric, panel);
  }
}

/** Bring the whole page up to date with the state; the promise is kept when what is near is drawn. */
async function show(isChange = true) {
  showControls(isChange);
  showQuestion();
  arrange();
  places.forEach(showData);
  await Promise.all([...places.values()].map((place) => place.refresh()));
  drawTheRest();
}

/** Draw what is far away while nothing else is to be done: so that it is there when one scrolls or prints. */
function drawTheRest() {
  whenIdle(async () => {
    const waiting = [...places.values()].find((place) => !place.made || place.isLate);
    if (!waiting) return;
    await waiting.make();
    drawTheRest();
  });
}

/** Change the state: some of `question`, `metric`, `axis`, `models` (names) and `isolated` (a name, or ""). */
function set(change) {
  const { question } = state;
  Object.assign(state, changed(state, change));
  const [path] = location.href.split("#");
  const address = addressOf(state);
  const keep = state.question === question ? "replaceState" : "pushState"; // Back leads to the question before
  history[keep](null, "", address ? `${path}#${address}` : path);
  return show();
}

/** Links to places on the page go there, and leave the state in the address. */
function tendLinks() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    const target = link && document.getElementById(link.getAttribute("href").slice(1));
    if (!target) return;
    event.preventDefault();
    target.setAttribute("tabindex", "-1");
    target.focus({ preventScroll: true });
    target.scrollIntoView();
  });
}

/** Paper has no room to unfold anything, and no other pages of a table. */
function tendPrinting() {
  let folded = [];
  window.addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open], .chart-data, .vega-embed details)")];
    for (const details of folded) details.open = true;
    showTheme(false);
  });
  window.addEventListener("afterprint", () => {
    for (const details of folded) details.open = false;
    showTheme();
  });
}

function showTheme(isDark = darkly.matches) {
  document.documentElement.classList.toggle("dark", isDark);
}

function start() {
  document.documentElement.classList.add("js"); // what needs scripts is hidden without it
  showTheme();
  tendControls();
  tendLinks();
  tendPrinting();
  tendTables();
  document.addEventListener("toggle", (event) => event.target.open && tendTables(event.target), true);
  for (const element of document.querySelectorAll("figure.chart")) {
    placed(element, viewsOf(element.dataset.subject).get(element.dataset.view));
  }
  window.addEventListener("hashchange", () => {
    const change = changeIn(location.hash);
    if (!change) return;
    Object.assign(state, changed(firstState(), change));
    show();
  });
  darkly.addEventListener("change", () => {
    showTheme();
    show(false);
  });
  let resized;
  window.addEventListener("resize", () => {
    clearTimeout(resized);
    resized = setTimeout(() => places.forEach((place) => place.refresh()), 200);
  });
  Object.assign(state, changed(state, changeIn(location.hash) ?? {}));
  return show(false);
}

/** Draw now what has been made and is late, wherever it is. */
function settle() {
  return Promise.all([...places.values()].filter((place) => place.isLate).map((place) => place.make()));
}

const layerwise = { state, set, views, settle, ready: null };
window.layerwise = layerwise;
layerwise.ready = start();
