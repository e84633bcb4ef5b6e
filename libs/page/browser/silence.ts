export const beatMs = 5_000;
const longestSilenceMs = 15_000;

/** Calls `silent` once a visible tab has heard nothing for too long. A hidden one runs no timers in time, and needs no news. */
export function watchSilence(heardAt: () => number, silent: () => void): () => void {
  let visibleSince = Date.now();
  const watch = setInterval(() => {
    if (document.hidden) visibleSince = Date.now();
    else if (Date.now() - Math.max(heardAt(), visibleSince) > longestSilenceMs) silent();
  }, 1_000);
  return () => clearInterval(watch);
}
