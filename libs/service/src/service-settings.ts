import { choice, flag, integer, type Setting } from './settings.ts';
import { tls } from './tls-settings.ts';

/** The port of health and metrics; undefined if they are on the port of the service. */
const metricsPort: Setting<number | undefined> = {
  ...integer('METRICS_PORT', 9_464, 0, 65_535),
  absent: () => undefined,
};

/** The lowest level that is logged. */
export const logLevel = choice('LOG_LEVEL', 'info', ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']);

/** The settings of every service: its address, its certificate and its logging. */
export function serviceSettings(port: number) {
  return {
    port: integer('PORT', port, 0, 65_535),
    metricsPort,
    tls,
    host: { variable: 'HOST', example: '127.0.0.1', fallback: '0.0.0.0', parse: (text: string) => text },
    logLevel,
    logPretty: flag('LOG_PRETTY'),
  };
}
