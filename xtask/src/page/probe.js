(() => {
  const said = [];
  const say = text => { if (said.length < 200) said.push(String(text).replaceAll("\n", " ")); };
  addEventListener("error", event => say("error: " + (event.message || event.target)), true);
  addEventListener("unhandledrejection", event => say("rejection: " + event.reason));
  addEventListener("securitypolicyviolation", event => say("request refused: " + event.blockedURI));
  const only = location.hash.startsWith("#only=") ? location.hash.slice(6) : "";
  const where = element => {
    const section = element.closest("section");
    const text = (element.textContent || element.alt || "").trim().slice(0, 60);
    return (section ? section.id : "page") + ": <" + element.tagName.toLowerCase() + "> " + text;
  };
  const look = () => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth > width)
      say("the page is " + document.documentElement.scrollWidth + " pixels wide");
    for (const image of document.images)
      if (!(image.complete && image.naturalWidth > 0 && image.getBoundingClientRect().width > 0))
        say("empty image in " + where(image));
    for (const image of document.images) if (!image.alt) say("no words for the image in " + where(image));
    for (const element of document.querySelectorAll("body *")) {
      if (element.closest(".scroll, pre, .formula, .wide, script, style, svg")) continue;
      const box = element.getBoundingClientRect();
      if (box.width > 0 && (box.right > width + 1 || box.left < -1)) say("leaves the page: " + where(element));
      if (element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0 && getComputedStyle(element).display !== "inline")
        say("text does not fit: " + where(element));
    }
    for (const text of document.querySelectorAll("svg text")) {
      const box = text.getBoundingClientRect();
      const all = text.ownerSVGElement.getBoundingClientRect();
      if (box.left < all.left - 1 || box.right > all.right + 1 || box.top < all.top - 1 || box.bottom > all.bottom + 1)
        say("cut off in a plot: " + where(text));
    }
    const loaded = performance.getEntriesByType("resource").filter(entry => !entry.name.startsWith("data:"));
    for (const entry of loaded) say("request: " + entry.name);
    for (const section of document.querySelectorAll("section"))
      said.push("section " + section.id + " " + Math.ceil(section.getBoundingClientRect().height));
    said.push("end");
    parent.postMessage(said.join("\n"), "*");
  };
  addEventListener("load", () => {
    if (!only) { look(); return; }
    for (const element of document.querySelectorAll("main > *, nav"))
      if (element.id !== only) element.style.display = "none";
    document.querySelector("main").style.paddingTop = 0;
    document.body.style.display = "block";
    scrollTo(0, 0);
  });
})();
