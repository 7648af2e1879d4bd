/** Return what overflows, or is drawn outside its figure. What a box holds that is seen to scroll may be wider than it. */
() => {
  const found = [];
  const root = document.documentElement;
  const isSeenToScroll = (box) =>
    box.matches(".scrolls") &&
    getComputedStyle(box).overflowX === "auto" &&
    getComputedStyle(box, "::before").content !== "none" &&
    parseFloat(getComputedStyle(box, "::-webkit-scrollbar").height) > 0;
  const scrolling = new Set([...document.querySelectorAll(".wide")].filter(isSeenToScroll));
  const describe = (each) => `${each.tagName} ${each.className} ${each.textContent.trim().slice(0, 40)}`;

  if (root.scrollWidth > root.clientWidth) found.push("the document");
  for (const each of document.body.querySelectorAll("*")) {
    if (each.closest("svg, script, dialog") || !each.checkVisibility()) continue;
    if (scrolling.has(each.closest(".wide"))) continue;
    const overflows = each.clientWidth > 0 && each.scrollWidth > each.clientWidth;
    const { left, right } = each.getBoundingClientRect();
    if (overflows || left < 0 || right > root.clientWidth + 0.5) found.push(describe(each));
  }
  for (const drawn of document.querySelectorAll("figure svg :is(text, circle, line, path)")) {
    if (drawn.closest("defs, clipPath")) continue;
    const inner = drawn.getBoundingClientRect();
    const outer = drawn.closest("svg[role=img]").getBoundingClientRect();
    const isInside =
      inner.left >= outer.left - 1 && inner.right <= outer.right + 1 &&
      inner.top >= outer.top - 1 && inner.bottom <= outer.bottom + 1;
    if (!isInside) found.push(`in a figure: ${describe(drawn)}`);
  }
  return found;
};
