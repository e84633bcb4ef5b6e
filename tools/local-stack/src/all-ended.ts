/** Like `Promise.all`, but waits for all: a server that starts after another one failed must be stopped as well. */
export async function allEnded<const T extends readonly unknown[]>(promises: T) {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
