"use strict";

const report = JSON.parse(document.getElementById("data").textContent);

// Children are nodes, strings or lists of them; strings become text, so that nothing in a page is ever parsed as HTML.
function fillIn(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || (value === false && !key.startsWith("aria-"))) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "style") for (const [property, setting] of Object.entries(value)) node.style.setProperty(property, setting);
    else node.setAttribute(key, value === true && !key.startsWith("aria-") ? "" : value);
  }
  for (const child of children.flat(Infinity)) if (child !== null && child !== undefined && child !== false) node.append(child);
  return node;
}

function el(tag, attributes, ...children) {
  return fillIn(document.createElement(tag), attributes, children);
}

function svg(tag, attributes, ...children) {
  return fillIn(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

// Three significant digits, with a real minus sign.
function show(value) {
  if (value === null) return "n/a";
  const size = Math.abs(value);
  if (size === 0) return "0";
  const text = size >= 1e5 || size < 1e-3 ? size.toExponential(1).replace("e-", "e−").replace("e+", "e")
    : size >= 100 ? size.toFixed(0) : size >= 10 ? size.toFixed(1) : size >= 1 ? size.toFixed(2) : size.toFixed(3);
  return (value < 0 ? "−" : "") + text;
}

function showSigned(value) {
  return value > 0 ? "+" + show(value) : show(value);
}

// Numbers that are read beside each other: as many decimals for all as the largest needs.
function showAmong(value, limit, digits, isSigned = true) {
  const size = Math.floor(Math.log10(limit));
  if (size > 4 || size < -4) return isSigned ? showSigned(value) : show(value);
  const text = Math.abs(value || 0).toFixed(Math.max(0, digits - 1 - size));
  return (Number(text) === 0 || !isSigned ? "" : value < 0 ? "−" : "+") + text;
}

function showPercent(value) {
  if (value === null) return "n/a";
  return value > 0 && value < 0.0005 ? "< 0.1 %" : (100 * value).toFixed(1) + " %";
}

function showCount(value) {
  return value.toLocaleString("en-US");
}

function sumOf(values) {
  return values.reduce((total, value) => total + value, 0);
}

function plural(n, one, many) {
  return `${showCount(n)} ${n === 1 ? one : many || one + "s"}`;
}

// Amounts, which have no sign, get a colour that is neither that of raising nor that of lowering.
function signClass(value, isSigned = true) {
  return !isSigned ? "amount" : value < 0 ? "negative" : "positive";
}

// A bar from the middle when values have signs, from the left when they do not.
function bar(value, limit, twoSided) {
  const size = Math.min(100, 100 * Math.abs(value || 0) / (limit || 1));
  return el("span", { class: `bar ${twoSided ? "two-sided" : ""}`, "aria-hidden": "true" },
    el("span", { class: `fill ${signClass(value, twoSided)}`, style: { "--size": size / 100 } }));
}

function strongestOf(values) {
  return Math.max(...values.map((value) => Math.abs(value || 0)), 1e-300);
}
