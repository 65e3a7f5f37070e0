// The networks with real states: from stored patterns, an energy and an update. The same formulas, constants and rules as
// the classes of beyond_scaling.hopfield, compared with them in a real browser by tests/browser/test_hopfield_js.py.
//
// P is an array of d patterns of n numbers. A network is {energy(x), update(x, known)}: `known`, n booleans or null, are the
// coordinates that keep their value (whoever calls sees to that). Where there are such, `weights(x)` are the shares of the
// patterns in the next state, and `view(x)` is what the network shows of its state.
import { energy, logSumExp, mchnEnergy, mchnPosterior, mchnUpdate, normDefects, posterior, softmax, squaredDistances, update } from "./energy.js";
import { cholesky, choleskySolve, columnProducts, inner, timesVector, total, weightedRows } from "./linear_algebra.js";

/** Ramsauer et al. 2020. */
export function modernHopfield(P, beta) {
  return {
    energy: (x) => mchnEnergy(x, P, beta),
    update: (x) => mchnUpdate(x, P, beta),
    weights: (x) => mchnPosterior(x, P, beta),
  };
}

/** The paper's E (equation 4) at inverse temperature beta: E(sqrt(beta) x; sqrt(beta) P) / beta. */
export function distanceMemory(P, beta) {
  const unit = Math.sqrt(beta);
  const scaled = P.map((rho) => Array.from(rho, (v) => unit * v));
  const at = (x) => Array.from(x, (v) => unit * v);
  return {
    energy: (x) => energy(at(x), scaled) / beta,
    update: (x) => update(at(x), scaled).map((v) => v / unit),
    weights: (x) => posterior(at(x), scaled),
  };
}

/** Hu et al. 2024: one more pattern, zero. */
export function outlierEfficientHopfield(P, beta) {
  const stored = [...P, new Float64Array(P[0].length)];
  const { energy: height, update: step } = modernHopfield(stored, beta);
  return { energy: height, update: step, weights: (x) => mchnPosterior(x, stored, beta).slice(0, -1) };
}

/**
 * Weights >= 0 of sum 1, many of them 0. @param {ArrayLike<number>} z @param {1|1.5|2} alpha softmax, entmax, sparsemax
 * @returns {number[]}
 */
export function entmax(z, alpha) {
  if (alpha === 1) return softmax(z);
  const top = Math.max(...z);
  const values = Array.from(z, (v) => (alpha === 2 ? v - top : (v - top) / 2));
  const ordered = [...values].sort((u, v) => v - u);
  // The threshold, were the k largest the support: that of the largest k whose own entry lies above it is the one.
  let [sum, squares, threshold] = [0, 0, -1];
  for (let k = 1; k <= ordered.length; k += 1) {
    const v = ordered[k - 1];
    sum += v;
    squares += v * v;
    const mean = sum / k;
    const inside = 1 - (squares - k * mean * mean);
    const found = alpha === 2 ? (sum - 1) / k : mean - Math.sqrt(Math.max(inside, 0) / k);
    if (v < found || (alpha !== 2 && inside < 0)) break;
    threshold = found;
  }
  return values.map((v) => Math.max(v - threshold, 0) ** (alpha === 2 ? 1 : 2));
}

/** H_alpha(p) = sum_i (p_i - p_i^alpha) / (alpha (alpha - 1)). */
const tsallis = (p, alpha) => total(p.map((v) => (v > 0 ? -v * Math.expm1((alpha - 1) * Math.log(v)) : 0))) / (alpha * (alpha - 1));

/** Hu et al. 2023. @param {1.5|2} alpha */
export function sparseHopfield(P, beta, alpha) {
  const share = (x) => entmax(timesVector(P, x).map((v) => beta * v), alpha);
  const defects = normDefects(P);
  const uniform = -Math.expm1(-(alpha - 1) * Math.log(P.length)) / (alpha * (alpha - 1));
  return {
    energy(x) {
      const p = share(x);
      const terms = squaredDistances(x, P).map((s, i) => s + defects[i]);
      return inner(p, terms) / 2 + (uniform - tsallis(p, alpha)) / beta;
    },
    update: (x) => weightedRows(P, share(x)),
    weights: share,
  };
}

/** Wu et al. 2024: dot products after the map W, of full column rank. @param {ArrayLike<number>[]} W (m, n) */
export function kernelisedHopfield(P, beta, W) {
  const mapped = P.map((rho) => timesVector(W, rho));
  const metric = columnProducts(W, W); // (n, n)
  const weights = (x) => mchnPosterior(timesVector(W, x), mapped, beta);
  return {
    weights,
    energy: (x) => mchnEnergy(timesVector(W, x), mapped, beta),
    update(x, known) {
      const aim = weightedRows(P, weights(x));
      if (!known) return aim;
      // The free coordinates answer, in the metric, to what is held away from the aim.
      const free = [...aim.keys()].filter((k) => !known[k]);
      const held = aim.map((v, k) => (known[k] ? x[k] - v : 0));
      const pull = timesVector(metric, held);
      for (const k of aim.keys()) if (known[k]) aim[k] = x[k];
      if (!free.length) return aim;
      const shift = choleskySolve(cholesky(free.map((i) => free.map((k) => metric[i][k]))), free.map((k) => -pull[k]));
      free.forEach((k, i) => { aim[k] += shift[i]; });
      return aim;
    },
  };
}

