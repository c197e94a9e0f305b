// Stage P: from features to classes.

const featuresInGraph = 10;

function featureKey(feature, tap) {
  return tap ? `feature-${feature}-${tap}` : `feature-${feature}`;
}

function edgePath(x0, y0, x1, y1) {
  const middle = (x0 + x1) / 2;
  return `M ${x0} ${y0} C ${middle} ${y0}, ${middle} ${y1}, ${x1} ${y1}`;
}

function featureNode(edge, entry, x, y) {
  const text = `Feature ${edge.feature}: activation ${show(edge.activation)}, weight ${showSigned(edge.weight)}`;
  const inside = [svg("circle", { cx: x, cy: y, r: 18 }), svg("text", { x, y: y + 4 }, String(edge.feature)),
    svg("title", {}, text + (edge.analysed ? ". Open its view" : ". Not analysed on this page"))];
  return edge.analysed
    ? svg("a", { href: "#" + featureKey(edge.feature, entry.tap), class: "feature analysed", "data-feature": edge.feature, "aria-label": text + ". Open its view" }, inside)
    : svg("g", { class: "feature" }, inside);
}

function classNode(item, index, selected, x, y, width, select) {
  const label = item.name.length > 16 ? item.name.slice(0, 15) + "…" : item.name;
  const press = (event) => {
    if (event.type === "keydown" && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    select(index);
  };
  return svg("g", { class: index === selected ? "class selected" : "class", role: "button", tabindex: 0, "aria-pressed": index === selected,
    "data-class": item.name, "aria-label": `Class ${item.name}`, onclick: press, onkeydown: press },
    svg("rect", { x, y: y - 18, width, height: 36, rx: 5 }),
    svg("text", { x: x + 12, y: y + (item.probability === null ? 4 : -1) }, label),
    item.probability === null ? null : svg("text", { x: x + 12, y: y + 13, class: "minor" }, showPercent(item.probability)),
    svg("title", {}, item.name));
}

function graphPicture(entry, selected, width, select) {
  const features = entry.classes[selected].features.slice(0, featuresInGraph);
  const rows = Math.max(features.length, entry.classes.length), step = 48, height = rows * step + 24;
  const place = (i, n) => 24 + height / 2 - 12 + (i - (n - 1) / 2) * step;
  const boxWidth = Math.min(150, width * 0.34), left = 84, right = width - boxWidth - 2;
  const limit = strongestOf(entry.classes.flatMap((item) => item.features.map((edge) => edge.weight)));
  const edges = [];
  entry.classes.forEach((item, c) => item.features.forEach((edge) => {
    const i = features.findIndex((feature) => feature.feature === edge.feature);
    if (i < 0) return;
    edges.push({ mine: c === selected, node: svg("path", {
      d: edgePath(left + 18, place(i, features.length), right, place(c, entry.classes.length)),
      class: `edge ${signClass(edge.weight)} ${c === selected ? "mine" : ""}`, "stroke-width": (1 + 7 * Math.abs(edge.weight) / limit).toFixed(2),
    }, svg("title", {}, `feature ${edge.feature} → ${item.name}: ${showSigned(edge.weight)}`)) });
  }));
  edges.sort((a, b) => a.mine - b.mine);
  return svg("svg", { viewBox: `0 0 ${width} ${height + 24}`, width, class: "graph", role: "group", "aria-label": `Features behind ${entry.classes[selected].name}` },
    svg("text", { x: 2, y: 14, class: "minor" }, "activation"), svg("text", { x: left, y: 14, class: "minor middle" }, "feature"),
    svg("text", { x: right, y: 14, class: "minor" }, "class"),
    edges.map((edge) => edge.node),
    features.map((edge, i) => [
      svg("text", { x: left - 26, y: place(i, features.length) + 4, class: "minor end" }, show(edge.activation)),
      featureNode(edge, entry, left, place(i, features.length))]),
    entry.classes.map((item, c) => classNode(item, c, selected, right, place(c, entry.classes.length), boxWidth, select)));
}

function contributionTable(item, entry) {
  const limit = strongestOf(item.features.map((edge) => edge.contribution));
  const total = sumOf(item.features.map((edge) => edge.contribution || 0));
  return el("div", { class: "contributions" },
    el("table", { class: "columns" },
      el("thead", {}, el("tr", {}, ["feature", "weight", "activation"].map((name) => el("th", { scope: "col", class: "number" }, name)),
        el("th", { scope: "col" }), el("th", { scope: "col", class: "number" }, "contribution"))),
      el("tbody", {}, item.features.map((edge) => el("tr", {},
        el("th", { scope: "row", class: "number" }, edge.analysed ? el("a", { href: "#" + featureKey(edge.feature, entry.tap) }, String(edge.feature)) : String(edge.feature)),
        el("td", { class: "number" }, showSigned(edge.weight)), el("td", { class: "number" }, show(edge.activation)),
        el("td", { class: "wide" }, bar(edge.contribution, limit, true)), el("td", { class: "number" }, showSigned(edge.contribution)))))),
    el("p", { class: "note" }, `${item.name} uses ${plural(item.nonzeros, "feature")}. Of its output, the bias is ${showSigned(item.bias)} and the ${item.features.length} listed add ${showSigned(total)}.`));
}

function curvePicture(entry) {
  const points = entry.curve.filter((point) => point[1] !== null && point[2] > 0);
  if (points.length < 2) return null;
  const width = 360, height = 190, left = 46, bottom = 34, topEdge = 12;
  const scores = points.map((point) => point[1]).concat(entry.accuracy, entry.dense_accuracy === null ? [] : entry.dense_accuracy);
  const low = Math.min(...scores), high = Math.max(...scores), span = high - low || 1;
  const logs = points.map((point) => Math.log10(point[2])), first = Math.min(...logs), range = Math.max(...logs) - first || 1;
  const x = (nonzeros) => left + (width - left - 14) * (Math.log10(nonzeros) - first) / range;
  const y = (accuracy) => height - bottom - (height - bottom - topEdge) * (accuracy - low) / span;
  const sorted = [...points].sort((a, b) => a[2] - b[2]);
  return el("figure", { class: "curve" },
    svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "Held-out accuracy by number of features a class" },
      svg("line", { x1: left, x2: width - 14, y1: height - bottom, y2: height - bottom, class: "axis" }),
      svg("line", { x1: left, x2: left, y1: topEdge, y2: height - bottom, class: "axis" }),
      [low, high].map((value) => svg("text", { x: left - 6, y: y(value) + 4, class: "minor end" }, (100 * value).toFixed(0) + " %")),
      [sorted[0], sorted[sorted.length - 1]].map((point, i) =>
        svg("text", { x: x(point[2]), y: height - bottom + 15, class: i ? "minor end" : "minor" }, show(point[2]))),
      svg("text", { x: (left + width) / 2, y: height - 4, class: "minor middle" }, "features a class (log scale)"),
      entry.dense_accuracy === null ? null : svg("line", { x1: left, x2: width - 14, y1: y(entry.dense_accuracy), y2: y(entry.dense_accuracy), class: "dense" }, svg("title", {}, "all features")),
      svg("polyline", { points: sorted.map((point) => `${x(point[2]).toFixed(1)},${y(point[1]).toFixed(1)}`).join(" ") }),
      entry.nonzeros_per_class > 0 ? svg("circle", { cx: x(entry.nonzeros_per_class), cy: y(entry.accuracy), r: 5 }) : null),
    el("figcaption", {}, "Held-out accuracy of sparse models along the path. The dot is the one shown here" + (entry.dense_accuracy === null ? "." : ", the dashed line the model with all features.")));
}

