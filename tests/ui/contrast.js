// Run in the page: every visible text with too little contrast to what is behind it (WCAG 2.2, 1.4.3: 4.5 to 1).
const channels = (color) => color.match(/[\d.]+/g).map(Number);
const luminance = ([red, green, blue]) => {
  const [r, g, b] = [red, green, blue].map((value) => value / 255).map((value) =>
    value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const color = channels(getComputedStyle(at).backgroundColor);
    if (color[3] === undefined || color[3] === 1) return color;
  }
  return matchMedia("(prefers-color-scheme: dark)").matches ? [0, 0, 0] : [255, 255, 255];
};
const contrast = (one, other) => {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
};
const texts = [...document.querySelectorAll("body *")].filter((element) =>
  element.checkVisibility() && [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()) ||
  (element.checkVisibility() && element.matches("input, textarea")));
return texts
  .map((element) => [element, contrast(channels(getComputedStyle(element).color), behind(element))])
  .filter(([, ratio]) => ratio < 4.5)
  .map(([element, ratio]) => `${element.tagName} ${element.textContent.slice(0, 30)}: ${ratio.toFixed(2)}`);
