// The bar of controls: it says what is chosen, and changes it.

const controls = {
  question: document.getElementById("question"),
  metric: document.getElementById("metric"),
  axis: document.getElementById("axis"),
  models: document.getElementById("models"),
  search: document.getElementById("search-models"),
  status: document.getElementById("status"),
};

const boxes = () => [...controls.models.querySelectorAll("input[name=model]")];

/** Let the controls do what they say. */
function tendControls() {
  controls.question?.addEventListener("change", () => layerwise.set({ question: controls.question.value }));
  controls.metric?.addEventListener("change", () => layerwise.set({ metric: controls.metric.value }));
  controls.axis?.addEventListener("change", () => layerwise.set({ axis: controls.axis.value }));
  controls.models.addEventListener("change", (event) => {
    if (event.target.name !== "model") return;
    layerwise.set({ models: boxes().filter((box) => box.checked).map((box) => box.value) });
  });
  controls.models.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.dataset.isolate) {
      layerwise.set({ isolated: button.dataset.isolate === state.isolated ? "" : button.dataset.isolate });
    } else if (button?.dataset.all !== undefined) {
      layerwise.set({ models: [...modelOf.keys()], isolated: "" });
    } else if (button?.dataset.none !== undefined) {
      layerwise.set({ models: [] });
    }
  });
  controls.search?.addEventListener("input", () => {
    const wanted = controls.search.value.trim().toLowerCase();
    for (const box of boxes()) {
      const { title, name } = modelOf.get(box.value);
      box.closest("li").hidden = !`${title} ${name}`.toLowerCase().includes(wanted);
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && state.isolated) layerwise.set({ isolated: "" });
  });
}

/** Show the state in the controls, and say it. */
function showControls(isChange) {
  const question = questionOf.get(state.question);
  if (question) {
    controls.question.value = state.question;
    controls.metric.replaceChildren(...question.metrics.map((name) => new Option(page.metrics[name], name)));
    controls.metric.value = state.metric;
    controls.axis.value = state.axis;
  }
  for (const box of boxes()) box.checked = state.models.includes(box.value);
  for (const button of controls.models.querySelectorAll("button[data-isolate]")) {
    button.setAttribute("aria-pressed", String(button.dataset.isolate === state.isolated));
  }
  const models = `${state.models.length} of ${modelOf.size} models`;
  const isolated = state.isolated ? `; ${modelOf.get(state.isolated).title} stands out (Escape: all alike)` : "";
  const shown = question ? `${question.title}, ${page.metrics[state.metric]}; ` : "";
  if (isChange || !controls.status.textContent) controls.status.textContent = `${shown}${models}${isolated}.`;
}
