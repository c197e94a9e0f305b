// The overview and one view per feature; the address after # says which is shown.

function predictionBars(example) {
  if (example.regression)
    return el("div", { class: "verdict" }, el("p", { class: "big" }, show(example.value)),
      example.true_value === null ? null : el("p", {}, `truth ${show(example.true_value)}, error ${showSigned(example.value - example.true_value)}`));
  const right = example.top.length > 0 && example.top[0].right;
  const known = example.truth.length > 0;
  return el("div", { class: "verdict" },
    el("ol", { class: "scores" }, example.top.map((score) => el("li", { class: score.right ? "right" : "" },
      el("span", { class: "label" }, score.name, score.right ? el("span", { class: "mark", title: "ground truth" }, " ✓") : null),
      el("span", { class: "bar", "aria-hidden": "true" }, el("span", { class: "fill", style: { "--size": score.probability || 0 } })),
      el("span", { class: "number", title: `logit ${show(score.logit)}` }, showPercent(score.probability))))),
    known ? el("p", { class: `truth ${right ? "right" : "wrong"}` }, right ? "Right" : "Wrong", `: the ground truth is ${example.truth.join(", ")}.`)
      : el("p", { class: "truth" }, "No ground truth is known."));
}

function section(id, letter, title, lead, children) {
  return el("section", { id, "aria-labelledby": id + "-title" },
    el("header", {}, letter ? el("span", { class: "stage", "aria-hidden": "true" }, letter) : null, el("h2", { id: id + "-title" }, title)),
    lead ? el("p", { class: "lead" }, lead) : null, children);
}

function inputSection(example) {
  return section("input", "", "Input and prediction", "",
    el("div", { class: "input" }, el("div", { class: "values" }, example.values.map((value) => valueFigure(value, {}))), predictionBars(example)));
}

function featureTile(entry) {
  const first = entry.examples[0], picture = first && first.values.find((value) => value.kind === "image");
  const text = first && first.values.find((value) => value.kind === "text");
  return el("a", { class: "tile", href: "#" + featureKey(entry.feature, entry.tap), "data-feature": entry.feature },
    picture ? el("img", { src: picture.src, alt: "" }) : null,
    el("strong", {}, `Feature ${entry.feature}`),
    el("span", { class: "note" }, [entry.activation === null ? "" : `activation ${show(entry.activation)}`, entry.tap].filter((part) => part).join(" · ")),
    text ? el("span", { class: "note quote" }, text.text) : null);
}

function overview() {
  const unimodal = report.explanations.filter((view) => view.stage === "U");
  const crossmodal = report.explanations.filter((view) => view.stage === "C");
  const switchClass = (name) => {
    for (const card of document.querySelectorAll(".card[data-targets]"))
      for (const kind of ["logit of ", "probability of "]) selectTarget(card, kind + name);
  };
  return el("div", { class: "view", "data-view": "overview" }, inputSection(report.example),
    unimodal.length ? section("unimodal", "U", "Unimodal importance", `Which parts of one modality matter for ${report.target_phrase}.`, unimodal.map((view) => cardView(view))) : null,
    crossmodal.length ? section("crossmodal", "C", "Cross-modal interactions", `Which parts of one modality matter because of parts of another.`, crossmodal.map((view) => cardView(view))) : null,
    report.features.length ? section("representation", "R", "Representation", "What features of the model stand for. Each opens on what activates it here and in the data set.",
      el("div", { class: "tiles" }, report.features.map(featureTile))) : null,
    report.predictions.length ? section("prediction", "P", "Prediction", "How the features make the prediction.", report.predictions.map((entry) => predictionView(entry, switchClass))) : null,
    unimodal.length + crossmodal.length + report.features.length + report.predictions.length ? null
      : el("p", { class: "empty" }, "No analysis has been added to this page yet."));
}

