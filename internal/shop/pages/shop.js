// While news may come, looks at the page again and puts in what changed; counts the time down; copies.
"use strict";
document.documentElement.classList.add("js");
{
  const every = 1500;
  const partsOf = (root) => new Map([...root.querySelectorAll("[data-part]")].map((e) => [e.dataset.part, e]));
  const names = (parts) => [...parts.keys()].join();
  const texts = (parts) => new Map([...parts].map(([name, e]) => [name, e.outerHTML]));

  let shown = texts(partsOf(document)); // as the server sent it
  let end = 0;

  const begin = () => {
    const left = document.querySelector("[data-left]");
    end = left ? performance.now() + 1000 * left.dataset.left : 0;
  };

  const count = () => {
    const left = document.querySelector("[data-left]");
    if (!left) return;
    const seconds = Math.max(0, Math.ceil((end - performance.now()) / 1000));
    left.textContent = Math.floor(seconds / 60) + ":" + String(seconds % 60).padStart(2, "0");
  };

  // Only the parts that changed are replaced, so that a selection elsewhere stays.
  const put = (page) => {
    const now = partsOf(document), next = partsOf(page), coming = texts(next);
    if (names(now) === names(next)) {
      for (const [name, e] of next) if (coming.get(name) !== shown.get(name)) now.get(name).replaceWith(e);
    } else {
      document.querySelector("main").replaceWith(page.querySelector("main"));
    }
    if (document.title !== page.title) document.title = page.title;
    shown = coming;
    begin();
    if (!("live" in page.body.dataset)) clearInterval(looking);
  };

  const look = async () => {
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      if (answer.ok) put(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch {} // the next look may find it
  };

  const looking = "live" in document.body.dataset ? setInterval(look, every) : 0;
  begin();
  setInterval(count, 250);

  addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.classList.add("done");
    setTimeout(() => button.classList.remove("done"), 1500);
  });
}
