// When what is shown: the first widget at once, the others when they come near, all of them for print.

const STATE = 'script[type="application/vnd.jupyter.widget-state+json"]';
const VIEW = 'script[type="application/vnd.jupyter.widget-view+json"]';
const NEAR = "100% 0px"; // one screen above and below

const later = () => new Promise((resolve) => { setTimeout(resolve, 0); });
const schedule = { hurry: false, pause: () => globalThis.scheduler?.yield?.() ?? later() };

/** After the browser has painted; a page in the background paints nothing. */
function painted() {
  return new Promise((resolve) => {
    requestAnimationFrame(() => setTimeout(resolve, 0));
    setTimeout(resolve, 200);
  });
}

function read() {
  const records = {};
  for (const script of document.querySelectorAll(STATE)) Object.assign(records, JSON.parse(script.textContent).state);
  const manager = new Manager(records);
  manager.link();
  const views = [];
  [...document.querySelectorAll(VIEW)].forEach((script, i) => {
    try {
      views.push(new View(script, i + 1, manager, schedule));
    } catch (error) {
      script.parentElement.append(note(`This widget could not be shown: ${error.message}`));
      script.parentElement.dataset.ready = "failed";
      reportError(error);
    }
  });
  return { manager, views };
}

/** Whatever a widget throws later, in a handler or a timer, is laid at its own door. */
function watch(manager, views) {
  const culprit = (text) => {
    const suspects = views.filter((view) => view.work && !view.failed && view.sources().some((source) => text.includes(source)));
    return suspects.includes(manager.touched) ? manager.touched : suspects.at(-1);
  };
  const blame = (event, view, error) => {
    if (!view || view.failed) return;
    if (view.linked || view.forgiving) event.preventDefault();
    if (!view.forgiving) view.fail(error, { reported: true });
  };
  addEventListener("error", (event) => {
    // In a page opened from a folder an error has neither name nor place: it is that of the widget that has just been moved.
    const nameless = !event.error && !event.filename && location.protocol === "file:";
    if (nameless) blame(event, manager.justTouched(), "one of its scripts failed");
    else blame(event, culprit(`${event.filename} ${event.error?.stack ?? ""}`), event.error ?? event.message);
  });
  addEventListener("unhandledrejection", (event) => blame(event, culprit(String(event.reason?.stack ?? "")), event.reason));
}

/** Show what an address asks for, and the first of it in sight. */
async function follows(views) {
  const asked = readFragment(location.hash).map(({ n, states }) => {
    const view = views.find((one) => one.n === n);
    return view ? { view, states } : { view: views[0], states: null };
  });
  for (const { view, states } of asked) {
    if (view.work) view.again(states);
    else view.link = states;
  }
  for (const { view } of asked) await view.mount();
  asked[0]?.view.place.scrollIntoView({ block: "start" });
}

async function start() {
  const { manager, views } = read();
  let queue = Promise.resolve();
  const mount = (view) => { queue = queue.then(() => view.mount()).then(later); return queue; };
  window.bsMountAll = async () => { for (const view of views) await mount(view); };
  if (views.length === 0) return;
  watch(manager, views);
  addEventListener("hashchange", () => follows(views));
  addEventListener("beforeprint", () => {
    // Nothing may wait: what is not there when this returns is not printed.
    schedule.hurry = true;
    for (const view of views) view.mount();
  });
  addEventListener("afterprint", () => { schedule.hurry = false; });
  await follows(views);
  await mount(views[0]);
  const observer = new IntersectionObserver((entries) => {
    for (const entry of entries.filter(({ isIntersecting }) => isIntersecting)) {
      observer.unobserve(entry.target);
      mount(views.find((view) => view.place === entry.target));
    }
  }, { rootMargin: NEAR });
  for (const view of views.slice(1)) observer.observe(view.place);
}

// Formulas are set once the first widget can be used: MathJax would keep the page busy until then.
let release;
const first = new Promise((resolve) => { release = resolve; });
if (window.MathJax && !window.MathJax.version) {
  window.MathJax.startup = {
    ...window.MathJax.startup,
    pageReady: () => first.then(() => window.MathJax.startup.defaultPageReady()),
  };
}
// The theme's scripts have the whole page laid out: in a finished page they come when the first widget can be used.
first.then(() => {
  const late = document.querySelector("meta[name='bs-late']");
  if (!late) return;
  const script = element("script", { src: late.content });
  // Part of them starts with the page's load event, which may be over; it asks where everything stands (page.js).
  script.addEventListener("load", async () => {
    if (document.readyState !== "complete") return;
    await window.bsLaid;
    dispatchEvent(new Event("load"));
  });
  document.head.append(script);
});
start().finally(release);
