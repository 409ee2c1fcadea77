// Charts: made of their specifications when they come near, themed like the page, told which models to draw.

const views = new Map(); // "figure/subject" → Vega view
const NEAR = 400; // pixels beyond the window within which a chart is made
const NARROW = 640; // pixels; a legend beside a chart would leave nothing of it
const MOST_SHAPES = 2000; // rows that are drawn as shapes of their own; more are painted
const darkly = window.matchMedia("(prefers-color-scheme: dark)");
const LETTER = 7; // pixels of a letter of the title of an axis

/** A place for a chart: its element on the page and what is shown there. */
class Place {
  /** `entries`: the charts that can stand here, one for each axis, or just one. */
  constructor(element, entries) {
    this.element = element;
    this.entries = entries;
    this.show();
  }

  get entry() {
    return this.entries.find((entry) => entry.axis === state.axis) ?? this.entries[0];
  }

  /** Say what stands here. */
  show() {
    const { figure, subject, caption, alt } = this.entry;
    Object.assign(this.element.dataset, { figure, subject });
    this.element.querySelector("figcaption").textContent = caption;
    this.element.querySelector("h3").textContent = alt;
  }

  get key() {
    return `${this.entry.figure}/${this.entry.subject}`;
  }

  get metric() {
    const { charts, subject } = this.entry;
    return [state.metric, questionOf.get(subject)?.shown, ...Object.keys(charts)].find((name) => name in charts);
  }

  get host() {
    return this.element.querySelector(".plot");
  }

  /** What decides how the chart is made; where it has changed, the chart is made again. */
  get #wanted() {
    return [this.key, this.metric, darkly.matches, this.host.clientWidth < NARROW].join(" ");
  }

  get #isNear() {
    const { top, bottom } = this.element.getBoundingClientRect();
    return bottom > -NEAR && top < window.innerHeight + NEAR;
  }

  /** Whether the chart is drawn with other models than those that are chosen. */
  get isLate() {
    return Boolean(this.result) && this.drawn !== JSON.stringify(parameters());
  }

  /** Bring the chart up to date: now if it is near, else when it comes near, or nothing else is to be done. */
  async refresh() {
    if (this.made !== this.#wanted) this.#finalize();
    if (this.#isNear) await this.make();
  }

  /** Make the chart as it is wanted, where it does not stand so; the promise is kept when it does. */
  async make() {
    if (this.made !== this.#wanted) {
      this.#finalize();
      this.made = this.#wanted;
      this.making = this.#embed(this.made);
    }
    await this.making;
    await this.#choose();
  }

  /** Leave the page. */
  leave() {
    this.#finalize();
    this.element.remove();
  }

  // The picture stays until another one is made.
  #finalize() {
    this.made = null;
    if (!this.result) return;
    if (views.get(this.name) === this.result.view) views.delete(this.name);
    this.result.finalize();
    this.result = null;
  }

  async #embed(wanted) {
    const { host, key } = this;
    const { spec, rows } = specified(this.entry, this.metric, host.clientWidth);
    this.drawn = JSON.stringify(parameters());
    const element = document.createElement("div");
    if (darkly.matches) element.className = "in-dark";
    host.append(element);
    try {
      const result = await vegaEmbed(element, spec, {
        mode: "vega-lite",
        ast: true,
        renderer: rows > MOST_SHAPES ? "canvas" : "svg",
        actions: { export: true, source: false, compiled: false, editor: false },
        i18n: { CLICK_TO_VIEW_ACTIONS: "Download this chart" },
        downloadFileName: [page.experiment, this.entry.subject, this.entry.figure, this.metric].filter(Boolean).join("_"),
        tooltip: { theme: darkly.matches ? "dark" : "light" },
        patch: (vega) => legible(vega, host.clientWidth),
      });
      if (this.made !== wanted) {
        result.finalize();
        element.remove();
        return;
      }
      [this.result, this.name] = [result, key];
      views.set(key, result.view);
      this.#tend(result.view, element);
    } catch (fault) {
      element.textContent = `This chart cannot be drawn: ${fault.message}`;
      console.error(key, fault);
    }
    for (const other of [...host.children]) if (other !== element) other.remove();
  }

  #tend(view, element) {
    const drawing = element.querySelector("svg.marks, canvas.marks");
    drawing.setAttribute("role", "img");
    drawing.setAttribute("aria-label", this.entry.alt);
    element.querySelector("summary")?.setAttribute("aria-label", `Download this chart: ${this.entry.alt}`);
    element.querySelector("summary svg")?.setAttribute("aria-hidden", "true");
    element.querySelector("form.vega-bindings")?.remove(); // it is empty
    view.addEventListener("click", (event, item) => {
      const model = modelAt(item);
      if (model) layerwise.set({ isolated: model === state.isolated ? "" : model });
    });
  }

  /** Draw the models that are chosen. */
  async #choose() {
    if (!this.isLate) return;
    const { view } = this.result;
    this.drawn = JSON.stringify(parameters());
    const { signals } = view.getState({ signals: () => true, data: () => false });
    for (const [name, value] of Object.entries(parameters())) if (name in signals) view.signal(name, value);
    await view.runAsync();
  }
}