/** Millidge et al. 2022, with the sum of absolute differences as distance and softmax to tell them apart. */
export function manhattanHopfield(P, beta) {
  const scores = (x) => P.map((rho) => {
    let sum = 0;
    for (let k = 0; k < rho.length; k += 1) sum += Math.abs(x[k] - rho[k]);
    return -beta * sum;
  });
  const weights = (x) => softmax(scores(x));
  return { weights, energy: (x) => -logSumExp(scores(x)) / beta, update: (x) => weightedRows(P, weights(x)) };
}

/** Krotov & Hopfield 2021: hidden neurons that compete (softmax, beta) over visible ones that answer with tanh(gain x). */
export function hierarchicalMemory(P, beta, gain) {
  const view = (x) => Float64Array.from(x, (v) => Math.tanh(gain * v));
  const hidden = (x) => timesVector(P, view(x)).map((v) => beta * v);
  const logCosh = (v) => Math.abs(v) + Math.log1p(Math.exp(-2 * Math.abs(v))) - Math.LN2;
  const weights = (x) => softmax(hidden(x));
  return {
    view, weights,
    energy: (x) => inner(view(x), x) - total(Array.from(x, (v) => logCosh(gain * v))) / gain - logSumExp(hidden(x)) / beta,
    update: (x) => weightedRows(P, weights(x)),
  };
}

const LAYER_NORM = 1e-5; // what it adds to the variance
const HALVINGS_OF_STEP = 40;

/**
 * Hoover et al. 2023 with one token, which has none to attend to: a memory that competes (softmax, beta) over a normalised
 * state. A step goes down the gradient in what is normalised, by `step` or half of it, or half of that, until the energy
 * does not rise; mean and deviation of the state are then set back to those of the patterns.
 */
export function energyTransformer(P, beta, step) {
  const n = P[0].length;
  const mean = (x) => total(x) / n;
  const centred = (x) => { const m = mean(x); return Float64Array.from(x, (v) => v - m); };
  const variance = (c) => inner(c, c) / n;
  const middle = total(P.map(mean)) / P.length;
  const spread = total(P.map((rho) => Math.sqrt(variance(centred(rho))))) / P.length || 1;
  /** beta xi.g, with g the normalised state. */
  function scores(x) {
    const c = centred(x);
    const s = Math.sqrt(variance(c) + LAYER_NORM);
    return timesVector(P, c).map((v) => (beta * v) / s);
  }
  const height = (x) => -logSumExp(scores(x)) / beta;
  const weights = (x) => softmax(scores(x));
  function rescaled(x) {
    const c = centred(x);
    const s = Math.sqrt(variance(c)) || 1;
    return c.map((v) => middle + (spread * v) / s);
  }
  /** The first of the tries with shares 1, 1/2, 1/4, ... of a step whose energy is no higher. */
  function downhill(x, tried) {
    const start = height(x);
    for (let h = 0, share = 1; h < HALVINGS_OF_STEP; h += 1, share /= 2) {
      const there = tried(share);
      if (height(there) <= start) return there;
    }
    return Float64Array.from(x);
  }
  return {
    weights, energy: height,
    update(x, known) {
      const pull = weightedRows(P, weights(x)); // -dE/dg
      const aimed = (share) => rescaled(pull.map((v, k) => x[k] + step * share * v));
      if (!known) return downhill(x, aimed);
      const aim = aimed(1);
      return downhill(x, (share) => aim.map((v, k) => (known[k] ? x[k] : x[k] + share * (v - x[k]))));
    },
  };
}

/** Tang et al. 2023: mean and covariance; an update goes the share `step` of the way to the best completion. */
export function predictiveCoding(P, epsilon, step) {
  const mean = weightedRows(P, P.map(() => 1 / P.length));
  const offsets = P.map((rho) => Float64Array.from(rho, (v, k) => v - mean[k]));
  const covariance = columnProducts(offsets, offsets).map((row) => row.map((v) => v / P.length));
  const ridge = (places) => cholesky(places.map((i) => places.map((k) => covariance[i][k] + (i === k ? epsilon : 0))));
  const whole = ridge([...mean.keys()]);
  let solved = { key: "", held: [], free: [], factor: null };
  function completion(x, known) {
    if (!known) return mean;
    const key = known.map(Number).join("");
    if (key !== solved.key) {
      const held = [...mean.keys()].filter((k) => known[k]);
      solved = { key, held, free: [...mean.keys()].filter((k) => !known[k]), factor: ridge(held) };
    }
    const { held, free, factor } = solved;
    const best = Float64Array.from(x);
    const share = choleskySolve(factor, held.map((k) => x[k] - mean[k]));
    for (const i of free) best[i] = mean[i] + held.reduce((sum, k, j) => sum + covariance[i][k] * share[j], 0);
    return best;
  }
  return {
    energy(x) {
      const away = mean.map((v, k) => x[k] - v);
      return inner(away, choleskySolve(whole, away)) / 2;
    },
    update(x, known) {
      const best = completion(x, known);
      return Float64Array.from(x, (v, k) => v + step * (best[k] - v));
    },
  };
}
