// Brings the page to life. A browser drops what it is loading when its host's network changes, which it does
// on the engine's own host whenever a VM starts or ends: so all of it is asked for again.
{
  const PAUSES_MS = [200, 800, 2000];
  const PAINT_PATIENCE_MS = 1000;
  const build = document.currentScript.dataset.build;
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

  const tried = async (load) => {
    for (const ms of PAUSES_MS) {
      try {
        return await load();
      } catch {
        await pause(ms);
      }
    }
    return load();
  };

  const read = async (url) => {
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(`${url}: status ${answer.status}`);
    await answer.arrayBuffer();
  };

  const parsed = () =>
    document.readyState === "loading" &&
    new Promise((resolve) => document.addEventListener("readystatechange", resolve, { once: true }));

  // What is seen does not share a slow line with what is used a moment later. A page that nobody looks at is
  // not painted.
  const painted = () =>
    new Promise((resolve) => {
      requestAnimationFrame(() => setTimeout(resolve));
      setTimeout(resolve, document.hidden ? 0 : PAINT_PATIENCE_MS);
    });

  const start = async () => {
    await painted();
    const script = `/pkg/minicloud.${build}.js`;
    const code = tried(() => WebAssembly.compileStreaming(fetch(`/pkg/minicloud.${build}.wasm`)));
    // A module that failed once has failed for good in this page: it is imported when the browser has it.
    const scripts = Promise.all([script, `/pkg/late.${build}.js`].map((url) => tried(() => read(url))));
    const [module_or_path] = await Promise.all([code, scripts]);
    const page = await import(script);
    await page.default({ module_or_path });
    await parsed();
    page.hydrate();
  };
  // The page stays as the server drew it, and works as it does without script.
  start().catch((error) => console.error(`the script of this page did not load: ${error}`));

  // What the page names itself: its style, the terminal.
  const left = new Map();
  const again = (element, key) => {
    const url = new URL(element[key]);
    const pauses = left.get(url.pathname) ?? [...PAUSES_MS];
    left.set(url.pathname, pauses);
    if (url.origin !== location.origin || pauses.length === 0) return;
    // By another address, for what failed is kept as such.
    url.search = `again=${pauses.length}`;
    setTimeout(() => replace(element, key, url.href), pauses.shift());
  };
  const replace = (element, key, url) => {
    if (key === "href") element.href = url;
    else document.head.append(Object.assign(document.createElement("script"), { type: "module", src: url }));
  };
  const failed = ({ target }) => {
    if (target instanceof HTMLLinkElement && target.rel === "stylesheet") again(target, "href");
    if (target instanceof HTMLScriptElement && target.src !== "") again(target, "src");
  };
  document.addEventListener("error", failed, { capture: true });
}
