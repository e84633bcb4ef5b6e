export const beatMs = 5_000;
const maxSilenceMs = 15_000;

/** Calls `silent` when a visible tab has heard nothing for too long. A hidden tab’s timers run late, and it needs no news. */
export function watchSilence(heardAt: () => number, silent: () => void): () => void {
  let visibleSince = Date.now();
  const watch = setInterval(() => {
    if (document.hidden) visibleSince = Date.now();
    else if (Date.now() - Math.max(heardAt(), visibleSince) > maxSilenceMs) silent();
  }, 1_000);
  return () => clearInterval(watch);
}
