export { buildAll } from './build.ts';
export { ServiceProcess } from './service-process.ts';
export { System } from './system.ts';
