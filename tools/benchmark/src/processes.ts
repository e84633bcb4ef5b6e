import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

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

/** Servers under test that are not children of this process. */
const elsewhere = new Map<number, string>();

/** From now on, reports the CPU of a process that this one did not start, under a name. */
export function watchProcess(pid: number, name: string): void {
  const known = elsewhere.get(pid);
  // One server may have both databases.
  elsewhere.set(pid, known === undefined || known === name ? name : `${known}+${name}`);
}

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
  for (const [pid, name] of elsewhere) processes[name] = timeOfTree(pid);
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

/** The process that listens on a TCP port of this machine; undefined without one, its socket's privilege, or /proc. */
export function listenerOn(port: number): number | undefined {
  const listening = '0A';
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const sockets = ['tcp', 'tcp6'].flatMap((table) =>
    read(`/proc/net/${table}`)
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, address, , state]) => address?.endsWith(local) === true && state === listening)
      .map((fields) => `socket:[${fields[9]}]`),
  );
  const pids = list('/proc').filter((name) => /^\d+$/.test(name));
  const found = pids.find((pid) =>
    list(`/proc/${pid}/fd`).some((fd) => sockets.includes(link(`/proc/${pid}/fd/${fd}`))),
  );
  return found === undefined ? undefined : Number(found);
}

function nameOf(pid: number): string {
  const command = `${link(`/proc/${pid}/cwd`)}\0${read(`/proc/${pid}/cmdline`)}`;
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

/** Empty for a missing folder, or one without access. */
function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** Empty for a missing link, or one without access. */
function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
