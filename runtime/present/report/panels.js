// How the weights of one modality are drawn.

const longestNumberedText = 40;
const mostNameLetters = 50;
const tallestPicture = 34;  // rem

function legend(view) {
  const low = view.signed ? `${show(-view.limit)} lowers` : "0";
  const high = view.signed ? `${showSigned(view.limit)} raises` : show(view.limit);
  return el("div", { class: "legend", role: "img", "aria-label": `Colours run from ${low} to ${high}` },
    el("span", {}, low),
    el("span", { class: "scale", style: { "background-image": `linear-gradient(to right, ${view.colors.join(", ")})` } }),
    el("span", {}, high));
}

function badge(text, at) {
  return el("span", { class: "badge", "aria-hidden": "true", style: { left: at.x + "%", top: at.y + "%" } }, text);
}

// The picture with layers stacked over it: {src, alt, kind}.
function stack(picture, alt, layers, badges) {
  return el("div", { class: layers.some((layer) => layer.kind === "layer") ? "stack covered" : "stack", style: { "aspect-ratio": `${picture.width} / ${picture.height}`, "max-width": `${(tallestPicture * picture.width / picture.height).toFixed(2)}rem` } },
    picture.src ? el("img", { src: picture.src, alt, class: "photo" }) : null,
    layers.map((layer) => el("img", { src: layer.src, alt: "", class: layer.kind })),
    badges);
}

// Where a box lies, in percent of the picture.
function placed(box) {
  return { left: box.x + "%", top: box.y + "%", width: box.width + "%", height: box.height + "%" };
}

function toggle(text, on, change) {
  const box = el("input", { type: "checkbox", checked: on, onchange: () => change(box.checked) });
  return el("label", { class: "control" }, box, text);
}

function rankedList(items, twoSided, numbered) {
  if (!items.length) return null;
  twoSided = twoSided || items.some((item) => item.weight < 0);
  const limit = strongestOf(items.map((item) => item.weight));
  return el("ol", { class: "ranked" }, items.map((item, i) => el("li", {},
    numbered ? el("span", { class: "rank" }, String(i + 1)) : null,
    el("span", { class: "label" }, item.name),
    bar(item.weight, limit, twoSided),
    el("span", { class: "number" }, showAmong(item.weight, limit, 3, twoSided)))));
}

function imagePanel(panel) {
  const layers = [{ src: panel.layer, kind: "layer" }];
  if (panel.outlines) layers.push({ src: panel.outlines, kind: "outlines" });
  const badges = panel.top.map((item, i) => item.at ? badge(String(i + 1), item.at) : null);
  const named = panel.top.slice(0, 3).map((item) => `${item.name} ${show(item.weight)}`).join(", ");
  const picture = stack(panel, `${panel.modality}. ${panel.caption}${named ? ": " + named : ""}`, layers, badges);
  const slider = el("input", {
    type: "range", min: 0, max: 100, value: 75, "aria-label": "Opacity of the overlay",
    oninput: () => picture.style.setProperty("--opacity", slider.value / 100),
  });
  const controls = el("div", { class: "controls" },
    toggle("overlay", true, (on) => picture.classList.toggle("raw", !on)), slider,
    panel.outlines ? toggle("outlines", true, (on) => picture.classList.toggle("plain", !on)) : null,
    badges.some((item) => item) ? toggle("ranks", true, (on) => picture.classList.toggle("unnumbered", !on)) : null);
  return [picture, controls, legend(panel.legend), rankedList(panel.top, panel.legend.signed, badges.some((item) => item))];
}

function smallestAt(boxes, x, y) {
  const holds = (box) => x >= box.x && x < box.x + box.width && y >= box.y && y < box.y + box.height;
  return boxes.filter(holds).sort((a, b) => a.width * a.height - b.width * b.height)[0];
}

