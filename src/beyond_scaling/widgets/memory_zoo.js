// The networks that the playground shows: names, sources and settings, and how each is made of images.
import { distanceMemory, energyTransformer, hierarchicalMemory, kernelisedHopfield, manhattanHopfield, modernHopfield, outlierEfficientHopfield, predictiveCoding, sparseHopfield } from "./hopfield.js";
import { classicalHopfield, denseMemory, exponentialMemory, gradedHopfield } from "./hopfield_binary.js";
import { learningKernel } from "./kernel.js";

/** beta of the graded network, the gain of its neurons; its weights know nothing of the other networks' beta. */
export const GRADED_GAIN = 4;
/** Gain of the visible neurons of the hierarchical memory. */
export const VISIBLE_GAIN = 2;
/** How far the Energy Transformer first tries to step. */
export const BLOCK_STEP = 0.5;
/** What the predictive-coding memory adds to variances, and the share of the way that a step of it goes. */
export const PRECISION = { epsilon: 0.01, step: 0.5 };
/** Descent of the kernel. */
export const KERNEL = { steps: 10, rate: 1, t: 2 };

function* learntKernel(P) {
  // One image has no other to be told from.
  const W = P.length > 1 ? yield* learningKernel(P, KERNEL) : P[0].map((_, i) => P[0].map((__, k) => Number(i === k)));
  return ({ beta }) => kernelisedHopfield(P, beta, W);
}

/**
 * Name, source, and `make(P, {beta, degree})`, which gives a network and throws a RangeError if there is none for these
 * images; or `prepare(P)`, a generator that pauses often, whose value is such a `make` without P: heavy work, once for a set.
 */
export const ZOO = {
  hebb: { name: "Hebb", source: "Hopfield 1982", uses: [], make: (P) => classicalHopfield(P, "hebb") },
  "pseudo-inverse": { name: "Pseudo-inverse", source: "Personnaz 1985", uses: [], make: (P) => classicalHopfield(P, "pseudo-inverse") },
  graded: { name: "Graded", source: "Hopfield 1984", uses: [], make: (P) => gradedHopfield(P, GRADED_GAIN) },
  dense: { name: "Dense", source: "Krotov 2016", uses: ["degree"], make: (P, { degree }) => denseMemory(P, degree) },
  exponential: { name: "Exponential", source: "Demircigil 2017", uses: [], make: (P) => exponentialMemory(P) },
  modern: { name: "Modern", source: "Ramsauer 2020", uses: ["beta"], make: (P, { beta }) => modernHopfield(P, beta) },
  distance: { name: "Distance, E", source: "the paper, eq 4", uses: ["beta"], make: (P, { beta }) => distanceMemory(P, beta) },
  sparse: { name: "Sparsemax", source: "Hu 2023", uses: ["beta"], make: (P, { beta }) => sparseHopfield(P, beta, 2) },
  entmax: { name: "Entmax 1.5", source: "Peters 2019", uses: ["beta"], make: (P, { beta }) => sparseHopfield(P, beta, 1.5) },
  outlier: { name: "Outlier-efficient", source: "Hu 2024", uses: ["beta"], make: (P, { beta }) => outlierEfficientHopfield(P, beta) },
  kernelised: { name: "Kernelised", source: "Wu 2024", uses: ["beta"], prepare: learntKernel },
  universal: { name: "Manhattan", source: "Millidge 2022", uses: ["beta"], make: (P, { beta }) => manhattanHopfield(P, beta) },
  hierarchical: { name: "Hierarchical", source: "Krotov 2021", uses: ["beta"], make: (P, { beta }) => hierarchicalMemory(P, beta, VISIBLE_GAIN) },
  transformer: { name: "Energy Transformer", source: "Hoover 2023", uses: ["beta"], make: (P, { beta }) => energyTransformer(P, beta, BLOCK_STEP) },
  predictive: { name: "Predictive coding", source: "Tang 2023", uses: [], make: (P) => predictiveCoding(P, PRECISION.epsilon, PRECISION.step) },
};
