/** As `Promise.all`, but ends when all have ended: what comes up after another failed is to be stopped as well. */
export async function allEnded<const T extends readonly unknown[]>(promises: T) {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