// Regions as boxes over their picture, the strongest numbered and listed beside it. The smallest box under the mouse, or
// those of the list's item, say their name and weight.
function regionsPanel(panel) {
  const { width, height, src } = panel.picture, isSigned = panel.legend.signed;
  const nodes = panel.boxes.map((box) => el("span", {
    class: box.x > 50 ? "box weighed from-right" : "box weighed", style: { ...placed(box), "--color": box.color, "--strength": box.strength.toFixed(3) },
  }, el("span", {}, `${box.name}: ${isSigned ? showSigned(box.weight) : show(box.weight)}`)));
  const mark = (chosen) => panel.boxes.forEach((box, i) => nodes[i].classList.toggle("marked", chosen(box)));
  const badges = panel.top.map((item, i) => badge(String(i + 1), item.at)).reverse();
  const named = panel.top.slice(0, 3).map((item) => `${item.name} ${show(item.weight)}`).join(", ");
  const picture = stack(panel.picture, `${panel.caption}${named ? ": " + named : ""}`, [], [el("div", { class: "boxes" }, nodes), badges]);
  picture.classList.add("covered");
  picture.addEventListener("pointermove", (event) => {
    const frame = picture.getBoundingClientRect();
    const under = smallestAt(panel.boxes, 100 * (event.clientX - frame.left) / frame.width, 100 * (event.clientY - frame.top) / frame.height);
    mark((box) => box === under);
  });
  const list = rankedList(panel.top, isSigned, true), none = () => mark(() => false);
  picture.addEventListener("pointerleave", none);
  for (const [i, item] of [...(list ? list.children : [])].entries()) {
    const these = () => mark((box) => box.player === panel.top[i].player);
    fillIn(item, { tabindex: "0", onpointerenter: these, onfocus: these, onpointerleave: none, onblur: none }, []);
  }
  return el("div", { class: "pair" },
    el("div", {}, picture,
      el("div", { class: "controls" }, toggle("regions", true, (on) => picture.classList.toggle("raw", !on)),
        toggle("ranks", true, (on) => picture.classList.toggle("unnumbered", !on))),
      src ? null : el("p", { class: "note" }, `The picture is not known, only its size: ${width} × ${height} pixels.`),
      legend(panel.legend)),
    el("div", {}, list, panel.rest > 0 && panel.top.length ? el("p", { class: "note" }, `and ${plural(panel.rest, "region")} of smaller weight`) : null));
}

function textPanel(panel) {
  const weighed = panel.pieces.filter((piece) => piece.weight !== undefined);
  const numbered = weighed.length <= longestNumberedText;
  const words = panel.pieces.map((piece) => {
    if (piece.weight === undefined) return piece.text;
    const label = `${piece.text}: ${panel.legend.signed ? showSigned(piece.weight) : show(piece.weight)}`;
    const strength = Math.min(1, Math.abs(piece.weight || 0) / panel.legend.limit);
    return el("span", {
      class: `word ${signClass(piece.weight, panel.legend.signed)}`, style: { "--strength": strength.toFixed(3) }, tabindex: numbered ? null : "0",
      title: label, role: "img", "aria-label": label,
    }, el("span", {}, piece.text), numbered ? el("small", {}, showAmong(piece.weight, panel.legend.limit, 2, panel.legend.signed)) : null);
  });
  return [el("p", { class: numbered ? "words numbered" : "words" }, words)];
}

function line(points) {
  const known = points.filter((value) => value !== null);
  const low = Math.min(...known), high = Math.max(...known), span = high - low || 1;
  const place = points.map((value, i) =>
    value === null ? null : `${(100 * (i + 0.5) / points.length).toFixed(2)},${(38 - 36 * (value - low) / span).toFixed(2)}`);
  return svg("svg", { viewBox: "0 0 100 40", preserveAspectRatio: "none", class: "line", "aria-hidden": "true" },
    svg("polyline", { points: place.filter((point) => point).join(" ") }));
}

function frameBars(weights, names, isSigned) {
  const limit = strongestOf(weights), width = 100 / weights.length;
  return svg("svg", { viewBox: "0 0 100 40", preserveAspectRatio: "none", class: "frames", role: "img", "aria-label": "Weight of each frame" },
    svg("line", { x1: 0, x2: 100, y1: 20, y2: 20, class: "axis" }),
    weights.map((weight, i) => {
      const height = 18 * Math.abs(weight || 0) / limit;
      return svg("rect", { x: i * width + width * 0.1, width: width * 0.8, y: weight < 0 ? 20 : 20 - height, height, class: signClass(weight, isSigned) },
        svg("title", {}, `${names.length ? names[i] : "frame " + (i + 1)}: ${showSigned(weight)}`));
    }));
}

// The names of frames where they are: all of them, or every so many when more would not fit.
function frameNames(names, all) {
  const length = names.reduce((sum, name) => sum + name.length + 1, 0), each = Math.ceil(length / mostNameLetters);
  const shown = names.filter((name, i) => i % each === 0);
  return el("div", { class: "strip" }, el("span", { class: "label" }, "frame"),
    el("div", { class: each > 1 ? "frame-names thinned" : "frame-names", style: { "grid-template-columns": `repeat(${names.length}, minmax(0, 1fr))` } },
      shown.map((name, i) => el("span", { title: name, style: { "grid-column": `span ${Math.min(each, names.length - i * each)}` } }, name))),
    all && each > 1 ? el("details", {}, el("summary", {}, "all frames"), names.join(", ")) : null);
}

