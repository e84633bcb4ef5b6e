import { readFileSync, readlinkSync } from 'node:fs';

/** Figures by name: `perSecond`, `p50` …, `rss` in MB, `cores.<process>`. */
export type Measurement = Record<string, number>;

/** Seconds of CPU that the machine and this process's children have used so far, by name. */
export interface CpuTimes {
  at: number;
  /** The cores were idle. */
  idle: number;
  /** The hypervisor gave them to another machine. */
  stolen: number;
  /** All other time. */
  busy: number;
  processes: Record<string, number>;
}

// USER_HZ: 100 on every Linux that Node runs on.
const ticksPerSecond = 100;

// By working folder and command line: services and servers under test are children of this process.
const names: [RegExp, string][] = [
  [/^[^\0]*apps\/([\w-]+)\0.*\0dist\/main\.js/s, '$1'],
  [/load\/process\.ts/, 'generator'],
  [/floors\/route-server\.ts/, 'route'],
  [/-D\0[^\0]*\/(write-db|read-db)\0/, '$1'],
  [/kafka\.Kafka/, 'kafka'],
];

/** Undefined where there is no /proc. */
export function cpuTimes(): CpuTimes | undefined {
  const [, ...fields] = read('/proc/stat').split('\n', 1)[0]?.trim().split(/\s+/) ?? [];
  const [user, nice, system, idle, waiting, irq, softirq, stolen] = fields.map(
    (ticks) => Number(ticks) / ticksPerSecond,
  );
  if (idle === undefined || stolen === undefined) return undefined;
  const busy = [user, nice, system, irq, softirq].reduce<number>((sum, part) => sum + (part ?? 0), 0);
  const processes: Record<string, number> = { bench: timeOf(process.pid) };
  for (const pid of childrenOf(process.pid)) {
    const name = nameOf(pid);
    processes[name] = (processes[name] ?? 0) + timeOfTree(pid);
  }
  return { at: performance.now(), idle: idle + (waiting ?? 0), stolen, busy, processes };
}

/** The average number of cores that each process used, and `others` on this machine: `cores.<name>`; empty without /proc. */
export function coresUsed(from: CpuTimes | undefined, to: CpuTimes | undefined): Record<string, number> {
  if (from === undefined || to === undefined) return {};
  const seconds = (to.at - from.at) / 1000;
  const cores = (before: number, after: number) => Math.max(0, after - before) / seconds;
  const named = Object.entries(to.processes).map(
    ([name, after]) => [`cores.${name}`, cores(from.processes[name] ?? 0, after)] as const,
  );
  const known = named.reduce((sum, [, used]) => sum + used, 0);
  return {
    ...Object.fromEntries(named),
    'cores.others': Math.max(0, cores(from.busy, to.busy) - known),
    'cores.stolen': cores(from.stolen, to.stolen),
    'cores.idle': cores(from.idle, to.idle),
  };
}

/** The process id of a child by its name above; undefined without such a child or /proc. */
export function pidOf(name: string): number | undefined {
  return childrenOf(process.pid).find((pid) => nameOf(pid) === name);
}

/** The resident memory of a process in MB; undefined when it has ended. */
export function residentMemory(pid: number): number | undefined {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`)) ?? [];
  return kilobytes === undefined ? undefined : Number(kilobytes) / 1024;
}

/** The memory of a child as `rss`; empty without such a child or /proc. */
export function memoryOf(name: string): { rss?: number } {
  const pid = pidOf(name);
  const rss = pid === undefined ? undefined : residentMemory(pid);
  return rss === undefined ? {} : { rss };
}

function folderOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return ''; // It has ended.
  }
}

function nameOf(pid: number): string {
  const command = `${folderOf(pid)}\0${read(`/proc/${pid}/cmdline`)}`;
  for (const [pattern, name] of names) {
    const match = pattern.exec(command);
    if (match !== null) return name === '$1' ? (match[1] ?? name) : name;
  }
  return 'bench';
}

function childrenOf(pid: number): number[] {
  return read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
}

function timeOfTree(pid: number): number {
  return childrenOf(pid).reduce((sum, child) => sum + timeOfTree(child), timeOf(pid));
}

/** Including children that have ended. */
function timeOf(pid: number): number {
  const stat = read(`/proc/${pid}/stat`);
  // The name in brackets may contain anything; utime, stime, cutime and cstime are the 12th to 15th field after it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / ticksPerSecond;
}

/** Empty for a missing file: a process may end at any time. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
