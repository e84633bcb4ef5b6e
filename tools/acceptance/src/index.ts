export { buildAll } from './build.ts';
export { System } from './system.ts';