function seriesChart(series, bars, isSigned) {
  const rows = series.channels.map((channel) =>
    el("div", { class: "strip" }, el("span", { class: "label", title: channel.name }, channel.name), line(channel.points)));
  if (bars) rows.push(el("div", { class: "strip" }, el("span", { class: "label" }, "weight"), frameBars(bars, series.frame_names, isSigned)));
  if (series.frame_names.length) rows.push(frameNames(series.frame_names, bars === null));
  const hidden = series.channel_count - series.channels.length;
  return el("div", { class: "series" }, rows, el("p", { class: "note" },
    `${plural(series.frames, "frame")}` + (hidden > 0 ? `; the ${series.channels.length} channels that vary most of ${showCount(series.channel_count)}` : "")));
}

function seriesPanel(panel) {
  return [seriesChart(panel.series, panel.bars, panel.legend.signed),
    panel.layer ? el("img", { src: panel.layer, class: "cells", alt: `${panel.caption}, channels from top to bottom, time from left to right` }) : null,
    panel.layer ? legend(panel.legend) : null,
    rankedList(panel.top.slice(0, 10), panel.legend.signed, false)];
}

function tablePanel(panel) {
  const rest = panel.row_count - panel.rows.length;
  return [el("table", { class: "columns" },
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "column"), el("th", { scope: "col", class: "number" }, "value"),
      el("th", { scope: "col" }), el("th", { scope: "col", class: "number" }, "weight"))),
    el("tbody", {}, panel.rows.map((row) => el("tr", {},
      el("th", { scope: "row" }, row.name), el("td", { class: "number" }, row.value === undefined ? "" : show(row.value)),
      el("td", { class: "wide" }, bar(row.weight, panel.legend.limit, panel.legend.signed)),
      el("td", { class: "number" }, showAmong(row.weight, panel.legend.limit, 3, panel.legend.signed)))))),
    rest > 0 ? el("p", { class: "note" }, `and ${plural(rest, "column")} of smaller weight`) : null];
}

const drawPanel = { image: imagePanel, text: textPanel, time_series: seriesPanel, tabular: tablePanel, regions: regionsPanel };

function panelFigure(panel, selected) {
  const heading = panel.component ? `${panel.modality}, ${panel.component}` : panel.modality;
  const kind = panel.boxes ? "regions" : panel.kind;
  return el("figure", { class: `panel ${kind}`, "data-target": panel.target, hidden: panel.target !== selected },
    el("h4", {}, heading), drawPanel[kind](panel), el("figcaption", {}, panel.caption + "."));
}

// How the values of one modality are drawn, without weights.
function valueFigure(value, options) {
  if (value.kind === "image") {
    const boxes = value.regions.map((region) => el("span", {
      class: region.referred ? "box referred" : "box", title: region.name,
      style: placed(region),
    }, el("span", {}, region.name)));
    const picture = stack(value, value.name, [], el("div", { class: "boxes", hidden: true }, boxes));
    const referred = value.regions.some((region) => region.referred);
    const note = el("span", { class: "note", hidden: true }, referred ? "yellow: what the question refers to" : "");
    return el("figure", { class: "value image" }, picture,
      boxes.length && !options.small ? el("div", { class: "controls" },
        toggle("regions", false, (on) => { picture.querySelector(".boxes").hidden = note.hidden = !on; }), note) : null);
  }
  if (value.kind === "text") return el("blockquote", { class: "value text" }, value.text);
  if (value.kind === "regions") {
    const names = value.names.length ? `: ${value.names.join(", ")}` : "";
    return el("figure", { class: "value" }, el("h4", {}, value.name), el("p", { class: "note" }, `${value.count} regions${names}`));
  }
  if (value.kind === "time_series") return el("figure", { class: "value" }, el("h4", {}, value.name), seriesChart(value, null, true));
  return el("figure", { class: "value" }, el("h4", {}, value.name), el("table", { class: "columns" },
    el("tbody", {}, value.rows.slice(0, options.small ? 6 : 40).map((row) =>
      el("tr", {}, el("th", { scope: "row" }, row.name), el("td", { class: "number" }, show(row.value)))))));
}
