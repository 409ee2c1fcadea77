// What the reader has chosen, and how it stands in the address, so that a view can be sent.

const page = JSON.parse(document.getElementById("page-data").textContent);
const questionOf = new Map(page.questions.map((question) => [question.name, question]));
const modelOf = new Map(page.models.map((model) => [model.name, model]));
const modelTitled = new Map(page.models.map((model) => [model.title, model]));
const AXES = ["depth", "layer"];

/** The state of a page that nobody has touched. */
function firstState() {
  const question = page.questions.find(({ ranked }) => ranked) ?? page.questions[0] ?? { name: "", shown: "" };
  return { question: question.name, metric: question.shown, axis: AXES[0], models: [...modelOf.keys()], isolated: "" };
}

const state = firstState();

/** A state after a change: what cannot be is left as it was, and what depends on the change follows it. */
function changed(before, change) {
  const next = { ...before };
  if (questionOf.has(change.question)) next.question = change.question;
  const question = questionOf.get(next.question);
  if (question) {
    const wanted = change.metric ?? (next.question === before.question ? before.metric : question.shown);
    next.metric = question.metrics.includes(wanted) ? wanted : question.shown;
  }
  if (AXES.includes(change.axis)) next.axis = change.axis;
  if (change.models?.length === 0 || change.models?.some((name) => modelOf.has(name))) {
    next.models = [...modelOf.keys()].filter((name) => change.models.includes(name));
  }
  if (change.isolated === "" || modelOf.has(change.isolated)) next.isolated = change.isolated;
  if (next.isolated && !next.models.includes(next.isolated)) {
    if (change.models) next.isolated = "";
    else next.models = [...modelOf.keys()].filter((name) => name === next.isolated || next.models.includes(name));
  }
  return next;
}

/** The part of an address after `#` that stands for a state: only what differs from the first one. */
function addressOf(current) {
  const first = changed(firstState(), { question: current.question });
  const parts = [];
  if (current.question !== firstState().question) parts.push(["question", [current.question]]);
  if (current.metric !== first.metric) parts.push(["metric", [current.metric]]);
  if (current.axis !== first.axis) parts.push(["axis", [current.axis]]);
  if (current.models.length !== modelOf.size) parts.push(["models", current.models]);
  if (current.isolated) parts.push(["isolated", [current.isolated]]);
  return parts.map(([key, values]) => `${key}=${values.map(encodeURIComponent).join(",")}`).join("&");
}

/** The change from the first state that an address stands for; null: it names a place on the page. */
function changeIn(address) {
  const text = address.replace(/^#/, "");
  if (text && !text.includes("=")) return null;
  const change = {};
  for (const part of text.split("&").filter(Boolean)) {
    const [key, value = ""] = part.split("=");
    const values = value.split(",").filter(Boolean).map(decoded);
    change[key] = key === "models" ? values : (values[0] ?? "");
  }
  return change;
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // an address that was cut in the middle of a character
  }
}
