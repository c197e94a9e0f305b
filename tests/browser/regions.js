// Appended to a copy of a report on regions by browser_test.cpp: points at its boxes and leaves what it saw in the document.
(async () => {
  const seen = { errors: window.probeErrors };
  try {
    await new Promise((done) => setTimeout(done, 30));
    const panel = document.querySelector(".panel.regions"), picture = panel.querySelector(".stack");
    const frame = picture.getBoundingClientRect();
    const marked = () => [...panel.querySelectorAll(".marked")].map((box) => getComputedStyle(box.firstChild).display === "none" ? "hidden" : box.textContent);
    const point = (x, y) => {
      picture.dispatchEvent(new PointerEvent("pointermove", { clientX: frame.left + frame.width * x / 128, clientY: frame.top + frame.height * y / 96 }));
      return marked();
    };
    seen.shape = frame.width / frame.height;
    seen.boxes = [...panel.querySelectorAll(".weighed")].map((box) => {
      const at = box.getBoundingClientRect();
      return { x: 128 * (at.left - frame.left) / frame.width, y: 96 * (at.top - frame.top) / frame.height,
        width: 128 * at.width / frame.width, height: 96 * at.height / frame.height, color: getComputedStyle(box).borderTopColor };
    });
    seen.points = [point(30, 30), point(12, 10), point(100, 50)];
    picture.dispatchEvent(new PointerEvent("pointerleave"));
    seen.left = marked();
    panel.querySelector(".ranked li:nth-child(3)").focus();
    seen.focus = marked();
    seen.badges = [...panel.querySelectorAll(".badge")].map((item) => item.textContent);
    panel.querySelector("input").click();
    seen.off = getComputedStyle(panel.querySelector(".boxes")).display;
    seen.pairs = document.querySelectorAll(".interaction .box").length;
  } catch (error) {
    seen.errors.push(String(error.stack || error));
  }
  document.body.textContent = "";
  document.body.append(Object.assign(document.createElement("pre"), { id: "seen", textContent: JSON.stringify(seen) }));
})();
