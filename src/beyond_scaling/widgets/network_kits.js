// The networks of a set of images, made in slices between frames: some have to learn first.
import { ZOO } from "./memory_zoo.js";
import { decodeImage } from "./pixels.js";

/** Milliseconds between two frames that may go into learning. */
const SLICE_MS = 4;

/**
 * A kit makes the network of one name for a set of images from settings; it is made once for a set.
 * @param {{settings: (name: string) => any, onKit: (key: string) => void, onSlice: () => void}} options
 *   settings: a setting's value now; onKit: the kit of a name is there; onSlice: some time went into kits
 */
export function networkKits({ settings, onKit, onSlice }) {
  let images = [];
  let setKey = "";
  let kits = new Map(); // name -> what makes the network of this set from its settings
  let waiting = []; // [name, generator of such a kit]
  let networks = new Map(); // name -> {text, network}, network a text where there is none
  let timer = 0;

  function* kitOf(key) {
    const { make, prepare } = ZOO[key];
    if (prepare) return yield* prepare(images);
    return (chosen) => make(images, chosen);
  }
  /** Work at kits until a moment, or (`quick`) at all that need no learning. */
  function work(until, quick = false) {
    for (let i = 0; i < waiting.length && performance.now() < until;) {
      const [key, generator] = waiting[i];
      if (quick && ZOO[key].prepare) { i += 1; continue; }
      const { done, value } = generator.next();
      if (!done) continue;
      waiting.splice(i, 1);
      kits.set(key, value);
      onKit(key);
    }
  }
  function slice() {
    timer = 0;
    work(performance.now() + SLICE_MS);
    if (waiting.length) timer = setTimeout(slice, 0);
    onSlice();
  }
  return {
    /** Take another set of images; all kits of the old one are void. @param {string[]} codes */
    gather(codes) {
      const key = codes.join();
      if (key === setKey) return;
      setKey = key;
      images = codes.map(decodeImage);
      kits = new Map();
      waiting = [];
      networks = new Map();
    },
    /** The images of the set, decoded. */
    images: () => images,
    /** Whether the kit of a name is there; if not, it will be. */
    ask(key) {
      if (kits.has(key)) return true;
      if (!waiting.some(([other]) => other === key)) waiting.push([key, kitOf(key)]);
      timer ||= setTimeout(slice, 0);
      return false;
    },
    /** Make at once all kits that need no learning. */
    hasten: () => work(Infinity, true),
    busy: () => waiting.length > 0,
    /** The network of a name whose kit is there, at the present settings; a text where these images have none. */
    network(key) {
      const chosen = Object.fromEntries(ZOO[key].uses.map((name) => [name, settings(name)]));
      const text = JSON.stringify(chosen);
      if (networks.get(key)?.text !== text) {
        let network = "";
        try { network = kits.get(key)(chosen); } catch (error) {
          if (!(error instanceof RangeError)) throw error;
          network = "images span everything";
        }
        networks.set(key, { text, network });
      }
      return networks.get(key).network;
    },
    stop: () => clearTimeout(timer),
  };
}
