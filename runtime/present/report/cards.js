// One method's results: its panels, interactions, cost, fit and how to get them again.

function pairName(pair) {
  return `${pair.row} × ${pair.column}`;
}

function matrixTable(view) {
  const limit = view.legend.limit;
  const cell = (value, row, column) => {
    const text = `${view.rows.names[row]} × ${view.columns.names[column]}: ${showSigned(value)}`;
    return el("td", { title: text, "aria-label": text, class: `cell ${signClass(value)}`,
      style: { "--strength": Math.min(1, Math.abs(value) / limit).toFixed(3) } });
  };
  const cut = [view.rows, view.columns].filter((side) => side.count > side.names.length)
    .map((side) => `${side.names.length} of ${side.count} ${side.modality} parts`);
  return el("div", { class: "matrix" },
    el("table", {},
      el("thead", {}, el("tr", {}, el("td", {}), view.columns.names.map((name) => el("th", { scope: "col" }, el("span", {}, name))))),
      el("tbody", {}, view.cells.map((row, i) =>
        el("tr", {}, el("th", { scope: "row" }, view.rows.names[i]), row.map((value, j) => cell(value, i, j)))))),
    cut.length ? el("p", { class: "note" }, `Shown: the strongest ${cut.join(" and ")}.`) : null);
}

// The parts of a picture as outlines of segments or as boxes, those of the strongest pairs numbered.
function interactionPicture(picture, badges) {
  const boxes = (picture.boxes || []).map((box) => el("span", { class: "box", style: placed(box), title: box.name }));
  const layers = picture.outlines ? [{ src: picture.outlines, kind: "outlines" }] : [];
  return stack(picture, "Regions of the strongest pairs", layers, [el("div", { class: "boxes" }, boxes), badges]);
}

function interactionFigure(view) {
  const twoSided = view.pairs.some((pair) => pair.value < 0);
  const badges = view.picture ? view.pairs.map((pair, i) => pair.at ? badge(String(i + 1), pair.at) : null) : [];
  // Several pairs may share a region: their numbers would cover each other, so the first one's stands for all.
  const taken = new Set();
  const shown = badges.filter((item) => {
    const place = item && item.style.left + item.style.top;
    return place && !taken.has(place) && taken.add(place);
  });
  return el("figure", { class: "panel interaction" },
    el("h4", {}, `${view.rows.modality} × ${view.columns.modality}`),
    el("div", { class: "pair" },
      el("div", {}, matrixTable(view), legend(view.legend)),
      el("div", {},
        view.picture ? interactionPicture(view.picture, shown) : null,
        rankedList(view.pairs.map((pair) => ({ name: pairName(pair), weight: pair.value })), twoSided, true))),
    el("figcaption", {}, `Which parts of the ${view.rows.modality} and the ${view.columns.modality} raise (red) or lower (blue) the target together, beyond what each does alone.`));
}

function definitions(items) {
  return el("dl", {}, items.map((item) => [el("dt", {}, item.name), el("dd", {}, item.value)]));
}

function copyButton(text) {
  const button = el("button", {
    type: "button", class: "copy",
    onclick: async () => {
      try {
        await navigator.clipboard.writeText(text);
        button.textContent = "copied";
      } catch (error) {
        getSelection().selectAllChildren(button.previousElementSibling);
        button.textContent = "selected";
      }
      setTimeout(() => { button.textContent = "copy"; }, 1500);
    },
  }, "copy");
  return button;
}

function reproduce(options, seed, call) {
  return el(
      'details', {}, el('summary', {}, 'Options, fit and how to reproduce it'),
      definitions([...options.filter((option) => option.name !== 'seed'), {name: 'seed', value: String(seed)}]),
      call ? el('div', {class: 'code'}, el('pre', {}, el('code', {}, call)), copyButton(call)) : null);
}

function costLine(cost) {
  const parts = [];
  if (cost.encodes) parts.push(plural(cost.encodes, "encode"));
  if (cost.fuses) parts.push(plural(cost.fuses, "fuse"));
  if (cost.seconds !== null) parts.push(`${cost.seconds < 0.1 ? cost.seconds.toFixed(3) : cost.seconds.toFixed(1)} s`);
  return parts.join(" · ");
}

function selectTarget(card, name) {
  const index = JSON.parse(card.dataset.targets).indexOf(name);
  if (index < 0) return;
  for (const button of card.querySelectorAll(":scope > .targets button")) button.setAttribute("aria-pressed", button.textContent === name);
  for (const panel of card.querySelectorAll("[data-target]")) panel.hidden = Number(panel.dataset.target) !== index;
}

function targetButtons(view, selected) {
  if (view.targets.length < 2) return null;
  return el("div", { class: "targets choice", role: "group", "aria-label": "Target" },
    view.targets.map((name, i) => el("button", {
      type: "button", "aria-pressed": i === selected, onclick: (event) => selectTarget(event.target.closest(".card"), name),
    }, name)));
}

// Components of the same modality side by side, to be compared.
function orderedPanels(panels) {
  const modalities = [...new Set(panels.map((panel) => panel.modality))];
  return panels.some((panel) => panel.component)
    ? [...panels].sort((a, b) => modalities.indexOf(a.modality) - modalities.indexOf(b.modality)) : panels;
}

function fitLines(view, selected) {
  const rows = view.fit.filter((row) => row.headline);
  return rows.length ? view.targets.map((name, i) => el("span", { class: "fit", "data-target": i, hidden: i !== selected },
    rows.map((row) => `${row.name} ${row.values[i]}`).join(" · "))) : null;
}

function fitRows(view) {
  return view.fit.map((row) => ({ name: row.name, value: new Set(row.values).size > 1 ? row.values.join("; ") : row.values[0] }));
}

function decompositionFigure(part, index, selected) {
  return el("figure", { class: "panel", "data-target": index, hidden: index !== selected },
    rankedList(part.parts, true, false),
    el("p", { class: "total" }, `${part.target} = `, el("strong", {}, show(part.value))),
    el("figcaption", {}, "What each modality adds on its own, and what only their combination adds. Without the interaction the model would be additive."));
}

function cardView(view, level) {
  const selected = Math.max(0, view.targets.indexOf(report.target));
  return el("article", { class: "card", "data-targets": JSON.stringify(view.targets), "data-method": view.method },
    el("header", {}, el(level || "h3", {}, view.title), fitLines(view, selected)),
    targetButtons(view, selected),
    el("div", { class: "panels" }, orderedPanels(view.panels).map((panel) => panelFigure(panel, selected))),
    (view.decomposition || []).map((part, i) => decompositionFigure(part, i, selected)),
    view.interactions.map(interactionFigure),
    el("footer", {}, el("span", { class: "cost" }, costLine(view.cost)), reproduce([...view.options, ...fitRows(view)], view.seed, view.call)));
}
