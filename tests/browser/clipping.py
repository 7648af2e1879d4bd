"""Text that a page cuts off: outside an element that hides or scrolls what overflows, or outside the window."""

CLIPPED = """() => {
    const { documentElement } = document;
    const clips = (element) => element !== documentElement && getComputedStyle(element).overflowX !== "visible";
    const ancestors = (element) => element ? [element, ...ancestors(element.parentElement)] : [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const clipped = [];
    while (texts.nextNode()) {
        const text = texts.currentNode, element = text.parentElement;
        if (!text.data.trim() || !element.checkVisibility() || element.closest(".unseen, option")) continue;
        const range = document.createRange();
        range.selectNodeContents(text);
        const { left, right } = range.getBoundingClientRect();
        const boxes = ancestors(element).filter(clips).map((each) => each.getBoundingClientRect());
        boxes.push({ left: 0, right: documentElement.clientWidth });
        if (boxes.some((box) => left < box.left - 1 || right > box.right + 1)) clipped.push(text.data.trim());
    }
    return clipped;
}"""
"""The texts of which a part lies outside; those for screen readers alone (.unseen) are meant to."""


def clipped_texts(page) -> list[str]:
    return page.evaluate(CLIPPED)


def scrolls_sideways(page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
