// Appended to a copy of a report by browser_test.cpp: uses it as a reader would and leaves what it saw in the document.
(async () => {
  const seen = { errors: window.probeErrors, steps: {} };
  const settle = () => new Promise((done) => setTimeout(done, 30));
  const shown = () => [...document.querySelectorAll(".view")].filter((view) => getComputedStyle(view).display !== "none").map((view) => view.dataset.view);
  const shownClass = () => [...document.querySelectorAll(".class-view")].filter((view) => !view.hidden).map((view) => view.dataset.classView);
  const shownTargets = () => [...document.querySelectorAll('[data-method="dime"] .panel')].filter((panel) => !panel.hidden).map((panel) => panel.dataset.target);
  try {
    await settle();
    seen.steps.start = { views: shown(), class: shownClass(), targets: shownTargets() };

    document.querySelector('.class-view:not([hidden]) [data-class="purple"]').dispatchEvent(new MouseEvent("click", { bubbles: true }));
    await settle();
    seen.steps.class = { class: shownClass(), targets: shownTargets(), focus: document.activeElement.dataset.class };

    document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    document.querySelector('.class-view:not([hidden]) [data-class="red"]').dispatchEvent(new KeyboardEvent("keydown", { key: " ", bubbles: true }));
    await settle();
    seen.steps.keyboard = { class: shownClass(), targets: shownTargets() };

    document.querySelector('.graph a[data-feature="203"]').dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }));
    await settle();
    seen.steps.feature = { views: shown(), hash: location.hash, examples: document.querySelectorAll('[data-view="feature-203"] .example').length };

    history.back();
    await settle();
    await settle();
    seen.steps.back = { views: shown() };

    const root = document.documentElement, paper = () => getComputedStyle(document.body).backgroundColor;
    const before = paper();
    document.querySelector(".theme").click();
    seen.steps.theme = { theme: root.dataset.theme, changed: paper() !== before };

    const stack = document.querySelector(".stack.covered"), slider = stack.parentElement.querySelector("input[type=range]");
    slider.value = 20;
    slider.dispatchEvent(new Event("input"));
    seen.steps.opacity = getComputedStyle(stack.querySelector(".layer")).opacity;
    stack.parentElement.querySelector("input[type=checkbox]").click();
    seen.steps.raw = getComputedStyle(stack.querySelector(".layer")).display;

    const regions = document.querySelector(".value.image input");
    regions.click();
    seen.steps.regions = document.querySelectorAll(".value.image .boxes:not([hidden]) .box").length;

    seen.pictures = [...document.images].map((image) => ({ src: image.getAttribute("src"), loaded: image.complete && image.naturalWidth > 0 }));
    seen.unnamed = [...document.querySelectorAll("button, a, input, [role=button], [role=img]")].filter((node) =>
      !(node.getAttribute("aria-label") || node.textContent.trim() || (node.closest("label") || { textContent: "" }).textContent.trim())).length;
    seen.overflow = document.documentElement.scrollWidth - document.documentElement.clientWidth;
    seen.requests = performance.getEntriesByType("resource").map((entry) => entry.name);
  } catch (error) {
    seen.errors.push(String(error.stack || error));
  }
  document.body.textContent = "";
  document.body.append(Object.assign(document.createElement("pre"), { id: "seen", textContent: JSON.stringify(seen) }));
})();