/** The parameters of charts (layerwise/figures/look.py); of no models at all, all would be drawn. */
function parameters() {
  const all = state.models.length === modelOf.size;
  return { chosen: all ? [] : state.models.length ? state.models : [""], isolated: state.isolated };
}

/** The model that a mark, or an entry of a legend, is of; undefined: of none. */
function modelAt(item) {
  const datum = item?.datum ?? {};
  if (modelOf.has(datum.model)) return datum.model;
  return modelTitled.get(datum.value)?.name;
}

/** A specification as it is drawn here, and how many rows it has. */
function specified(entry, metric, width) {
  const spec = structuredClone(entry.charts[metric]);
  const sets = setsIn(spec);
  spec.datasets = Object.fromEntries(sets.map((name) => [name, rowsOf(name)]));
  const values = parameters();
  for (const parameter of spec.params ?? []) if (parameter.name in values) parameter.value = values[parameter.name];
  if (typeof spec.width === "number") {
    spec.width = "container";
    spec.autosize = { type: "fit-x", contains: "padding" };
  }
  spec.description = entry.alt;
  spec.config = themed(spec.config ?? {}, width);
  return { spec, rows: Math.max(0, ...Object.values(spec.datasets).map((rows) => rows.length)) };
}

/** Names of the data sets that a specification reads. */
function setsIn(spec) {
  const found = new Set();
  (function search(part) {
    if (part === null || typeof part !== "object") return;
    if (typeof part.data?.name === "string" && part.data.name in page.data) found.add(part.data.name);
    Object.values(part).forEach(search);
  })(spec);
  return [...found];
}

/** The rows of a data set, whose columns the page holds apart. */
function rowsOf(name) {
  const columns = Object.entries(page.data[name]).map(([column, number]) => [column, page.columns[number]]);
  const length = columns.length ? columns[0][1].length : 0;
  return Array.from({ length }, (_, row) => Object.fromEntries(columns.map(([column, values]) => [column, values[row]])));
}

/** A configuration with the colours of the page. */
function themed(config, width) {
  const style = getComputedStyle(document.documentElement);
  const [ink, soft, ground] = ["--ink", "--soft", "--ground"].map((name) => style.getPropertyValue(name).trim());
  const words = { labelColor: ink, titleColor: ink };
  return {
    ...config,
    aria: false, // one label stands for the whole
    background: ground,
    title: { ...config.title, color: ink, subtitleColor: soft, limit: width - 40 },
    axis: { ...config.axis, ...words },
    legend: { ...config.legend, ...words },
    header: { ...config.header, ...words },
    text: { color: ink, ...config.text },
  };
}

/** Compiled Vega whose legends can be clicked; in a narrow chart they stand below it, and titles of axes have several lines. */
function legible(vega, width) {
  (function search(part) {
    for (const legend of part.legends ?? []) {
      legend.encode = { ...legend.encode, entries: { ...legend.encode?.entries, interactive: true } };
      if (width < NARROW) {
        const columns = Math.max(1, Math.floor(width / 240));
        Object.assign(legend, { orient: "bottom", direction: "vertical", columns, labelLimit: width / columns - 50 });
      }
    }
    if (width < NARROW) for (const axis of part.axes ?? []) axis.title = inLines(axis.title, width - 120);
    for (const mark of part.marks ?? []) search(mark);
  })(vega);
  return vega;
}

/** The title of an axis in lines of at most so many pixels; one that is no text, as it is. */
function inLines(title, pixels) {
  if (typeof title !== "string") return title;
  const lines = [""];
  for (const word of title.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trim();
    if (lines.at(-1) && longer.length * LETTER > pixels) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines.length > 1 ? lines : title;
}