function predictionSummary(entry) {
  const dense = entry.dense_accuracy === null ? "" : `; with all features ${showPercent(entry.dense_accuracy)}`;
  return `A ${entry.family === "multinomial" ? "sparse logistic" : "sparse linear"} model on ${entry.tap ? "the features of " + entry.tap : "the penultimate features"} ` +
    `that keeps ${show(entry.nonzeros_per_class)} features a class reaches ${showPercent(entry.accuracy)} on held-out data${dense} (λ = ${show(entry.lambda)}).`;
}

function predictionView(entry, onClass) {
  const holder = el("div", { class: "classes" });
  let selected = 0;
  const choose = (index) => {
    selected = index;
    holder.querySelectorAll(".class-view").forEach((view, i) => { view.hidden = i !== index; });
    const node = holder.children[index].querySelector(".class.selected");
    if (node) node.focus();
    onClass(entry.classes[index].name);
  };
  const draw = () => {
    const focused = holder.contains(document.activeElement) ? document.activeElement.dataset : {};
    const width = Math.max(300, Math.min(640, holder.clientWidth || 640));
    holder.replaceChildren(...entry.classes.map((item, i) => el("div", { class: "class-view", "data-class-view": item.name, hidden: i !== selected },
      el("h4", {}, item.name), el("div", { class: "pair" }, el("div", {}, graphPicture(entry, i, width, choose)), contributionTable(item, entry)))));
    const again = [...holder.children[selected].querySelectorAll("[tabindex], a")].find((node) =>
      (focused.class && node.dataset.class === focused.class) || (focused.feature && node.dataset.feature === focused.feature));
    if (again) again.focus();
  };
  draw();
  let known = 0;
  new ResizeObserver(() => requestAnimationFrame(() => {
    if (holder.clientWidth && holder.clientWidth !== known) { known = holder.clientWidth; draw(); }
  })).observe(holder);
  const options = Object.entries(entry.options || {}).map(([name, value]) => ({ name, value: typeof value === "string" ? value : JSON.stringify(value) }));
  return el("article", { class: "card prediction" },
    el("p", {}, predictionSummary(entry)), holder,
    el("p", { class: "note" }, "Line width: size of the weight; red raises the class, blue lowers it. Choose a class to see its features, or a feature to open its view."),
    curvePicture(entry),
    el("footer", {}, el("span", { class: "cost" }, entry.seconds === null ? "" : `${entry.seconds.toFixed(1)} s`), reproduce(options, entry.seed, null)));
}