function weightsOfFeature(entry) {
  return report.predictions.filter((prediction) => prediction.tap === entry.tap).flatMap((prediction) => prediction.classes.flatMap((item) =>
    item.features.filter((edge) => edge.feature === entry.feature).map((edge) => ({ name: item.name, weight: edge.weight }))));
}

function exampleView(example) {
  const guess = example.regression ? show(example.value) : example.top.length ? example.top[0].name : "";
  const truth = example.truth.length ? `, truth ${example.truth.join(", ")}` : "";
  return el("article", { class: "example" },
    el("header", {}, el("h4", {}, example.id), el("span", { class: "fit" }, `activation ${show(example.activation)}`)),
    example.cards.length ? null : example.values.map((value) => valueFigure(value, { small: true })),
    example.cards.map((card) => cardView(card, "h5")),
    el("p", { class: "note" }, `Predicted ${guess}${truth}.`));
}

function featureView(entry) {
  const weights = weightsOfFeature(entry);
  const local = entry.local.length
    ? section(`local-${entry.feature}`, "R", "Local analysis", `What in this input activates feature ${entry.feature}.`, entry.local.map((view) => cardView(view))) : null;
  const global = entry.examples.length
    ? section(`global-${entry.feature}`, "R", "Global analysis", `The inputs${entry.dataset ? " of " + entry.dataset : ""} that activate feature ${entry.feature} most, and what in them does.`,
      el("div", { class: "examples" }, entry.examples.map(exampleView))) : null;
  return el("div", { class: "view", "data-view": featureKey(entry.feature, entry.tap) },
    section(`feature-${entry.feature}-about`, "", `Feature ${entry.feature}`, "", el("div", { class: "about" },
      el("p", {}, [entry.activation === null ? "" : `Activation on this input: ${show(entry.activation)}.`, entry.tap ? `Taken from ${entry.tap}.` : ""].join(" ")),
      weights.length ? [el("h4", {}, "Weight in each class"), rankedList(weights, true, false)] : null)),
    local, global,
    el("p", {}, el("a", { href: "#overview", class: "back" }, "← Overview")));
}

function navigation() {
  const link = (key, text) => el("a", { href: "#" + key, "data-link": key }, text);
  return el("nav", { "aria-label": "Views" }, link("overview", "Overview"),
    report.features.map((entry) => link(featureKey(entry.feature, entry.tap), `Feature ${entry.feature}`)));
}

function themeButton() {
  const root = document.documentElement;
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);
  const button = el("button", { type: "button", class: "theme", onclick: () => { root.dataset.theme = dark() ? "light" : "dark"; label(); } });
  const label = () => { button.textContent = dark() ? "Light" : "Dark"; button.setAttribute("aria-label", dark() ? "Use light colours" : "Use dark colours"); };
  label();
  return button;
}

let shownKey = "";

function route() {
  let asked = location.hash.slice(1);
  try { asked = decodeURIComponent(asked); } catch (error) { asked = "overview"; }
  const views = [...document.querySelectorAll(".view")];
  const key = views.some((view) => view.dataset.view === asked) ? asked : "overview";
  for (const view of views) view.classList.toggle("away", view.dataset.view !== key);
  for (const link of document.querySelectorAll("[data-link]")) {
    if (link.dataset.link === key) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (shownKey && shownKey !== key) scrollTo(0, 0);
  shownKey = key;
}

document.body.append(
  el("header", { class: "masthead" },
    el("div", { class: "title" }, el("p", { class: "kicker" }, "MultiViz"), el("h1", {}, report.headline),
      el("p", { class: "about" }, `Datapoint ${report.example.id} · explaining ${report.target_phrase}`)),
    themeButton()),
  report.features.length ? navigation() : "",
  el("main", {}, overview(), report.features.map(featureView)));
addEventListener("hashchange", route);

// Paper cannot be clicked: details are open on it.
let opened = [];
addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("details:not([open])")];
  for (const details of opened) details.open = true;
});
addEventListener("afterprint", () => { for (const details of opened) details.open = false; });
route();
