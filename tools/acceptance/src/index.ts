export { buildAll } from './build.ts';
export { measureFirstRows } from './first-rows.ts';
export { type ServiceName, ServiceProcess } from './service-process.ts';
export { type GivenServers, type ServerName, System, type SystemOptions } from './system.ts';
