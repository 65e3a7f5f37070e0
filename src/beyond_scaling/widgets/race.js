// Networks that retrieve side by side, a step at a time. A network is {energy(x), update(x, known), weights(x)?}.

/** No pixel moved by more than this: settled. */
export const STILL = 1e-3;
/** A network that has moved so often is not waited for. */
export const MOST_STEPS = 100;

/**
 * A network at the start of its way. Energies are counted from the first update on: while a hand paints, nobody asks.
 * @param {object} network @param {number[]} query 64 entries 1, -1 and 0
 */
export function startRun(network, query) {
  const x = Float64Array.from(query);
  return { network, x, before: x, steps: 0, settled: false, done: false, energies: [] };
}

/**
 * One update, unless it is done. `done` comes when nothing moves, or after MOST_STEPS updates.
 * @param {boolean[]|null} known pixels that keep their value
 */
export function advanceRun(run, known) {
  if (run.done) return;
  if (!run.energies.length) run.energies.push(run.network.energy(run.x));
  const next = run.network.update(run.x, known);
  let moved = 0;
  for (let k = 0; k < next.length; k += 1) {
    if (known?.[k]) next[k] = run.x[k];
    moved = Math.max(moved, Math.abs(next[k] - run.x[k]));
  }
  run.before = run.x;
  run.x = next;
  run.settled = moved <= STILL;
  if (run.settled) {
    // What is below the tolerance is not worth a step of its own.
    run.energies[run.energies.length - 1] = run.network.energy(next);
  } else {
    run.steps += 1;
    run.energies.push(run.network.energy(next));
  }
  run.done = run.settled || run.steps >= MOST_STEPS;
}
