export { Load } from './load.ts';
export { System } from './system.ts';
